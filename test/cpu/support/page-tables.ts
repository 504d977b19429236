import { RAM_GPA } from './rig.ts';

/** Bits of a page-table entry. */
export const Pte = { V: 1n, R: 2n, W: 4n, X: 8n, U: 16n, G: 32n, A: 64n, D: 128n } as const;

const SCHEME = { 3: 8n, 4: 9n, 5: 10n } as const;

/** Page tables in a rig's RAM, grown as mappings are made. */
export class PageTables {
  readonly satp: bigint;
  readonly #view: DataView;
  readonly #root: bigint;
  readonly #levels: 3 | 4 | 5;
  #next: bigint;

  /** @param root physical address of the root table; further tables go behind it. */
  constructor(view: DataView, root: bigint, levels: 3 | 4 | 5) {
    this.#view = view;
    this.#root = root;
    this.#levels = levels;
    this.#next = root + 4096n;
    this.satp = (SCHEME[levels] << 60n) | (root >> 12n);
    for (let at = 0; at < 0x40000; at += 8) view.setBigUint64(Number(root) - RAM_GPA + at, 0n, true);
  }

  /** Maps the page (or, with `level`, superpage) of `va` to `pa` with the given bits. */
  map(va: bigint, pa: bigint, bits: bigint, level = 0): void {
    const at = this.#entry(va, level, true);
    this.#view.setBigUint64(at, ((pa >> 12n) << 10n) | bits, true);
  }

  /** The last-level entry of a page. */
  leaf(va: bigint): bigint {
    return this.#view.getBigUint64(this.#entry(va, 0, false), true);
  }

  /** Physical address of the entry that maps `va`. */
  leafGpa(va: bigint): bigint {
    let level = 0;
    // The first level from the top down whose entry is a leaf.
    for (let l = this.#levels - 1; l > 0; l--) {
      const pte = this.#view.getBigUint64(this.#entry(va, l, false), true);
      if ((pte & (Pte.R | Pte.W | Pte.X)) !== 0n) {
        level = l;
        break;
      }
    }
    return BigInt(this.#entry(va, level, false) + RAM_GPA);
  }

  /** Changes the entry that points to the last-level table of `va`. */
  changePointer(va: bigint, change: (pte: bigint) => bigint): void {
    const at = this.#entry(va, 1, false);
    this.#view.setBigUint64(at, change(this.#view.getBigUint64(at, true)), true);
  }

  /** Offset in RAM of the entry of `va` at a level. */
  #entry(va: bigint, level: number, create: boolean): number {
    let table = this.#root;
    for (let l = this.#levels - 1; ; l--) {
      const index = (va >> (12n + 9n * BigInt(l))) & 511n;
      const at = Number(table + index * 8n) - RAM_GPA;
      if (l === level) return at;
      let pte = this.#view.getBigUint64(at, true);
      if ((pte & Pte.V) === 0n) {
        if (!create) throw new Error(`no table for ${va.toString(16)} at level ${l}`);
        pte = ((this.#next >> 12n) << 10n) | Pte.V;
        this.#view.setBigUint64(at, pte, true);
        this.#next += 4096n;
      }
      table = (pte >> 10n) << 12n;
    }
  }
}
