import type { Clock } from '../../util/index.ts';
import { CsrEffect, CsrFile } from '../csr-file.ts';
import { Stop } from '../engine.ts';
import { GuestClock } from '../guest-clock.ts';
import { PendingInterrupts } from '../interrupts.ts';
import { Mmu } from '../mmu.ts';
import { Ram } from '../ram.ts';
import { type HartState, hartWord } from '../state.ts';
import { PendingTrap } from '../trap.ts';
import { MemoryAccess } from './access.ts';
import type { Cursor } from './branch.ts';

const CYCLES = hartWord.cycles;
const INSTRET = hartWord.instret;
const RETIRED = hartWord.retired;
const MCOUNTINHIBIT = hartWord.mcountinhibit;
const CODE_EPOCH = hartWord.codeEpoch;

/** mcountinhibit.CY and mcountinhibit.IR. */
const INHIBIT_CY = 1;
const INHIBIT_IR = 4;

/** The parts of one hart that instruction handlers and the run loop share. */
export class Core {
  readonly state: HartState;
  readonly ram: Ram;
  readonly clock: GuestClock;
  readonly trap = new PendingTrap();
  readonly mmu: Mmu;
  readonly access: MemoryAccess;
  readonly interrupts: PendingInterrupts;
  readonly csrs: CsrFile;
  readonly cursor: Cursor = { pageLo: 0, pageHi: 0, targetLo: 0, targetHi: 0 };
  /** What run() returns after Outcome.STOP or RETIRE_STOP: memory accesses leave it at Mmio, others set it. */
  stop: Stop = Stop.Mmio;
  readonly #words: Int32Array;

  constructor(state: HartState, buffer: SharedArrayBuffer, clock: Clock) {
    this.state = state;
    this.#words = state.words;
    this.ram = new Ram(buffer);
    this.clock = new GuestClock(buffer, clock);
    this.mmu = new Mmu(state, this.ram, this.trap);
    this.access = new MemoryAccess(this.mmu, state.words);
    this.interrupts = new PendingInterrupts(state, this.clock);
    this.csrs = new CsrFile(state, this.clock, this.interrupts);
  }

  /** Counts `n` retired instructions; a cycle each. */
  retire(n: number): void {
    const words = this.#words;
    add64(words, RETIRED, n);
    const inhibited = words[MCOUNTINHIBIT];
    if ((inhibited & INHIBIT_CY) === 0) add64(words, CYCLES, n);
    if ((inhibited & INHIBIT_IR) === 0) add64(words, INSTRET, n);
  }

  /** Brings what is cached in line with a CSR write (CsrEffect bits). */
  apply(effect: number): void {
    if ((effect & CsrEffect.MODE) !== 0) this.mmu.modeChanged();
    if ((effect & CsrEffect.ADDRESS_SPACE) !== 0) this.mmu.addressSpaceChanged();
    if ((effect & CsrEffect.PMP) !== 0) this.mmu.pmp.reload();
    if ((effect & CsrEffect.TRANSLATIONS) !== 0) this.mmu.flush();
    if ((effect & CsrEffect.TIMERS) !== 0) this.interrupts.pollTimers();
    // A counter written by an instruction does not also count that instruction (Privileged spec 3.1.10): the run loop
    // is about to count it.
    const inhibited = this.#words[MCOUNTINHIBIT];
    if ((effect & CsrEffect.CYCLES) !== 0 && (inhibited & INHIBIT_CY) === 0) add64(this.#words, CYCLES, -1);
    if ((effect & CsrEffect.INSTRET) !== 0 && (inhibited & INHIBIT_IR) === 0) add64(this.#words, INSTRET, -1);
  }

  /** The pending stop, once. */
  takeStop(): Stop {
    const stop = this.stop;
    this.stop = Stop.Mmio;
    return stop;
  }

  /** FENCE.I: decoded code is compared with memory before it runs again. */
  fenceCode(): void {
    Atomics.add(this.#words, CODE_EPOCH, 1);
  }
}

/** Adds a small signed number to a 64-bit field. */
function add64(words: Int32Array, at: number, n: number): void {
  const sum = (words[at] >>> 0) + n;
  words[at] = sum;
  words[at + 1] += Math.floor(sum / 0x1_0000_0000);
}
