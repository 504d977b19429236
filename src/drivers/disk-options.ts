import {
  type BlockBackend,
  checkIoTune,
  type DiskFormat,
  type DiskImage,
  diskFormat,
  type IoTune,
  openDiskImage,
  type ReadErrorAction,
  readErrorActions,
  VirtioBlk,
  type WriteCache,
  type WriteErrorAction,
  writeErrorActions,
} from '../machine/index.ts';
import { type Logger, VirtError } from '../util/index.ts';
import type { ScsiPlace } from './scsi-options.ts';

/** libvirt's and QEMU's names of cache modes. */
export const diskCaches = ['writeback', 'none', 'writethrough', 'directsync', 'unsafe'] as const;
export type DiskCache = (typeof diskCaches)[number];

/** What disks are attached to. */
export const diskBuses = ['virtio', 'scsi'] as const;
export type DiskBus = (typeof diskBuses)[number];

/** What becomes of what a guest discards. */
export const diskDiscards = ['unmap', 'ignore'] as const;
export type DiskDiscard = (typeof diskDiscards)[number];

/** What a disk is like to the guest, whatever it is stored in. */
export interface DiskSettings {
  /** Shown to the guest; 20 bytes count. */
  readonly serial?: string;
  /**
   * When what the guest writes is on stable storage. `writeback` (default) and `none`: when it flushes. `writethrough`
   * and `directsync`: when a write has ended. `unsafe`: whenever the host likes. The host's page cache is used in all
   * of them: Node cannot go around it.
   */
  readonly cache?: DiskCache;
  /** Number of request queues, 1 to 16; default 1. On SCSI they are the controller's, 1 to 14. */
  readonly queues?: number;
  /** `virtio` (default): a device of its own. `scsi`: a unit of a virtio-scsi controller. */
  readonly bus?: DiskBus;
  /** Where it is on its SCSI bus. */
  readonly place?: ScsiPlace;
  /** What events call it; default `disk0`, `disk1` … in the order of the disks. */
  readonly name?: string;
  /**
   * What a failed write leads to. `enospc` (default): the guest is paused when the host has no room, and told of all
   * other errors. `stop`: it is paused. `report`: it is told. `ignore`: it is told that all went well. A guest that is
   * paused so tries again when it is resumed.
   */
  readonly werror?: WriteErrorAction;
  /** The same for a failed read; default `report`. */
  readonly rerror?: ReadErrorAction;
  /** `unmap` (default): what the guest discards is given back to the host, where that can. `ignore`: it stays. */
  readonly discard?: DiskDiscard;
  /** Limits of its I/O. */
  readonly iotune?: IoTune;
  /** Disks of one group share their limits: those that are given last. */
  readonly iotuneGroup?: string;
}

/**
 * A disk: a raw image by its path, or an image with options, with all that it is on top of, or a backend of the
 * caller's, which the machine closes.
 */
export type DiskOptions =
  | string
  | (DiskSettings & {
      readonly file: string;
      /** Format of the image; default raw. It is never guessed: what is in a raw image is the guest's to choose. */
      readonly format?: DiskFormat;
      readonly readonly?: boolean;
    })
  | (DiskSettings & { readonly backend: BlockBackend });

/** A disk that is stored in a file. */
export type FileDisk = Exclude<DiskOptions, string | { readonly backend: BlockBackend }>;

const QUEUES_MAX = 16;

/** How the device treats what is written, by cache mode. */
export const writeCaches: Readonly<Record<DiskCache, WriteCache>> = {
  writeback: 'back',
  none: 'back',
  writethrough: 'through',
  directsync: 'through',
  unsafe: 'unsafe',
};

/** Opens a disk's image and what it is on top of. Throws INVALID_ARG, naming the file and what is wrong with it. */
export function openDiskFile(disk: FileDisk, logger?: Logger): Promise<DiskImage> {
  return openDiskImage(disk.file, {
    format: diskFormat(disk.file, disk.format ?? 'raw'),
    readOnly: disk.readonly ?? false,
    ...(logger === undefined ? {} : { logger }),
  });
}

/** The backend of a disk, opened if it is in a file. */
export async function openDisk(disk: DiskOptions, logger?: Logger): Promise<BlockBackend> {
  if (typeof disk === 'string') return openDiskFile({ file: disk }, logger);
  return 'backend' in disk ? disk.backend : openDiskFile(disk, logger);
}

/** Checks what can be checked before anything is opened. Throws INVALID_ARG. */
export function checkDiskSettings(disk: DiskOptions): void {
  if (typeof disk === 'string') return;
  const { cache = 'writeback', queues = 1, werror = 'enospc', rerror = 'report', iotune = {}, bus = 'virtio' } = disk;
  const { discard = 'unmap' } = disk;
  if (!diskBuses.includes(bus)) {
    throw new VirtError('INVALID_ARG', `disk bus '${bus}': there are ${diskBuses.join(', ')}`);
  }
  if (!diskCaches.includes(cache)) {
    throw new VirtError('INVALID_ARG', `disk cache '${cache}': there are ${diskCaches.join(', ')}`);
  }
  for (const [option, value, known] of [
    ['werror', werror, writeErrorActions],
    ['rerror', rerror, readErrorActions],
    ['discard', discard, diskDiscards],
  ] as const) {
    if ((known as readonly string[]).includes(value)) continue;
    throw new VirtError('INVALID_ARG', `disk ${option} '${value}': there are ${known.join(', ')}`);
  }
  checkIoTune(iotune);
  if (!Number.isInteger(queues) || queues < 1 || queues > QUEUES_MAX) {
    throw new VirtError('INVALID_ARG', `a disk with ${queues} queues: it has 1 to ${QUEUES_MAX}`);
  }
}

/** The device for a disk. */
export function diskDevice(backend: BlockBackend, disk: DiskOptions, logger: Logger | undefined): VirtioBlk {
  const { serial, cache, queues }: DiskSettings = typeof disk === 'string' ? {} : disk;
  return new VirtioBlk(backend, {
    ...(serial === undefined ? {} : { serial }),
    ...(cache === undefined ? {} : { cache: writeCaches[cache] }),
    ...(queues === undefined ? {} : { queues }),
    ...(logger === undefined ? {} : { logger }),
  });
}
