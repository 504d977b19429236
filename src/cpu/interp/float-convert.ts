/** Conversions between formats and from and to integers. The host converts what is in range; softfloat the rest. */
import { MIN_NORMAL32 } from '../softfloat/host.ts';
import { Flag, f32, f64, Rounding } from '../softfloat/index.ts';
import { BOX, FCSR, type FloatUnit, rounding } from './float-unit.ts';
import { type Factory, type HandlerTable, type Op, Outcome } from './handler.ts';

type Integer = 'w' | 'wu' | 'l' | 'lu';
type ToIntegerName = `fcvt.${Integer}.${'s' | 'd'}`;
type FromIntegerName = `fcvt.${'s' | 'd'}.${Integer}`;
export type ConvertName = ToIntegerName | FromIntegerName | 'fcvt.s.d' | 'fcvt.d.s' | 'fcvtmod.w.d';

const NX = Flag.NX;
const TWO31 = 2 ** 31;
const TWO32 = 2 ** 32;
const TWO63 = 2 ** 63;
const TWO64 = 2 ** 64;

/** Bits of fcsr that must be zero for the mode to be a legal one without looking closer: frm if that is what counts. */
function frmMask(rm: number): number {
  return rm === Rounding.DYN ? 0xe0 : 0;
}

/** Handlers for ConvertName. */
export function convertHandlers(unit: FloatUnit): HandlerTable<ConvertName> {
  return {
    'fcvt.w.d': doubleToWord(unit, -TWO31, TWO31, f64.toI32),
    'fcvt.wu.d': doubleToWord(unit, 0, TWO32, f64.toU32),
    'fcvt.l.d': doubleToLong(unit, -TWO63, TWO63, f64.toI64),
    'fcvt.lu.d': doubleToLong(unit, 0, TWO64, f64.toU64),
    'fcvtmod.w.d': modular(unit),
    'fcvt.w.s': singleToWord(unit, -TWO31, TWO31, f32.toI32),
    'fcvt.wu.s': singleToWord(unit, 0, TWO32, f32.toU32),
    'fcvt.l.s': singleToLong(unit, -TWO63, TWO63, f32.toI64),
    'fcvt.lu.s': singleToLong(unit, 0, TWO64, f32.toU64),
    ...wordToDouble(unit),
    ...longToDouble(unit),
    ...wordToSingle(unit),
    ...longToSingle(unit),
    ...betweenFormats(unit),
  };
}

/** Sets an integer register to a word, sign-extended: unsigned words are, too (Unprivileged spec 21.7). */
function setWord(unit: FloatUnit, d: number, word: number): number {
  unit.x[d] = word;
  unit.x[d + 1] = word >> 31;
  unit.end();
  return Outcome.NEXT;
}

/** Doubles in [low, high): exact ones in every mode, others by truncation when that is the mode. */
function doubleToWord(unit: FloatUnit, low: number, high: number, exact: typeof f64.toI32): Factory {
  const { env, x, f, fDouble, words } = unit;
  return ({ rd, rs1, rm }) => {
    const d = rd * 2;
    const s = rs1 * 2;
    const mask = frmMask(rm);
    return () => {
      const value = fDouble[rs1];
      if (value >= low && value < high && (words[FCSR] & mask) === 0) {
        const whole = Math.trunc(value);
        if (whole === value || rm === Rounding.RTZ) {
          if (whole !== value) words[FCSR] |= NX;
          const word = whole | 0;
          x[d] = word;
          x[d + 1] = word >> 31;
          return 0;
        }
      }
      if (!unit.begin(rm)) return Outcome.ILLEGAL;
      return setWord(unit, d, exact(env, f[s], f[s + 1]));
    };
  };
}

function singleToWord(unit: FloatUnit, low: number, high: number, exact: typeof f32.toI32): Factory {
  const { env, x, f, fSingle, words } = unit;
  return ({ rd, rs1, rm }) => {
    const d = rd * 2;
    const s = rs1 * 2;
    const mask = frmMask(rm);
    return () => {
      const value = fSingle[s];
      if (f[s + 1] === BOX && value >= low && value < high && (words[FCSR] & mask) === 0) {
        const whole = Math.trunc(value);
        if (whole === value || rm === Rounding.RTZ) {
          if (whole !== value) words[FCSR] |= NX;
          const word = whole | 0;
          x[d] = word;
          x[d + 1] = word >> 31;
          return 0;
        }
      }
      if (!unit.begin(rm)) return Outcome.ILLEGAL;
      return setWord(unit, d, exact(env, unit.single(s)));
    };
  };
}

/** Sets an integer register to what lies in env. */
function setLong(unit: FloatUnit, d: number): number {
  unit.x[d] = unit.env.lo;
  unit.x[d + 1] = unit.env.hi;
  unit.end();
  return Outcome.NEXT;
}

function doubleToLong(unit: FloatUnit, low: number, high: number, exact: typeof f64.toI64): Factory {
  const { env, x, f, fDouble, words } = unit;
  return ({ rd, rs1, rm }) => {
    const d = rd * 2;
    const s = rs1 * 2;
    const mask = frmMask(rm);
    return () => {
      const value = fDouble[rs1];
      if (value >= low && value < high && (words[FCSR] & mask) === 0) {
        const whole = Math.trunc(value);
        if (whole === value || rm === Rounding.RTZ) {
          if (whole !== value) words[FCSR] |= NX;
          const hi = Math.floor(whole / TWO32);
          x[d] = whole - hi * TWO32;
          x[d + 1] = hi;
          return 0;
        }
      }
      if (!unit.begin(rm)) return Outcome.ILLEGAL;
      exact(env, f[s], f[s + 1]);
      return setLong(unit, d);
    };
  };
}

function singleToLong(unit: FloatUnit, low: number, high: number, exact: typeof f32.toI64): Factory {
  const { x, f, fSingle, words } = unit;
  return ({ rd, rs1, rm }) => {
    const d = rd * 2;
    const s = rs1 * 2;
    const mask = frmMask(rm);
    return () => {
      const value = fSingle[s];
      if (f[s + 1] === BOX && value >= low && value < high && (words[FCSR] & mask) === 0) {
        const whole = Math.trunc(value);
        if (whole === value || rm === Rounding.RTZ) {
          if (whole !== value) words[FCSR] |= NX;
          const hi = Math.floor(whole / TWO32);
          x[d] = whole - hi * TWO32;
          x[d + 1] = hi;
          return 0;
        }
      }
      return unit.widen(exact, rm, x, d, s);
    };
  };
}

function modular(unit: FloatUnit): Factory {
  const { env, x, f, fDouble, words } = unit;
  return ({ rd, rs1 }) => {
    const d = rd * 2;
    const s = rs1 * 2;
    return () => {
      const value = fDouble[rs1];
      if (value >= -TWO31 && value < TWO31) {
        const word = value | 0;
        if (word !== value) words[FCSR] |= NX;
        x[d] = word;
        x[d + 1] = word >> 31;
        return 0;
      }
      env.flags = 0;
      return setWord(unit, d, f64.toI32Modular(env, f[s], f[s + 1]));
    };
  };
}

/** Every word is a double: only a reserved mode in frm can go wrong. */
function wordToDouble(unit: FloatUnit): Record<'fcvt.d.w' | 'fcvt.d.wu', Factory> {
  const { x, fDouble } = unit;
  const unlessReserved = (rm: number, op: Op): Op => {
    if (rm !== Rounding.DYN) return op;
    return () => (unit.begin(rm) ? op() : Outcome.ILLEGAL);
  };
  return {
    'fcvt.d.w': ({ rd, rs1, rm }) => {
      const s = rs1 * 2;
      return unlessReserved(rm, () => {
        fDouble[rd] = x[s];
        return 0;
      });
    },
    'fcvt.d.wu': ({ rd, rs1, rm }) => {
      const s = rs1 * 2;
      return unlessReserved(rm, () => {
        fDouble[rd] = x[s] >>> 0;
        return 0;
      });
    },
  };
}

function longToDouble(unit: FloatUnit): Record<'fcvt.d.l' | 'fcvt.d.lu', Factory> {
  const { env, x, f, fDouble, words } = unit;
  const exactly = (op: typeof f64.fromI64, rm: number, d: number, s: number): number => {
    if (!unit.begin(rm)) return Outcome.ILLEGAL;
    op(env, x[s], x[s + 1]);
    f[d] = env.lo;
    f[d + 1] = env.hi;
    unit.end();
    return Outcome.NEXT;
  };
  // The sum of the halves is the one rounding; taking away the high one leaves the low one if nothing was lost.
  return {
    'fcvt.d.l': rounding(
      ({ rd, d, s, rm, mask }) =>
        () => {
          if ((words[FCSR] & mask) > NX) return exactly(f64.fromI64, rm, d, s);
          const high = x[s + 1] * TWO32;
          const low = x[s] >>> 0;
          const value = high + low;
          if (value - high !== low) words[FCSR] |= NX;
          fDouble[rd] = value;
          return 0;
        },
      ({ d, s, rm }) =>
        () =>
          exactly(f64.fromI64, rm, d, s),
    ),
    'fcvt.d.lu': rounding(
      ({ rd, d, s, rm, mask }) =>
        () => {
          if ((words[FCSR] & mask) > NX) return exactly(f64.fromU64, rm, d, s);
          const high = (x[s + 1] >>> 0) * TWO32;
          const low = x[s] >>> 0;
          const value = high + low;
          if (value - high !== low) words[FCSR] |= NX;
          fDouble[rd] = value;
          return 0;
        },
      ({ d, s, rm }) =>
        () =>
          exactly(f64.fromU64, rm, d, s),
    ),
  };
}

function fromInteger(unit: FloatUnit, op: typeof f32.fromI64, rm: number, d: number, lo: number, hi: number): number {
  if (!unit.begin(rm)) return Outcome.ILLEGAL;
  unit.setSingle(d, op(unit.env, lo, hi));
  unit.end();
  return Outcome.NEXT;
}

function wordToSingle(unit: FloatUnit): Record<'fcvt.s.w' | 'fcvt.s.wu', Factory> {
  const { x, f, fSingle, words } = unit;
  return {
    'fcvt.s.w': rounding(
      ({ d, s, rm, mask }) =>
        () => {
          const value = x[s];
          if ((words[FCSR] & mask) > NX) return fromInteger(unit, f32.fromI64, rm, d, value, value >> 31);
          const r = Math.fround(value);
          if (r !== value) words[FCSR] |= NX;
          fSingle[d] = r;
          f[d + 1] = BOX;
          return 0;
        },
      ({ d, s, rm }) =>
        () =>
          fromInteger(unit, f32.fromI64, rm, d, x[s], x[s] >> 31),
    ),
    'fcvt.s.wu': rounding(
      ({ d, s, rm, mask }) =>
        () => {
          const value = x[s] >>> 0;
          if ((words[FCSR] & mask) > NX) return fromInteger(unit, f32.fromU64, rm, d, x[s], 0);
          const r = Math.fround(value);
          if (r !== value) words[FCSR] |= NX;
          fSingle[d] = r;
          f[d + 1] = BOX;
          return 0;
        },
      ({ d, s, rm }) =>
        () =>
          fromInteger(unit, f32.fromU64, rm, d, x[s], 0),
    ),
  };
}

/** Integers of up to 53 bits are doubles, so that rounding to a single is the only rounding; others are rare. */
function longToSingle(unit: FloatUnit): Record<'fcvt.s.l' | 'fcvt.s.lu', Factory> {
  const { x, f, fSingle, words } = unit;
  const factory = (exact: typeof f32.fromI64, highMin: number): Factory =>
    rounding(
      ({ d, s, rm, mask }) =>
        () => {
          const hi = x[s + 1];
          if (hi < highMin || hi >= 0x20_0000 || (words[FCSR] & mask) > NX) {
            return fromInteger(unit, exact, rm, d, x[s], hi);
          }
          const value = hi * TWO32 + (x[s] >>> 0);
          const r = Math.fround(value);
          if (r !== value) words[FCSR] |= NX;
          fSingle[d] = r;
          f[d + 1] = BOX;
          return 0;
        },
      ({ d, s, rm }) =>
        () =>
          fromInteger(unit, exact, rm, d, x[s], x[s + 1]),
    );
  return { 'fcvt.s.l': factory(f32.fromI64, -0x20_0000), 'fcvt.s.lu': factory(f32.fromU64, 0) };
}

function narrow(unit: FloatUnit, rm: number, d: number, s: number): number {
  if (!unit.begin(rm)) return Outcome.ILLEGAL;
  unit.setSingle(d, f64.toF32(unit.env, unit.f[s], unit.f[s + 1]));
  unit.end();
  return Outcome.NEXT;
}

function betweenFormats(unit: FloatUnit): Record<'fcvt.s.d' | 'fcvt.d.s', Factory> {
  const { f, fDouble, fSingle, words } = unit;
  return {
    'fcvt.s.d': rounding(
      ({ rs1, d, s, rm, mask }) =>
        () => {
          if ((words[FCSR] & mask) > NX) return narrow(unit, rm, d, s);
          const value = fDouble[rs1];
          const r = Math.fround(value);
          const size = Math.abs(r);
          if (r !== value) {
            if (!(size > MIN_NORMAL32 && size < Number.POSITIVE_INFINITY)) return narrow(unit, rm, d, s);
            words[FCSR] |= NX;
          }
          fSingle[d] = r;
          f[d + 1] = BOX;
          return 0;
        },
      ({ d, s, rm }) =>
        () =>
          narrow(unit, rm, d, s),
    ),
    'fcvt.d.s': ({ rd, rs1, rm }) => {
      const d = rd * 2;
      const s = rs1 * 2;
      const mask = frmMask(rm);
      return () => {
        const value = fSingle[s];
        // False for a NaN.
        if (f[s + 1] === BOX && value <= Number.POSITIVE_INFINITY && (words[FCSR] & mask) === 0) {
          fDouble[rd] = value;
          return 0;
        }
        return unit.widen(f32.toF64, rm, f, d, s);
      };
    },
  };
}
