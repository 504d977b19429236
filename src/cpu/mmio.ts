import { decode, insnByName } from '../isa/index.ts';
import { type HartState, hartWord } from './state.ts';
import { Mstatus } from './trap.ts';

/**
 * Finishes an instruction that made an MMIO exit: a load's destination register gets the value (zero-extended, as
 * halves), extended or NaN-boxed as the instruction says. Stores have nothing left to do. pc stays.
 */
export function finishMmio(state: HartState, raw: number, lo: number, hi: number): void {
  const insn = decode(raw);
  if (insn === undefined) return;
  const { memory, writes } = insnByName[insn.name];
  if (memory?.kind !== 'load') return;
  const at = 2 * insn.rd;
  if (writes[0]?.file === 'f') {
    state.f[at] = lo;
    state.f[at + 1] = memory.bytes === 8 ? hi : -1;
    state.words[hartWord.mstatus] |= Mstatus.FS;
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
