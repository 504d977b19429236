/** Zicsr, fences, traps and returns, WFI, Zawrs, Svinval: instructions of the SYSTEM and MISC-MEM opcodes. */
import { Exception, HartConfig, Priv } from '../../isa/index.ts';
import { CsrOp } from '../csr-file.ts';
import { Stop } from '../engine.ts';
import { hartWord } from '../state.ts';
import { Mstatus, returnFromMachine, returnFromSupervisor } from '../trap.ts';
import type { Core } from './core.ts';
import { type Factory, type HandlerTable, type Op, Outcome, type Registers } from './handler.ts';

type CsrInsnName = 'csrrw' | 'csrrs' | 'csrrc' | 'csrrwi' | 'csrrsi' | 'csrrci';
type TrapName = 'ecall' | 'ebreak' | 'mret' | 'sret';
type WaitName = 'wfi' | 'wrs.nto' | 'wrs.sto';
type VmaName = 'sfence.vma' | 'sinval.vma' | 'sfence.w.inval' | 'sfence.inval.ir';

/** Instructions that run alone, with pc and counters up to date in the state block. */
export type SystemName = CsrInsnName | TrapName | WaitName | VmaName | 'fence.i';

const PC = hartWord.pc;
const PRIV = hartWord.priv;
const MSTATUS = hartWord.mstatus;
const HART_CONFIG = hartWord.hartConfig;
const LR_VALID = hartWord.lrValid;

/** Handlers for SystemName and `fence`, which is an ordinary instruction. */
export function systemHandlers(registers: Registers, core: Core): HandlerTable<SystemName | 'fence'> {
  return {
    ...csrInstructions(registers, core),
    ...traps(registers, core),
    ...waits(registers, core),
    ...translationFences(registers, core),
    'fence.i': () => () => {
      core.fenceCode();
      return Outcome.RELOAD;
    },
    fence,
  };
}

function csrInstructions({ x }: Registers, core: Core): Record<CsrInsnName, Factory> {
  const csrs = core.csrs;
  const make =
    (op: CsrOp, immediate: boolean): Factory =>
    ({ rd, rs1, imm }): Op => {
      const slot = csrs.find(imm);
      if (slot === undefined) return () => Outcome.ILLEGAL;
      // CSRRS and CSRRC of x0 or a zero constant do not write; CSRRW to x0 does not read (Unprivileged spec 7.1).
      const writes = op === CsrOp.WRITE || rs1 !== 0;
      const reads = op !== CsrOp.WRITE || rd !== 0;
      return () => {
        if (!csrs.allows(slot, writes)) return Outcome.ILLEGAL;
        const lo = immediate ? rs1 : x[2 * rs1];
        const hi = immediate ? 0 : x[2 * rs1 + 1];
        if (reads) slot.read();
        const oldLo = csrs.lo;
        const oldHi = csrs.hi;
        if (writes) core.apply(slot.write(op, lo, hi));
        if (rd !== 0) {
          x[2 * rd] = oldLo;
          x[2 * rd + 1] = oldHi;
        }
        return writes ? Outcome.RELOAD : Outcome.NEXT;
      };
    };
  return {
    csrrw: make(CsrOp.WRITE, false),
    csrrs: make(CsrOp.SET, false),
    csrrc: make(CsrOp.CLEAR, false),
    csrrwi: make(CsrOp.WRITE, true),
    csrrsi: make(CsrOp.SET, true),
    csrrci: make(CsrOp.CLEAR, true),
  };
}

function traps({ state, words }: Registers, core: Core): Record<TrapName, Factory> {
  const arrive = (): number => {
    core.mmu.modeChanged();
    core.cursor.targetLo = words[PC];
    core.cursor.targetHi = words[PC + 1];
    return Outcome.INDIRECT;
  };
  return {
    ecall: () => () => {
      const priv = words[PRIV];
      if (priv === Priv.S && (words[HART_CONFIG] & HartConfig.SBI_EXIT) !== 0) {
        core.stop = Stop.Ecall;
        return Outcome.STOP;
      }
      core.trap.raise(Exception.ECALL_FROM_U + priv, 0, 0);
      return Outcome.TRAP;
    },
    ebreak: () => () => {
      if ((words[HART_CONFIG] & HartConfig.EBREAK_EXIT) !== 0) {
        core.stop = Stop.Debug;
        return Outcome.STOP;
      }
      core.trap.raise(Exception.BREAKPOINT, words[PC], words[PC + 1]);
      return Outcome.TRAP;
    },
    mret: () => () => {
      if (words[PRIV] !== Priv.M) return Outcome.ILLEGAL;
      returnFromMachine(state);
      return arrive();
    },
    sret: () => () => {
      const priv = words[PRIV];
      if (priv === Priv.U || (priv === Priv.S && (words[MSTATUS] & Mstatus.TSR) !== 0)) return Outcome.ILLEGAL;
      returnFromSupervisor(state);
      return arrive();
    },
  };
}

/** How long WRS may hold up its thread, in milliseconds. */
const WRS_WAIT_MS = 0.05;

function waits({ words }: Registers, core: Core): Record<WaitName, Factory> {
  /**
   * Zawrs: waits while the reservation stands. Any reason may end the wait (Unprivileged spec 15), so a short sleep of
   * the thread will do; it leaves the processor to the hart that is being waited for. Virtual time has nobody to wait for.
   */
  const waitOnReservation = (): number => {
    if (words[LR_VALID] !== 0 && !core.clock.virtual && !core.interrupts.wakes()) {
      Atomics.wait(words, hartWord.attention, 0, WRS_WAIT_MS);
    }
    return Outcome.RELOAD;
  };
  return {
    // In U-mode, and in S-mode with mstatus.TW, the time limit is zero (Privileged spec 3.1.6.5).
    wfi: () => () => {
      const priv = words[PRIV];
      if (priv === Priv.U || (priv === Priv.S && (words[MSTATUS] & Mstatus.TW) !== 0)) return Outcome.ILLEGAL;
      if (core.interrupts.wakes()) return Outcome.RELOAD;
      core.stop = Stop.Wfi;
      return Outcome.RETIRE_STOP;
    },
    'wrs.nto': () => () => {
      const limited = words[PRIV] !== Priv.M && (words[MSTATUS] & Mstatus.TW) !== 0;
      if (limited && words[LR_VALID] !== 0 && !core.interrupts.wakes()) return Outcome.ILLEGAL;
      return waitOnReservation();
    },
    'wrs.sto': () => waitOnReservation,
  };
}

function translationFences({ x, words }: Registers, core: Core): Record<VmaName, Factory> {
  const forbidden = (): boolean => {
    const priv = words[PRIV];
    return priv === Priv.U || (priv === Priv.S && (words[MSTATUS] & Mstatus.TVM) !== 0);
  };
  // The address space in rs2 does not matter: nothing outlives a change of satp but global translations, which SFENCE.VMA
  // with an ASID may flush too.
  const flush: Factory =
    ({ rs1 }) =>
    () => {
      if (forbidden()) return Outcome.ILLEGAL;
      if (rs1 === 0) core.mmu.flush();
      else core.mmu.flushPage(x[2 * rs1], x[2 * rs1 + 1]);
      return Outcome.RELOAD;
    };
  const order: Factory = () => () => (words[PRIV] === Priv.U ? Outcome.ILLEGAL : Outcome.RELOAD);
  return { 'sfence.vma': flush, 'sinval.vma': flush, 'sfence.w.inval': order, 'sfence.inval.ir': order };
}

/** What barriers operate on. */
const barrier = new Int32Array(new SharedArrayBuffer(4));

/** FENCE. A predecessor or successor set without memory accesses (PAUSE, for one) orders nothing. */
const fence: Factory = ({ imm }) => {
  const orders = (imm & 0x0f) !== 0 && (imm & 0xf0) !== 0;
  if (!orders) return () => Outcome.NEXT;
  // A sequentially consistent read-modify-write is what JavaScript has for a full barrier.
  return () => {
    Atomics.add(barrier, 0, 1);
    return Outcome.NEXT;
  };
};
