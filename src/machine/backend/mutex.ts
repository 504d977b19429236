/** Runs asynchronous jobs one after another, in the order in which they came. */
export class Mutex {
  #tail: Promise<unknown> = Promise.resolve();

  /** Runs `job` when all earlier ones have ended, however they ended. Not reentrant. */
  run<T>(job: () => Promise<T>): Promise<T> {
    const mine = this.#tail.then(job);
    this.#tail = mine.catch(() => undefined);
    return mine;
  }
}
