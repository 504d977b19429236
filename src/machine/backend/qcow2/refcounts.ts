import type { HostFile } from '../host-file.ts';
import { EntryTable } from './entry-table.ts';
import { CorruptImage, imageFull } from './errors.ts';
import type { Geometry } from './geometry.ts';
import type { Qcow2Header } from './header.ts';
import type { MetadataMap } from './metadata-map.ts';
import { type RefcountCodec, refcountCodec } from './refcount-width.ts';
import { Limit } from './spec.ts';
import { type CachedTable, TableCache } from './table-cache.ts';

/** Neighbouring clusters. */
export interface ClusterRun {
  readonly cluster: number;
  readonly count: number;
}

/** What the reference counts of an image are made from. */
export interface RefcountsOptions {
  readonly file: HostFile;
  readonly geometry: Geometry;
  readonly table: EntryTable;
  readonly tableOffset: number;
  readonly map: MetadataMap;
  /** Bytes of refcount blocks that are kept in memory. */
  readonly budget: number;
  /** Writes these fields of the header and makes that stable. */
  readonly updateHeader: (fields: Pick<Qcow2Header, 'refTableOffset' | 'refTableClusters'>) => Promise<void>;
}

/**
 * The reference counts of an image's clusters, and with them the allocation of clusters. Counts in memory are ahead of
 * the file: `write` brings them there. A count may be raised at any time; to lower one is the caller's right only when
 * what referred to the cluster is gone from the file for good. Nothing here is reentrant: one caller at a time.
 */
export class Refcounts {
  readonly #file: HostFile;
  readonly #geometry: Geometry;
  readonly #map: MetadataMap;
  readonly #codec: RefcountCodec;
  readonly #cache: TableCache;
  readonly #updateHeader: RefcountsOptions['updateHeader'];
  #table: EntryTable;
  #tableOffset: number;
  /** Entries of the table that are not in the file yet. */
  readonly #newEntries = new Set<number>();
  /** No cluster below this one is free. */
  #hint = 0;

  constructor(options: RefcountsOptions) {
    this.#file = options.file;
    this.#geometry = options.geometry;
    this.#map = options.map;
    this.#codec = refcountCodec(options.geometry.refcountBits);
    this.#cache = new TableCache(options.file, options.geometry.clusterBytes, options.budget);
    this.#updateHeader = options.updateHeader;
    this.#table = options.table;
    this.#tableOffset = options.tableOffset;
  }

  /** Counts have been changed in memory that are not in the file. */
  get dirty(): boolean {
    return this.#cache.dirty || this.#newEntries.size > 0;
  }

  /** It is time to `write`. */
  get crowded(): boolean {
    return this.#cache.crowded;
  }

  /** The count of one cluster. */
  async get(cluster: number): Promise<number> {
    const block = await this.#block(cluster);
    return block === undefined ? 0 : this.#codec.get(block.bytes, cluster % this.#geometry.refblockEntries);
  }

  /** Adds `delta` to the counts of clusters that are in use. Throws CorruptImage for one whose count is impossible. */
  async change(run: ClusterRun, delta: 1 | -1): Promise<void> {
    const { refblockEntries, refcountMax } = this.#geometry;
    for (let cluster = run.cluster; cluster < run.cluster + run.count; cluster++) {
      const block = await this.#block(cluster);
      const index = cluster % refblockEntries;
      const before = block === undefined ? 0 : this.#codec.get(block.bytes, index);
      if (block === undefined || before === 0) {
        throw new CorruptImage(this.#file.path, `cluster ${cluster} is in use and counts as free`);
      }
      if (before + delta > refcountMax) {
        const reason = `a cluster would have more than ${refcountMax} references, as many as its refcount_bits allow`;
        throw imageFull(this.#file.path, reason);
      }
      this.#set(block, index, before + delta);
      if (before + delta === 0) this.#hint = Math.min(this.#hint, cluster);
    }
  }

  /** Takes up to `max` free clusters in a row, at least one. */
  async allocate(max: number): Promise<ClusterRun> {
    const { refblockEntries } = this.#geometry;
    for (let cluster = this.#hint; ; ) {
      const block = (await this.#block(cluster)) ?? (await this.#addBlock(cluster));
      const base = cluster - (cluster % refblockEntries);
      const run = this.#freeRun(block, base, cluster - base, max);
      if (run !== undefined) {
        this.#take(block, run);
        this.#hint = run.cluster + run.count;
        return run;
      }
      cluster = base + refblockEntries;
      this.#hint = cluster;
    }
  }

  /** Takes `count` free clusters that are neighbours; returns the first. */
  async allocateRow(count: number): Promise<number> {
    return (await this.#findRow(count)) ?? (await this.#areaBehindAll(count)).first;
  }

  /** Makes one more reference to a cluster that is in use, if its count can take that. */
  async share(cluster: number): Promise<boolean> {
    if ((await this.get(cluster)) >= this.#geometry.refcountMax) return false;
    await this.change({ cluster, count: 1 }, 1);
    return true;
  }

  /**
   * Writes what was changed. A block is in the file for good before the table refers to it. That what was written is
   * there for good, the caller sees to.
   */
  async write(): Promise<void> {
    const entries = [...this.#newEntries];
    const blocks = this.#cache.dirtyTables();
    await this.#cache.writeDirty();
    if (entries.length === 0) return;
    await this.#file.flush().catch((error: unknown) => {
      this.#cache.redirty(blocks);
      throw error;
    });
    for (const sector of new Set(entries.map((entry) => Math.floor((entry * 8) / 512)))) {
      await this.#file.write(
        this.#tableOffset + sector * 512,
        this.#table.bytes.subarray(sector * 512, sector * 512 + 512),
      );
    }
    await this.#file.flush();
    for (const entry of entries) this.#newEntries.delete(entry);
  }

  /** Where the refcount block of a cluster is; 0: there is none. */
  #blockOffset(region: number): number {
    if (region >= this.#table.length) return 0;
    const offset = this.#table.offset(region);
    const { clusterBytes } = this.#geometry;
    if (offset % clusterBytes !== 0 || (offset >= this.#file.bytes && this.#cache.peek(offset) === undefined)) {
      throw new CorruptImage(this.#file.path, `its refcount block ${region} is said to be at byte ${offset}`);
    }
    return offset;
  }

  async #block(cluster: number): Promise<CachedTable | undefined> {
    const offset = this.#blockOffset(Math.floor(cluster / this.#geometry.refblockEntries));
    if (offset === 0) return undefined;
    for (;;) {
      const block = this.#cache.peek(offset);
      if (block !== undefined) return block;
      await this.#cache.load(offset);
    }
  }

  #set(block: CachedTable, index: number, value: number): void {
    this.#codec.set(block.bytes, index, value);
    const bits = this.#geometry.refcountBits;
    this.#cache.touch(block, Math.floor((index * bits) / 8), Math.ceil(bits / 8));
  }

  #freeRun(block: CachedTable, base: number, from: number, max: number): ClusterRun | undefined {
    const { refblockEntries } = this.#geometry;
    let first = from;
    while (first < refblockEntries && this.#codec.get(block.bytes, first) !== 0) first++;
    if (first === refblockEntries) return undefined;
    let end = first + 1;
    while (end < refblockEntries && end - first < max && this.#codec.get(block.bytes, end) === 0) end++;
    return { cluster: base + first, count: end - first };
  }

  #take(block: CachedTable, { cluster, count }: ClusterRun): void {
    this.#checkFree(cluster, count);
    for (let i = 0; i < count; i++) this.#set(block, (cluster + i) % this.#geometry.refblockEntries, 1);
  }

  /** Counts that say "free" of a place where the image has its own structures are wrong: nothing may go there. */
  #checkFree(cluster: number, count: number): void {
    const what = this.#map.overlap(cluster, count);
    if (what === undefined) return;
    throw new CorruptImage(this.#file.path, `cluster ${cluster} counts as free, but its ${what} is there`);
  }

  /** Makes the block for a region that has none, in the region's first cluster: all of it is free. */
  async #addBlock(cluster: number): Promise<CachedTable> {
    const { refblockEntries, clusterBytes } = this.#geometry;
    const region = Math.floor(cluster / refblockEntries);
    if (region >= this.#table.length) {
      await this.#growTable(region + 1);
      return (await this.#block(cluster)) ?? this.#addBlock(cluster);
    }
    const first = region * refblockEntries;
    this.#checkFree(first, 1);
    const block = this.#cache.add(first * clusterBytes, new Uint8Array(clusterBytes));
    this.#table.set(region, block.offset, false);
    this.#newEntries.add(region);
    this.#map.addTable(first);
    this.#set(block, 0, 1);
    return block;
  }

  /** Looks for free neighbours where there are blocks. */
  async #findRow(count: number): Promise<number | undefined> {
    const { refblockEntries } = this.#geometry;
    const end = this.#regionsInUse() * refblockEntries;
    let free = 0;
    for (let cluster = this.#hint; cluster < end; cluster++) {
      const block = await this.#block(cluster);
      const taken = block === undefined || this.#codec.get(block.bytes, cluster % refblockEntries) !== 0;
      free = taken ? 0 : free + 1;
      if (free < count) continue;
      const first = cluster - count + 1;
      this.#checkFree(first, count);
      for (let i = first; i <= cluster; i++) {
        const own = await this.#block(i);
        if (own !== undefined) this.#set(own, i % refblockEntries, 1);
      }
      return first;
    }
    return undefined;
  }

  /** Number of the last region that has a block, plus one. */
  #regionsInUse(): number {
    let regions = this.#table.length;
    while (regions > 0 && this.#blockOffset(regions - 1) === 0) regions--;
    return regions;
  }

  /** Takes `count` neighbours behind all regions in use, with the blocks for them in front. */
  async #areaBehindAll(count: number): Promise<{ first: number }> {
    const { refblockEntries } = this.#geometry;
    const blocks = this.#blocksFor(count);
    if (this.#regionsInUse() + blocks > this.#table.length) await this.#growTable(this.#table.length + blocks);
    const region = this.#regionsInUse();
    const start = region * refblockEntries;
    this.#checkFree(start, blocks + count);
    for (const { bytes, index, offset } of this.#newBlocks(start, blocks, count)) {
      this.#cache.add(offset, bytes);
      this.#table.set(region + index, offset, false);
      this.#newEntries.add(region + index);
      this.#map.addTable(start + index);
    }
    return { first: start + blocks };
  }

  /** Blocks that it takes to count `count` clusters and themselves. */
  #blocksFor(count: number): number {
    return Math.ceil(count / (this.#geometry.refblockEntries - 1));
  }

  /** The blocks for an area that begins with them, itself at the start of a region, all of it in use. */
  #newBlocks(start: number, blocks: number, count: number): { bytes: Uint8Array; index: number; offset: number }[] {
    const { refblockEntries, clusterBytes } = this.#geometry;
    return Array.from({ length: blocks }, (_, index) => {
      const bytes = new Uint8Array(clusterBytes);
      const used = Math.min(refblockEntries, blocks + count - index * refblockEntries);
      for (let i = 0; i < used; i++) this.#codec.set(bytes, i, 1);
      return { bytes, index, offset: (start + index) * clusterBytes };
    });
  }

  /** Moves the table to a new place where it has `entries` entries at least, and room for more. */
  async #growTable(entries: number): Promise<void> {
    const { clusterBytes, refblockEntries } = this.#geometry;
    // So that the file's table is complete but for what is done here.
    await this.write();
    const region = this.#regionsInUse();
    const wanted = Math.max(entries, Math.ceil(this.#table.length * 1.5)) + 1;
    const clusters = Math.ceil(((wanted + this.#blocksFor(wanted)) * 8) / clusterBytes);
    const blocks = this.#blocksFor(clusters);
    if (clusters * clusterBytes > Limit.refTableBytes) {
      throw imageFull(this.#file.path, 'its refcount table would be larger than 8 MiB');
    }
    const start = region * refblockEntries;
    this.#checkFree(start, blocks + clusters);
    const grown = new EntryTable(new Uint8Array(clusters * clusterBytes));
    grown.bytes.set(this.#table.bytes.subarray(0, Math.min(this.#table.bytes.length, grown.bytes.length)));
    for (const { bytes, index, offset } of this.#newBlocks(start, blocks, clusters)) {
      await this.#file.write(offset, bytes);
      grown.set(region + index, offset, false);
    }
    const offset = (start + blocks) * clusterBytes;
    await this.#file.write(offset, grown.bytes);
    await this.#file.flush();
    await this.#updateHeader({ refTableOffset: offset, refTableClusters: clusters });
    const old: ClusterRun = {
      cluster: this.#tableOffset / clusterBytes,
      count: this.#table.bytes.length / clusterBytes,
    };
    this.#table = grown;
    this.#tableOffset = offset;
    for (let i = 0; i < blocks; i++) this.#map.addTable(start + i);
    this.#map.removeRange(old.cluster);
    this.#map.addRange({ what: 'refcount table', first: start + blocks, clusters });
    await this.change(old, -1);
  }
}
