import type { Qcow2Core } from './core.ts';
import {
  allSubclusters,
  type ClusterEntry,
  type NewEntry,
  readEntry,
  subclusterBits,
  unallocatedEntry,
  writeEntry,
} from './l2-entry.ts';
import type { Qcow2Reader } from './reader.ts';
import type { CachedTable } from './table-cache.ts';
import type { Qcow2Writer } from './writer.ts';

/** Clusters that are held at a time while ranges are cleared: others get a turn in between. */
const CLUSTERS_MAX = 16384;

/** Zeroes are written in pieces of this size where they have to be written. */
const zeroes = new Uint8Array(256 * 1024);

/** Makes parts of an image's disk read as zeroes without writing them: by its tables, where its version allows it. */
export class Qcow2Clearer {
  readonly #core: Qcow2Core;
  readonly #reader: Qcow2Reader;
  readonly #writer: Qcow2Writer;
  readonly #hasBacking: boolean;

  constructor(core: Qcow2Core, reader: Qcow2Reader, writer: Qcow2Writer, hasBacking: boolean) {
    this.#core = core;
    this.#reader = reader;
    this.#writer = writer;
    this.#hasBacking = hasBacking;
  }

  /**
   * The range reads as zeroes; with `unmap` its clusters are freed. With `mark` it does so whatever the image may be put
   * on top of, also where it reads as zeroes now because there is nothing.
   */
  async writeZeroes(offset: number, bytes: number, unmap: boolean, mark = false): Promise<void> {
    const { geometry } = this.#core;
    // Version 2 knows no zero clusters: there it takes a cluster with nothing below it. A raw data file must have them.
    const byTables = geometry.version >= 3 ? !geometry.rawDataFile : unmap && !this.#hasBacking && !mark;
    const unit = geometry.subclusterBytes;
    const from = byTables ? Math.ceil(offset / unit) * unit : offset + bytes;
    const to = byTables ? this.#alignedEnd(offset + bytes, unit) : offset + bytes;
    if (from >= to) return this.#writeData(offset, bytes, mark);
    await this.#writeData(offset, from - offset, mark);
    await this.#clear(from, to, mark ? 'mark' : unmap ? 'unmap' : 'keep');
    await this.#writeData(to, offset + bytes - to, mark);
  }

  /** Takes everything out of the image: it is as if new, and shows what is below. */
  async empty(): Promise<void> {
    await this.#clear(0, this.#alignedEnd(this.#core.header.size, 1), 'empty');
  }

  /** Frees the clusters that are wholly in the range; they read as zeroes, or stay where that cannot be. */
  async discard(offset: number, bytes: number): Promise<void> {
    const { geometry } = this.#core;
    if (geometry.rawDataFile || (geometry.version === 2 && this.#hasBacking)) return;
    const unit = geometry.subclusterBytes;
    const from = Math.ceil(offset / unit) * unit;
    const to = this.#alignedEnd(offset + bytes, unit);
    if (from < to) await this.#clear(from, to, 'unmap');
  }

  /** The disk's end is as good as a cluster's: there is nothing behind it. */
  #alignedEnd(end: number, unit: number): number {
    const { clusterBytes } = this.#core.geometry;
    if (end === this.#core.header.size) return Math.ceil(end / clusterBytes) * clusterBytes;
    return Math.floor(end / unit) * unit;
  }

  /** Writes zeroes where it does not read as such. */
  async #writeData(offset: number, bytes: number, all = this.#core.geometry.rawDataFile): Promise<void> {
    for (let at = 0; at < bytes; ) {
      const piece = await this.#reader.extent(offset + at, Math.min(zeroes.length, bytes - at));
      if (all || !this.#reader.isZero(piece, offset + at)) {
        await this.#writer.write(offset + at, zeroes.subarray(0, piece.bytes));
      }
      at += piece.bytes;
    }
  }

  /** Clears whole subclusters. */
  async #clear(from: number, to: number, how: Clearing): Promise<void> {
    const { geometry, locks } = this.#core;
    const { clusterBytes, l2Span } = geometry;
    for (let at = from; at < to; ) {
      const end = Math.min(to, at - (at % l2Span) + l2Span, at - (at % clusterBytes) + CLUSTERS_MAX * clusterBytes);
      const first = Math.floor(at / clusterBytes);
      const hold = await locks.take(first, Math.ceil(end / clusterBytes) - 1, true);
      let compressed: number[];
      try {
        compressed = await this.#core.exclusive(() => this.#clearInTable(at, end, how));
      } finally {
        locks.release(hold);
      }
      // Of a compressed cluster no part can be marked.
      for (const cluster of compressed) {
        const start = Math.max(at, cluster * clusterBytes);
        const part = Math.min(end, (cluster + 1) * clusterBytes, this.#core.header.size) - start;
        await this.#writeData(start, part);
      }
      at = end;
    }
  }

  /** Clears what is behind one L2 table; returns the compressed clusters of which only a part is to be cleared. */
  async #clearInTable(from: number, to: number, how: Clearing): Promise<number[]> {
    const core = this.#core;
    const l1Index = Math.floor(from / core.geometry.l2Span);
    const changes = await core.withL2(l1Index, (table) => this.#changes(table, from, to, how));
    const compressed = changes.filter(({ partOfCompressed }) => partOfCompressed).map(({ cluster }) => cluster);
    const real = changes.filter(({ partOfCompressed }) => !partOfCompressed);
    if (real.length > 0) await core.withOwnL2(l1Index, (table) => this.#apply(table, real));
    return compressed;
  }

  #apply(table: CachedTable, changes: readonly Change[]): void {
    const { geometry, l2 } = this.#core;
    for (const { cluster, entry, next } of changes) {
      const index = cluster % geometry.l2Entries;
      writeEntry(geometry, table, index, next);
      l2.touch(table, index * geometry.l2EntryBytes, geometry.l2EntryBytes);
      if (next.host !== entry.host || entry.compressed) this.#core.freeOf(entry);
    }
  }

  #changes(table: CachedTable | null, from: number, to: number, how: Clearing): Change[] {
    const { geometry } = this.#core;
    const { clusterBytes, subclusterBytes } = geometry;
    const changes: Change[] = [];
    if (table === null && (how === 'empty' || (!this.#hasBacking && how !== 'mark'))) return changes;
    for (let at = from; at < to; ) {
      const cluster = Math.floor(at / clusterBytes);
      const inCluster = at % clusterBytes;
      const end = Math.min(clusterBytes, inCluster + to - at);
      const entry = table === null ? unallocatedEntry : readEntry(geometry, table, cluster % geometry.l2Entries);
      const bits = subclusterBits(inCluster / subclusterBytes, end / subclusterBytes - 1);
      const next = this.#cleared(entry, bits, how);
      if (next === 'compressed') changes.push({ cluster, entry, next: unallocatedEntry, partOfCompressed: true });
      else if (next !== undefined) changes.push({ cluster, entry, next, partOfCompressed: false });
      at += end - inCluster;
    }
    return changes;
  }

  /** The entry with these subclusters cleared; undefined if nothing is to be changed. */
  #cleared(entry: ClusterEntry, bits: number, how: Clearing): NewEntry | 'compressed' | undefined {
    const { geometry } = this.#core;
    const whole = bits === allSubclusters(geometry);
    const mark = geometry.version >= 3 && how !== 'empty';
    if (entry.compressed) return whole ? { host: 0, copied: false, data: 0, zero: mark ? bits : 0 } : 'compressed';
    const nothing = !entry.allocated && (entry.zero & bits) === 0;
    if (nothing && (how === 'empty' || (!this.#hasBacking && how !== 'mark'))) return undefined;
    const keep = entry.allocated && how !== 'empty' && (!whole || (how === 'keep' && entry.copied && mark));
    const next = {
      host: keep ? entry.host : 0,
      copied: keep && entry.copied,
      data: (entry.data & ~bits) >>> 0,
      zero: mark ? (entry.zero | bits) >>> 0 : 0,
    };
    const same = next.host === entry.host && next.data === entry.data && next.zero === entry.zero;
    return same && next.copied === entry.copied ? undefined : next;
  }
}

/**
 * What becomes of cleared clusters: `keep`: they are zero, and keep their places; `unmap`: they are zero, their places
 * are freed; `mark`: the same, also where the image has nothing; `empty`: the image has nothing there.
 */
type Clearing = 'keep' | 'unmap' | 'mark' | 'empty';

interface Change {
  readonly cluster: number;
  readonly entry: ClusterEntry;
  readonly next: NewEntry;
  readonly partOfCompressed: boolean;
}
