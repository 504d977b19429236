import { type DeviceDef, deviceKinds, type FilledDomainDef, parseDevice } from '../conf/index.ts';
import { virtError } from '../errors.ts';

type Kind = DeviceDef['kind'];

/** libvirt's word for each kind of device. */
const words: Readonly<Record<Kind, string>> = {
  disks: 'disk',
  controllers: 'controller',
  filesystems: 'filesystem',
  interfaces: 'interface',
  serials: 'serial',
  parallels: 'parallel',
  consoles: 'console',
  channels: 'channel',
  inputs: 'input',
  tpms: 'tpm',
  graphics: 'graphics',
  sounds: 'sound',
  audios: 'audio',
  videos: 'video',
  hostdevs: 'hostdev',
  redirdevs: 'redirdev',
  watchdogs: 'watchdog',
  memballoons: 'memballoon',
  rngs: 'rng',
  panics: 'panic',
  vsocks: 'vsock',
};

/** What kind of device a document is about, in libvirt's word. */
export function describeDevice(xml: string): string {
  return words[parseDevice(xml).kind];
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
  const index = found(def, device);
  return withList(
    def,
    device.kind,
    def.devices[device.kind].filter((_, at) => at !== index),
  );
}

/** The definition without the device of an alias. Throws DEVICE_MISSING. */
export function detachAliasFromDef(def: FilledDomainDef, alias: string): FilledDomainDef {
  for (const kind of deviceKinds) {
    const list = def.devices[kind] as readonly { alias?: { name: string } }[];
    const index = list.findIndex((one) => one.alias?.name === alias);
    if (index >= 0)
      return withList(
        def,
        kind,
        list.filter((_, at) => at !== index),
      );
  }
  throw virtError('DEVICE_MISSING', `no device found with alias ${alias}`);
}

/** The definition with a device in place of the one it stands for. Throws DEVICE_MISSING. */
export function updateInDef(def: FilledDomainDef, xml: string): FilledDomainDef {
  const device = parseDevice(xml);
  const index = found(def, device);
  const list: readonly unknown[] = def.devices[device.kind];
  return withList(
    def,
    device.kind,
    list.map((old, at) => (at === index ? keepPlace(old as object, device.def) : old)),
  );
}

/** An update that says nothing of address and MAC leaves them. */
function keepPlace(old: object, updated: object): object {
  const place: Record<string, unknown> = {};
  for (const field of ['address', 'mac'] as const) {
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
  throw virtError('DEVICE_MISSING', `no ${words[device.kind]} device matches the given one`);
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
  const { alias: _, ...wanted } = device.def as { alias?: unknown };
  return list.findIndex((one) => includes(one, wanted));
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
