/** What an instruction handler is: the contract between the block builder, the run loop and the handler tables. */
import type { DecodedInsn } from '../../isa/index.ts';
import type { HartState } from '../state.ts';

/**
 * One decoded instruction, ready to run: a closure over its registers and immediate. Returns `Outcome.NEXT` to go on
 * with the following instruction; anything else leaves the block. It neither moves pc nor counts itself. Ops hold no
 * address of their own, so one op serves every place where the same bits stand.
 */
export type Op = () => number;

/** What an op returns, besides `jumpTo(…)` for a taken or untaken branch. */
export const Outcome = {
  /** Go on with the next instruction. */
  NEXT: 0,
  /** An exception: `PendingTrap.raise` has recorded cause and tval. */
  TRAP: 1,
  /** An illegal-instruction exception; the run loop supplies the instruction's bits as tval. */
  ILLEGAL: 2,
  /** Leave run() with the pending Stop; pc stays at the instruction, which does not retire. */
  STOP: 3,
  /** A jump to the whole address in the context's target; the instruction retires. */
  INDIRECT: 4,
  /** The instruction retires and changed what the loop relies on (mode, translation, counters, code): look again. */
  RELOAD: 5,
  /** As RELOAD, then leave run() with the pending Stop: pc is past the instruction. */
  RETIRE_STOP: 6,
} as const;

/** Added to a branch target's offset from the start of the current page, to tell it from the other outcomes. */
export const JUMP_BIAS = 0x40_0000;

/** Specialises one instruction over its fields. Never called for rd = x0 where the op writes rd without side effects. */
export type Factory = (insn: DecodedInsn) => Op;

/** One factory per instruction name: a name without a handler is a compile error. */
export type HandlerTable<Name extends string> = Readonly<Record<Name, Factory>>;

/**
 * The registers of one hart, as handlers see them. Handler modules export `(registers) => HandlerTable`, called once
 * for each hart, so that the views live in one scope shared by all ops and each op holds only its own fields.
 */
export interface Registers {
  readonly state: HartState;
  /** Integer registers as halves; ops with side effects may write x[0] and x[1], the builder then clears them. */
  readonly x: Int32Array;
  readonly x64: BigInt64Array;
  /** Floating-point registers: halves, whole, and as doubles (see HartState). */
  readonly f: Int32Array;
  readonly f64: BigInt64Array;
  readonly fDouble: Float64Array;
  /** The state block as words: `words[hartWord.fcsr]` holds fflags in bits 4:0 and frm in bits 7:5. */
  readonly words: Int32Array;
}

/** A factory for rd, rs1, rs2: `make` gets the indices of their low halves in `x`. */
export function rrr(make: (d: number, s: number, t: number) => Op): Factory {
  return ({ rd, rs1, rs2 }) => make(rd * 2, rs1 * 2, rs2 * 2);
}

/** A factory for rd, rs1 and the immediate: `make` gets the indices of the low halves in `x`. */
export function rri(make: (d: number, s: number, imm: number) => Op): Factory {
  return ({ rd, rs1, imm }) => make(rd * 2, rs1 * 2, imm);
}
