import { strict as assert } from 'node:assert';
import { HostClock } from '../../src/util/index.ts';

describe('host clock', () => {
  it('tells the wall-clock time of the host, never back, and finer than in milliseconds', () => {
    const clock = new HostClock();
    const times: bigint[] = [];
    for (let n = 0; n < 1000; n++) {
      const before = BigInt(Date.now());
      const ns = clock.wallNs();
      assert.ok(ns >= before * 1_000_000n && ns < BigInt(Date.now() + 1) * 1_000_000n, `${ns} at ${before} ms`);
      times.push(ns);
    }
    assert.ok(times.every((ns, n) => n === 0 || ns >= (times[n - 1] ?? 0n)));
    assert.ok(times.some((ns) => ns % 1_000_000n !== 0n));
  });
});
