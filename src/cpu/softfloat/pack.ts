/** Rounding to a format and putting the result together: the one place where OF, UF and NX are raised. */
import { Flag, type FloatEnv, NAN32, NAN64_HI, Rounding } from './format.ts';
import { Kind, type Unpacked } from './unpacked.ts';

/**
 * What to add to a significand so that cutting off its lowest bits rounds it. `half` is the highest of the bits to cut:
 * ties that must go to even are put right afterwards.
 */
function increment(rounding: number, sign: number, half: number): number {
  switch (rounding) {
    case Rounding.RTZ:
      return 0;
    case Rounding.RDN:
      return sign === 0 ? 0 : half * 2 - 1;
    case Rounding.RUP:
      return sign === 0 ? half * 2 - 1 : 0;
    default:
      return half;
  }
}

/** Rounds `u` to binary32 and returns its bits; changes `u`. */
export function pack32(env: FloatEnv, u: Unpacked): number {
  const signBit = u.sign << 31;
  if (u.kind !== Kind.FINITE) {
    if (u.kind === Kind.ZERO) return signBit;
    return u.kind === Kind.INFINITE ? signBit | 0x7f80_0000 : NAN32;
  }
  const add = increment(env.rounding, u.sign, 0x40);
  let significand = u.hi | (u.lo !== 0 ? 1 : 0);
  let exponent = u.exp + 126;
  if (exponent < 0) {
    const tiny = exponent < -1 || significand + add < 0x8000_0000;
    significand = shiftRight31(significand, -exponent);
    exponent = 0;
    if (tiny && (significand & 0x7f) !== 0) env.flags |= Flag.UF;
  }
  const cut = significand & 0x7f;
  significand += add;
  if (exponent > 253 || (exponent === 253 && significand >= 0x8000_0000)) {
    env.flags |= Flag.OF | Flag.NX;
    return signBit | (add === 0 ? 0x7f7f_ffff : 0x7f80_0000);
  }
  if (cut !== 0) env.flags |= Flag.NX;
  if (cut === 0x40 && env.rounding === Rounding.RNE) significand &= ~0x80;
  // The leading one adds to the exponent field, which therefore holds one less; so does a carry.
  return (signBit | (exponent << 23)) + (significand >>> 7);
}

/** Shifts right by n ≥ 1 bits with a sticky lowest bit; the value is below 2^31. */
function shiftRight31(value: number, n: number): number {
  if (n > 31) return 1;
  return (value >>> n) | (value << (32 - n) !== 0 ? 1 : 0);
}

/** Rounds `u` to binary64 into env.lo and env.hi; changes `u`. */
export function pack64(env: FloatEnv, u: Unpacked): void {
  const signBit = u.sign << 31;
  if (u.kind !== Kind.FINITE) {
    env.lo = 0;
    if (u.kind === Kind.ZERO) env.hi = signBit;
    else env.hi = u.kind === Kind.INFINITE ? signBit | 0x7ff0_0000 : NAN64_HI;
    return;
  }
  const add = increment(env.rounding, u.sign, 0x200);
  let exponent = u.exp + 1022;
  if (exponent < 0) {
    const tiny = exponent < -1 || u.hi + ((u.lo >>> 0) + add > 0xffff_ffff ? 1 : 0) < 0x8000_0000;
    u.shiftRightSticky(-exponent);
    exponent = 0;
    if (tiny && (u.lo & 0x3ff) !== 0) env.flags |= Flag.UF;
  }
  const cut = u.lo & 0x3ff;
  let lo = (u.lo + add) | 0;
  const hi = u.hi + (lo >>> 0 < u.lo >>> 0 ? 1 : 0);
  if (exponent > 2045 || (exponent === 2045 && hi >= 0x8000_0000)) {
    env.flags |= Flag.OF | Flag.NX;
    env.lo = add === 0 ? -1 : 0;
    env.hi = signBit | (add === 0 ? 0x7fef_ffff : 0x7ff0_0000);
    return;
  }
  if (cut !== 0) env.flags |= Flag.NX;
  if (cut === 0x200 && env.rounding === Rounding.RNE) lo &= ~0x400;
  env.lo = (lo >>> 10) | (hi << 22);
  // As in pack32: the leading one, or a carry, adds to the exponent field.
  env.hi = (signBit | (exponent << 20)) + (hi >>> 10);
}
