import type { Duplex } from 'node:stream';
import type { Backend, PoolInfo, PoolRef, VolumeInfo, VolumeRef } from './backend.ts';
import {
  formatStorageVolume,
  parseStoragePool,
  parseStorageVolume,
  type StoragePoolDef,
  type StorageVolumeDef,
} from './conf/index.ts';
import { fromPlain } from './plain.ts';

/** A storage pool: a place that holds volumes. */
export class StoragePool {
  readonly ref: PoolRef;
  readonly #backend: Backend;

  constructor(backend: Backend, ref: PoolRef) {
    this.#backend = backend;
    this.ref = ref;
  }

  get name(): string {
    return this.ref.name;
  }

  get uuid(): string {
    return this.ref.uuid;
  }

  /** Makes the place itself: of a directory pool the directory. */
  build(flags = 0): Promise<void> {
    return this.#backend.storagePoolBuild(this.ref, flags);
  }

  /** Starts it. */
  create(flags = 0): Promise<void> {
    return this.#backend.storagePoolCreate(this.ref, flags);
  }

  /** Stops it; nothing in it is touched. */
  destroy(): Promise<void> {
    return this.#backend.storagePoolDestroy(this.ref);
  }

  /** Removes the place itself: of a directory pool the directory, which must be empty. */
  delete(flags = 0): Promise<void> {
    return this.#backend.storagePoolDelete(this.ref, flags);
  }

  undefine(): Promise<void> {
    return this.#backend.storagePoolUndefine(this.ref);
  }

  /** Looks anew what volumes there are. */
  refresh(flags = 0): Promise<void> {
    return this.#backend.storagePoolRefresh(this.ref, flags);
  }

  getInfo(): Promise<PoolInfo> {
    return this.#backend.storagePoolGetInfo(this.ref);
  }

  getXMLDesc(flags = 0): Promise<string> {
    return this.#backend.storagePoolGetXmlDesc(this.ref, flags);
  }

  /** The definition as a plain object. */
  async getDef(flags = 0): Promise<StoragePoolDef> {
    return parseStoragePool(await this.getXMLDesc(flags));
  }

  isActive(): Promise<boolean> {
    return this.#backend.storagePoolIsActive(this.ref);
  }

  isPersistent(): Promise<boolean> {
    return this.#backend.storagePoolIsPersistent(this.ref);
  }

  getAutostart(): Promise<boolean> {
    return this.#backend.storagePoolGetAutostart(this.ref);
  }

  setAutostart(autostart: boolean): Promise<void> {
    return this.#backend.storagePoolSetAutostart(this.ref, autostart);
  }

  async listAllVolumes(flags = 0): Promise<StorageVolume[]> {
    const refs = await this.#backend.storagePoolListAllVolumes(this.ref, flags);
    return refs.map((ref) => new StorageVolume(this.#backend, ref));
  }

  /** Throws NO_STORAGE_VOL. */
  async lookupVolumeByName(name: string): Promise<StorageVolume> {
    return new StorageVolume(this.#backend, await this.#backend.storageVolLookupByName(this.ref, name));
  }

  async createVolumeXML(xml: string, flags = 0): Promise<StorageVolume> {
    return new StorageVolume(this.#backend, await this.#backend.storageVolCreateXml(this.ref, xml, flags));
  }

  /** `createVolumeXML` with a plain object. */
  async createVolume(def: StorageVolumeDef, flags = 0): Promise<StorageVolume> {
    return this.createVolumeXML(fromPlain(def, formatStorageVolume), flags);
  }

  /** A new volume with the contents of another. */
  async createVolumeXMLFrom(xml: string, clone: StorageVolume, flags = 0): Promise<StorageVolume> {
    return new StorageVolume(
      this.#backend,
      await this.#backend.storageVolCreateXmlFrom(this.ref, xml, clone.ref, flags),
    );
  }
}

/** A storage volume: what a disk can be made of. */
export class StorageVolume {
  readonly ref: VolumeRef;
  readonly #backend: Backend;

  constructor(backend: Backend, ref: VolumeRef) {
    this.#backend = backend;
    this.ref = ref;
  }

  get name(): string {
    return this.ref.name;
  }

  get key(): string {
    return this.ref.key;
  }

  /** Name of its pool. */
  get pool(): string {
    return this.ref.pool;
  }

  delete(flags = 0): Promise<void> {
    return this.#backend.storageVolDelete(this.ref, flags);
  }

  /** Overwrites the contents with zeroes. */
  wipe(flags = 0): Promise<void> {
    return this.#backend.storageVolWipe(this.ref, flags);
  }

  /** @param algorithm of VolumeWipe */
  wipePattern(algorithm: number, flags = 0): Promise<void> {
    return this.#backend.storageVolWipePattern(this.ref, algorithm, flags);
  }

  /** @param capacity bytes @param flags of VolumeResize */
  resize(capacity: bigint, flags = 0): Promise<void> {
    return this.#backend.storageVolResize(this.ref, capacity, flags);
  }

  getInfo(): Promise<VolumeInfo> {
    return this.#backend.storageVolGetInfo(this.ref);
  }

  getXMLDesc(flags = 0): Promise<string> {
    return this.#backend.storageVolGetXmlDesc(this.ref, flags);
  }

  /** The definition as a plain object. */
  async getDef(flags = 0): Promise<StorageVolumeDef> {
    return parseStorageVolume(await this.getXMLDesc(flags));
  }

  getPath(): Promise<string> {
    return this.#backend.storageVolGetPath(this.ref);
  }

  /** Write the contents into the stream; `length` 0: to the volume's end. `close` means that all is on the disk. */
  upload(offset = 0n, length = 0n, flags = 0): Promise<Duplex> {
    return this.#backend.storageVolUpload(this.ref, offset, length, flags);
  }

  /** The contents as a stream; `length` 0: to the volume's end. */
  download(offset = 0n, length = 0n, flags = 0): Promise<Duplex> {
    return this.#backend.storageVolDownload(this.ref, offset, length, flags);
  }
}
