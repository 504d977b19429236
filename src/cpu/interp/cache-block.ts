/** Zicbom and Zicboz (Unprivileged spec 19). There is no cache: management checks permissions, zeroing stores. */
import { CACHE_BLOCK_BYTES, Exception, Priv } from '../../isa/index.ts';
import { accessFault, FAULT, type Mmu, NOT_RAM } from '../mmu.ts';
import { Access } from '../pmp.ts';
import { hartWord } from '../state.ts';
import { type Factory, type HandlerTable, Outcome, type Registers } from './handler.ts';

export type CacheBlockName = 'cbo.inval' | 'cbo.clean' | 'cbo.flush' | 'cbo.zero';

const PRIV = hartWord.priv;
const MENVCFG = hartWord.menvcfg;
const SENVCFG = hartWord.senvcfg;

/** Fields of menvcfg and senvcfg. */
const CBIE = 3 << 4;
const CBCFE = 1 << 6;
const CBZE = 1 << 7;

/** Handlers for CacheBlockName. */
export function cacheBlockHandlers({ x, words }: Registers, mmu: Mmu): HandlerTable<CacheBlockName> {
  /** Whether xenvcfg enables the instruction in the current mode (19.5); CBIE 01 turns INVAL into FLUSH, all the same here. */
  const enabled = (field: number): boolean => {
    const priv = words[PRIV];
    if (priv === Priv.M) return true;
    if ((words[MENVCFG] & field) === 0) return false;
    return priv === Priv.S || (words[SENVCFG] & field) !== 0;
  };
  /** Needs permission to load or to store; what faults is reported as a store (19.2.5). Stores imply loads. */
  const manage =
    (field: number): Factory =>
    ({ rs1 }) =>
    () => {
      if (!enabled(field)) return Outcome.ILLEGAL;
      const lo = x[2 * rs1];
      const hi = x[2 * rs1 + 1];
      if (mmu.resolve(lo, hi, 1, Access.LOAD) !== FAULT) return Outcome.NEXT;
      const isPageFault = mmu.trap.cause === Exception.LOAD_PAGE_FAULT;
      mmu.trap.raise(isPageFault ? Exception.STORE_PAGE_FAULT : Exception.STORE_ACCESS_FAULT, lo, hi);
      return Outcome.TRAP;
    };
  const zero: Factory =
    ({ rs1 }) =>
    () => {
      if (!enabled(CBZE)) return Outcome.ILLEGAL;
      const lo = x[2 * rs1];
      const hi = x[2 * rs1 + 1];
      const start = lo & -CACHE_BLOCK_BYTES;
      let page = mmu.cachedStore(start, hi);
      if (page < 0) {
        page = mmu.resolve(start, hi, CACHE_BLOCK_BYTES, Access.STORE);
        if (page === NOT_RAM) mmu.fault(accessFault(Access.STORE), lo, hi);
        if (page < 0) {
          mmu.trap.tvalLo = lo;
          return Outcome.TRAP;
        }
      }
      const at = (page << 10) | ((start & 0xfff) >> 2);
      mmu.ram.m32.fill(0, at, at + CACHE_BLOCK_BYTES / 4);
      return Outcome.NEXT;
    };
  return { 'cbo.inval': manage(CBIE), 'cbo.clean': manage(CBCFE), 'cbo.flush': manage(CBCFE), 'cbo.zero': zero };
}
