/** A vCPU's thread: a front half of its own and a block driver on one of the device's queues. */
import { strict as assert } from 'node:assert';
import { parentPort, workerData } from 'node:worker_threads';
import { GuestMemory } from '../../../src/hypervisor/index.ts';
import { BlkStatus, BlkType } from '../../../src/machine/virtio/blk-spec.ts';
import { SeededRandom } from '../../../src/util/index.ts';
import { DriverQueue, frontOf, SharedLine, VirtioDriver } from '../../support/virtqueue.ts';
import { type Answer, BlkDriver, type Sent } from './blk-driver.ts';

/** What a vCPU is told to do. */
export interface VcpuJob {
  readonly buffer: SharedArrayBuffer;
  readonly line: Int32Array;
  /** Where this driver's guest memory begins. */
  readonly heap: number;
  /** The queue, set up already by someone else; absent: this driver sets up the device by itself, again and again. */
  readonly queue?: { readonly index: number; readonly size: number; readonly features: bigint };
  /** Sectors that nobody else touches. */
  readonly firstSector: number;
  readonly sectors: number;
  readonly seed: number;
  readonly rounds: number;
  /** Reset the device with requests under way, so many times. */
  readonly resets: number;
}

const job = workerData.data as VcpuJob;
const random = new SeededRandom(job.seed);
const line = new SharedLine(job.line);
const memory = new GuestMemory(job.buffer);
const { bus } = frontOf(job.buffer, line);
const disk = new Uint8Array(512 * job.sectors);

function makeDriver(): BlkDriver {
  const driver = new VirtioDriver(bus, memory, job.heap);
  const slot = { driver, serve: async () => {} };
  if (job.queue === undefined) return new BlkDriver(slot, driver.start()[0] as DriverQueue);
  const { index, size, features } = job.queue;
  return new BlkDriver(slot, new DriverQueue(driver, index, size, features));
}

/** Sleeps until the request is done, woken by the device's interrupts; another vCPU may be quicker to take one. */
function wait(blk: BlkDriver, driver: VirtioDriver, sent: Sent): Answer {
  for (let tries = 0; !blk.finished(sent); tries++) {
    assert.ok(tries < 20_000, `no answer, seed ${job.seed}`);
    if (Atomics.load(line.word, 0) === 1) driver.acknowledge();
    else Atomics.wait(line.word, 0, 0, 1);
  }
  return blk.taken(sent);
}

/** Writes and reads back, several requests at a time, and keeps a copy of what the disk must hold. */
function work(blk: BlkDriver, rounds: number): void {
  const driver = new VirtioDriver(bus, memory);
  for (let round = 0; round < rounds; round++) {
    const writes = Array.from({ length: 4 }, (_, lane) => {
      // Lanes do not overlap: requests of one round may end in any order.
      const lanes = Math.floor(job.sectors / 4);
      const sector = lane * lanes + random.below(lanes - 2);
      const data = new Uint8Array(512 * (1 + random.below(2)));
      random.fill(data);
      disk.set(data, 512 * sector);
      return blk.send(BlkType.OUT, job.firstSector + sector, data, 1 + random.below(3));
    });
    blk.queue.kick();
    for (const sent of writes) assert.equal(wait(blk, driver, sent).status, BlkStatus.OK);
    const sector = random.below(job.sectors - 4);
    const read = blk.send(BlkType.IN, job.firstSector + sector, 4 * 512);
    blk.queue.kick();
    const { status, data } = wait(blk, driver, read);
    assert.equal(status, BlkStatus.OK);
    assert.deepEqual(data, disk.slice(512 * sector, 512 * (sector + 4)), `seed ${job.seed}, round ${round}`);
  }
}

for (let reset = 0; reset <= job.resets; reset++) {
  const blk = makeDriver();
  work(blk, job.rounds);
  if (reset === job.resets) break;
  // Reads are under way when the next driver's first act resets the device; it does not wait for anything.
  for (let i = 0; i < 8; i++) blk.send(BlkType.IN, job.firstSector, 512 * 4);
  blk.queue.kick();
}
parentPort?.postMessage('done');
