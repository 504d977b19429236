import { VirtError } from '../../../util/index.ts';
import type { DiskImage } from '../disk-image.ts';
import type { Qcow2Clearer } from './clearer.ts';
import type { Qcow2Core } from './core.ts';
import { EntryTable } from './entry-table.ts';
import { Limit, SECTOR_BYTES } from './spec.ts';

/** Moves the L1 table to a place where it has so many entries. Inside `exclusive`. */
export async function growL1(core: Qcow2Core, entries: number): Promise<void> {
  const { clusterBytes } = core.geometry;
  if (entries <= core.header.l1Entries) return;
  if (entries * 8 > Limit.l1Bytes) {
    throw new VirtError(
      'INVALID_ARG',
      `disk image '${core.file.path}' is too large for clusters of ${clusterBytes} bytes`,
    );
  }
  // So that the file's table is complete.
  await core.commit();
  const clusters = core.geometry.clusters(entries * 8);
  const grown = new EntryTable(new Uint8Array(clusters * clusterBytes));
  grown.bytes.set(core.l1.bytes.subarray(0, core.header.l1Entries * 8));
  const first = await core.refcounts.allocateRow(clusters);
  const offset = first * clusterBytes;
  await core.refcounts.write();
  await core.file.write(offset, grown.bytes);
  await core.file.flush();
  const { l1Offset, l1Entries } = core.header;
  await core.updateHeader({ l1Offset: offset, l1Entries: entries });
  core.l1 = grown;
  core.map.addRange({ what: 'L1 table', first, clusters });
  if (l1Entries === 0) return;
  core.map.removeRange(l1Offset / clusterBytes);
  core.free({ cluster: l1Offset / clusterBytes, count: core.geometry.clusters(l1Entries * 8) });
}

/** Makes the disk larger; what is new reads as zeroes, whatever is below or was left behind the old end. */
export async function growDisk(
  core: Qcow2Core,
  clearer: Qcow2Clearer,
  backing: DiskImage | undefined,
  bytes: number,
): Promise<void> {
  const before = core.header.size;
  await core.exclusive(() => growL1(core, core.geometry.l1EntriesFor(bytes)));
  if (core.data !== core.file && core.geometry.rawDataFile) await core.data.truncate(bytes);
  // The rest of the last cluster, and what a longer backing image has there.
  const { clusterBytes } = core.geometry;
  // Opened without the image below, there is no telling how long that is.
  const unknown = core.header.backingFile !== undefined && backing === undefined;
  const below = unknown ? bytes : (backing?.sectors ?? 0) * SECTOR_BYTES;
  const behind = Math.max(Math.ceil(before / clusterBytes) * clusterBytes, below);
  await clearer.writeZeroes(before, Math.min(bytes, behind) - before, true, unknown);
  await core.flush();
  await core.exclusive(() => core.updateHeader({ size: bytes }));
}

/** Makes the disk smaller: what is behind the new end is gone. */
export async function shrinkDisk(core: Qcow2Core, clearer: Qcow2Clearer, bytes: number): Promise<void> {
  const { snapshots } = core.snapshotTable;
  if (snapshots.length > 0 && core.geometry.version === 2) {
    const reason = 'it has snapshots, which in version 2 of the format do not keep its size';
    throw new VirtError('OPERATION_INVALID', `cannot shrink disk image '${core.file.path}': ${reason}`);
  }
  const before = core.header.size;
  await core.exclusive(() => core.updateHeader({ size: bytes }));
  // Only now: a guest that was cut off here would else find its disk's end gone, but the disk not shorter.
  const { clusterBytes } = core.geometry;
  const from = Math.ceil(bytes / clusterBytes) * clusterBytes;
  if (from < before) await clearer.discard(from, Math.ceil(before / clusterBytes) * clusterBytes - from);
  await core.flush();
}
