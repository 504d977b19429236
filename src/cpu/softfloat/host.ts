/**
 * Where the host's arithmetic can stand in. JavaScript rounds every binary64 operation correctly to nearest, ties to
 * even; what it hides is whether rounding happened. The error of a sum or a product is itself a binary64 and can be
 * computed (Knuth's TwoSum, Dekker's product); zero means exact. A result that is not finite means: cannot tell.
 */

/** The smallest positive normal numbers. Results at or below them may be tiny: whether UF is due takes more care. */
export const MIN_NORMAL32 = 2 ** -126;
export const MIN_NORMAL64 = 2 ** -1022;

/** Products above this have an error term far from underflow: it is a multiple of 2^-1074. */
const PRODUCT_MIN = 2 ** -900;
const SUMMAND_MAX = 2 ** 1000;

/** Dekker's (Veltkamp's) constant: splits 53 bits into 26 and 26. Overflows from 2^996 on, giving NaN. */
const SPLIT = 2 ** 27 + 1;

const scratch = new Float64Array(1);
const scratchWords = new Int32Array(scratch.buffer);

/** a + b − sum, exactly, where `sum` is the host's a + b and finite. */
export function sumError(a: number, b: number, sum: number): number {
  const bPart = sum - a;
  return a - (sum - bPart) + (b - bPart);
}

/** a × b − product, exactly, where `product` is the host's a × b; NaN if that is too close to the ends of the range. */
export function productError(a: number, b: number, product: number): number {
  if (Math.abs(product) < PRODUCT_MIN) return Number.NaN;
  const aShifted = SPLIT * a;
  const aHigh = aShifted - (aShifted - a);
  const aLow = a - aHigh;
  const bShifted = SPLIT * b;
  const bHigh = bShifted - (bShifted - b);
  const bLow = b - bHigh;
  return aHigh * bHigh - product + aHigh * bLow + aLow * bHigh + aLow * bLow;
}

/** Zero if a ÷ b is exactly `quotient`, the host's finite nonzero a ÷ b; else finite, or NaN: cannot tell. */
export function quotientError(a: number, b: number, quotient: number): number {
  const product = quotient * b;
  // An exact quotient times the divisor is the dividend, and a binary64.
  return product === a ? productError(quotient, b, product) : 1;
}

/** Whether a binary64 lies exactly between two neighbouring binary32 of the normal range. */
export function isHalfway32(value: number): boolean {
  scratch[0] = value;
  return (scratchWords[0] & 0x1fff_ffff) === 0x1000_0000;
}

/** What `fusedMultiplyAdd` returned: whether it was rounded. */
export const fused = { inexact: false };

/**
 * a × b + c with one rounding, to nearest; NaN if the operands are too close to the ends of the range for it. After
 * Boldo and Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd" (2008):
 * the product and its error are added to c exactly, as a sum of a leading part and two small ones; the sum of the small
 * ones is rounded to odd, so that the last addition rounds as if it had all bits before it.
 */
export function fusedMultiplyAdd(a: number, b: number, c: number): number {
  const product = a * b;
  if (product === 0 && (a === 0 || b === 0)) {
    fused.inexact = false;
    return product + c;
  }
  const error = productError(a, b, product);
  if (c === 0) {
    fused.inexact = error !== 0;
    return error - error === 0 ? product : Number.NaN;
  }
  const size = Math.abs(c);
  if (!(size > PRODUCT_MIN && size < SUMMAND_MAX && Math.abs(product) < SUMMAND_MAX)) return Number.NaN;
  const small = c + error;
  const smallError = sumError(c, error, small);
  const lead = product + small;
  const leadError = sumError(product, small, lead);
  const rest = smallError + leadError;
  const restError = sumError(smallError, leadError, rest);
  const odd = restError === 0 ? rest : roundToOdd(rest, restError);
  const result = lead + odd;
  // A last digit that was forced odd is far below the result's: then this is not exact either.
  fused.inexact = sumError(lead, odd, result) !== 0;
  return result;
}

/** `value`, which is off by `error`, rounded to odd instead of to nearest: unchanged if its last bit is set. */
function roundToOdd(value: number, error: number): number {
  scratch[0] = value;
  const lo = scratchWords[0];
  if ((lo & 1) !== 0) return value;
  if (error > 0 === value > 0) {
    scratchWords[0] = lo | 1;
  } else {
    scratchWords[0] = lo - 1;
    if (lo === 0) scratchWords[1]--;
  }
  return scratch[0];
}
