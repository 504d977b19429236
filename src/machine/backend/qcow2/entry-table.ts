import { COPIED_HI, OFFSET_HI, OFFSET_LO } from './spec.ts';

/** The offset that the two halves of an entry hold; not exact above 2^53, where nothing of ours is. */
export function entryOffset(hi: number, lo: number): number {
  return (hi & OFFSET_HI) * 2 ** 32 + ((lo & OFFSET_LO) >>> 0);
}

/** The upper half of an entry with this offset. */
export function offsetHi(offset: number): number {
  return Math.floor(offset / 2 ** 32);
}

/** A table of 64-bit entries, as it is in the file: L1 table, refcount table. */
export class EntryTable {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get length(): number {
    return this.bytes.length / 8;
  }

  hi(index: number): number {
    return this.#view.getUint32(index * 8);
  }

  lo(index: number): number {
    return this.#view.getUint32(index * 8 + 4);
  }

  /** Where the entry points; 0: nowhere. */
  offset(index: number): number {
    return entryOffset(this.hi(index), this.lo(index));
  }

  /** The flag COPIED: what it points at has one reference. Of an entry that points nowhere it says nothing. */
  copied(index: number): boolean {
    return (this.hi(index) & COPIED_HI) !== 0 && this.offset(index) !== 0;
  }

  set(index: number, offset: number, copied: boolean): void {
    this.#view.setUint32(index * 8, (offsetHi(offset) | (copied ? COPIED_HI : 0)) >>> 0);
    this.#view.setUint32(index * 8 + 4, offset >>> 0);
  }
}
