/**
 * Arithmetic on singles. The host computes in binary64 and rounds once more, which for these operations gives the
 * correctly rounded binary32 (53 ≥ 2 × 24 + 2: Figueroa, "When is double rounding innocuous?") as long as that is
 * normal; whether anything was lost is a matter of exact comparisons in binary64. Otherwise softfloat.
 */
import { isHalfway32, MIN_NORMAL32, sumError } from '../softfloat/host.ts';
import { Flag, f32 } from '../softfloat/index.ts';
import { BOX, FCSR, type FloatUnit, rounding } from './float-unit.ts';
import { type Factory, type HandlerTable, Outcome } from './handler.ts';

export type SingleArithmeticName =
  | 'fadd.s'
  | 'fsub.s'
  | 'fmul.s'
  | 'fdiv.s'
  | 'fsqrt.s'
  | 'fmadd.s'
  | 'fmsub.s'
  | 'fnmsub.s'
  | 'fnmadd.s'
  | 'fround.s'
  | 'froundnx.s';

const NX = Flag.NX;
const SIGN = -0x8000_0000;

/** Handlers for SingleArithmeticName. */
export function singleArithmetic(unit: FloatUnit): HandlerTable<SingleArithmeticName> {
  return { ...sums(unit), ...product(unit), ...quotientAndRoot(unit), ...fusedOps(unit), ...integral(unit) };
}

function sums(unit: FloatUnit): Record<'fadd.s' | 'fsub.s', Factory> {
  return {
    'fadd.s': sumOp(unit, 1, f32.add),
    'fsub.s': sumOp(unit, -1, f32.sub),
  };
}

function sumOp(unit: FloatUnit, signB: 1 | -1, exact: typeof f32.add): Factory {
  const { f, fSingle, words } = unit;
  return rounding(
    ({ d, s, t, rm, mask }) =>
      () => {
        const state = words[FCSR] & mask;
        if (f[s + 1] === BOX && f[t + 1] === BOX && state <= NX) {
          const a = fSingle[s];
          const b = fSingle[t] * signB;
          const sum = a + b;
          const r = Math.fround(sum);
          // A sum of binary32 is exact if it is subnormal: no UF.
          if (r - r === 0) {
            // If the binary64 sum lost something, taking away the larger operand does not leave the other.
            if (r !== sum || sum - a !== b || sum - b !== a) words[FCSR] |= NX;
            fSingle[d] = r;
            f[d + 1] = BOX;
            return 0;
          }
        }
        return unit.binary32(exact, rm, d, s, t);
      },
    ({ d, s, t, rm }) =>
      () =>
        unit.binary32(exact, rm, d, s, t),
  );
}

function product(unit: FloatUnit): Record<'fmul.s', Factory> {
  const { f, fSingle, words } = unit;
  return {
    'fmul.s': rounding(
      ({ d, s, t, rm, mask }) =>
        () => {
          if (f[s + 1] === BOX && f[t + 1] === BOX && (words[FCSR] & mask) <= NX) {
            // Exact: 48 bits, and no exponent is out of range.
            const whole = fSingle[s] * fSingle[t];
            const r = Math.fround(whole);
            const size = Math.abs(r);
            if (r === whole || (size > MIN_NORMAL32 && size < Number.POSITIVE_INFINITY)) {
              if (r !== whole) words[FCSR] |= NX;
              fSingle[d] = r;
              f[d + 1] = BOX;
              return 0;
            }
          }
          return unit.binary32(f32.mul, rm, d, s, t);
        },
      ({ d, s, t, rm }) =>
        () =>
          unit.binary32(f32.mul, rm, d, s, t),
    ),
  };
}

function quotientAndRoot(unit: FloatUnit): Record<'fdiv.s' | 'fsqrt.s', Factory> {
  const { f, fSingle, words } = unit;
  return {
    'fdiv.s': rounding(
      ({ d, s, t, rm, mask }) =>
        () => {
          if (f[s + 1] === BOX && f[t + 1] === BOX && (words[FCSR] & mask) <= NX) {
            const a = fSingle[s];
            const b = fSingle[t];
            const r = Math.fround(a / b);
            const size = Math.abs(r);
            if (size > MIN_NORMAL32 && size < Number.POSITIVE_INFINITY) {
              // The product back is exact in binary64.
              if (r * b !== a) words[FCSR] |= NX;
              fSingle[d] = r;
              f[d + 1] = BOX;
              return 0;
            }
          }
          return unit.binary32(f32.div, rm, d, s, t);
        },
      ({ d, s, t, rm }) =>
        () =>
          unit.binary32(f32.div, rm, d, s, t),
    ),
    'fsqrt.s': rounding(
      ({ d, s, rm, mask }) =>
        () => {
          if (f[s + 1] === BOX && (words[FCSR] & mask) <= NX) {
            const a = fSingle[s];
            if (a > 0 && a < Number.POSITIVE_INFINITY) {
              const r = Math.fround(Math.sqrt(a));
              if (r * r !== a) words[FCSR] |= NX;
              fSingle[d] = r;
              f[d + 1] = BOX;
              return 0;
            }
          }
          return unit.unary32(f32.sqrt, rm, d, s);
        },
      ({ d, s, rm }) =>
        () =>
          unit.unary32(f32.sqrt, rm, d, s),
    ),
  };
}

function fusedOps(unit: FloatUnit): Record<'fmadd.s' | 'fmsub.s' | 'fnmsub.s' | 'fnmadd.s', Factory> {
  return {
    'fmadd.s': fusedOp(unit, false, false),
    'fmsub.s': fusedOp(unit, false, true),
    'fnmsub.s': fusedOp(unit, true, false),
    'fnmadd.s': fusedOp(unit, true, true),
  };
}

/** ±(rs1 × rs2) ± rs3, as one multiply-add of operands with turned signs. */
function fusedOp(unit: FloatUnit, negateProduct: boolean, negateAddend: boolean): Factory {
  const { env, f, fSingle, words } = unit;
  const turnA = negateProduct ? SIGN : 0;
  const turnC = negateAddend ? SIGN : 0;
  const signA = negateProduct ? -1 : 1;
  const signC = negateAddend ? -1 : 1;
  const exact = (rm: number, d: number, s: number, t: number, u: number): number => {
    if (!unit.begin(rm)) return Outcome.ILLEGAL;
    unit.setSingle(d, f32.fma(env, unit.single(s) ^ turnA, unit.single(t), unit.single(u) ^ turnC));
    unit.end();
    return Outcome.NEXT;
  };
  return rounding(
    ({ d, s, t, u, rm, mask }) =>
      () => {
        if (f[s + 1] === BOX && f[t + 1] === BOX && f[u + 1] === BOX && (words[FCSR] & mask) <= NX) {
          // The product is exact; the sum is rounded to binary64 first. Rounding that again to binary32 is right unless
          // the first rounding made a tie.
          const whole = fSingle[s] * fSingle[t] * signA;
          const c = fSingle[u] * signC;
          const sum = whole + c;
          const r = Math.fround(sum);
          const size = Math.abs(r);
          if (size > MIN_NORMAL32 && size < Number.POSITIVE_INFINITY && !isHalfway32(sum)) {
            if (r !== sum || sumError(whole, c, sum) !== 0) words[FCSR] |= NX;
            fSingle[d] = r;
            f[d + 1] = BOX;
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

function integral(unit: FloatUnit): Record<'fround.s' | 'froundnx.s', Factory> {
  return {
    'fround.s': ({ rd, rs1, rm }) => {
      const d = rd * 2;
      const s = rs1 * 2;
      return () => unit.unary32(f32.round, rm, d, s);
    },
    'froundnx.s': ({ rd, rs1, rm }) => {
      const d = rd * 2;
      const s = rs1 * 2;
      return () => unit.unary32(f32.roundnx, rm, d, s);
    },
  };
}
