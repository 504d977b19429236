/**
 * Arithmetic on doubles. The host computes when it must agree in result and flags: rounding to nearest, finite operands,
 * results that are normal; its rounding error tells NX, unless that is set already. Otherwise softfloat.
 */

import { fused, fusedMultiplyAdd, MIN_NORMAL64, productError, quotientError, sumError } from '../softfloat/host.ts';
import { Flag, f64 } from '../softfloat/index.ts';
import { FCSR, type FloatUnit, rounding } from './float-unit.ts';
import { type Factory, type HandlerTable, type Op, Outcome } from './handler.ts';

export type DoubleArithmeticName =
  | 'fadd.d'
  | 'fsub.d'
  | 'fmul.d'
  | 'fdiv.d'
  | 'fsqrt.d'
  | 'fmadd.d'
  | 'fmsub.d'
  | 'fnmsub.d'
  | 'fnmadd.d'
  | 'fround.d'
  | 'froundnx.d';

const NX = Flag.NX;
const SIGN = -0x8000_0000;

/** Handlers for DoubleArithmeticName. */
export function doubleArithmetic(unit: FloatUnit): HandlerTable<DoubleArithmeticName> {
  return { ...sums(unit), ...product(unit), ...quotientAndRoot(unit), ...fusedOps(unit), ...integral(unit) };
}

function sums(unit: FloatUnit): Record<'fadd.d' | 'fsub.d', Factory> {
  const { fDouble, words } = unit;
  // A sum of binary64 is exact if it is subnormal: no UF.
  return {
    'fadd.d': rounding(
      ({ rd, rs1, rs2, d, s, t, rm, mask }) =>
        () => {
          const a = fDouble[rs1];
          const b = fDouble[rs2];
          const sum = a + b;
          const state = words[FCSR] & mask;
          if (sum - sum === 0 && state <= NX) {
            const error = state === NX ? 0 : sumError(a, b, sum);
            if (error - error === 0) {
              if (error !== 0) words[FCSR] |= NX;
              fDouble[rd] = sum;
              return 0;
            }
          }
          return unit.binary64(f64.add, rm, d, s, t);
        },
      ({ d, s, t, rm }) =>
        () =>
          unit.binary64(f64.add, rm, d, s, t),
    ),
    'fsub.d': rounding(
      ({ rd, rs1, rs2, d, s, t, rm, mask }) =>
        () => {
          const a = fDouble[rs1];
          const b = fDouble[rs2];
          const difference = a - b;
          const state = words[FCSR] & mask;
          if (difference - difference === 0 && state <= NX) {
            const error = state === NX ? 0 : sumError(a, -b, difference);
            if (error - error === 0) {
              if (error !== 0) words[FCSR] |= NX;
              fDouble[rd] = difference;
              return 0;
            }
          }
          return unit.binary64(f64.sub, rm, d, s, t);
        },
      ({ d, s, t, rm }) =>
        () =>
          unit.binary64(f64.sub, rm, d, s, t),
    ),
  };
}

function product(unit: FloatUnit): Record<'fmul.d', Factory> {
  const { fDouble, words } = unit;
  return {
    'fmul.d': rounding(
      ({ rd, rs1, rs2, d, s, t, rm, mask }) =>
        () => {
          const a = fDouble[rs1];
          const b = fDouble[rs2];
          const r = a * b;
          const size = Math.abs(r);
          const state = words[FCSR] & mask;
          if (size > MIN_NORMAL64 && size < Number.POSITIVE_INFINITY && state <= NX) {
            const error = state === NX ? 0 : productError(a, b, r);
            if (error - error === 0) {
              if (error !== 0) words[FCSR] |= NX;
              fDouble[rd] = r;
              return 0;
            }
          } else if (r === 0 && (a === 0 || b === 0) && state <= NX) {
            fDouble[rd] = r;
            return 0;
          }
          return unit.binary64(f64.mul, rm, d, s, t);
        },
      ({ d, s, t, rm }) =>
        () =>
          unit.binary64(f64.mul, rm, d, s, t),
    ),
  };
}

function quotientAndRoot(unit: FloatUnit): Record<'fdiv.d' | 'fsqrt.d', Factory> {
  const { fDouble, words } = unit;
  return {
    'fdiv.d': rounding(
      ({ rd, rs1, rs2, d, s, t, rm, mask }) =>
        () => {
          const a = fDouble[rs1];
          const b = fDouble[rs2];
          const r = a / b;
          const size = Math.abs(r);
          const state = words[FCSR] & mask;
          if (size > MIN_NORMAL64 && size < Number.POSITIVE_INFINITY && state <= NX) {
            const error = state === NX ? 0 : quotientError(a, b, r);
            if (error - error === 0) {
              if (error !== 0) words[FCSR] |= NX;
              fDouble[rd] = r;
              return 0;
            }
          } else if (r === 0 && a === 0 && state <= NX) {
            fDouble[rd] = r;
            return 0;
          }
          return unit.binary64(f64.div, rm, d, s, t);
        },
      ({ d, s, t, rm }) =>
        () =>
          unit.binary64(f64.div, rm, d, s, t),
    ),
    'fsqrt.d': rounding(
      ({ rd, rs1, d, s, rm, mask }) =>
        () => {
          const a = fDouble[rs1];
          const state = words[FCSR] & mask;
          if (a > 0 && a < Number.POSITIVE_INFINITY && state <= NX) {
            const r = Math.sqrt(a);
            // The root is exact if the number divided by it gives it again.
            const error = state === NX ? 0 : quotientError(a, r, r);
            if (error - error === 0) {
              if (error !== 0) words[FCSR] |= NX;
              fDouble[rd] = r;
              return 0;
            }
          }
          return unit.unary64(f64.sqrt, rm, d, s);
        },
      ({ d, s, rm }) =>
        () =>
          unit.unary64(f64.sqrt, rm, d, s),
    ),
  };
}

function fusedOps(unit: FloatUnit): Record<'fmadd.d' | 'fmsub.d' | 'fnmsub.d' | 'fnmadd.d', Factory> {
  return {
    'fmadd.d': fusedOp(unit, false, false),
    'fmsub.d': fusedOp(unit, false, true),
    'fnmsub.d': fusedOp(unit, true, false),
    'fnmadd.d': fusedOp(unit, true, true),
  };
}

/** ±(rs1 × rs2) ± rs3, as one multiply-add of operands with turned signs. */
function fusedOp(unit: FloatUnit, negateProduct: boolean, negateAddend: boolean): Factory {
  const { env, f, fDouble, words } = unit;
  const turnA = negateProduct ? SIGN : 0;
  const turnC = negateAddend ? SIGN : 0;
  const signA = negateProduct ? -1 : 1;
  const signC = negateAddend ? -1 : 1;
  const exact = (rm: number, d: number, s: number, t: number, u: number): number => {
    if (!unit.begin(rm)) return Outcome.ILLEGAL;
    f64.fma(env, f[s], f[s + 1] ^ turnA, f[t], f[t + 1], f[u], f[u + 1] ^ turnC);
    f[d] = env.lo;
    f[d + 1] = env.hi;
    unit.end();
    return Outcome.NEXT;
  };
  return rounding(
    ({ rd, rs1, rs2, rs3, d, s, t, u, rm, mask }): Op =>
      () => {
        if ((words[FCSR] & mask) <= NX) {
          const r = fusedMultiplyAdd(fDouble[rs1] * signA, fDouble[rs2], fDouble[rs3] * signC);
          if (r - r === 0) {
            if (fused.inexact) words[FCSR] |= NX;
            fDouble[rd] = r;
            return 0;
          }
        }
        return exact(rm, d, s, t, u);
      },
    ({ d, s, t, u, rm }) =>
      () =>
        exact(rm, d, s, t, u),
  );
}

function integral(unit: FloatUnit): Record<'fround.d' | 'froundnx.d', Factory> {
  return {
    'fround.d': ({ rd, rs1, rm }) => {
      const d = rd * 2;
      const s = rs1 * 2;
      return () => unit.unary64(f64.round, rm, d, s);
    },
    'froundnx.d': ({ rd, rs1, rm }) => {
      const d = rd * 2;
      const s = rs1 * 2;
      return () => unit.unary64(f64.roundnx, rm, d, s);
    },
  };
}
