import { type CpuEngine, createEngine, type EngineConfig } from '../../cpu/index.ts';
import { RunState, runState, setRunState, TimerQueue } from '../../machine/index.ts';
import { HostClock, ManualClock } from '../../util/index.ts';
import { BaseGuest } from '../base-guest.ts';
import type { Driver, GuestSpec, VcpuStats } from '../driver.ts';
import { type SliceObserver, Stepper } from './stepper.ts';

/** The wall-clock time at which every deterministic machine starts: 2024-01-01, in nanoseconds. */
const EPOCH_NS = 1_704_067_200_000_000_000n;
/** Rounds of all harts before the host's event loop has its turn: a fixed number, for input to come at fixed places. */
const ROUNDS_PER_TURN = 256;

/** A guest's specification with what only this driver takes. */
export interface SteppedSpec extends GuestSpec {
  readonly onSlice?: SliceObserver;
  /** Makes the CPU backend instead of the one that `backend` names: a wrapper around others, for one. */
  readonly makeEngine?: (config: EngineConfig) => CpuEngine;
}

interface VirtualTime {
  readonly clock: ManualClock;
  readonly timers: TimerQueue;
}

function virtualTime(): VirtualTime {
  const clock = new ManualClock(0, EPOCH_NS);
  return { clock, timers: new TimerQueue(clock) };
}

/** A guest in the caller's thread, on virtual time: see Stepper. It runs as fast as the host can, never faster or slower for the guest. */
class SteppedGuest extends BaseGuest {
  readonly #time: VirtualTime;
  readonly #wall: HostClock;
  readonly #onSlice: SliceObserver | undefined;
  readonly #makeEngine: (config: EngineConfig) => CpuEngine;
  #stepper: Stepper | undefined;
  #closeEngine: () => void = () => {};
  #loop: Promise<void> = Promise.resolve();

  constructor(spec: SteppedSpec, time: VirtualTime) {
    const wall = new HostClock();
    super(spec, wall, time);
    this.#wall = wall;
    this.#time = time;
    this.#onSlice = spec.onSlice;
    this.#makeEngine = spec.makeEngine ?? ((config) => createEngine(spec.backend, config));
  }

  protected override async launch(): Promise<void> {
    const { machine } = this;
    const { clock, timers } = this.#time;
    const engine = this.#makeEngine({ buffer: machine.vm.shared.buffer, clock });
    this.#closeEngine = () => engine.close();
    this.#stepper = new Stepper({ machine, engine, clock, timers, wall: this.#wall, onSlice: this.#onSlice });
  }

  protected override go(): void {
    setRunState(this.machine.vm.machine, RunState.RUNNING);
    const stepper = this.#stepper;
    if (stepper === undefined) return;
    stepper.invalidate();
    this.#loop = this.#run(stepper).catch((error: unknown) => {
      this.crash(error instanceof Error ? (error.stack ?? error.message) : String(error));
    });
  }

  protected override async standStill(): Promise<void> {
    const { vm } = this.machine;
    setRunState(vm.machine, RunState.PAUSED);
    vm.kickAll();
    this.#stepper?.interrupt();
    await this.#loop;
  }

  protected override async quit(): Promise<void> {
    await this.standStill();
    this.#closeEngine();
  }

  protected override cpuTime(id: number): { ns: number; source: VcpuStats['cpuSource'] } {
    return { ns: this.#stepper?.hostNs(id) ?? 0, source: 'loop' };
  }

  /** Until the machine is halted, by itself or from outside. */
  async #run(stepper: Stepper): Promise<void> {
    for (let rounds = 1; ; rounds++) {
      const round = await stepper.round();
      switch (round.kind) {
        case 'ran':
          break;
        case 'asleep':
          await stepper.waitForInput();
          break;
        case 'halted':
          return;
        case 'debug':
          return this.debugStop(round.vcpu);
        case 'fault':
          return this.crash(`vCPU ${round.vcpu}: ${round.detail}`);
        case 'exit':
          return this.programExited(round.code);
      }
      if (rounds % ROUNDS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
      if (runState(this.machine.vm.machine) !== RunState.RUNNING) return;
    }
  }
}

/** All vCPUs in the caller's thread, deterministic. */
export const steppedDriver: Driver & { create(spec: SteppedSpec): ReturnType<Driver['create']> } = {
  scheme: 'stepped',
  create: (spec: SteppedSpec) => new SteppedGuest(spec, virtualTime()),
};
