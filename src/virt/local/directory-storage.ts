import { constants, createReadStream, type Stats } from 'node:fs';
import {
  chmod,
  copyFile,
  type FileHandle,
  mkdir,
  open,
  readdir,
  rm,
  rmdir,
  stat,
  statfs,
  unlink,
} from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Duplex, Writable } from 'node:stream';
import { VolumeType } from '../enums.ts';
import { virtError } from '../errors.ts';
import type { NewVolume, PoolDef, PoolSpace, StorageDriver, StoredVolume, VolumeRange } from './storage-driver.ts';

const zeroes = new Uint8Array(1024 * 1024);

/** Pools that are directories of this host, volumes that are raw files in them. */
export class DirectoryStorage implements StorageDriver {
  async build(pool: PoolDef): Promise<void> {
    const { path, permissions } = pool.target;
    await mkdir(path, { recursive: true });
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
    const format = type === VolumeType.FILE ? await probe(path) : { format: type === VolumeType.DIR ? 'dir' : 'raw' };
    return {
      name: basename(path),
      path,
      type,
      format: format.format,
      capacity: format.capacity ?? stats.size,
      allocation: stats.blocks * 512,
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

  async create(pool: PoolDef, volume: NewVolume, from?: string): Promise<void> {
    const path = this.pathOf(pool, volume.name);
    const file = await open(path, 'wx', volume.mode ?? 0o600).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'EEXIST') throw cause;
      throw virtError('STORAGE_VOL_EXIST', `storage volume '${volume.name}' exists already`, { cause });
    });
    try {
      if (from !== undefined) await copyFile(from, path, constants.COPYFILE_FICLONE);
      const { size } = await file.stat();
      if (size < volume.capacity) await file.truncate(volume.capacity);
      // A file of the file system's own making is sparse: zeroes take the place that was asked for.
      if (from === undefined) await fill(file, 0, Math.min(volume.allocation, volume.capacity));
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

  resize({ path, capacity: before }: StoredVolume, capacity: number, allocate: boolean): Promise<void> {
    return withFile(path, 'r+', async (file) => {
      await file.truncate(capacity);
      if (allocate && capacity > before) await fill(file, before, capacity);
      await file.sync();
    });
  }

  wipe({ path, capacity }: StoredVolume): Promise<void> {
    return withFile(path, 'r+', async (file) => {
      await fill(file, 0, capacity);
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

/** The format of an image by its first bytes, and the disk's size when that is written there. */
async function probe(path: string): Promise<{ format: string; capacity?: number }> {
  const header = new Uint8Array(32);
  const got = await withFile(path, 'r', (file) => file.read(header, 0, header.length, 0)).catch(() => undefined);
  if (got === undefined || got.bytesRead < header.length) return { format: 'raw' };
  const view = new DataView(header.buffer);
  // qcow2: magic `QFI\xfb`, the disk's size at byte 24.
  if (view.getUint32(0) === 0x514649fb) return { format: 'qcow2', capacity: Number(view.getBigUint64(24)) };
  return { format: 'raw' };
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
