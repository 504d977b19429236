/**
 * A lock between threads on one word of shared memory (0 free, 1 held, 2 held with waiters), after Drepper,
 * "Futexes Are Tricky", mutex 2. Not reentrant. Held for a few register accesses at a time, never across I/O.
 */
export class SharedLock {
  readonly #words: Int32Array;
  readonly #index: number;

  /** @param words a view over shared memory; `index`: the element that is the lock's word. */
  constructor(words: Int32Array, index: number) {
    this.#words = words;
    this.#index = index;
  }

  /** Waits for the lock. May be called on the main thread: holders never block. */
  lock(): void {
    let seen = Atomics.compareExchange(this.#words, this.#index, 0, 1);
    if (seen === 0) return;
    do {
      if (seen === 2 || Atomics.compareExchange(this.#words, this.#index, 1, 2) !== 0) {
        Atomics.wait(this.#words, this.#index, 2);
      }
      seen = Atomics.compareExchange(this.#words, this.#index, 0, 2);
    } while (seen !== 0);
  }

  unlock(): void {
    if (Atomics.exchange(this.#words, this.#index, 0) === 2) Atomics.notify(this.#words, this.#index, 1);
  }
}
