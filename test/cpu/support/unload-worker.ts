/** A thread that uses the native backend and then goes, in one of several ways. */
import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { NativeEngine, nativeTranslates, Stop } from '../../../src/cpu/index.ts';
import { HostClock } from '../../../src/util/index.ts';
import { Rig } from './rig.ts';

/**
 * How it goes: `closed`: engines are closed first; `open`: they are not; `ended`: it is terminated between two runs;
 * `inside`: it is terminated while it is in the guest, until a kick ends that.
 */
export type Leaving = 'closed' | 'open' | 'ended' | 'inside';

/** What the worker is started with. */
export interface UnloadWorkerData {
  readonly leaving: Leaving;
}

const { leaving } = (workerData as { data: UnloadWorkerData }).data;
const rigs = Array.from(
  { length: 2 },
  () => new Rig(({ buffer }) => new NativeEngine({ buffer, clock: new HostClock() }, { hotThreshold: 1 })),
);
for (const rig of rigs) {
  rig.load('1: addi a0, a0, 1\n j 1b');
  if (rig.hart.run(200_000) !== Stop.Budget) throw new Error('the hart stopped');
}
// What is counted must be there to be counted.
if (nativeTranslates() && !readFileSync('/proc/self/maps', 'utf8').includes('nodevisor-code')) {
  throw new Error('no translated code is mapped');
}
parentPort?.postMessage(rigs[0]?.buffer);
if (leaving === 'closed') for (const rig of rigs) rig.engine.close();
while (leaving === 'ended') rigs[0]?.hart.run(10_000);
if (leaving === 'inside') rigs[0]?.hart.run(1e15);
