/** Storage pools and volumes as plain data; sizes in bytes. */
import type { Extensible } from './xml-node.ts';

/** `<pool>`. */
export interface StoragePoolDef extends Extensible {
  type: string;
  name: string;
  uuid?: string;
  /** The sizes are of the running pool. */
  capacity?: number;
  allocation?: number;
  available?: number;
  source?: Extensible;
  target?: StorageTargetDef;
}

/** A pool's definition with what `fillStoragePoolDefaults` fills in. */
export type FilledStoragePoolDef = StoragePoolDef & Required<Pick<StoragePoolDef, 'uuid'>>;

/** `<target>` of a pool or a volume. */
export interface StorageTargetDef extends Extensible {
  path?: string;
  format?: { type: string } & Extensible;
  permissions?: PermissionsDef;
  timestamps?: { atime?: string; mtime?: string; ctime?: string; btime?: string } & Extensible;
  /** Version of a qcow2 image: `0.10` or `1.1`. */
  compat?: string;
  /** Bytes of a qcow2 image's clusters. */
  clusterSize?: number;
  features?: { lazyRefcounts?: true; extendedL2?: true } & Extensible;
}

/** `<permissions>`. */
export interface PermissionsDef extends Extensible {
  /** Octal: `0644`. */
  mode?: string;
  owner?: number;
  group?: number;
  label?: string;
}

/** `<volume>`. */
export interface StorageVolumeDef extends Extensible {
  type?: 'file' | 'block' | 'dir' | 'network' | 'netdir';
  name: string;
  key?: string;
  capacity: number;
  allocation?: number;
  physical?: number;
  source?: Extensible;
  target?: StorageTargetDef;
  backingStore?: { path?: string; format?: { type: string } & Extensible } & Extensible;
}
