import { strict as assert } from 'node:assert';
import { forEachBackend } from '../support/backends.ts';
import { type Trace, tourConfig, trace } from './trace.ts';

describe('boot: the bundled guest on virtual time', function () {
  this.timeout(120_000);

  let first: Trace;
  before(async () => {
    first = await trace(tourConfig, { backend: 'interpreter' });
    assert.ok(first.output.length > 1000 && first.instructions.every((n) => n > 1000n));
  });

  forEachBackend((backend) => {
    it(`executes the same instructions in every run, those of the interpreter, on ${backend}`, async () => {
      for (let run = 0; run < 2; run++) assert.deepEqual(await trace(tourConfig, { backend }), first);
    });
  });

  it('goes another way with another seed', async () => {
    const other = await trace({ ...tourConfig, seed: 8 }, { backend: 'interpreter' });
    assert.notEqual(other.hash, first.hash);
    assert.equal(other.output.length > 1000, true);
  });
});
