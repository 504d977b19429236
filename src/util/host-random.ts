import type { RandomSource } from './random.ts';

/** Most bytes that Web Crypto gives at a time. */
const CHUNK_BYTES = 65_536;

/** The host's cryptographic randomness. */
export const hostRandom: RandomSource = {
  fill(into: Uint8Array): void {
    for (let at = 0; at < into.length; at += CHUNK_BYTES) {
      // Into memory of its own: shared memory is refused.
      into.set(crypto.getRandomValues(new Uint8Array(Math.min(CHUNK_BYTES, into.length - at))), at);
    }
  },
};
