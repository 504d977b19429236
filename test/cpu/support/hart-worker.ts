/** Runs one hart on a thread of its own until it stops, and posts the stop. */
import { parentPort, workerData } from 'node:worker_threads';
import { createEngine, type EngineKind } from '../../../src/cpu/index.ts';
import { HostClock } from '../../../src/util/index.ts';

/** What the worker is started with. */
export interface HartWorkerData {
  readonly kind: EngineKind;
  readonly buffer: SharedArrayBuffer;
  readonly hart: number;
  readonly budget: number;
}

const { kind, buffer, hart, budget } = (workerData as { data: HartWorkerData }).data;
const engine = createEngine(kind, { buffer, clock: new HostClock() });
parentPort?.postMessage(engine.createHart(hart).run(budget));
engine.close();
