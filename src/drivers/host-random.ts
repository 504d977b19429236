import { randomFillSync } from 'node:crypto';
import type { RandomSource } from '../util/index.ts';

/** The host's cryptographic randomness. */
export const hostRandom: RandomSource = {
  fill(into: Uint8Array): void {
    randomFillSync(into);
  },
};
