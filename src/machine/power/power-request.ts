import { type MachineState, machineWord } from '../../cpu/index.ts';
import type { Doorbell } from '../device.ts';

/** What the guest may ask of the machine: values of the machine block's `powerRequest`. */
export const PowerRequest = {
  NONE: 0,
  /** Power off. */
  SHUTDOWN: 1,
  /** Reset and start again. */
  RESET: 2,
  /** Power off with a failure; the code says which. */
  FAIL: 3,
} as const;
export type PowerRequest = (typeof PowerRequest)[keyof typeof PowerRequest];

/** `powerRequest` while its code is being written: not a request yet. */
const CLAIMED = -1;

/**
 * Records what the guest wants, with an exit code for the host, and tells the I/O thread. The first request stands:
 * returns whether this was it. Any thread.
 */
export function requestPower(machine: MachineState, doorbell: Doorbell, request: PowerRequest, code = 0): boolean {
  const at = machineWord.powerRequest;
  if (Atomics.compareExchange(machine.words, at, PowerRequest.NONE, CLAIMED) !== PowerRequest.NONE) return false;
  machine.set32('powerCode', code);
  Atomics.store(machine.words, at, request);
  doorbell.ring();
  return true;
}

/** The request that stands, with its code. */
export function powerRequested(machine: MachineState): { request: PowerRequest; code: number } {
  const request = Atomics.load(machine.words, machineWord.powerRequest);
  if (request === CLAIMED || request === PowerRequest.NONE) return { request: PowerRequest.NONE, code: 0 };
  return { request: request as PowerRequest, code: machine.get32('powerCode') };
}

/** Forgets the request: the machine has acted on it. Only while no vCPU runs. */
export function clearPowerRequest(machine: MachineState): void {
  machine.set32('powerCode', 0);
  machine.set32('powerRequest', PowerRequest.NONE);
}
