/** Rounding to integers and conversion from and to them (IEEE 754-2019 5.4.1, 5.8, 5.9; Unprivileged spec 21.7). */
import { Flag, type FloatEnv, Rounding } from './format.ts';
import { Kind, type Unpacked } from './unpacked.ts';

/** A rounded magnitude: 64 bits in halves, and whether rounding changed the value. */
class Magnitude {
  hi = 0;
  lo = 0;
  inexact = false;
  /** The value is an infinity, a NaN, or at least 2^64. */
  tooLarge = false;
}

const magnitude = new Magnitude();

/** Rounds a value to an integer in the current mode; raises nothing. */
function roundMagnitude(env: FloatEnv, x: Unpacked): void {
  const { exp, hi, lo } = x;
  magnitude.hi = 0;
  magnitude.lo = 0;
  magnitude.inexact = false;
  magnitude.tooLarge = x.kind > Kind.ZERO || (x.kind === Kind.FINITE && exp > 63);
  if (x.kind !== Kind.FINITE || magnitude.tooLarge) return;
  // The bits below the point: their highest alone, and whether there are others.
  let half = 0;
  let rest = 0;
  if (exp >= 62) {
    // With 53 bits in use the two lowest are zero.
    magnitude.hi = exp === 62 ? hi : (hi << 1) | (lo >>> 31);
    magnitude.lo = exp === 62 ? lo : lo << 1;
  } else if (exp >= 30) {
    const n = 62 - exp;
    magnitude.hi = n === 32 ? 0 : hi >>> n;
    magnitude.lo = n === 32 ? hi : (lo >>> n) | (hi << (32 - n));
    half = (lo >>> (n - 1)) & 1;
    rest = n === 1 ? 0 : lo << (33 - n);
  } else if (exp >= -1) {
    const n = 30 - exp;
    magnitude.lo = hi >>> n;
    half = (hi >>> (n - 1)) & 1;
    rest = (n === 1 ? 0 : hi << (33 - n)) | lo;
  } else {
    rest = 1;
  }
  magnitude.inexact = (half | rest) !== 0;
  if (magnitude.inexact && roundsUp(env.rounding, x.sign, magnitude.lo & 1, half, rest)) {
    // A magnitude with a fraction below it has fewer than 53 bits: no carry beyond 64.
    magnitude.lo = (magnitude.lo + 1) | 0;
    if (magnitude.lo === 0) magnitude.hi++;
  }
}

/** Whether an inexact magnitude goes up: `half` is the first bit cut off, `rest` not zero if any other was set. */
function roundsUp(rounding: number, sign: number, odd: number, half: number, rest: number): boolean {
  switch (rounding) {
    case Rounding.RNE:
      return half !== 0 && (rest !== 0 || odd !== 0);
    case Rounding.RMM:
      return half !== 0;
    case Rounding.RDN:
      return sign !== 0;
    case Rounding.RUP:
      return sign === 0;
    default:
      return false;
  }
}

/** Rounds x to an integral value in its own format; true if that changed it. NaNs and infinities stay. */
export function roundToIntegral(env: FloatEnv, x: Unpacked): boolean {
  if (x.kind !== Kind.FINITE || x.exp >= 62) return false;
  roundMagnitude(env, x);
  setInteger(x, x.sign, magnitude.lo, magnitude.hi);
  return magnitude.inexact;
}

/** Makes `x` the integer with this magnitude (64 bits, unsigned) and sign. Zero keeps the sign. */
export function setInteger(x: Unpacked, sign: number, lo: number, hi: number): void {
  if ((lo | hi) === 0) {
    x.setSpecial(Kind.ZERO, sign);
  } else if (hi < 0) {
    x.setFinite(sign, 63, hi >>> 1, (lo >>> 1) | (hi << 31) | (lo & 1));
  } else {
    x.setFinite(sign, 62, hi, lo);
    x.normalize();
  }
}

/** Makes `x` the signed 64-bit integer. */
export function setSigned(x: Unpacked, lo: number, hi: number): void {
  if (hi >= 0) setInteger(x, 0, lo, hi);
  else setInteger(x, 1, -lo | 0, (~hi + (lo === 0 ? 1 : 0)) | 0);
}

/**
 * x as a signed 64-bit integer in env.lo and env.hi. Out of range, infinite or NaN: NV and the nearest integer of the
 * type, the largest for a NaN (table 34); then NX is not raised.
 */
export function toSigned64(env: FloatEnv, x: Unpacked): void {
  roundMagnitude(env, x);
  const { hi, lo } = magnitude;
  // −2^63 is the one value in range whose magnitude has bit 63 set.
  if (magnitude.tooLarge || (hi < 0 && !(x.sign !== 0 && hi === -0x8000_0000 && lo === 0))) {
    env.flags |= Flag.NV;
    const negative = x.sign !== 0 && !x.isNan();
    env.lo = negative ? 0 : -1;
    env.hi = negative ? -0x8000_0000 : 0x7fff_ffff;
    return;
  }
  raiseInexact(env);
  env.lo = x.sign === 0 ? lo : -lo | 0;
  env.hi = x.sign === 0 ? hi : (~hi + (lo === 0 ? 1 : 0)) | 0;
}

/** x as an unsigned 64-bit integer in env.lo and env.hi; see toSigned64. Values that round to −0 are in range. */
export function toUnsigned64(env: FloatEnv, x: Unpacked): void {
  roundMagnitude(env, x);
  const { hi, lo } = magnitude;
  if (magnitude.tooLarge || (x.sign !== 0 && (hi | lo) !== 0)) {
    env.flags |= Flag.NV;
    const negative = x.sign !== 0 && !x.isNan();
    env.lo = negative ? 0 : -1;
    env.hi = negative ? 0 : -1;
    return;
  }
  raiseInexact(env);
  env.lo = lo;
  env.hi = hi;
}

/** x as a signed 32-bit integer; see toSigned64. */
export function toSigned32(env: FloatEnv, x: Unpacked): number {
  roundMagnitude(env, x);
  const { hi, lo } = magnitude;
  const limit = x.sign === 0 ? 0x7fff_ffff : 0x8000_0000;
  if (magnitude.tooLarge || hi !== 0 || lo >>> 0 > limit) {
    env.flags |= Flag.NV;
    return x.sign !== 0 && !x.isNan() ? -0x8000_0000 : 0x7fff_ffff;
  }
  raiseInexact(env);
  return x.sign === 0 ? lo : -lo | 0;
}

/** x as an unsigned 32-bit integer, as a signed 32-bit number; see toUnsigned64. */
export function toUnsigned32(env: FloatEnv, x: Unpacked): number {
  roundMagnitude(env, x);
  const { hi, lo } = magnitude;
  if (magnitude.tooLarge || hi !== 0 || (x.sign !== 0 && lo !== 0)) {
    env.flags |= Flag.NV;
    return x.sign !== 0 && !x.isNan() ? 0 : -1;
  }
  raiseInexact(env);
  return lo;
}

/**
 * fcvtmod.w.d (Unprivileged spec 27.4): x truncated, modulo 2^32, as a signed 32-bit number; infinities and NaNs give
 * 0. The flags are those of fcvt.w.d on the same value.
 */
export function toSigned32Modular(env: FloatEnv, x: Unpacked): number {
  const { rounding } = env;
  env.rounding = Rounding.RTZ;
  toSigned32(env, x);
  env.rounding = rounding;
  if (x.kind !== Kind.FINITE || x.exp > 83) return 0;
  // Above 2^62 the significand's bits move up; the lowest ten of its 64 are zero.
  const low = x.exp > 62 ? x.lo << (x.exp - 62) : magnitude.lo;
  return x.sign === 0 ? low : -low | 0;
}

function raiseInexact(env: FloatEnv): void {
  if (magnitude.inexact) env.flags |= Flag.NX;
}
