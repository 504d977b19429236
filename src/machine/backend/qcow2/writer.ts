import type { Qcow2Core } from './core.ts';
import { giveBack, isFresh, takeClusters, writeFresh } from './fresh.ts';
import { compressedEntry, readEntry, unallocatedEntry, writeEntry, writeRawEntry } from './l2-entry.ts';
import type { Hold } from './range-lock.ts';
import type { Qcow2Reader } from './reader.ts';
import type { ClusterRun } from './refcounts.ts';
import type { CachedTable } from './table-cache.ts';
import { type ByteRange, type ClusterPlan, planCluster } from './write-plan.ts';

/** Bytes written in one go: the bound on what one request keeps in memory and holds locked. */
const CHUNK_BYTES = 2 * 2 ** 20;

/** A write to the host's file. */
interface HostWrite {
  readonly host: number;
  readonly bytes: Uint8Array;
}

/** A compressed cluster's data, its place, and the entry that says so. */
interface CompressedPart {
  readonly host: number;
  readonly data: Uint8Array;
  readonly hi: number;
  readonly lo: number;
}

/** Where a plan's cluster is to be. */
interface Placed {
  readonly plan: ClusterPlan;
  readonly host: number;
  /** The place is beyond what the file ever had: it reads as zeroes. */
  readonly fresh: boolean;
}

/** Writes an image's guest data. */
export class Qcow2Writer {
  readonly #core: Qcow2Core;
  readonly #reader: Qcow2Reader;
  /** Where the next compressed cluster may begin: in the cluster that the last one ended in. 0: in a new one. */
  #compressedEnd = 0;

  constructor(core: Qcow2Core, reader: Qcow2Reader) {
    this.#core = core;
    this.#reader = reader;
    // That cluster may be free by now, or something else's.
    core.onFreed(() => {
      this.#compressedEnd = 0;
    });
  }

  /** Writes `from` at byte `offset` of the disk. */
  async write(offset: number, from: Uint8Array): Promise<void> {
    const { l2Span } = this.#core.geometry;
    this.#core.checkSound();
    for (let at = 0; at < from.length; ) {
      const bytes = Math.min(from.length - at, CHUNK_BYTES, l2Span - ((offset + at) % l2Span));
      await this.#writeChunk(offset + at, from.subarray(at, at + bytes));
      at += bytes;
    }
  }

  /** Writes whole clusters in compressed form where that is smaller; the disk's last one may be a part of one. */
  async writeCompressed(offset: number, from: Uint8Array): Promise<void> {
    const { clusterBytes, l2Entries } = this.#core.geometry;
    this.#core.checkSound();
    const clusters: Uint8Array[] = [];
    for (let at = 0; at < from.length; at += clusterBytes) clusters.push(wholeCluster(from, at, clusterBytes));
    const packed = await Promise.all(clusters.map((cluster) => this.#reader.codec.compress(cluster)));
    const first = offset / clusterBytes;
    for (let i = 0; i < packed.length; ) {
      const row: Uint8Array[] = [];
      // A row is in one table.
      const end = Math.min(packed.length, i + l2Entries - ((first + i) % l2Entries));
      for (let data = packed[i]; data !== undefined && i + row.length < end; data = packed[i + row.length])
        row.push(data);
      if (row.length > 0) await this.#putCompressed(first + i, row);
      else await this.write(offset + i * clusterBytes, from.subarray(i * clusterBytes, (i + 1) * clusterBytes));
      i += Math.max(1, row.length);
    }
  }

  /** Gives places to all clusters from byte `from` on, of which none has one: they read as zeroes. */
  async preallocate(from: number): Promise<void> {
    const core = this.#core;
    const { l2Span, clusterBytes, dataFile } = core.geometry;
    const { size } = core.header;
    if (dataFile && core.data.bytes < size) await core.data.truncate(size);
    for (let at = Math.ceil(from / clusterBytes) * clusterBytes; at < size; ) {
      const bytes = Math.min(size - at, CHUNK_BYTES * 32, l2Span - (at % l2Span));
      const taken: ClusterRun[] = [];
      const placed = await this.#place(await this.#plan(at, bytes), taken);
      const end = Math.max(0, ...placed.map(({ host }) => host + clusterBytes));
      if (!dataFile && end > core.file.bytes) await core.file.truncate(end);
      const reused = placed.filter(({ fresh }) => !fresh && !dataFile);
      for (const { host } of reused) await core.file.write(host, new Uint8Array(clusterBytes));
      await core.exclusive(() => this.#link(placed));
      at += bytes;
    }
  }

  async #writeChunk(offset: number, from: Uint8Array): Promise<void> {
    const { geometry, locks } = this.#core;
    const first = Math.floor(offset / geometry.clusterBytes);
    const last = Math.floor((offset + from.length - 1) / geometry.clusterBytes);
    const fresh = isFresh(this.#core, offset, from.length);
    const taken = locks.take(first, last, fresh);
    let hold: Hold = taken instanceof Promise ? await taken : taken;
    try {
      if (fresh) {
        // Until the clusters were held they may have been given places by someone else.
        if (isFresh(this.#core, offset, from.length)) return await writeFresh(this.#core, offset, from);
        locks.release(hold);
        hold = await locks.take(first, last, false);
      }
      // Most writes go where others went before, and nothing has to be waited for to know where that is.
      const planned = this.#plan(offset, from.length);
      const plans = planned instanceof Promise ? await planned : planned;
      if (plans.every(({ relink }) => !relink)) {
        await this.#put(
          plans.map((plan) => ({ plan, host: plan.entry.host, fresh: false })),
          from,
        );
        return;
      }
      locks.release(hold);
      hold = await locks.take(first, last, true);
      // While the clusters were not held they may have been given places by someone else.
      await this.#allocateAndWrite(await this.#plan(offset, from.length), from);
    } finally {
      locks.release(hold);
    }
  }

  /** Plans a write that stays within one L2 table. */
  #plan(offset: number, bytes: number): ClusterPlan[] | Promise<ClusterPlan[]> {
    const l1Index = Math.floor(offset / this.#core.geometry.l2Span);
    const table = this.#core.peekL2(l1Index);
    if (table !== undefined) return this.#planIn(table, offset, bytes);
    return this.#core.withL2(l1Index, (loaded) => this.#planIn(loaded, offset, bytes));
  }

  #planIn(table: CachedTable | null, offset: number, bytes: number): ClusterPlan[] {
    const { geometry } = this.#core;
    const { clusterBytes } = geometry;
    const plans: ClusterPlan[] = [];
    for (let at = offset; at < offset + bytes; ) {
      const cluster = Math.floor(at / clusterBytes);
      const from = at % clusterBytes;
      const to = Math.min(clusterBytes, from + offset + bytes - at);
      const entry = table === null ? unallocatedEntry : readEntry(geometry, table, cluster % geometry.l2Entries);
      plans.push(planCluster(geometry, cluster, entry, { from, to }));
      at += to - from;
    }
    return plans;
  }

  async #allocateAndWrite(plans: readonly ClusterPlan[], from: Uint8Array): Promise<void> {
    const core = this.#core;
    const taken: ClusterRun[] = [];
    try {
      const placed = await this.#place(plans, taken);
      await this.#put(placed, from);
      await core.exclusive(() => this.#link(placed));
    } catch (error) {
      await giveBack(core, taken);
      throw error;
    }
  }

  /** Finds places for the clusters that need one. What was taken for that is in `taken`, even if it fails. */
  async #place(plans: readonly ClusterPlan[], taken: ClusterRun[]): Promise<Placed[]> {
    const core = this.#core;
    const { clusterBytes, dataFile } = core.geometry;
    const needed = plans.filter(({ inPlace }) => !inPlace).length;
    let end = 0;
    if (needed > 0) {
      await core.exclusive(async () => {
        await takeClusters(core, needed, taken);
        // Beyond this the file has never had anything: who failed to write there gave the place back before.
        end = core.file.bytes;
      });
    }
    const places = taken.flatMap(({ cluster, count }) => Array.from({ length: count }, (_, i) => cluster + i));
    let next = 0;
    return plans.map((plan) => {
      if (dataFile) return { plan, host: plan.cluster * clusterBytes, fresh: false };
      if (plan.inPlace) return { plan, host: plan.entry.host, fresh: false };
      const host = places[next++] * clusterBytes;
      return { plan, host, fresh: host >= end };
    });
  }

  /** Writes data and fills to their places. */
  async #put(placed: readonly Placed[], from: Uint8Array): Promise<void> {
    const core = this.#core;
    const writes: HostWrite[] = [];
    let at = 0;
    for (const { plan, host, fresh } of placed) {
      const wrong = plan.inPlace ? core.misplaced(host, plan.cluster) : undefined;
      if (wrong !== undefined) await core.giveUp(wrong);
      const data = from.subarray(at, at + plan.part.to - plan.part.from);
      at += data.length;
      // Whole clusters, and what is written in place, need nothing around them.
      if (plan.fills.length === 0) append(writes, host + plan.part.from, data);
      else await this.#gather(plan, host, fresh, data, writes);
    }
    const [only] = writes;
    if (only !== undefined && writes.length === 1) return core.data.write(only.host, only.bytes);
    const ends = await Promise.allSettled(writes.map(({ host, bytes }) => core.data.write(host, bytes)));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  /** Collects the writes for one cluster: what touches is one write. */
  async #gather(plan: ClusterPlan, host: number, fresh: boolean, data: Uint8Array, writes: HostWrite[]): Promise<void> {
    const base = plan.cluster * this.#core.geometry.clusterBytes;
    const needed = plan.fills.filter(({ from, to }) => !fresh || !this.#reader.knownZero(base + from, to - from));
    for (const { from, to } of join([plan.part, ...needed])) {
      if (from === plan.part.from && to === plan.part.to) {
        append(writes, host + from, data);
        continue;
      }
      const bytes = new Uint8Array(to - from);
      for (const fill of needed) {
        if (fill.from < from || fill.to > to) continue;
        await this.#reader.read(base + fill.from, bytes.subarray(fill.from - from, fill.to - from));
      }
      if (plan.part.from >= from && plan.part.to <= to) bytes.set(data, plan.part.from - from);
      writes.push({ host: host + from, bytes });
    }
  }

  /** Makes the L2 table refer to what was written. Inside `exclusive`; the clusters are held. */
  async #link(placed: readonly Placed[]): Promise<void> {
    const core = this.#core;
    const { geometry } = core;
    const l1Index = Math.floor(placed[0].plan.cluster / geometry.l2Entries);
    await core.withOwnL2(l1Index, (table) => {
      for (const { plan, host } of placed) {
        if (!plan.relink) continue;
        const index = plan.cluster % geometry.l2Entries;
        writeEntry(geometry, table, index, { host, copied: true, data: plan.data, zero: plan.zero });
        core.l2.touch(table, index * geometry.l2EntryBytes, geometry.l2EntryBytes);
        if (!plan.inPlace) core.freeOf(plan.entry);
      }
    });
  }

  /** Puts neighbouring clusters' compressed data into the file, one behind the other, and makes one table refer to it. */
  async #putCompressed(first: number, row: readonly Uint8Array[]): Promise<void> {
    const core = this.#core;
    const hold = await core.locks.take(first, first + row.length - 1, true);
    const places: CompressedPart[] = [];
    try {
      await core.exclusive(async () => {
        for (const data of row) {
          const host = await this.#allocateBytes(data.length);
          places.push({ host, data, ...compressedEntry(core.geometry, host, data.length) });
        }
      });
      for (const { host, bytes } of together(places)) await core.file.write(host, bytes);
      await core.exclusive(() => this.#linkCompressed(first, places));
    } catch (error) {
      await core
        .exclusive(async () => {
          this.#compressedEnd = 0;
          for (const place of places) await core.refcounts.change(core.compressedRun(place), -1);
        })
        .catch(() => undefined);
      throw error;
    } finally {
      core.locks.release(hold);
    }
  }

  #linkCompressed(first: number, places: readonly CompressedPart[]): Promise<void> {
    const core = this.#core;
    const { geometry } = core;
    return core.withOwnL2(Math.floor(first / geometry.l2Entries), (table) => {
      for (const [i, { hi, lo }] of places.entries()) {
        const index = (first + i) % geometry.l2Entries;
        const old = readEntry(geometry, table, index);
        writeRawEntry(geometry, table, index, hi, lo);
        core.l2.touch(table, index * geometry.l2EntryBytes, geometry.l2EntryBytes);
        core.freeOf(old);
      }
    });
  }

  /** Takes `bytes` bytes, fewer than a cluster, behind those taken before if there is room. */
  async #allocateBytes(bytes: number): Promise<number> {
    const { refcounts, geometry } = this.#core;
    const { clusterBytes } = geometry;
    const used = this.#compressedEnd % clusterBytes;
    const current = Math.floor(this.#compressedEnd / clusterBytes);
    let start: number;
    if (used > 0 && used + bytes <= clusterBytes && (await refcounts.share(current))) {
      start = this.#compressedEnd;
    } else {
      const { cluster } = await refcounts.allocate(1);
      const joins = used > 0 && cluster === current + 1 && (await refcounts.share(current));
      start = joins ? this.#compressedEnd : cluster * clusterBytes;
    }
    this.#compressedEnd = start + bytes;
    return start;
  }
}

/** Ranges that touch made one; in order. */
function join(ranges: readonly ByteRange[]): ByteRange[] {
  const joined: ByteRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = joined[joined.length - 1];
    if (last?.to === range.from) joined[joined.length - 1] = { from: last.from, to: range.to };
    else joined.push(range);
  }
  return joined;
}

/** Adds a write, to the last one if it goes on where that ends, in memory and in the file. */
function append(writes: HostWrite[], host: number, bytes: Uint8Array): void {
  const last = writes[writes.length - 1];
  const follows =
    last !== undefined &&
    last.host + last.bytes.length === host &&
    last.bytes.buffer === bytes.buffer &&
    last.bytes.byteOffset + last.bytes.length === bytes.byteOffset;
  if (!follows) {
    writes.push({ host, bytes });
    return;
  }
  const joined = new Uint8Array(bytes.buffer, last.bytes.byteOffset, last.bytes.length + bytes.length);
  writes[writes.length - 1] = { host: last.host, bytes: joined };
}

/** The cluster at `at`, filled up with zeroes at the disk's end. */
function wholeCluster(from: Uint8Array, at: number, clusterBytes: number): Uint8Array {
  const there = from.subarray(at, at + clusterBytes);
  if (there.length === clusterBytes) return there;
  const whole = new Uint8Array(clusterBytes);
  whole.set(there);
  return whole;
}

/** Writes for data that follows each other in the file, as few as can be. */
function together(places: readonly CompressedPart[]): HostWrite[] {
  const rows: CompressedPart[][] = [];
  for (const place of places) {
    const row = rows[rows.length - 1];
    const last = row?.[row.length - 1];
    if (last !== undefined && last.host + last.data.length === place.host) row.push(place);
    else rows.push([place]);
  }
  return rows.map((row) => ({ host: row[0].host, bytes: Buffer.concat(row.map(({ data }) => data)) }));
}
