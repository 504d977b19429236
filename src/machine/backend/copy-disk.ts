import type { DiskImage } from './disk-image.ts';
import { diskBytes, isZero, regionAt } from './disk-regions.ts';

/** Bytes read and written in one piece. */
const PIECE_BYTES = 2 * 2 ** 20;

/** Where a copy goes. */
export interface CopyTarget {
  write(offset: number, from: Uint8Array): Promise<void>;
  /** Absent when the target reads as zeroes where nothing was written. */
  readonly zero?: (offset: number, bytes: number) => Promise<void>;
}

/** How to copy. */
export interface CopyOptions {
  /** Pieces under way at a time. */
  readonly parallel: number;
  /** Bytes of zeroes that are worth not being written, a multiple of 512; 0: everything is written. */
  readonly sparseBytes: number;
  /** What is written begins and ends at multiples of this, if given, but for the end: it goes by whole clusters. */
  readonly unitBytes?: number;
  /** Added to where it goes. */
  readonly at?: number;
  /** Bytes of the source to copy, when it is not all of it. */
  readonly bytes?: number;
  /** Leaves out what the source's topmost image does not have itself, nor one above `base`. */
  readonly ownOnly?: boolean;
  /** Below the source: what it and those below it have is not the source's own. The image right below unless given. */
  readonly base?: DiskImage;
  /** Told of the bytes that are done. */
  readonly progress?: (done: number) => void;
}

/** A disk's content on its way somewhere else, piece by piece, several at a time. */
class Copy {
  readonly #source: DiskImage;
  readonly #target: CopyTarget;
  readonly #options: CopyOptions;
  readonly #end: number;
  readonly #pieceBytes: number;
  #next = 0;
  #done = 0;

  constructor(source: DiskImage, target: CopyTarget, options: CopyOptions) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
    this.#end = options.bytes ?? diskBytes(source);
    const unit = options.unitBytes ?? 1;
    this.#pieceBytes = Math.max(unit, PIECE_BYTES - (PIECE_BYTES % unit));
  }

  async run(): Promise<void> {
    const workers = Array.from({ length: Math.max(1, this.#options.parallel) }, () => this.#work());
    const ends = await Promise.allSettled(workers);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  async #work(): Promise<void> {
    const buffer = new Uint8Array(this.#pieceBytes);
    while (this.#next < this.#end) {
      const offset = this.#next;
      const bytes = Math.min(this.#pieceBytes, this.#end - offset);
      this.#next += bytes;
      try {
        await this.#piece(offset, buffer.subarray(0, bytes));
      } catch (error) {
        // The others need not begin anything any more.
        this.#next = this.#end;
        throw error;
      }
      this.#done += bytes;
      this.#options.progress?.(this.#done);
    }
  }

  async #piece(offset: number, buffer: Uint8Array): Promise<void> {
    for (let at = 0; at < buffer.length; ) {
      const region = await regionAt(this.#source, offset + at, buffer.length - at, this.#options.base);
      // A unit goes as a whole, whatever it is made of.
      const units = this.#options.unitBytes !== undefined && region.bytes < buffer.length - at;
      const part = buffer.subarray(at, units ? buffer.length : at + region.bytes);
      if (region.own || !this.#options.ownOnly) {
        if (region.kind === 'zero' && !units) await this.#zero(offset + at, part);
        else await this.#data(offset + at, part);
      }
      at += part.length;
    }
  }

  async #zero(offset: number, part: Uint8Array): Promise<void> {
    const at = offset + (this.#options.at ?? 0);
    if (this.#options.sparseBytes === 0) await this.#target.write(at, part.fill(0));
    else await this.#target.zero?.(at, part.length);
  }

  async #data(offset: number, part: Uint8Array): Promise<void> {
    await this.#source.read(offset, part);
    const { sparseBytes, unitBytes } = this.#options;
    const at = offset + (this.#options.at ?? 0);
    if (sparseBytes === 0) return this.#target.write(at, part);
    // Often all of it is zeroes, which is seen faster at once than block by block.
    if (isZero(part)) return this.#target.zero?.(at, part.length);
    for (let from = 0; from < part.length; ) {
      const { zero, bytes } = zeroRun(part, from, unitBytes ?? sparseBytes);
      const run = part.subarray(from, from + bytes);
      if (!zero) await this.#target.write(at + from, run);
      else await this.#target.zero?.(at + from, run.length);
      from += bytes;
    }
  }
}

/** How far the blocks at `from` are all zeroes, or all not. */
function zeroRun(part: Uint8Array, from: number, block: number): { zero: boolean; bytes: number } {
  // Most data is no zeroes from its first byte on: that is seen without looking any closer.
  const blockIsZero = (at: number) => part[at] === 0 && isZero(part.subarray(at, at + block));
  const zero = blockIsZero(from);
  let at = from + block;
  while (at < part.length && blockIsZero(at) === zero) at += block;
  return { zero, bytes: Math.min(at, part.length) - from };
}

/** Copies what a disk reads as, zeroes as zeroes. Ends when all that was begun has ended; throws the first error. */
export function copyDisk(source: DiskImage, target: CopyTarget, options: CopyOptions): Promise<void> {
  return new Copy(source, target, options).run();
}
