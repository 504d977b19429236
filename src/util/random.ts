/** A source of random bytes; injected, so that a machine can be deterministic. */
export interface RandomSource {
  /** Fills the whole of `into`. */
  fill(into: Uint8Array): void;
}

/** A seeded generator (sfc32) for tests and deterministic machines: same seed, same numbers. Not for secrets. */
export class SeededRandom implements RandomSource {
  #a: number;
  #b: number;
  #c: number;
  #d = 1;

  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = 0x9e3779b9 | 0;
    this.#c = 0x243f6a88 | 0;
    for (let i = 0; i < 16; i++) this.u32();
  }

  /** A number in 0 … 2^32 − 1. */
  u32(): number {
    const t = (((this.#a + this.#b) | 0) + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t;
    this.#c |= 0;
    return t >>> 0;
  }

  /** An integer in 0 … n − 1. */
  below(n: number): number {
    return Math.floor((this.u32() / 4294967296) * n);
  }

  /** One element of a non-empty list. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  fill(into: Uint8Array): void {
    for (let i = 0; i < into.length; i++) into[i] = this.u32() & 0xff;
  }
}
