/** Trap entry, trap return and the choice of the interrupt to take (Privileged spec 3.1.6, 3.1.8, 3.1.9, 3.3.2, 12.1). */
import { interruptPriority, Priv } from '../isa/index.ts';
import { type HartState, hartWord } from './state.ts';

const PC = hartWord.pc;
const PRIV = hartWord.priv;
const MSTATUS = hartWord.mstatus;
const MEDELEG = hartWord.medeleg;
const MIDELEG = hartWord.mideleg;
const MIE = hartWord.mie;
const MTVEC = hartWord.mtvec;
const MEPC = hartWord.mepc;
const MCAUSE = hartWord.mcause;
const MTVAL = hartWord.mtval;
const STVEC = hartWord.stvec;
const SEPC = hartWord.sepc;
const SCAUSE = hartWord.scause;
const STVAL = hartWord.stval;

/** Bits of mstatus below bit 32 (Privileged spec 3.1.6). */
export const Mstatus = {
  SIE: 1 << 1,
  MIE: 1 << 3,
  SPIE: 1 << 5,
  MPIE: 1 << 7,
  SPP: 1 << 8,
  MPP: 3 << 11,
  FS: 3 << 13,
  MPRV: 1 << 17,
  SUM: 1 << 18,
  MXR: 1 << 19,
  TVM: 1 << 20,
  TW: 1 << 21,
  TSR: 1 << 22,
} as const;

/** Position of mstatus.MPP. */
export const MPP_SHIFT = 11;

/** Bit 31 of the high word of mcause and scause. */
const INTERRUPT_HI = 0x8000_0000 | 0;

/** An exception on its way: recorded by whoever detects it, taken by the run loop. tval as halves. */
export class PendingTrap {
  cause = 0;
  tvalLo = 0;
  tvalHi = 0;

  raise(cause: number, tvalLo: number, tvalHi: number): void {
    this.cause = cause;
    this.tvalLo = tvalLo;
    this.tvalHi = tvalHi;
  }
}

/** Enters the handler for an exception at the pc in the state block: delegation, xepc, xcause, xtval, mode, pc. */
export function takeException(state: HartState, trap: PendingTrap): void {
  enter(state.words, trap.cause, 0, trap.tvalLo, trap.tvalHi);
}

/** Enters the handler for an interrupt before the instruction at pc; xtval is 0. */
export function takeInterrupt(state: HartState, interrupt: number): void {
  enter(state.words, interrupt, INTERRUPT_HI, 0, 0);
}

function enter(words: Int32Array, code: number, causeHi: number, tvalLo: number, tvalHi: number): void {
  const priv = words[PRIV];
  const status = words[MSTATUS];
  const delegated = (words[causeHi === 0 ? MEDELEG : MIDELEG] & (1 << code)) !== 0;
  // A trap taken in M-mode is never delegated down (3.1.8).
  if (priv !== Priv.M && delegated) {
    words[SEPC] = words[PC];
    words[SEPC + 1] = words[PC + 1];
    words[SCAUSE] = code;
    words[SCAUSE + 1] = causeHi;
    words[STVAL] = tvalLo;
    words[STVAL + 1] = tvalHi;
    const spie = (status & Mstatus.SIE) !== 0 ? Mstatus.SPIE : 0;
    const spp = priv === Priv.S ? Mstatus.SPP : 0;
    words[MSTATUS] = (status & ~(Mstatus.SIE | Mstatus.SPIE | Mstatus.SPP)) | spie | spp;
    words[PRIV] = Priv.S;
    jumpToVector(words, STVEC, code, causeHi);
  } else {
    words[MEPC] = words[PC];
    words[MEPC + 1] = words[PC + 1];
    words[MCAUSE] = code;
    words[MCAUSE + 1] = causeHi;
    words[MTVAL] = tvalLo;
    words[MTVAL + 1] = tvalHi;
    const mpie = (status & Mstatus.MIE) !== 0 ? Mstatus.MPIE : 0;
    words[MSTATUS] = (status & ~(Mstatus.MIE | Mstatus.MPIE | Mstatus.MPP)) | mpie | (priv << MPP_SHIFT);
    words[PRIV] = Priv.M;
    jumpToVector(words, MTVEC, code, causeHi);
  }
}

/** xtvec.MODE 1 (vectored) sends interrupts to BASE + 4 × cause (3.1.7). */
function jumpToVector(words: Int32Array, tvec: number, code: number, causeHi: number): void {
  const base = words[tvec] & ~3;
  const vectored = (words[tvec] & 3) === 1 && causeHi !== 0;
  const lo = (base + (vectored ? code * 4 : 0)) | 0;
  words[PC] = lo;
  words[PC + 1] = words[tvec + 1] + (lo >>> 0 < base >>> 0 ? 1 : 0);
}

/** MRET (3.3.2): back to mstatus.MPP at mepc. The caller has checked that it is legal. */
export function returnFromMachine(state: HartState): void {
  const words = state.words;
  const status = words[MSTATUS];
  const priv = (status & Mstatus.MPP) >> MPP_SHIFT;
  const mie = (status & Mstatus.MPIE) !== 0 ? Mstatus.MIE : 0;
  const cleared = Mstatus.MIE | Mstatus.MPP | (priv === Priv.M ? 0 : Mstatus.MPRV);
  words[MSTATUS] = (status & ~cleared) | Mstatus.MPIE | mie;
  words[PRIV] = priv;
  words[PC] = words[MEPC];
  words[PC + 1] = words[MEPC + 1];
}

/** SRET (3.3.2): back to mstatus.SPP at sepc. The caller has checked that it is legal. */
export function returnFromSupervisor(state: HartState): void {
  const words = state.words;
  const status = words[MSTATUS];
  const sie = (status & Mstatus.SPIE) !== 0 ? Mstatus.SIE : 0;
  words[PRIV] = (status & Mstatus.SPP) !== 0 ? Priv.S : Priv.U;
  words[MSTATUS] = (status & ~(Mstatus.SIE | Mstatus.SPP | Mstatus.MPRV)) | Mstatus.SPIE | sie;
  words[PC] = words[SEPC];
  words[PC + 1] = words[SEPC + 1];
}

/**
 * The interrupt to take now, or -1. `pending` is mip. Interrupts for M-mode come before those for S-mode; each group is
 * enabled below its mode, or in it with xIE (3.1.9); within a group the spec's order decides.
 */
export function interruptToTake(state: HartState, pending: number): number {
  const words = state.words;
  const enabled = pending & words[MIE];
  if (enabled === 0) return -1;
  const priv = words[PRIV];
  const status = words[MSTATUS];
  const machine = enabled & ~words[MIDELEG];
  if (machine !== 0 && (priv !== Priv.M || (status & Mstatus.MIE) !== 0)) return highest(machine);
  const supervisor = enabled & words[MIDELEG];
  if (supervisor !== 0 && (priv === Priv.U || (priv === Priv.S && (status & Mstatus.SIE) !== 0))) {
    return highest(supervisor);
  }
  return -1;
}

function highest(interrupts: number): number {
  for (const interrupt of interruptPriority) {
    if ((interrupts & (1 << interrupt)) !== 0) return interrupt;
  }
  return -1;
}
