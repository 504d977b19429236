/** Comparisons, minimum and maximum, and classes. The host compares numbers; NaNs and equal values go to softfloat. */
import { f32, f64 } from '../softfloat/index.ts';
import { BOX, type FloatUnit } from './float-unit.ts';
import { type Factory, type HandlerTable, rrr } from './handler.ts';

type Kind = 'feq' | 'flt' | 'fle' | 'fltq' | 'fleq' | 'fmin' | 'fmax' | 'fminm' | 'fmaxm' | 'fclass';
export type CompareName = `${Kind}.${'s' | 'd'}`;

/** None of these rounds. */
const NO_RM = 0;

/** Handlers for CompareName. */
export function compareHandlers(unit: FloatUnit): HandlerTable<CompareName> {
  return { ...doubles(unit), ...doubleExtrema(unit), ...singles(unit), ...singleExtrema(unit) };
}

function doubles(unit: FloatUnit): Record<`${'feq' | 'flt' | 'fle' | 'fltq' | 'fleq' | 'fclass'}.d`, Factory> {
  return {
    'feq.d': equality64(unit),
    'flt.d': order64(unit, false, f64.lt),
    'fle.d': order64(unit, true, f64.le),
    'fltq.d': order64(unit, false, f64.ltq),
    'fleq.d': order64(unit, true, f64.leq),
    'fclass.d': rrr((d, s) => () => {
      unit.x[d] = f64.classify(unit.f[s], unit.f[s + 1]);
      unit.x[d + 1] = 0;
      return 0;
    }),
  };
}

function equality64(unit: FloatUnit): Factory {
  const { x, fDouble } = unit;
  return ({ rd, rs1, rs2 }) => {
    const d = rd * 2;
    const s = rs1 * 2;
    const t = rs2 * 2;
    return () => {
      const a = fDouble[rs1];
      const b = fDouble[rs2];
      if (a === b) x[d] = 1;
      else if (a < b || a > b) x[d] = 0;
      else return unit.compare64(f64.eq, d, s, t);
      x[d + 1] = 0;
      return 0;
    };
  };
}

/** a < b, or a ≤ b if `orEqual`. */
function order64(unit: FloatUnit, orEqual: boolean, exact: typeof f64.lt): Factory {
  const { x, fDouble } = unit;
  const ifEqual = orEqual ? 1 : 0;
  return ({ rd, rs1, rs2 }) => {
    const d = rd * 2;
    const s = rs1 * 2;
    const t = rs2 * 2;
    return () => {
      const a = fDouble[rs1];
      const b = fDouble[rs2];
      if (a < b) x[d] = 1;
      else if (a > b) x[d] = 0;
      else if (a === b) x[d] = ifEqual;
      else return unit.compare64(exact, d, s, t);
      x[d + 1] = 0;
      return 0;
    };
  };
}

function doubleExtrema(unit: FloatUnit): Record<`${'fmin' | 'fmax' | 'fminm' | 'fmaxm'}.d`, Factory> {
  return {
    'fmin.d': extremum64(unit, 1, f64.min),
    'fmax.d': extremum64(unit, -1, f64.max),
    'fminm.d': extremum64(unit, 1, f64.minm),
    'fmaxm.d': extremum64(unit, -1, f64.maxm),
  };
}

/** The smaller of two, or the larger if `sign` is −1. Equal ones may be zeros of either sign. */
function extremum64(unit: FloatUnit, sign: 1 | -1, exact: typeof f64.min): Factory {
  const { fDouble } = unit;
  return ({ rd, rs1, rs2 }) => {
    const d = rd * 2;
    const s = rs1 * 2;
    const t = rs2 * 2;
    return () => {
      const a = fDouble[rs1];
      const b = fDouble[rs2];
      if (a * sign < b * sign) fDouble[rd] = a;
      else if (a * sign > b * sign) fDouble[rd] = b;
      else return unit.binary64(exact, NO_RM, d, s, t);
      return 0;
    };
  };
}

function singles(unit: FloatUnit): Record<`${'feq' | 'flt' | 'fle' | 'fltq' | 'fleq' | 'fclass'}.s`, Factory> {
  return {
    'feq.s': equality32(unit),
    'flt.s': order32(unit, false, f32.lt),
    'fle.s': order32(unit, true, f32.le),
    'fltq.s': order32(unit, false, f32.ltq),
    'fleq.s': order32(unit, true, f32.leq),
    'fclass.s': rrr((d, s) => () => {
      unit.x[d] = f32.classify(unit.single(s));
      unit.x[d + 1] = 0;
      return 0;
    }),
  };
}

function equality32(unit: FloatUnit): Factory {
  const { x, f, fSingle } = unit;
  return rrr((d, s, t) => () => {
    if (f[s + 1] === BOX && f[t + 1] === BOX) {
      const a = fSingle[s];
      const b = fSingle[t];
      if (a === b || a < b || a > b) {
        x[d] = a === b ? 1 : 0;
        x[d + 1] = 0;
        return 0;
      }
    }
    return unit.compare32(f32.eq, d, s, t);
  });
}

function order32(unit: FloatUnit, orEqual: boolean, exact: typeof f32.lt): Factory {
  const { x, f, fSingle } = unit;
  const ifEqual = orEqual ? 1 : 0;
  return rrr((d, s, t) => () => {
    if (f[s + 1] !== BOX || f[t + 1] !== BOX) return unit.compare32(exact, d, s, t);
    const a = fSingle[s];
    const b = fSingle[t];
    if (a < b) x[d] = 1;
    else if (a > b) x[d] = 0;
    else if (a === b) x[d] = ifEqual;
    else return unit.compare32(exact, d, s, t);
    x[d + 1] = 0;
    return 0;
  });
}

function singleExtrema(unit: FloatUnit): Record<`${'fmin' | 'fmax' | 'fminm' | 'fmaxm'}.s`, Factory> {
  return {
    'fmin.s': extremum32(unit, 1, f32.min),
    'fmax.s': extremum32(unit, -1, f32.max),
    'fminm.s': extremum32(unit, 1, f32.minm),
    'fmaxm.s': extremum32(unit, -1, f32.maxm),
  };
}

function extremum32(unit: FloatUnit, sign: 1 | -1, exact: typeof f32.min): Factory {
  const { f, fSingle } = unit;
  return rrr((d, s, t) => () => {
    if (f[s + 1] !== BOX || f[t + 1] !== BOX) return unit.binary32(exact, NO_RM, d, s, t);
    const a = fSingle[s] * sign;
    const b = fSingle[t] * sign;
    if (a < b) unit.setSingle(d, f[s]);
    else if (a > b) unit.setSingle(d, f[t]);
    else return unit.binary32(exact, NO_RM, d, s, t);
    return 0;
  });
}
