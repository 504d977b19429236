import { posix } from 'node:path';
import { Duplex, Writable } from 'node:stream';
import { VolumeType } from '../enums.ts';
import { virtError } from '../errors.ts';
import type {
  NewVolume,
  PoolDef,
  PoolSpace,
  StorageDriver,
  StoredVolume,
  VolumeImage,
  VolumeRange,
} from './storage-driver.ts';

/** Size of every pool in bytes, as libvirt's test driver has it. */
const POOL_BYTES = 100 * 2 ** 30;

interface MemoryVolume {
  readonly name: string;
  readonly image: VolumeImage;
  capacity: number;
  allocation: number;
  /** What has been written, as far as it goes; zeroes behind it. */
  bytes: Uint8Array;
}

/** Pools and volumes that are in memory only. */
export class MemoryStorage implements StorageDriver {
  readonly #volumes = new Map<string, MemoryVolume>();

  async build(): Promise<void> {}

  async erase(pool: PoolDef): Promise<void> {
    for (const path of this.#paths(pool)) this.#volumes.delete(path);
  }

  async scan(pool: PoolDef): Promise<{ space: PoolSpace; volumes: StoredVolume[] }> {
    const volumes = this.#paths(pool).map((path) => this.#stored(path));
    const allocation = volumes.reduce((sum, volume) => sum + volume.allocation, 0);
    return { space: { capacity: POOL_BYTES, allocation, available: POOL_BYTES - allocation }, volumes };
  }

  async look(path: string): Promise<StoredVolume | undefined> {
    return this.#volumes.has(path) ? this.#stored(path) : undefined;
  }

  pathOf(pool: PoolDef, name: string): string {
    return posix.join(pool.target.path, name);
  }

  async create(pool: PoolDef, volume: NewVolume, from?: StoredVolume): Promise<void> {
    const { name, capacity, allocation, image } = volume;
    const path = this.pathOf(pool, name);
    if (this.#volumes.has(path)) throw virtError('STORAGE_VOL_EXIST', `storage volume '${name}' exists already`);
    const { space } = await this.scan(pool);
    if (allocation > space.available || capacity > space.available) {
      throw virtError('INTERNAL_ERROR', `Not enough free space in pool for volume '${name}'`);
    }
    const bytes = from === undefined ? new Uint8Array() : this.#get(from.path).bytes.slice();
    this.#volumes.set(path, { name, image, capacity, allocation, bytes });
  }

  async remove({ path }: StoredVolume): Promise<void> {
    this.#volumes.delete(path);
  }

  async resize({ path }: StoredVolume, capacity: number, allocate: boolean): Promise<void> {
    const volume = this.#get(path);
    volume.capacity = capacity;
    if (allocate) volume.allocation = capacity;
    volume.bytes = volume.bytes.slice(0, capacity);
  }

  async wipe({ path }: StoredVolume): Promise<void> {
    this.#get(path).bytes = new Uint8Array();
  }

  async upload({ path }: StoredVolume, { offset, length }: VolumeRange): Promise<Duplex> {
    const volume = this.#get(path);
    let at = offset;
    const sink = new Writable({
      write: (chunk: Uint8Array, _encoding, done) => {
        if (at + chunk.length > offset + length) {
          done(virtError('OPERATION_FAILED', 'more was sent than the volume, or the part of it, can hold'));
          return;
        }
        put(volume, at, chunk);
        at += chunk.length;
        done();
      },
    });
    return Duplex.from(sink) as Duplex;
  }

  async download({ path }: StoredVolume, { offset, length }: VolumeRange): Promise<Duplex> {
    const { bytes } = this.#get(path);
    return Duplex.from(pieces(bytes, offset, length)) as Duplex;
  }

  #paths(pool: PoolDef): string[] {
    return [...this.#volumes.keys()].filter((path) => posix.dirname(path) === posix.normalize(pool.target.path));
  }

  #get(path: string): MemoryVolume {
    const volume = this.#volumes.get(path);
    if (volume === undefined) throw virtError('NO_STORAGE_VOL', `no storage vol with matching path '${path}'`);
    return volume;
  }

  #stored(path: string): StoredVolume {
    const { name, capacity, allocation, image } = this.#get(path);
    return { name, path, type: VolumeType.FILE, image, capacity, allocation, physical: capacity };
  }
}

function put(volume: MemoryVolume, at: number, chunk: Uint8Array): void {
  const end = at + chunk.length;
  if (end > volume.bytes.length) {
    const grown = new Uint8Array(end);
    grown.set(volume.bytes);
    volume.bytes = grown;
  }
  volume.bytes.set(chunk, at);
  volume.allocation = Math.max(volume.allocation, end);
}

function* pieces(bytes: Uint8Array, offset: number, length: number): Generator<Uint8Array> {
  const size = 64 * 1024;
  for (let at = offset; at < offset + length; at += size) {
    const piece = new Uint8Array(Math.min(size, offset + length - at));
    piece.set(bytes.subarray(at, at + piece.length));
    yield piece;
  }
}
