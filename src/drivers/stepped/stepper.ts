import { type CpuEngine, hartWord, machineWord } from '../../cpu/index.ts';
import type { Vcpu } from '../../hypervisor/index.ts';
import {
  boardHtif,
  ExitServer,
  type Htif,
  haltMachine,
  type Machine,
  TIMEBASE_HZ,
  type TimerQueue,
} from '../../machine/index.ts';
import { type Clock, type ManualClock, SeededRandom } from '../../util/index.ts';
import { type PumpStop, VcpuPump } from '../vcpu-pump.ts';

/**
 * Instructions that each hart runs before it is the next one's turn, at least and at most. A guest's loop could keep in
 * step with slices of one length, and end each of them with the lock taken that all others wait for.
 */
export const SLICE = { LEAST: 5_000, MOST: 15_000 } as const;
/** Instructions of one hart to a tick of mtime: at 10 MHz, the guest sees harts of 100 million instructions a second. */
export const INSTRUCTIONS_PER_TICK = 10;

const NS_PER_TICK = 1e9 / TIMEBASE_HZ;
/** While everything sleeps and no timer is set: a wait for input ends after so many milliseconds, to be begun anew. */
const INPUT_WAIT_MS = 1000;
/** Words of doorbells in the machine block. */
const DOORBELL_WORDS = 4;

/** Called after each slice of a hart: what a trace is made from. */
export type SliceObserver = (vcpu: Vcpu) => void;

/** What a stepper works on. */
export interface StepperParts {
  readonly machine: Machine;
  readonly engine: CpuEngine;
  /** The machine's clock and timers, moved on by the stepper. */
  readonly clock: ManualClock;
  readonly timers: TimerQueue;
  /** The host's clock, for statistics alone. */
  readonly wall: Clock;
  readonly onSlice?: SliceObserver | undefined;
}

/**
 * What a round ended with: `ran`; `asleep`: all harts wait and no timer is set, so that only input can wake them; or
 * the reason why the machine has been halted.
 */
export type Round =
  | { readonly kind: 'ran' | 'asleep' | 'halted' }
  | { readonly kind: 'debug'; readonly vcpu: number }
  | { readonly kind: 'fault'; readonly vcpu: number; readonly detail: string }
  | { readonly kind: 'exit'; readonly code: number };

interface Turn {
  readonly vcpu: Vcpu;
  readonly pump: VcpuPump;
  /** What its last slice ended with. */
  stop: PumpStop;
  /** The host's time in its slices, in nanoseconds. */
  hostNs: number;
}

const ran: Round = { kind: 'ran' };
const asleep: Round = { kind: 'asleep' };
const halted: Round = { kind: 'halted' };

/**
 * A machine in one thread, on virtual time: harts take turns, in each round of the same number of instructions, mtime
 * moves by them, and when all harts sleep it jumps to the next deadline. What a device asks of the host is waited for.
 * So nothing depends on the host's time: the same guest with the same input executes the same instructions. The
 * machine's seed decides how long the rounds are: another one shows another order of what harts do to each other.
 */
export class Stepper {
  readonly #parts: StepperParts;
  readonly #turns: readonly Turn[];
  readonly #htif: Htif | undefined;
  readonly #random: SeededRandom;
  /** Instructions of the round's slices, and those that have not made a tick yet. */
  #slice = 0;
  #instructions = 0;
  #draining: Promise<void> | undefined;
  #interrupt: () => void = () => {};

  constructor(parts: StepperParts) {
    this.#parts = parts;
    const { machine, engine } = parts;
    const { vm, board, symbols, config } = machine;
    const server = new ExitServer({ vm, board, builtinFirmware: config.firmware.kind === 'builtin', mayWait: false });
    this.#turns = vm.harts.map(({ id }) => {
      const vcpu = vm.createVcpu(id, engine);
      return { vcpu, pump: new VcpuPump(vm, vcpu, server), stop: 'budget', hostNs: 0 };
    });
    this.#random = new SeededRandom(config.seed ?? 0);
    const { tohost, fromhost } = symbols;
    if (tohost !== undefined) this.#htif = boardHtif(vm, board, { tohost, fromhost });
  }

  /** All harts were changed from outside: a reset. */
  invalidate(): void {
    for (const turn of this.#turns) {
      turn.vcpu.invalidate();
      turn.stop = 'budget';
    }
  }

  /** A slice of every hart that does not sleep, then the devices, then time. */
  async round(): Promise<Round> {
    // What was interrupted comes first.
    if (this.#draining !== undefined && !(await this.#drain())) return halted;
    this.#slice = this.#nextSlice();
    for (const turn of this.#turns) {
      if (sleeps(turn)) continue;
      const begin = this.#parts.wall.nowNs();
      turn.stop = turn.pump.run(this.#slice);
      turn.hostNs += this.#parts.wall.nowNs() - begin;
      this.#parts.onSlice?.(turn.vcpu);
      const stopped = await this.#stopped(turn);
      if (stopped !== undefined) return stopped;
    }
    if (this.#rung() && !(await this.#drain())) return halted;
    const ended = this.#htif?.poll();
    if (ended !== undefined) {
      haltMachine(this.#parts.machine.vm.machine);
      return { kind: 'exit', code: ended.exit };
    }
    return this.#moveTime();
  }

  /** The host's time that a hart has taken, in nanoseconds. */
  hostNs(id: number): number {
    return this.#turns[id]?.hostNs ?? 0;
  }

  /** Waits until something from outside the machine may have woken a hart. */
  async waitForInput(): Promise<void> {
    const waits = this.#turns.map(({ vcpu, pump }) =>
      Atomics.waitAsync(vcpu.state.words, hartWord.attention, pump.restingAttention, INPUT_WAIT_MS),
    );
    // A wait alone does not keep the event loop alive.
    const alive = setInterval(() => {}, INPUT_WAIT_MS);
    await Promise.race(waits.map((wait) => wait.value));
    clearInterval(alive);
  }

  /** Ends a wait for the host: the machine is to stand still, be the host as slow as it may. */
  interrupt(): void {
    this.#interrupt();
  }

  /** Waits until the devices have nothing under way; false: interrupted, and the next call goes on with that. */
  async #drain(): Promise<boolean> {
    this.#draining ??= this.#parts.machine.listener.drain().finally(() => {
      this.#draining = undefined;
    });
    const interrupted = new Promise<false>((resolve) => {
      this.#interrupt = () => resolve(false);
    });
    return Promise.race([this.#draining.then(() => true), interrupted]);
  }

  /** What a halted machine's slice means for the round; undefined: it goes on. */
  async #stopped({ vcpu, pump, stop }: Turn): Promise<Round | undefined> {
    switch (stop) {
      case 'power':
        // The power request's doorbell, and output before it.
        await this.#drain();
        return halted;
      case 'halted':
        return halted;
      case 'debug':
        return { kind: 'debug', vcpu: vcpu.id };
      case 'fault':
        return { kind: 'fault', vcpu: vcpu.id, detail: pump.detail };
      default:
        return undefined;
    }
  }

  #nextSlice(): number {
    const slice = SLICE.LEAST + this.#random.below(SLICE.MOST - SLICE.LEAST + 1);
    return Math.min(slice, this.#htif?.interval ?? slice);
  }

  #rung(): boolean {
    const { words } = this.#parts.machine.vm.machine;
    for (let i = 0; i < DOORBELL_WORDS; i++) if (Atomics.load(words, machineWord.doorbell + i) !== 0) return true;
    return false;
  }

  #moveTime(): Round {
    this.#instructions += this.#slice;
    let ticks = Math.floor(this.#instructions / INSTRUCTIONS_PER_TICK);
    this.#instructions -= ticks * INSTRUCTIONS_PER_TICK;
    if (this.#turns.every(sleeps)) {
      const ns = Math.min(
        this.#parts.timers.nextNs - this.#parts.clock.nowNs(),
        ...this.#turns.map(({ pump, stop }) => (stop === 'idle' ? pump.deadlineNs : Number.POSITIVE_INFINITY)),
      );
      if (ns === Number.POSITIVE_INFINITY) return asleep;
      ticks = Math.max(1, Math.ceil(ns / NS_PER_TICK));
    }
    this.#parts.machine.vm.clock.advance(BigInt(ticks));
    this.#parts.clock.advance(ticks * NS_PER_TICK);
    this.#parts.timers.runDue();
    return ran;
  }
}

/** Whether a hart would find nothing to do: it rests, nobody has asked for its attention, and its timer is not due. */
function sleeps({ vcpu, pump, stop }: Turn): boolean {
  if (stop !== 'idle' && stop !== 'stopped') return false;
  if (Atomics.load(vcpu.state.words, hartWord.attention) !== pump.restingAttention) return false;
  return stop === 'stopped' || pump.deadlineNs > 0;
}
