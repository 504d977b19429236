import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { VirtError } from '../../util/index.ts';
import type { BlockBackend } from './block.ts';
import { type ImageLock, lockImage, lockingOpenFlags } from './image-lock.ts';

const SECTOR_BYTES = 512;

/** Zeroes are written in pieces of this size. */
const zeroes = new Uint8Array(1024 * 1024);

/** Why open(2) fails, in words. */
const openErrors: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'it is on a read-only file system',
  EISDIR: 'it is a directory',
  EAGAIN: 'it is in use by another running machine',
  EBUSY: 'it is in use',
};

function unusable(path: string, reason: string, cause?: unknown): VirtError {
  return new VirtError('INVALID_ARG', `disk image '${path}': ${reason}`, { cause, data: { path } });
}

/**
 * Size of a block device in bytes, which stat does not tell: the end is where reads find nothing, and some 100 reads
 * find it, on any system.
 */
export async function probeBytes(readable: (offset: number) => Promise<boolean>): Promise<number> {
  let low = 0;
  let high = 1;
  while (high < 2 ** 43 && (await readable((high - 1) * SECTOR_BYTES))) {
    low = high;
    high *= 2;
  }
  // Of `low` sectors the last can be read, of `high` it cannot.
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await readable((middle - 1) * SECTOR_BYTES)) low = middle;
    else high = middle;
  }
  return low * SECTOR_BYTES;
}

/**
 * A raw disk image: a file, or a block device of the host, byte for byte the disk. A file whose size is not a multiple
 * of 512 is a disk rounded up, whose missing bytes read as zeroes (as with QEMU); writing them makes the file longer.
 * Discarding does nothing, as Node cannot punch holes; that is a discard's right. Zeroes are written as such.
 */
export class FileBlock implements BlockBackend {
  readonly path: string;
  readonly readOnly: boolean;
  readonly #file: FileHandle;
  readonly #lock: ImageLock;
  readonly #resizable: boolean;
  #bytes: number;
  #resized: () => void = () => {};

  private constructor(file: FileHandle, lock: ImageLock, image: OpenImage) {
    this.path = image.path;
    this.readOnly = image.readOnly;
    this.#file = file;
    this.#lock = lock;
    this.#resizable = image.regular;
    this.#bytes = image.bytes;
  }

  /**
   * Opens an image and locks it: one machine at a time may write it, and none while others read it. Throws
   * INVALID_ARG, naming the file and the reason, for one that is missing, not accessible, not a file, empty or in use.
   */
  static async open(path: string, options: { readOnly?: boolean } = {}): Promise<FileBlock> {
    const readOnly = options.readOnly ?? false;
    // Without O_NONBLOCK, opening a FIFO by mistake would wait for someone to write to it.
    const nonBlock = constants.O_NONBLOCK ?? 0;
    const flags = (readOnly ? constants.O_RDONLY : constants.O_RDWR) | nonBlock | lockingOpenFlags(!readOnly);
    const file = await open(path, flags).catch((error: NodeJS.ErrnoException) => {
      throw unusable(path, openErrors[error.code ?? ''] ?? error.message, error);
    });
    let lock: ImageLock | undefined;
    try {
      const stat = await file.stat({ bigint: true });
      if (stat.isDirectory()) throw unusable(path, 'it is a directory');
      if (!stat.isFile() && !stat.isBlockDevice()) throw unusable(path, 'it is neither a file nor a block device');
      // Two device files may name one disk: its own number counts then.
      lock = stat.isFile() ? await lockImage(stat.dev, stat.ino, !readOnly) : await lockDisk(stat.rdev, !readOnly);
      if (lock === undefined) throw unusable(path, openErrors['EAGAIN'] ?? '');
      // Once more, under the lock: the last writer may have grown it just now.
      const bytes = stat.isFile() ? (await file.stat()).size : await probeBytes((offset) => hasSector(file, offset));
      if (bytes === 0) throw unusable(path, 'it is empty');
      return new FileBlock(file, lock, { path, readOnly, regular: stat.isFile(), bytes });
    } catch (error) {
      await lock?.release();
      await file.close();
      throw error;
    }
  }

  get sectors(): number {
    return Math.ceil(this.#bytes / SECTOR_BYTES);
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    this.#check(offset, into.length);
    let at = 0;
    while (at < into.length) {
      const { bytesRead } = await this.#file.read(into, at, into.length - at, offset + at);
      if (bytesRead === 0) {
        if (offset + at < this.#bytes) throw new Error(`disk image '${this.path}' is shorter than it was`);
        into.fill(0, at);
        return;
      }
      at += bytesRead;
    }
  }

  async write(offset: number, from: Uint8Array): Promise<void> {
    this.#check(offset, from.length);
    let at = 0;
    while (at < from.length) {
      const { bytesWritten } = await this.#file.write(from, at, from.length - at, offset + at);
      if (bytesWritten === 0) throw new Error(`disk image '${this.path}' takes no more bytes at ${offset + at}`);
      at += bytesWritten;
    }
  }

  flush(): Promise<void> {
    return this.#file.datasync();
  }

  async discard(): Promise<void> {}

  async writeZeroes(offset: number, bytes: number): Promise<void> {
    for (let at = 0; at < bytes; at += zeroes.length) {
      await this.write(offset + at, zeroes.subarray(0, Math.min(zeroes.length, bytes - at)));
    }
  }

  onResize(callback: () => void): void {
    this.#resized = callback;
  }

  /**
   * Gives the disk another size in bytes: cuts the file off, or lets it grow with zeroes, and tells the device. Throws
   * INVALID_ARG unless that is a positive multiple of 512, OPERATION_INVALID for a read-only image or a block device.
   */
  async resize(bytes: number): Promise<void> {
    if (!Number.isSafeInteger(bytes) || bytes <= 0 || bytes % SECTOR_BYTES !== 0) {
      throw new VirtError('INVALID_ARG', `a disk of ${bytes} bytes: its size must be a positive multiple of 512`);
    }
    if (this.readOnly || !this.#resizable) {
      const reason = this.readOnly ? 'it is read-only' : 'it is a block device';
      throw new VirtError('OPERATION_INVALID', `cannot resize disk image '${this.path}': ${reason}`);
    }
    await this.#file.truncate(bytes);
    this.#bytes = bytes;
    this.#resized();
  }

  async close(): Promise<void> {
    try {
      await this.#file.close();
    } finally {
      await this.#lock.release();
    }
  }

  /** The disk may have become smaller since the device looked; a write must not make the file longer again. */
  #check(offset: number, bytes: number): void {
    if (offset + bytes <= this.sectors * SECTOR_BYTES) return;
    throw new RangeError(`${bytes} bytes at ${offset} are beyond the end of disk image '${this.path}'`);
  }
}

interface OpenImage {
  readonly path: string;
  readonly readOnly: boolean;
  readonly regular: boolean;
  readonly bytes: number;
}

/** Locks a whole disk of the host by its device number; no file system has the device number −1. */
function lockDisk(rdev: bigint, exclusive: boolean): Promise<ImageLock | undefined> {
  return lockImage(-1n, rdev, exclusive);
}

async function hasSector(file: FileHandle, offset: number): Promise<boolean> {
  const { bytesRead } = await file.read(new Uint8Array(SECTOR_BYTES), 0, SECTOR_BYTES, offset);
  return bytesRead === SECTOR_BYTES;
}
