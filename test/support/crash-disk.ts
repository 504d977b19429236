import type { HostFile } from '../../src/machine/backend/host-file.ts';
import type { SeededRandom } from '../../src/util/index.ts';

const SECTOR = 512;

/** One write, from when it is begun: from then on, any sector of it may be found on the disk after a power cut. */
interface Written {
  /** Number of the flush that made it stable; undefined: none yet. */
  done: boolean;
  readonly sectors: readonly number[];
}

interface Version {
  readonly bytes: Uint8Array;
  readonly write: Written;
}

/**
 * A disk that keeps, sector by sector, what is there for good and what may be there: every version that was written
 * since the last flush that covered the sector. Power cuts leave any of them, in any mixture.
 */
export class SectorHistory {
  readonly #stable = new Map<number, Uint8Array>();
  readonly #pending = new Map<number, Version[]>();

  /** Notes that a write begins; call `end` on what it returns when it has ended. */
  begin(offset: number, from: Uint8Array): Written {
    const sectors = Array.from({ length: from.length / SECTOR }, (_, i) => offset / SECTOR + i);
    const write: Written = { done: false, sectors };
    for (const [i, sector] of sectors.entries()) {
      const versions = this.#pending.get(sector) ?? [];
      versions.push({ bytes: from.slice(i * SECTOR, (i + 1) * SECTOR), write });
      this.#pending.set(sector, versions);
    }
    return write;
  }

  end(write: Written): void {
    write.done = true;
  }

  /** The writes that a flush which begins now makes stable. */
  beginFlush(): Set<Written> {
    const covered = new Set<Written>();
    for (const versions of this.#pending.values()) {
      for (const { write } of versions) if (write.done) covered.add(write);
    }
    return covered;
  }

  endFlush(covered: ReadonlySet<Written>): void {
    for (const [sector, versions] of this.#pending) {
      const last = versions.findLastIndex(({ write }) => covered.has(write));
      if (last < 0) continue;
      const version = versions[last];
      if (version !== undefined) this.#stable.set(sector, version.bytes);
      const left = versions.slice(last + 1);
      if (left.length === 0) this.#pending.delete(sector);
      else this.#pending.set(sector, left);
    }
  }

  /** What a power cut now may leave: one mixture of many. */
  cut(random: SeededRandom): Map<number, Uint8Array> {
    const left = new Map(this.#stable);
    // Sometimes nothing, sometimes everything that was not flushed got there, mostly a part.
    const share = random.pick([0, 0.1, 0.5, 0.9, 1]);
    for (const [sector, versions] of this.#pending) {
      if (random.u32() / 2 ** 32 >= share) continue;
      left.set(sector, random.pick(versions).bytes);
    }
    return left;
  }

  /** Everything that a sector may be found to be; undefined stands for zeroes. */
  possible(sector: number): (Uint8Array | undefined)[] {
    return [this.#stable.get(sector), ...(this.#pending.get(sector) ?? []).map(({ bytes }) => bytes)];
  }
}

/** A file in memory whose requests take their time, out of order, and which can lose power at any step of any of them. */
export class CrashFile implements HostFile {
  readonly readOnly = false;
  readonly path: string;
  readonly identity = 'crash';
  readonly history = new SectorHistory();
  readonly #random: SeededRandom;
  readonly #step: (bytes: number) => void;
  #content = new Uint8Array(2 ** 20);
  #bytes = 0;
  #stableBytes = 0;

  /** @param step called whenever something has happened that a power cut could follow, with the bytes of a write, or 0 */
  constructor(path: string, random: SeededRandom, step: (bytes: number) => void) {
    this.path = path;
    this.#random = random;
    this.#step = step;
  }

  get bytes(): number {
    return this.#bytes;
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    await this.#wait();
    into.fill(0);
    into.set(this.#content.subarray(offset, Math.min(this.#bytes, offset + into.length)));
  }

  async write(offset: number, from: Uint8Array): Promise<void> {
    // Its bytes may change as soon as the caller goes on.
    const bytes = from.slice();
    const whole = this.#wholeSectors(offset, bytes);
    const write = this.history.begin(whole.offset, whole.bytes);
    this.#step(from.length);
    await this.#wait();
    this.#place(offset, bytes);
    this.history.end(write);
    this.#step(from.length);
  }

  async flush(): Promise<void> {
    const covered = this.history.beginFlush();
    const bytes = this.#bytes;
    await this.#wait();
    this.history.endFlush(covered);
    this.#stableBytes = Math.max(this.#stableBytes, bytes);
    this.#step(0);
  }

  async truncate(bytes: number): Promise<void> {
    this.#grow(bytes);
    this.#content.fill(0, bytes);
    this.#bytes = bytes;
  }

  async close(): Promise<void> {}

  /** The file after a power cut now. */
  cut(random: SeededRandom): Uint8Array {
    const sectors = this.history.cut(random);
    const end = Math.max(0, ...sectors.keys()) + 1;
    const bytes = new Uint8Array(Math.max(this.#stableBytes, end * SECTOR));
    for (const [sector, content] of sectors) bytes.set(content, sector * SECTOR);
    return bytes;
  }

  #place(offset: number, bytes: Uint8Array): void {
    this.#grow(offset + bytes.length);
    this.#content.set(bytes, offset);
    this.#bytes = Math.max(this.#bytes, offset + bytes.length);
  }

  /** The sectors that a write changes, as they are after it. */
  #wholeSectors(offset: number, bytes: Uint8Array): { offset: number; bytes: Uint8Array } {
    const start = Math.floor(offset / SECTOR) * SECTOR;
    const end = Math.ceil((offset + bytes.length) / SECTOR) * SECTOR;
    const whole = new Uint8Array(end - start);
    whole.set(this.#content.subarray(start, Math.min(end, this.#content.length)));
    whole.set(bytes, offset - start);
    return { offset: start, bytes: whole };
  }

  #grow(bytes: number): void {
    if (bytes <= this.#content.length) return;
    const grown = new Uint8Array(Math.max(bytes, this.#content.length * 2));
    grown.set(this.#content);
    this.#content = grown;
  }

  async #wait(): Promise<void> {
    for (let turns = this.#random.below(4); turns > 0; turns--) await new Promise(setImmediate);
  }
}

/** A file in memory, from its bytes. */
export class MemFile implements HostFile {
  readonly readOnly: boolean;
  readonly path = 'memory';
  readonly identity = 'memory';
  content: Uint8Array;

  constructor(content: Uint8Array = new Uint8Array(0), readOnly = false) {
    this.content = content;
    this.readOnly = readOnly;
  }

  get bytes(): number {
    return this.content.length;
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    into.fill(0);
    into.set(this.content.subarray(Math.min(offset, this.bytes), Math.min(this.bytes, offset + into.length)));
  }

  async write(offset: number, from: Uint8Array): Promise<void> {
    if (offset + from.length > this.bytes) await this.truncate(offset + from.length);
    this.content.set(from, offset);
  }

  async flush(): Promise<void> {}

  async truncate(bytes: number): Promise<void> {
    // A file of this size on a host costs nothing; here it would be memory.
    if (bytes > 2 ** 28) throw new Error('the file would be too large for the test');
    const resized = new Uint8Array(bytes);
    resized.set(this.content.subarray(0, Math.min(bytes, this.bytes)));
    this.content = resized;
  }

  async close(): Promise<void> {}
}
