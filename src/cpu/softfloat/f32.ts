/**
 * Operations on binary32 (F, and the single-precision part of Zfa). Values are bits as signed 32-bit numbers; NaN boxes
 * are the caller's. Every operation adds to env.flags; those that round do so as env.rounding says.
 */
import { addUnpacked } from './add.ts';
import { divideUnpacked } from './divide.ts';
import { fmaUnpacked } from './fma.ts';
import { Flag, type FloatEnv, NAN32 } from './format.ts';
import {
  roundToIntegral,
  setInteger,
  setSigned,
  toSigned32,
  toSigned64,
  toUnsigned32,
  toUnsigned64,
} from './integer.ts';
import { multiplyUnpacked } from './multiply.ts';
import { raiseNan } from './nan.ts';
import { pack32, pack64 } from './pack.ts';
import { sqrtUnpacked } from './sqrt.ts';
import { Kind, Unpacked, unpack32 } from './unpacked.ts';

const SIGN = -0x8000_0000;

/** Bits of a quotient or root that rounding needs: 24, and the highest one below; two to spare. */
const DIGITS = 27;

const x = new Unpacked();
const y = new Unpacked();
const z = new Unpacked();
const r = new Unpacked();

/** a + b. */
export function add(env: FloatEnv, a: number, b: number): number {
  unpack32(a, x);
  unpack32(b, y);
  addUnpacked(env, x, y, r);
  return pack32(env, r);
}

/** a − b. */
export function sub(env: FloatEnv, a: number, b: number): number {
  return add(env, a, b ^ SIGN);
}

/** a × b. */
export function mul(env: FloatEnv, a: number, b: number): number {
  unpack32(a, x);
  unpack32(b, y);
  multiplyUnpacked(env, x, y, r);
  return pack32(env, r);
}

/** a ÷ b. */
export function div(env: FloatEnv, a: number, b: number): number {
  unpack32(a, x);
  unpack32(b, y);
  divideUnpacked(env, x, y, r, DIGITS);
  return pack32(env, r);
}

/** √a. */
export function sqrt(env: FloatEnv, a: number): number {
  unpack32(a, x);
  sqrtUnpacked(env, x, r, DIGITS);
  return pack32(env, r);
}

/** a × b + c with one rounding. */
export function fma(env: FloatEnv, a: number, b: number, c: number): number {
  unpack32(a, x);
  unpack32(b, y);
  unpack32(c, z);
  fmaUnpacked(env, x, y, z, r);
  return pack32(env, r);
}

/** Whether the bits are a NaN. */
export function isNan(a: number): boolean {
  return (a & 0x7fff_ffff) > 0x7f80_0000;
}

/** Whether the bits are a signaling NaN. */
export function isSignaling(a: number): boolean {
  return isNan(a) && (a & 0x40_0000) === 0;
}

/** a < b for values that are not NaN; zeros are equal. */
function isLess(a: number, b: number): boolean {
  if (((a | b) & 0x7fff_ffff) === 0) return false;
  // Order as sign and magnitude; negative ones run against the order of their bits.
  if (a < 0) return b >= 0 || a > b;
  return b >= 0 && a < b;
}

function isEqual(a: number, b: number): boolean {
  return a === b || ((a | b) & 0x7fff_ffff) === 0;
}

/** feq: 1 if equal; a quiet comparison: NV for signaling NaNs alone (21.8). */
export function eq(env: FloatEnv, a: number, b: number): number {
  if (hasNanQuiet(env, a, b)) return 0;
  return isEqual(a, b) ? 1 : 0;
}

/** flt: 1 if a < b; NV for any NaN. */
export function lt(env: FloatEnv, a: number, b: number): number {
  if (hasNanLoud(env, a, b)) return 0;
  return isLess(a, b) ? 1 : 0;
}

/** fle: 1 if a ≤ b; NV for any NaN. */
export function le(env: FloatEnv, a: number, b: number): number {
  if (hasNanLoud(env, a, b)) return 0;
  return isLess(b, a) ? 0 : 1;
}

/** fltq: as flt, NV for signaling NaNs alone (27.6). */
export function ltq(env: FloatEnv, a: number, b: number): number {
  if (hasNanQuiet(env, a, b)) return 0;
  return isLess(a, b) ? 1 : 0;
}

/** fleq: as fle, NV for signaling NaNs alone (27.6). */
export function leq(env: FloatEnv, a: number, b: number): number {
  if (hasNanQuiet(env, a, b)) return 0;
  return isLess(b, a) ? 0 : 1;
}

function hasNanLoud(env: FloatEnv, a: number, b: number): boolean {
  if (!isNan(a) && !isNan(b)) return false;
  env.flags |= Flag.NV;
  return true;
}

function hasNanQuiet(env: FloatEnv, a: number, b: number): boolean {
  if (!isNan(a) && !isNan(b)) return false;
  if (isSignaling(a) || isSignaling(b)) env.flags |= Flag.NV;
  return true;
}

/** fmin: minimumNumber of IEEE 754-2019 9.6: a NaN only if both are; −0 is below +0 (21.6). */
export function min(env: FloatEnv, a: number, b: number): number {
  if (hasNanQuiet(env, a, b)) return numberOf(a, b);
  return isBefore(a, b) ? a : b;
}

/** fmax: maximumNumber; see min. */
export function max(env: FloatEnv, a: number, b: number): number {
  if (hasNanQuiet(env, a, b)) return numberOf(a, b);
  return isBefore(a, b) ? b : a;
}

/** fminm: minimum of IEEE 754-2019 9.6: a NaN if either is (27.2). */
export function minm(env: FloatEnv, a: number, b: number): number {
  if (hasNanQuiet(env, a, b)) return NAN32;
  return isBefore(a, b) ? a : b;
}

/** fmaxm: maximum; see minm. */
export function maxm(env: FloatEnv, a: number, b: number): number {
  if (hasNanQuiet(env, a, b)) return NAN32;
  return isBefore(a, b) ? b : a;
}

/** Total order of numbers, with −0 before +0. */
function isBefore(a: number, b: number): boolean {
  return a < 0 ? b >= 0 || a > b : b >= 0 && a < b;
}

function numberOf(a: number, b: number): number {
  if (!isNan(a)) return a;
  return isNan(b) ? NAN32 : b;
}

/** fclass: the one bit that tells the class (21.9, table "Format of result of FCLASS"). */
export function classify(a: number): number {
  const negative = a < 0;
  const exponent = (a >>> 23) & 0xff;
  const fraction = a & 0x7f_ffff;
  if (exponent === 0xff) {
    if (fraction === 0) return negative ? 1 << 0 : 1 << 7;
    return (fraction & 0x40_0000) === 0 ? 1 << 8 : 1 << 9;
  }
  if (exponent !== 0) return negative ? 1 << 1 : 1 << 6;
  if (fraction !== 0) return negative ? 1 << 2 : 1 << 5;
  return negative ? 1 << 3 : 1 << 4;
}

/** fround: to an integral value; NX is not raised (27.3). */
export function round(env: FloatEnv, a: number): number {
  roundExact(env, a);
  return pack32(env, x);
}

/** froundnx: as round, and NX if the value changed. */
export function roundnx(env: FloatEnv, a: number): number {
  if (roundExact(env, a)) env.flags |= Flag.NX;
  return pack32(env, x);
}

function roundExact(env: FloatEnv, a: number): boolean {
  unpack32(a, x);
  if (x.kind === Kind.SIGNALING_NAN) raiseNan(env, x, x, x);
  return roundToIntegral(env, x);
}

/** fcvt.w.s. */
export function toI32(env: FloatEnv, a: number): number {
  unpack32(a, x);
  return toSigned32(env, x);
}

/** fcvt.wu.s, as a signed 32-bit number. */
export function toU32(env: FloatEnv, a: number): number {
  unpack32(a, x);
  return toUnsigned32(env, x);
}

/** fcvt.l.s, into env.lo and env.hi. */
export function toI64(env: FloatEnv, a: number): void {
  unpack32(a, x);
  toSigned64(env, x);
}

/** fcvt.lu.s, into env.lo and env.hi. */
export function toU64(env: FloatEnv, a: number): void {
  unpack32(a, x);
  toUnsigned64(env, x);
}

/** fcvt.s.l, and fcvt.s.w of a sign-extended word. */
export function fromI64(env: FloatEnv, lo: number, hi: number): number {
  setSigned(x, lo, hi);
  return pack32(env, x);
}

/** fcvt.s.lu, and fcvt.s.wu of a zero-extended word. */
export function fromU64(env: FloatEnv, lo: number, hi: number): number {
  setInteger(x, 0, lo, hi);
  return pack32(env, x);
}

/** fcvt.d.s: exact, but a signaling NaN raises NV; into env.lo and env.hi. */
export function toF64(env: FloatEnv, a: number): void {
  unpack32(a, x);
  if (x.isNan()) raiseNan(env, x, x, x);
  pack64(env, x);
}
