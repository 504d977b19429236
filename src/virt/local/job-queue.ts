/** Jobs on one object, one after another; jobs on different objects do not wait for each other. */
export class JobQueue {
  #tail: Promise<unknown> = Promise.resolve();

  /** Runs `job` when those before it are done, however they ended. */
  run<T>(job: () => Promise<T> | T): Promise<T> {
    const mine = this.#tail.then(job);
    this.#tail = mine.catch(() => undefined);
    return mine;
  }

  /** Resolves when all that was asked for so far is done. */
  idle(): Promise<unknown> {
    return this.#tail;
  }
}
