/** `<pool>` and `<volume>`, in the order in which libvirt writes them. */
import { attr, type Codec, child, element, flag, opaque, size, textChild } from './codec.ts';
import { int, matching, nonEmpty, oneOf, str, uuid } from './scalar.ts';
import type { PermissionsDef, StoragePoolDef, StorageTargetDef, StorageVolumeDef } from './storage-def.ts';

const mode = matching(/^0?[0-7]{3}$/, 'an octal file mode');

// −1 stands for the one who makes it.
const id = int(-1, 0xffff_ffff);

const permissions: Codec<PermissionsDef> = element<PermissionsDef>({
  mode: textChild('mode', mode),
  owner: textChild('owner', id),
  group: textChild('group', id),
  label: textChild('label', str),
});

const format = child(
  'format',
  element<NonNullable<StorageTargetDef['format']>>({ type: attr('type', nonEmpty, 'required') }),
);

const target: Codec<StorageTargetDef> = element<StorageTargetDef>({
  path: textChild('path', nonEmpty),
  format,
  permissions: child('permissions', permissions),
  timestamps: child(
    'timestamps',
    element<NonNullable<StorageTargetDef['timestamps']>>({
      atime: textChild('atime', nonEmpty),
      mtime: textChild('mtime', nonEmpty),
      ctime: textChild('ctime', nonEmpty),
      btime: textChild('btime', nonEmpty),
    }),
  ),
  compat: textChild('compat', oneOf<string>('0.10', '1.1')),
  clusterSize: child('clusterSize', size('B')),
  features: child(
    'features',
    element<NonNullable<StorageTargetDef['features']>>({
      lazyRefcounts: flag('lazy_refcounts'),
      extendedL2: flag('extended_l2'),
    }),
  ),
});

/** Types of pools that libvirt knows, whether a driver of ours does or not. */
export const poolTypes: readonly string[] = [
  'dir',
  'fs',
  'netfs',
  'logical',
  'disk',
  'iscsi',
  'iscsi-direct',
  'scsi',
  'mpath',
  'rbd',
  'sheepdog',
  'gluster',
  'zfs',
  'vstorage',
];

/** A pool. */
export const pool: Codec<StoragePoolDef> = element<StoragePoolDef>({
  type: attr('type', oneOf(...poolTypes), 'required'),
  name: textChild('name', str, 'required'),
  uuid: textChild('uuid', uuid),
  capacity: child('capacity', size('bytes')),
  allocation: child('allocation', size('bytes')),
  available: child('available', size('bytes')),
  source: child('source', opaque),
  target: child('target', target),
});

/** A volume. */
export const volume: Codec<StorageVolumeDef> = element<StorageVolumeDef>({
  type: attr('type', oneOf('file', 'block', 'dir', 'network', 'netdir')),
  name: textChild('name', str, 'required'),
  key: textChild('key', str),
  capacity: child('capacity', size('bytes'), 'required'),
  allocation: child('allocation', size('bytes')),
  physical: child('physical', size('bytes')),
  source: child('source', opaque),
  target: child('target', target),
  backingStore: child(
    'backingStore',
    element<NonNullable<StorageVolumeDef['backingStore']>>({ path: textChild('path', str), format }),
  ),
});
