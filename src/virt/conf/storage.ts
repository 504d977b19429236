/** Storage XML: pools and volumes read, completed, checked, written. */
import { type RandomSource, VirtError } from '../../util/index.ts';
import { randomUuid } from './domain-postparse.ts';
import { pool, volume } from './storage-codec.ts';
import type { FilledStoragePoolDef, StoragePoolDef, StorageVolumeDef } from './storage-def.ts';
import { parseXml } from './xml.ts';
import { formatXml } from './xml-format.ts';
import type { Extensible } from './xml-node.ts';

/** The definition in a `<pool>` document. Throws XML_ERROR. */
export function parseStoragePool(xml: string): StoragePoolDef {
  return pool.read(parseXml(xml, 'pool'));
}

/** A pool's definition with a UUID, and without the sizes that only a running pool has. */
export function fillStoragePoolDefaults(def: StoragePoolDef, random: RandomSource): FilledStoragePoolDef {
  const { capacity: _capacity, allocation: _allocation, available: _available, ...rest } = def;
  return { ...rest, uuid: def.uuid ?? randomUuid(random) };
}

/** Throws XML_ERROR for a pool without a name or path, CONFIG_UNSUPPORTED for anything but a directory. */
export function validateStoragePool({ type, name, source, target }: FilledStoragePoolDef): void {
  if (name.trim() === '') throw xmlError('missing pool source name element');
  if (/[/\n\r]/.test(name)) throw xmlError(`name ${name} cannot contain '/' or newlines`);
  if (type !== 'dir') throw unsupported(`storage pool type '${type}': there is 'dir'`);
  if (target?.path === undefined) throw xmlError('missing storage pool target path');
  if (!target.path.startsWith('/')) throw xmlError(`storage pool target path '${target.path}' is not absolute`);
  const [inSource] = source?.extra?.elements ?? [];
  if (inSource !== undefined) throw unsupported(`element '${inSource.name}' in 'pool/source' is not supported`);
  refuseExtra(target, 'pool/target');
}

/** The `<pool>` document of a definition; of a running pool with its sizes, which are 0 when they are absent. */
export function formatStoragePool(def: StoragePoolDef): string {
  const { capacity = 0, allocation = 0, available = 0, source = {} } = def;
  return formatXml(pool.write({ ...def, capacity, allocation, available, source }, 'pool'));
}

/** The definition in a `<volume>` document. Throws XML_ERROR. */
export function parseStorageVolume(xml: string): StorageVolumeDef {
  return volume.read(parseXml(xml, 'volume'));
}

/** Throws XML_ERROR for a name that no file can have, CONFIG_UNSUPPORTED for anything but a raw or qcow2 image. */
export function validateStorageVolume({ name, type, target, backingStore, extra }: StorageVolumeDef): void {
  if (name.trim() === '') throw xmlError('missing volume name element');
  if (name === '.' || name === '..' || /[/\n\r]/.test(name)) {
    throw xmlError(`volume name '${name}' cannot contain '/' or newlines`);
  }
  if (type !== undefined && type !== 'file') throw unsupported(`volume type '${type}': there is 'file'`);
  const format = target?.format?.type ?? 'raw';
  if (format !== 'raw' && format !== 'qcow2') {
    throw unsupported(`volume format '${format}': there are 'raw' and 'qcow2'`);
  }
  if (backingStore?.path !== undefined && format !== 'qcow2') {
    throw unsupported("element 'backingStore' in a volume of format 'raw'");
  }
  const below = backingStore?.format?.type ?? 'raw';
  if (below !== 'raw' && below !== 'qcow2') throw unsupported(`backing store format '${below}'`);
  refuseExtra(target ?? {}, 'volume/target');
  refuseExtra({ ...(extra === undefined ? {} : { extra }) }, 'volume');
}

/** The `<volume>` document of a volume. */
export function formatStorageVolume(def: StorageVolumeDef): string {
  return formatXml(volume.write(def, 'volume'));
}

function refuseExtra({ extra }: Extensible, place: string): void {
  const [first] = extra?.elements ?? [];
  if (first !== undefined) throw unsupported(`element '${first.name}' in '${place}' is not supported`);
}

function xmlError(message: string): VirtError {
  return new VirtError('XML_ERROR', `XML error: ${message}`, { domain: 'STORAGE' });
}

function unsupported(message: string): VirtError {
  return new VirtError('CONFIG_UNSUPPORTED', `unsupported configuration: ${message}`, { domain: 'STORAGE' });
}
