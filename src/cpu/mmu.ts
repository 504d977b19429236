import { Exception, Priv } from '../isa/index.ts';
import { PageWalker, Walk } from './page-walk.ts';
import { Access, Pmp } from './pmp.ts';
import { PAGE_BYTES, type Ram } from './ram.ts';
import { type HartState, hartWord } from './state.ts';
import { TLB_SET_WORDS, Tlb } from './tlb.ts';
import { MPP_SHIFT, Mstatus, type PendingTrap } from './trap.ts';

const MSTATUS = hartWord.mstatus;
const PRIV = hartWord.priv;
const SATP = hartWord.satp;
const EXIT_GPA = hartWord.exitGpa;
const EXIT_GVA = hartWord.exitGva;

/** What `resolve` returns instead of a page: the exception is recorded. */
export const FAULT = -1;
/** What `resolve` returns for an address outside RAM; its physical address is in the exit fields. */
export const NOT_RAM = -2;

/** Granules of a superpage that an sfence.vma by address must be able to find again. */
const SUPERPAGE_SHIFTS = [16, 21, 30, 39, 48];
/** More superpages of one size than this in use at once, and everything is dropped: a guest cannot fill our memory. */
const SUPERPAGES_MAX = 8192;

/**
 * One hart's memory management: the load and store TLBs with the current access mode, and the way behind them (page
 * walk, PMP, slots). The access mode follows priv, mstatus and satp, so `modeChanged` must be called when they change.
 */
export class Mmu {
  readonly ram: Ram;
  readonly pmp: Pmp;
  readonly loads = new Tlb();
  readonly stores = new Tlb();
  /** First word of the current set in `loads` and `stores`. */
  base = 0;
  readonly fetches = new Tlb();
  /** First word of the current set in `fetches`. */
  fetchBase = 0;
  /** Where FAULT records the exception. */
  readonly trap: PendingTrap;
  /** Whether the page that `resolve` found last may be cached whole: PMP has one answer for all of it. */
  cacheable = false;
  readonly #words: Int32Array;
  readonly #walker: PageWalker;
  readonly #data = { priv: Priv.M as number, sum: false, mxr: false };
  readonly #fetch = { priv: Priv.M as number, sum: false, mxr: false };
  /** satp.MODE that the TLBs were filled under. */
  #scheme = -1;
  /** Superpages in use, one set of granule numbers per size: an sfence.vma inside one must drop all of it. */
  readonly #superpages = SUPERPAGE_SHIFTS.map(() => new Set<number>());

  constructor(state: HartState, ram: Ram, trap: PendingTrap) {
    this.ram = ram;
    this.trap = trap;
    this.pmp = new Pmp(state);
    this.#words = state.words;
    this.#walker = new PageWalker(state, ram, this.pmp);
    this.modeChanged();
  }

  /** Selects the TLB set for the effective access mode (mstatus.MPRV, MPP, SUM, MXR and the privilege mode). */
  modeChanged(): void {
    const mstatus = this.#words[MSTATUS];
    const priv = this.#words[PRIV];
    const effective = (mstatus & Mstatus.MPRV) !== 0 && priv === Priv.M ? (mstatus & Mstatus.MPP) >> MPP_SHIFT : priv;
    this.#fetch.priv = priv;
    this.fetchBase = priv * TLB_SET_WORDS;
    this.#data.priv = effective;
    this.#data.sum = (mstatus & Mstatus.SUM) !== 0;
    this.#data.mxr = (mstatus & Mstatus.MXR) !== 0;
    const set = effective === Priv.S ? (this.#data.sum ? 2 : 1) : effective;
    this.base = (set + (this.#data.mxr ? 4 : 0)) * TLB_SET_WORDS;
  }

  /** Drops all translations. */
  flush(): void {
    this.loads.flush();
    this.stores.flush();
    this.fetches.flush();
    for (const granules of this.#superpages) granules.clear();
  }

  /** satp changed: drops what is not global, or all when the translation scheme is another. */
  addressSpaceChanged(): void {
    const scheme = this.#words[SATP + 1] >>> 28;
    if (scheme !== this.#scheme) {
      this.#scheme = scheme;
      this.flush();
      return;
    }
    this.loads.flushAddressSpace();
    this.stores.flushAddressSpace();
    this.fetches.flushAddressSpace();
  }

  /** Drops the translation of one address, with all of the superpage it may lie in. */
  flushPage(lo: number, hi: number): void {
    for (let i = 0; i < SUPERPAGE_SHIFTS.length; i++) {
      if (this.#superpages[i].has(granule(lo, hi, SUPERPAGE_SHIFTS[i]))) {
        this.flush();
        return;
      }
    }
    this.loads.flushPage(lo, hi);
    this.stores.flushPage(lo, hi);
    this.fetches.flushPage(lo, hi);
  }

  /**
   * Finds the page of shared memory for an access of `bytes` bytes that does not cross a page, checks everything that
   * can fault, and enters it in the TLB. FAULT: the exception is recorded; NOT_RAM: memory-mapped I/O.
   */
  resolve(lo: number, hi: number, bytes: number, access: Access): number {
    const mode = access === Access.FETCH ? this.#fetch : this.#data;
    const walker = this.#walker;
    const walked = walker.walk(lo, hi, access, mode);
    if (walked !== Walk.OK)
      return this.fault(walked === Walk.PAGE_FAULT ? pageFault(access) : accessFault(access), lo, hi);
    const gpa = walker.ppn * PAGE_BYTES + (lo & 0xfff);
    if (!this.pmp.allows(gpa, bytes, mode.priv, access)) return this.fault(accessFault(access), lo, hi);
    const page = access === Access.STORE ? this.ram.writable(walker.ppn) : this.ram.readable(walker.ppn);
    if (page < 0) {
      this.#words[EXIT_GPA] = (walker.ppn << 12) | (lo & 0xfff);
      this.#words[EXIT_GPA + 1] = walker.ppn / 0x10_0000;
      this.#words[EXIT_GVA] = lo;
      this.#words[EXIT_GVA + 1] = hi;
      return NOT_RAM;
    }
    // An entry holds 32 bits of the physical page number: RAM above 2^44 works, uncached.
    this.cacheable = walker.ppn < 0x1_0000_0000 && this.pmp.uniform(walker.ppn * PAGE_BYTES);
    if (this.cacheable) {
      this.#noteSuperpage(lo, hi);
      if (access === Access.LOAD) this.loads.fill(this.base, lo, hi, page, walker.ppn, walker.global);
      else if (access === Access.STORE) this.stores.fill(this.base, lo, hi, page, walker.ppn, walker.global);
    }
    return page;
  }

  /** Page of an address if the store TLB has it in the current access mode, else -1. */
  cachedStore(lo: number, hi: number): number {
    return this.stores.lookup(this.base, lo, hi);
  }

  /** Page of an address if the load TLB has it in the current access mode, else -1. */
  cachedLoad(lo: number, hi: number): number {
    return this.loads.lookup(this.base, lo, hi);
  }

  /** Whether the translation that `resolve` made last is global. */
  get global(): boolean {
    return this.#walker.global;
  }

  /** Physical page number that `resolve` found last. */
  get ppn(): number {
    return this.#walker.ppn;
  }

  /** Records an exception. */
  fault(cause: number, tvalLo: number, tvalHi: number): typeof FAULT {
    this.trap.raise(cause, tvalLo, tvalHi);
    return FAULT;
  }

  #noteSuperpage(lo: number, hi: number): void {
    const shift = this.#walker.shift;
    if (shift === 12) return;
    const granules = this.#superpages[SUPERPAGE_SHIFTS.indexOf(shift)];
    if (granules.size >= SUPERPAGES_MAX) this.flush();
    granules.add(granule(lo, hi, shift));
  }
}

/** Page-fault cause for a kind of access. */
export function pageFault(access: Access): number {
  if (access === Access.LOAD) return Exception.LOAD_PAGE_FAULT;
  return access === Access.STORE ? Exception.STORE_PAGE_FAULT : Exception.INSTRUCTION_PAGE_FAULT;
}

/** Access-fault cause for a kind of access. */
export function accessFault(access: Access): number {
  if (access === Access.LOAD) return Exception.LOAD_ACCESS_FAULT;
  return access === Access.STORE ? Exception.STORE_ACCESS_FAULT : Exception.INSTRUCTION_ACCESS_FAULT;
}

/** 2^(32 - shift). */
const GRANULES_PER_4G = Array.from({ length: 32 }, (_, shift) => 2 ** (32 - shift));

/** Number of the naturally aligned 2^shift-byte piece of the address space that an address lies in; exact. */
function granule(lo: number, hi: number, shift: number): number {
  return shift < 32 ? hi * GRANULES_PER_4G[shift] + (lo >>> shift) : hi >> (shift - 32);
}
