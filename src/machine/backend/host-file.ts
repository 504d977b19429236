import { constants, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { fileBlocks, fileHoles } from '../../cpu/index.ts';
import { VirtError } from '../../util/index.ts';
import { type ImageLock, lockingOpenFlags } from './image-lock.ts';
import { lockOpenImage } from './image-permissions.ts';

const SECTOR_BYTES = 512;

/** Why open(2) fails, in words. */
const openErrors: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'it is on a read-only file system',
  EISDIR: 'it is a directory',
  EBUSY: 'it is in use',
  ENOTDIR: 'a part of its path is no directory',
  ELOOP: 'its path goes through too many symbolic links',
};

/** Why a file could not be opened: the system's own words where there are none of ours. */
export function openReason(error: NodeJS.ErrnoException): string {
  return openErrors[error.code ?? ''] ?? error.message;
}

/** What an image format stands on: bytes in a file of the host, as many requests at a time as one likes. */
export interface HostFile {
  /** Its name, for messages, and for finding files that it names. */
  readonly path: string;
  readonly readOnly: boolean;
  /** The same for two names of one file: device and inode. */
  readonly identity: string;
  /** Length in bytes. */
  readonly bytes: number;
  /** Fills `into` from `offset`; what is beyond the file's end reads as zeroes. */
  read(offset: number, into: Uint8Array): Promise<void>;
  /**
   * The same, and puts the lengths of zeroes and of what is none, by turns and zeroes first, in whole blocks into `runs`.
   * Resolves to how many there are; 0: it cannot, `read` is to be used.
   */
  readBlocks?(offset: number, blockBytes: number, into: Uint8Array, runs: Uint32Array): Promise<number>;
  /** Writes `from` at `offset`; the file gets longer where it must. */
  write(offset: number, from: Uint8Array): Promise<void>;
  /** Resolves once everything written before is on stable storage. */
  flush(): Promise<void>;
  /** Cuts the file off, or lets it grow with zeroes. Throws OPERATION_INVALID where the size is fixed. */
  truncate(bytes: number): Promise<void>;
  close(): Promise<void>;
}

/** How to open a file. */
export interface OpenFileOptions {
  readonly readOnly?: boolean;
  /** Makes the file if it is not there, and empties it if it is, once nobody else uses it. */
  readonly create?: boolean;
  /** Takes no lock: what is read may be changed meanwhile by whoever has it. Read-only. */
  readonly shared?: boolean;
  /** Flushing does nothing: for what can be made anew if the host fails meanwhile. */
  readonly unsafe?: boolean;
  /**
   * Who writes waits, the thread and not only the job: for a program that does nothing else. The host has writes to one
   * file wait for each other anyway, and the other threads are free to read.
   */
  readonly inTurn?: boolean;
  /** What errors call it; default `disk image`. */
  readonly what?: string;
}

/** An INVALID_ARG error that names the image, or `what` else it is, and says in words what is wrong with it. */
export function unusableImage(path: string, reason: string, cause?: unknown, what = 'disk image'): VirtError {
  return new VirtError('INVALID_ARG', `${what} '${path}': ${reason}`, { cause, data: { path } });
}

/** What is wrong with an image that somebody else has, in words that users of qemu-img look for. */
function inUse(path: string, lock: string): string {
  return `it is in use: Failed to get ${lock}. Is another process using the image [${path}]?`;
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

/** A file, or a block device of the host, that is open and locked. */
export class DiskFile implements HostFile {
  readonly path: string;
  readonly readOnly: boolean;
  readonly identity: string;
  readonly #file: FileHandle;
  readonly #lock: ImageLock;
  readonly #regular: boolean;
  readonly #unsafe: boolean;
  readonly #inTurn: boolean;
  #bytes: number;
  #noHoles = false;

  private constructor(file: FileHandle, lock: ImageLock, facts: FileFacts) {
    this.path = facts.path;
    this.readOnly = facts.readOnly;
    this.identity = facts.identity;
    this.#file = file;
    this.#lock = lock;
    this.#regular = facts.regular;
    this.#unsafe = facts.unsafe;
    this.#inTurn = facts.inTurn;
    this.#bytes = facts.bytes;
  }

  /**
   * Opens an image and locks it: one may write it at a time, machine or tool, of ours or QEMU's, and none while others
   * read it. Throws INVALID_ARG, naming the file and the reason, for one that is missing, not accessible, not a file or
   * in use.
   */
  static async open(path: string, options: OpenFileOptions = {}): Promise<DiskFile> {
    const { readOnly = false, create = false, shared = false, unsafe = false, inTurn = false, what } = options;
    const unusable = (reason: string, cause?: unknown) => unusableImage(path, reason, cause, what);
    // Without O_NONBLOCK, opening a FIFO by mistake would wait for someone to write to it.
    const nonBlock = constants.O_NONBLOCK ?? 0;
    const access = (readOnly ? constants.O_RDONLY : constants.O_RDWR) | (create ? constants.O_CREAT : 0);
    const file = await open(path, access | nonBlock | (shared ? 0 : lockingOpenFlags(!readOnly)), 0o644).catch(
      (error: NodeJS.ErrnoException) => {
        const lock = readOnly ? 'shared "write" lock' : '"write" lock';
        throw unusable(error.code === 'EAGAIN' ? inUse(path, lock) : openReason(error), error);
      },
    );
    let lock: ImageLock | undefined;
    try {
      const stat = await file.stat({ bigint: true });
      if (stat.isDirectory()) throw unusable('it is a directory');
      if (!stat.isFile() && !stat.isBlockDevice()) throw unusable('it is neither a file nor a block device');
      const regular = stat.isFile();
      if (!shared) {
        const { dev, ino, rdev } = stat;
        const taken = await lockOpenImage({ file, dev, ino, ...(regular ? {} : { rdev }) }, !readOnly);
        if ('refused' in taken) throw unusable(inUse(path, taken.refused));
        lock = taken;
      }
      if (create && regular) await file.truncate(0);
      // Once more, under the lock: the last writer may have grown it just now.
      const bytes = regular ? (await file.stat()).size : await probeBytes((offset) => hasSector(file, offset));
      const identity = regular ? `${stat.dev}:${stat.ino}` : `disk:${stat.rdev}`;
      return new DiskFile(file, lock ?? unlocked, { path, readOnly, regular, bytes, identity, unsafe, inTurn });
    } catch (error) {
      await lock?.release();
      await file.close();
      throw error;
    }
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A file, which can change its size; not a block device. */
  get resizable(): boolean {
    return this.#regular;
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
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

  async readBlocks(offset: number, blockBytes: number, into: Uint8Array, runs: Uint32Array): Promise<number> {
    const found = await fileBlocks()?.readBlocks(this.#file.fd, offset, blockBytes, into, runs);
    // What went wrong shows again in `read`, which says so in words.
    return found === undefined || found < 0 ? 0 : found;
  }

  async write(offset: number, from: Uint8Array): Promise<void> {
    let at = 0;
    while (at < from.length) {
      const bytesWritten = this.#inTurn
        ? writeSync(this.#file.fd, from, at, from.length - at, offset + at)
        : (await this.#file.write(from, at, from.length - at, offset + at)).bytesWritten;
      if (bytesWritten === 0) throw new Error(`disk image '${this.path}' takes no more bytes at ${offset + at}`);
      at += bytesWritten;
      if (offset + at > this.#bytes) this.#bytes = offset + at;
    }
  }

  async flush(): Promise<void> {
    if (!this.#unsafe) await this.#file.datasync();
  }

  /**
   * What the file has at byte `offset`, and for how far, at most `bytes`: data, or nothing, which reads as zeroes. All of
   * it is data where the host does not tell, or there is no native addon to ask it.
   */
  extent(offset: number, bytes: number): { readonly data: boolean; readonly bytes: number } {
    const end = Math.min(offset + bytes, this.#bytes);
    if (offset >= end) return { data: false, bytes };
    const holes = this.#regular ? fileHoles() : undefined;
    if (holes === undefined) return { data: true, bytes };
    const data = holes.seekData(this.#file.fd, offset);
    // Zeroes end, and data begins, at a whole sector.
    const until = data === -1 ? end : Math.floor(data / SECTOR_BYTES) * SECTOR_BYTES;
    if (data !== -2 && until > offset) return { data: false, bytes: until >= end ? bytes : until - offset };
    const hole = data === -2 ? -2 : holes.seekHole(this.#file.fd, offset);
    const stop = Math.ceil(hole / SECTOR_BYTES) * SECTOR_BYTES;
    return { data: true, bytes: stop <= offset || stop >= end ? bytes : stop - offset };
  }

  /** Gives the place of a range back to the host: it reads as zeroes then. False: nothing was done, the host cannot. */
  async punch(offset: number, bytes: number): Promise<boolean> {
    const holes = this.#regular && !this.#noHoles ? fileHoles() : undefined;
    if (holes === undefined) return false;
    const errno = await holes.punchHole(this.#file.fd, offset, bytes);
    // Whatever the reason is, doing without is right, and will be the next time.
    this.#noHoles = errno !== 0;
    return errno === 0;
  }

  async truncate(bytes: number): Promise<void> {
    if (this.readOnly || !this.#regular) {
      const reason = this.readOnly ? 'it is read-only' : 'it is a block device';
      throw new VirtError('OPERATION_INVALID', `cannot resize disk image '${this.path}': ${reason}`);
    }
    await this.#file.truncate(bytes);
    this.#bytes = bytes;
  }

  async close(): Promise<void> {
    try {
      await this.#file.close();
    } finally {
      await this.#lock.release();
    }
  }
}

interface FileFacts {
  readonly path: string;
  readonly readOnly: boolean;
  readonly regular: boolean;
  readonly bytes: number;
  readonly identity: string;
  readonly unsafe: boolean;
  readonly inTurn: boolean;
}

/** Of an image that others may write meanwhile. */
const unlocked: ImageLock = { release: async () => {} };

async function hasSector(file: FileHandle, offset: number): Promise<boolean> {
  const { bytesRead } = await file.read(new Uint8Array(SECTOR_BYTES), 0, SECTOR_BYTES, offset);
  return bytesRead === SECTOR_BYTES;
}
