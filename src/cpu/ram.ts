import { SLOTS } from '../isa/index.ts';
import { MachineState } from './state.ts';

/** log2 and size of a page, of memory slots and of translations. */
export const PAGE_SHIFT = 12;
export const PAGE_BYTES = 4096;

/** One memory slot as the CPU uses it: page numbers instead of addresses. */
interface RamSlot {
  readonly firstPpn: number;
  readonly endPpn: number;
  /** Page index in the shared memory of the slot's first page. */
  readonly firstPage: number;
  readonly readOnly: boolean;
  /** Dirty bitmap, or null when writes are not logged. */
  readonly dirty: Int32Array | null;
}

/**
 * Guest RAM as the CPU sees it: views of the whole shared memory, and the slot table that places guest physical pages
 * in it. A page of RAM is named by its index in the shared memory ("page"), a physical page number by "ppn".
 */
export class Ram {
  readonly m8: Uint8Array;
  readonly m16: Uint16Array;
  readonly m32: Int32Array;
  readonly m64: BigInt64Array;
  readonly #buffer: SharedArrayBuffer;
  readonly #machine: MachineState;
  #generation = -1;
  #slots: readonly RamSlot[] = [];

  constructor(buffer: SharedArrayBuffer) {
    this.#buffer = buffer;
    this.#machine = new MachineState(buffer);
    this.m8 = new Uint8Array(buffer);
    this.m16 = new Uint16Array(buffer);
    this.m32 = new Int32Array(buffer);
    this.m64 = new BigInt64Array(buffer);
  }

  /** Reads the slot table again if it has changed; true when it had. */
  refresh(): boolean {
    const generation = this.#machine.get32('slotGeneration');
    if (generation === this.#generation) return false;
    this.#generation = generation;
    const slots: RamSlot[] = [];
    for (let i = 0; i < SLOTS; i++) {
      const pages = Number(this.#machine.get('slotLen', i)) / PAGE_BYTES;
      if (pages === 0) continue;
      const firstPpn = Number(this.#machine.get('slotGpa', i)) / PAGE_BYTES;
      const flags = this.#machine.get32('slotFlags', i);
      const dirty = Number(this.#machine.get('slotDirty', i));
      slots.push({
        firstPpn,
        endPpn: firstPpn + pages,
        firstPage: Number(this.#machine.get('slotOffset', i)) / PAGE_BYTES,
        readOnly: (flags & 1) !== 0,
        dirty: (flags & 2) !== 0 && dirty !== 0 ? new Int32Array(this.#buffer, dirty, Math.ceil(pages / 32)) : null,
      });
    }
    // The largest first: lookups scan the list, and main memory takes nearly all of them.
    this.#slots = slots.sort((a, b) => b.endPpn - b.firstPpn - (a.endPpn - a.firstPpn));
    return true;
  }

  /** Page that holds physical page `ppn` for reading, or -1. */
  readable(ppn: number): number {
    for (const slot of this.#slots) {
      if (ppn >= slot.firstPpn && ppn < slot.endPpn) return slot.firstPage + (ppn - slot.firstPpn);
    }
    return -1;
  }

  /** Page that holds physical page `ppn` for writing, marked dirty, or -1 if there is none or it is read-only. */
  writable(ppn: number): number {
    for (const slot of this.#slots) {
      if (ppn < slot.firstPpn || ppn >= slot.endPpn) continue;
      if (slot.readOnly) return -1;
      const index = ppn - slot.firstPpn;
      if (slot.dirty !== null) Atomics.or(slot.dirty, index >>> 5, 1 << (index & 31));
      return slot.firstPage + index;
    }
    return -1;
  }
}
