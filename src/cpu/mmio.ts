/** The two ends of an MMIO exit that every backend shares, on the state block alone. */
import { decode, encode, insnByName } from '../isa/index.ts';
import { type HartState, hartWord } from './state.ts';
import { Mstatus } from './trap.ts';

const PC = hartWord.pc;
const MSTATUS = hartWord.mstatus;
const EXIT_INSN = hartWord.exitInsn;
const EXIT_LENGTH = hartWord.exitLength;

/** Fills in which instruction left the guest: its bits as fetched, compressed ones expanded, and its length. */
export function describeExit(state: HartState, raw: number): void {
  const compressed = (raw & 3) !== 3;
  const insn = compressed ? decode(raw) : undefined;
  state.words[EXIT_INSN] = insn === undefined ? raw : encode(insnByName[insn.name], insn);
  state.words[EXIT_LENGTH] = compressed ? 2 : 4;
}

/**
 * Finishes the instruction that made an MMIO exit and moves pc past it: a load's destination register gets the value
 * (zero-extended, as halves), extended or NaN-boxed as the instruction says.
 */
export function finishMmio(state: HartState, lo: number, hi: number): void {
  const { words } = state;
  writeResult(state, words[EXIT_INSN] >>> 0, lo, hi);
  const pcLo = (words[PC] + words[EXIT_LENGTH]) | 0;
  if (pcLo >>> 0 < words[PC] >>> 0) words[PC + 1]++;
  words[PC] = pcLo;
}

function writeResult(state: HartState, raw: number, lo: number, hi: number): void {
  const insn = decode(raw);
  if (insn === undefined) return;
  const { memory, writes } = insnByName[insn.name];
  if (memory?.kind !== 'load') return;
  const at = 2 * insn.rd;
  if (writes[0]?.file === 'f') {
    state.f[at] = lo;
    state.f[at + 1] = memory.bytes === 8 ? hi : -1;
    state.words[MSTATUS] |= Mstatus.FS;
    return;
  }
  if (insn.rd === 0) return;
  if (memory.bytes === 8) {
    state.x[at] = lo;
    state.x[at + 1] = hi;
    return;
  }
  const unused = 32 - 8 * memory.bytes;
  const value = memory.signed ? (lo << unused) >> unused : (lo << unused) >>> unused;
  state.x[at] = value;
  state.x[at + 1] = memory.signed ? value >> 31 : 0;
}
