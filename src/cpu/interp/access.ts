import { accessFault, FAULT, type Mmu, NOT_RAM } from '../mmu.ts';
import { Access } from '../pmp.ts';
import { hartWord } from '../state.ts';
import { Outcome } from './handler.ts';

const EXIT_VALUE = hartWord.exitValue;
const EXIT_SIZE = hartWord.exitSize;
const EXIT_WRITE = hartWord.exitWrite;

/**
 * Loads and stores that the inline path does not take: TLB misses, pages that PMP splits, misaligned accesses (done
 * here, also across pages, with precise faults) and memory-mapped I/O, which leaves run(). A misaligned access to
 * anything but RAM is an access fault.
 */
export class MemoryAccess {
  /** What `load` read, zero-extended. */
  lo = 0;
  hi = 0;
  readonly #mmu: Mmu;
  readonly #words: Int32Array;
  readonly #pair64 = new BigInt64Array(1);
  readonly #pair = new Int32Array(this.#pair64.buffer);
  readonly #bytes = new Uint8Array(this.#pair64.buffer);

  constructor(mmu: Mmu, words: Int32Array) {
    this.#mmu = mmu;
    this.#words = words;
  }

  /** Reads 1, 2, 4 or 8 bytes into `lo` and `hi`. NEXT, TRAP or STOP. */
  load(lo: number, hi: number, bytes: number): number {
    if ((lo & (bytes - 1)) !== 0) return this.#loadMisaligned(lo, hi, bytes);
    const page = this.#mmu.resolve(lo, hi, bytes, Access.LOAD);
    if (page < 0) return page === FAULT ? Outcome.TRAP : this.#exit(bytes, 0);
    const ram = this.#mmu.ram;
    const at = page * 4096 + (lo & 0xfff);
    this.hi = 0;
    if (bytes === 8) {
      this.#pair64[0] = ram.m64[at / 8];
      this.lo = this.#pair[0];
      this.hi = this.#pair[1];
    } else if (bytes === 4) this.lo = ram.m32[at / 4];
    else this.lo = bytes === 2 ? ram.m16[at / 2] : ram.m8[at];
    return Outcome.NEXT;
  }

  /** Writes the low 1, 2, 4 or 8 bytes of a value. NEXT, TRAP or STOP. */
  store(lo: number, hi: number, bytes: number, valueLo: number, valueHi: number): number {
    this.#pair[0] = valueLo;
    this.#pair[1] = valueHi;
    if ((lo & (bytes - 1)) !== 0) return this.#storeMisaligned(lo, hi, bytes);
    const page = this.#mmu.resolve(lo, hi, bytes, Access.STORE);
    if (page < 0) {
      if (page === FAULT) return Outcome.TRAP;
      this.#words[EXIT_VALUE] = bytes < 4 ? valueLo & (bytes === 1 ? 0xff : 0xffff) : valueLo;
      this.#words[EXIT_VALUE + 1] = bytes === 8 ? valueHi : 0;
      return this.#exit(bytes, 1);
    }
    const ram = this.#mmu.ram;
    const at = page * 4096 + (lo & 0xfff);
    if (bytes === 8) ram.m64[at / 8] = this.#pair64[0];
    else if (bytes === 4) ram.m32[at / 4] = valueLo;
    else if (bytes === 2) ram.m16[at / 2] = valueLo;
    else ram.m8[at] = valueLo;
    return Outcome.NEXT;
  }

  #exit(bytes: number, write: number): number {
    this.#words[EXIT_SIZE] = bytes;
    this.#words[EXIT_WRITE] = write;
    return Outcome.STOP;
  }

  #loadMisaligned(lo: number, hi: number, bytes: number): number {
    if (!this.#resolveParts(lo, hi, bytes, Access.LOAD)) return Outcome.TRAP;
    const m8 = this.#mmu.ram.m8;
    this.#pair[0] = 0;
    this.#pair[1] = 0;
    for (let i = 0; i < this.#firstBytes; i++) this.#bytes[i] = m8[this.#firstAt + i];
    for (let i = this.#firstBytes; i < bytes; i++) this.#bytes[i] = m8[this.#secondAt + i];
    this.lo = this.#pair[0];
    this.hi = this.#pair[1];
    return Outcome.NEXT;
  }

  #storeMisaligned(lo: number, hi: number, bytes: number): number {
    if (!this.#resolveParts(lo, hi, bytes, Access.STORE)) return Outcome.TRAP;
    const m8 = this.#mmu.ram.m8;
    for (let i = 0; i < this.#firstBytes; i++) m8[this.#firstAt + i] = this.#bytes[i];
    for (let i = this.#firstBytes; i < bytes; i++) m8[this.#secondAt + i] = this.#bytes[i];
    return Outcome.NEXT;
  }

  /** Bytes of a misaligned access in its first page, where they lie, and where byte 0 would lie for the rest. */
  #firstBytes = 0;
  #firstAt = 0;
  #secondAt = 0;

  /** Resolves both pages before a byte moves; a fault in the second has the second page's address as tval. */
  #resolveParts(lo: number, hi: number, bytes: number, access: Access): boolean {
    const inPage = 4096 - (lo & 0xfff);
    this.#firstBytes = Math.min(bytes, inPage);
    const first = this.#resolvePart(lo, hi, this.#firstBytes, access);
    if (first < 0) return false;
    this.#firstAt = first * 4096 + (lo & 0xfff);
    if (bytes <= inPage) return true;
    const nextLo = (lo + inPage) | 0;
    const second = this.#resolvePart(nextLo, nextLo === 0 ? (hi + 1) | 0 : hi, bytes - inPage, access);
    if (second < 0) return false;
    this.#secondAt = second * 4096 - inPage;
    return true;
  }

  #resolvePart(lo: number, hi: number, bytes: number, access: Access): number {
    const cached = access === Access.LOAD ? this.#mmu.cachedLoad(lo, hi) : this.#mmu.cachedStore(lo, hi);
    if (cached >= 0) return cached;
    const page = this.#mmu.resolve(lo, hi, bytes, access);
    return page === NOT_RAM ? this.#mmu.fault(accessFault(access), lo, hi) : page;
  }
}
