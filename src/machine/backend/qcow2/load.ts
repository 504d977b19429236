import { type HostFile, unusableImage } from '../host-file.ts';
import { EntryTable } from './entry-table.ts';
import { Geometry } from './geometry.ts';
import { parseHeader, peekClusterBits, type Qcow2Header } from './header.ts';
import { MetadataMap, type MetadataRange } from './metadata-map.ts';
import { readSnapshotTable, type SnapshotTable } from './snapshot-table.ts';
import { HEADER_BYTES, Limit } from './spec.ts';

/** What opening an image reads and keeps. */
export interface LoadedImage {
  readonly header: Qcow2Header;
  readonly geometry: Geometry;
  readonly l1: EntryTable;
  readonly refTable: EntryTable;
  readonly snapshotTable: SnapshotTable;
}

/** Reads the header. Throws INVALID_ARG for what is no qcow2 image, or one that is malformed or not supported. */
export async function loadHeader(file: HostFile): Promise<Qcow2Header> {
  const start = new Uint8Array(HEADER_BYTES.written);
  if (file.bytes < HEADER_BYTES.v2) throw unusableImage(file.path, 'it is not a qcow2 image');
  await file.read(0, start);
  const cluster = new Uint8Array(2 ** peekClusterBits(file.path, start));
  await file.read(0, cluster);
  return parseHeader(file.path, cluster);
}

/** Checks that a table is aligned, inside the file and not in the place of the header. */
function checkPlace(file: HostFile, geometry: Geometry, what: string, offset: number, bytes: number): void {
  const fail = (reason: string) => {
    throw unusableImage(file.path, `its ${what} ${reason}`);
  };
  if (offset % geometry.clusterBytes !== 0) fail(`is at byte ${offset}, which is no cluster's start`);
  if (offset === 0) fail('is in the place of its header');
  const end = Math.ceil(file.bytes / geometry.clusterBytes) * geometry.clusterBytes;
  if (offset + bytes > end) fail(`of ${bytes} bytes at byte ${offset} is outside the file`);
}

async function readTable(file: HostFile, offset: number, bytes: number): Promise<EntryTable> {
  // Whole sectors, as they are written.
  const table = new Uint8Array(Math.ceil(bytes / 512) * 512);
  if (bytes > 0) await file.read(offset, table.subarray(0, bytes));
  return new EntryTable(table);
}

/** Reads header and first-level tables, each checked for size and place before it is read. */
export async function loadImage(file: HostFile): Promise<LoadedImage> {
  const header = await loadHeader(file);
  const geometry = new Geometry(header);
  const l1Bytes = header.l1Entries * 8;
  if (l1Bytes > Limit.l1Bytes) throw unusableImage(file.path, `its L1 table has ${header.l1Entries} entries`);
  if (header.l1Entries < geometry.l1EntriesFor(header.size)) {
    throw unusableImage(file.path, 'its L1 table is too small for its size');
  }
  if (l1Bytes > 0) checkPlace(file, geometry, 'L1 table', header.l1Offset, l1Bytes);
  const refTableBytes = header.refTableClusters * geometry.clusterBytes;
  if (refTableBytes === 0 || refTableBytes > Limit.refTableBytes) {
    throw unusableImage(file.path, `its refcount table has ${header.refTableClusters} clusters`);
  }
  checkPlace(file, geometry, 'refcount table', header.refTableOffset, refTableBytes);
  if (header.snapshotCount > Limit.snapshots) {
    throw unusableImage(file.path, `it has ${header.snapshotCount} snapshots; ${Limit.snapshots} are allowed`);
  }
  if (header.snapshotCount > 0) checkPlace(file, geometry, 'snapshot table', header.snapshotsOffset, 1);
  return {
    header,
    geometry,
    l1: await readTable(file, header.l1Offset, l1Bytes),
    refTable: await readTable(file, header.refTableOffset, refTableBytes),
    snapshotTable: await readSnapshotTable(file, geometry, header),
  };
}

/**
 * Where the image's own structures are. Throws INVALID_ARG if two are in the same place, as they are in no image that
 * was made in good faith: such an image is not to be written.
 */
export function mapMetadata(file: HostFile, image: LoadedImage): MetadataMap {
  const { header, geometry, l1, refTable, snapshotTable } = image;
  const { clusterBytes } = geometry;
  const ranges: MetadataRange[] = [{ what: 'header', first: 0, clusters: 1 }];
  const add = (what: string, offset: number, bytes: number) => {
    if (bytes > 0) ranges.push({ what, first: Math.floor(offset / clusterBytes), clusters: geometry.clusters(bytes) });
  };
  add('L1 table', header.l1Offset, header.l1Entries * 8);
  add('refcount table', header.refTableOffset, header.refTableClusters * clusterBytes);
  add('snapshot table', header.snapshotsOffset, snapshotTable.bytes);
  for (const { l1Offset, l1Entries, id } of snapshotTable.snapshots)
    add(`L1 table of snapshot ${id}`, l1Offset, l1Entries * 8);
  const tables = new Float64Array(l1.length + refTable.length);
  let count = 0;
  for (const table of [l1, refTable]) {
    for (let i = 0; i < table.length; i++) {
      const offset = table.offset(i);
      if (offset !== 0) tables[count++] = Math.floor(offset / clusterBytes);
    }
  }
  const map = new MetadataMap(ranges, tables.subarray(0, count));
  map.checkDisjoint(file.path);
  return map;
}
