/** Virtual-address translation by page tables: Sv39, Sv48, Sv57 (Privileged spec 12.3 … 12.6), Svnapot, Svpbmt, Svadu. */
import { Priv } from '../isa/index.ts';
import { Access, type Pmp } from './pmp.ts';
import type { Ram } from './ram.ts';
import { type HartState, hartWord } from './state.ts';

const SATP = hartWord.satp;
const MENVCFG_HI = hartWord.menvcfg + 1;

/** How a walk ended. */
export const Walk = { OK: 0, PAGE_FAULT: 1, ACCESS_FAULT: 2 } as const;
export type Walk = (typeof Walk)[keyof typeof Walk];

/** Bits of a page-table entry's low word. */
const Pte = { V: 1, R: 2, W: 4, X: 8, U: 16, G: 32, A: 64, D: 128 } as const;
/** Bits of its high word: reserved (60:54), PBMT (62:61), N (63). */
const PTE_RESERVED_HI = 0x1fc0_0000;
const PTE_PBMT_HI = 0x6000_0000;
const PTE_N_HI = 0x8000_0000 | 0;

/** menvcfg.PBMTE (62) and menvcfg.ADUE (61), in its high word. */
const MENVCFG_PBMTE_HI = 1 << 30;
const MENVCFG_ADUE_HI = 1 << 29;

/** Page-table levels by satp.MODE. */
export const satpLevels: Readonly<Record<number, number>> = { 0: 0, 8: 3, 9: 4, 10: 5 };

/** What decides whether a leaf may be used: effective privilege, mstatus.SUM, mstatus.MXR. */
export interface AccessMode {
  readonly priv: number;
  readonly sum: boolean;
  readonly mxr: boolean;
}

/** Walks page tables for one hart. The results of a successful walk are in its fields until the next. */
export class PageWalker {
  /** Physical page number of the 4 KiB page. */
  ppn = 0;
  /** log2 of the size of the mapping that the leaf describes: 12 for a plain page. */
  shift = 12;
  /** Whether the leaf or a table above it is marked global. */
  global = false;
  readonly #words: Int32Array;
  readonly #ram: Ram;
  readonly #pmp: Pmp;
  readonly #pte64 = new BigInt64Array(2);
  readonly #pte = new Int32Array(this.#pte64.buffer);

  constructor(state: HartState, ram: Ram, pmp: Pmp) {
    this.#words = state.words;
    this.#ram = ram;
    this.#pmp = pmp;
  }

  /** Translates the page of a virtual address given as halves. */
  walk(lo: number, hi: number, access: Access, mode: AccessMode): Walk {
    const levels = mode.priv === Priv.M ? 0 : satpLevels[this.#words[SATP + 1] >>> 28];
    this.global = false;
    this.shift = 12;
    if (levels === 0) {
      // Physical addresses have 56 bits; what cannot be one is an access fault.
      if (hi >>> 24 !== 0) return Walk.ACCESS_FAULT;
      this.ppn = hi * 0x10_0000 + (lo >>> 12);
      return Walk.OK;
    }
    if (!isCanonical(hi, levels)) return Walk.PAGE_FAULT;
    let result = this.#descend(lo, hi, levels, access, mode);
    // Another thread changed the entry while its A or D bit was being set: the walk starts again (12.3.2, step 9).
    while (result === RETRY) result = this.#descend(lo, hi, levels, access, mode);
    return result as Walk;
  }

  #descend(lo: number, hi: number, levels: number, access: Access, mode: AccessMode): number {
    const pte = this.#pte;
    const reservedHi = PTE_RESERVED_HI | ((this.#words[MENVCFG_HI] & MENVCFG_PBMTE_HI) !== 0 ? 0 : PTE_PBMT_HI);
    let table = (this.#words[SATP + 1] & 0xfff) * 0x1_0000_0000 + (this.#words[SATP] >>> 0);
    for (let level = levels - 1; level >= 0; level--) {
      const slot = vpn(lo, hi, level);
      const page = this.#ram.readable(table);
      if (page < 0 || !this.#pmp.allows(table * 4096 + slot * 8, 8, Priv.S, Access.LOAD)) return Walk.ACCESS_FAULT;
      // One element copied whole: a single machine load, so an entry is never seen half-written.
      this.#pte64[0] = this.#ram.m64[page * 512 + slot];
      const flags = pte[0];
      const ppn = (flags >>> 10) + (pte[1] & 0x3f_ffff) * 0x40_0000;
      if ((flags & Pte.V) === 0 || (flags & (Pte.R | Pte.W)) === Pte.W || (pte[1] & reservedHi) !== 0) {
        return Walk.PAGE_FAULT;
      }
      if ((flags & Pte.G) !== 0) this.global = true;
      if ((flags & (Pte.R | Pte.X)) !== 0) return this.#leaf(lo, hi, level, ppn, table, slot, access, mode);
      if ((flags & (Pte.D | Pte.A | Pte.U)) !== 0 || (pte[1] & (PTE_N_HI | PTE_PBMT_HI)) !== 0) return Walk.PAGE_FAULT;
      table = ppn;
    }
    return Walk.PAGE_FAULT;
  }

  #leaf(
    lo: number,
    hi: number,
    level: number,
    ppn: number,
    table: number,
    slot: number,
    access: Access,
    mode: AccessMode,
  ): number {
    const flags = this.#pte[0];
    const napot = (this.#pte[1] & PTE_N_HI) !== 0;
    if ((this.#pte[1] & PTE_PBMT_HI) === PTE_PBMT_HI) return Walk.PAGE_FAULT;
    if (!mayUse(flags, access, mode)) return Walk.PAGE_FAULT;
    const pages = PAGES_AT_LEVEL[level];
    if (ppn % pages !== 0) return Walk.PAGE_FAULT;
    if (napot && (level !== 0 || ppn % 16 !== 8)) return Walk.PAGE_FAULT;
    const needed = access === Access.STORE ? Pte.A | Pte.D : Pte.A;
    if ((flags & needed) !== needed) {
      const updated = this.#setAccessed(table, slot, needed);
      if (updated !== Walk.OK) return updated;
    }
    if (napot) {
      this.ppn = ppn - 8 + ((lo >>> 12) & 15);
      this.shift = 16;
    } else {
      // The page's place in the superpage: the fields of the levels below.
      this.ppn = ppn;
      for (let below = 0; below < level; below++) this.ppn += vpn(lo, hi, below) * PAGES_AT_LEVEL[below];
      this.shift = 12 + 9 * level;
    }
    return Walk.OK;
  }

  /** Sets A and D in memory when menvcfg.ADUE lets hardware do it (Svadu), else faults (12.3.2, step 9). */
  #setAccessed(table: number, slot: number, bits: number): number {
    if ((this.#words[MENVCFG_HI] & MENVCFG_ADUE_HI) === 0) return Walk.PAGE_FAULT;
    const page = this.#ram.writable(table);
    if (page < 0 || !this.#pmp.allows(table * 4096 + slot * 8, 8, Priv.S, Access.STORE)) return Walk.ACCESS_FAULT;
    const seen = this.#pte64[0];
    const found = Atomics.compareExchange(this.#ram.m64, page * 512 + slot, seen, seen | BigInt(bits));
    return found === seen ? Walk.OK : RETRY;
  }
}

/** 4 KiB pages that a leaf of each level maps. */
const PAGES_AT_LEVEL = [1, 2 ** 9, 2 ** 18, 2 ** 27, 2 ** 36];

/** Internal result of a descent that must be repeated. */
const RETRY = 3;

/** Virtual page number field of one level (12.3, 12.4, 12.5: nine bits each from bit 12 up). */
function vpn(lo: number, hi: number, level: number): number {
  switch (level) {
    case 0:
      return (lo >>> 12) & 511;
    case 1:
      return (lo >>> 21) & 511;
    case 2:
      return ((lo >>> 30) | (hi << 2)) & 511;
    case 3:
      return (hi >>> 7) & 511;
    default:
      return (hi >>> 16) & 511;
  }
}

/** Whether the bits above the translated ones all equal its top bit (38, 47 or 56), else a page fault. */
function isCanonical(hi: number, levels: number): boolean {
  const unused = 52 - 9 * levels;
  return (hi << unused) >> unused === hi;
}

/** Steps 6 and 7 of the translation algorithm: R, W, X with MXR, and U with SUM. */
function mayUse(flags: number, access: Access, mode: AccessMode): boolean {
  if ((flags & Pte.U) !== 0) {
    // S-mode never executes user pages, and touches them only with SUM.
    if (mode.priv === Priv.S && (access === Access.FETCH || !mode.sum)) return false;
  } else if (mode.priv === Priv.U) return false;
  if (access === Access.LOAD) return (flags & (mode.mxr ? Pte.R | Pte.X : Pte.R)) !== 0;
  return (flags & (access === Access.STORE ? Pte.W : Pte.X)) !== 0;
}
