import { VirtError } from '../../util/index.ts';
import type { BlockBackend } from './block.ts';

const SECTOR_BYTES = 512;

/** A disk in memory, gone with the machine. */
export class MemBlock implements BlockBackend {
  readonly readOnly: boolean;
  #bytes: Uint8Array;
  #resized: () => void = () => {};

  /**
   * @param content the disk's bytes, used in place, or its size in bytes for a disk of zeroes. Throws INVALID_ARG
   * unless it is a positive multiple of 512.
   */
  constructor(content: Uint8Array | number, options: { readOnly?: boolean } = {}) {
    this.#bytes = typeof content === 'number' ? new Uint8Array(wholeSectors(content)) : content;
    wholeSectors(this.#bytes.length);
    this.readOnly = options.readOnly ?? false;
  }

  get sectors(): number {
    return this.#bytes.length / SECTOR_BYTES;
  }

  /** The disk's bytes as they are now. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    into.set(this.#range(offset, into.length));
  }

  async write(offset: number, from: Uint8Array): Promise<void> {
    this.#range(offset, from.length).set(from);
  }

  async flush(): Promise<void> {}

  async discard(offset: number, bytes: number): Promise<void> {
    this.#range(offset, bytes).fill(0);
  }

  async writeZeroes(offset: number, bytes: number): Promise<void> {
    this.#range(offset, bytes).fill(0);
  }

  onResize(callback: () => void): void {
    this.#resized = callback;
  }

  /** Gives the disk another size in bytes: cut off, or grown with zeroes. Throws INVALID_ARG as the constructor. */
  resize(bytes: number): void {
    const resized = new Uint8Array(wholeSectors(bytes));
    resized.set(this.#bytes.subarray(0, bytes));
    this.#bytes = resized;
    this.#resized();
  }

  async close(): Promise<void> {}

  /** Throws RangeError when the disk has become smaller than the device thought. */
  #range(offset: number, bytes: number): Uint8Array {
    if (offset + bytes > this.#bytes.length) throw new RangeError(`${bytes} bytes at ${offset} are beyond the disk`);
    return this.#bytes.subarray(offset, offset + bytes);
  }
}

function wholeSectors(bytes: number): number {
  if (Number.isSafeInteger(bytes) && bytes > 0 && bytes % SECTOR_BYTES === 0) return bytes;
  throw new VirtError('INVALID_ARG', `a disk of ${bytes} bytes: its size must be a positive multiple of 512`);
}
