import { entryOffset, offsetHi } from './entry-table.ts';
import type { Geometry } from './geometry.ts';
import { COMPRESSED_HI, COPIED_HI, SECTOR_BYTES, ZERO_LO } from './spec.ts';
import type { CachedTable } from './table-cache.ts';

/** What is known of one guest cluster, whether the image has extended L2 entries or not. */
export interface ClusterEntry {
  readonly compressed: boolean;
  /** A host cluster belongs to it; its offset, 0 if it has none or is compressed. */
  readonly allocated: boolean;
  readonly host: number;
  /** Nothing else refers to that host cluster. */
  readonly copied: boolean;
  /** Bit n: subcluster n has data in the host cluster. Without extended entries there is one. */
  readonly data: number;
  /** Bit n: subcluster n reads as zeroes, whatever the backing image has. */
  readonly zero: number;
  /** The two halves of the first word, as they are in the table. */
  readonly hi: number;
  readonly lo: number;
}

/** What is known of a cluster that the image has nothing for, or no L2 table. */
export const unallocatedEntry: ClusterEntry = {
  compressed: false,
  allocated: false,
  host: 0,
  copied: false,
  data: 0,
  zero: 0,
  hi: 0,
  lo: 0,
};

/** What a subcluster is. */
export type SubclusterKind = 'data' | 'zero' | 'none' | 'compressed';

/** All subclusters' bits. */
export function allSubclusters(geometry: Geometry): number {
  return geometry.extended ? 0xffff_ffff : 1;
}

/** Bits `first` to `last` of a subcluster bitmap. */
export function subclusterBits(first: number, last: number): number {
  const count = last - first + 1;
  return count === 32 ? 0xffff_ffff : (((1 << count) - 1) << first) >>> 0;
}

/** Reads entry `index` of an L2 table. Reserved bits are not looked at; a bitmap that contradicts itself is zero. */
export function readEntry(geometry: Geometry, table: CachedTable, index: number): ClusterEntry {
  const at = index * geometry.l2EntryBytes;
  const hi = table.view.getUint32(at);
  const lo = table.view.getUint32(at + 4);
  if ((hi & COMPRESSED_HI) !== 0) {
    return { compressed: true, allocated: false, host: 0, copied: false, data: 0, zero: 0, hi, lo };
  }
  const copied = (hi & COPIED_HI) !== 0;
  const host = entryOffset(hi, lo);
  // With an external data file, offset 0 is a place as any other, and COPIED tells it from none.
  const allocated = host !== 0 || (geometry.dataFile && copied);
  if (geometry.extended) {
    const zero = table.view.getUint32(at + 8);
    const data = (table.view.getUint32(at + 12) & ~zero) >>> 0;
    return { compressed: false, allocated, host, copied, data: allocated ? data : 0, zero, hi, lo };
  }
  const zero = geometry.version >= 3 && (lo & ZERO_LO) !== 0;
  return { compressed: false, allocated, host, copied, data: allocated && !zero ? 1 : 0, zero: zero ? 1 : 0, hi, lo };
}

/** What subcluster `sub` of a cluster is. */
export function subclusterKind(entry: ClusterEntry, sub: number): SubclusterKind {
  if (entry.compressed) return 'compressed';
  if (((entry.zero >>> sub) & 1) !== 0) return 'zero';
  return ((entry.data >>> sub) & 1) !== 0 ? 'data' : 'none';
}

/** What to write as a standard entry. */
export interface NewEntry {
  readonly host: number;
  readonly copied: boolean;
  readonly data: number;
  readonly zero: number;
}

/** Writes a standard entry into a table; the caller notes the change. */
export function writeEntry(geometry: Geometry, table: CachedTable, index: number, entry: NewEntry): void {
  const at = index * geometry.l2EntryBytes;
  const zero = !geometry.extended && entry.zero !== 0 ? ZERO_LO : 0;
  table.view.setUint32(at, (offsetHi(entry.host) | (entry.copied ? COPIED_HI : 0)) >>> 0);
  table.view.setUint32(at + 4, ((entry.host >>> 0) | zero) >>> 0);
  if (!geometry.extended) return;
  table.view.setUint32(at + 8, entry.zero >>> 0);
  table.view.setUint32(at + 12, entry.data >>> 0);
}

/** Writes the two halves of a first word as they are, and an empty bitmap: for compressed clusters. */
export function writeRawEntry(geometry: Geometry, table: CachedTable, index: number, hi: number, lo: number): void {
  const at = index * geometry.l2EntryBytes;
  table.view.setUint32(at, hi >>> 0);
  table.view.setUint32(at + 4, lo >>> 0);
  if (!geometry.extended) return;
  table.view.setUint32(at + 8, 0);
  table.view.setUint32(at + 12, 0);
}

/** Where the data of a compressed cluster is in the file: whole sectors from the one where it begins. */
export interface CompressedPlace {
  readonly offset: number;
  /** Bytes up to the end of its last sector. */
  readonly bytes: number;
}

/** Bits of a compressed cluster's descriptor that are its offset. */
function compressedOffsetBits(geometry: Geometry): number {
  return 62 - (Math.log2(geometry.clusterBytes) - 8);
}

/** Reads the descriptor of a compressed cluster. */
export function compressedPlace(geometry: Geometry, entry: Pick<ClusterEntry, 'hi' | 'lo'>): CompressedPlace {
  const split = 2 ** (compressedOffsetBits(geometry) - 32);
  const hi = entry.hi & 0x3fff_ffff;
  const offset = (hi % split) * 2 ** 32 + (entry.lo >>> 0);
  const sectors = Math.floor(hi / split) + 1;
  return { offset, bytes: sectors * SECTOR_BYTES - (offset % SECTOR_BYTES) };
}

/** The two halves of the descriptor for `bytes` bytes of compressed data at `offset`. */
export function compressedEntry(geometry: Geometry, offset: number, bytes: number): { hi: number; lo: number } {
  const split = 2 ** (compressedOffsetBits(geometry) - 32);
  const more = Math.floor((offset + bytes - 1) / SECTOR_BYTES) - Math.floor(offset / SECTOR_BYTES);
  return { hi: (COMPRESSED_HI + more * split + offsetHi(offset)) >>> 0, lo: offset >>> 0 };
}
