import { type HartField, hartLayout, hartOffset, type MachineField, machineLayout } from '../isa/index.ts';

const hartOffsets: Readonly<Record<HartField, number>> = hartLayout.offset;
const machineOffsets: Readonly<Record<MachineField, number>> = machineLayout.offset;

/** Index of a hart field's low word in `HartState.words`; the high word of a u64 follows. */
export const hartWord = Object.freeze(
  Object.fromEntries(Object.entries(hartOffsets).map(([name, at]) => [name, at / 4])),
) as Readonly<Record<HartField, number>>;

/** Index of a machine field's low word in `MachineState.words`. */
export const machineWord = Object.freeze(
  Object.fromEntries(Object.entries(machineOffsets).map(([name, at]) => [name, at / 4])),
) as Readonly<Record<MachineField, number>>;

/** Typed views over one hart's state block. Cheap; make one per thread. */
export class HartState {
  readonly id: number;
  /** The whole block as 32-bit words, indexed by `hartWord`. */
  readonly words: Int32Array;
  /** Integer registers as halves: x[2r] low, x[2r + 1] high. */
  readonly x: Int32Array;
  readonly x64: BigInt64Array;
  /** Floating-point registers as halves, whole, and as doubles (never through a store of a NaN: V8 may quiet it). */
  readonly f: Int32Array;
  readonly f64: BigInt64Array;
  readonly fDouble: Float64Array;
  readonly #fields: BigUint64Array;

  constructor(buffer: SharedArrayBuffer, id: number) {
    const base = hartOffset(id);
    this.id = id;
    this.words = new Int32Array(buffer, base, hartLayout.bytes / 4);
    this.x = new Int32Array(buffer, base + hartOffsets.x, 64);
    this.x64 = new BigInt64Array(buffer, base + hartOffsets.x, 32);
    this.f = new Int32Array(buffer, base + hartOffsets.f, 64);
    this.f64 = new BigInt64Array(buffer, base + hartOffsets.f, 32);
    this.fDouble = new Float64Array(buffer, base + hartOffsets.f, 32);
    this.#fields = new BigUint64Array(buffer, base, hartLayout.bytes / 8);
  }

  /** Reads element `index` of a u64 field, for faces and rare paths. */
  get(field: HartField, index = 0): bigint {
    return this.#fields[hartOffsets[field] / 8 + index];
  }

  /** Writes element `index` of a u64 field; the value wraps to 64 bits. */
  set(field: HartField, value: bigint, index = 0): void {
    this.#fields[hartOffsets[field] / 8 + index] = BigInt.asUintN(64, value);
  }

  /** Reads a u32 field, unsigned. */
  get32(field: HartField): number {
    return Atomics.load(this.words, hartWord[field]) >>> 0;
  }

  /** Writes a u32 field. */
  set32(field: HartField, value: number): void {
    Atomics.store(this.words, hartWord[field], value | 0);
  }
}

/** Typed views over the machine block. */
export class MachineState {
  readonly words: Int32Array;
  readonly #fields: BigUint64Array;

  constructor(buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer, 0, machineLayout.bytes / 4);
    this.#fields = new BigUint64Array(buffer, 0, machineLayout.bytes / 8);
  }

  get(field: MachineField, index = 0): bigint {
    return this.#fields[machineOffsets[field] / 8 + index];
  }

  set(field: MachineField, value: bigint, index = 0): void {
    this.#fields[machineOffsets[field] / 8 + index] = BigInt.asUintN(64, value);
  }

  get32(field: MachineField, index = 0): number {
    return Atomics.load(this.words, machineWord[field] + index) >>> 0;
  }

  set32(field: MachineField, value: number, index = 0): void {
    Atomics.store(this.words, machineWord[field] + index, value | 0);
  }
}
