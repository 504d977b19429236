/** Numbers of the block device, VIRTIO 1.2 section 5.2. */

/** Feature bits (5.2.3), as masks. */
export const BlkFeature = {
  SEG_MAX: 1n << 2n,
  RO: 1n << 5n,
  BLK_SIZE: 1n << 6n,
  FLUSH: 1n << 9n,
  TOPOLOGY: 1n << 10n,
  MQ: 1n << 12n,
  DISCARD: 1n << 13n,
  WRITE_ZEROES: 1n << 14n,
} as const;

/** Request types (5.2.6). */
export const BlkType = { IN: 0, OUT: 1, FLUSH: 4, GET_ID: 8, DISCARD: 11, WRITE_ZEROES: 13 } as const;

/** Values of a request's status byte (5.2.6). */
export const BlkStatus = { OK: 0, IOERR: 1, UNSUPP: 2 } as const;
export type BlkStatus = (typeof BlkStatus)[keyof typeof BlkStatus];

/** Bytes of a request before its data: type, reserved, sector. */
export const BLK_HEADER_BYTES = 16;

/** Bytes of one range of a discard or write zeroes request: sector, number of sectors, flags. */
export const BLK_RANGE_BYTES = 16;

/** The only flag of a range (5.2.6). */
export const BLK_RANGE_UNMAP = 1;

/** Unit of all sector numbers, whatever blk_size says. */
export const SECTOR_BYTES = 512;

/** Length of the answer to GET_ID. */
export const BLK_ID_BYTES = 20;

/** Offsets in the configuration space (5.2.4), and its size. */
export const BlkConfig = {
  capacity: 0,
  seg_max: 12,
  blk_size: 20,
  physical_block_exp: 24,
  min_io_size: 26,
  num_queues: 34,
  max_discard_sectors: 36,
  max_discard_seg: 40,
  discard_sector_alignment: 44,
  max_write_zeroes_sectors: 48,
  max_write_zeroes_seg: 52,
  write_zeroes_may_unmap: 56,
  bytes: 60,
} as const;
