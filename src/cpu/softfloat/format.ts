/** Constants of the F and D extensions and the environment that operations work in. */

/** Exception flags at their positions in fflags (Unprivileged spec 21.2, figure "fcsr"). */
export const Flag = {
  /** Inexact. */
  NX: 1,
  /** Underflow: tiny and inexact; tininess is detected after rounding (21.2). */
  UF: 2,
  /** Overflow. */
  OF: 4,
  /** Division by zero. */
  DZ: 8,
  /** Invalid operation. */
  NV: 16,
} as const;

/** Rounding modes as frm and rm fields encode them (21.2, table "Rounding mode encoding"). */
export const Rounding = {
  /** To nearest, ties to even. */
  RNE: 0,
  /** Towards zero. */
  RTZ: 1,
  /** Down. */
  RDN: 2,
  /** Up. */
  RUP: 3,
  /** To nearest, ties away from zero. */
  RMM: 4,
  /** In an instruction's rm field: as frm says. 5 and 6 are reserved, and 7 is in frm. */
  DYN: 7,
} as const;

/** The canonical NaN in binary32: positive, quiet, empty payload (21.3). */
export const NAN32 = 0x7fc0_0000;
/** High half of the canonical NaN in binary64; the low half is 0 (21.3). */
export const NAN64_HI = 0x7ff8_0000;

/** What operations read and leave behind besides their operands. One for each hart. */
export class FloatEnv {
  /** Rounding mode: one of RNE … RMM, never DYN. */
  rounding: number = Rounding.RNE;
  /** Flags raised so far: operations only ever set bits. */
  flags = 0;
  /** Halves of a 64-bit result, as signed 32-bit numbers. */
  lo = 0;
  hi = 0;
}
