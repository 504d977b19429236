/** Devices that contradict each other, and devices that no machine of ours can have. */
import { checkIoTune, type IoTune, ioTuneNames } from '../../machine/index.ts';
import { VirtError } from '../../util/index.ts';
import type { DeviceDefs, DiskDef, IotuneDef } from './device-def.ts';
import { type DeviceKind, deviceTypes } from './devices.ts';
import type { FilledDomainDef } from './domain-def.ts';
import { diskIndex } from './domain-postparse.ts';
import { unsupported } from './domain-refuse.ts';

/** Kinds that one asks for because one needs them, and that there are none of. */
const refusedKinds: readonly DeviceKind[] = [
  'filesystems',
  'tpms',
  'hostdevs',
  'watchdogs',
  'panics',
  'vsocks',
  'parallels',
];

/** Throws XML_ERROR or CONFIG_UNSUPPORTED, see `validateDomain`. */
export function validateDevices({ devices, os }: FilledDomainDef): void {
  for (const kind of refusedKinds) {
    if (devices[kind].length > 0) throw unsupported(`device '${deviceTypes[kind].name}' is not supported`);
  }
  checkDisks(devices.disks);
  checkBootOrder(devices, os.boot.length > 0);
  checkAliases(devices);
  for (const { type, source } of devices.interfaces) {
    if ((type === 'network' || type === 'bridge') && source === undefined) {
      throw xmlError(`interface type='${type}' requires a 'source' element`);
    }
    if (type === 'hostdev' || type === 'vdpa') throw unsupported(`interface type '${type}'`);
  }
  if (devices.memballoons.length > 1) throw unsupported('only a single memory balloon device is supported');
  checkRngs(devices);
}

function xmlError(message: string): VirtError {
  return new VirtError('XML_ERROR', `XML error: ${message}`, { domain: 'DOMAIN' });
}

function checkDisks(disks: readonly DiskDef[]): void {
  const seen = new Map<string, DiskDef>();
  for (const disk of disks) {
    const { dev, bus } = disk.target;
    const other = seen.get(dev);
    if (other !== undefined) {
      throw xmlError(`target '${dev}' duplicated for disk sources '${sourceOf(other)}' and '${sourceOf(disk)}'`);
    }
    seen.set(dev, disk);
    if (bus === undefined || diskIndex(dev) < 0) throw xmlError(`Unknown disk name '${dev}' and no address specified`);
    if (!buses.includes(bus)) throw xmlError(`Invalid value for attribute 'bus' in element 'target': '${bus}'`);
    checkDisk(disk);
  }
}

const buses = ['virtio', 'scsi', 'sata', 'usb', 'ide', 'fdc', 'sd'];

function checkDisk(disk: DiskDef): void {
  const { dev } = disk.target;
  if (disk.type === 'network' || disk.type === 'dir' || disk.type === 'nvme' || disk.type === 'vhostuser') {
    throw unsupported(`disk '${dev}': type '${disk.type}' is not supported`);
  }
  if (disk.device === 'lun') throw unsupported(`disk '${dev}': device 'lun' is not supported`);
  checkTune(disk);
  if (disk.transient) throw unsupported(`disk '${dev}': <transient> is not supported`);
  if (sourceOf(disk) === '' && disk.device === 'disk') throw xmlError(`missing source information for device ${dev}`);
}

/** Throws CONFIG_UNSUPPORTED for limits that contradict each other. */
function checkTune({ iotune = {}, target }: DiskDef): void {
  try {
    checkIoTune(tuneOf(iotune));
  } catch (error) {
    throw unsupported(`disk '${target.dev}': ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The limits in an `<iotune>`. */
export function tuneOf(iotune: IotuneDef): IoTune {
  return Object.fromEntries(ioTuneNames.flatMap((name) => (iotune[name] ? [[name, iotune[name]]] : [])));
}

/** File, device or volume of a disk; empty for a drive with nothing in it. */
export function sourceOf({ source }: DiskDef): string {
  if (source?.pool !== undefined && source.volume !== undefined) return `${source.pool}/${source.volume}`;
  return source?.file ?? source?.dev ?? '';
}

function checkBootOrder({ disks, interfaces }: DeviceDefs, hasOsBoot: boolean): void {
  const orders = [...disks, ...interfaces].flatMap(({ boot }) => (boot === undefined ? [] : [boot.order]));
  if (orders.length > 0 && hasOsBoot) {
    throw unsupported('per-device boot elements cannot be used together with os/boot elements');
  }
  const seen = new Set<number>();
  for (const order of orders) {
    if (seen.has(order)) throw xmlError(`boot order '${order}' used for more than one device`);
    seen.add(order);
  }
}

function checkAliases(devices: DeviceDefs): void {
  const seen = new Set<string>();
  for (const [key, all] of Object.entries(devices)) {
    if (!Array.isArray(all) || key === 'consoles') continue;
    for (const { alias } of all as { alias?: { name: string } }[]) {
      if (alias === undefined) continue;
      if (seen.has(alias.name)) throw xmlError(`non unique alias detected: ${alias.name}`);
      seen.add(alias.name);
    }
  }
}

function checkRngs({ rngs }: DeviceDefs): void {
  for (const { model, backend } of rngs) {
    if (!model.startsWith('virtio')) throw unsupported(`rng model '${model}' is not supported`);
    if (backend.model === 'egd') throw unsupported("rng backend 'egd' is not supported");
  }
}
