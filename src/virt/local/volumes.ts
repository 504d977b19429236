import { type Duplex, finished } from 'node:stream';
import type { PoolRef, StorageVolumeProcedures, VolumeInfo, VolumeRef } from '../backend.ts';
import {
  formatStorageVolume,
  parseStorageVolume,
  type StorageVolumeDef,
  validateStorageVolume,
} from '../conf/index.ts';
import { VolumeCreate, VolumeResize, VolumeType, VolumeWipe } from '../enums.ts';
import { virtError } from '../errors.ts';
import { checkFlags } from './impact.ts';
import type { LocalPool, PoolTable } from './pool-table.ts';
import type { Schemas } from './schemas.ts';
import type { NewVolume, StoredVolume, VolumeImage, VolumeRange } from './storage-driver.ts';
import type { World } from './world.ts';

const resizeFlags = VolumeResize.ALLOCATE | VolumeResize.DELTA | VolumeResize.SHRINK;
const createFlags = VolumeCreate.PREALLOC_METADATA | VolumeCreate.REFLINK | VolumeCreate.VALIDATE;
const typeNames = ['file', 'block', 'dir'] as const;

/** Storage volumes. */
export class LocalVolumes implements StorageVolumeProcedures {
  readonly #table: PoolTable;
  readonly #schemas: Schemas;

  constructor(world: World) {
    this.#table = world.pools;
    this.#schemas = world.schemas;
  }

  async storagePoolListAllVolumes(ref: PoolRef, flags: number): Promise<VolumeRef[]> {
    checkFlags(flags, 0, 'storagePoolListAllVolumes');
    const pool = this.#table.find(ref);
    pool.activeDef();
    return [...pool.volumes.values()].map((volume) => refOf(pool, volume));
  }

  async storageVolLookupByName(ref: PoolRef, name: string): Promise<VolumeRef> {
    const pool = this.#table.find(ref);
    pool.activeDef();
    return refOf(pool, pool.volume(name));
  }

  async storageVolLookupByKey(key: string): Promise<VolumeRef> {
    const found = this.#table.volumeAt(key);
    if (found === undefined) throw virtError('NO_STORAGE_VOL', `no storage vol with matching key ${key}`);
    return refOf(found.pool, found.volume);
  }

  async storageVolLookupByPath(path: string): Promise<VolumeRef> {
    const found = this.#table.volumeAt(path.replace(/\/+/g, '/'));
    if (found === undefined) throw virtError('NO_STORAGE_VOL', `no storage vol with matching path '${path}'`);
    return refOf(found.pool, found.volume);
  }

  async storageVolCreateXml(ref: PoolRef, xml: string, flags: number): Promise<VolumeRef> {
    checkFlags(flags, createFlags, 'storageVolCreateXml');
    if ((flags & VolumeCreate.VALIDATE) !== 0) await this.#schemas.check('volume', xml);
    const def = parseStorageVolume(xml);
    return this.#create(ref, newVolume(def, flags));
  }

  async storageVolCreateXmlFrom(ref: PoolRef, xml: string, clone: VolumeRef, flags: number): Promise<VolumeRef> {
    checkFlags(flags, createFlags, 'storageVolCreateXmlFrom');
    if ((flags & VolumeCreate.VALIDATE) !== 0) await this.#schemas.check('volume', xml);
    const { volume: from } = this.#table.volumeOf(clone);
    refuseOtherThanFiles(from, 'clone');
    const def = parseStorageVolume(xml);
    const done = this.#table.use(from);
    try {
      const wanted = { ...newVolume(def, flags), capacity: Math.max(def.capacity, from.capacity) };
      return await this.#create(ref, wanted, from);
    } finally {
      done();
    }
  }

  async storageVolDelete(ref: VolumeRef, flags: number): Promise<void> {
    // VIR_STORAGE_VOL_DELETE_ZEROED.
    checkFlags(flags, 1, 'storageVolDelete');
    return this.#change(ref, async (pool, volume) => {
      if ((flags & 1) !== 0) await this.#table.driver.wipe(volume);
      await this.#table.driver.remove(volume);
      pool.volumes.delete(volume.name);
    });
  }

  async storageVolWipe(ref: VolumeRef, flags: number): Promise<void> {
    checkFlags(flags, 0, 'storageVolWipe');
    return this.#change(ref, async (pool, volume) => {
      refuseOtherThanFiles(volume, 'wipe');
      await this.#table.driver.wipe(volume);
      await this.#look(pool, volume);
    });
  }

  async storageVolWipePattern(ref: VolumeRef, algorithm: number, flags: number): Promise<void> {
    const [name] = Object.entries(VolumeWipe).find(([, value]) => value === algorithm) ?? [];
    if (name === undefined) throw virtError('INVALID_ARG', `wiping algorithm ${algorithm} not supported`);
    if (algorithm !== VolumeWipe.ZERO) {
      throw virtError(
        'OPERATION_UNSUPPORTED',
        `wiping algorithm '${name.toLowerCase()}': volumes are wiped with zeroes`,
      );
    }
    return this.storageVolWipe(ref, flags);
  }

  async storageVolResize(ref: VolumeRef, capacity: bigint, flags: number): Promise<void> {
    checkFlags(flags, resizeFlags, 'storageVolResize');
    return this.#change(ref, async (pool, volume) => {
      refuseOtherThanFiles(volume, 'resize');
      const shrink = (flags & VolumeResize.SHRINK) !== 0;
      const before = BigInt(volume.capacity);
      const delta = (flags & VolumeResize.DELTA) !== 0;
      const after = delta ? before + (shrink ? -capacity : capacity) : capacity;
      if (after < before && !shrink) {
        throw virtError(
          'INVALID_ARG',
          "Can't shrink capacity below current capacity unless shrink flag explicitly specified",
        );
      }
      const size = byteCount(after, 'capacity');
      if (size > volume.capacity + pool.space.available) {
        throw virtError('OPERATION_FAILED', 'Not enough space left in storage pool');
      }
      await this.#table.driver.resize(volume, size, (flags & VolumeResize.ALLOCATE) !== 0);
      await this.#look(pool, volume);
    });
  }

  async storageVolGetInfo(ref: VolumeRef): Promise<VolumeInfo> {
    const { pool, volume } = this.#table.volumeOf(ref);
    const { type, capacity, allocation } = await this.#look(pool, volume);
    return { type, capacity: BigInt(capacity), allocation: BigInt(allocation) };
  }

  async storageVolGetXmlDesc(ref: VolumeRef, flags: number): Promise<string> {
    checkFlags(flags, 0, 'storageVolGetXmlDesc');
    const { pool, volume } = this.#table.volumeOf(ref);
    return formatStorageVolume(describe(await this.#look(pool, volume)));
  }

  async storageVolGetPath(ref: VolumeRef): Promise<string> {
    return this.#table.volumeOf(ref).volume.path;
  }

  async storageVolUpload(ref: VolumeRef, offset: bigint, length: bigint, flags: number): Promise<Duplex> {
    checkFlags(flags, 0, 'storageVolUpload');
    return this.#stream(ref, { offset, length }, (volume, range) => this.#table.driver.upload(volume, range), true);
  }

  async storageVolDownload(ref: VolumeRef, offset: bigint, length: bigint, flags: number): Promise<Duplex> {
    checkFlags(flags, 0, 'storageVolDownload');
    return this.#stream(ref, { offset, length }, (volume, range) => this.#table.driver.download(volume, range), false);
  }

  async #create(ref: PoolRef, wanted: NewVolume, from?: StoredVolume): Promise<VolumeRef> {
    return this.#table.job(ref, async (pool) => {
      const def = pool.activeDef();
      if (pool.volumes.has(wanted.name)) {
        throw virtError('STORAGE_VOL_EXIST', `storage volume '${wanted.name}' exists already`);
      }
      const { driver } = this.#table;
      await driver.create(def, wanted, from);
      const volume = await driver.look(driver.pathOf(def, wanted.name));
      if (volume === undefined) throw virtError('OPERATION_FAILED', `storage volume '${wanted.name}' has gone at once`);
      pool.volumes.set(volume.name, volume);
      pool.space = (await driver.scan(def)).space;
      return refOf(pool, volume);
    });
  }

  /** A job on a volume that nobody reads or writes. */
  #change(ref: VolumeRef, job: (pool: LocalPool, volume: StoredVolume) => Promise<void>): Promise<void> {
    const { pool: owner } = this.#table.volumeOf(ref);
    return this.#table.job(owner.ref, async (pool) => {
      const { volume } = this.#table.volumeOf(ref);
      if (this.#table.isBusy(volume)) {
        throw virtError('OPERATION_INVALID', `volume '${volume.name}' is still in use.`);
      }
      await job(pool, volume);
      if (pool.running !== undefined) pool.space = (await this.#table.driver.scan(pool.running)).space;
    });
  }

  async #stream(
    ref: VolumeRef,
    { offset, length }: { offset: bigint; length: bigint },
    open: (volume: StoredVolume, range: VolumeRange) => Promise<Duplex>,
    writes: boolean,
  ): Promise<Duplex> {
    const { pool, volume: known } = this.#table.volumeOf(ref);
    const volume = await this.#look(pool, known);
    refuseOtherThanFiles(volume, 'stream');
    const start = byteCount(offset, 'offset');
    // Of an image that is more than its disk's bytes, the file itself goes in and out, as long as it is.
    const plain = volume.image.format === 'raw';
    const rest = (plain ? volume.capacity : writes ? Number.MAX_SAFE_INTEGER : volume.physical) - start;
    const wanted = length === 0n ? rest : byteCount(length, 'length');
    if (rest < 0 || wanted > rest) {
      throw virtError('INVALID_ARG', `${wanted} bytes from ${start} on are not within volume '${volume.name}'`);
    }
    const done = this.#table.use(volume);
    try {
      const stream = await open(volume, { offset: start, length: wanted });
      finished(stream, done);
      return stream;
    } catch (error) {
      done();
      throw error;
    }
  }

  /** The volume as it is now. Throws NO_STORAGE_VOL if it has gone. */
  async #look(pool: LocalPool, volume: StoredVolume): Promise<StoredVolume> {
    const now = await this.#table.driver.look(volume.path);
    if (now === undefined) throw virtError('NO_STORAGE_VOL', `no storage vol with matching path '${volume.path}'`);
    if (pool.volumes.has(now.name)) pool.volumes.set(now.name, now);
    return now;
  }
}

function refOf(pool: LocalPool, { name, path }: StoredVolume): VolumeRef {
  return { pool: pool.name, name, key: path };
}

function newVolume(def: StorageVolumeDef, flags: number): NewVolume {
  validateStorageVolume(def);
  const { name, capacity, target } = def;
  const image = newImage(def);
  const mode = target?.permissions?.mode;
  if (mode !== undefined && !/^[0-7]{1,4}$/.test(mode)) throw virtError('XML_ERROR', 'malformed octal mode');
  return {
    name,
    capacity,
    // As libvirt: bytes of which nobody says how many are to be there all are. Formats of their own begin small.
    allocation: def.allocation ?? (image.format === 'raw' ? capacity : 0),
    ...(mode === undefined ? {} : { mode: Number.parseInt(mode, 8) }),
    image,
    preallocate: (flags & VolumeCreate.PREALLOC_METADATA) !== 0,
  };
}

function newImage({ target, backingStore }: StorageVolumeDef): VolumeImage {
  const { compat, clusterSize, features } = target ?? {};
  const { path, format } = backingStore ?? {};
  return {
    format: target?.format?.type ?? 'raw',
    ...(compat === undefined ? {} : { compat }),
    ...(clusterSize === undefined ? {} : { clusterBytes: clusterSize }),
    ...(features === undefined
      ? {}
      : { lazyRefcounts: features.lazyRefcounts ?? false, extendedL2: features.extendedL2 ?? false }),
    ...(path === undefined ? {} : { backing: { path, format: format?.type ?? 'raw' } }),
  };
}

function refuseOtherThanFiles({ name, type }: StoredVolume, verb: string): void {
  if (type === VolumeType.FILE) return;
  throw virtError('OPERATION_UNSUPPORTED', `cannot ${verb} volume '${name}': it is no file`);
}

function byteCount(bytes: bigint, what: string): number {
  if (bytes >= 0n && bytes <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(bytes);
  throw virtError('INVALID_ARG', `${what} of ${bytes} bytes is out of range`);
}

function describe(volume: StoredVolume): StorageVolumeDef {
  const { name, path, type, image, capacity, allocation, physical, permissions, timestamps } = volume;
  const { format, compat, clusterBytes, lazyRefcounts, extendedL2, backing } = image;
  const on = true as const;
  const features = { ...(lazyRefcounts ? { lazyRefcounts: on } : {}), ...(extendedL2 ? { extendedL2: on } : {}) };
  return {
    type: typeNames[type] ?? 'file',
    name,
    key: path,
    capacity,
    allocation,
    physical,
    target: {
      path,
      format: { type: format },
      ...(permissions === undefined ? {} : { permissions }),
      ...(timestamps === undefined ? {} : { timestamps }),
      ...(compat === undefined ? {} : { compat }),
      ...(clusterBytes === undefined ? {} : { clusterSize: clusterBytes }),
      ...(compat === undefined || compat === '0.10' ? {} : { features }),
    },
    ...(backing === undefined ? {} : { backingStore: { path: backing.path, format: { type: backing.format } } }),
  };
}
