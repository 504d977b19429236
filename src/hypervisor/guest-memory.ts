import { MachineState } from '../cpu/index.ts';
import { SLOTS } from '../isa/index.ts';

/** A guest physical range that no memory slot holds, or a write to a read-only one. */
export class GuestMemoryError extends Error {
  readonly gpa: number;
  readonly bytes: number;

  constructor(gpa: number, bytes: number, why: string) {
    super(`guest physical range ${bytes} bytes at 0x${gpa.toString(16)}: ${why}`);
    this.name = 'GuestMemoryError';
    this.gpa = gpa;
    this.bytes = bytes;
  }
}

interface SlotView {
  readonly gpa: number;
  readonly end: number;
  readonly offset: number;
  readonly readOnly: boolean;
  readonly dirty: number;
}

/**
 * Guest RAM as devices and loaders see it: every access is range-checked against the slot table in shared memory and
 * throws GuestMemoryError outside it. A range must lie in one slot. Writes mark dirty pages. Works on any thread.
 */
export class GuestMemory {
  readonly #buffer: SharedArrayBuffer;
  readonly #machine: MachineState;
  readonly #bytes: Uint8Array;
  readonly #halves: Uint16Array;
  readonly #words: Uint32Array;
  #generation = -1;
  #slots: SlotView[] = [];

  constructor(buffer: SharedArrayBuffer) {
    this.#buffer = buffer;
    this.#machine = new MachineState(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.#halves = new Uint16Array(buffer);
    this.#words = new Uint32Array(buffer);
  }

  #find(gpa: number, bytes: number, write: boolean): number {
    const generation = this.#machine.get32('slotGeneration');
    if (generation !== this.#generation) this.#load(generation);
    for (const slot of this.#slots) {
      if (gpa >= slot.gpa && gpa < slot.end) {
        if (!(bytes >= 0) || gpa + bytes > slot.end) break;
        if (write) {
          if (slot.readOnly) throw new GuestMemoryError(gpa, bytes, 'read-only memory');
          if (slot.dirty !== 0) this.#mark(slot, gpa, bytes);
        }
        return slot.offset + (gpa - slot.gpa);
      }
    }
    throw new GuestMemoryError(gpa, bytes, 'outside RAM');
  }

  #load(generation: number): void {
    const slots: SlotView[] = [];
    for (let i = 0; i < SLOTS; i++) {
      const len = Number(this.#machine.get('slotLen', i));
      if (len === 0) continue;
      const gpa = Number(this.#machine.get('slotGpa', i));
      slots.push({
        gpa,
        end: gpa + len,
        offset: Number(this.#machine.get('slotOffset', i)),
        readOnly: (this.#machine.get32('slotFlags', i) & 1) !== 0,
        dirty: (this.#machine.get32('slotFlags', i) & 2) !== 0 ? Number(this.#machine.get('slotDirty', i)) : 0,
      });
    }
    this.#slots = slots;
    this.#generation = generation;
  }

  #mark(slot: SlotView, gpa: number, bytes: number): void {
    const bitmap = new Int32Array(this.#buffer, slot.dirty);
    const last = Math.floor((gpa + Math.max(bytes, 1) - 1 - slot.gpa) / 4096);
    for (let page = Math.floor((gpa - slot.gpa) / 4096); page <= last; page++) {
      Atomics.or(bitmap, page >>> 5, 1 << (page & 31));
    }
  }

  /** Copies out of guest memory, filling `into`. */
  read(gpa: number, into: Uint8Array): void {
    const at = this.#find(gpa, into.length, false);
    into.set(this.#bytes.subarray(at, at + into.length));
  }

  /** Copies into guest memory. */
  write(gpa: number, from: Uint8Array): void {
    this.#bytes.set(from, this.#find(gpa, from.length, true));
  }

  /** Has `fill` write a range without a copy in between: only within the call. */
  fill(gpa: number, bytes: number, fill: (into: Uint8Array) => void): void {
    const at = this.#find(gpa, bytes, true);
    fill(this.#bytes.subarray(at, at + bytes));
  }

  /** A window on guest memory without a copy: for reading, and only until the next slot change. */
  view(gpa: number, bytes: number): Uint8Array {
    const at = this.#find(gpa, bytes, false);
    return this.#bytes.subarray(at, at + bytes);
  }

  /** Whether the whole range can be read (or, with `write`, written). */
  contains(gpa: number, bytes: number, write = false): boolean {
    try {
      this.#find(gpa, write ? 0 : bytes, false);
      if (write) this.#find(gpa, bytes, true);
      return true;
    } catch {
      return false;
    }
  }

  /** Atomic, acquiring read of an aligned 16-bit field; `gpa` must be even. */
  u16(gpa: number): number {
    return Atomics.load(this.#halves, this.#aligned(gpa, 2, false) / 2);
  }

  /** Atomic, releasing write of an aligned 16-bit field. */
  setU16(gpa: number, value: number): void {
    Atomics.store(this.#halves, this.#aligned(gpa, 2, true) / 2, value & 0xffff);
  }

  /** Atomic read of an aligned 32-bit field. */
  u32(gpa: number): number {
    return Atomics.load(this.#words, this.#aligned(gpa, 4, false) / 4);
  }

  /** Atomic write of an aligned 32-bit field. */
  setU32(gpa: number, value: number): void {
    Atomics.store(this.#words, this.#aligned(gpa, 4, true) / 4, value >>> 0);
  }

  #aligned(gpa: number, bytes: number, write: boolean): number {
    if (gpa % bytes !== 0) throw new GuestMemoryError(gpa, bytes, `not aligned to ${bytes}`);
    return this.#find(gpa, bytes, write);
  }
}
