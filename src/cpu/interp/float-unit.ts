/** What all floating-point handlers share: views of the registers, and the way through the softfloat operations. */
import type { DecodedInsn } from '../../isa/index.ts';
import { Flag, FloatEnv, NAN32, Rounding } from '../softfloat/index.ts';
import { hartWord } from '../state.ts';
import { type Factory, type Op, Outcome, type Registers } from './handler.ts';

/** Index of fcsr in the state block's words. */
export const FCSR = hartWord.fcsr;

const FRM_SHIFT = 5;
const FRM = 7 << FRM_SHIFT;

/** The high half of a single that is NaN-boxed as it should be (Unprivileged spec 22.2). */
export const BOX = -1;

type Unary64 = (env: FloatEnv, lo: number, hi: number) => void;
type Binary64 = (env: FloatEnv, aLo: number, aHi: number, bLo: number, bHi: number) => void;
type Compare64 = (env: FloatEnv, aLo: number, aHi: number, bLo: number, bHi: number) => number;
type Unary32 = (env: FloatEnv, a: number) => number;
type Binary32 = (env: FloatEnv, a: number, b: number) => number;

/**
 * One hart's floating-point unit. Register arguments are indices of low halves. The methods that compute return an
 * Outcome: ILLEGAL when the rounding mode is dynamic and frm holds a reserved one.
 */
export class FloatUnit {
  readonly x: Int32Array;
  readonly f: Int32Array;
  readonly words: Int32Array;
  /** Registers as doubles by number, and as singles by index of the low half. Never store a NaN through them. */
  readonly fDouble: Float64Array;
  readonly fSingle: Float32Array;
  readonly env = new FloatEnv();

  constructor({ x, f, words, fDouble }: Registers) {
    this.x = x;
    this.f = f;
    this.words = words;
    this.fDouble = fDouble;
    this.fSingle = new Float32Array(f.buffer, f.byteOffset, f.length);
  }

  /** Readies env for an instruction with this rm field; false: the mode is reserved. */
  begin(rm: number): boolean {
    const mode = rm === Rounding.DYN ? (this.words[FCSR] & FRM) >> FRM_SHIFT : rm;
    this.env.rounding = mode;
    this.env.flags = 0;
    return mode <= Rounding.RMM;
  }

  /** Accrues the flags of the operation. */
  end(): void {
    this.words[FCSR] |= this.env.flags;
  }

  /** The single in a register; one that is not boxed reads as the canonical NaN (22.2). */
  single(s: number): number {
    return this.f[s + 1] === BOX ? this.f[s] : NAN32;
  }

  /** Writes a single. */
  setSingle(d: number, bits: number): void {
    this.f[d] = bits;
    this.f[d + 1] = BOX;
  }

  unary64(op: Unary64, rm: number, d: number, s: number): number {
    if (!this.begin(rm)) return Outcome.ILLEGAL;
    op(this.env, this.f[s], this.f[s + 1]);
    return this.#doubleResult(d);
  }

  binary64(op: Binary64, rm: number, d: number, s: number, t: number): number {
    if (!this.begin(rm)) return Outcome.ILLEGAL;
    op(this.env, this.f[s], this.f[s + 1], this.f[t], this.f[t + 1]);
    return this.#doubleResult(d);
  }

  compare64(op: Compare64, d: number, s: number, t: number): number {
    this.env.flags = 0;
    this.x[d] = op(this.env, this.f[s], this.f[s + 1], this.f[t], this.f[t + 1]);
    this.x[d + 1] = 0;
    this.end();
    return Outcome.NEXT;
  }

  unary32(op: Unary32, rm: number, d: number, s: number): number {
    if (!this.begin(rm)) return Outcome.ILLEGAL;
    this.setSingle(d, op(this.env, this.single(s)));
    this.end();
    return Outcome.NEXT;
  }

  binary32(op: Binary32, rm: number, d: number, s: number, t: number): number {
    if (!this.begin(rm)) return Outcome.ILLEGAL;
    this.setSingle(d, op(this.env, this.single(s), this.single(t)));
    this.end();
    return Outcome.NEXT;
  }

  compare32(op: Binary32, d: number, s: number, t: number): number {
    this.env.flags = 0;
    this.x[d] = op(this.env, this.single(s), this.single(t));
    this.x[d + 1] = 0;
    this.end();
    return Outcome.NEXT;
  }

  /** Conversion of a single to a double or, through env, to a 64-bit integer register: `into` is f or x. */
  widen(op: (env: FloatEnv, a: number) => void, rm: number, into: Int32Array, d: number, s: number): number {
    if (!this.begin(rm)) return Outcome.ILLEGAL;
    op(this.env, this.single(s));
    into[d] = this.env.lo;
    into[d + 1] = this.env.hi;
    this.end();
    return Outcome.NEXT;
  }

  #doubleResult(d: number): number {
    this.f[d] = this.env.lo;
    this.f[d + 1] = this.env.hi;
    this.end();
    return Outcome.NEXT;
  }
}

/** Fields of an instruction with a rounding mode, as ops use them: register numbers, indices of low halves. */
export interface RoundingFields {
  readonly rd: number;
  readonly rs1: number;
  readonly rs2: number;
  readonly rs3: number;
  readonly d: number;
  readonly s: number;
  readonly t: number;
  readonly u: number;
  readonly rm: number;
  /** Bits of fcsr to look at: NX, and with a dynamic mode frm. 0: rounds to nearest even; NX: and NX is set already. */
  readonly mask: number;
}

/**
 * A factory for an instruction with a rounding mode: `nearest` makes the op when the mode is RNE or dynamic, to use the
 * host's arithmetic while `words[FCSR] & mask` is 0 or NX; `any` makes it for the other modes.
 */
export function rounding(nearest: (fields: RoundingFields) => Op, any: (fields: RoundingFields) => Op): Factory {
  return (insn) => {
    const fields = fieldsOf(insn);
    return insn.rm === Rounding.RNE || insn.rm === Rounding.DYN ? nearest(fields) : any(fields);
  };
}

function fieldsOf({ rd, rs1, rs2, rs3, rm }: DecodedInsn): RoundingFields {
  const mask = rm === Rounding.DYN ? FRM | Flag.NX : Flag.NX;
  return { rd, rs1, rs2, rs3, d: rd * 2, s: rs1 * 2, t: rs2 * 2, u: rs3 * 2, rm, mask };
}
