/** Definitions and devices as XML, in libvirt's order and style. */
import type { CharDef, DeviceCommon, DeviceDefs, DiskDef, GraphicsDef, InterfaceDef } from './device-def.ts';
import { type DeviceKind, deviceKinds, deviceTypes, noDevices } from './devices.ts';
import { domain } from './domain-codec.ts';
import type { DomainDef } from './domain-def.ts';
import { completeInput, type DeviceInput, type DomainInput } from './input.ts';
import { formatXml } from './xml-format.ts';
import type { XmlElement } from './xml-node.ts';

/** What is shown of a definition. */
export interface DomainFormatOptions {
  /** DomainXml.SECURE: passwords too. */
  secure?: boolean;
  /** DomainXml.INACTIVE: without what only a running domain has: id, aliases, terminals. */
  inactive?: boolean;
  /** Id of the running domain. */
  id?: number;
}

/** The `<domain>` document of a definition. */
export function formatDomain(def: DomainInput, options: DomainFormatOptions = {}): string {
  return formatXml(writeDomain(def, options));
}

/** The `<domain>` element of a definition. */
export function writeDomain(def: DomainInput, options: DomainFormatOptions = {}): XmlElement {
  const known = completeInput(def);
  const full: DomainDef = { ...known, devices: { ...noDevices(), ...known.devices } };
  const shown = { ...full, devices: showDevices(full.devices, options) };
  const written = domain.write(shown, 'domain');
  if (options.id === undefined || options.inactive) return written;
  const { type = '', ...rest } = written.attributes ?? {};
  return { ...written, attributes: { type, id: String(options.id), ...rest } };
}

/** A device alone. */
export function formatDevice(device: DeviceInput, options: DomainFormatOptions = {}): string {
  const shown = showDevices({ ...noDevices(), [device.kind]: [device.def] } as DeviceDefs, options);
  const { name, codec } = deviceTypes[device.kind];
  return formatXml((codec.write as (value: unknown, name: string) => XmlElement)(shown[device.kind][0], name));
}

/** Of each kind that has more than its alias of a running domain: the device without that. */
const atRest: { readonly [K in DeviceKind]?: (device: DeviceDefs[K][number]) => DeviceDefs[K][number] } = {
  serials: withoutTerminal,
  parallels: withoutTerminal,
  channels: withoutTerminal,
  consoles: ({ tty: _tty, ...rest }) => withoutTerminal(rest),
  interfaces: withoutHostName,
  disks: withoutTray,
  graphics: (one) => (one.autoport ? { ...one, port: -1 } : one),
};

/** Without what only a running domain has: aliases that are not the user's, terminals and ports chosen at start. */
export function stripLive(devices: DeviceDefs): DeviceDefs {
  const stripped = { ...devices };
  for (const kind of deviceKinds) if (devices[kind].length > 0) stripKind(stripped, kind);
  return stripped;
}

function stripKind<K extends DeviceKind>(devices: DeviceDefs, kind: K): void {
  const strip = atRest[kind] as ((device: DeviceCommon) => DeviceCommon) | undefined;
  const bare = (devices[kind] as readonly DeviceCommon[]).map((one) => {
    const device = withoutAlias(one);
    return strip === undefined ? device : strip(device);
  });
  devices[kind] = bare as DeviceDefs[K];
}

function showDevices(devices: DeviceDefs, options: DomainFormatOptions): DeviceDefs {
  const shown = options.inactive ? stripLive(devices) : devices;
  return options.secure ? shown : { ...shown, graphics: shown.graphics.map(withoutPassword) };
}

function withoutAlias(device: DeviceCommon): DeviceCommon {
  if (device.alias === undefined || device.alias.name.startsWith('ua-')) return device;
  const { alias: _alias, ...rest } = device;
  return rest;
}

/** Whether a tray is open is of the running domain. */
function withoutTray(disk: DiskDef): DiskDef {
  const { tray: _, ...target } = disk.target;
  return { ...disk, target };
}

/** A pty's path is of the running domain. */
function withoutTerminal<T extends CharDef>(device: T): T {
  return device.type === 'pty' ? { ...device, sources: [] } : device;
}

/** Whether the name of an interface on the host is one of those that are chosen at the start. */
export function hasChosenName({ target }: InterfaceDef): boolean {
  return target?.managed !== false && /^vnet\d+$/.test(target?.dev ?? '');
}

/** Names that were chosen at the start, the network's bridge and its port, are of the running domain. */
function withoutHostName(device: InterfaceDef): InterfaceDef {
  const { source, target, ...rest } = device;
  const { bridge: _bridge, portid: _portid, ...named } = source ?? {};
  const inner = device.type === 'network' ? named : source;
  return {
    ...rest,
    ...(source === undefined ? {} : { source: inner }),
    ...(target === undefined || hasChosenName(device) ? {} : { target }),
  };
}

function withoutPassword({ passwd: _passwd, ...rest }: GraphicsDef): GraphicsDef {
  return rest;
}
