import type { RandomSource } from './random.ts';

/** Most bytes that Web Crypto gives at a time. */
const CHUNK_BYTES = 65_536;

/** Bytes that are fetched ahead, for small wishes: a call into Node costs more than its bytes. */
const AHEAD_BYTES = 4096;
/** The most bytes of a small wish. */
const SMALL_BYTES = 64;

class HostRandom implements RandomSource {
  readonly #ahead = new Uint8Array(AHEAD_BYTES);
  #at = AHEAD_BYTES;

  fill(into: Uint8Array): void {
    if (into.length <= SMALL_BYTES) this.#fillSmall(into);
    else fillFromHost(into);
  }

  #fillSmall(into: Uint8Array): void {
    if (this.#at + into.length > AHEAD_BYTES) {
      crypto.getRandomValues(this.#ahead);
      this.#at = 0;
    }
    const end = this.#at + into.length;
    into.set(this.#ahead.subarray(this.#at, end));
    // Nobody gets them twice, nor finds them here.
    this.#ahead.fill(0, this.#at, end);
    this.#at = end;
  }
}

function fillFromHost(into: Uint8Array): void {
  for (let at = 0; at < into.length; at += CHUNK_BYTES) {
    // Into memory of its own: shared memory is refused.
    into.set(crypto.getRandomValues(new Uint8Array(Math.min(CHUNK_BYTES, into.length - at))), at);
  }
}

/** The host's cryptographic randomness. */
export const hostRandom: RandomSource = new HostRandom();
