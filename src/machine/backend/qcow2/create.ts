import { VirtError } from '../../../util/index.ts';
import type { HostFile } from '../host-file.ts';
import { EntryTable } from './entry-table.ts';
import { Geometry } from './geometry.ts';
import { formatHeader, type HeaderExtension, type Qcow2Header } from './header.ts';
import { refcountCodec } from './refcount-width.ts';
import { Autoclear, Compatible, Extension, HEADER_BYTES, Incompatible, Limit, SECTOR_BYTES } from './spec.ts';

/** What a new image is to be like. Defaults are QEMU's. */
export interface Qcow2CreateOptions {
  /** Size of the disk in bytes, a multiple of 512. */
  readonly size: number;
  /** 3 unless given. */
  readonly version?: 2 | 3;
  /** A power of two, 512 to 2 MiB; 64 KiB unless given. */
  readonly clusterBytes?: number;
  /** 1, 2, 4 … 64; 16 unless given. */
  readonly refcountBits?: number;
  readonly lazyRefcounts?: boolean;
  readonly extendedL2?: boolean;
  readonly compression?: 'zlib' | 'zstd';
  readonly backingFile?: string | undefined;
  readonly backingFormat?: string | undefined;
  /** Name of the external data file. */
  readonly dataFile?: string | undefined;
  /** That file is to be a raw image by itself. */
  readonly rawDataFile?: boolean;
}

function invalid(reason: string): VirtError {
  return new VirtError('INVALID_ARG', reason);
}

/** Checks the options against each other; throws INVALID_ARG for the first that cannot be. */
function checkOptions(options: Qcow2CreateOptions): void {
  const { size, version = 3, clusterBytes = 65536, refcountBits = 16 } = options;
  if (!Number.isSafeInteger(size) || size < 0 || size % SECTOR_BYTES !== 0 || size > Limit.diskBytes) {
    throw invalid(`a disk of ${size} bytes: its size must be a multiple of 512`);
  }
  const bits = Math.log2(clusterBytes);
  if (!Number.isInteger(bits) || bits < Limit.clusterBitsMin || bits > Limit.clusterBitsMax) {
    throw invalid(`clusters of ${clusterBytes} bytes: it must be a power of two between 512 and 2M`);
  }
  const order = Math.log2(refcountBits);
  if (!Number.isInteger(order) || order < 0 || order > Limit.refcountOrderMax) {
    throw invalid(`reference counts of ${refcountBits} bits: it must be a power of two of at most 64`);
  }
  if (version === 2) checkVersion2(options);
  if (options.extendedL2 && bits < Limit.extendedClusterBitsMin) {
    throw invalid('extended L2 entries need clusters of at least 16384 bytes');
  }
  if (options.rawDataFile && options.dataFile === undefined) throw invalid('a raw data file without a data file');
  if (options.rawDataFile && options.backingFile !== undefined) {
    throw invalid('a backing file and a raw data file cannot be used together');
  }
  const l1Bytes = Math.ceil(size / ((clusterBytes / (options.extendedL2 ? 16 : 8)) * clusterBytes)) * 8;
  if (l1Bytes > Limit.l1Bytes)
    throw invalid(`a disk of ${size} bytes is too large for clusters of ${clusterBytes} bytes`);
}

function checkVersion2(options: Qcow2CreateOptions): void {
  const newer = [
    [options.lazyRefcounts, 'lazy reference counts'],
    [options.extendedL2, 'extended L2 entries'],
    [options.dataFile !== undefined, 'external data files'],
    [options.compression === 'zstd', 'the compression type zstd'],
    [(options.refcountBits ?? 16) !== 16, 'reference counts of other than 16 bits'],
  ] as const;
  for (const [wanted, what] of newer) {
    if (wanted) throw invalid(`${what} need version 3 of the format (compat=1.1)`);
  }
}

/** Names of the features, for programs that do not know them: type, bit, name. */
const featureNames: readonly (readonly [number, number, string])[] = [
  [0, 0, 'dirty bit'],
  [0, 1, 'corrupt bit'],
  [0, 2, 'external data file'],
  [0, 3, 'compression type'],
  [0, 4, 'extended L2 entries'],
  [1, 0, 'lazy refcounts'],
  [2, 0, 'bitmaps'],
  [2, 1, 'raw external data'],
];

function featureTable(): Uint8Array {
  const bytes = new Uint8Array(featureNames.length * 48);
  for (const [i, [type, bit, name]] of featureNames.entries()) {
    bytes[i * 48] = type;
    bytes[i * 48 + 1] = bit;
    bytes.set(new TextEncoder().encode(name), i * 48 + 2);
  }
  return bytes;
}

function newExtensions(options: Qcow2CreateOptions): HeaderExtension[] {
  const { version = 3, clusterBytes = 65536, backingFormat, dataFile } = options;
  const text = (type: number, value: string) => ({ type, data: new TextEncoder().encode(value) });
  const extensions: HeaderExtension[] = [];
  if (backingFormat !== undefined) extensions.push(text(Extension.BACKING_FORMAT, backingFormat));
  if (dataFile !== undefined) extensions.push(text(Extension.DATA_FILE, dataFile));
  // The names would fill the whole of a smallest cluster: it is better used for a backing file's name.
  if (version === 3 && clusterBytes > 512) extensions.push({ type: Extension.FEATURE_NAMES, data: featureTable() });
  return extensions;
}

function newHeader(options: Qcow2CreateOptions): Qcow2Header {
  const { version = 3, clusterBytes = 65536, refcountBits = 16, compression = 'zlib' } = options;
  const incompatible =
    (options.dataFile === undefined ? 0n : Incompatible.DATA_FILE) |
    (compression === 'zstd' ? Incompatible.COMPRESSION : 0n) |
    (options.extendedL2 ? Incompatible.EXTENDED_L2 : 0n);
  return {
    version,
    clusterBits: Math.log2(clusterBytes),
    size: options.size,
    l1Entries: 0,
    l1Offset: 0,
    refTableOffset: clusterBytes,
    refTableClusters: 1,
    snapshotCount: 0,
    snapshotsOffset: 0,
    incompatible,
    compatible: options.lazyRefcounts ? Compatible.LAZY_REFCOUNTS : 0n,
    autoclear: options.rawDataFile ? Autoclear.RAW_DATA_FILE : 0n,
    refcountOrder: Math.log2(refcountBits),
    compression,
    headerBytes: version === 2 ? HEADER_BYTES.v2 : HEADER_BYTES.written,
    laterFields: new Uint8Array(0),
    extensions: newExtensions(options),
    backingFile: options.backingFile,
    backingPlace: { offset: 0, bytes: 0 },
  };
}

/**
 * Writes a new, empty image into an empty file: header, refcount table, its blocks, and the L1 table, in this order.
 * The header comes last, so that there is no image before there is a whole one. Throws INVALID_ARG for options that
 * cannot be.
 */
export async function createQcow2(file: HostFile, options: Qcow2CreateOptions): Promise<void> {
  checkOptions(options);
  const empty = newHeader(options);
  const geometry = new Geometry(empty);
  const { clusterBytes, refblockEntries, refcountBits } = geometry;
  const l1Entries = geometry.l1EntriesFor(options.size);
  const l1Clusters = geometry.clusters(l1Entries * 8);
  let refTableClusters = 1;
  let blocks = 1;
  // The blocks count themselves and the table that lists them.
  for (;;) {
    const total = 1 + refTableClusters + blocks + l1Clusters;
    const wanted = Math.ceil(total / refblockEntries);
    const table = geometry.clusters(wanted * 8);
    if (wanted === blocks && table === refTableClusters) break;
    blocks = Math.max(wanted, blocks);
    refTableClusters = Math.max(table, refTableClusters);
  }
  const total = 1 + refTableClusters + blocks + l1Clusters;
  const codec = refcountCodec(refcountBits);
  const refTable = new EntryTable(new Uint8Array(refTableClusters * clusterBytes));
  for (let i = 0; i < blocks; i++) {
    const block = new Uint8Array(clusterBytes);
    const used = Math.min(refblockEntries, total - i * refblockEntries);
    for (let entry = 0; entry < used; entry++) codec.set(block, entry, 1);
    const offset = (1 + refTableClusters + i) * clusterBytes;
    refTable.set(i, offset, false);
    await file.write(offset, block);
  }
  await file.write(clusterBytes, refTable.bytes);
  if (file.bytes < total * clusterBytes) await file.truncate(total * clusterBytes);
  const l1Offset = l1Entries === 0 ? 0 : (1 + refTableClusters + blocks) * clusterBytes;
  const { bytes } = formatHeader(file.path, { ...empty, l1Entries, l1Offset, refTableClusters });
  await file.flush();
  await file.write(0, bytes);
  await file.flush();
}
