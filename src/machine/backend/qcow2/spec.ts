/** Numbers of the qcow2 image format (QEMU's docs/interop/qcow2), versions 2 and 3. All are big-endian in the file. */

/** `QFI\xfb`, the first four bytes. */
export const QCOW2_MAGIC = 0x514649fb;

/** Offsets in the header. */
export const HeaderAt = {
  magic: 0,
  version: 4,
  backingFileOffset: 8,
  backingFileBytes: 16,
  clusterBits: 20,
  size: 24,
  cryptMethod: 32,
  l1Entries: 36,
  l1Offset: 40,
  refTableOffset: 48,
  refTableClusters: 56,
  snapshotCount: 60,
  snapshotsOffset: 64,
  incompatible: 72,
  compatible: 80,
  autoclear: 88,
  refcountOrder: 96,
  headerBytes: 100,
  compressionType: 104,
} as const;

/** Length of the header of version 2, of version 3 at least, and of version 3 as written here. */
export const HEADER_BYTES = { v2: 72, v3: 104, written: 112 } as const;

/** Bits of `incompatible_features`. */
export const Incompatible = {
  DIRTY: 1n << 0n,
  CORRUPT: 1n << 1n,
  DATA_FILE: 1n << 2n,
  COMPRESSION: 1n << 3n,
  EXTENDED_L2: 1n << 4n,
} as const;

/** Incompatible features that this implementation knows. */
export const INCOMPATIBLE_KNOWN = 0x1fn;

/** Bits of `compatible_features`. */
export const Compatible = { LAZY_REFCOUNTS: 1n << 0n } as const;

/** Bits of `autoclear_features`. */
export const Autoclear = { BITMAPS: 1n << 0n, RAW_DATA_FILE: 1n << 1n } as const;

/** Types of header extensions. */
export const Extension = {
  END: 0,
  BACKING_FORMAT: 0xe2792aca,
  FEATURE_NAMES: 0x6803f857,
  BITMAPS: 0x23852875,
  ENCRYPTION: 0x0537be77,
  DATA_FILE: 0x44415441,
} as const;

/** Values of `crypt_method`. */
export const CryptMethod = { NONE: 0, AES: 1, LUKS: 2 } as const;

/** Values of `compression_type`. */
export const CompressionType = { ZLIB: 0, ZSTD: 1 } as const;

/** Flags in the upper half of an L1 or L2 entry. */
export const COPIED_HI = 0x8000_0000;
export const COMPRESSED_HI = 0x4000_0000;

/** The flag in the lower half of a standard L2 entry: reads as zeroes. */
export const ZERO_LO = 1;

/** Bits 9 to 55 of an entry are an offset; these are their parts in the two halves. */
export const OFFSET_HI = 0x00ff_ffff;
export const OFFSET_LO = 0xffff_fe00;

/** Subclusters of a cluster with extended L2 entries. */
export const SUBCLUSTERS = 32;

/** Limits, as QEMU has them: what is larger is refused rather than tried. */
export const Limit = {
  clusterBitsMin: 9,
  clusterBitsMax: 21,
  extendedClusterBitsMin: 14,
  refcountOrderMax: 6,
  /** Bytes of an L1 table. */
  l1Bytes: 32 * 2 ** 20,
  /** Bytes of the refcount table. */
  refTableBytes: 8 * 2 ** 20,
  backingNameBytes: 1023,
  snapshots: 65536,
  /** Bytes of the snapshot table. */
  snapshotTableBytes: 64 * 2 ** 20,
  snapshotExtraBytes: 1024,
  /** Largest disk: numbers above are not exact here. */
  diskBytes: 2 ** 53 - 512,
} as const;

/** Unit of a disk's size and of a compressed cluster's length. */
export const SECTOR_BYTES = 512;
