import { workerData } from 'node:worker_threads';
import { HartState, hartWord } from '../../../../src/cpu/index.ts';
import { Attention } from '../../../../src/isa/index.ts';

/** Plays a hart in the guest: answers `fences` requests to drop its translations, each after a while, then leaves. */
const { buffer, id, fences } = workerData.data as { buffer: SharedArrayBuffer; id: number; fences: number };
const { words } = new HartState(buffer, id);
Atomics.store(words, hartWord.inGuest, 1);
Atomics.notify(words, hartWord.inGuest);
for (let answered = 0; answered < fences; answered++) {
  while ((Atomics.load(words, hartWord.attention) & Attention.FLUSH_TLB) === 0) {
    Atomics.wait(words, hartWord.attention, Atomics.load(words, hartWord.attention), 1);
  }
  // Counted before it is acknowledged: whoever waits for the acknowledgement sees the count.
  Atomics.add(words, hartWord.exitSize, 1);
  Atomics.and(words, hartWord.attention, ~Attention.FLUSH_TLB);
}
Atomics.store(words, hartWord.inGuest, 0);
