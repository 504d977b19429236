import type { VirtQueue } from './queue.ts';

/** Counts what is under way, and tells when nothing is. */
export class InFlight {
  #count = 0;
  #waiting: (() => void)[] = [];

  get count(): number {
    return this.#count;
  }

  enter(): void {
    this.#count++;
  }

  leave(): void {
    this.#count--;
    if (this.#count > 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Resolves when the count is zero. */
  idle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/**
 * What one step on a queue came to: `more` (there may be more to do), `empty` (no buffer available), `hold` (something
 * must happen on the host first: `wake` is called then).
 */
export type Step = 'more' | 'empty' | 'hold';

/** Steps in one turn of the event loop. A driver that adds buffers without end must not starve everything else. */
const STEPS_PER_TURN = 64;

/**
 * Works through a queue in bounded turns of the event loop, with the driver's notifications suppressed meanwhile. All
 * that it does by itself is counted in an `InFlight`.
 */
export class QueuePump {
  readonly #queue: VirtQueue;
  readonly #inFlight: InFlight;
  readonly #step: () => Step;
  readonly #afterTurn: () => void;
  #scheduled = false;
  #stopped = false;

  /** @param step deals with one buffer, or a part of one; `afterTurn`: what is to be done once for many of them. */
  constructor(queue: VirtQueue, inFlight: InFlight, step: () => Step, afterTurn: () => void = () => {}) {
    this.#queue = queue;
    this.#inFlight = inFlight;
    this.#step = step;
    this.#afterTurn = afterTurn;
  }

  /** The driver notified: begins a turn unless one is coming anyway. */
  kick(): void {
    if (!this.#scheduled) this.#turn();
  }

  /** What a step held for has happened: goes on in a turn of its own. */
  wake(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    this.#inFlight.enter();
    setImmediate(() => {
      this.#scheduled = false;
      this.#turn();
      this.#inFlight.leave();
    });
  }

  /** Makes no more steps. */
  stop(): void {
    this.#stopped = true;
  }

  #turn(): void {
    if (this.#stopped) return;
    this.#steps();
    this.#afterTurn();
  }

  #steps(): void {
    this.#queue.quiet();
    for (let steps = 0; steps < STEPS_PER_TURN; steps++) {
      const outcome = this.#step();
      if (outcome === 'hold') return;
      if (outcome === 'empty') {
        if (!this.#queue.listen()) return;
        this.#queue.quiet();
      }
    }
    this.wake();
  }
}
