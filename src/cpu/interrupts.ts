import { Interrupt } from '../isa/index.ts';
import type { GuestClock } from './guest-clock.ts';
import { type HartState, hartWord } from './state.ts';

const MIP = hartWord.mip;
const MIE = hartWord.mie;
const IRQ_LINES = hartWord.irqLines;
const MTIMECMP = hartWord.mtimecmp;
const STIMECMP = hartWord.stimecmp;
const MENVCFG_HI = hartWord.menvcfg + 1;

const MTIP = 1 << Interrupt.MTI;
const STIP = 1 << Interrupt.STI;
/** menvcfg.STCE, bit 63. */
const STCE_HI = 0x8000_0000 | 0;

/** What makes up one hart's mip: bits that software wrote, lines from outside, and the comparisons of its timers. */
export class PendingInterrupts {
  readonly #words: Int32Array;
  readonly #clock: GuestClock;
  readonly #time = new Int32Array(2);
  #timers = 0;

  constructor(state: HartState, clock: GuestClock) {
    this.#words = state.words;
    this.#clock = clock;
  }

  /** Compares the timers with mtime again. */
  pollTimers(): void {
    const words = this.#words;
    this.#clock.mtime(this.#time);
    const [lo, hi] = this.#time;
    let timers = reached(lo, hi, words[MTIMECMP], words[MTIMECMP + 1]) ? MTIP : 0;
    if ((words[MENVCFG_HI] & STCE_HI) !== 0 && reached(lo, hi, words[STIMECMP], words[STIMECMP + 1])) timers |= STIP;
    this.#timers = timers;
  }

  /** mip as of the last `pollTimers`. With menvcfg.STCE the timer alone drives STIP (Sstc 2.1.1). */
  pending(): number {
    const words = this.#words;
    const software = (words[MENVCFG_HI] & STCE_HI) !== 0 ? words[MIP] & ~STIP : words[MIP];
    return software | words[IRQ_LINES] | this.#timers;
  }

  /** Whether WFI would not wait: something is pending and enabled in mie, whatever mode and delegation say (3.3.3). */
  wakes(): boolean {
    this.pollTimers();
    return (this.pending() & this.#words[MIE]) !== 0;
  }
}

function reached(lo: number, hi: number, targetLo: number, targetHi: number): boolean {
  return hi >>> 0 > targetHi >>> 0 || (hi === targetHi && lo >>> 0 >= targetLo >>> 0);
}

/**
 * The value of mtime at which the earliest timer interrupt that is enabled in mie becomes pending; undefined if none
 * is. What a vCPU that sleeps in WFI sets its alarm to.
 */
export function timerDeadline(state: HartState): bigint | undefined {
  const mie = state.words[MIE];
  const targets: bigint[] = [];
  if ((mie & MTIP) !== 0) targets.push(state.get('mtimecmp'));
  if ((mie & STIP) !== 0 && (state.words[MENVCFG_HI] & STCE_HI) !== 0) targets.push(state.get('stimecmp'));
  return targets.reduce<bigint | undefined>((a, b) => (a === undefined || b < a ? b : a), undefined);
}
