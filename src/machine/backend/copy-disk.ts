import type { DiskImage } from './disk-image.ts';
import { diskBytes, isZero, type Region, regionAt } from './disk-regions.ts';
import { Mutex } from './mutex.ts';

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

/** What is to be copied next. */
interface Part {
  readonly offset: number;
  readonly bytes: number;
  readonly zero: boolean;
}

/** A disk's content on its way somewhere else, piece by piece, several at a time. */
class Copy {
  readonly #source: DiskImage;
  readonly #target: CopyTarget;
  readonly #options: CopyOptions;
  readonly #end: number;
  readonly #pieceBytes: number;
  readonly #turns = new Mutex();
  #next = 0;
  #done = 0;
  /** What was found at `#next` or before, and where that ends. */
  #region: Region = { kind: 'zero', bytes: 0, own: false };
  #regionEnd = 0;

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
    const runs = new Uint32Array(2 * (1 + Math.ceil(this.#pieceBytes / Math.max(this.#blockBytes, 512))));
    try {
      // Only where to go on is found one after another.
      for (;;) {
        const part = await this.#turns.run(() => this.#take());
        if (part === undefined) return;
        const into = buffer.subarray(0, part.bytes);
        if (part.zero) await this.#zero(part.offset, into);
        else await this.#data(part.offset, into, runs);
        this.#finished(part.bytes);
      }
    } catch (error) {
      // The others need not begin anything any more.
      this.#next = this.#end;
      throw error;
    }
  }

  #finished(bytes: number): void {
    this.#done += bytes;
    this.#options.progress?.(this.#done);
  }

  /** What is zero as a whole or not at all. */
  get #blockBytes(): number {
    return this.#options.unitBytes ?? this.#options.sparseBytes;
  }

  /** The next part to copy; undefined: there is none. What is not to be copied is left behind. */
  async #take(): Promise<Part | undefined> {
    while (this.#next < this.#end) {
      const offset = this.#next;
      const region = offset < this.#regionEnd ? this.#region : await this.#lookAt(offset);
      const whole = this.#wholeUnits(offset, this.#regionEnd - offset);
      if (whole > 0 && !this.#isWanted(region)) {
        this.#next = Math.max(this.#next, offset + whole);
        this.#finished(whole);
        continue;
      }
      const zero = whole > 0 && region.kind === 'zero';
      const bytes = zero ? Math.min(whole, this.#pieceBytes) : await this.#dataFrom(offset);
      // Meanwhile another may have failed, and ended it all.
      if (this.#next !== offset) return undefined;
      this.#next += bytes;
      return { offset, bytes, zero };
    }
    return undefined;
  }

  async #lookAt(offset: number): Promise<Region> {
    this.#region = await regionAt(this.#source, offset, this.#end - offset, this.#options.base);
    this.#regionEnd = offset + this.#region.bytes;
    return this.#region;
  }

  #isWanted({ kind, own }: Region): boolean {
    if (!own && this.#options.ownOnly) return false;
    return kind === 'data' || this.#options.sparseBytes === 0 || this.#target.zero !== undefined;
  }

  /** As many of the bytes as make whole units; at the disk's end there may be a part of one. */
  #wholeUnits(offset: number, bytes: number): number {
    return offset + bytes === this.#end ? bytes : bytes - (bytes % (this.#options.unitBytes ?? 1));
  }

  /** How far there is data from `offset` on, in one piece; a unit goes as a whole, whatever it is made of. */
  async #dataFrom(offset: number): Promise<number> {
    const most = Math.min(this.#pieceBytes, this.#end - offset);
    let end = this.#regionEnd;
    while (end - offset < most) {
      const region = await this.#lookAt(end);
      if (region.kind !== 'data' || !this.#isWanted(region)) break;
      end = this.#regionEnd;
    }
    const unit = this.#options.unitBytes ?? 1;
    return Math.min(most, Math.ceil((end - offset) / unit) * unit);
  }

  async #zero(offset: number, part: Uint8Array): Promise<void> {
    const at = offset + (this.#options.at ?? 0);
    if (this.#options.sparseBytes === 0) await this.#target.write(at, part.fill(0));
    else await this.#target.zero?.(at, part.length);
  }

  async #data(offset: number, part: Uint8Array, runs: Uint32Array): Promise<void> {
    const at = offset + (this.#options.at ?? 0);
    if (this.#options.sparseBytes === 0) {
      await this.#source.read(offset, part);
      return this.#target.write(at, part);
    }
    let count = (await this.#source.readBlocks?.(offset, this.#blockBytes, part, runs)) ?? 0;
    if (count === 0) {
      await this.#source.read(offset, part);
      count = findRuns(part, this.#blockBytes, runs);
    }
    for (let i = 0, from = 0; i < count; i++) {
      const bytes = runs[i];
      if (i % 2 === 1) await this.#target.write(at + from, part.subarray(from, from + bytes));
      else if (bytes > 0) await this.#target.zero?.(at + from, bytes);
      from += bytes;
    }
  }
}

/** Puts the lengths of zeroes and of what is none, by turns and zeroes first, into `runs`; returns how many there are. */
function findRuns(part: Uint8Array, block: number, runs: Uint32Array): number {
  runs[0] = part.length;
  // Often all of it is zeroes, which is seen faster at once than block by block.
  if (isZero(part)) return 1;
  let count = 0;
  for (let from = 0; from < part.length; count++) {
    const end = runEnd(part, from, block, count % 2 === 0);
    runs[count] = end - from;
    from = end;
  }
  return count;
}

/** Where the blocks at `from` cease to be all zeroes, or all not. */
function runEnd(part: Uint8Array, from: number, block: number, zero: boolean): number {
  let at = from;
  // Most data is no zeroes from its first byte on: that is seen without looking any closer.
  while (at < part.length && (part[at] === 0 && isZero(part.subarray(at, at + block))) === zero) at += block;
  return Math.min(at, part.length);
}

/** Copies what a disk reads as, zeroes as zeroes. Ends when all that was begun has ended; throws the first error. */
export function copyDisk(source: DiskImage, target: CopyTarget, options: CopyOptions): Promise<void> {
  return new Copy(source, target, options).run();
}
