/**
 * A queue of bytes in shared memory: two free-running counters in words and a power-of-two store. It has no lock of its
 * own: callers hold the device's. Counters are masked when used, so no content of the words leads outside the store.
 */
export class ByteRing {
  readonly capacity: number;
  readonly #words: Int32Array;
  readonly #head: number;
  readonly #tail: number;
  readonly #store: Uint8Array;
  readonly #mask: number;

  /**
   * @param words the words that hold the counters
   * @param head index of the counter of bytes taken; the counter of bytes put follows it
   * @param store where the bytes are; its length is a power of two
   */
  constructor(words: Int32Array, head: number, store: Uint8Array) {
    this.capacity = store.length;
    this.#words = words;
    this.#head = head;
    this.#tail = head + 1;
    this.#store = store;
    this.#mask = store.length - 1;
  }

  /** Number of bytes in the ring. */
  get count(): number {
    return Math.min((this.#words[this.#tail] - this.#words[this.#head]) >>> 0, this.capacity);
  }

  /** Number of bytes it has room for. */
  get room(): number {
    return this.capacity - this.count;
  }

  /** Appends a byte; the caller has checked `room`. */
  push(byte: number): void {
    const tail = this.#words[this.#tail];
    this.#store[tail & this.#mask] = byte;
    this.#words[this.#tail] = tail + 1;
  }

  /** Appends as many of `bytes` as there is room for, at most `max`, and returns how many. */
  put(bytes: Uint8Array, max: number = bytes.length): number {
    const count = Math.max(0, Math.min(bytes.length, max, this.room));
    for (let i = 0; i < count; i++) this.push(bytes[i]);
    return count;
  }

  /** Takes the oldest byte, or returns -1 if there is none. */
  shift(): number {
    if (this.count === 0) return -1;
    const head = this.#words[this.#head];
    this.#words[this.#head] = head + 1;
    return this.#store[head & this.#mask];
  }

  /** Takes up to `max` bytes. */
  take(max: number): Uint8Array {
    const bytes = this.peek().subarray(0, max);
    this.#words[this.#head] += bytes.length;
    return bytes;
  }

  /** A copy of all bytes, which stay. */
  peek(): Uint8Array {
    const bytes = new Uint8Array(this.count);
    const head = this.#words[this.#head];
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.#store[(head + i) & this.#mask];
    return bytes;
  }

  /** Forgets all bytes. */
  clear(): void {
    this.#words[this.#head] = this.#words[this.#tail];
  }
}
