/** Moves, sign injection and constants: bits, never numbers, so that NaNs keep theirs. */
import { fliConstants } from '../../isa/index.ts';
import { MIN_NORMAL32, MIN_NORMAL64 } from '../softfloat/host.ts';
import { NAN32, NAN64_HI } from '../softfloat/index.ts';
import { BOX, type FloatUnit } from './float-unit.ts';
import { type Factory, type HandlerTable, type Registers, rrr } from './handler.ts';

type SignName = `${'fsgnj' | 'fsgnjn' | 'fsgnjx'}.${'s' | 'd'}`;
type TransferName = 'fmv.x.w' | 'fmv.w.x' | 'fmv.x.d' | 'fmv.d.x';
type ConstantName = 'fli.s' | 'fli.d';
export type MoveName = SignName | TransferName | ConstantName;

const SIGN = -0x8000_0000;
const MAGNITUDE = 0x7fff_ffff;

/** Handlers for MoveName. */
export function moveHandlers(unit: FloatUnit, registers: Registers): HandlerTable<MoveName> {
  return { ...doubleSigns(unit, registers), ...singleSigns(unit), ...transfers(registers), ...constants(unit) };
}

function doubleSigns({ f }: FloatUnit, { f64 }: Registers): Record<`${'fsgnj' | 'fsgnjn' | 'fsgnjx'}.d`, Factory> {
  return {
    'fsgnj.d': ({ rd, rs1, rs2 }) => {
      // fmv.d
      if (rs1 === rs2) {
        return () => {
          f64[rd] = f64[rs1];
          return 0;
        };
      }
      const d = rd * 2;
      const s = rs1 * 2;
      const t = rs2 * 2;
      return () => {
        const hi = (f[s + 1] & MAGNITUDE) | (f[t + 1] & SIGN);
        f[d] = f[s];
        f[d + 1] = hi;
        return 0;
      };
    },
    'fsgnjn.d': rrr((d, s, t) => () => {
      const hi = (f[s + 1] & MAGNITUDE) | (~f[t + 1] & SIGN);
      f[d] = f[s];
      f[d + 1] = hi;
      return 0;
    }),
    'fsgnjx.d': rrr((d, s, t) => () => {
      const hi = f[s + 1] ^ (f[t + 1] & SIGN);
      f[d] = f[s];
      f[d + 1] = hi;
      return 0;
    }),
  };
}

function singleSigns(unit: FloatUnit): Record<`${'fsgnj' | 'fsgnjn' | 'fsgnjx'}.s`, Factory> {
  return {
    'fsgnj.s': rrr((d, s, t) => () => {
      unit.setSingle(d, (unit.single(s) & MAGNITUDE) | (unit.single(t) & SIGN));
      return 0;
    }),
    'fsgnjn.s': rrr((d, s, t) => () => {
      unit.setSingle(d, (unit.single(s) & MAGNITUDE) | (~unit.single(t) & SIGN));
      return 0;
    }),
    'fsgnjx.s': rrr((d, s, t) => () => {
      unit.setSingle(d, unit.single(s) ^ (unit.single(t) & SIGN));
      return 0;
    }),
  };
}

/** fmv.x.w takes the low 32 bits whether they are boxed or not (Unprivileged spec 22.2). */
function transfers({ x, x64, f, f64 }: Registers): Record<TransferName, Factory> {
  return {
    'fmv.x.w': rrr((d, s) => () => {
      const bits = f[s];
      x[d] = bits;
      x[d + 1] = bits >> 31;
      return 0;
    }),
    'fmv.w.x': rrr((d, s) => () => {
      f[d] = x[s];
      f[d + 1] = BOX;
      return 0;
    }),
    'fmv.x.d': ({ rd, rs1 }) => {
      return () => {
        x64[rd] = f64[rs1];
        return 0;
      };
    },
    'fmv.d.x': ({ rd, rs1 }) => {
      return () => {
        f64[rd] = x64[rs1];
        return 0;
      };
    },
  };
}

function constants(unit: FloatUnit): Record<ConstantName, Factory> {
  const { f } = unit;
  const value = new Float64Array(1);
  const halves = new Int32Array(value.buffer);
  return {
    'fli.s': ({ rd, imm }) => {
      const constant = fliConstants[imm] ?? MIN_NORMAL32;
      const bits = Number.isNaN(constant) ? NAN32 : new Int32Array(Float32Array.of(constant).buffer)[0];
      const d = rd * 2;
      return () => {
        unit.setSingle(d, bits);
        return 0;
      };
    },
    'fli.d': ({ rd, imm }) => {
      const constant = fliConstants[imm] ?? MIN_NORMAL64;
      value[0] = constant;
      const lo = Number.isNaN(constant) ? 0 : halves[0];
      const hi = Number.isNaN(constant) ? NAN64_HI : halves[1];
      const d = rd * 2;
      return () => {
        f[d] = lo;
        f[d + 1] = hi;
        return 0;
      };
    },
  };
}
