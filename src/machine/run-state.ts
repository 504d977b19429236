import { type MachineState, machineWord } from '../cpu/index.ts';

/** Values of the machine block's `runState`. */
export const RunState = { PAUSED: 0, RUNNING: 1, QUIT: 2 } as const;
export type RunState = (typeof RunState)[keyof typeof RunState];

/** The run state now. Any thread. */
export function runState(machine: MachineState): RunState {
  return Atomics.load(machine.words, machineWord.runState) as RunState;
}

/** Sets the run state and wakes parked vCPU threads. Those in the guest must be kicked as well. */
export function setRunState(machine: MachineState, state: RunState): void {
  Atomics.store(machine.words, machineWord.runState, state);
  Atomics.notify(machine.words, machineWord.runState);
}

/** From a vCPU thread: stops a running machine, without touching one that is already to end. */
export function haltMachine(machine: MachineState): void {
  Atomics.compareExchange(machine.words, machineWord.runState, RunState.RUNNING, RunState.PAUSED);
}
