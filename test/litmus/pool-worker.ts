/** A thread of the pool: runs one hart after another, each to its EBREAK, and fences other harts when its guest asks. */
import { parentPort } from 'node:worker_threads';
import { createEngine, HartState, NativeEngine, remoteFences, Stop } from '../../src/cpu/index.ts';
import { HostClock } from '../../src/util/index.ts';
import type { HartJob, HartResult } from './hart-pool.ts';

/** Bits of a0 at an ECALL: what to fence on all other harts. */
const FENCE_TLB = 1n;
const FENCE_CODE = 2n;

function run({ subject, buffer, hart: id, harts }: HartJob): HartResult {
  const config = { buffer, clock: new HostClock() };
  const { kind, tier } = subject;
  const engine = tier === undefined ? createEngine(kind, config) : new NativeEngine(config, { tier, hotThreshold: 1 });
  const hart = engine.createHart(id);
  const others = Array.from({ length: harts }, (_, i) => i).filter((i) => i !== id);
  const states = others.map((i) => new HartState(buffer, i));
  try {
    for (;;) {
      const stop = hart.run(1e12);
      if (stop === Stop.Budget || stop === Stop.Wfi) continue;
      const pc = hart.state.get('pc');
      if (stop !== Stop.Ecall) return { stop, pc };
      const what = hart.state.get('x', 10);
      remoteFences(states, { tlb: (what & FENCE_TLB) !== 0n, code: (what & FENCE_CODE) !== 0n });
      hart.state.set('pc', pc + 4n);
    }
  } finally {
    engine.close();
  }
}

parentPort?.on('message', (job: HartJob) => parentPort?.postMessage(run(job)));
