import { strict as assert } from 'node:assert';
import { type HartState, hartWord } from '../../../../src/cpu/index.ts';
import { Attention, SbiError, SbiExt, SbiFn } from '../../../../src/isa/index.ts';
import { startTsWorker, workerEnd } from '../../../support/ts-worker.ts';
import { SbiBench } from './bench.ts';

const { REMOTE_FENCE_I, REMOTE_SFENCE_VMA, REMOTE_SFENCE_VMA_ASID } = SbiFn.RFENCE;

/** Waits until a worker has put its hart in the guest. */
async function entered(hart: HartState): Promise<void> {
  while (Atomics.load(hart.words, hartWord.inGuest) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe('SBI RFENCE', () => {
  it('has harts outside the guest flush before they enter, and does not wait for them', () => {
    const bench = new SbiBench(4);
    const epochs = bench.harts.map((hart) => hart.get32('codeEpoch'));
    assert.equal(bench.call(SbiExt.RFENCE, REMOTE_SFENCE_VMA, 0b11, 1, 0, 4096).error, SbiError.SUCCESS);
    const flushes = bench.harts.map((hart) => (hart.get32('attention') & Attention.FLUSH_TLB) !== 0);
    assert.deepEqual(flushes, [false, true, true, false]);
    assert.deepEqual(
      bench.harts.map((hart) => hart.get32('codeEpoch')),
      epochs,
    );
  });

  it('makes code stale on fence.i, the caller included when it is in the mask', () => {
    const bench = new SbiBench(2);
    assert.equal(bench.call(SbiExt.RFENCE, REMOTE_FENCE_I, 0, -1).error, SbiError.SUCCESS);
    assert.deepEqual(
      bench.harts.map((hart) => hart.get32('codeEpoch')),
      [1, 1],
    );
  });

  it('refuses harts that do not exist', () => {
    const bench = new SbiBench(2);
    for (const fid of [REMOTE_FENCE_I, REMOTE_SFENCE_VMA, REMOTE_SFENCE_VMA_ASID]) {
      assert.equal(bench.call(SbiExt.RFENCE, fid, 0b100, 0).error, SbiError.INVALID_PARAM);
    }
    assert.equal(bench.hart(0).get32('attention'), 0);
  });

  it('returns when every hart in the guest has flushed, not before', async () => {
    const rounds = 50;
    const bench = new SbiBench(3);
    const url = new URL('./fence-worker.ts', import.meta.url);
    const ends = [1, 2].map((id) => workerEnd(startTsWorker(url, { buffer: bench.buffer, id, fences: rounds })));
    await Promise.all([entered(bench.hart(1)), entered(bench.hart(2))]);
    for (let round = 1; round <= rounds; round++) {
      bench.call(SbiExt.RFENCE, round % 2 === 0 ? REMOTE_SFENCE_VMA_ASID : REMOTE_FENCE_I, 0b110, 0, 0, -1, 1);
      // The worker counts in a word of the hart's block that nobody else uses meanwhile.
      const answered = [1, 2].map((id) => Atomics.load(bench.hart(id).words, hartWord.exitSize));
      assert.deepEqual(answered, [round, round]);
    }
    await Promise.all(ends);
  });
});
