import type { HostFile } from '../host-file.ts';
import { countBitmaps } from './bitmaps.ts';
import { CountMap } from './count-map.ts';
import { EntryTable } from './entry-table.ts';
import type { Geometry } from './geometry.ts';
import { type ClusterEntry, compressedPlace, readEntry } from './l2-entry.ts';
import type { LoadedImage } from './load.ts';
import { Autoclear, ZERO_LO } from './spec.ts';
import { CachedTable } from './table-cache.ts';

/** Reserved bits of the upper and lower halves of entries. */
const L1_RESERVED = { hi: 0x7f00_0000, lo: 0x1ff };
const L2_RESERVED = { hi: 0x3f00_0000, lo: 0x1fe };

/** What a walk through an image's tables has found. */
export interface Walk {
  /** How often each cluster is referred to. */
  readonly counts: CountMap;
  /** Of the disk as it is now. */
  allocated: number;
  compressed: number;
  /** Clusters that do not follow the one before them. */
  fragmented: number;
  /** What is wrong with references, one sentence each. */
  readonly corruptions: string[];
}

/** Sentences that are kept; more are only counted. */
const SENTENCES_MAX = 1000;

/** Reads one L2 table, or part of one at the file's end. */
export async function readL2(file: HostFile, geometry: Geometry, offset: number): Promise<CachedTable> {
  const bytes = new Uint8Array(geometry.clusterBytes);
  await file.read(offset, bytes);
  return new CachedTable(offset, bytes);
}

/** Reads an L1 table. */
export async function readL1(file: HostFile, offset: number, entries: number): Promise<EntryTable> {
  const bytes = new Uint8Array(Math.ceil((entries * 8) / 512) * 512);
  await file.read(offset, bytes.subarray(0, entries * 8));
  return new EntryTable(bytes);
}

/**
 * Walks through everything that an image refers to, once. Nothing is changed, nothing but the host's errors thrown. What
 * the reference counts themselves take is counted only when `countRefcounts` is called after it.
 */
export class ImageWalker {
  readonly walk: Walk = { counts: new CountMap(), allocated: 0, compressed: 0, fragmented: 0, corruptions: [] };
  readonly #file: HostFile;
  readonly #image: LoadedImage;
  readonly #geometry: Geometry;
  /** How many L1 tables refer to each L2 table. */
  readonly #l2Tables = new CountMap();
  readonly #activeL2 = new Map<number, number>();
  readonly #progress: (done: number) => void;

  /** @param progress told of the part of the work that is done, 0 to 1 */
  constructor(file: HostFile, image: LoadedImage, progress: (done: number) => void = () => {}) {
    this.#file = file;
    this.#image = image;
    this.#geometry = image.geometry;
    this.#progress = progress;
  }

  async run(): Promise<Walk> {
    const { header, l1, snapshotTable } = this.#image;
    this.#count('header', 0, 1);
    this.#count('L1 table', header.l1Offset, header.l1Entries * 8);
    this.#count('snapshot table', header.snapshotsOffset, snapshotTable.bytes);
    this.#listL2('L1 table', l1, header.l1Entries, true);
    const seen = new Set<number>();
    for (const { id, l1Offset, l1Entries } of snapshotTable.snapshots) {
      this.#count(`L1 table of snapshot ${id}`, l1Offset, l1Entries * 8);
      if (l1Entries === 0) continue;
      if (seen.has(l1Offset)) {
        this.#corrupt(`snapshot ${id} has the same L1 table as another`);
        continue;
      }
      seen.add(l1Offset);
      this.#listL2(`L1 table of snapshot ${id}`, await readL1(this.#file, l1Offset, l1Entries), l1Entries, false);
    }
    await this.#walkL2();
    if ((header.autoclear & Autoclear.BITMAPS) !== 0n) await this.#walkBitmaps();
    return this.walk;
  }

  /** Counts what the reference counts themselves take. */
  countRefcounts(): void {
    const { header, geometry, refTable } = this.#image;
    this.#count('refcount table', header.refTableOffset, header.refTableClusters * geometry.clusterBytes);
    for (let i = 0; i < refTable.length; i++) {
      const offset = refTable.offset(i);
      if (offset !== 0) this.#count(`refcount block ${i}`, offset, geometry.clusterBytes);
    }
  }

  /** The clusters of the L2 tables in use by the disk as it is now, with their index in its L1 table. */
  get activeL2(): ReadonlyMap<number, number> {
    return this.#activeL2;
  }

  async #walkBitmaps(): Promise<void> {
    const count = (what: string, offset: number, bytes: number) => this.#count(what, offset, bytes);
    await countBitmaps(this.#file, this.#image, count).catch((error: Error) => this.#corrupt(error.message));
  }

  #corrupt(sentence: string): void {
    this.walk.corruptions.push(this.walk.corruptions.length < SENTENCES_MAX ? sentence : '');
  }

  /** Counts the clusters that a structure is in, if they are where one can be. */
  #count(what: string | (() => string), offset: number, bytes: number, times = 1): boolean {
    if (bytes === 0) return true;
    const { clusterBytes } = this.#geometry;
    const end = Math.ceil(this.#file.bytes / clusterBytes) * clusterBytes;
    if (offset + bytes > end) {
      this.#corrupt(`the ${typeof what === 'string' ? what : what()} at byte ${offset} is outside the file`);
      return false;
    }
    const last = Math.floor((offset + bytes - 1) / clusterBytes);
    for (let cluster = Math.floor(offset / clusterBytes); cluster <= last; cluster++) {
      this.walk.counts.add(cluster, times);
    }
    return true;
  }

  #listL2(what: string, table: EntryTable, entries: number, active: boolean): void {
    const { clusterBytes } = this.#geometry;
    for (let i = 0; i < entries; i++) {
      const offset = table.offset(i);
      if ((table.hi(i) & L1_RESERVED.hi) !== 0 || (table.lo(i) & L1_RESERVED.lo) !== 0) {
        this.#corrupt(`entry ${i} of the ${what} has reserved bits set`);
      }
      if (offset === 0) continue;
      if (offset % clusterBytes !== 0) {
        this.#corrupt(`the L2 table ${i} of the ${what} is said to be at byte ${offset}`);
        continue;
      }
      if (!this.#count(`L2 table ${i} of the ${what}`, offset, clusterBytes)) continue;
      const cluster = offset / clusterBytes;
      if (active && this.#activeL2.has(cluster)) {
        this.#corrupt(`entries ${this.#activeL2.get(cluster)} and ${i} of the ${what} are the same L2 table`);
        continue;
      }
      this.#l2Tables.add(cluster, 1);
      if (active) this.#activeL2.set(cluster, i);
    }
  }

  async #walkL2(): Promise<void> {
    const { clusterBytes, l2Entries } = this.#geometry;
    const total = Math.max(1, [...this.#l2Tables.entries()].length);
    let done = 0;
    let expected = 0;
    for (const [cluster, times] of this.#l2Tables.entries()) {
      const table = await readL2(this.#file, this.#geometry, cluster * clusterBytes);
      const l1Index = this.#activeL2.get(cluster);
      for (let i = 0; i < l2Entries; i++) {
        const entry = readEntry(this.#geometry, table, i);
        if (entry.hi === 0 && entry.lo === 0 && entry.zero === 0 && entry.data === 0) continue;
        // Said of few, so that it is not put together for each.
        const where = () => `entry ${i} of the L2 table at byte ${table.offset}`;
        this.#walkEntry(where, entry, times, l1Index === undefined ? undefined : l1Index * l2Entries + i);
        if (l1Index === undefined || (!entry.allocated && !entry.compressed)) continue;
        this.walk.allocated++;
        if (entry.compressed) this.walk.compressed++;
        // As qemu-img counts: a compressed cluster always breaks the row.
        const host = entry.compressed ? -1 : entry.host;
        if (entry.compressed || (expected !== 0 && host !== expected)) this.walk.fragmented++;
        expected = host + clusterBytes;
      }
      this.#progress(++done / total);
    }
  }

  #walkEntry(where: () => string, entry: ClusterEntry, times: number, guestCluster: number | undefined): void {
    const { clusterBytes, dataFile, version, extended } = this.#geometry;
    if (entry.compressed) {
      if (dataFile) this.#corrupt(`${where()} is compressed, in an image with an external data file`);
      if ((entry.hi & 0x8000_0000) !== 0) this.#corrupt(`${where()} is compressed and has the flag COPIED`);
      const { offset, bytes } = compressedPlace(this.#geometry, entry);
      // The last sector may be a part of one at the file's end.
      this.#count(() => `data of ${where()}`, offset, bytes, times);
      return;
    }
    const lowReserved = L2_RESERVED.lo | (version === 2 || extended ? ZERO_LO : 0);
    if ((entry.hi & L2_RESERVED.hi) !== 0 || (entry.lo & lowReserved) !== 0) {
      this.#corrupt(`${where()} has reserved bits set`);
    }
    if (!entry.allocated) return;
    if (entry.host % clusterBytes !== 0) {
      this.#corrupt(`the data of ${where()} is said to be at byte ${entry.host}`);
      return;
    }
    if (!dataFile) {
      this.#count(() => `data of ${where()}`, entry.host, clusterBytes, times);
      return;
    }
    if (guestCluster !== undefined && entry.host !== guestCluster * clusterBytes) {
      this.#corrupt(`the data of ${where()} is not where it is in the disk`);
    }
  }
}
