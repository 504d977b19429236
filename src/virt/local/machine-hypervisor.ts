import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { cpus, freemem, platform, totalmem } from 'node:os';
import { extname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { HostClock, hostRandom, type Logger } from '../../util/index.ts';
import type { BlockInfo, NodeInfo, NodeStat } from '../backend.ts';
import {
  type DomainCapabilitiesQuery,
  type FilledDomainDef,
  fillDomainDefaults,
  formatCapabilities,
  formatDomainCapabilities,
  type HostCapabilities,
  makeLive,
  parseCpuSet,
  parseDomain,
  validateDomain,
} from '../conf/index.ts';
import { virtError } from '../errors.ts';
import { formatCpuSet } from './cpu-set.ts';
import * as facts from './host-facts.ts';
import type { DomainGuest, Hypervisor, MachineSurroundings, MadeGuest } from './hypervisor.ts';
import type { NetworkDriver } from './network-driver.ts';

const run = promisify(execFile);

/** RAM that one shared WebAssembly.Memory can hold beside the machine's own state, in KiB. */
const MAX_MEMORY_KIB = (4 * 2 ** 30 - 2 * 2 ** 20) / 1024;
const MAX_VCPUS = 8;

/** Real machines on this host; what runs them, and where, is for the classes below it. */
export abstract class MachineHypervisor implements Hypervisor {
  readonly errorDomain = 'QEMU';
  // Clients know by it what to expect of a domain: type 'qemu', machine 'virt'.
  readonly type = 'QEMU';
  readonly domainType = 'qemu';
  readonly version = ownVersion();
  readonly clock = new HostClock();
  readonly logger: Logger;
  readonly host: HostCapabilities;
  readonly hasBalloon = false;
  readonly scheduler = undefined;
  abstract readonly networks: NetworkDriver;

  constructor(logger: Logger) {
    this.logger = logger;
    this.host = {
      uuid: facts.hostUuid(),
      arch: facts.hostArch(),
      cpus: cpus().length,
      memoryKib: Math.floor(totalmem() / 1024),
      emulator: ownProgram(),
      maxVcpus: MAX_VCPUS,
      maxMemoryKib: MAX_MEMORY_KIB,
    };
  }

  abstract make(def: FilledDomainDef, surroundings: MachineSurroundings): Promise<MadeGuest>;

  complete(xml: string): FilledDomainDef {
    const def = fillDomainDefaults(parseDomain(xml), { random: hostRandom, emulator: this.host.emulator });
    validateDomain(def, this.host);
    return def;
  }

  live(def: FilledDomainDef): FilledDomainDef {
    const { graphics } = def.devices;
    // Nobody listens: what looks for a port is to find none, rather than one that is still to be chosen.
    const silent = graphics.map(({ port: _, tlsPort: _tls, websocket: _web, ...rest }) => rest);
    return makeLive({ ...def, devices: { ...def.devices, graphics: silent } });
  }

  /** Puts the vCPUs on the host CPUs of the definition. */
  async started(made: MadeGuest, def: FilledDomainDef): Promise<void> {
    const { vcpu, cputune } = def;
    for (let id = 0; id < (vcpu.current ?? vcpu.max); id++) {
      const own = cputune?.vcpupins.find((pin) => pin.vcpu === id);
      const wanted = parseCpuSet(own?.cpuset ?? vcpu.cpuset);
      if (wanted !== undefined) await this.pin(made, id, wanted);
    }
  }

  async press(guest: DomainGuest, wish: 'poweroff' | 'reboot'): Promise<void> {
    await guest.press(wish);
  }

  async pin(made: MadeGuest, vcpu: number, cpus: readonly number[]): Promise<void> {
    const tid = await threadIdOf(made, vcpu);
    const obstacle = tid === undefined ? 'this host does not tell the ids of threads' : facts.pinningObstacle();
    if (obstacle !== undefined) throw virtError('OPERATION_UNSUPPORTED', `cannot pin vCPU ${vcpu}: ${obstacle}`);
    try {
      await run('taskset', ['-p', '-c', formatCpuSet(cpus), String(tid)]);
    } catch (cause) {
      const detail = (cause as { stderr?: string }).stderr?.trim() ?? String(cause);
      throw virtError('OPERATION_FAILED', `cannot pin vCPU ${vcpu}: ${detail}`, { cause });
    }
  }

  async imageInfo(path: string): Promise<BlockInfo> {
    const { size, blocks } = await stat(path).catch((cause: NodeJS.ErrnoException) => {
      throw virtError('SYSTEM_ERROR', `cannot stat file '${path}': ${cause.message}`, { cause, data: { path } });
    });
    return { allocation: BigInt(blocks) * 512n, capacity: BigInt(size), physical: BigInt(size) };
  }

  capabilities(): string {
    return formatCapabilities(this.host);
  }

  domainCapabilities(query: DomainCapabilitiesQuery): string {
    return formatDomainCapabilities(this.host, query);
  }

  sysinfo(): string {
    return facts.sysinfo();
  }

  nodeInfo(): NodeInfo {
    return facts.nodeInfo();
  }

  freeMemory(): bigint {
    return BigInt(freemem());
  }

  cpuStats(cpuNum: number): NodeStat[] {
    return facts.cpuStats(cpuNum);
  }

  memoryStats(): NodeStat[] {
    return facts.memoryStats();
  }
}

/** How often, a millisecond apart, a thread that has just started is asked for its id. */
const ID_TRIES = 200;

async function threadIdOf(made: MadeGuest, vcpu: number): Promise<number | undefined> {
  for (let tries = 0; tries < ID_TRIES; tries++) {
    const { vcpus } = await made.numbers();
    const tid = vcpus[vcpu]?.threadId;
    if (tid !== undefined || platform() !== 'linux') return tid;
    await setTimeout(1);
  }
  return undefined;
}

/** Of this package: major · 1000000 + minor · 1000 + release. */
function ownVersion(): bigint {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  const [major = 0, minor = 0, release = 0] = version.split(/[.-]/).map(Number);
  return BigInt(major * 1_000_000 + minor * 1000 + release);
}

/** Path of our own command, which is what runs the machines. */
function ownProgram(): string {
  return fileURLToPath(new URL(`../../tools/cli/main${extname(import.meta.url)}`, import.meta.url));
}
