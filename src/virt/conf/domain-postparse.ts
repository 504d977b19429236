/** What a definition gets that did not say everything: libvirt's defaults for a riscv64 `virt` machine. */
import type { RandomSource } from '../../util/index.ts';
import type { ConsoleDef, DeviceDefs, DiskDef, InterfaceDef, SerialDef } from './device-def.ts';
import { fillOtherDevices } from './device-postparse.ts';
import type { DomainDef, FilledDomainDef, OsDef } from './domain-def.ts';
import { stripLive } from './domain-format.ts';
import { hyphenate } from './scalar.ts';

/** Where the defaults come from. */
export interface DefaultsContext {
  random: RandomSource;
  /** Path for `<emulator>`. */
  emulator: string;
}

/** A definition with everything filled in that libvirt fills in; what only a running domain has is gone. */
export function fillDomainDefaults(def: DomainDef, { random, emulator }: DefaultsContext): FilledDomainDef {
  const memory = roundUp(def.memory, 4);
  return {
    ...def,
    uuid: def.uuid ?? randomUuid(random),
    memory,
    // libvirt lowers it in silence as well.
    currentMemory: Math.min(def.currentMemory ?? memory, memory),
    vcpu: { placement: 'static', ...(def.vcpu ?? { max: 1 }) },
    os: fillOs(def.os, hasBootOrder(def.devices)),
    clock: def.clock ?? { offset: 'utc', timers: [] },
    on_poweroff: def.on_poweroff ?? 'destroy',
    on_reboot: def.on_reboot ?? 'restart',
    on_crash: def.on_crash ?? 'destroy',
    devices: fillDevices(stripLive(def.devices), random, emulator),
  };
}

/** A random UUID (RFC 9562, version 4). */
export function randomUuid(random: RandomSource): string {
  const bytes = new Uint8Array(16);
  random.fill(bytes);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return hyphenate(toHex(bytes).join(''));
}

/** A random MAC address with QEMU's prefix. */
export function randomMac(random: RandomSource): string {
  const bytes = new Uint8Array(3);
  random.fill(bytes);
  return ['52', '54', '00', ...toHex(bytes)].join(':');
}

const hexOfBytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function toHex(bytes: Uint8Array): string[] {
  return Array.from(bytes, (byte) => hexOfBytes[byte] as string);
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

function hasBootOrder({ disks, interfaces }: DeviceDefs): boolean {
  return [...disks, ...interfaces].some(({ boot }) => boot !== undefined);
}

function fillOs(os: OsDef, ordered: boolean): OsDef {
  const type = { ...os.type, arch: os.type.arch ?? 'riscv64', machine: os.type.machine ?? 'virt' };
  const boot = os.boot.length === 0 && !ordered ? [{ dev: 'hd' as const }] : os.boot;
  return { ...os, type, boot };
}

function fillDevices(devices: DeviceDefs, random: RandomSource, emulator: string): DeviceDefs {
  const [serials, consoles] = fillConsoles(devices);
  return fillOtherDevices({
    ...devices,
    emulator: devices.emulator ?? emulator,
    disks: sortDisks(devices.disks.map(fillDisk)),
    interfaces: devices.interfaces.map((one) => fillInterface(one, random)),
    serials,
    consoles,
  });
}

/** Units that libvirt puts on a SCSI controller before it begins the next. */
export const SCSI_UNITS = 7;

const busByPrefix: Readonly<Record<string, string>> = { vd: 'virtio', sd: 'scsi', hd: 'ide', fd: 'fdc' };

function fillDisk(disk: DiskDef): DiskDef {
  const bus = disk.target.bus ?? busByPrefix[disk.target.dev.slice(0, 2)];
  const readonly = disk.readonly ?? (disk.device === 'cdrom' || undefined);
  return {
    ...disk,
    driver: { ...disk.driver, name: disk.driver?.name ?? 'qemu', type: disk.driver?.type ?? 'raw' },
    target: { ...disk.target, ...(bus === undefined ? {} : { bus }) },
    ...(readonly === true ? { readonly } : {}),
    ...(disk.address === undefined ? addressOn(bus, disk.target.dev) : {}),
  };
}

function addressOn(bus: string | undefined, dev: string): Pick<DiskDef, 'address'> {
  if (bus === 'virtio') return { address: { type: 'virtio-mmio' } };
  const index = diskIndex(dev);
  if (bus !== 'scsi' || index < 0) return {};
  const [controller, unit] = [Math.floor(index / SCSI_UNITS), index % SCSI_UNITS].map(String);
  return { address: { type: 'drive', controller: controller!, bus: '0', target: '0', unit: unit! } };
}

/** Number of a target on its bus: `vda` 0, `vdz` 25, `vdaa` 26; −1 for a name that is none. */
export function diskIndex(target: string): number {
  const letters = /^(?:vd|sd|hd|fd|xvd|ubd)([a-z]{1,4})$/.exec(target)?.[1];
  if (letters === undefined) return -1;
  return [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 96, 0) - 1;
}

/** The disks of a bus stand together, by their targets. */
function sortDisks(disks: readonly DiskDef[]): DiskDef[] {
  const byBus = new Map<string | undefined, DiskDef[]>();
  for (const disk of disks) {
    const all = byBus.get(disk.target.bus);
    if (all === undefined) byBus.set(disk.target.bus, [disk]);
    else all.push(disk);
  }
  return [...byBus.values()].flatMap((all) => all.sort((a, b) => diskIndex(a.target.dev) - diskIndex(b.target.dev)));
}

function fillInterface(one: InterfaceDef, random: RandomSource): InterfaceDef {
  return { ...one, mac: one.mac ?? { address: randomMac(random) }, model: one.model ?? { type: 'virtio' } };
}

/** The first console is the first serial port under another name; each of them brings the other. */
function fillConsoles(devices: DeviceDefs): [SerialDef[], ConsoleDef[]] {
  const [first, ...rest] = devices.consoles;
  const isSerial = first !== undefined && (first.target?.type ?? 'serial') === 'serial';
  let serials = devices.serials;
  if (serials.length === 0 && isSerial) {
    const { tty: _tty, target: _target, ...shared } = first;
    serials = [shared];
  }
  serials = serials.map(fillSerial);
  const [serial] = serials;
  if (serial === undefined) return [serials, numberConsoles(devices.consoles)];
  const { target: _target, address: _address, ...shared } = serial;
  const twin: ConsoleDef = { ...shared, target: { type: 'serial', port: serial.target?.port ?? 0 } };
  return [serials, numberConsoles(isSerial ? [twin, ...rest] : [twin, ...devices.consoles])];
}

function fillSerial(serial: SerialDef, index: number): SerialDef {
  const type = serial.target?.type ?? 'system-serial';
  const model = serial.target?.model ?? (type === 'system-serial' ? { name: '16550a' } : undefined);
  const port = serial.target?.port ?? index;
  return { ...serial, target: { ...serial.target, type, port, ...(model === undefined ? {} : { model }) } };
}

function numberConsoles(consoles: readonly ConsoleDef[]): ConsoleDef[] {
  return consoles.map((one, index) => ({
    ...one,
    target: { ...one.target, type: one.target?.type ?? 'serial', port: one.target?.port ?? index },
  }));
}
