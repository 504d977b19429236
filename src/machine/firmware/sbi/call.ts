import { type HartState, hartWord } from '../../../cpu/index.ts';
import type { GuestMemory } from '../../../hypervisor/index.ts';
import { SbiError } from '../../../isa/index.ts';
import type { PowerRequest } from '../../power/power-request.ts';
import type { DebugConsole } from './console.ts';
import type { FirmwareEvents } from './events.ts';

/** What the firmware works on: shared memory and what the machine injects. The same on every vCPU's thread. */
export interface SbiMachine {
  /** All harts of the machine by id. */
  readonly harts: readonly HartState[];
  readonly memory: GuestMemory;
  readonly console: DebugConsole;
  readonly events: FirmwareEvents;
  /** The guest wants the machine off or restarted; `code` is the exit status of a failure. */
  power(request: PowerRequest, code: number): void;
}

/**
 * What the calling hart's vCPU does next.
 * - `continue`: run on
 * - `busy`: the console is full and pc is still at the call: let the host take output, then run on
 * - `suspended`: sleep as after WFI, then `SbiFirmware.wake`, then run on
 * - `stopped`: the hart is stopped: keep off its state until its hartStatus is STARTED, then look at its state anew
 * - `power`: the machine was asked to go down: run no more
 */
export type SbiOutcome = 'continue' | 'busy' | 'suspended' | 'stopped' | 'power';

/** An answer before it is in the registers. */
export interface SbiAnswer {
  readonly error: SbiError;
  readonly value: bigint;
  /** Absent: `continue`. */
  readonly outcome?: SbiOutcome;
  /** The hart does not return from the call: registers and pc have been set for where it goes on. */
  readonly resumed?: boolean;
}

/** One function of an extension. Arguments are in the hart's a0 … a5. */
export type SbiFunction = (machine: SbiMachine, hart: HartState) => SbiAnswer;

/** One extension: its functions by id. A legacy one answers in a0 alone, and its function id is ignored. */
export interface SbiExtension {
  readonly id: number;
  readonly legacy?: true;
  readonly functions: Readonly<Record<number, SbiFunction>>;
}

/** Success with a value. */
export function success(value: bigint | number = 0n): SbiAnswer {
  return { error: SbiError.SUCCESS, value: BigInt(value) };
}

/** An error; its value is 0. */
export function failure(error: SbiError): SbiAnswer {
  return { error, value: 0n };
}

/** Argument a`n`, unsigned. */
export function argument(hart: HartState, n: number): bigint {
  return BigInt.asUintN(64, hart.x64[10 + n]);
}

/** Argument a`n` of a 32-bit parameter, unsigned: the upper half does not count (SBI 3). */
export function argument32(hart: HartState, n: number): number {
  return hart.x[2 * (10 + n)] >>> 0;
}

/** The hart named by a hart id, if there is one. */
export function hartById(machine: SbiMachine, id: bigint): HartState | undefined {
  return id < BigInt(machine.harts.length) ? machine.harts[Number(id)] : undefined;
}

const ALL_ONES = 0xffff_ffff_ffff_ffffn;

/**
 * The harts that hart_mask and hart_mask_base stand for (SBI 3.1): base −1 is all of them; undefined when the mask
 * names one that does not exist.
 */
export function hartsOf(machine: SbiMachine, mask: bigint, base: bigint): readonly HartState[] | undefined {
  if (base === ALL_ONES) return machine.harts;
  if (base >= BigInt(machine.harts.length)) return undefined;
  const first = Number(base);
  if (mask >> BigInt(machine.harts.length - first) !== 0n) return undefined;
  const bits = Number(mask);
  return machine.harts.slice(first).filter((_, i) => ((bits >>> i) & 1) !== 0);
}

/** A guest physical range given by the guest, the address as two halves: its address if all of it is memory. */
export function guestRange(machine: SbiMachine, range: { lo: bigint; hi: bigint; bytes: bigint }): number | undefined {
  const { lo, hi, bytes } = range;
  if (hi !== 0n || lo >> 52n !== 0n || bytes >> 52n !== 0n) return undefined;
  return machine.memory.contains(Number(lo), Number(bytes)) ? Number(lo) : undefined;
}

/** Where a hart may start: an even address in memory. */
export function startAddress(machine: SbiMachine, address: bigint): number | undefined {
  if (address % 2n !== 0n) return undefined;
  return guestRange(machine, { lo: address, hi: 0n, bytes: 2n });
}

/** Replaces `hartStatus` if it is `from`; says whether it was. */
export function swapStatus(hart: HartState, from: number, to: number): boolean {
  return Atomics.compareExchange(hart.words, hartWord.hartStatus, from, to) === from;
}
