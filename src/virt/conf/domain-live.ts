/** What a running domain's definition has beside the one it was made from: aliases, terminals and open trays. */
import type { CharDef, DeviceCommon, DeviceDefs, DiskDef } from './device-def.ts';
import { type DeviceKind, deviceKinds } from './devices.ts';
import type { FilledDomainDef } from './domain-def.ts';
import { diskIndex } from './domain-postparse.ts';

/** Beginnings of the aliases, by libvirt's custom; a number follows. */
const prefixes: { readonly [K in DeviceKind]?: string } = {
  filesystems: 'fs',
  interfaces: 'net',
  serials: 'serial',
  parallels: 'parallel',
  consoles: 'console',
  channels: 'channel',
  inputs: 'input',
  tpms: 'tpm',
  sounds: 'sound',
  videos: 'video',
  hostdevs: 'hostdev',
  redirdevs: 'redir',
  watchdogs: 'watchdog',
  memballoons: 'balloon',
  rngs: 'rng',
  panics: 'panic',
  vsocks: 'vsock',
};

/**
 * The definition of the running domain: every device with its alias, and the paths of terminals by alias (`serial0`)
 * where there are any. The first console has the first serial port's alias and terminal.
 */
export function makeLive(def: FilledDomainDef, ttys: Readonly<Record<string, string>> = {}): FilledDomainDef {
  return { ...def, devices: addTerminals(assignAliases(def.devices), ttys) };
}

/** The definition after the tray of a drive has moved; it is the running domain's, and closed unless it says so. */
export function withTray(def: FilledDomainDef, dev: string, open: boolean): FilledDomainDef {
  const disks = def.devices.disks.map((disk) => {
    if (disk.target.dev !== dev) return disk;
    const { tray: _, ...target } = disk.target;
    return { ...disk, target: open ? { ...target, tray: 'open' as const } : target };
  });
  return { ...def, devices: { ...def.devices, disks } };
}

/** A changed definition with the trays as they are, whatever the change said of them. */
export function withTraysOf(now: FilledDomainDef, changed: FilledDomainDef): FilledDomainDef {
  return now.devices.disks.reduce((def, { target }) => withTray(def, target.dev, target.tray === 'open'), changed);
}

/** Devices with an alias each; one that is there stays. */
export function assignAliases(devices: DeviceDefs): DeviceDefs {
  const named: Record<string, unknown> = { ...devices };
  for (const kind of deviceKinds) {
    if (kind === 'graphics' || kind === 'audios') continue;
    named[kind] = nameAll(devices[kind], kind);
  }
  const result = named as unknown as DeviceDefs;
  const [serial] = result.serials;
  const [first, ...others] = result.consoles;
  if (first?.target?.type !== 'serial' || serial?.alias === undefined) return result;
  return { ...result, consoles: [{ ...first, alias: serial.alias }, ...others] };
}

function nameAll(all: readonly DeviceCommon[], kind: DeviceKind): DeviceCommon[] {
  const taken = new Set(all.flatMap(({ alias }) => (alias === undefined ? [] : [alias.name])));
  return all.map((device, index) => {
    if (device.alias !== undefined) return device;
    let name = aliasOf(kind, device, index);
    for (let next = index + 1; taken.has(name); next++) name = `${prefixes[kind] ?? kind}${next}`;
    taken.add(name);
    return { ...device, alias: { name } };
  });
}

function aliasOf(kind: DeviceKind, device: DeviceCommon, index: number): string {
  if (kind === 'disks') return diskAlias(device as DiskDef);
  if (kind !== 'controllers') return `${prefixes[kind]}${index}`;
  const { type, index: number = 0, model } = device as DeviceDefs['controllers'][number];
  if (type === 'pci') return model === 'pcie-root' ? 'pcie.0' : `pci.${number}`;
  if (type === 'usb' && number === 0) return 'usb';
  return `${type}${number}`;
}

function diskAlias({ target, address }: DiskDef): string {
  if (target.bus === 'virtio') return `virtio-disk${diskIndex(target.dev)}`;
  const { controller = '0', target: drive = '0', unit = String(diskIndex(target.dev)) } = address ?? { type: 'drive' };
  return target.bus === 'scsi' ? `scsi${controller}-0-${drive}-${unit}` : `${target.bus}${controller}-0-${unit}`;
}

function addTerminals(devices: DeviceDefs, ttys: Readonly<Record<string, string>>): DeviceDefs {
  const connect = <T extends CharDef>(device: T): T => {
    const path = device.type === 'pty' ? ttys[device.alias?.name ?? ''] : undefined;
    return path === undefined ? device : { ...device, sources: [{ path }] };
  };
  return {
    ...devices,
    serials: devices.serials.map(connect),
    parallels: devices.parallels.map(connect),
    channels: devices.channels.map(connect),
    consoles: devices.consoles.map(connect).map((one) => {
      const path = one.type === 'pty' ? one.sources[0]?.path : undefined;
      return path === undefined ? one : { ...one, tty: path };
    }),
  };
}
