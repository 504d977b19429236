import { strict as assert } from 'node:assert';
import { VirtioMmio as Reg } from '../../../src/isa/index.ts';
import type { Active } from '../../../src/machine/virtio/device.ts';
import { VirtError } from '../../../src/util/index.ts';
import { type DriverQueue, TestSlot } from '../../support/virtqueue.ts';
import { ProbeDevice } from './probe-device.ts';

async function started(
  device = new ProbeDevice(),
): Promise<{ slot: TestSlot; device: ProbeDevice; ring: DriverQueue }> {
  const slot = new TestSlot(device);
  const [ring] = slot.driver.start(0n);
  await slot.serve();
  return { slot, device, ring: ring as DriverQueue };
}

describe('a virtio device', () => {
  it('is activated at DRIVER_OK and not before', async () => {
    const device = new ProbeDevice([8, 8]);
    const slot = new TestSlot(device);
    const features = slot.driver.negotiate();
    slot.driver.queue(1, features);
    slot.driver.set(Reg.QUEUE_NOTIFY, 1);
    await slot.serve();
    assert.equal(device.active, undefined);
    slot.driver.driverOk();
    await slot.serve();
    const { active } = device as { active?: Active };
    assert.equal(active?.features, features);
    assert.equal(active?.queues[0], undefined, 'a queue that was not set up');
    assert.equal(active?.queues[1]?.index, 1);
    assert.deepEqual(device.notified, [1], 'it looks at every queue once, unasked');
  });

  it('hears of the queues that are notified, and only of those it has', async () => {
    const device = new ProbeDevice([8, 8, 8]);
    const { slot } = await started(device);
    device.notified = [];
    for (const queue of [2, 0, 2, 3, 31, 0x1_0001, 0xffff_ffff]) slot.driver.set(Reg.QUEUE_NOTIFY, queue);
    await slot.serve();
    assert.deepEqual(device.notified, [0, 1, 2]);
  });

  it('touches neither guest memory nor its line after a reset, although a request is under way', async () => {
    const { slot, device, ring } = await started();
    const gpa = slot.driver.alloc(16);
    ring.add([{ gpa, bytes: 16, writable: true }]);
    const { queue } = device;
    const chain = queue.take();
    assert.ok(chain);
    slot.driver.set(Reg.STATUS, 0);
    const before = slot.ram.slice();
    assert.equal(queue.copyIn(chain, 0, Uint8Array.of(1, 2, 3)), false);
    assert.equal(queue.copyOut(chain, 0, new Uint8Array(0)), false);
    assert.equal(queue.put(chain, 3), false);
    assert.equal(queue.take(), undefined);
    queue.quiet();
    queue.listen();
    assert.deepEqual(slot.ram, before);
    assert.equal(slot.irq.level, false);
  });

  it('does not mix up two drivers, one after another', async () => {
    const { slot, device, ring } = await started();
    ring.add([{ gpa: slot.driver.alloc(16), bytes: 16, writable: true }]);
    const old = device.queue;
    const chain = old.take();
    assert.ok(chain);
    const [fresh] = slot.driver.start(0n);
    assert.equal(old.put(chain, 1), false, 'before the back half has heard of the reset');
    await slot.serve();
    assert.equal(old.put(chain, 1), false, 'after it');
    assert.equal(device.activations, 2);
    const head = fresh?.add([{ gpa: slot.driver.alloc(16), bytes: 16, writable: true }]);
    const next = device.queue.take();
    assert.ok(next);
    device.queue.put(next, 7);
    assert.deepEqual(fresh?.reap(), [{ head, written: 7 }]);
    assert.deepEqual(ring.reap(), []);
  });

  it('lets go of a queue that the driver has stopped', async () => {
    const { slot, device, ring } = await started();
    ring.add([{ gpa: slot.driver.alloc(16), bytes: 16, writable: true }]);
    const chain = device.queue.take();
    assert.ok(chain);
    slot.driver.set(Reg.QUEUE_SEL, 0);
    slot.driver.set(Reg.QUEUE_READY, 0);
    assert.equal(device.queue.put(chain, 0), false);
    assert.deepEqual(ring.reap(), []);
    assert.equal(slot.driver.needsReset, false);
  });

  it('announces a change of its configuration with a new generation', async () => {
    const { slot, device } = await started();
    const generation = slot.driver.get(Reg.CONFIG_GENERATION);
    device.content = Uint8Array.of(9, 2, 3, 4);
    device.changed();
    assert.notEqual(slot.driver.get(Reg.CONFIG_GENERATION), generation);
    assert.equal(slot.driver.get(Reg.CONFIG, 1), 9);
    assert.equal(slot.irq.level, true);
    assert.equal(slot.driver.acknowledge(), 2);
    assert.equal(slot.irq.level, false);
  });

  it('does not interrupt for its configuration while there is no driver', () => {
    const device = new ProbeDevice();
    const slot = new TestSlot(device);
    device.content = Uint8Array.of(7);
    device.changed();
    assert.equal(slot.irq.level, false);
    assert.equal(slot.driver.get(Reg.CONFIG, 1), 7);
  });

  it('warns once of a driver that breaks the rules, however often it does', async () => {
    const { slot, device } = await started();
    for (let i = 0; i < 3; i++) {
      device.active?.fail('nonsense');
      assert.equal(slot.driver.needsReset, true);
      slot.driver.start(0n);
      await slot.serve();
    }
    assert.deepEqual(
      slot.log.map((line) => line.split(':')[0]),
      ['warn', 'debug', 'debug'],
    );
    assert.match(slot.log[0] ?? '', /needs a reset.*nonsense/);
  });

  it('is stopped and closed with the machine, and serves nobody after', async () => {
    const { slot, device } = await started();
    await slot.back.close();
    assert.equal(device.active, undefined);
    assert.equal(device.closed, true);
    slot.driver.start(0n);
    await slot.serve();
    assert.equal(device.activations, 1);
  });

  it('that no slot can hold is refused', () => {
    assert.throws(() => new TestSlot(new ProbeDevice([3])), VirtError);
    assert.throws(() => new TestSlot(new ProbeDevice(new Array(17).fill(8))), VirtError);
    const large = new ProbeDevice();
    large.content = new Uint8Array(257);
    assert.throws(() => new TestSlot(large), VirtError);
  });
});

describe('pause and restore of a virtio device', () => {
  it('stand still in between and go on where the queues stood', async () => {
    const { slot, device, ring } = await started();
    const piece = { gpa: slot.driver.alloc(16), bytes: 16, writable: true };
    const heads = [ring.add([piece]), ring.add([piece]), ring.add([piece])];
    const first = device.queue.take();
    assert.ok(first);
    device.queue.put(first, 1);
    await slot.back.pause();
    assert.equal(device.active, undefined);
    slot.driver.set(Reg.QUEUE_NOTIFY, 0);
    await slot.serve();
    assert.equal(device.active, undefined);
    device.notified = [];
    await slot.back.resume();
    assert.deepEqual(device.notified, [0]);
    const second = device.queue.take();
    assert.ok(second);
    device.queue.put(second, 2);
    assert.deepEqual(ring.reap(), [
      { head: heads[0], written: 1 },
      { head: heads[1], written: 2 },
    ]);
  });

  it('carry a running device to another machine with its memory', async () => {
    const { slot, device, ring } = await started();
    const piece = { gpa: slot.driver.alloc(16), bytes: 16, writable: true };
    ring.add([piece]);
    const next = ring.add([piece]);
    const first = device.queue.take();
    assert.ok(first);
    device.queue.put(first, 1);
    await slot.back.pause();
    const saved = JSON.parse(JSON.stringify(slot.front.save())) as Record<string, unknown>;

    const twin = new ProbeDevice();
    const other = new TestSlot(twin);
    other.ram.set(slot.ram);
    await other.back.pause();
    other.front.restore(saved);
    await other.back.resume();
    assert.equal(other.irq.level, true, 'an interrupt that was pending is so again');
    const chain = twin.queue.take();
    assert.equal(chain?.head, next);
    assert.ok(chain);
    twin.queue.put(chain, 3);
    assert.equal(other.memory.u16(ring.used + 2), 2);
    assert.equal(twin.queue.take(), undefined);
  });

  it('end what the device was doing before', async () => {
    const { slot, device, ring } = await started();
    const saved = slot.front.save();
    ring.add([{ gpa: slot.driver.alloc(16), bytes: 16, writable: true }]);
    const { queue } = device;
    const chain = queue.take();
    assert.ok(chain);
    slot.front.restore(saved);
    assert.equal(queue.put(chain, 1), false);
    await slot.serve();
    assert.equal(device.activations, 2);
    assert.equal(device.queue.take()?.head, chain.head, 'the buffer had not been taken when that was saved');
  });
});
