import type { HostFile } from '../host-file.ts';
import { Mutex } from '../mutex.ts';
import type { EntryTable } from './entry-table.ts';
import { CorruptImage } from './errors.ts';
import type { Geometry } from './geometry.ts';
import { formatFields, formatHeader, type Qcow2Header } from './header.ts';
import { type ClusterEntry, compressedPlace } from './l2-entry.ts';
import { type LoadedImage, mapMetadata } from './load.ts';
import { MetadataMap } from './metadata-map.ts';
import { RangeLock } from './range-lock.ts';
import { type ClusterRun, Refcounts } from './refcounts.ts';
import type { SnapshotTable } from './snapshot-table.ts';
import { Autoclear, Compatible, Incompatible } from './spec.ts';
import { type CachedTable, TableCache } from './table-cache.ts';

/** Bytes of L2 tables and of refcount blocks that are kept in memory. */
const L2_BUDGET = 16 * 2 ** 20;
const REFCOUNT_BUDGET = 4 * 2 ** 20;

/** Runs of clusters that wait to be freed before they are. */
const FREES_MAX = 16384;

/**
 * An open image's metadata: header, L1 table, L2 tables, reference counts, and the order in which changes to them reach
 * the file. At any moment the file may be all that is left; then nothing in it may refer to a cluster that counts as
 * free or whose contents are not there. So `commit` goes in steps, each stable before the next:
 *
 * 1. raised reference counts, and the data of new clusters; 2. L2 tables; 3. the L1 table; 4. lowered counts, of what
 * is no longer referred to: they only go to the file in step 1 of the next commit.
 */
export class Qcow2Core {
  readonly file: HostFile;
  /** Where guest data is: the image itself, or its external data file. */
  readonly data: HostFile;
  readonly geometry: Geometry;
  readonly l2: TableCache;
  readonly refcounts: Refcounts;
  readonly map: MetadataMap;
  readonly locks = new RangeLock();
  readonly writable: boolean;
  header: Qcow2Header;
  l1: EntryTable;
  snapshotTable: SnapshotTable;
  readonly #freedListeners: (() => void)[] = [];
  readonly #mutex = new Mutex();
  #freed: ClusterRun[] = [];
  /** Bytes of the L1 table that were changed. */
  #l1Dirty: { from: number; to: number } | undefined;
  #nextCommit: Promise<void> | undefined;
  #corrupt: CorruptImage | undefined;

  /** Throws INVALID_ARG for an image that is to be written whose structures overlap. */
  constructor(file: HostFile, dataFile: HostFile | undefined, image: LoadedImage, writable: boolean) {
    this.file = file;
    this.data = dataFile ?? file;
    this.geometry = image.geometry;
    this.header = image.header;
    this.l1 = image.l1;
    this.snapshotTable = image.snapshotTable;
    this.writable = writable;
    this.map = writable ? mapMetadata(file, image) : new MetadataMap([], []);
    this.l2 = new TableCache(file, image.geometry.clusterBytes, L2_BUDGET);
    this.refcounts = new Refcounts({
      file,
      geometry: image.geometry,
      table: image.refTable,
      tableOffset: image.header.refTableOffset,
      map: this.map,
      budget: REFCOUNT_BUDGET,
      updateHeader: (fields) => this.updateHeader(fields),
    });
  }

  /** Reference counts may be behind in the file while it says that it is dirty. */
  get lazy(): boolean {
    return (this.header.compatible & Compatible.LAZY_REFCOUNTS) !== 0n;
  }

  /**
   * What an image needs before the first write: features that we do not keep up are marked as outdated, and with lazy
   * reference counts that they are not to be trusted.
   */
  async beginWriting(): Promise<void> {
    const autoclear = this.header.autoclear & Autoclear.RAW_DATA_FILE;
    const incompatible = this.header.incompatible | (this.lazy ? Incompatible.DIRTY : 0n);
    if (autoclear === this.header.autoclear && incompatible === this.header.incompatible) return;
    await this.updateHeader({ autoclear, incompatible });
  }

  /** Throws if the image was found to be corrupt: nothing more is to be written then. */
  checkSound(): void {
    if (this.#corrupt !== undefined) throw this.#corrupt;
  }

  /** Runs a job that changes metadata, alone. */
  exclusive<T>(job: () => Promise<T>): Promise<T> {
    return this.#guarded(async () => {
      if (this.l2.crowded || this.#freed.length > FREES_MAX) await this.commit();
      else if (this.refcounts.crowded) await this.refcounts.write();
      return job();
    });
  }

  /** Brings all that was written so far to stable storage. */
  flush(): Promise<void> {
    if (!this.writable) return Promise.resolve();
    // Whoever comes before it has begun is served by it too.
    this.#nextCommit ??= this.#guarded(() => {
      this.#nextCommit = undefined;
      return this.commit();
    });
    return this.#nextCommit;
  }

  /** Inside `exclusive`: brings the metadata to the file, and everything to stable storage. */
  async commit(): Promise<void> {
    if (!this.lazy) await this.refcounts.write();
    if (this.data !== this.file) await this.data.flush();
    if (this.l2.dirty || this.#l1Dirty !== undefined) {
      await this.file.flush();
      await this.#writeTables();
    } else {
      await this.file.flush();
    }
    await this.#freeClusters();
  }

  /** Brings everything to the file before it is closed. */
  async finish(): Promise<void> {
    if (!this.writable || this.#corrupt !== undefined) return;
    await this.#guarded(async () => {
      await this.commit();
      if (this.refcounts.dirty) await this.refcounts.write();
      await this.file.flush();
      if (this.lazy) await this.updateHeader({ incompatible: this.header.incompatible & ~Incompatible.DIRTY });
    });
  }

  /** Writes fields of the header, which stand in its first sector, and makes that stable. */
  async updateHeader(fields: Partial<Qcow2Header>): Promise<void> {
    const header = { ...this.header, ...fields };
    await this.file.write(0, formatFields(header));
    await this.file.flush();
    this.header = header;
  }

  /** Writes the whole header, with its extensions and its backing file's name, and makes that stable. */
  async rewriteHeader(fields: Partial<Qcow2Header>): Promise<void> {
    const { bytes, header } = formatHeader(this.file.path, { ...this.header, ...fields });
    await this.file.write(0, bytes);
    await this.file.flush();
    this.header = header;
  }

  /** Where the L2 table behind an L1 entry is; 0: there is none. */
  l2Offset(l1Index: number): number {
    if (l1Index >= this.header.l1Entries) return 0;
    const offset = this.l1.offset(l1Index);
    if (offset === 0) return 0;
    const outside = offset >= this.file.bytes && this.l2.peek(offset) === undefined;
    if (offset % this.geometry.clusterBytes !== 0 || outside) {
      throw new CorruptImage(this.file.path, `its L2 table ${l1Index} is said to be at byte ${offset}`);
    }
    return offset;
  }

  /**
   * An L2 table, to be used before the next await; null if the image has none there, undefined if it has to be loaded
   * first, by `loadL2`.
   */
  peekL2(l1Index: number): CachedTable | null | undefined {
    const offset = this.l2Offset(l1Index);
    return offset === 0 ? null : this.l2.peek(offset);
  }

  /** Reads an L2 table; `peekL2` finds it afterwards, unless so many others were read meanwhile that it is gone again. */
  async loadL2(l1Index: number): Promise<void> {
    const offset = this.l2Offset(l1Index);
    if (offset !== 0) await this.l2.load(offset);
  }

  /** Looks at an L2 table, or null, before anything else can happen to it. */
  async withL2<T>(l1Index: number, look: (table: CachedTable | null) => T): Promise<T> {
    for (;;) {
      const table = this.peekL2(l1Index);
      if (table !== undefined) return look(table);
      await this.loadL2(l1Index);
    }
  }

  /** Inside `exclusive`: changes entries of an L2 table, which is made or copied first if nothing may change it. */
  async withOwnL2(l1Index: number, change: (table: CachedTable) => void): Promise<void> {
    for (;;) {
      const table = this.l1.copied(l1Index) ? this.peekL2(l1Index) : undefined;
      if (table !== undefined && table !== null) return change(table);
      await this.#makeOwnL2(l1Index);
    }
  }

  async #makeOwnL2(l1Index: number): Promise<void> {
    let old = this.peekL2(l1Index);
    if (old === undefined || this.l1.copied(l1Index)) return this.loadL2(l1Index);
    const { clusterBytes } = this.geometry;
    const { cluster } = await this.refcounts.allocate(1);
    old = this.peekL2(l1Index);
    while (old === undefined) {
      await this.loadL2(l1Index);
      old = this.peekL2(l1Index);
    }
    const table = this.l2.add(cluster * clusterBytes, old?.bytes.slice() ?? new Uint8Array(clusterBytes));
    this.map.addTable(cluster);
    this.setL1(l1Index, table.offset);
    if (old === null) return;
    this.map.removeTable(old.offset / clusterBytes);
    this.free({ cluster: old.offset / clusterBytes, count: 1 });
  }

  /** Inside `exclusive`: makes an L1 entry refer to a table, one that is its own unless said otherwise. */
  setL1(l1Index: number, offset: number, copied: boolean = offset !== 0): void {
    this.l1.set(l1Index, offset, copied);
    const { from, to } = this.#l1Dirty ?? { from: l1Index * 8, to: 0 };
    this.#l1Dirty = { from: Math.min(from, l1Index * 8), to: Math.max(to, l1Index * 8 + 8) };
  }

  /** Calls back when clusters may have become free: what is known of their contents is to be forgotten. */
  onFreed(callback: () => void): void {
    this.#freedListeners.push(callback);
  }

  /** Tells that clusters may have become free. */
  forgetFreed(): void {
    for (const callback of this.#freedListeners) callback();
  }

  /** Notes that clusters lose a reference, which they do once nothing in the file makes it any more. */
  free(run: ClusterRun): void {
    const last = this.#freed[this.#freed.length - 1];
    if (last !== undefined && last.cluster + last.count === run.cluster) {
      this.#freed[this.#freed.length - 1] = { cluster: last.cluster, count: last.count + run.count };
    } else {
      this.#freed.push(run);
    }
  }

  /** Notes that the host clusters of a guest cluster lose a reference each. */
  freeOf(entry: ClusterEntry): void {
    if (entry.compressed) this.free(this.compressedRun(entry));
    else if (entry.allocated && !this.geometry.dataFile) {
      this.free({ cluster: entry.host / this.geometry.clusterBytes, count: 1 });
    }
  }

  /** The host clusters that a compressed cluster's data is in. */
  compressedRun(entry: { readonly hi: number; readonly lo: number }): ClusterRun {
    const { offset, bytes } = compressedPlace(this.geometry, entry);
    const { clusterBytes } = this.geometry;
    const first = Math.floor(offset / clusterBytes);
    return { cluster: first, count: Math.floor((offset + bytes - 1) / clusterBytes) - first + 1 };
  }

  /** Throws CorruptImage for a place where the guest data of a cluster cannot be. */
  checkHost(host: number, cluster: number): void {
    const { clusterBytes, dataFile } = this.geometry;
    const good = dataFile ? host === cluster * clusterBytes : host % clusterBytes === 0 && host < this.file.bytes;
    if (good) return;
    throw new CorruptImage(this.file.path, `the data of guest cluster ${cluster} is said to be at byte ${host}`);
  }

  /** What is wrong with writing the data of a guest cluster there, if anything: the image's own structures are there. */
  misplaced(host: number, cluster: number): CorruptImage | undefined {
    try {
      this.checkHost(host, cluster);
    } catch (error) {
      if (error instanceof CorruptImage) return error;
      throw error;
    }
    if (this.geometry.dataFile) return undefined;
    const what = this.map.overlap(host / this.geometry.clusterBytes, 1);
    if (what === undefined) return undefined;
    return new CorruptImage(this.file.path, `the data of guest cluster ${cluster} is said to be where its ${what} is`);
  }

  /** Gives up on writing the image: throws the error, now and whenever something is to be written from now on. */
  giveUp(error: CorruptImage): Promise<never> {
    return this.#guarded(async () => {
      throw error;
    });
  }

  /** Notes a corruption that was found while the guest wrote: nothing more is written, now or after the next open. */
  async #markCorrupt(error: CorruptImage): Promise<void> {
    this.#corrupt = error;
    if (this.header.version === 2) return;
    const incompatible = this.header.incompatible | Incompatible.CORRUPT;
    // What is to be reported is the corruption, not that it could not be noted.
    await this.updateHeader({ incompatible }).catch(() => undefined);
  }

  /** One at a time; after a corruption was found, none. */
  #guarded<T>(job: () => Promise<T>): Promise<T> {
    return this.#mutex.run(async () => {
      this.checkSound();
      try {
        return await job();
      } catch (error) {
        if (error instanceof CorruptImage) await this.#markCorrupt(error);
        throw error;
      }
    });
  }

  /** Brings L2 tables and L1 table to stable storage; when that fails, they count as changed as before. */
  async #writeTables(): Promise<void> {
    const tables = this.l2.dirtyTables();
    const l1Dirty = this.#l1Dirty;
    await this.l2.writeDirty();
    try {
      if (l1Dirty !== undefined) {
        // A table is there for good before the L1 table refers to it.
        await this.file.flush();
        const from = Math.floor(l1Dirty.from / 512) * 512;
        const to = Math.ceil(l1Dirty.to / 512) * 512;
        await this.file.write(this.header.l1Offset + from, this.l1.bytes.subarray(from, to));
      }
      await this.file.flush();
    } catch (error) {
      this.l2.redirty(tables);
      throw error;
    }
    this.#l1Dirty = undefined;
  }

  async #freeClusters(): Promise<void> {
    const freed = this.#freed;
    if (freed.length === 0) return;
    this.#freed = [];
    this.forgetFreed();
    for (const run of freed) await this.refcounts.change(run, -1);
  }
}
