/** Floating-point values taken apart: one form for both formats, so that each operation is written once. */

/** What an unpacked value is. */
export const Kind = {
  /** Finite and not zero: sign, exp, hi and lo count. */
  FINITE: 0,
  ZERO: 1,
  INFINITE: 2,
  QUIET_NAN: 3,
  SIGNALING_NAN: 4,
} as const;

/** Bit 30 of the high half: the leading bit of a normalised significand. */
export const LEADING = 0x4000_0000;

/**
 * A value ±significand × 2^(exp − 62). The significand is 64 bits in two halves with its leading one at bit 62: room
 * for a carry above and, with 53 bits in use, ten bits for rounding below. In results the lowest bit is sticky: set if
 * anything below it was not zero. Halves are signed 32-bit numbers; `hi` of a normalised value is never negative.
 */
export class Unpacked {
  kind: number = Kind.ZERO;
  /** 1: negative. */
  sign = 0;
  exp = 0;
  hi = 0;
  lo = 0;

  isNan(): boolean {
    return this.kind >= Kind.QUIET_NAN;
  }

  /** Makes this a finite value. */
  setFinite(sign: number, exp: number, hi: number, lo: number): void {
    this.kind = Kind.FINITE;
    this.sign = sign;
    this.exp = exp;
    this.hi = hi;
    this.lo = lo;
  }

  /** Makes this a zero, an infinity or a NaN. */
  setSpecial(kind: number, sign: number): void {
    this.kind = kind;
    this.sign = sign;
  }

  /** Makes this the same value as `other`. */
  copy(other: Unpacked): void {
    this.kind = other.kind;
    this.sign = other.sign;
    this.exp = other.exp;
    this.hi = other.hi;
    this.lo = other.lo;
  }

  /** Shifts a nonzero significand left until its leading one is at bit 62, lowering exp. Bit 63 must be clear. */
  normalize(): void {
    if (this.hi === 0) {
      // Down by 32 at once, less the bit that may not reach bit 63.
      this.hi = this.lo >>> 1;
      this.lo <<= 31;
      this.exp -= 31;
    }
    const shift = Math.clz32(this.hi) - 1;
    if (shift <= 0) return;
    if (shift === 31) {
      // Only the lowest bit of the word was left.
      this.hi = this.lo >>> 1;
      this.lo <<= 31;
    } else {
      this.hi = (this.hi << shift) | (this.lo >>> (32 - shift));
      this.lo <<= shift;
    }
    this.exp -= shift;
  }

  /** Shifts the significand right by any n ≥ 0; what falls off is kept as the sticky lowest bit. */
  shiftRightSticky(n: number): void {
    if (n === 0) return;
    const { hi, lo } = this;
    if (n < 32) {
      this.lo = (lo >>> n) | (hi << (32 - n)) | (lo << (32 - n) !== 0 ? 1 : 0);
      this.hi = hi >>> n;
    } else if (n < 64) {
      const dropped = n === 32 ? lo : lo | (hi << (64 - n));
      this.lo = (hi >>> (n - 32)) | (dropped !== 0 ? 1 : 0);
      this.hi = 0;
    } else {
      this.lo = (hi | lo) !== 0 ? 1 : 0;
      this.hi = 0;
    }
  }
}

/** Takes a binary32 apart. */
export function unpack32(bits: number, into: Unpacked): void {
  const exponent = (bits >>> 23) & 0xff;
  const fraction = bits & 0x7f_ffff;
  into.sign = bits >>> 31;
  into.lo = 0;
  if (exponent === 0xff) {
    into.kind = fraction === 0 ? Kind.INFINITE : nanKind(fraction & 0x40_0000);
  } else if (exponent !== 0) {
    into.kind = Kind.FINITE;
    into.exp = exponent - 127;
    into.hi = LEADING | (fraction << 7);
  } else if (fraction === 0) {
    into.kind = Kind.ZERO;
  } else {
    into.kind = Kind.FINITE;
    into.exp = -126;
    into.hi = fraction << 7;
    into.normalize();
  }
}

/** Takes a binary64 apart. */
export function unpack64(lo: number, hi: number, into: Unpacked): void {
  const exponent = (hi >>> 20) & 0x7ff;
  const fraction = hi & 0xf_ffff;
  into.sign = hi >>> 31;
  if (exponent === 0x7ff) {
    into.kind = (fraction | lo) === 0 ? Kind.INFINITE : nanKind(fraction & 0x8_0000);
  } else if (exponent !== 0) {
    into.kind = Kind.FINITE;
    into.exp = exponent - 1023;
    into.hi = LEADING | (fraction << 10) | (lo >>> 22);
    into.lo = lo << 10;
  } else if ((fraction | lo) === 0) {
    into.kind = Kind.ZERO;
  } else {
    into.kind = Kind.FINITE;
    into.exp = -1022;
    into.hi = (fraction << 10) | (lo >>> 22);
    into.lo = lo << 10;
    into.normalize();
  }
}

/** The highest bit of the fraction tells a quiet NaN (IEEE 754-2019 6.2.1). */
function nanKind(quietBit: number): number {
  return quietBit !== 0 ? Kind.QUIET_NAN : Kind.SIGNALING_NAN;
}
