import { Priv } from '../isa/index.ts';
import { type HartState, hartWord } from './state.ts';

/** Kinds of access, with the bit each needs in a PMP configuration byte (R, W, X) or a page-table entry shifted by 1. */
export const Access = { LOAD: 1, STORE: 2, FETCH: 4 } as const;
export type Access = (typeof Access)[keyof typeof Access];

const ENTRIES = 16;
const PMPCFG = hartWord.pmpcfg;
const PMPADDR = hartWord.pmpaddr;
const LOCKED = 0x80;
const RWX = 7;

/** One active region in bytes, [start, end). */
interface Region {
  readonly start: number;
  readonly end: number;
  /** Allowed accesses in S and U mode. */
  readonly rwx: number;
  /** Allowed accesses in M mode: all unless locked (Privileged spec 3.7.1, "Locking and Privilege Mode"). */
  readonly machineRwx: number;
}

/**
 * Physical memory protection, 16 entries, granularity 4 bytes (Privileged spec 3.7). Addresses are numbers: above 2^53
 * they lose low bits, where no machine has anything.
 */
export class Pmp {
  readonly #words: Int32Array;
  #regions: readonly Region[] = [];

  constructor(state: HartState) {
    this.#words = state.words;
    this.reload();
  }

  /** Reads pmpcfg and pmpaddr again. */
  reload(): void {
    const regions: Region[] = [];
    let below = 0;
    for (let i = 0; i < ENTRIES; i++) {
      const cfg = (this.#words[PMPCFG + (i >> 2)] >>> ((i & 3) * 8)) & 0xff;
      const lo = this.#words[PMPADDR + 2 * i] >>> 0;
      const hi = this.#words[PMPADDR + 2 * i + 1] >>> 0;
      const address = (hi * 2 ** 32 + lo) * 4;
      const rwx = cfg & RWX;
      const machineRwx = (cfg & LOCKED) !== 0 ? rwx : RWX;
      const mode = (cfg >> 3) & 3;
      if (mode === 1) regions.push({ start: below, end: address, rwx, machineRwx });
      else if (mode === 2) regions.push({ start: address, end: address + 4, rwx, machineRwx });
      else if (mode === 3) {
        const bytes = napotBytes(lo, hi);
        const start = Math.floor(address / bytes) * bytes;
        regions.push({ start, end: start + bytes, rwx, machineRwx });
      }
      below = address;
    }
    this.#regions = regions.filter((region) => region.end > region.start);
  }

  /**
   * Whether `priv` may access all of [gpa, gpa + bytes): the lowest-numbered entry that matches any byte must match all
   * and grant it; with no match M-mode may, others may not (3.7.1, "Priority and Matching Logic").
   */
  allows(gpa: number, bytes: number, priv: number, access: Access): boolean {
    const end = gpa + bytes;
    for (const region of this.#regions) {
      if (region.start >= end || region.end <= gpa) continue;
      if (region.start > gpa || region.end < end) return false;
      return ((priv === Priv.M ? region.machineRwx : region.rwx) & access) !== 0;
    }
    return priv === Priv.M;
  }

  /** Whether one answer of `allows` holds for every access inside the page at `gpa`. */
  uniform(gpa: number): boolean {
    const end = gpa + 4096;
    for (const region of this.#regions) {
      if (region.start >= end || region.end <= gpa) continue;
      return region.start <= gpa && region.end >= end;
    }
    return true;
  }
}

/** Size of a NAPOT region: 8 bytes times 2 for each trailing one of pmpaddr (54 bits). */
function napotBytes(lo: number, hi: number): number {
  const lowOnes = trailingOnes(lo);
  return 8 * 2 ** (lowOnes < 32 ? lowOnes : 32 + trailingOnes(hi));
}

function trailingOnes(word: number): number {
  const zero = ~word;
  return zero === 0 ? 32 : 31 - Math.clz32(zero & -zero);
}
