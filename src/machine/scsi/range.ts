import { ScsiOp } from './spec.ts';
import type { Cdb } from './unit.ts';

/** Blocks that a command is about. */
export interface BlockRange {
  readonly lba: number;
  readonly blocks: number;
}

const sixBytes = (cdb: Cdb): BlockRange => ({
  lba: ((cdb.u8(1) & 0x1f) << 16) | cdb.u16(2),
  // SBC-3 5.7: no block is 256 of them.
  blocks: cdb.u8(4) === 0 ? 256 : cdb.u8(4),
});
const tenBytes = (cdb: Cdb): BlockRange => ({ lba: cdb.u32(2), blocks: cdb.u16(7) });
const twelveBytes = (cdb: Cdb): BlockRange => ({ lba: cdb.u32(2), blocks: cdb.u32(6) });
const sixteenBytes = (cdb: Cdb): BlockRange => ({ lba: cdb.u64(2), blocks: cdb.u32(10) });

const readers: Readonly<Record<number, (cdb: Cdb) => BlockRange>> = {
  [ScsiOp.READ_6]: sixBytes,
  [ScsiOp.WRITE_6]: sixBytes,
  [ScsiOp.READ_10]: tenBytes,
  [ScsiOp.WRITE_10]: tenBytes,
  [ScsiOp.VERIFY_10]: tenBytes,
  [ScsiOp.WRITE_SAME_10]: tenBytes,
  [ScsiOp.SYNCHRONIZE_CACHE_10]: tenBytes,
  [ScsiOp.READ_12]: twelveBytes,
  [ScsiOp.WRITE_12]: twelveBytes,
  [ScsiOp.READ_16]: sixteenBytes,
  [ScsiOp.WRITE_16]: sixteenBytes,
  [ScsiOp.VERIFY_16]: sixteenBytes,
  [ScsiOp.WRITE_SAME_16]: sixteenBytes,
  [ScsiOp.SYNCHRONIZE_CACHE_16]: sixteenBytes,
};

/** Commands that know neither FUA nor protection, their second byte being a part of the address. */
const plain: ReadonlySet<number> = new Set([ScsiOp.READ_6, ScsiOp.WRITE_6]);

/** The blocks of a command that is about some. */
export function blockRange(cdb: Cdb): BlockRange {
  return readers[cdb.op]?.(cdb) ?? { lba: 0, blocks: 0 };
}

/** FUA: what is written is to be stable when the command ends. */
export function forcesUnitAccess(cdb: Cdb): boolean {
  return !plain.has(cdb.op) && (cdb.u8(1) & 8) !== 0;
}

/** RDPROTECT, WRPROTECT or VRPROTECT: protection information, which no unit here keeps. */
export function wantsProtection(cdb: Cdb): boolean {
  return !plain.has(cdb.op) && cdb.u8(1) >> 5 !== 0;
}
