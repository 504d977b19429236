/** `blkdeviotune`: the limits of one disk's I/O, as parameters and in definitions. */
import { checkIoTune, ioTuneNames } from '../../machine/index.ts';
import type { DomainRef, TypedParam } from '../backend.ts';
import { type DiskDef, type FilledDomainDef, type IotuneDef, tuneOf } from '../conf/index.ts';
import { virtError } from '../errors.ts';
import { changeDefinitions, type DefinitionChange, defToRead } from './definition-change.ts';
import type { LocalDomain } from './domain.ts';
import { findDisk } from './domain-io.ts';
import type { World } from './world.ts';

/** The limits of a disk; of none: all there are, unlimited. Throws INVALID_ARG for a disk that there is not. */
export function getBlockIoTune(domain: LocalDomain, disk: string | undefined, flags: number): TypedParam[] {
  const def = defToRead(domain, flags);
  const { iotune = {} } = disk === undefined ? {} : findDisk(def, disk);
  const params = ioTuneNames.map((field) => ({ field, type: 'ullong', value: BigInt(iotune[field] ?? 0) }) as const);
  // As libvirt orders them: the group is in front of how long bursts are.
  const lengths = params.findIndex(({ field }) => field.endsWith('_max_length'));
  const group: TypedParam = { field: 'group_name', type: 'string', value: iotune.group_name ?? '' };
  return [...params.slice(0, lengths), group, ...params.slice(lengths)];
}

/**
 * Sets limits of a disk. What belongs together is set together, as in libvirt: with one of the rates in bytes the others
 * of the three go, too, unless they are named. Throws INVALID_ARG, ARGUMENT_UNSUPPORTED.
 */
export async function setBlockIoTune(
  world: World,
  ref: DomainRef,
  params: readonly TypedParam[],
  { disk, flags }: { disk: string; flags: number },
): Promise<void> {
  const wanted = readParams(params);
  const domain = world.domains.find(ref);
  findDisk(domain.current, disk);
  let told = false;
  const change: DefinitionChange = async (def, { live }) => {
    const found = findDisk(def, disk);
    const iotune = merge(found.iotune ?? {}, wanted);
    const group = iotune.group_name;
    checkIoTune(tuneOf(iotune));
    const isTuned = (one: DiskDef) => one === found || (group !== undefined && one.iotune?.group_name === group);
    if (live) {
      if (group !== found.iotune?.group_name) {
        throw virtError('OPERATION_UNSUPPORTED', 'a disk of a running machine stays in its group of limits');
      }
      domain.liveGuest();
      await domain.activeRun().made.tuneDisk(found.target.dev, tuneOf(iotune));
      told = true;
    }
    return withTunes(def, isTuned, iotune);
  };
  try {
    await changeDefinitions(world, domain, flags, change);
  } finally {
    // Whatever becomes of the definition that is kept: the machine has its limits.
    if (told) world.emit('tunable', domain.ref, tunedParams(disk, params));
  }
}

/** What an event tells of limits that were set (VIR_DOMAIN_TUNABLE_BLKDEV_*). */
function tunedParams(disk: string, params: readonly TypedParam[]): TypedParam[] {
  const named: TypedParam = { field: 'blkdeviotune.disk', type: 'string', value: disk };
  return [named, ...params.map((param) => ({ ...param, field: `blkdeviotune.${param.field}` }))];
}

/** Parameters as limits, 0 for "none". */
function readParams(params: readonly TypedParam[]): IotuneDef {
  const tune: Record<string, number | string> = {};
  for (const { field, type, value } of params) {
    const known = field === 'group_name' || ioTuneNames.some((name) => name === field);
    if (!known) throw virtError('ARGUMENT_UNSUPPORTED', `parameter '${field}' not supported`);
    const expected = field === 'group_name' ? 'string' : 'ullong';
    if (type !== expected) {
      throw virtError('INVALID_ARG', `invalid type '${type}' for parameter '${field}', expected '${expected}'`);
    }
    tune[field] = field === 'group_name' ? String(value) : Number(value);
  }
  return tune as IotuneDef;
}

/** Rates of one unit belong together: the name without whose rate it is. */
function setOf(name: string): string {
  return name.replace(/^(total|read|write)_/, '');
}

function merge(before: IotuneDef, wanted: IotuneDef): IotuneDef {
  const sets = new Set(Object.keys(wanted).map(setOf));
  const merged: Record<string, unknown> = {};
  for (const name of ioTuneNames) {
    const value = sets.has(setOf(name)) ? wanted[name] : before[name];
    if (value) merged[name] = value;
  }
  const group = wanted.group_name === '' ? undefined : (wanted.group_name ?? before.group_name);
  return group === undefined ? merged : { ...merged, group_name: group };
}

/** The definition with other limits; a disk without any has no `<iotune>`. */
function withTunes(def: FilledDomainDef, isTuned: (disk: DiskDef) => boolean, iotune: IotuneDef): FilledDomainDef {
  const disks = def.devices.disks.map((disk) => {
    if (!isTuned(disk)) return disk;
    const { iotune: _before, ...rest } = disk;
    return Object.keys(iotune).length === 0 ? rest : { ...rest, iotune };
  });
  return { ...def, devices: { ...def.devices, disks } };
}
