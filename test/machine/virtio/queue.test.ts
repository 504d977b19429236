import { strict as assert } from 'node:assert';
import { VirtioMmio as Reg, VirtqDescFlag } from '../../../src/isa/index.ts';
import type { Chain } from '../../../src/machine/virtio/chain.ts';
import type { VirtQueue } from '../../../src/machine/virtio/queue.ts';
import { SeededRandom } from '../../../src/util/index.ts';
import {
  type DriverQueue,
  EVENT_IDX,
  INDIRECT_DESC,
  RAM,
  TestSlot,
  VERSION_1,
  type VirtioDriver,
} from '../../support/virtqueue.ts';
import { ProbeDevice } from './probe-device.ts';

const { NEXT, WRITE, INDIRECT } = VirtqDescFlag;
const RAM_BYTES = 0x10_0000;

interface Ends {
  readonly device: ProbeDevice;
  readonly slot: TestSlot;
  readonly driver: VirtioDriver;
  /** The driver's end. */
  readonly ring: DriverQueue;
  /** The device's end. */
  readonly queue: VirtQueue;
}

async function connect(features = INDIRECT_DESC, size = 8): Promise<Ends> {
  const device = new ProbeDevice([size]);
  const slot = new TestSlot(device, { ramBytes: RAM_BYTES });
  const [ring] = slot.driver.start(features);
  await slot.serve();
  return { device, slot, driver: slot.driver, ring: ring as DriverQueue, queue: device.queue };
}

function take(queue: VirtQueue): Chain {
  const chain = queue.take();
  assert.ok(chain, 'no buffer');
  return chain;
}

describe('a virtqueue', () => {
  it('hands buffers over in order, with what may be read before what may be written', async () => {
    const { driver, ring, queue } = await connect();
    const a = driver.place(Uint8Array.of(1, 2, 3));
    const b = driver.place(Uint8Array.of(4, 5));
    const c = driver.alloc(4);
    const first = ring.add([
      { gpa: a, bytes: 3 },
      { gpa: b, bytes: 2 },
      { gpa: c, bytes: 4, writable: true },
    ]);
    const second = ring.add([{ gpa: c, bytes: 1, writable: true }]);
    const chain = take(queue);
    assert.deepEqual([chain.head, chain.readableBytes, chain.writableBytes], [first, 5, 4]);
    const out = new Uint8Array(4);
    assert.ok(queue.copyOut(chain, 1, out));
    assert.deepEqual([...out], [2, 3, 4, 5]);
    assert.ok(queue.copyIn(chain, 1, Uint8Array.of(8, 9)));
    assert.deepEqual([...driver.fetch(c, 4)], [0, 8, 9, 0]);
    assert.equal(take(queue).head, second);
    assert.equal(queue.take(), undefined);
    assert.ok(queue.put(chain, 4));
    assert.deepEqual(ring.reap(), [{ head: first, written: 4 }]);
  });

  it('goes round and round, past the wrap of its 16-bit indexes', async () => {
    const { driver, ring, queue } = await connect(0n, 4);
    const gpa = driver.alloc(16);
    for (let i = 0; i < 65536 + 9; i++) {
      const head = ring.add([{ gpa, bytes: 1, writable: true }]);
      queue.put(take(queue), i & 1);
      assert.deepEqual(ring.reap(), [{ head, written: i & 1 }], `round ${i}`);
    }
  });

  it('lets a buffer be looked at before it is taken, and remembers how far it has been dealt with', async () => {
    const { driver, ring, queue } = await connect();
    const head = ring.add([{ gpa: driver.alloc(16), bytes: 16 }]);
    assert.equal(queue.peek()?.head, head);
    queue.setPartial(5);
    assert.equal(queue.peek()?.head, head);
    assert.equal(queue.partial, 5);
    queue.advance();
    assert.equal(queue.partial, 0);
    assert.equal(queue.peek(), undefined);
  });

  it('follows an indirect table, also after direct descriptors, whatever its WRITE flag', async () => {
    const { driver, ring, queue } = await connect(INDIRECT_DESC, 8);
    const gpa = driver.place(Uint8Array.of(7, 8, 9));
    const table = driver.alloc(32);
    ring.setDesc(0, gpa, 1, NEXT, 1, table);
    ring.setDesc(1, gpa + 1, 2, WRITE, 0, table);
    ring.setDesc(0, gpa + 2, 1, NEXT, 1);
    ring.setDesc(1, table, 32, INDIRECT | WRITE);
    ring.offer(0);
    const chain = take(queue);
    assert.deepEqual(
      [chain.readable, chain.writable],
      [
        [
          { gpa: gpa + 2, bytes: 1 },
          { gpa, bytes: 1 },
        ],
        [{ gpa: gpa + 1, bytes: 2 }],
      ],
    );
  });

  it('takes chains up to its maximum size, direct or indirect', async () => {
    const { driver, ring, queue } = await connect(INDIRECT_DESC, 8);
    const gpa = driver.alloc(16);
    const pieces = Array.from({ length: 8 }, () => ({ gpa, bytes: 2 }));
    ring.add(pieces);
    const chain = take(queue);
    assert.equal(chain.readableBytes, 16);
    queue.put(chain, 0);
    ring.reap();
    ring.add(pieces, true);
    assert.equal(take(queue).readableBytes, 16);
  });

  it('has room for empty descriptors, wherever they point', async () => {
    const { driver, ring, queue } = await connect();
    const gpa = driver.place(Uint8Array.of(5));
    ring.add([
      { gpa: 0xffff_ffff, bytes: 0 },
      { gpa, bytes: 1 },
      { gpa: 0, bytes: 0 },
    ]);
    const out = new Uint8Array(1);
    assert.ok(queue.copyOut(take(queue), 0, out));
    assert.equal(out[0], 5);
  });

  it('copies any cut of a buffer to any cut of another', async () => {
    const seed = 20_240_607;
    const random = new SeededRandom(seed);
    const { driver, ring, queue } = await connect(INDIRECT_DESC, 32);
    for (let round = 0; round < 200; round++) {
      const cuts = () => Array.from({ length: 1 + random.below(5) }, () => random.below(40));
      const readable = cuts().map((bytes) => ({ gpa: driver.alloc(48), bytes }));
      const writable = cuts().map((bytes) => ({ gpa: driver.alloc(48), bytes, writable: true }));
      const content = readable.flatMap(({ gpa, bytes }) => {
        const data = new Uint8Array(bytes);
        random.fill(data);
        driver.memory.write(gpa, data);
        return [...data];
      });
      ring.add([...readable, ...writable], random.below(2) === 0);
      const chain = take(queue);
      const bytes = Math.min(chain.readableBytes, chain.writableBytes);
      const from = random.below(chain.readableBytes - bytes + 1);
      const to = random.below(chain.writableBytes - bytes + 1);
      const data = new Uint8Array(bytes);
      assert.ok(queue.copyOut(chain, from, data) && queue.copyIn(chain, to, data));
      const got = writable.flatMap((piece) => [...driver.fetch(piece.gpa, piece.bytes)]);
      const message = `seed ${seed}, round ${round}`;
      assert.deepEqual(got.slice(to, to + bytes), content.slice(from, from + bytes), message);
      queue.put(chain, bytes);
      ring.reap();
    }
  });
});

describe('used buffer notifications', () => {
  it('come with every buffer put back, unless the driver wants none', async () => {
    const { slot, driver, ring, queue } = await connect(0n);
    const gpa = driver.alloc(16);
    const use = () => {
      ring.add([{ gpa, bytes: 1, writable: true }]);
      queue.put(take(queue), 0);
      ring.reap();
      return driver.acknowledge();
    };
    assert.equal(use(), 1);
    assert.equal(slot.irq.level, false, 'the line falls when all is acknowledged');
    ring.setNoInterrupt(true);
    assert.equal(use(), 0);
    ring.setNoInterrupt(false);
    assert.equal(use(), 1);
    assert.equal(slot.irq.rises, 2);
  });

  it('come at the used event, with event indexes', async () => {
    const { driver, ring, queue } = await connect(EVENT_IDX, 8);
    const gpa = driver.alloc(16);
    const interrupts: number[] = [];
    ring.setUsedEvent(2);
    for (let i = 0; i < 6; i++) {
      ring.add([{ gpa, bytes: 1, writable: true }]);
      queue.put(take(queue), 0);
      ring.reap();
      if (driver.acknowledge() !== 0) interrupts.push(i);
      if (i === 3) ring.setUsedEvent(5);
    }
    assert.deepEqual(interrupts, [2, 5]);
  });
});

describe('available buffer notifications', () => {
  it('are suppressed by a flag, and what came meanwhile is not missed', async () => {
    const { driver, ring, queue } = await connect(0n);
    const gpa = driver.alloc(16);
    assert.equal(ring.wantsKick, true);
    queue.quiet();
    assert.equal(ring.wantsKick, false);
    ring.add([{ gpa, bytes: 1 }]);
    assert.equal(queue.listen(), true);
    take(queue);
    assert.equal(queue.listen(), false);
    assert.equal(ring.wantsKick, true);
  });

  it('are asked for by index, with event indexes', async () => {
    const { driver, ring, queue } = await connect(EVENT_IDX);
    const gpa = driver.alloc(16);
    ring.add([{ gpa, bytes: 1 }]);
    assert.equal(ring.kick(), true);
    ring.add([{ gpa, bytes: 1 }]);
    assert.equal(ring.kick(), false, 'the device has not asked again');
    take(queue);
    take(queue);
    assert.equal(queue.listen(), false);
    ring.add([{ gpa, bytes: 1 }]);
    assert.equal(ring.kick(), true);
  });
});

describe('a malformed ring', () => {
  type Break = (ends: Ends, gpa: number) => void;
  const breaches: Record<string, Break> = {
    'a chain that loops': ({ ring }, gpa) => {
      ring.setDesc(0, gpa, 1, NEXT, 1);
      ring.setDesc(1, gpa, 1, NEXT, 0);
      ring.offer(0);
    },
    'a descriptor that is its own next': ({ ring }, gpa) => {
      ring.setDesc(3, gpa, 1, NEXT, 3);
      ring.offer(3);
    },
    'a head outside the table': ({ ring }) => ring.offer(8),
    'a next outside the table': ({ ring }, gpa) => {
      ring.setDesc(0, gpa, 1, NEXT, 8);
      ring.offer(0);
    },
    'a buffer outside RAM': ({ ring }) => {
      ring.setDesc(0, 0x1000, 4, 0);
      ring.offer(0);
    },
    'a buffer over the end of RAM': ({ ring }) => {
      ring.setDesc(0, RAM + RAM_BYTES - 4, 5, WRITE);
      ring.offer(0);
    },
    'a buffer at the end of the address space': ({ ring }) => {
      ring.setDesc(0, 2n ** 64n - 1n, 0xffff_ffff, 0);
      ring.offer(0);
    },
    'a readable descriptor after a writable one': ({ ring }, gpa) => {
      ring.setDesc(0, gpa, 1, NEXT | WRITE, 1);
      ring.setDesc(1, gpa, 1, 0);
      ring.offer(0);
    },
    'more buffers than the ring holds': ({ driver, ring }) => driver.memory.setU16(ring.avail + 2, 9),
    'an indirect table of no descriptors': ({ ring }, gpa) => {
      ring.setDesc(0, gpa, 0, INDIRECT);
      ring.offer(0);
    },
    'an indirect table of a descriptor and a half': ({ ring }, gpa) => {
      ring.setDesc(0, gpa, 24, INDIRECT);
      ring.offer(0);
    },
    'an indirect table outside RAM': ({ ring }) => {
      ring.setDesc(0, 0x40, 16, INDIRECT);
      ring.offer(0);
    },
    'an indirect table larger than RAM': ({ ring }, gpa) => {
      ring.setDesc(0, gpa, 0xffff_fff0, INDIRECT);
      ring.offer(0);
    },
    'an indirect descriptor with a next one': ({ ring }, gpa) => {
      ring.setDesc(0, gpa, 16, INDIRECT | NEXT, 1);
      ring.offer(0);
    },
    'an indirect table in an indirect table': ({ ring }, gpa) => {
      ring.setDesc(0, gpa, 16, INDIRECT, 0, gpa);
      ring.setDesc(0, gpa, 16, INDIRECT);
      ring.offer(0);
    },
    'an indirect table that loops': ({ ring }, gpa) => {
      ring.setDesc(0, gpa, 1, NEXT, 0, gpa);
      ring.setDesc(0, gpa, 16, INDIRECT);
      ring.offer(0);
    },
    'an indirect next outside its table': ({ ring }, gpa) => {
      ring.setDesc(0, gpa, 1, NEXT, 1, gpa);
      ring.setDesc(0, gpa, 16, INDIRECT);
      ring.offer(0);
    },
    'an indirect chain longer than the queue': ({ driver, ring }) => {
      const table = driver.alloc(16 * 9);
      for (let i = 0; i < 9; i++) ring.setDesc(i, RAM, 1, i < 8 ? NEXT : 0, i + 1, table);
      ring.setDesc(0, table, 16 * 9, INDIRECT);
      ring.offer(0);
    },
  };
  for (const [name, damage] of Object.entries(breaches)) {
    it(`with ${name} makes the device need a reset, and is forgotten after it`, async () => {
      const ends = await connect(INDIRECT_DESC);
      const { device, slot, driver, queue } = ends;
      damage(ends, driver.alloc(64));
      assert.equal(queue.take(), undefined);
      assert.equal(driver.needsReset, true);
      assert.equal(slot.log.length, 1);
      assert.equal(driver.acknowledge(), 2, 'a configuration change is announced');
      assert.equal(queue.take(), undefined);
      assert.equal(queue.listen(), false);

      const [ring] = driver.start(0n);
      await slot.serve();
      const head = ring?.add([{ gpa: driver.alloc(16), bytes: 1 }]);
      device.queue.put(take(device.queue), 0);
      assert.deepEqual(ring?.reap(), [{ head, written: 0 }]);
      assert.equal(driver.needsReset, false);
    });
  }

  it('with an indirect descriptor that was not negotiated makes the device need a reset', async () => {
    const { driver, ring, queue } = await connect(0n);
    ring.add([{ gpa: driver.alloc(16), bytes: 1 }], true);
    assert.equal(queue.take(), undefined);
    assert.equal(driver.needsReset, true);
  });

  const setups: Record<string, (ring: DriverQueue, driver: VirtioDriver) => void> = {
    'of size 0': (_ring, driver) => driver.set(Reg.QUEUE_NUM, 0),
    'of a size that is no power of two': (_ring, driver) => driver.set(Reg.QUEUE_NUM, 6),
    'larger than the maximum': (_ring, driver) => driver.set(Reg.QUEUE_NUM, 16),
    'of a size beyond all bounds': (_ring, driver) => driver.set(Reg.QUEUE_NUM, 0x8000_0000),
    'with a misaligned table': (ring, driver) => driver.set(Reg.QUEUE_DESC_LOW, ring.desc + 8),
    'with a misaligned available ring': (ring, driver) => driver.set(Reg.QUEUE_DRIVER_LOW, ring.avail + 1),
    'with a misaligned used ring': (ring, driver) => driver.set(Reg.QUEUE_DEVICE_LOW, ring.used + 2),
    'with a table outside RAM': (_ring, driver) => driver.set(Reg.QUEUE_DESC_HIGH, 1),
    'with a used ring over the end of RAM': (_ring, driver) => driver.set(Reg.QUEUE_DEVICE_LOW, RAM + RAM_BYTES - 16),
  };
  for (const [name, damage] of Object.entries(setups)) {
    it(`${name} makes the device need a reset when it is activated`, async () => {
      const device = new ProbeDevice([8]);
      const slot = new TestSlot(device, { ramBytes: RAM_BYTES });
      const { driver } = slot;
      const ring = driver.queue(0, driver.negotiate(VERSION_1));
      driver.set(Reg.QUEUE_READY, 0);
      damage(ring, driver);
      driver.set(Reg.QUEUE_READY, 1);
      driver.driverOk();
      await slot.serve();
      assert.equal(driver.needsReset, true);
      assert.equal(device.activations, 0);
      driver.start();
      await slot.serve();
      assert.equal(driver.needsReset, false);
      assert.equal(device.activations, 1);
    });
  }
});
