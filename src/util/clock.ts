/** A monotonic clock and its wall-clock twin. Everything below `drivers` is given one; nothing reads the host's clock. */
export interface Clock {
  /** Monotonic time in nanoseconds since an origin common to every thread of the process (safe integer or fraction). */
  nowNs(): number;
  /** Wall-clock time in nanoseconds since 1970-01-01 UTC. */
  wallNs(): bigint;
}

/** Where the rest of a millisecond ends: what performance tells has drifted where it is beside it. */
const LAST_OF_MS = 0.999;

/** The host's clock. The same in every worker thread: both sources behind it count from the same origin. */
export class HostClock implements Clock {
  // performance.now() is several times cheaper than process.hrtime() but counts from each thread's own start;
  // hrtime's origin is the process's, so one difference taken at construction makes threads agree.
  // Losing the processor between the two readings makes it too small: the largest of a few is the true one.
  readonly #offsetNs = Math.max(
    ...Array.from({ length: 8 }, () => Number(process.hrtime.bigint()) - performance.now() * 1e6),
  );

  nowNs(): number {
    return performance.now() * 1e6 + this.#offsetNs;
  }

  wallNs(): bigint {
    const wall = Date.now();
    const fine = performance.timeOrigin + performance.now();
    // Date tells whole milliseconds and goes with what the host's clock is set to; performance only tells the rest.
    const ms = Math.min(Math.max(fine, wall), wall + LAST_OF_MS);
    const whole = Math.floor(ms);
    return BigInt(whole) * 1_000_000n + BigInt(Math.floor((ms - whole) * 1e6));
  }
}

/** A clock that moves only when told to: tests and the deterministic machine. */
export class ManualClock implements Clock {
  #nowNs: number;
  readonly #wallAtZeroNs: bigint;

  /** @param startNs monotonic start; `wallAtZeroNs`: the wall-clock time at monotonic zero. */
  constructor(startNs = 0, wallAtZeroNs = 0n) {
    this.#nowNs = startNs;
    this.#wallAtZeroNs = wallAtZeroNs;
  }

  nowNs(): number {
    return this.#nowNs;
  }

  wallNs(): bigint {
    return this.#wallAtZeroNs + BigInt(Math.floor(this.#nowNs));
  }

  /** Moves time on by `ns`, never back. */
  advance(ns: number): void {
    if (!(ns >= 0)) throw new RangeError(`a clock does not go back (${ns} ns)`);
    this.#nowNs += ns;
  }
}
