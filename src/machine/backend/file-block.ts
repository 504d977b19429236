import { VirtError } from '../../util/index.ts';
import type { DiskImage, Extent } from './disk-image.ts';
import { DiskFile, type OpenFileOptions, unusableImage } from './host-file.ts';

const SECTOR_BYTES = 512;

/** Zeroes are written in pieces of this size. */
const zeroes = new Uint8Array(1024 * 1024);

/**
 * A raw disk image: a file, or a block device of the host, byte for byte the disk. A file whose size is not a multiple
 * of 512 is a disk rounded up, whose missing bytes read as zeroes (as with QEMU); writing them makes the file longer.
 * With the native addon and a file system that can, what is discarded becomes a hole, as do zeroes that may be unmapped;
 * else discarding does nothing, which is a discard's right, and zeroes are written as such.
 */
export class FileBlock implements DiskImage {
  readonly format = 'raw';
  readonly backing = undefined;
  readonly #file: DiskFile;
  #resized: () => void = () => {};

  private constructor(file: DiskFile) {
    this.#file = file;
  }

  /**
   * Opens an image and locks it: one machine at a time may write it, and none while others read it. Throws
   * INVALID_ARG, naming the file and the reason, for one that is missing, not accessible, not a file, empty or in use.
   */
  static async open(path: string, options: OpenFileOptions = {}): Promise<FileBlock> {
    const file = await DiskFile.open(path, options);
    if (file.bytes > 0) return new FileBlock(file);
    await file.close();
    throw unusableImage(path, 'it is empty');
  }

  get path(): string {
    return this.#file.path;
  }

  get readOnly(): boolean {
    return this.#file.readOnly;
  }

  /** The same for two names of one file. */
  get identity(): string {
    return this.#file.identity;
  }

  get sectors(): number {
    return Math.ceil(this.#file.bytes / SECTOR_BYTES);
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    this.#check(offset, into.length);
    await this.#file.read(offset, into);
  }

  async readBlocks(offset: number, blockBytes: number, into: Uint8Array, runs: Uint32Array): Promise<number> {
    this.#check(offset, into.length);
    return this.#file.readBlocks(offset, blockBytes, into, runs);
  }

  async write(offset: number, from: Uint8Array): Promise<void> {
    this.#check(offset, from.length);
    await this.#file.write(offset, from);
  }

  flush(): Promise<void> {
    return this.#file.flush();
  }

  async discard(offset: number, bytes: number): Promise<void> {
    this.#check(offset, bytes);
    if (bytes > 0) await this.#file.punch(offset, bytes);
  }

  async writeZeroes(offset: number, bytes: number, unmap = false): Promise<void> {
    this.#check(offset, bytes);
    if (unmap && bytes > 0 && (await this.#file.punch(offset, bytes))) return;
    for (let at = 0; at < bytes; at += zeroes.length) {
      await this.write(offset + at, zeroes.subarray(0, Math.min(zeroes.length, bytes - at)));
    }
  }

  async extent(offset: number, bytes: number): Promise<Extent> {
    const found = this.#file.extent(offset, bytes);
    if (!found.data) return { kind: 'zero', bytes: found.bytes };
    return { kind: 'data', bytes: found.bytes, host: offset };
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
    await this.#file.truncate(bytes);
    this.#resized();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** The disk may have become smaller since the device looked; a write must not make the file longer again. */
  #check(offset: number, bytes: number): void {
    if (offset + bytes <= this.sectors * SECTOR_BYTES) return;
    throw new RangeError(`${bytes} bytes at ${offset} are beyond the end of disk image '${this.path}'`);
  }
}
