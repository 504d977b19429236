import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { cpus, freemem, platform, totalmem } from 'node:os';
import { extname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  createMachine,
  type DiskOptions,
  type Guest,
  hostRandom,
  type MachineHandle,
  type MachineOptions,
} from '../../drivers/index.ts';
import { FileBlock } from '../../machine/index.ts';
import { type Clock, HostClock, type Logger } from '../../util/index.ts';
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
  toMachineOptions,
  validateDomain,
} from '../conf/index.ts';
import { virtError } from '../errors.ts';
import { CountingBlock } from '../local/counting-block.ts';
import { formatCpuSet } from '../local/cpu-set.ts';
import type { Hypervisor, MadeGuest } from '../local/hypervisor.ts';
import * as facts from './host-facts.ts';

const run = promisify(execFile);

/** RAM that one shared WebAssembly.Memory can hold beside the machine's own state, in KiB. */
const MAX_MEMORY_KIB = (4 * 2 ** 30 - 2 * 2 ** 20) / 1024;
const MAX_VCPUS = 8;

/** Machines in threads of this process: what is behind `nodevisor:///embed`. */
export class EmbedHypervisor implements Hypervisor {
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
  readonly noNetworks = 'machines in this process have no network devices yet';

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

  complete(xml: string): FilledDomainDef {
    const def = fillDomainDefaults(parseDomain(xml), { random: hostRandom, emulator: this.host.emulator });
    validateDomain(def, this.host);
    return def;
  }

  live(def: FilledDomainDef): FilledDomainDef {
    return makeLive(def);
  }

  async make(def: FilledDomainDef, volumePath: (pool: string, volume: string) => string): Promise<MadeGuest> {
    const { options, notices, disks: targets } = toMachineOptions(def, { volumePath });
    const disks = await OpenDisks.open(options.disks ?? [], targets, this.clock);
    const machine = await this.#create({ ...options, disks: disks.options, logger: this.logger }, disks.counting);
    return { guest: machine, disks: disks.made, virtioConsoles: machine.virtioConsoles, notices };
  }

  /** Puts the vCPUs on the host CPUs of the definition. */
  async started(guest: Guest, def: FilledDomainDef): Promise<void> {
    const { vcpu, cputune } = def;
    for (const { id } of guest.stats().vcpus) {
      const own = cputune?.vcpupins.find((pin) => pin.vcpu === id);
      const wanted = parseCpuSet(own?.cpuset ?? vcpu.cpuset);
      if (wanted !== undefined) await this.pin(guest, id, wanted);
    }
  }

  async press(guest: Guest, wish: 'poweroff' | 'reboot'): Promise<void> {
    await guest.press(wish);
  }

  async pin(guest: Guest, vcpu: number, cpus: readonly number[]): Promise<void> {
    const tid = await threadIdOf(guest, vcpu);
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

  /** A machine on opened disks; they are closed when there will be none. */
  async #create(options: MachineOptions, disks: readonly CountingBlock[]): Promise<MachineHandle> {
    try {
      return await createMachine(options);
    } catch (error) {
      await Promise.allSettled(disks.map((disk) => disk.close()));
      throw error;
    }
  }
}

type MadeDisk = MadeGuest['disks'] extends ReadonlyMap<string, infer Disk> ? Disk : never;

/** Disks of a machine while they are opened: those that are open are closed if another cannot be. */
class OpenDisks {
  readonly counting: CountingBlock[] = [];
  readonly options: DiskOptions[] = [];
  readonly made = new Map<string, MadeDisk>();

  static async open(wanted: readonly DiskOptions[], targets: readonly string[], clock: Clock): Promise<OpenDisks> {
    const disks = new OpenDisks();
    try {
      for (const [index, disk] of wanted.entries()) await disks.#add(disk, targets[index] ?? '', clock);
      return disks;
    } catch (error) {
      await Promise.allSettled(disks.counting.map((disk) => disk.close()));
      throw error;
    }
  }

  async #add(disk: DiskOptions, target: string, clock: Clock): Promise<void> {
    if (typeof disk === 'string' || 'backend' in disk) throw new TypeError('a disk of a definition has a file');
    const file = await FileBlock.open(disk.file, { readOnly: disk.readonly ?? false });
    const backend = new CountingBlock(file, clock);
    this.counting.push(backend);
    this.options.push({ backend, ...(disk.serial === undefined ? {} : { serial: disk.serial }) });
    this.made.set(target, { counts: backend.counts, resize: (bytes) => file.resize(bytes) });
  }
}

/** How often, a millisecond apart, a thread that has just started is asked for its id. */
const ID_TRIES = 200;

async function threadIdOf(guest: Guest, vcpu: number): Promise<number | undefined> {
  for (let tries = 0; tries < ID_TRIES; tries++) {
    const tid = guest.stats().vcpus[vcpu]?.threadId;
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
