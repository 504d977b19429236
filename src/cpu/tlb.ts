/**
 * A direct-mapped software TLB for one kind of access. It has one set of entries per access mode, so that changes of
 * privilege, SUM or MXR select another set instead of flushing. The load and store handlers read `entries` inline.
 */

/** Entries per set. */
export const TLB_ENTRIES = 512;
/** Words per entry: virtual page low (bits 31:12) and high, page index in the shared memory, physical page number. */
export const TLB_STRIDE = 4;
/** Words per set: multiply by the set's number to get its base. */
export const TLB_SET_WORDS = TLB_ENTRIES * TLB_STRIDE;

/** Tag of an empty entry: no comparison of a masked address gives it, as every mask clears bit 3. */
const EMPTY = 8;

/** Index of the entry for an address in the set at `base`. Handlers repeat this expression inline. */
export function tlbIndex(lo: number, base: number): number {
  return (((lo >>> 12) & (TLB_ENTRIES - 1)) << 2) + base;
}

/** Number of sets: user, supervisor, supervisor with SUM, machine, and the same four with MXR. */
export const TLB_SETS = 8;

/** See the file comment. */
export class Tlb {
  readonly entries = new Int32Array(TLB_SETS * TLB_SET_WORDS).fill(EMPTY);
  /** Sets that hold anything, and of those the ones with only global translations, as bit masks. */
  #used = 0;
  #allGlobal = 0;

  /** Enters a translation for the page of an address. */
  fill(base: number, lo: number, hi: number, page: number, ppn: number, global: boolean): void {
    const bit = 1 << (base / TLB_SET_WORDS);
    if ((this.#used & bit) === 0) this.#allGlobal |= bit;
    this.#used |= bit;
    if (!global) this.#allGlobal &= ~bit;
    const at = tlbIndex(lo, base);
    this.entries[at] = lo & ~0xfff;
    this.entries[at + 1] = hi;
    this.entries[at + 2] = page;
    this.entries[at + 3] = ppn;
  }

  /** Page of an address in the set at `base`, or -1. */
  lookup(base: number, lo: number, hi: number): number {
    const at = tlbIndex(lo, base);
    return this.entries[at] === (lo & ~0xfff) && this.entries[at + 1] === hi ? this.entries[at + 2] : -1;
  }

  /** Drops everything. */
  flush(): void {
    this.#drop(this.#used);
  }

  /** Drops the sets that hold anything but global translations: enough when only the address space changes. */
  flushAddressSpace(): void {
    this.#drop(this.#used & ~this.#allGlobal);
  }

  #drop(sets: number): void {
    for (let set = 0; set < TLB_SETS; set++) {
      if ((sets & (1 << set)) === 0) continue;
      this.entries.fill(EMPTY, set * TLB_SET_WORDS, (set + 1) * TLB_SET_WORDS);
    }
    this.#used &= ~sets;
  }

  /** Drops the 4 KiB page of an address in every set. */
  flushPage(lo: number, hi: number): void {
    for (let set = 0; set < TLB_SETS; set++) {
      const at = tlbIndex(lo, set * TLB_SET_WORDS);
      if (this.entries[at] === (lo & ~0xfff) && this.entries[at + 1] === hi) this.entries[at] = EMPTY;
    }
  }
}
