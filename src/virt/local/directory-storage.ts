import { constants, createReadStream, type Stats } from 'node:fs';
import { chmod, copyFile, type FileHandle, open, readdir, rm, rmdir, stat, statfs, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Duplex, Writable } from 'node:stream';
import { makeDirectory } from '../../util/index.ts';
import { VolumeType } from '../enums.ts';
import { virtError } from '../errors.ts';
import { copyVolume, lookAtImage, makeImage, resizeImage } from './image-volumes.ts';
import type { NewVolume, PoolDef, PoolSpace, StorageDriver, StoredVolume, VolumeRange } from './storage-driver.ts';

const zeroes = new Uint8Array(1024 * 1024);

/** Pools that are directories of this host, volumes that are raw files in them. */
export class DirectoryStorage implements StorageDriver {
  async build(pool: PoolDef): Promise<void> {
    const { path, permissions } = pool.target;
    await makeDirectory(path);
    if (permissions?.mode !== undefined) await chmod(path, Number.parseInt(permissions.mode, 8));
  }

  async erase(pool: PoolDef): Promise<void> {
    await rmdir(pool.target.path);
  }

  async scan(pool: PoolDef): Promise<{ space: PoolSpace; volumes: StoredVolume[] }> {
    const { path } = pool.target;
    const names = await readdir(path).catch((cause: NodeJS.ErrnoException) => {
      throw virtError('SYSTEM_ERROR', `cannot open path '${path}': ${cause.message}`, { cause, data: { path } });
    });
    const looks = await Promise.all(names.sort().map((name) => this.look(join(path, name))));
    const { blocks, bavail, bfree, bsize } = await statfs(path);
    return {
      space: { capacity: blocks * bsize, allocation: (blocks - bfree) * bsize, available: bavail * bsize },
      volumes: looks.filter((volume) => volume !== undefined),
    };
  }

  async look(path: string): Promise<StoredVolume | undefined> {
    // Links that lead nowhere, and files that go meanwhile, are no volumes.
    const stats = await stat(path).catch(() => undefined);
    const type = stats === undefined ? undefined : typeOf(stats);
    if (stats === undefined || type === undefined) return undefined;
    const image = { format: type === VolumeType.DIR ? 'dir' : 'raw' };
    const found: Awaited<ReturnType<typeof lookAtImage>> =
      type === VolumeType.FILE ? await lookAtImage(path) : { image };
    return {
      name: basename(path),
      path,
      type,
      image: found.image,
      capacity: found.capacity ?? stats.size,
      allocation: stats.blocks * 512,
      physical: stats.size,
      permissions: {
        mode: `0${(stats.mode & 0o777).toString(8)}`,
        owner: stats.uid,
        group: stats.gid,
      },
      timestamps: { atime: seconds(stats.atimeMs), mtime: seconds(stats.mtimeMs), ctime: seconds(stats.ctimeMs) },
    };
  }

  pathOf(pool: PoolDef, name: string): string {
    return join(pool.target.path, name);
  }

  async create(pool: PoolDef, volume: NewVolume, from?: StoredVolume): Promise<void> {
    const path = this.pathOf(pool, volume.name);
    const file = await open(path, 'wx', volume.mode ?? 0o600).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'EEXIST') throw cause;
      throw virtError('STORAGE_VOL_EXIST', `storage volume '${volume.name}' exists already`, { cause });
    });
    try {
      if (volume.image.format === 'qcow2') await makeImage(path, volume);
      else await makeRaw(file, volume, from, path);
      // Raw from raw is byte for byte, holes and all where the file system can.
      if (from !== undefined && !isPlain(volume, from)) await copyVolume(from, path, formatOf(volume));
      await file.sync();
    } catch (error) {
      await file.close();
      await rm(path, { force: true });
      throw error;
    }
    await file.close();
  }

  async remove({ path, type }: StoredVolume): Promise<void> {
    await (type === VolumeType.DIR ? rmdir(path) : unlink(path));
  }

  resize({ path, capacity: before, image }: StoredVolume, capacity: number, allocate: boolean): Promise<void> {
    if (image.format === 'qcow2') return resizeImage(path, capacity);
    return withFile(path, 'r+', async (file) => {
      await file.truncate(capacity);
      if (allocate && capacity > before) await fill(file, before, capacity);
      await file.sync();
    });
  }

  wipe({ path }: StoredVolume): Promise<void> {
    return withFile(path, 'r+', async (file) => {
      await fill(file, 0, (await file.stat()).size);
      await file.sync();
    });
  }

  async upload({ path }: StoredVolume, range: VolumeRange): Promise<Duplex> {
    const file = await open(path, 'r+');
    return Duplex.from(new FileSink(file, range)) as Duplex;
  }

  async download({ path }: StoredVolume, { offset, length }: VolumeRange): Promise<Duplex> {
    const file = await open(path, 'r');
    if (length === 0) {
      await file.close();
      return Duplex.from([]) as Duplex;
    }
    return Duplex.from(createReadStream('', { fd: file, start: offset, end: offset + length - 1 })) as Duplex;
  }
}

/** Writes at a place in a file, up to a length, and brings it to the disk at the end. */
class FileSink extends Writable {
  readonly #file: FileHandle;
  #at: number;
  #left: number;

  constructor(file: FileHandle, { offset, length }: VolumeRange) {
    super();
    this.#file = file;
    this.#at = offset;
    this.#left = length;
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (chunk.length > this.#left) {
      done(virtError('OPERATION_FAILED', 'more was sent than the volume, or the part of it, can hold'));
      return;
    }
    const at = this.#at;
    this.#at += chunk.length;
    this.#left -= chunk.length;
    writeAll(this.#file, chunk, at).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#file.sync().then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#file.close().then(() => done(error), done);
  }
}

function typeOf(stats: Stats): number | undefined {
  if (stats.isFile()) return VolumeType.FILE;
  if (stats.isDirectory()) return VolumeType.DIR;
  return stats.isBlockDevice() ? VolumeType.BLOCK : undefined;
}

function formatOf({ image }: NewVolume): 'raw' | 'qcow2' {
  return image.format === 'qcow2' ? 'qcow2' : 'raw';
}

/** A volume that is made from another one byte for byte. */
function isPlain(volume: NewVolume, from: StoredVolume): boolean {
  return volume.image.format === 'raw' && from.image.format === 'raw';
}

async function makeRaw(
  file: FileHandle,
  volume: NewVolume,
  from: StoredVolume | undefined,
  path: string,
): Promise<void> {
  if (from !== undefined && isPlain(volume, from)) await copyFile(from.path, path, constants.COPYFILE_FICLONE);
  const { size } = await file.stat();
  if (size < volume.capacity) await file.truncate(volume.capacity);
  // A file of the file system's own making is sparse: zeroes take the place that was asked for.
  if (from === undefined) await fill(file, 0, Math.min(volume.allocation, volume.capacity));
}

async function withFile<T>(path: string, flags: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, flags);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

async function fill(file: FileHandle, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += zeroes.length) {
    await writeAll(file, zeroes.subarray(0, Math.min(zeroes.length, to - at)), at);
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(9);
}
