import {
  type DeviceDef,
  deviceKinds,
  deviceTypes,
  type FilledDomainDef,
  type InterfaceDef,
  parseDevice,
} from '../conf/index.ts';
import { virtError } from '../errors.ts';

type Kind = DeviceDef['kind'];

/** The device of a definition that another stands for, or undefined. */
export function deviceLike(def: FilledDomainDef, device: DeviceDef): DeviceDef | undefined {
  const one = def.devices[device.kind][find(def, device)];
  return one === undefined ? undefined : ({ kind: device.kind, def: one } as DeviceDef);
}

/** The device of an alias. Throws DEVICE_MISSING. */
export function deviceOfAlias(def: FilledDomainDef, alias: string): DeviceDef {
  for (const kind of deviceKinds) {
    const list = def.devices[kind] as readonly { alias?: { name: string } }[];
    const one = list.find((each) => each.alias?.name === alias);
    if (one !== undefined) return { kind, def: one } as DeviceDef;
  }
  throw virtError('DEVICE_MISSING', `no device found with alias ${alias}`);
}

/** The definition without one of its own devices. */
export function withoutDevice(def: FilledDomainDef, { kind, def: device }: DeviceDef): FilledDomainDef {
  const list: readonly unknown[] = def.devices[kind];
  return withList(
    def,
    kind,
    list.filter((one) => one !== device),
  );
}

/** The definition with one device more. Throws OPERATION_INVALID if there is one in its place. */
export function attachToDef(def: FilledDomainDef, xml: string): FilledDomainDef {
  const device = parseDevice(xml);
  if (device.kind === 'disks' && find(def, device) >= 0) {
    throw virtError('OPERATION_INVALID', `target ${device.def.target.dev} already exists`);
  }
  if (device.kind === 'interfaces' && device.def.mac !== undefined && find(def, device) >= 0) {
    throw virtError('OPERATION_INVALID', `an interface with MAC address ${device.def.mac.address} already exists`);
  }
  return withList(def, device.kind, [...def.devices[device.kind], device.def]);
}

/** The definition without a device. Throws DEVICE_MISSING. */
export function detachFromDef(def: FilledDomainDef, xml: string): FilledDomainDef {
  const device = parseDevice(xml);
  return withoutDevice(def, { kind: device.kind, def: def.devices[device.kind][found(def, device)] } as DeviceDef);
}

/** The definition with a device in place of the one it stands for. Throws DEVICE_MISSING. */
export function updateInDef(def: FilledDomainDef, xml: string): FilledDomainDef {
  const device = parseDevice(xml);
  const index = found(def, device);
  const list: readonly unknown[] = def.devices[device.kind];
  return withList(
    def,
    device.kind,
    list.map((old, at) => (at === index ? updated(old as object, device) : old)),
  );
}

function updated(old: object, { kind, def }: DeviceDef): object {
  const placed = keepPlace(old, def);
  return kind === 'interfaces' ? keepName(old as InterfaceDef, placed as InterfaceDef) : placed;
}

/** An update of an interface that says nothing of its model, its name on the host and the network's bridge leaves them. */
function keepName({ model, target, source }: InterfaceDef, changed: InterfaceDef): InterfaceDef {
  const isSame = source?.network !== undefined && source.network === changed.source?.network;
  return {
    ...changed,
    ...(model === undefined || changed.model !== undefined ? {} : { model }),
    ...(target === undefined || changed.target !== undefined ? {} : { target }),
    ...(isSame ? { source: { ...source, ...changed.source } } : {}),
  };
}

/** An update that says nothing of address, alias and MAC leaves them. */
function keepPlace(old: object, updated: object): object {
  const place: Record<string, unknown> = {};
  for (const field of ['address', 'alias', 'mac'] as const) {
    if (field in old && !(field in updated)) place[field] = (old as Record<string, unknown>)[field];
  }
  return { ...updated, ...place };
}

function found(def: FilledDomainDef, device: DeviceDef): number {
  const index = find(def, device);
  if (index >= 0) return index;
  if (device.kind === 'disks') throw virtError('DEVICE_MISSING', `no target device ${device.def.target.dev}`);
  if (device.kind === 'interfaces' && device.def.mac !== undefined) {
    throw virtError('DEVICE_MISSING', `no device matching MAC address ${device.def.mac.address} found`);
  }
  throw virtError('DEVICE_MISSING', `no ${deviceTypes[device.kind].name} device matches the given one`);
}

/** Index of the device that one stands for: by target, MAC address, or all that it says of itself; −1: none. */
function find(def: FilledDomainDef, device: DeviceDef): number {
  if (device.kind === 'disks') {
    return def.devices.disks.findIndex(({ target }) => target.dev === device.def.target.dev);
  }
  if (device.kind === 'interfaces' && device.def.mac !== undefined) {
    const address = device.def.mac.address.toLowerCase();
    return def.devices.interfaces.findIndex(({ mac }) => mac?.address.toLowerCase() === address);
  }
  const list: readonly unknown[] = def.devices[device.kind];
  return list.findIndex((one) => includes(one, ownWords(device)));
}

/** What a device says of itself, without what only its life in a machine has added: alias and terminal. */
function ownWords({ def }: DeviceDef): object {
  const { alias: _, ...own } = def as { alias?: unknown; type?: unknown; sources?: unknown; tty?: unknown };
  if (own.type !== 'pty') return own;
  const { sources: __, tty: ___, ...words } = own;
  return words;
}

/** Whether `whole` says all that `part` says. */
function includes(whole: unknown, part: unknown): boolean {
  if (typeof part !== 'object' || part === null) return whole === part;
  if (typeof whole !== 'object' || whole === null) return false;
  return Object.entries(part).every(([key, value]) => includes((whole as Record<string, unknown>)[key], value));
}

function withList(def: FilledDomainDef, kind: Kind, list: readonly unknown[]): FilledDomainDef {
  return { ...def, devices: { ...def.devices, [kind]: list } };
}
