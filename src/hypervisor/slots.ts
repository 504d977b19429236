import type { MachineState } from '../cpu/index.ts';
import { SLOTS, sharedMap } from '../isa/index.ts';
import { VirtError } from '../util/index.ts';

/** A piece of guest physical memory: KVM's `kvm_userspace_memory_region`. */
export interface MemorySlot {
  /** 0 … 15. */
  readonly id: number;
  /** Guest physical address, a multiple of 4096. */
  readonly gpa: number;
  /** A multiple of 4096. */
  readonly bytes: number;
  /** Where it lies in the shared memory, a multiple of 4096, from `sharedMap.ram` on. */
  readonly offset: number;
  /** Guest stores become MMIO exits. */
  readonly readOnly: boolean;
  /** Written pages are noted for `dirtyLog`. */
  readonly logDirty: boolean;
}

const PAGE = 4096;
const READ_ONLY = 1;
const LOG_DIRTY = 2;
/** Physical addresses have 56 bits (Sv39 … Sv57); a number is exact up to here, which is far beyond any board. */
const GPA_END = Number.MAX_SAFE_INTEGER;

/**
 * The slot table in the machine block. Whoever changes it fences all harts afterwards (`Vm` does): a hart that looks
 * while it changes sees a slot either wholly or not at all, since `slotLen` is written last and cleared first.
 */
export class SlotTable {
  readonly #machine: MachineState;
  readonly #buffer: SharedArrayBuffer;

  constructor(buffer: SharedArrayBuffer, machine: MachineState) {
    this.#buffer = buffer;
    this.#machine = machine;
  }

  /** The slot, or undefined while it is not in use. */
  get(id: number): MemorySlot | undefined {
    this.#checkId(id);
    const bytes = Number(this.#machine.get('slotLen', id));
    if (bytes === 0) return undefined;
    const flags = this.#machine.get32('slotFlags', id);
    return {
      id,
      gpa: Number(this.#machine.get('slotGpa', id)),
      bytes,
      offset: Number(this.#machine.get('slotOffset', id)),
      readOnly: (flags & READ_ONLY) !== 0,
      logDirty: (flags & LOG_DIRTY) !== 0,
    };
  }

  /** All slots in use, by id. */
  list(): MemorySlot[] {
    const slots: MemorySlot[] = [];
    for (let id = 0; id < SLOTS; id++) {
      const slot = this.get(id);
      if (slot !== undefined) slots.push(slot);
    }
    return slots;
  }

  add(slot: MemorySlot): void {
    this.#check(slot);
    const machine = this.#machine;
    machine.set('slotGpa', BigInt(slot.gpa), slot.id);
    machine.set('slotOffset', BigInt(slot.offset), slot.id);
    this.#setFlags(slot);
    machine.set('slotLen', BigInt(slot.bytes), slot.id);
    this.#changed();
  }

  remove(id: number): void {
    this.#require(id);
    this.#machine.set('slotLen', 0n, id);
    this.#changed();
  }

  /** Changes what may change while the slot is in use. A log that begins starts empty. */
  update(id: number, flags: { readOnly?: boolean; logDirty?: boolean }): void {
    const slot = this.#require(id);
    this.#setFlags({ ...slot, ...flags }, slot.logDirty);
    this.#changed();
  }

  /** The dirty bitmap of a slot with a log: one bit a page, in 32-bit words. */
  bitmap(id: number): Int32Array {
    const slot = this.#require(id);
    if (!slot.logDirty) throw new VirtError('OPERATION_INVALID', `memory slot ${id} keeps no dirty log`);
    const offset = Number(this.#machine.get('slotDirty', id));
    return new Int32Array(this.#buffer, offset, bitmapWords(slot.bytes));
  }

  #setFlags(slot: MemorySlot, keepLog = false): void {
    if (slot.logDirty && !keepLog) {
      const offset = this.#placeBitmap(slot);
      new Int32Array(this.#buffer, offset, bitmapWords(slot.bytes)).fill(0);
      this.#machine.set('slotDirty', BigInt(offset), slot.id);
    }
    this.#machine.set32('slotFlags', (slot.readOnly ? READ_ONLY : 0) | (slot.logDirty ? LOG_DIRTY : 0), slot.id);
  }

  /** The first gap between the bitmaps of the other slots with a log. */
  #placeBitmap(slot: MemorySlot): number {
    const taken = this.list()
      .filter((other) => other.id !== slot.id && other.logDirty)
      .map((other) => ({
        at: Number(this.#machine.get('slotDirty', other.id)),
        bytes: bitmapWords(other.bytes) * 4,
      }))
      .sort((a, b) => a.at - b.at);
    const need = bitmapWords(slot.bytes) * 4;
    let at: number = sharedMap.dirty;
    for (const bitmap of taken) {
      if (at + need <= bitmap.at) break;
      at = bitmap.at + bitmap.bytes;
    }
    if (at + need > sharedMap.ram) {
      throw new VirtError('NO_MEMORY', `memory slot ${slot.id}: no room for its dirty bitmap`);
    }
    return at;
  }

  #changed(): void {
    this.#machine.set32('slotGeneration', this.#machine.get32('slotGeneration') + 1);
  }

  #checkId(id: number): void {
    if (!Number.isInteger(id) || id < 0 || id >= SLOTS) {
      throw new VirtError('INVALID_ARG', `memory slot ${id}: slots are 0 to ${SLOTS - 1}`);
    }
  }

  #require(id: number): MemorySlot {
    const slot = this.get(id);
    if (slot === undefined) throw new VirtError('INVALID_ARG', `memory slot ${id} is not in use`);
    return slot;
  }

  #check(slot: MemorySlot): void {
    this.#checkId(slot.id);
    const where = `memory slot ${slot.id}`;
    if (this.get(slot.id) !== undefined) throw new VirtError('INVALID_ARG', `${where} is already in use`);
    for (const key of ['gpa', 'bytes', 'offset'] as const) {
      const value = slot[key];
      if (!Number.isSafeInteger(value) || value < 0 || value % PAGE !== 0) {
        throw new VirtError('INVALID_ARG', `${where}: ${key} ${value} is no multiple of ${PAGE}`);
      }
    }
    if (slot.bytes === 0 || slot.gpa + slot.bytes > GPA_END) {
      throw new VirtError('INVALID_ARG', `${where}: ${slot.bytes} bytes at 0x${slot.gpa.toString(16)} are no range`);
    }
    if (slot.offset < sharedMap.ram || slot.offset + slot.bytes > this.#buffer.byteLength) {
      throw new VirtError('INVALID_ARG', `${where}: lies outside the shared memory`);
    }
    for (const other of this.list()) {
      if (overlap(slot.gpa, slot.bytes, other.gpa, other.bytes)) {
        throw new VirtError('INVALID_ARG', `${where} overlaps slot ${other.id} in guest physical memory`);
      }
    }
  }
}

function overlap(a: number, aBytes: number, b: number, bBytes: number): boolean {
  return a < b + bBytes && b < a + aBytes;
}

function bitmapWords(bytes: number): number {
  return Math.ceil(bytes / PAGE / 32);
}
