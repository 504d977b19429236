import { VirtError } from '../../../util/index.ts';
import type { DiskImage } from '../disk-image.ts';
import type { Compressor } from './compression.ts';
import { mendCopied, setFlagCopied } from './copied.ts';
import type { Qcow2Core } from './core.ts';
import { EntryTable } from './entry-table.ts';
import { imageFull } from './errors.ts';
import { readEntry } from './l2-entry.ts';
import type { ClusterRun } from './refcounts.ts';
import { formatSnapshotTable, type Qcow2Snapshot } from './snapshot-table.ts';
import { SnapshotView } from './snapshot-view.ts';
import { Incompatible } from './spec.ts';
import { readL1, readL2 } from './walk.ts';

/** What a new snapshot is to be called, and when it was taken. */
export interface NewSnapshot {
  readonly name: string;
  /** Seconds since 1970, and the nanoseconds of that second. */
  readonly seconds: number;
  readonly nanoseconds?: number;
  /** How long the guest had been running, in nanoseconds. */
  readonly vmClockNs?: bigint;
}

/** Finds a snapshot by its name or, failing that, its number. Throws NO_DOMAIN_SNAPSHOT. */
function find(core: Qcow2Core, name: string): Qcow2Snapshot {
  const { snapshots } = core.snapshotTable;
  const found = snapshots.find((one) => one.name === name) ?? snapshots.find((one) => one.id === name);
  if (found !== undefined) return found;
  throw new VirtError('NO_DOMAIN_SNAPSHOT', `disk image '${core.file.path}' has no snapshot '${name}'`);
}

/**
 * Runs a job that passes through states in which reference counts and flags contradict each other: in version 3, an
 * image that is cut off there says so of itself, and is put right when it is opened next.
 */
async function marked(core: Qcow2Core, job: () => Promise<void>): Promise<void> {
  await core.commit();
  if (core.refcounts.dirty) await core.refcounts.write();
  const mark = core.header.version >= 3 && !core.lazy;
  if (mark) await core.updateHeader({ incompatible: core.header.incompatible | Incompatible.DIRTY });
  await job();
  await core.commit();
  await core.refcounts.write();
  await core.file.flush();
  if (mark) await core.updateHeader({ incompatible: core.header.incompatible & ~Incompatible.DIRTY });
}

/** Calls `visit` with the clusters that an L1 table refers to, table by table, each as often as it does. */
async function eachReference(
  core: Qcow2Core,
  l1: EntryTable,
  entries: number,
  visit: (runs: ClusterRun[]) => Promise<void>,
): Promise<void> {
  const { geometry } = core;
  const { clusterBytes, l2Entries } = geometry;
  for (let l1Index = 0; l1Index < entries; l1Index++) {
    const offset = l1.offset(l1Index);
    if (offset === 0) continue;
    // Everything was committed before: the file is what counts.
    const table = await readL2(core.file, geometry, offset);
    const runs: ClusterRun[] = [{ cluster: offset / clusterBytes, count: 1 }];
    for (let i = 0; i < l2Entries; i++) {
      const entry = readEntry(geometry, table, i);
      if (entry.compressed) runs.push(core.compressedRun(entry));
      else if (entry.allocated && !geometry.dataFile) runs.push({ cluster: entry.host / clusterBytes, count: 1 });
    }
    await visit(runs);
  }
}

/** One reference more or fewer to everything that an L1 table refers to. */
async function changeReferences(core: Qcow2Core, l1: EntryTable, entries: number, delta: 1 | -1): Promise<void> {
  await eachReference(core, l1, entries, async (runs) => {
    for (const run of runs) await core.refcounts.change(run, delta);
    if (core.refcounts.crowded) await core.refcounts.write();
  });
}

/** Throws if one more reference to anything that an L1 table refers to would be too many to count. */
async function checkRoom(core: Qcow2Core, l1: EntryTable, entries: number): Promise<void> {
  const { refcountMax } = core.geometry;
  if (refcountMax > 2 ** 31) return;
  // Compressed clusters share host clusters: one count may be raised several times.
  const more = new Map<number, number>();
  await eachReference(core, l1, entries, async (runs) => {
    for (const { cluster, count } of runs) {
      for (let one = cluster; one < cluster + count; one++) {
        const before = await core.refcounts.get(one);
        const added = (more.get(one) ?? 0) + 1;
        if (before > 1 || count > 1) more.set(one, added);
        if (before + added > refcountMax) {
          throw imageFull(core.file.path, `its refcount_bits allow ${refcountMax} references to a cluster`);
        }
      }
    }
  });
}

/** Writes a new snapshot table, lets the header refer to it, with these other fields, and frees the old one. */
async function replaceTable(core: Qcow2Core, snapshots: readonly Qcow2Snapshot[]): Promise<void> {
  const { clusterBytes } = core.geometry;
  const old = { offset: core.header.snapshotsOffset, bytes: core.snapshotTable.bytes };
  const bytes = formatSnapshotTable(core.file.path, snapshots);
  const clusters = core.geometry.clusters(bytes.length);
  const first = clusters === 0 ? 0 : await core.refcounts.allocateRow(clusters);
  await core.refcounts.write();
  if (clusters > 0) await core.file.write(first * clusterBytes, bytes);
  await core.file.flush();
  await core.updateHeader({ snapshotCount: snapshots.length, snapshotsOffset: first * clusterBytes });
  core.snapshotTable = { snapshots, bytes: bytes.length };
  if (clusters > 0) core.map.addRange({ what: 'snapshot table', first, clusters });
  if (old.bytes === 0) return;
  core.map.removeRange(old.offset / clusterBytes);
  core.free({ cluster: old.offset / clusterBytes, count: core.geometry.clusters(old.bytes) });
}

/** Writes an L1 table without flags to a new place; returns its first cluster. */
async function writeL1Copy(core: Qcow2Core, l1: EntryTable, entries: number): Promise<number> {
  const { clusterBytes } = core.geometry;
  const clusters = core.geometry.clusters(entries * 8);
  const first = await core.refcounts.allocateRow(clusters);
  const copy = new EntryTable(new Uint8Array(clusters * clusterBytes));
  for (let i = 0; i < entries; i++) copy.set(i, l1.offset(i), false);
  await core.file.write(first * clusterBytes, copy.bytes);
  return first;
}

/** Takes the flags COPIED away from everything that the disk has: it is shared now. */
async function clearCopied(core: Qcow2Core): Promise<void> {
  const { geometry, l2 } = core;
  for (let l1Index = 0; l1Index < core.header.l1Entries; l1Index++) {
    if (!core.l1.copied(l1Index)) continue;
    await core.withL2(l1Index, (table) => {
      if (table === null) return;
      for (let i = 0; i < geometry.l2Entries; i++) {
        const { compressed, copied } = readEntry(geometry, table, i);
        if (compressed || !copied) continue;
        setFlagCopied(geometry, table, i, false);
        l2.touch(table, i * geometry.l2EntryBytes, 8);
      }
    });
    core.setL1(l1Index, core.l1.offset(l1Index), false);
    if (l2.crowded) await core.commit();
  }
}

/** Keeps the disk as it is now. Inside `exclusive`, with nobody reading or writing. */
export async function createSnapshot(core: Qcow2Core, wish: NewSnapshot): Promise<void> {
  const { snapshots } = core.snapshotTable;
  const { path } = core.file;
  if (core.geometry.dataFile) {
    throw new VirtError(
      'OPERATION_INVALID',
      `disk image '${path}' has an external data file, it can have no snapshots`,
    );
  }
  if (wish.name === '' || new TextEncoder().encode(wish.name).length > 65535) {
    throw new VirtError('INVALID_ARG', 'a snapshot needs a name of at most 65535 bytes');
  }
  if (snapshots.some(({ name }) => name === wish.name)) {
    throw new VirtError('OPERATION_INVALID', `disk image '${path}' has a snapshot '${wish.name}' already`);
  }
  await core.commit();
  const { l1Entries, size } = core.header;
  await checkRoom(core, core.l1, l1Entries);
  await marked(core, async () => {
    const first = l1Entries === 0 ? 0 : await writeL1Copy(core, core.l1, l1Entries);
    await changeReferences(core, core.l1, l1Entries, 1);
    await core.refcounts.write();
    await core.file.flush();
    await clearCopied(core);
    await core.commit();
    const snapshot: Qcow2Snapshot = {
      id: String(snapshots.reduce((max, { id }) => Math.max(max, Number.parseInt(id, 10) || 0), 0) + 1),
      name: wish.name,
      l1Offset: first * core.geometry.clusterBytes,
      l1Entries,
      seconds: wish.seconds,
      nanoseconds: wish.nanoseconds ?? 0,
      vmClockNs: wish.vmClockNs ?? 0n,
      vmStateBytes: 0,
      diskBytes: size,
      laterExtra: new Uint8Array(0),
    };
    await replaceTable(core, [...snapshots, snapshot]);
    const clusters = core.geometry.clusters(l1Entries * 8);
    if (clusters > 0) core.map.addRange({ what: `L1 table of snapshot ${snapshot.id}`, first, clusters });
  });
}

/** Makes the disk what it was when a snapshot was taken. Inside `exclusive`, with nobody reading or writing. */
export async function applySnapshot(core: Qcow2Core, name: string): Promise<void> {
  const snapshot = find(core, name);
  const { clusterBytes } = core.geometry;
  await core.commit();
  const l1 = await readL1(core.file, snapshot.l1Offset, snapshot.l1Entries);
  await checkRoom(core, l1, snapshot.l1Entries);
  await marked(core, async () => {
    const old = { l1: core.l1, entries: core.header.l1Entries, offset: core.header.l1Offset };
    // The saved state of a machine is behind the disk's end; the disk itself may need a longer table than it had then.
    const entries = Math.max(snapshot.l1Entries, core.geometry.l1EntriesFor(snapshot.diskBytes));
    const padded = new EntryTable(new Uint8Array(Math.ceil((entries * 8) / 512) * 512));
    padded.bytes.set(l1.bytes.subarray(0, snapshot.l1Entries * 8));
    await changeReferences(core, l1, snapshot.l1Entries, 1);
    const first = entries === 0 ? 0 : await writeL1Copy(core, padded, entries);
    await core.refcounts.write();
    await core.file.flush();
    const fields = { l1Offset: first * clusterBytes, l1Entries: entries, size: snapshot.diskBytes };
    await core.updateHeader(fields);
    core.l1 = await readL1(core.file, fields.l1Offset, entries);
    core.forgetFreed();
    moveTables(core, old.l1, old.entries);
    core.map.removeRange(old.offset / clusterBytes);
    if (entries > 0) core.map.addRange({ what: 'L1 table', first, clusters: core.geometry.clusters(entries * 8) });
    await changeReferences(core, old.l1, old.entries, -1);
    if (old.entries > 0) {
      await core.refcounts.change(
        { cluster: old.offset / clusterBytes, count: core.geometry.clusters(old.entries * 8) },
        -1,
      );
    }
    await mendCopied(core);
  });
}

/** Notes which L2 tables are the disk's own now. */
function moveTables(core: Qcow2Core, old: EntryTable, entries: number): void {
  const { clusterBytes } = core.geometry;
  for (let i = 0; i < entries; i++) if (old.offset(i) !== 0) core.map.removeTable(old.offset(i) / clusterBytes);
  for (let i = 0; i < core.header.l1Entries; i++) {
    const offset = core.l1.offset(i);
    if (offset !== 0) core.map.addTable(offset / clusterBytes);
  }
}

/** Forgets a snapshot. Inside `exclusive`, with nobody reading or writing. */
export async function deleteSnapshot(core: Qcow2Core, name: string): Promise<void> {
  const snapshot = find(core, name);
  const { clusterBytes } = core.geometry;
  await marked(core, async () => {
    const l1 = await readL1(core.file, snapshot.l1Offset, snapshot.l1Entries);
    await replaceTable(
      core,
      core.snapshotTable.snapshots.filter((one) => one !== snapshot),
    );
    await core.commit();
    core.forgetFreed();
    await changeReferences(core, l1, snapshot.l1Entries, -1);
    if (snapshot.l1Entries > 0) {
      const count = core.geometry.clusters(snapshot.l1Entries * 8);
      await core.refcounts.change({ cluster: snapshot.l1Offset / clusterBytes, count }, -1);
      core.map.removeRange(snapshot.l1Offset / clusterBytes);
    }
    await mendCopied(core);
  });
}

/** A snapshot's disk, to be read. */
export async function readSnapshotData(
  core: Qcow2Core,
  below: { readonly backing: DiskImage | undefined; readonly compressor?: Compressor | undefined },
  name: string,
): Promise<DiskImage> {
  const snapshot = find(core, name);
  await core.flush();
  return new SnapshotView(core, below, snapshot, await readL1(core.file, snapshot.l1Offset, snapshot.l1Entries));
}
