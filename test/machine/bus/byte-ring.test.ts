import { strict as assert } from 'node:assert';
import { ByteRing } from '../../../src/machine/bus/byte-ring.ts';
import { SeededRandom } from '../../../src/util/index.ts';

describe('byte ring', () => {
  it('is a queue of bounded length, across the wrap of its counters', () => {
    for (const start of [0, -5, 0x7fff_fffc]) {
      const words = new Int32Array([start, start]);
      const ring = new ByteRing(words, 0, new Uint8Array(16));
      const random = new SeededRandom(start);
      const model: number[] = [];
      for (let i = 0; i < 2000; i++) {
        const bytes = Uint8Array.from({ length: random.below(20) }, () => random.below(256));
        const max = random.below(24);
        const put = ring.put(bytes, max);
        assert.equal(put, Math.min(bytes.length, max, 16 - model.length));
        model.push(...bytes.subarray(0, put));
        assert.deepEqual([ring.count, ring.room], [model.length, 16 - model.length]);
        assert.deepEqual([...ring.peek()], model);
        assert.equal(ring.shift(), model.shift() ?? -1);
        const count = random.below(8);
        assert.deepEqual([...ring.take(count)], model.splice(0, count));
      }
      ring.clear();
      assert.equal(ring.count, 0);
    }
  });

  it('puts nothing when asked for less than nothing', () => {
    const ring = new ByteRing(new Int32Array(2), 0, new Uint8Array(4));
    assert.equal(ring.put(Uint8Array.of(1), -3), 0);
  });

  it('stays inside its store whatever its counters hold', () => {
    const words = new Int32Array([7, -123_456]);
    const ring = new ByteRing(words, 0, new Uint8Array(8));
    assert.equal(ring.count, 8);
    assert.equal(ring.room, 0);
    assert.equal(ring.peek().length, 8);
  });
});
