import type { HartState } from '../../../cpu/index.ts';
import { HARTS_MAX, PmuFirmwareEvent } from '../../../isa/index.ts';

/** The events that this firmware has: those of traps do not occur, a supervisor gets its traps itself. */
const FIRST_EVENT = PmuFirmwareEvent.SET_TIMER;
const LAST_EVENT = PmuFirmwareEvent.SFENCE_VMA_ASID_RECEIVED;

/** Firmware counters of each hart. */
export const FIRMWARE_COUNTERS = 8;

/**
 * Per hart, in doublewords: a total for each event; of each firmware counter its event + 1 (0: free), whether it is
 * started, and its value; a mask of the hardware counters that are in use.
 */
const TOTALS = 0;
const EVENTS = TOTALS + (LAST_EVENT - FIRST_EVENT + 1);
const STARTED = EVENTS + FIRMWARE_COUNTERS;
const VALUES = STARTED + FIRMWARE_COUNTERS;
const HARDWARE = VALUES + FIRMWARE_COUNTERS;
const STRIDE = 64;

/** Size of the firmware's region in the shared memory, in bytes. */
export const SBI_REGION_BYTES = HARTS_MAX * STRIDE * 8;

/**
 * Firmware events, the counters that count them, and which hardware counters are taken, in shared memory: a hart's totals may be raised by others' threads
 * (an IPI received), everything else is the hart's own thread's. Totals always run; a counter is a difference.
 */
export class FirmwareEvents {
  readonly #words: BigInt64Array;

  /** @param region SBI_REGION_BYTES of shared memory, zeroed. */
  constructor(region: { readonly bytes: Uint8Array }) {
    const { buffer, byteOffset } = region.bytes;
    this.#words = new BigInt64Array(buffer, byteOffset, SBI_REGION_BYTES / 8);
  }

  /** All counters free, all totals zero. */
  reset(): void {
    this.#words.fill(0n);
  }

  /** Whether the event is one that this firmware counts. */
  counts(event: number): boolean {
    return event >= FIRST_EVENT && event <= LAST_EVENT;
  }

  /** One more of `event` on `hart`. Any thread. */
  count(hart: HartState, event: PmuFirmwareEvent): void {
    Atomics.add(this.#words, this.#total(hart, event), 1n);
  }

  /** The event that counter `index` is set up for, undefined when it is free. */
  event(hart: HartState, index: number): number | undefined {
    const value = Number(this.#words[this.#at(hart, EVENTS, index)]);
    return value === 0 ? undefined : value - 1;
  }

  /** Sets a counter up for an event, stopped, at the value it had; `undefined` frees it. */
  assign(hart: HartState, index: number, event: number | undefined): void {
    this.stop(hart, index);
    this.#words[this.#at(hart, EVENTS, index)] = event === undefined ? 0n : BigInt(event + 1);
  }

  started(hart: HartState, index: number): boolean {
    return this.#words[this.#at(hart, STARTED, index)] !== 0n;
  }

  start(hart: HartState, index: number): void {
    const value = this.read(hart, index);
    this.#words[this.#at(hart, STARTED, index)] = 1n;
    this.write(hart, index, value);
  }

  stop(hart: HartState, index: number): void {
    const value = this.read(hart, index);
    this.#words[this.#at(hart, STARTED, index)] = 0n;
    this.write(hart, index, value);
  }

  /** The counter's value, 64 bits. */
  read(hart: HartState, index: number): bigint {
    const value = this.#words[this.#at(hart, VALUES, index)];
    return BigInt.asUintN(64, value + this.#running(hart, index));
  }

  write(hart: HartState, index: number, value: bigint): void {
    this.#words[this.#at(hart, VALUES, index)] = BigInt.asIntN(64, value - this.#running(hart, index));
  }

  /** Marks a hardware counter as in use or free; says whether it was in use. */
  useHardware(hart: HartState, index: number, used: boolean): boolean {
    const at = this.#at(hart, HARDWARE, 0);
    const bit = 1n << BigInt(index);
    const before = this.#words[at];
    this.#words[at] = used ? before | bit : before & ~bit;
    return (before & bit) !== 0n;
  }

  /** What a started counter adds to its stored value: its event's total. */
  #running(hart: HartState, index: number): bigint {
    const event = this.event(hart, index);
    if (event === undefined || !this.started(hart, index)) return 0n;
    return Atomics.load(this.#words, this.#total(hart, event));
  }

  #total(hart: HartState, event: number): number {
    return hart.id * STRIDE + TOTALS + (event - FIRST_EVENT);
  }

  #at(hart: HartState, list: number, index: number): number {
    return hart.id * STRIDE + list + index;
  }
}
