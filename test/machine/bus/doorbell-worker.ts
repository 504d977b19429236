import { parentPort, workerData } from 'node:worker_threads';
import { MachineState } from '../../../src/cpu/index.ts';
import { DeviceDoorbell } from '../../../src/machine/bus/doorbell.ts';

/** Adds one to its device's counter and rings, `count` times, sometimes sleeping so that the listener goes idle. */
const { buffer, counters, device, count, sleepMs } = workerData.data as {
  buffer: SharedArrayBuffer;
  counters: Int32Array;
  device: number;
  count: number;
  sleepMs: number;
};
const doorbell = new DeviceDoorbell(new MachineState(buffer), device);
const never = new Int32Array(new SharedArrayBuffer(4));
for (let i = 0; i < count; i++) {
  Atomics.add(counters, device, 1);
  doorbell.ring();
  if (sleepMs > 0 && i % 8 === 0) Atomics.wait(never, 0, 0, sleepMs);
}
parentPort?.postMessage('done');
