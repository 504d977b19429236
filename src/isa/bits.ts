/** Bit fields of instructions: where the bits of an operand lie. */

/** A run of `width` bits: instruction bits from `insnLow` up are the operand's bits from `valueLow` up. */
interface Run {
  readonly insnLow: number;
  readonly valueLow: number;
  readonly width: number;
}

/** One operand's place in an instruction. */
export interface BitField {
  readonly runs: readonly Run[];
  /** Instruction bits it occupies. */
  readonly mask: number;
  /** Operand bits it can express; the others are zero, or copies of the sign. */
  readonly valueMask: number;
  /** Number of bits of the operand, low zeros included. */
  readonly width: number;
  readonly signed: boolean;
}

/** Splits `hi:lo` or `bit`. */
function range(text: string): { low: number; width: number } {
  const [hi, lo = hi] = text.split(':').map(Number);
  return { low: lo, width: hi - lo + 1 };
}

function maskOf(low: number, width: number): number {
  return width >= 32 ? 0xffff_ffff : ((2 ** width - 1) << low) >>> 0;
}

/**
 * A field in the notation `insnBits=valueBits …`: `'31:25=11:5 11:7=4:0'` is the immediate of a store. Without `=` the
 * value's bits start at 0.
 */
export function bits(placing: string, kind: 'unsigned' | 'signed' = 'unsigned'): BitField {
  const runs = placing.split(' ').map((run): Run => {
    const [insn, value] = run.split('=');
    const from = range(insn);
    return { insnLow: from.low, valueLow: value === undefined ? 0 : range(value).low, width: from.width };
  });
  return {
    runs,
    mask: runs.reduce((mask, r) => (mask | maskOf(r.insnLow, r.width)) >>> 0, 0),
    valueMask: runs.reduce((mask, r) => (mask | maskOf(r.valueLow, r.width)) >>> 0, 0),
    width: Math.max(...runs.map((r) => r.valueLow + r.width)),
    signed: kind === 'signed',
  };
}

/** Reads an operand out of instruction bits, as a signed 32-bit number. An absent field reads 0. */
export function extract(field: BitField | undefined, raw: number): number {
  if (field === undefined) return 0;
  let value = 0;
  for (const run of field.runs) {
    value |= ((raw >>> run.insnLow) & (run.width === 32 ? -1 : (1 << run.width) - 1)) << run.valueLow;
  }
  if (!field.signed) return value;
  const unused = 32 - field.width;
  return (value << unused) >> unused;
}

/** Whether the field can express `value`. */
export function fits(field: BitField, value: number): boolean {
  return Number.isInteger(value) && extract(field, insert(field, value)) === value;
}

/** The instruction bits (unsigned) that express an operand; bits that do not fit are dropped: see `fits`. */
export function insert(field: BitField, value: number): number {
  let raw = 0;
  for (const run of field.runs) {
    raw |= ((value >>> run.valueLow) & (run.width === 32 ? -1 : (1 << run.width) - 1)) << run.insnLow;
  }
  return raw >>> 0;
}
