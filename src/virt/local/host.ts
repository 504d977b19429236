import { hostname } from 'node:os';
import type { ConnectProcedures, NodeInfo, NodeStat } from '../backend.ts';
import { virtError } from '../errors.ts';
import { cpuMap } from './cpu-set.ts';
import type { Hypervisor } from './hypervisor.ts';
import { checkFlags } from './impact.ts';
import type { Session } from './session.ts';

/** The release of libvirt whose behaviour this layer follows. */
const LIBVIRT_VERSION = 9_000_000n;

/** Connection and host. */
export class LocalHost implements Omit<ConnectProcedures, 'connectClose'> {
  readonly #session: Session;
  readonly #hypervisor: Hypervisor;

  constructor(session: Session) {
    this.#session = session;
    this.#hypervisor = session.world.hypervisor;
  }

  async connectGetType(): Promise<string> {
    return this.#hypervisor.type;
  }

  async connectGetVersion(): Promise<bigint> {
    return this.#hypervisor.version;
  }

  async connectGetLibVersion(): Promise<bigint> {
    return LIBVIRT_VERSION;
  }

  async connectGetHostname(): Promise<string> {
    return hostname();
  }

  async connectGetUri(): Promise<string> {
    return this.#session.uri;
  }

  async connectIsSecure(): Promise<boolean> {
    return true;
  }

  async connectGetMaxVcpus(type: string | undefined): Promise<number> {
    if (type !== undefined && type.toLowerCase() !== this.#hypervisor.domainType) {
      throw virtError('INVALID_ARG', `unknown type '${type}'`);
    }
    return this.#hypervisor.host.maxVcpus;
  }

  async connectGetCapabilities(): Promise<string> {
    return this.#hypervisor.capabilities();
  }

  async connectGetDomainCapabilities(
    emulator: string | undefined,
    arch: string | undefined,
    machine: string | undefined,
    virttype: string | undefined,
    flags: number,
  ): Promise<string> {
    checkFlags(flags, 0, 'connectGetDomainCapabilities');
    return this.#hypervisor.domainCapabilities({
      ...(emulator === undefined ? {} : { emulator }),
      ...(arch === undefined ? {} : { arch }),
      ...(machine === undefined ? {} : { machine }),
      ...(virttype === undefined ? {} : { virttype }),
    });
  }

  async connectGetSysinfo(flags: number): Promise<string> {
    checkFlags(flags, 0, 'connectGetSysinfo');
    return this.#hypervisor.sysinfo();
  }

  async nodeGetInfo(): Promise<NodeInfo> {
    return this.#hypervisor.nodeInfo();
  }

  async nodeGetFreeMemory(): Promise<bigint> {
    return this.#hypervisor.freeMemory();
  }

  async nodeGetCpuMap(flags: number): Promise<{ cpumap: Uint8Array; online: number; cpus: number }> {
    checkFlags(flags, 0, 'nodeGetCpuMap');
    const { cpus } = this.#hypervisor.host;
    return {
      cpumap: cpuMap(
        Array.from({ length: cpus }, (_, cpu) => cpu),
        cpus,
      ),
      online: cpus,
      cpus,
    };
  }

  async nodeGetCpuStats(cpuNum: number, flags: number): Promise<NodeStat[]> {
    checkFlags(flags, 0, 'nodeGetCpuStats');
    if (cpuNum < -1 || cpuNum >= this.#hypervisor.host.cpus) {
      throw virtError('INVALID_ARG', `Invalid cpuNum in nodeGetCpuStats: ${cpuNum}`);
    }
    return this.#hypervisor.cpuStats(cpuNum);
  }

  async nodeGetMemoryStats(cellNum: number, flags: number): Promise<NodeStat[]> {
    checkFlags(flags, 0, 'nodeGetMemoryStats');
    const { nodes } = this.#hypervisor.nodeInfo();
    if (cellNum < -1 || cellNum >= nodes) {
      const reason = `cellNum in virNodeGetMemoryStats must be less than or equal to ${nodes - 1}`;
      throw virtError('INVALID_ARG', reason);
    }
    return this.#hypervisor.memoryStats(cellNum);
  }
}
