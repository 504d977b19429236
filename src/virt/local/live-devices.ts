/** Changes of devices while the machine runs: as far as it can, or refused in libvirt's words. */
import { isDeepStrictEqual } from 'node:util';
import type { MediumOptions } from '../../drivers/index.ts';
import {
  assignAliases,
  type DeviceDef,
  type DiskDef,
  deviceTypes,
  type FilledDomainDef,
  formatDomain,
  type InterfaceDef,
  isDrive,
  mediumOptions,
  parseDevice,
} from '../conf/index.ts';
import { virtError } from '../errors.ts';
import { attachToDef, deviceLike, deviceOfAlias, updateInDef, withoutDevice } from './device-list.ts';
import type { DeviceChange, Hypervisor, MadeGuest } from './hypervisor.ts';

/** The live definition after a change, and what was done to get there; no `change`: it is so already. */
export interface LiveChange {
  readonly def: FilledDomainDef;
  readonly change?: DeviceChange;
}

/** Plugs a device in. */
export function planAttach(def: FilledDomainDef, xml: string, hypervisor: Pick<Hypervisor, 'complete'>): LiveChange {
  const { kind } = parseDevice(xml);
  const wanted = attachToDef(def, xml);
  const before = def.devices[kind] as readonly unknown[];
  // Its defaults are those that it would have been defined with: the one of the list that was not there.
  const all = (of: FilledDomainDef): readonly unknown[] =>
    hypervisor.complete(formatDomain(of, { secure: true, inactive: true })).devices[kind];
  const known = all(def);
  const device = all(wanted).find((one) => !known.some((other) => isDeepStrictEqual(one, other)));
  const list = [...before, device ?? (wanted.devices[kind] as readonly unknown[])[before.length]];
  const devices = assignAliases({ ...def.devices, [kind]: list });
  const plugged = devices[kind][before.length];
  return { def: { ...def, devices }, change: { verb: 'attach', device: { kind, def: plugged } as DeviceDef } };
}

/** Takes a device out. Throws DEVICE_MISSING. */
export function planDetach(def: FilledDomainDef, xml: string): LiveChange {
  const wanted = parseDevice(xml);
  const device = deviceLike(def, wanted);
  if (device === undefined) {
    // It names what is missing.
    updateInDef(def, xml);
    throw virtError('DEVICE_MISSING', `no ${deviceTypes[wanted.kind].name} device matches the given one`);
  }
  return { def: withoutDevice(def, device), change: { verb: 'detach', device } };
}

/** Takes the device of an alias out. Throws DEVICE_MISSING. */
export function planDetachAlias(def: FilledDomainDef, alias: string): LiveChange {
  const device = deviceOfAlias(def, alias);
  return { def: withoutDevice(def, device), change: { verb: 'detach', device } };
}

/** Changes a device; by `force` if the guest holds it. Throws DEVICE_MISSING. */
export function planUpdate(def: FilledDomainDef, xml: string, force = false): LiveChange {
  const changed = updateInDef(def, xml);
  const { kind } = parseDevice(xml);
  const before: readonly unknown[] = def.devices[kind];
  const after: readonly unknown[] = changed.devices[kind];
  const index = after.findIndex((one, at) => one !== before[at]);
  const device = { kind, def: after[index] } as DeviceDef;
  const old = { kind, def: before[index] } as DeviceDef;
  if (isDeepStrictEqual(device, old)) return { def };
  return { def: changed, change: { verb: 'update', device, before: old, force } };
}

/** Does it to the machine. Throws OPERATION_UNSUPPORTED, with the kind of device, for what the machine cannot. */
export async function carryOut(made: MadeGuest, { change }: LiveChange): Promise<void> {
  if (change === undefined) return;
  if (made.changeDevice === undefined) refuseChange(change);
  await made.changeDevice(change);
}

/** What machines can change while they run. */
export interface ChangeableMachine {
  setLink(alias: string, up: boolean): void | Promise<void>;
  /** Puts another medium into a drive, or none. */
  changeMedium(target: string, medium: MediumOptions | undefined, force: boolean): Promise<void>;
}

/** Changes a device of a machine. Throws OPERATION_UNSUPPORTED for what no machine can. */
export async function changeMachine(machine: ChangeableMachine, change: DeviceChange): Promise<void> {
  if (change.device.kind !== 'disks') {
    const { alias, up } = linkChange(change);
    return machine.setLink(alias, up);
  }
  const { target, medium } = mediumChange(change);
  return machine.changeMedium(target, medium, change.force ?? false);
}

/** What of a drive changes with its medium. */
const mediumParts: readonly string[] = ['type', 'driver', 'source', 'backingStore', 'target'];

/** The change of a medium that an update is, if it is nothing else. Throws OPERATION_UNSUPPORTED for any other change. */
function mediumChange(change: DeviceChange): { target: string; medium: MediumOptions | undefined } {
  const { verb, device, before } = change;
  if (verb !== 'update' || device.kind !== 'disks' || before?.kind !== 'disks') refuseChange(change);
  const disk = device.def;
  const { dev } = disk.target;
  if (!isDrive(before.def) || !isDrive({ ...disk, target: { ...before.def.target, ...disk.target } })) {
    throw virtError('OPERATION_UNSUPPORTED', `disk ${dev} has no medium that can be changed while the domain runs`);
  }
  const [was, is]: Record<string, unknown>[] = [before.def, disk].map((one) => ({ ...one }));
  for (const part of new Set(Object.keys({ ...was, ...is }))) {
    if (mediumParts.includes(part) || part === 'readonly' || isDeepStrictEqual(was?.[part], is?.[part])) continue;
    throw virtError('OPERATION_UNSUPPORTED', `cannot modify field '${part}' of disk ${dev} while the domain runs`);
  }
  if (disk.source?.pool !== undefined) {
    throw virtError('OPERATION_UNSUPPORTED', `disk ${dev}: give the file of the volume to change the medium to`);
  }
  return { target: dev, medium: isEmpty(disk) ? undefined : mediumOptions(disk, undefined) };
}

function isEmpty({ source }: DiskDef): boolean {
  return source?.file === undefined && source?.dev === undefined;
}

/**
 * The change of a link that an update is, if it is nothing else. Throws OPERATION_UNSUPPORTED for any other change, in
 * libvirt's words where it has some.
 */
function linkChange(change: DeviceChange): { alias: string; up: boolean } {
  const { verb, device, before } = change;
  if (verb !== 'update' || device.kind !== 'interfaces' || before?.kind !== 'interfaces') refuseChange(change);
  for (const [part, old] of Object.entries(linkless(before.def))) {
    if (!isDeepStrictEqual(linkless(device.def)[part], old)) refuseInterface(part);
  }
  const added = Object.keys(linkless(device.def)).find((part) => !(part in before.def));
  if (added !== undefined) refuseInterface(added);
  return { alias: device.def.alias?.name ?? '', up: device.def.link?.state !== 'down' };
}

function linkless({ link: _, ...rest }: InterfaceDef): Record<string, unknown> {
  return rest as unknown as Record<string, unknown>;
}

function refuseInterface(part: string): never {
  throw virtError('OPERATION_UNSUPPORTED', `cannot modify network device ${part} while the domain runs`);
}

/** Throws OPERATION_UNSUPPORTED as libvirt words it. */
export function refuseChange({ verb, device }: DeviceChange): never {
  throw virtError(
    'OPERATION_UNSUPPORTED',
    `live ${verb} of device '${deviceTypes[device.kind].name}' is not supported`,
  );
}
