/** Changes of devices while the machine runs: as far as it can, or refused in libvirt's words. */
import { isDeepStrictEqual } from 'node:util';
import {
  assignAliases,
  type DeviceDef,
  type FilledDomainDef,
  formatDomain,
  type InterfaceDef,
  parseDevice,
} from '../conf/index.ts';
import { virtError } from '../errors.ts';
import { attachToDef, deviceLike, deviceOfAlias, updateInDef, withoutDevice, wordFor } from './device-list.ts';
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
    throw virtError('DEVICE_MISSING', `no ${wordFor(wanted.kind)} device matches the given one`);
  }
  return { def: withoutDevice(def, device), change: { verb: 'detach', device } };
}

/** Takes the device of an alias out. Throws DEVICE_MISSING. */
export function planDetachAlias(def: FilledDomainDef, alias: string): LiveChange {
  const device = deviceOfAlias(def, alias);
  return { def: withoutDevice(def, device), change: { verb: 'detach', device } };
}

/** Changes a device. Throws DEVICE_MISSING. */
export function planUpdate(def: FilledDomainDef, xml: string): LiveChange {
  const changed = updateInDef(def, xml);
  const { kind } = parseDevice(xml);
  const before: readonly unknown[] = def.devices[kind];
  const after: readonly unknown[] = changed.devices[kind];
  const index = after.findIndex((one, at) => one !== before[at]);
  const device = { kind, def: after[index] } as DeviceDef;
  const old = { kind, def: before[index] } as DeviceDef;
  if (isDeepStrictEqual(device, old)) return { def };
  return { def: changed, change: { verb: 'update', device, before: old } };
}

/** Does it to the machine. Throws OPERATION_UNSUPPORTED, with the kind of device, for what the machine cannot. */
export async function carryOut(made: MadeGuest, { change }: LiveChange): Promise<void> {
  if (change === undefined) return;
  if (made.changeDevice === undefined) refuseChange(change);
  await made.changeDevice(change);
}

/**
 * The change of a link that an update is, if it is nothing else. Throws OPERATION_UNSUPPORTED for any other change, in
 * libvirt's words where it has some.
 */
export function linkChange(change: DeviceChange): { alias: string; up: boolean } {
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
  throw virtError('OPERATION_UNSUPPORTED', `live ${verb} of device '${wordFor(device.kind)}' is not supported`);
}
