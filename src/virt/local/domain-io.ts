import type { Duplex } from 'node:stream';
import type {
  BlockInfo,
  BlockStats,
  DomainIoProcedures,
  DomainRef,
  InterfaceAddresses,
  InterfaceStats,
  TypedParam,
} from '../backend.ts';
import { type DiskDef, type FilledDomainDef, type InterfaceDef, sourceOf } from '../conf/index.ts';
import { BlockResize, ConsoleFlags, DomainStats, ListDomains, MemoryStat } from '../enums.ts';
import { virtError } from '../errors.ts';
import type { BlockCounts } from './counting-block.ts';
import type { LocalDomain } from './domain.ts';
import { listed } from './domain-lifecycle.ts';
import { memoryOf } from './domain-read.ts';
import { collectStats } from './domain-stats.ts';
import { checkFlags } from './impact.ts';
import { addressesOf } from './interface-addresses.ts';
import type { World } from './world.ts';

/** What there are numbers of; no domain has an I/O thread, so of these there is nothing to tell. */
const knownStats =
  DomainStats.STATE |
  DomainStats.CPU_TOTAL |
  DomainStats.BALLOON |
  DomainStats.VCPU |
  DomainStats.INTERFACE |
  DomainStats.BLOCK |
  DomainStats.IOTHREAD;
const listFlags = Object.values(ListDomains).reduce((sum: number, bit) => sum | bit, 0);
/** VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT, _BACKING and _ENFORCE_STATS. */
const statsFlags = (1 << 29) | (1 << 30) | (1 << 31);

/** Domains' numbers, and what goes in and out of them. */
export class LocalDomainIo implements DomainIoProcedures {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async domainGetBlockInfo(ref: DomainRef, path: string, flags: number): Promise<BlockInfo> {
    checkFlags(flags, 0, 'domainGetBlockInfo');
    const disk = findDisk(this.#find(ref).current, path);
    return this.blockInfo(disk);
  }

  async domainBlockStats(ref: DomainRef, path: string): Promise<BlockStats> {
    const counts = await this.#counts(ref, path);
    const sum = (of: (count: BlockCounts) => number) => BigInt(counts.reduce((total, one) => total + of(one), 0));
    return {
      rdReq: sum(({ read }) => read.requests),
      rdBytes: sum(({ read }) => read.bytes),
      wrReq: sum(({ write }) => write.requests),
      wrBytes: sum(({ write }) => write.bytes),
      errs: -1n,
    };
  }

  async domainBlockStatsFlags(ref: DomainRef, path: string, flags: number): Promise<TypedParam[]> {
    checkFlags(flags, 4, 'domainBlockStatsFlags');
    const counts = await this.#counts(ref, path);
    const param = (field: string, of: (count: BlockCounts) => number): TypedParam => ({
      field,
      type: 'llong',
      value: BigInt(Math.round(counts.reduce((total, one) => total + of(one), 0))),
    });
    return [
      param('wr_bytes', ({ write }) => write.bytes),
      param('wr_operations', ({ write }) => write.requests),
      param('rd_bytes', ({ read }) => read.bytes),
      param('rd_operations', ({ read }) => read.requests),
      param('flush_operations', ({ flush }) => flush.requests),
      param('wr_total_times', ({ write }) => write.ns),
      param('rd_total_times', ({ read }) => read.ns),
      param('flush_total_times', ({ flush }) => flush.ns),
    ];
  }

  async domainBlockResize(ref: DomainRef, path: string, size: bigint, flags: number): Promise<void> {
    checkFlags(flags, BlockResize.BYTES, 'domainBlockResize');
    const domain = this.#find(ref);
    await domain.jobs.run(async () => {
      const { made, def } = domain.activeRun();
      domain.liveGuest();
      const { target } = findDisk(def, path);
      const bytes = (flags & BlockResize.BYTES) !== 0 ? size : size * 1024n;
      if (bytes > BigInt(Number.MAX_SAFE_INTEGER)) throw virtError('OVERFLOW', `size must be less than ${2 ** 53}`);
      // Up to a whole sector, as libvirt does.
      await made.resizeDisk(target.dev, Number((bytes + 511n) & ~511n));
    });
  }

  async domainInterfaceStats(ref: DomainRef, device: string): Promise<InterfaceStats> {
    const { def, made } = this.#find(ref).activeRun();
    const { alias } = findInterface(def, device);
    const { nets } = await made.numbers();
    const counts = nets.get(alias?.name ?? '');
    return {
      rxBytes: BigInt(counts?.rxBytes ?? 0),
      rxPackets: BigInt(counts?.rxPackets ?? 0),
      rxErrs: 0n,
      rxDrop: BigInt(counts?.rxDrop ?? 0),
      txBytes: BigInt(counts?.txBytes ?? 0),
      txPackets: BigInt(counts?.txPackets ?? 0),
      txErrs: BigInt(counts?.txErrors ?? 0),
      txDrop: BigInt(counts?.txDrop ?? 0),
    };
  }

  async domainInterfaceAddresses(ref: DomainRef, source: number, flags: number): Promise<InterfaceAddresses[]> {
    checkFlags(flags, 0, 'domainInterfaceAddresses');
    const domain = this.#find(ref);
    const { def } = domain.activeRun();
    if (source === 1) throw virtError('ARGUMENT_UNSUPPORTED', 'QEMU guest agent is not configured');
    if (source !== 0 && source !== 2)
      throw virtError('ARGUMENT_UNSUPPORTED', `Unknown IP address data source ${source}`);
    return addressesOf(this.#world.networks, def, source === 0 ? 'lease' : 'arp');
  }

  async domainMemoryStats(ref: DomainRef, flags: number): Promise<{ tag: number; value: bigint }[]> {
    checkFlags(flags, 0, 'domainMemoryStats');
    const domain = this.#find(ref);
    domain.activeRun();
    return [{ tag: MemoryStat.ACTUAL_BALLOON, value: BigInt(memoryOf(domain, this.#world.hypervisor.hasBalloon)) }];
  }

  async connectGetAllDomainStats(
    refs: readonly DomainRef[],
    stats: number,
    flags: number,
  ): Promise<{ domain: DomainRef; params: TypedParam[] }[]> {
    checkFlags(flags, listFlags | statsFlags, 'connectGetAllDomainStats');
    const wanted = stats === 0 ? knownStats : stats & knownStats;
    if ((stats & ~knownStats) !== 0 && flags >>> 31 === 1) {
      throw virtError(
        'ARGUMENT_UNSUPPORTED',
        `Stats types bits 0x${(stats & ~knownStats).toString(16)} are not supported by this daemon`,
      );
    }
    const { domains } = this.#world;
    const chosen =
      refs.length === 0
        ? domains.all.filter((domain) => listed(domain, flags & listFlags))
        : refs.map((ref) => domains.find(ref));
    const host = {
      hasBalloon: this.#world.hypervisor.hasBalloon,
      blockInfo: (disk: DiskDef) => this.blockInfo(disk),
    };
    const records: { domain: DomainRef; params: TypedParam[] }[] = [];
    const waiting: Promise<void>[] = [];
    for (const domain of chosen) {
      const record = { domain: domain.ref, params: [] as TypedParam[] };
      records.push(record);
      const wait = collectStats(record.params, domain, wanted, host);
      if (wait === undefined) continue;
      // What fails is heard below; but not when a domain after this one throws at once.
      wait.catch(() => {});
      waiting.push(wait);
    }
    await Promise.all(waiting);
    return records;
  }

  async domainSendKey(ref: DomainRef, codeset: number, _ms: number, keycodes: readonly number[]): Promise<void> {
    const domain = this.#find(ref);
    domain.activeRun();
    if (codeset < 0 || codeset > 9) throw virtError('INVALID_ARG', `Unknown codeset ${codeset}`);
    if (keycodes.length === 0 || keycodes.length > 16) {
      throw virtError('INVALID_ARG', 'a key stroke is of 1 to 16 key codes');
    }
    throw virtError('OPERATION_UNSUPPORTED', 'the machine has no keyboard; its console takes text');
  }

  async domainScreenshot(ref: DomainRef, _screen: number, flags: number): Promise<{ mime: string; stream: Duplex }> {
    checkFlags(flags, 0, 'domainScreenshot');
    this.#find(ref).activeRun();
    throw virtError('OPERATION_UNSUPPORTED', 'the machine has no screen; its output is on its console');
  }

  async domainCaptureInterface(ref: DomainRef, device: string, flags: number): Promise<Duplex> {
    checkFlags(flags, 0, 'domainCaptureInterface');
    const domain = this.#find(ref);
    const { made, def } = domain.activeRun();
    const { alias } = findInterface(def, device);
    domain.liveGuest();
    if (made.captureNet === undefined || alias === undefined) {
      throw virtError('OPERATION_UNSUPPORTED', `nothing passes interface '${device}' that could be captured`);
    }
    return made.captureNet(alias.name);
  }

  async domainOpenConsole(ref: DomainRef, device: string | undefined, flags: number): Promise<Duplex> {
    checkFlags(flags, ConsoleFlags.FORCE | ConsoleFlags.SAFE, 'domainOpenConsole');
    const { consoles, def } = this.#find(ref).activeRun();
    const alias = device ?? consoles.keys().next().value;
    const console = alias === undefined ? undefined : consoles.get(alias);
    if (console !== undefined) return console.open(flags);
    const { serials, consoles: defined } = def.devices;
    const known = [...serials, ...defined].find((one) => device === undefined || one.alias?.name === device);
    const name = known?.alias?.name ?? device ?? '(null)';
    throw virtError(
      'INTERNAL_ERROR',
      known === undefined ? `cannot find character device ${name}` : `character device ${name} is not using a PTY`,
    );
  }

  /** Sizes of what a disk is made of. */
  async blockInfo(disk: DiskDef): Promise<BlockInfo> {
    const { pool, volume } = disk.source ?? {};
    const path =
      pool !== undefined && volume !== undefined ? this.#world.pools.volumePath(pool, volume) : sourceOf(disk);
    if (path === '')
      throw virtError('INVALID_ARG', `disk '${disk.target.dev}' does not currently have a source assigned`);
    return this.#world.hypervisor.imageInfo(path);
  }

  async #counts(ref: DomainRef, path: string): Promise<BlockCounts[]> {
    const { made, def } = this.#find(ref).activeRun();
    const target = path === '' ? undefined : findDisk(def, path).target.dev;
    const { disks } = await made.numbers();
    if (target === undefined) return [...disks.values()];
    const counts = disks.get(target);
    return counts === undefined ? [] : [counts];
  }

  #find(ref: DomainRef): LocalDomain {
    return this.#world.domains.find(ref);
  }
}

/** The disk of a target or source. Throws INVALID_ARG. */
export function findDisk(def: FilledDomainDef, path: string): DiskDef {
  const disk = def.devices.disks.find((one) => one.target.dev === path || (path !== '' && sourceOf(one) === path));
  if (disk !== undefined) return disk;
  throw virtError('INVALID_ARG', `invalid path ${path} not assigned to domain`);
}

/** The interface of a host device or MAC address. Throws INVALID_ARG. */
export function findInterface(def: FilledDomainDef, device: string): InterfaceDef {
  const found = def.devices.interfaces.find(
    ({ target, mac }) => target?.dev === device || mac?.address === device.toLowerCase(),
  );
  if (found !== undefined) return found;
  throw virtError('INVALID_ARG', `'${device}' is not a known interface`);
}
