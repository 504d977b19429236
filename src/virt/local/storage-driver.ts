import type { Duplex } from 'node:stream';
import type { FilledStoragePoolDef } from '../conf/index.ts';

/** A pool's definition with what has been checked: it has a path. */
export type PoolDef = FilledStoragePoolDef & { target: { path: string } };

/** What a volume is as a disk image. */
export interface VolumeImage {
  /** `raw`, `qcow2`, `dir`. */
  readonly format: string;
  /** Of qcow2, as far as it is known or asked for: the version as `0.10` or `1.1`, and what it is made with. */
  readonly compat?: string;
  readonly clusterBytes?: number;
  readonly lazyRefcounts?: boolean;
  readonly extendedL2?: boolean;
  /** The image that it is on top of. */
  readonly backing?: { readonly path: string; readonly format: string };
}

/** A volume as it was found. */
export interface StoredVolume {
  readonly name: string;
  /** Also its key. */
  readonly path: string;
  /** Number of VolumeType. */
  readonly type: number;
  readonly image: VolumeImage;
  /** Bytes of the disk. */
  readonly capacity: number;
  /** Bytes that it takes of the pool. */
  readonly allocation: number;
  /** Bytes of its file. */
  readonly physical: number;
  readonly permissions?: { readonly mode: string; readonly owner: number; readonly group: number };
  /** Seconds since 1970, with decimals. */
  readonly timestamps?: { readonly atime: string; readonly mtime: string; readonly ctime: string };
}

/** Bytes. */
export interface PoolSpace {
  readonly capacity: number;
  readonly allocation: number;
  readonly available: number;
}

/** A volume to be made. */
export interface NewVolume {
  readonly name: string;
  readonly capacity: number;
  readonly allocation: number;
  /** Octal. */
  readonly mode?: number;
  readonly image: VolumeImage;
  /** All clusters get their places at once. */
  readonly preallocate: boolean;
}

/** A part of a volume, in bytes. */
export interface VolumeRange {
  readonly offset: number;
  readonly length: number;
}

/** What holds the volumes of pools. Names of volumes have been checked, and that a volume is there that is named. */
export interface StorageDriver {
  /** Makes the place of a pool. */
  build(pool: PoolDef): Promise<void>;
  /** Removes the place of a pool, which must be empty. */
  erase(pool: PoolDef): Promise<void>;
  /** Looks what is there. Throws if the place is not. */
  scan(pool: PoolDef): Promise<{ space: PoolSpace; volumes: StoredVolume[] }>;
  /** Looks at one volume; undefined: it has gone. */
  look(path: string): Promise<StoredVolume | undefined>;
  pathOf(pool: PoolDef, name: string): string;
  /** Throws STORAGE_VOL_EXIST. `from`: the volume whose disk it gets. Nothing is left when it throws. */
  create(pool: PoolDef, volume: NewVolume, from?: StoredVolume): Promise<void>;
  remove(volume: StoredVolume): Promise<void>;
  /** @param allocate bytes are written, not merely promised */
  resize(volume: StoredVolume, capacity: number, allocate: boolean): Promise<void>;
  wipe(volume: StoredVolume): Promise<void>;
  /** Writable; finishes when all is on the disk, fails when more is written than fits. */
  upload(volume: StoredVolume, range: VolumeRange): Promise<Duplex>;
  /** Readable. */
  download(volume: StoredVolume, range: VolumeRange): Promise<Duplex>;
}
