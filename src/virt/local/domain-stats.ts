import type { BlockInfo, TypedParam } from '../backend.ts';
import { type DiskDef, sourceOf } from '../conf/index.ts';
import { DomainStats } from '../enums.ts';
import type { LocalDomain, Run } from './domain.ts';
import { cpuTimeOf, memoryOf } from './domain-read.ts';
import type { MachineNumbers } from './hypervisor.ts';

/** Parameters as they are gathered. */
class Params {
  readonly list: TypedParam[];

  constructor(list: TypedParam[]) {
    this.list = list;
  }

  int(field: string, value: number): void {
    this.list.push({ field, type: 'int', value });
  }

  uint(field: string, value: number): void {
    this.list.push({ field, type: 'uint', value });
  }

  ullong(field: string, value: bigint | number): void {
    this.list.push({ field, type: 'ullong', value: BigInt(typeof value === 'number' ? Math.round(value) : value) });
  }

  string(field: string, value: string): void {
    this.list.push({ field, type: 'string', value });
  }
}

/** What statistics need to know besides the domain. */
export interface StatsHost {
  readonly hasBalloon: boolean;
  blockInfo(disk: DiskDef): Promise<BlockInfo>;
}

/** What only the machine itself knows. */
const counting = DomainStats.CPU_TOTAL | DomainStats.VCPU | DomainStats.BLOCK | DomainStats.INTERFACE;

/**
 * The record of virConnectGetAllDomainStats, put into `record`; `wanted` of DomainStats. What cannot be told is left out.
 * Returns what to wait for, if that is not all there at once: of a domain that is off and has no disks it is.
 */
export function collectStats(
  record: TypedParam[],
  domain: LocalDomain,
  wanted: number,
  host: StatsHost,
): Promise<void> | undefined {
  const params = new Params(record);
  const run = (wanted & counting) === 0 ? undefined : domain.run;
  if (run !== undefined) return collectCounted(params, domain, wanted, host, run);
  knownStats(params, domain, wanted, host, undefined);
  return blockStats(params, domain, wanted, host, undefined);
}

async function collectCounted(
  params: Params,
  domain: LocalDomain,
  wanted: number,
  host: StatsHost,
  { made }: Run,
): Promise<void> {
  const numbers = await made.numbers();
  knownStats(params, domain, wanted, host, numbers);
  await blockStats(params, domain, wanted, host, numbers);
}

/** What need not be asked for. */
function knownStats(
  params: Params,
  domain: LocalDomain,
  wanted: number,
  { hasBalloon }: StatsHost,
  numbers: MachineNumbers | undefined,
): void {
  const has = (bit: number) => (wanted & bit) !== 0;
  if (has(DomainStats.STATE)) {
    params.int('state.state', domain.state.state);
    params.int('state.reason', domain.state.reason);
  }
  if (has(DomainStats.CPU_TOTAL) && numbers !== undefined) params.ullong('cpu.time', cpuTimeOf(numbers));
  if (has(DomainStats.BALLOON)) {
    params.ullong('balloon.current', memoryOf(domain, hasBalloon));
    params.ullong('balloon.maximum', domain.current.memory);
  }
  if (has(DomainStats.VCPU)) vcpuStats(domain, params, numbers);
  if (has(DomainStats.INTERFACE)) interfaceStats(domain, params, numbers);
}

function blockStats(
  params: Params,
  domain: LocalDomain,
  wanted: number,
  { blockInfo }: StatsHost,
  numbers: MachineNumbers | undefined,
): Promise<void> | undefined {
  if ((wanted & DomainStats.BLOCK) === 0) return undefined;
  const { disks } = domain.current.devices;
  params.uint('block.count', disks.length);
  return disks.length === 0 ? undefined : diskStats(disks, params, numbers, blockInfo);
}

function vcpuStats(domain: LocalDomain, params: Params, numbers: MachineNumbers | undefined): void {
  const { vcpu } = domain.current;
  params.uint('vcpu.current', vcpu.current ?? vcpu.max);
  params.uint('vcpu.maximum', vcpu.max);
  for (const { id, cpuSeconds } of numbers?.vcpus ?? []) {
    params.int(`vcpu.${id}.state`, 1);
    params.ullong(`vcpu.${id}.time`, cpuSeconds * 1e9);
  }
}

function interfaceStats(domain: LocalDomain, params: Params, numbers: MachineNumbers | undefined): void {
  if (!domain.active) return;
  const { interfaces } = domain.current.devices;
  params.uint('net.count', interfaces.length);
  for (const [index, { target, alias }] of interfaces.entries()) {
    const field = (name: string) => `net.${index}.${name}`;
    if (target?.dev !== undefined) params.string(field('name'), target.dev);
    const counts = numbers?.nets.get(alias?.name ?? '');
    if (counts === undefined) continue;
    params.ullong(field('rx.bytes'), counts.rxBytes);
    params.ullong(field('rx.pkts'), counts.rxPackets);
    params.ullong(field('rx.errs'), 0);
    params.ullong(field('rx.drop'), counts.rxDrop);
    params.ullong(field('tx.bytes'), counts.txBytes);
    params.ullong(field('tx.pkts'), counts.txPackets);
    params.ullong(field('tx.errs'), counts.txErrors);
    params.ullong(field('tx.drop'), counts.txDrop);
  }
}

async function diskStats(
  disks: readonly DiskDef[],
  params: Params,
  numbers: MachineNumbers | undefined,
  blockInfo: StatsHost['blockInfo'],
): Promise<void> {
  for (const [index, disk] of disks.entries()) {
    const field = (name: string) => `block.${index}.${name}`;
    params.string(field('name'), disk.target.dev);
    const path = sourceOf(disk);
    if (path !== '') params.string(field('path'), path);
    const counts = numbers?.disks.get(disk.target.dev);
    for (const [name, kind] of [
      ['rd', 'read'],
      ['wr', 'write'],
      ['fl', 'flush'],
    ] as const) {
      if (counts === undefined) continue;
      params.ullong(field(`${name}.reqs`), counts[kind].requests);
      if (kind !== 'flush') params.ullong(field(`${name}.bytes`), counts[kind].bytes);
      params.ullong(field(`${name}.times`), counts[kind].ns);
    }
    // An image that has gone is told by what is missing, not by an error for all domains together.
    const info = await blockInfo(disk).catch(() => undefined);
    if (info === undefined) continue;
    params.ullong(field('allocation'), info.allocation);
    params.ullong(field('capacity'), info.capacity);
    params.ullong(field('physical'), info.physical);
  }
}
