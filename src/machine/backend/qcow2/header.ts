import { unusableImage } from '../host-file.ts';
import {
  Autoclear,
  CompressionType,
  CryptMethod,
  Extension,
  HEADER_BYTES,
  HeaderAt,
  INCOMPATIBLE_KNOWN,
  Incompatible,
  Limit,
  QCOW2_MAGIC,
} from './spec.ts';

/** A header extension, as it is in the file, without its padding. */
export interface HeaderExtension {
  readonly type: number;
  readonly data: Uint8Array;
}

/** The header of an image, with what stands beside it in the first cluster. */
export interface Qcow2Header {
  readonly version: 2 | 3;
  readonly clusterBits: number;
  /** Size of the disk in bytes. */
  readonly size: number;
  readonly l1Entries: number;
  readonly l1Offset: number;
  readonly refTableOffset: number;
  readonly refTableClusters: number;
  readonly snapshotCount: number;
  readonly snapshotsOffset: number;
  readonly incompatible: bigint;
  readonly compatible: bigint;
  readonly autoclear: bigint;
  readonly refcountOrder: number;
  readonly compression: 'zlib' | 'zstd';
  /** Length of the fixed fields as the image has them. */
  readonly headerBytes: number;
  /** Header fields of later specifications, from byte 112 on: kept. */
  readonly laterFields: Uint8Array;
  /** Known ones and others, in order; those for names are in `backingFile` and so on as well. */
  readonly extensions: readonly HeaderExtension[];
  readonly backingFile: string | undefined;
  /** Where that name is in the file; zeroes if there is none. */
  readonly backingPlace: { readonly offset: number; readonly bytes: number };
}

const utf8 = new TextDecoder();

/** Whether these first bytes of a file are those of a qcow2 image, of any version. */
export function hasMagic(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) === QCOW2_MAGIC;
}

/** Text of a string extension, or undefined if there is none. */
export function extensionText(header: Qcow2Header, type: number): string | undefined {
  const found = header.extensions.find((extension) => extension.type === type);
  return found === undefined ? undefined : utf8.decode(found.data);
}

/** The extensions with one of them replaced, added, or (undefined) removed. */
export function withExtension(
  extensions: readonly HeaderExtension[],
  type: number,
  data: Uint8Array | string | undefined,
): HeaderExtension[] {
  const others = extensions.filter((extension) => extension.type !== type);
  if (data === undefined) return others;
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
  return [{ type, data: bytes }, ...others];
}

/** Reads the fields of one header; throws INVALID_ARG with the image's name in it. */
class HeaderReader {
  readonly #path: string;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(path: string, bytes: Uint8Array) {
    this.#path = path;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  fail(reason: string): never {
    throw unusableImage(this.#path, reason);
  }

  u32(at: number): number {
    return this.#view.getUint32(at);
  }

  u64(at: number): bigint {
    return this.#view.getBigUint64(at);
  }

  /** A 64-bit number that has to be one that we can count with. */
  offset(at: number, what: string): number {
    const value = this.u64(at);
    if (value > BigInt(Limit.diskBytes)) this.fail(`its ${what} is ${value}, which is too large`);
    return Number(value);
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }
}

/** Checks magic, version and cluster size: what must be known to read the rest. `bytes` are the first 112 or more. */
export function peekClusterBits(path: string, bytes: Uint8Array): number {
  const reader = new HeaderReader(path, bytes);
  if (!hasMagic(bytes)) reader.fail('it is not a qcow2 image');
  const version = reader.u32(HeaderAt.version);
  if (version !== 2 && version !== 3) reader.fail(`it is a qcow2 image of version ${version}; 2 and 3 are known`);
  const clusterBits = reader.u32(HeaderAt.clusterBits);
  if (clusterBits < Limit.clusterBitsMin || clusterBits > Limit.clusterBitsMax) {
    reader.fail(`its clusters have 2^${clusterBits} bytes; 2^9 to 2^21 is allowed`);
  }
  return clusterBits;
}

/** Parses the first cluster of an image. Throws INVALID_ARG for what is malformed, unknown, or not supported. */
export function parseHeader(path: string, bytes: Uint8Array): Qcow2Header {
  const clusterBits = peekClusterBits(path, bytes);
  const reader = new HeaderReader(path, bytes);
  const version = reader.u32(HeaderAt.version) as 2 | 3;
  const headerBytes = version === 2 ? HEADER_BYTES.v2 : reader.u32(HeaderAt.headerBytes);
  if (version === 3 && (headerBytes < HEADER_BYTES.v3 || headerBytes % 8 !== 0 || headerBytes > 2 ** clusterBits)) {
    reader.fail(`its header says that it is ${headerBytes} bytes long`);
  }
  checkEncryption(reader);
  const backing = { offset: reader.u64(HeaderAt.backingFileOffset), bytes: reader.u32(HeaderAt.backingFileBytes) };
  const end = backing.offset === 0n ? bytes.length : Number(backing.offset);
  if (end < headerBytes || end > bytes.length) reader.fail("its backing file's name is outside the first cluster");
  const extensions = parseExtensions(reader, headerBytes, end);
  const features = version === 2 ? noFeatures : parseFeatures(reader, headerBytes, extensions);
  const header: Qcow2Header = {
    version,
    clusterBits,
    size: reader.offset(HeaderAt.size, 'size'),
    l1Entries: reader.u32(HeaderAt.l1Entries),
    l1Offset: reader.offset(HeaderAt.l1Offset, "L1 table's place"),
    refTableOffset: reader.offset(HeaderAt.refTableOffset, "refcount table's place"),
    refTableClusters: reader.u32(HeaderAt.refTableClusters),
    snapshotCount: reader.u32(HeaderAt.snapshotCount),
    snapshotsOffset: reader.offset(HeaderAt.snapshotsOffset, "snapshot table's place"),
    ...features,
    headerBytes,
    laterFields: bytes.slice(HEADER_BYTES.written, Math.max(headerBytes, HEADER_BYTES.written)),
    extensions,
    backingFile: backing.offset === 0n ? undefined : parseBackingName(reader, end, backing.bytes),
    backingPlace: backing.offset === 0n ? { offset: 0, bytes: 0 } : { offset: end, bytes: backing.bytes },
  };
  checkFeatures(reader, header);
  return header;
}

type Features = Pick<Qcow2Header, 'incompatible' | 'compatible' | 'autoclear' | 'refcountOrder' | 'compression'>;

const noFeatures: Features = {
  incompatible: 0n,
  compatible: 0n,
  autoclear: 0n,
  refcountOrder: 4,
  compression: 'zlib',
};

function checkEncryption(reader: HeaderReader): void {
  const method = reader.u32(HeaderAt.cryptMethod);
  if (method === CryptMethod.NONE) return;
  const name = method === CryptMethod.LUKS ? 'LUKS' : method === CryptMethod.AES ? 'AES' : `method ${method}`;
  reader.fail(`it is encrypted (${name}), which is not supported`);
}

function parseFeatures(reader: HeaderReader, headerBytes: number, extensions: readonly HeaderExtension[]): Features {
  const incompatible = reader.u64(HeaderAt.incompatible);
  const unknown = incompatible & ~INCOMPATIBLE_KNOWN;
  if (unknown !== 0n) reader.fail(`it needs features that are not known here: ${featureNames(unknown, extensions)}`);
  const refcountOrder = reader.u32(HeaderAt.refcountOrder);
  if (refcountOrder > Limit.refcountOrderMax) {
    reader.fail(`its reference counts have 2^${refcountOrder} bits; 64 are allowed at most`);
  }
  const type = headerBytes > HeaderAt.compressionType ? reader.bytes[HeaderAt.compressionType] : 0;
  if ((type !== CompressionType.ZLIB) !== ((incompatible & Incompatible.COMPRESSION) !== 0n)) {
    reader.fail('its compression type and its feature bits contradict each other');
  }
  if (type > CompressionType.ZSTD) reader.fail(`its compression type ${type} is not known`);
  return {
    incompatible,
    compatible: reader.u64(HeaderAt.compatible),
    autoclear: reader.u64(HeaderAt.autoclear),
    refcountOrder,
    compression: type === CompressionType.ZSTD ? 'zstd' : 'zlib',
  };
}

/** Names of incompatible features by the image's own table, as far as it has them. */
function featureNames(bits: bigint, extensions: readonly HeaderExtension[]): string {
  const table = extensions.find(({ type }) => type === Extension.FEATURE_NAMES)?.data ?? new Uint8Array(0);
  const names: string[] = [];
  for (let bit = 0; bit < 64; bit++) {
    if (((bits >> BigInt(bit)) & 1n) === 0n) continue;
    let name = `bit ${bit}`;
    for (let at = 0; at + 48 <= table.length; at += 48) {
      if (table[at] !== 0 || table[at + 1] !== bit) continue;
      // Only what can be printed: the name is the image's.
      name = utf8.decode(table.subarray(at + 2, at + 48)).replace(/[^\x20-\x7e]/g, '');
    }
    names.push(name);
  }
  return names.join(', ');
}

function parseExtensions(reader: HeaderReader, start: number, end: number): HeaderExtension[] {
  const extensions: HeaderExtension[] = [];
  for (let at = start; at + 8 <= end; ) {
    const type = reader.u32(at);
    const bytes = reader.u32(at + 4);
    if (type === Extension.END) break;
    if (bytes > end - at - 8) reader.fail(`its header extension 0x${type.toString(16)} does not fit`);
    extensions.push({ type, data: reader.bytes.slice(at + 8, at + 8 + bytes) });
    at += 8 + Math.ceil(bytes / 8) * 8;
  }
  return extensions;
}

function parseBackingName(reader: HeaderReader, offset: number, bytes: number): string {
  if (bytes === 0 || bytes > Limit.backingNameBytes || bytes > reader.bytes.length - offset) {
    reader.fail(`its backing file's name says that it is ${bytes} bytes long`);
  }
  const name = utf8.decode(reader.bytes.subarray(offset, offset + bytes));
  if (name.includes('\0')) reader.fail("its backing file's name has a NUL character in it");
  return name;
}

function checkFeatures(reader: HeaderReader, header: Qcow2Header): void {
  const dataFile = (header.incompatible & Incompatible.DATA_FILE) !== 0n;
  if ((header.autoclear & Autoclear.RAW_DATA_FILE) !== 0n) {
    if (!dataFile) reader.fail('it says that its external data file is raw, but it has none');
    if (header.backingFile !== undefined) reader.fail('it has both a raw external data file and a backing file');
  }
  if (dataFile && header.snapshotCount > 0) reader.fail('it has both an external data file and snapshots');
  const extended = (header.incompatible & Incompatible.EXTENDED_L2) !== 0n;
  if (extended && header.clusterBits < Limit.extendedClusterBitsMin) {
    reader.fail(`it has extended L2 entries and clusters of 2^${header.clusterBits} bytes; they need 2^14 at least`);
  }
}

/**
 * The header's fixed fields as bytes: what is to be written when no extension or name has changed. Shorter than a
 * sector unless an image of a later specification has many fields, so that it is written in one piece or not at all.
 */
export function formatFields(header: Qcow2Header): Uint8Array {
  const bytes = new Uint8Array(header.headerBytes);
  const view = new DataView(bytes.buffer);
  const put64 = (at: number, value: number) => view.setBigUint64(at, BigInt(value));
  view.setUint32(HeaderAt.magic, QCOW2_MAGIC);
  view.setUint32(HeaderAt.version, header.version);
  put64(HeaderAt.backingFileOffset, header.backingPlace.offset);
  view.setUint32(HeaderAt.backingFileBytes, header.backingPlace.bytes);
  view.setUint32(HeaderAt.clusterBits, header.clusterBits);
  put64(HeaderAt.size, header.size);
  view.setUint32(HeaderAt.l1Entries, header.l1Entries);
  put64(HeaderAt.l1Offset, header.l1Offset);
  put64(HeaderAt.refTableOffset, header.refTableOffset);
  view.setUint32(HeaderAt.refTableClusters, header.refTableClusters);
  view.setUint32(HeaderAt.snapshotCount, header.snapshotCount);
  put64(HeaderAt.snapshotsOffset, header.snapshotsOffset);
  if (header.version === 2) return bytes;
  view.setBigUint64(HeaderAt.incompatible, header.incompatible);
  view.setBigUint64(HeaderAt.compatible, header.compatible);
  view.setBigUint64(HeaderAt.autoclear, header.autoclear);
  view.setUint32(HeaderAt.refcountOrder, header.refcountOrder);
  view.setUint32(HeaderAt.headerBytes, bytes.length);
  if (header.compression === 'zstd') bytes[HeaderAt.compressionType] = CompressionType.ZSTD;
  if (header.laterFields.length > 0) bytes.set(header.laterFields, HEADER_BYTES.written);
  return bytes;
}

/**
 * Everything of the header that stands in the first cluster, and the header with the place of its backing file's name.
 * Throws INVALID_ARG if it does not fit in there.
 */
export function formatHeader(path: string, header: Qcow2Header): { bytes: Uint8Array; header: Qcow2Header } {
  const name = new TextEncoder().encode(header.backingFile ?? '');
  if (name.length > Limit.backingNameBytes) {
    throw unusableImage(path, `a backing file's name of ${name.length} bytes; ${Limit.backingNameBytes} are allowed`);
  }
  const extensions = header.extensions.map(({ data }) => 8 + Math.ceil(data.length / 8) * 8);
  const nameAt = header.headerBytes + extensions.reduce((sum, bytes) => sum + bytes, 0) + 8;
  const total = nameAt + name.length;
  if (total > 2 ** header.clusterBits) {
    throw unusableImage(path, `its header would take ${total} bytes, more than a cluster`);
  }
  const backingPlace = name.length === 0 ? { offset: 0, bytes: 0 } : { offset: nameAt, bytes: name.length };
  const placed = { ...header, backingPlace };
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  bytes.set(formatFields(placed));
  let at = header.headerBytes;
  for (const [i, { type, data }] of header.extensions.entries()) {
    view.setUint32(at, type);
    view.setUint32(at + 4, data.length);
    bytes.set(data, at + 8);
    at += extensions[i];
  }
  bytes.set(name, nameAt);
  return { bytes, header: placed };
}
