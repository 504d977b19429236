import { strict as assert } from 'node:assert';
import { VirtioRng } from '../../../src/machine/virtio/rng.ts';
import { SeededRandom } from '../../../src/util/index.ts';
import { type DriverQueue, TestSlot } from '../../support/virtqueue.ts';

async function connect(): Promise<{ slot: TestSlot; queue: DriverQueue }> {
  const slot = new TestSlot(new VirtioRng(new SeededRandom(5)));
  const [queue] = slot.driver.start();
  await slot.serve();
  return { slot, queue: queue as DriverQueue };
}

describe('virtio-rng', () => {
  it('fills buffers from its source', async () => {
    const { slot, queue } = await connect();
    const gpa = slot.driver.alloc(48);
    const head = queue.add([
      { gpa, bytes: 7, writable: true },
      { gpa: gpa + 7, bytes: 33, writable: true },
    ]);
    queue.kick();
    await slot.serve();
    assert.deepEqual(queue.reap(), [{ head, written: 40 }]);
    const expected = new Uint8Array(48);
    new SeededRandom(5).fill(expected.subarray(0, 40));
    assert.deepEqual(slot.driver.fetch(gpa, 48), expected);
    assert.equal(slot.driver.acknowledge(), 1);
  });

  it('gives less than was asked for when that is a lot', async () => {
    const { slot, queue } = await connect();
    const head = queue.add([{ gpa: slot.driver.alloc(0x8_0000), bytes: 0x8_0000, writable: true }]);
    queue.kick();
    await slot.serve();
    assert.deepEqual(queue.reap(), [{ head, written: 16384 }]);
  });

  it('needs a reset after a request without room, and works after it', async () => {
    const { slot, queue } = await connect();
    queue.add([{ gpa: slot.driver.alloc(16), bytes: 16 }]);
    queue.kick();
    await slot.serve();
    assert.equal(slot.driver.needsReset, true);
    const [again] = slot.driver.start() as [DriverQueue];
    again.add([{ gpa: slot.driver.alloc(16), bytes: 16, writable: true }]);
    again.kick();
    await slot.serve();
    assert.equal(again.reap().length, 1);
  });
});
