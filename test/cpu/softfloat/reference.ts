/**
 * An independent reference for IEEE 754 arithmetic: exact rational numbers in bigints, rounded once. Slow, and written
 * without a look at how src/cpu/softfloat does it.
 */

/** A binary interchange format. */
export interface Format {
  readonly bits: number;
  /** Digits of precision, the leading one included. */
  readonly p: number;
  readonly emin: number;
  readonly emax: number;
}

export const binary32: Format = { bits: 32, p: 24, emin: -126, emax: 127 };
export const binary64: Format = { bits: 64, p: 53, emin: -1022, emax: 1023 };

/** Result bits (unsigned) and flags (NX 1, UF 2, OF 4, DZ 8, NV 16). */
export interface Result {
  readonly bits: bigint;
  readonly flags: number;
}

/** Rounding modes by their RISC-V encoding. */
export const modes = ['rne', 'rtz', 'rdn', 'rup', 'rmm'] as const;
type Mode = (typeof modes)[number];

const NX = 1;
const UF = 2;
const OF = 4;
const DZ = 8;
const NV = 16;

/** A number num / den ≥ 0 with a sign of its own, so that zeros have one. */
interface Num {
  readonly kind: 'num';
  readonly negative: boolean;
  readonly num: bigint;
  readonly den: bigint;
}

type Value = Num | { readonly kind: 'inf'; readonly negative: boolean } | { readonly kind: 'nan'; signaling: boolean };

function fractionBits(f: Format): bigint {
  return BigInt(f.p - 1);
}

/** The value that the bits stand for. */
export function decode(f: Format, bits: bigint): Value {
  const fraction = bits & ((1n << fractionBits(f)) - 1n);
  const field = Number((bits >> fractionBits(f)) & ((1n << BigInt(f.bits - f.p)) - 1n));
  const negative = bits >> BigInt(f.bits - 1) === 1n;
  if (field === 2 * f.emax + 1) {
    if (fraction === 0n) return { kind: 'inf', negative };
    return { kind: 'nan', signaling: fraction >> (fractionBits(f) - 1n) === 0n };
  }
  const significand = field === 0 ? fraction : fraction | (1n << fractionBits(f));
  return scaled(negative, significand, Math.max(field, 1) - f.emax - (f.p - 1));
}

function scaled(negative: boolean, significand: bigint, exponent: number): Num {
  const e = BigInt(exponent);
  return exponent >= 0
    ? { kind: 'num', negative, num: significand << e, den: 1n }
    : { kind: 'num', negative, num: significand, den: 1n << -e };
}

function canonicalNan(f: Format): bigint {
  return infinity(f, false) | (1n << (fractionBits(f) - 1n));
}

function signBit(f: Format, negative: boolean): bigint {
  return negative ? 1n << BigInt(f.bits - 1) : 0n;
}

function infinity(f: Format, negative: boolean): bigint {
  return signBit(f, negative) | (BigInt(2 * f.emax + 1) << fractionBits(f));
}

function largest(f: Format, negative: boolean): bigint {
  return infinity(f, negative) - 1n;
}

const invalid = (f: Format): Result => ({ bits: canonicalNan(f), flags: NV });

function bitLength(n: bigint): number {
  return n.toString(2).length;
}

/** Floor of the binary logarithm of num / den > 0. */
function log2(num: bigint, den: bigint): number {
  const guess = bitLength(num) - bitLength(den);
  const [a, b] = guess >= 0 ? [num, den << BigInt(guess)] : [num << BigInt(-guess), den];
  return a >= b ? guess : guess - 1;
}

/** num / den × 2^-quantum rounded to an integer, and whether that was inexact. */
function quantize(mode: Mode, v: Num, quantum: number): { whole: bigint; inexact: boolean } {
  const num = quantum < 0 ? v.num << BigInt(-quantum) : v.num;
  const den = quantum > 0 ? v.den << BigInt(quantum) : v.den;
  const whole = num / den;
  const twice = 2n * (num % den);
  const inexact = twice !== 0n;
  const up = {
    rne: twice > den || (twice === den && whole % 2n === 1n),
    rtz: false,
    rdn: inexact && v.negative,
    rup: inexact && !v.negative,
    rmm: twice >= den,
  }[mode];
  return { whole: up ? whole + 1n : whole, inexact };
}

/** The one rounding: IEEE 754-2019 4.3, with 7.4 overflow, and 7.5 underflow detected after rounding. */
function round(f: Format, rm: number, v: Num): Result {
  const mode = modes[rm] as Mode;
  if (v.num === 0n) return { bits: signBit(f, v.negative), flags: 0 };
  const e = log2(v.num, v.den);
  const quantum = Math.max(e, f.emin) - (f.p - 1);
  const { whole, inexact } = quantize(mode, v, quantum);
  // whole × 2^quantum ≥ 2^(emax + 1)
  if (whole !== 0n && bitLength(whole) - 1 + quantum > f.emax) {
    const toInfinity = { rne: true, rtz: false, rdn: v.negative, rup: !v.negative, rmm: true }[mode];
    return { bits: toInfinity ? infinity(f, v.negative) : largest(f, v.negative), flags: OF | NX };
  }
  let flags = inexact ? NX : 0;
  if (inexact && e < f.emin) {
    const unbounded = e - (f.p - 1);
    const rounded = quantize(mode, v, unbounded).whole;
    if (bitLength(rounded) - 1 + unbounded < f.emin) flags |= UF;
  }
  // Fields put side by side: a subnormal's quantum is that of exponent field 1 without the leading one.
  const field = BigInt(quantum + (f.p - 1) + f.emax - 1) << fractionBits(f);
  return { bits: signBit(f, v.negative) | (field + whole), flags };
}

function hasSignaling(...values: Value[]): boolean {
  return values.some((v) => v.kind === 'nan' && v.signaling);
}

function nanResult(f: Format, ...values: Value[]): Result {
  return { bits: canonicalNan(f), flags: hasSignaling(...values) ? NV : 0 };
}

function isZero(v: Value): boolean {
  return v.kind === 'num' && v.num === 0n;
}

function addValues(f: Format, rm: number, a: Value, b: Value): Result {
  if (a.kind === 'nan' || b.kind === 'nan') return nanResult(f, a, b);
  if (a.kind === 'inf' || b.kind === 'inf') {
    if (a.kind === 'inf' && b.kind === 'inf' && a.negative !== b.negative) return invalid(f);
    return { bits: infinity(f, a.kind === 'inf' ? a.negative : b.negative), flags: 0 };
  }
  const signed = (v: Num) => (v.negative ? -v.num : v.num);
  const sum = signed(a) * b.den + signed(b) * a.den;
  // An exact zero: the common sign of zeros, else + but − when rounding down (6.3).
  const negative = sum < 0n || (sum === 0n && (a.negative === b.negative ? a.negative : rm === 2));
  return round(f, rm, { kind: 'num', negative, num: sum < 0n ? -sum : sum, den: a.den * b.den });
}

function multiplyValues(a: Value, b: Value): Value | 'invalid' {
  if (a.kind === 'nan' || b.kind === 'nan') return { kind: 'nan', signaling: hasSignaling(a, b) };
  const negative = a.negative !== b.negative;
  if (a.kind === 'inf' || b.kind === 'inf') {
    return isZero(a) || isZero(b) ? 'invalid' : { kind: 'inf', negative };
  }
  return { kind: 'num', negative, num: a.num * b.num, den: a.den * b.den };
}

export function add(f: Format, rm: number, a: bigint, b: bigint): Result {
  return addValues(f, rm, decode(f, a), decode(f, b));
}

export function sub(f: Format, rm: number, a: bigint, b: bigint): Result {
  return add(f, rm, a, b ^ signBit(f, true));
}

/** a × b + c. */
export function fma(f: Format, rm: number, a: bigint, b: bigint, c: bigint): Result {
  const addend = decode(f, c);
  const product = multiplyValues(decode(f, a), decode(f, b));
  return product === 'invalid' ? invalid(f) : addValues(f, rm, product, addend);
}

export function mul(f: Format, rm: number, a: bigint, b: bigint): Result {
  const product = multiplyValues(decode(f, a), decode(f, b));
  if (product === 'invalid') return invalid(f);
  if (product.kind === 'nan') return nanResult(f, product);
  return product.kind === 'inf' ? { bits: infinity(f, product.negative), flags: 0 } : round(f, rm, product);
}

export function div(f: Format, rm: number, aBits: bigint, bBits: bigint): Result {
  const a = decode(f, aBits);
  const b = decode(f, bBits);
  if (a.kind === 'nan' || b.kind === 'nan') return nanResult(f, a, b);
  const negative = a.negative !== b.negative;
  if (a.kind === 'inf') return b.kind === 'inf' ? invalid(f) : { bits: infinity(f, negative), flags: 0 };
  if (b.kind === 'inf') return { bits: signBit(f, negative), flags: 0 };
  if (b.num === 0n) return a.num === 0n ? invalid(f) : { bits: infinity(f, negative), flags: DZ };
  return round(f, rm, { kind: 'num', negative, num: a.num * b.den, den: a.den * b.num });
}

function integerRoot(n: bigint): bigint {
  if (n < 2n) return n;
  let x = 1n << BigInt((bitLength(n) + 1) >> 1);
  for (;;) {
    const next = (x + n / x) >> 1n;
    if (next >= x) return x;
    x = next;
  }
}

export function sqrt(f: Format, rm: number, bits: bigint): Result {
  const a = decode(f, bits);
  if (a.kind === 'nan') return nanResult(f, a);
  if (isZero(a)) return { bits, flags: 0 };
  if (a.negative) return invalid(f);
  if (a.kind === 'inf') return { bits, flags: 0 };
  // Denominators are powers of two; scaled by an even power to an integer with plenty of digits. A root that is not
  // exact lies strictly between `root` and `root + 1`: any number between them rounds the same way.
  const half = 600n;
  const scaledUp = (a.num << (4n * half)) / a.den;
  const root = integerRoot(scaledUp);
  const sticky = root * root === scaledUp ? 0n : 1n;
  return round(f, rm, { kind: 'num', negative: false, num: 2n * root + sticky, den: 2n << (2n * half) });
}

/** Conversion between formats. */
export function convert(from: Format, to: Format, rm: number, bits: bigint): Result {
  const a = decode(from, bits);
  if (a.kind === 'nan') return nanResult(to, a);
  return a.kind === 'inf' ? { bits: infinity(to, a.negative), flags: 0 } : round(to, rm, a);
}

export function fromInteger(f: Format, rm: number, value: bigint): Result {
  return round(f, rm, { kind: 'num', negative: value < 0n, num: value < 0n ? -value : value, den: 1n });
}

/** Conversion to an integer of `width` bits; the result's bits are sign-extended (or cut) to 64 as a register's. */
export function toInteger(f: Format, rm: number, bits: bigint, width: 32 | 64, signed: boolean): Result {
  const a = decode(f, bits);
  const min = signed ? -(1n << BigInt(width - 1)) : 0n;
  const max = signed ? (1n << BigInt(width - 1)) - 1n : (1n << BigInt(width)) - 1n;
  const register = (v: bigint) => BigInt.asUintN(64, BigInt.asIntN(width, v));
  if (a.kind === 'nan') return { bits: register(max), flags: NV };
  if (a.kind === 'inf') return { bits: register(a.negative ? min : max), flags: NV };
  const { whole, inexact } = quantize(modes[rm] as Mode, a, 0);
  const value = a.negative ? -whole : whole;
  if (value < min || value > max) return { bits: register(value < min ? min : max), flags: NV };
  return { bits: register(value), flags: inexact ? NX : 0 };
}

/** fcvtmod.w.d. */
export function toIntegerModular(bits: bigint): Result {
  const a = decode(binary64, bits);
  const { flags } = toInteger(binary64, 1, bits, 32, true);
  if (a.kind !== 'num') return { bits: 0n, flags };
  const whole = a.num / a.den;
  return { bits: BigInt.asUintN(64, BigInt.asIntN(32, a.negative ? -whole : whole)), flags };
}

/** fround (`exact` false: froundnx, which raises NX). */
export function roundToIntegral(f: Format, rm: number, bits: bigint, exact: boolean): Result {
  const a = decode(f, bits);
  if (a.kind === 'nan') return nanResult(f, a);
  if (a.kind === 'inf') return { bits, flags: 0 };
  const { whole, inexact } = quantize(modes[rm] as Mode, a, 0);
  const { bits: result } = round(f, rm, { kind: 'num', negative: a.negative, num: whole, den: 1n });
  return { bits: result, flags: inexact && !exact ? NX : 0 };
}

/** −1, 0, 1, or undefined if either is a NaN. Zeros are equal. */
function order(a: Value, b: Value): number | undefined {
  if (a.kind === 'nan' || b.kind === 'nan') return undefined;
  if (a.kind === 'num' && b.kind === 'num') {
    const difference = (a.negative ? -a.num : a.num) * b.den - (b.negative ? -b.num : b.num) * a.den;
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
  }
  const rank = (v: Value) => (v.kind !== 'inf' ? 0 : v.negative ? -1 : 1);
  return Math.sign(rank(a) - rank(b));
}

/** feq, flt, fle, fltq, fleq: 1 or 0. */
export function compare(f: Format, name: 'eq' | 'lt' | 'le' | 'ltq' | 'leq', aBits: bigint, bBits: bigint): Result {
  const a = decode(f, aBits);
  const b = decode(f, bBits);
  const sign = order(a, b);
  if (sign === undefined) {
    const loud = name === 'lt' || name === 'le';
    return { bits: 0n, flags: loud || hasSignaling(a, b) ? NV : 0 };
  }
  const holds = { eq: sign === 0, lt: sign < 0, ltq: sign < 0, le: sign <= 0, leq: sign <= 0 }[name];
  return { bits: holds ? 1n : 0n, flags: 0 };
}

/** fmin, fmax, fminm, fmaxm. */
export function extremum(f: Format, name: 'min' | 'max' | 'minm' | 'maxm', aBits: bigint, bBits: bigint): Result {
  const a = decode(f, aBits);
  const b = decode(f, bBits);
  const flags = hasSignaling(a, b) ? NV : 0;
  const sign = order(a, b);
  if (sign === undefined) {
    if (name.endsWith('m') || (a.kind === 'nan' && b.kind === 'nan')) return { bits: canonicalNan(f), flags };
    return { bits: a.kind === 'nan' ? bBits : aBits, flags };
  }
  const aFirst = sign < 0 || (sign === 0 && a.kind !== 'nan' && a.negative);
  return { bits: aFirst === name.startsWith('min') ? aBits : bBits, flags };
}

/** fclass. */
export function classify(f: Format, bits: bigint): number {
  const a = decode(f, bits);
  if (a.kind === 'nan') return a.signaling ? 1 << 8 : 1 << 9;
  const names = ['inf', 'normal', 'subnormal', 'zero'];
  const small = a.kind === 'num' && (a.num === 0n || log2(a.num, a.den) < f.emin);
  const name = a.kind === 'inf' ? 'inf' : isZero(a) ? 'zero' : small ? 'subnormal' : 'normal';
  const rank = names.indexOf(name);
  return 1 << (a.negative ? rank : 7 - rank);
}
