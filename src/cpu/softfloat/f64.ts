/**
 * Operations on binary64 (D, and the double-precision part of Zfa). Operands are halves as signed 32-bit numbers, low
 * half first; a 64-bit result is left in env.lo and env.hi. Every operation adds to env.flags; those that round do so
 * as env.rounding says. What an operation does is documented at its twin in f32.ts.
 */
import { addUnpacked } from './add.ts';
import { divideUnpacked } from './divide.ts';
import { fmaUnpacked } from './fma.ts';
import { Flag, type FloatEnv, NAN64_HI } from './format.ts';
import {
  roundToIntegral,
  setInteger,
  setSigned,
  toSigned32,
  toSigned32Modular,
  toSigned64,
  toUnsigned32,
  toUnsigned64,
} from './integer.ts';
import { multiplyUnpacked } from './multiply.ts';
import { raiseNan } from './nan.ts';
import { pack32, pack64 } from './pack.ts';
import { sqrtUnpacked } from './sqrt.ts';
import { Kind, Unpacked, unpack64 } from './unpacked.ts';

const SIGN = -0x8000_0000;

/** Bits of a quotient or root that rounding needs: 53, and the highest one below; one to spare. */
const DIGITS = 55;

const x = new Unpacked();
const y = new Unpacked();
const z = new Unpacked();
const r = new Unpacked();

/** a + b. */
export function add(env: FloatEnv, aLo: number, aHi: number, bLo: number, bHi: number): void {
  unpack64(aLo, aHi, x);
  unpack64(bLo, bHi, y);
  addUnpacked(env, x, y, r);
  pack64(env, r);
}

/** a − b. */
export function sub(env: FloatEnv, aLo: number, aHi: number, bLo: number, bHi: number): void {
  add(env, aLo, aHi, bLo, bHi ^ SIGN);
}

/** a × b. */
export function mul(env: FloatEnv, aLo: number, aHi: number, bLo: number, bHi: number): void {
  unpack64(aLo, aHi, x);
  unpack64(bLo, bHi, y);
  multiplyUnpacked(env, x, y, r);
  pack64(env, r);
}

/** a ÷ b. */
export function div(env: FloatEnv, aLo: number, aHi: number, bLo: number, bHi: number): void {
  unpack64(aLo, aHi, x);
  unpack64(bLo, bHi, y);
  divideUnpacked(env, x, y, r, DIGITS);
  pack64(env, r);
}

/** √a. */
export function sqrt(env: FloatEnv, lo: number, hi: number): void {
  unpack64(lo, hi, x);
  sqrtUnpacked(env, x, r, DIGITS);
  pack64(env, r);
}

/** a × b + c with one rounding. */
export function fma(env: FloatEnv, aLo: number, aHi: number, bLo: number, bHi: number, cLo: number, cHi: number): void {
  unpack64(aLo, aHi, x);
  unpack64(bLo, bHi, y);
  unpack64(cLo, cHi, z);
  fmaUnpacked(env, x, y, z, r);
  pack64(env, r);
}

/** Whether the bits are a NaN. */
export function isNan(lo: number, hi: number): boolean {
  const magnitude = hi & 0x7fff_ffff;
  return magnitude > 0x7ff0_0000 || (magnitude === 0x7ff0_0000 && lo !== 0);
}

/** Whether the bits are a signaling NaN. */
export function isSignaling(lo: number, hi: number): boolean {
  return isNan(lo, hi) && (hi & 0x8_0000) === 0;
}

/** Total order of numbers, with −0 before +0. */
function isBefore(aLo: number, aHi: number, bLo: number, bHi: number): boolean {
  if (aHi < 0) return bHi >= 0 || aHi > bHi || (aHi === bHi && aLo >>> 0 > bLo >>> 0);
  return bHi >= 0 && (aHi < bHi || (aHi === bHi && aLo >>> 0 < bLo >>> 0));
}

function areZeros(aLo: number, aHi: number, bLo: number, bHi: number): boolean {
  return (aLo | bLo | ((aHi | bHi) & 0x7fff_ffff)) === 0;
}

function isLess(aLo: number, aHi: number, bLo: number, bHi: number): boolean {
  return isBefore(aLo, aHi, bLo, bHi) && !areZeros(aLo, aHi, bLo, bHi);
}

/** feq. */
export function eq(env: FloatEnv, aLo: number, aHi: number, bLo: number, bHi: number): number {
  if (hasNanQuiet(env, aLo, aHi, bLo, bHi)) return 0;
  return (aLo === bLo && aHi === bHi) || areZeros(aLo, aHi, bLo, bHi) ? 1 : 0;
}

/** flt. */
export function lt(env: FloatEnv, aLo: number, aHi: number, bLo: number, bHi: number): number {
  if (hasNanLoud(env, aLo, aHi, bLo, bHi)) return 0;
  return isLess(aLo, aHi, bLo, bHi) ? 1 : 0;
}

/** fle. */
export function le(env: FloatEnv, aLo: number, aHi: number, bLo: number, bHi: number): number {
  if (hasNanLoud(env, aLo, aHi, bLo, bHi)) return 0;
  return isLess(bLo, bHi, aLo, aHi) ? 0 : 1;
}

/** fltq. */
export function ltq(env: FloatEnv, aLo: number, aHi: number, bLo: number, bHi: number): number {
  if (hasNanQuiet(env, aLo, aHi, bLo, bHi)) return 0;
  return isLess(aLo, aHi, bLo, bHi) ? 1 : 0;
}

/** fleq. */
export function leq(env: FloatEnv, aLo: number, aHi: number, bLo: number, bHi: number): number {
  if (hasNanQuiet(env, aLo, aHi, bLo, bHi)) return 0;
  return isLess(bLo, bHi, aLo, aHi) ? 0 : 1;
}

function hasNanLoud(env: FloatEnv, aLo: number, aHi: number, bLo: number, bHi: number): boolean {
  if (!isNan(aLo, aHi) && !isNan(bLo, bHi)) return false;
  env.flags |= Flag.NV;
  return true;
}

function hasNanQuiet(env: FloatEnv, aLo: number, aHi: number, bLo: number, bHi: number): boolean {
  if (!isNan(aLo, aHi) && !isNan(bLo, bHi)) return false;
  if (isSignaling(aLo, aHi) || isSignaling(bLo, bHi)) env.flags |= Flag.NV;
  return true;
}

/** fmin. */
export function min(env: FloatEnv, aLo: number, aHi: number, bLo: number, bHi: number): void {
  if (hasNanQuiet(env, aLo, aHi, bLo, bHi)) setNumberOf(env, aLo, aHi, bLo, bHi);
  else if (isBefore(aLo, aHi, bLo, bHi)) setResult(env, aLo, aHi);
  else setResult(env, bLo, bHi);
}

/** fmax. */
export function max(env: FloatEnv, aLo: number, aHi: number, bLo: number, bHi: number): void {
  if (hasNanQuiet(env, aLo, aHi, bLo, bHi)) setNumberOf(env, aLo, aHi, bLo, bHi);
  else if (isBefore(aLo, aHi, bLo, bHi)) setResult(env, bLo, bHi);
  else setResult(env, aLo, aHi);
}

/** fminm. */
export function minm(env: FloatEnv, aLo: number, aHi: number, bLo: number, bHi: number): void {
  if (hasNanQuiet(env, aLo, aHi, bLo, bHi)) setResult(env, 0, NAN64_HI);
  else if (isBefore(aLo, aHi, bLo, bHi)) setResult(env, aLo, aHi);
  else setResult(env, bLo, bHi);
}

/** fmaxm. */
export function maxm(env: FloatEnv, aLo: number, aHi: number, bLo: number, bHi: number): void {
  if (hasNanQuiet(env, aLo, aHi, bLo, bHi)) setResult(env, 0, NAN64_HI);
  else if (isBefore(aLo, aHi, bLo, bHi)) setResult(env, bLo, bHi);
  else setResult(env, aLo, aHi);
}

function setResult(env: FloatEnv, lo: number, hi: number): void {
  env.lo = lo;
  env.hi = hi;
}

function setNumberOf(env: FloatEnv, aLo: number, aHi: number, bLo: number, bHi: number): void {
  if (!isNan(aLo, aHi)) setResult(env, aLo, aHi);
  else if (!isNan(bLo, bHi)) setResult(env, bLo, bHi);
  else setResult(env, 0, NAN64_HI);
}

/** fclass. */
export function classify(lo: number, hi: number): number {
  const negative = hi < 0;
  const exponent = (hi >>> 20) & 0x7ff;
  const zeroFraction = ((hi & 0xf_ffff) | lo) === 0;
  if (exponent === 0x7ff) {
    if (zeroFraction) return negative ? 1 << 0 : 1 << 7;
    return (hi & 0x8_0000) === 0 ? 1 << 8 : 1 << 9;
  }
  if (exponent !== 0) return negative ? 1 << 1 : 1 << 6;
  if (!zeroFraction) return negative ? 1 << 2 : 1 << 5;
  return negative ? 1 << 3 : 1 << 4;
}

/** fround. */
export function round(env: FloatEnv, lo: number, hi: number): void {
  roundExact(env, lo, hi);
  pack64(env, x);
}

/** froundnx. */
export function roundnx(env: FloatEnv, lo: number, hi: number): void {
  if (roundExact(env, lo, hi)) env.flags |= Flag.NX;
  pack64(env, x);
}

function roundExact(env: FloatEnv, lo: number, hi: number): boolean {
  unpack64(lo, hi, x);
  if (x.kind === Kind.SIGNALING_NAN) raiseNan(env, x, x, x);
  return roundToIntegral(env, x);
}

/** fcvt.w.d. */
export function toI32(env: FloatEnv, lo: number, hi: number): number {
  unpack64(lo, hi, x);
  return toSigned32(env, x);
}

/** fcvt.wu.d, as a signed 32-bit number. */
export function toU32(env: FloatEnv, lo: number, hi: number): number {
  unpack64(lo, hi, x);
  return toUnsigned32(env, x);
}

/** fcvtmod.w.d. */
export function toI32Modular(env: FloatEnv, lo: number, hi: number): number {
  unpack64(lo, hi, x);
  return toSigned32Modular(env, x);
}

/** fcvt.l.d. */
export function toI64(env: FloatEnv, lo: number, hi: number): void {
  unpack64(lo, hi, x);
  toSigned64(env, x);
}

/** fcvt.lu.d. */
export function toU64(env: FloatEnv, lo: number, hi: number): void {
  unpack64(lo, hi, x);
  toUnsigned64(env, x);
}

/** fcvt.d.l, and fcvt.d.w of a sign-extended word. */
export function fromI64(env: FloatEnv, lo: number, hi: number): void {
  setSigned(x, lo, hi);
  pack64(env, x);
}

/** fcvt.d.lu, and fcvt.d.wu of a zero-extended word. */
export function fromU64(env: FloatEnv, lo: number, hi: number): void {
  setInteger(x, 0, lo, hi);
  pack64(env, x);
}

/** fcvt.s.d: returns the binary32. */
export function toF32(env: FloatEnv, lo: number, hi: number): number {
  unpack64(lo, hi, x);
  if (x.isNan()) raiseNan(env, x, x, x);
  return pack32(env, x);
}
