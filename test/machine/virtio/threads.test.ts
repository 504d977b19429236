import { strict as assert } from 'node:assert';
import type { Worker } from 'node:worker_threads';
import { MemBlock } from '../../../src/machine/backend/mem-block.ts';
import { VirtioBlk } from '../../../src/machine/virtio/blk.ts';
import { startTsWorker, workerEnd } from '../../support/ts-worker.ts';
import { RAM, SharedLine, TestSlot, VirtioDriver } from '../../support/virtqueue.ts';
import type { VcpuJob } from './vcpu-worker.ts';

const HEAP_BYTES = 0x80_0000;

function startVcpu(job: VcpuJob): Worker {
  return startTsWorker(new URL('./vcpu-worker.ts', import.meta.url), job);
}

/** A slot whose back half runs on this thread's event loop, as on a machine's I/O thread. */
function threadedSlot(queues: number): { slot: TestSlot; line: Int32Array; heap: (vcpu: number) => number } {
  const line = new Int32Array(new SharedArrayBuffer(4));
  const slot = new TestSlot(new VirtioBlk(new MemBlock(512 * 256), { queues, queueSize: 64 }), {
    settle: false,
    ramBytes: 0x1000 + queues * HEAP_BYTES,
    line: new SharedLine(line),
  });
  slot.listener.start();
  return { slot, line, heap: (vcpu) => RAM + 0x1000 + vcpu * HEAP_BYTES };
}

describe('virtio between threads', () => {
  it('serves a driver on a vCPU’s thread, over resets that it does not wait for', async () => {
    const { slot, line, heap } = threadedSlot(1);
    const { buffer } = slot;
    const job = { buffer, line, heap: heap(0), firstSector: 0, sectors: 64, seed: 11, rounds: 40, resets: 5 };
    await workerEnd(startVcpu(job));
    assert.deepEqual(slot.faults, []);
    await slot.listener.close();
    await slot.back.close();
  });

  it('serves drivers on several threads at a time, each with its queue', async () => {
    const { slot, line, heap } = threadedSlot(2);
    const { buffer } = slot;
    const features = slot.driver.negotiate();
    const vcpus = [0, 1].map((index) => {
      // The vCPU lays its queue out in the same way.
      const size = new VirtioDriver(slot.bus, slot.memory, heap(index)).queue(index, features).size;
      const queue = { index, size, features };
      return { buffer, line, heap: heap(index), queue, firstSector: 128 * index, sectors: 128, seed: 21 + index };
    });
    slot.driver.driverOk();
    await Promise.all(vcpus.map((job) => workerEnd(startVcpu({ ...job, rounds: 100, resets: 0 }))));
    assert.deepEqual(slot.faults, []);
    assert.equal(slot.driver.needsReset, false);
    await slot.listener.close();
    await slot.back.close();
  });
});
