import type { Clock } from '../../util/index.ts';

/** A timer that has been set. */
export interface Timer {
  /** Makes the call not happen, if it has not yet. */
  cancel(): void;
}

/** Calls back after a time, on the I/O thread. Injected into back halves: host timers, or the machine's virtual time. */
export interface Timers {
  /** Calls `callback` once, `ns` nanoseconds from now or later; never within the call. */
  after(ns: number, callback: () => void): Timer;
}

interface Waiting extends Timer {
  readonly dueNs: number;
  readonly callback: () => void;
}

/** Timers on a clock that somebody else moves: for the one-thread machine, whose stepper calls `runDue`. */
export class TimerQueue implements Timers {
  readonly #clock: Clock;
  /** Sorted by due time; equal ones in the order they were set. */
  readonly #waiting: Waiting[] = [];

  /** @param clock its `nowNs` is the time that `after` counts in. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  after(ns: number, callback: () => void): Timer {
    const timer: Waiting = {
      dueNs: this.#clock.nowNs() + Math.max(0, ns),
      callback,
      cancel: () => {
        const at = this.#waiting.indexOf(timer);
        if (at >= 0) this.#waiting.splice(at, 1);
      },
    };
    let at = this.#waiting.length;
    while (at > 0 && (this.#waiting[at - 1] as Waiting).dueNs > timer.dueNs) at--;
    this.#waiting.splice(at, 0, timer);
    return timer;
  }

  /** When the next timer is due, in the clock's nanoseconds; Infinity if none is set. */
  get nextNs(): number {
    return this.#waiting[0]?.dueNs ?? Number.POSITIVE_INFINITY;
  }

  /** Runs what is due by now, in order of due time; timers set meanwhile wait for the next call. */
  runDue(): void {
    const now = this.#clock.nowNs();
    const due = this.#waiting.filter((timer) => timer.dueNs <= now);
    for (const timer of due) {
      // An earlier callback may have cancelled this one.
      if (!this.#waiting.includes(timer)) continue;
      timer.cancel();
      timer.callback();
    }
  }
}
