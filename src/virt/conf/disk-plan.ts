/** Disks and drives of a definition as what `createMachine` takes. */
import {
  type CdromOptions,
  type DiskOptions,
  type DiskSettings,
  diskCaches,
  type MediumOptions,
  type ScsiPlace,
} from '../../drivers/index.ts';
import { diskFormats } from '../../machine/index.ts';
import type { DeviceDefs, DiskDef, DiskDriverDef } from './device-def.ts';
import { sourceOf, tuneOf } from './device-validate.ts';
import { diskIndex, SCSI_UNITS } from './domain-postparse.ts';
import { unsupported } from './domain-refuse.ts';

/** Path of a storage volume. */
type VolumePath = ((pool: string, volume: string) => string) | undefined;

/** A CD-ROM drive of its own, whose medium can be changed: those on SCSI are. */
export function isDrive({ device, target }: DiskDef): boolean {
  return device === 'cdrom' && target.bus === 'scsi';
}

/** The machine has it: a drive, or what has a medium. */
export function isPluggedIn(disk: DiskDef): boolean {
  return isDrive(disk) || sourceOf(disk) !== '';
}

/** Throws CONFIG_UNSUPPORTED for controllers that disks need and that there are not. */
export function checkControllers({ controllers }: DeviceDefs): void {
  for (const { type, model } of controllers) {
    if (type !== 'scsi' || model === undefined || model === 'virtio-scsi' || model === 'auto') continue;
    throw unsupported(`controller 'scsi' of model '${model}': there is 'virtio-scsi'`);
  }
}

/** Where a disk is on SCSI: libvirt's bus is QEMU's channel, of which there is one. */
function placeOf({ address, target }: DiskDef): ScsiPlace {
  const index = diskIndex(target.dev);
  const { controller, target: number, unit, bus } = address?.type === 'drive' ? address : {};
  if (Number(bus ?? 0) !== 0) throw unsupported(`disk '${target.dev}': bus ${bus} of a SCSI controller`);
  return {
    controller: Number(controller ?? Math.floor(index / SCSI_UNITS)),
    target: Number(number ?? 0),
    lun: Number(unit ?? index % SCSI_UNITS),
  };
}

/** A drive, with its medium if it has one. */
export function cdromOptions(disk: DiskDef, volumePath: VolumePath): CdromOptions {
  return {
    name: disk.target.dev,
    place: placeOf(disk),
    ...(sourceOf(disk) === '' ? {} : mediumOptions(disk, volumePath)),
    ...(disk.serial === undefined ? {} : { serial: disk.serial }),
  };
}

/** The medium of a drive that has one. */
export function mediumOptions(disk: DiskDef, volumePath: VolumePath): MediumOptions {
  const { type = 'raw' } = disk.driver ?? {};
  return {
    file: diskPath(disk, volumePath),
    format: oneOfDisk(disk.target.dev, 'format', type, diskFormats),
  };
}

/** A disk. Throws CONFIG_UNSUPPORTED for what no machine has. */
export function diskOptions(disk: DiskDef, volumePath: VolumePath): DiskOptions {
  const { dev, bus } = disk.target;
  if (bus !== 'virtio' && bus !== 'scsi') {
    throw unsupported(`disk '${dev}': bus '${bus}' is not supported, 'virtio' and 'scsi' are`);
  }
  const { type = 'raw', cache = 'default', discard, queues, error_policy, rerror_policy } = disk.driver ?? {};
  const { iotune } = disk;
  return {
    file: diskPath(disk, volumePath),
    format: oneOfDisk(dev, 'format', type, diskFormats),
    readonly: disk.readonly ?? false,
    ...(bus === 'scsi' ? { bus, place: placeOf(disk) } : {}),
    ...(disk.serial === undefined ? {} : { serial: disk.serial }),
    ...(cache === 'default' ? {} : { cache: oneOfDisk(dev, 'cache', cache, diskCaches) }),
    ...(queues === undefined ? {} : { queues }),
    ...(discard === undefined ? {} : { discard }),
    ...errorOptions(error_policy, rerror_policy),
    ...(iotune === undefined ? {} : { iotune: tuneOf(iotune) }),
    ...(iotune?.group_name === undefined ? {} : { iotuneGroup: iotune.group_name }),
  };
}

/** `error_policy` is for reads too, unless they have one of their own; only writes can be short of space. */
function errorOptions(
  write: DiskDriverDef['error_policy'],
  read: DiskDriverDef['rerror_policy'],
): Pick<DiskSettings, 'werror' | 'rerror'> {
  const forReads = read ?? (write === 'enospace' ? undefined : write);
  return {
    ...(write === undefined ? {} : { werror: write === 'enospace' ? 'enospc' : write }),
    ...(forReads === undefined ? {} : { rerror: forReads }),
  };
}

function oneOfDisk<Value extends string>(dev: string, what: string, value: string, values: readonly Value[]): Value {
  const found = values.find((one) => one === value);
  if (found !== undefined) return found;
  throw unsupported(`disk '${dev}': ${what} '${value}' is not supported, there are ${values.join(', ')}`);
}

function diskPath({ source = {}, target }: DiskDef, volumePath: VolumePath): string {
  const { pool, volume } = source;
  if (pool === undefined || volume === undefined) return source.file ?? source.dev ?? '';
  if (volumePath === undefined) throw unsupported(`disk '${target.dev}': type 'volume' is not supported`);
  return volumePath(pool, volume);
}
