/** What other threads may do to a hart: everything here works on the shared state block alone, from any thread. */
import { Attention } from '../isa/index.ts';
import { type HartState, hartWord } from './state.ts';

/** Sets attention bits and wakes the vCPU if it sleeps. */
export function raiseAttention(hart: HartState, bits: number): void {
  if ((Atomics.or(hart.words, hartWord.attention, bits) & bits) !== bits) {
    Atomics.notify(hart.words, hartWord.attention);
  }
}

/** Makes `run()` return Stop.Kicked soon, or at once on its next call. */
export function kick(hart: HartState): void {
  raiseAttention(hart, Attention.KICK);
}

/** Drives one interrupt input (a level) of the hart; `interrupt` is its bit position in mip. */
export function setInterruptLine(hart: HartState, interrupt: number, level: boolean): void {
  const bit = 1 << interrupt;
  const before = level
    ? Atomics.or(hart.words, hartWord.irqLines, bit)
    : Atomics.and(hart.words, hartWord.irqLines, ~bit);
  if (((before & bit) !== 0) !== level) raiseAttention(hart, Attention.INTERRUPT);
}

/** Sets bits of mip as software does (SBI's IPI sets SSIP). */
export function setPending(hart: HartState, interrupt: number): void {
  Atomics.or(hart.words, hartWord.mip, 1 << interrupt);
  raiseAttention(hart, Attention.INTERRUPT);
}

/** What a remote fence reaches: translations (sfence.vma), decoded code (fence.i). */
export interface FenceKind {
  readonly tlb: boolean;
  readonly code: boolean;
}

/**
 * Remote fence: makes the hart drop its translations (`tlb`) or compare its decoded code with memory before running it
 * again (`code`), and waits until it has, unless it is outside the guest: then it does so before it enters. The caller
 * must itself be outside the guest (`inGuest` 0), so that two harts fencing each other cannot wait for ever.
 */
export function remoteFence(hart: HartState, what: FenceKind): void {
  remoteFences([hart], what);
}

/** `remoteFence` for several harts at once: they do it at the same time. */
export function remoteFences(harts: readonly HartState[], what: FenceKind): void {
  for (const hart of harts) {
    if (what.code) Atomics.add(hart.words, hartWord.codeEpoch, 1);
    // The flush doubles as the acknowledgement of a code fence: a hart re-reads codeEpoch at each block boundary.
    raiseAttention(hart, Attention.FLUSH_TLB);
  }
  for (const hart of harts) awaitFlush(hart);
}

function awaitFlush(hart: HartState): void {
  while (
    Atomics.load(hart.words, hartWord.inGuest) === 1 &&
    (Atomics.load(hart.words, hartWord.attention) & Attention.FLUSH_TLB) !== 0
  ) {
    // A short sleep on a word nobody notifies: Atomics has no pause, and a spinning thread may starve the other.
    Atomics.wait(hart.words, hartWord.inGuest, 1, 0.02);
  }
}
