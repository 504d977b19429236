import { strict as assert } from 'node:assert';
import { VirtioMmio as Reg, VirtioStatus } from '../../../src/isa/index.ts';
import { NullChar } from '../../../src/machine/backend/null-char.ts';
import { VirtioBack } from '../../../src/machine/virtio/back.ts';
import { VirtioConsole } from '../../../src/machine/virtio/console.ts';
import { VirtioMmio } from '../../../src/machine/virtio/mmio-transport.ts';
import { VirtioRng } from '../../../src/machine/virtio/rng.ts';
import { VIRTIO_REGION_BYTES } from '../../../src/machine/virtio/transport-state.ts';
import { SeededRandom, VirtError } from '../../../src/util/index.ts';
import { CountedLine, frontOf, SLOT, sharedRam, TestSlot, VERSION_1, VirtioDriver } from '../../support/virtqueue.ts';
import { describeDevice } from '../device-contract.ts';

const { ACKNOWLEDGE, DRIVER, FEATURES_OK, DRIVER_OK, DEVICE_NEEDS_RESET, FAILED } = VirtioStatus;

function consoleSlot(): TestSlot {
  return new TestSlot(new VirtioConsole(new NullChar(), { cols: 80, rows: 25 }));
}

describeDevice('virtio-mmio', {
  regionBytes: VIRTIO_REGION_BYTES,
  make: (board) => {
    const { region, memory, irq, doorbell } = board;
    new VirtioBack({ region, memory, irq, device: new VirtioConsole(new NullChar()) });
    return new VirtioMmio(SLOT, region, doorbell, irq);
  },
  values: [0, 1, 2, 3, 7, 0xb, 0xf, 0x8000_1000],
});

describe('virtio-mmio registers', () => {
  it('identify a modern device', () => {
    const { driver } = consoleSlot();
    assert.equal(driver.get(Reg.MAGIC_VALUE), 0x74726976);
    assert.equal(driver.get(Reg.VERSION), 2);
    assert.equal(driver.get(Reg.DEVICE_ID), 3);
    assert.notEqual(driver.get(Reg.VENDOR_ID), 0);
    assert.equal(driver.get(Reg.STATUS), 0);
  });

  it('show an empty slot as device 0, which takes no writes', () => {
    const buffer = sharedRam(0x1000);
    const { bus } = frontOf(buffer, new CountedLine());
    const driver = new VirtioDriver(bus, new TestSlot(new VirtioRng(new SeededRandom(1))).memory);
    assert.equal(driver.get(Reg.MAGIC_VALUE), 0x74726976);
    assert.equal(driver.get(Reg.VERSION), 2);
    assert.equal(driver.get(Reg.DEVICE_ID), 0);
    for (let off = 0; off < SLOT.size; off += 4) driver.set(off, 0xffff_ffff);
    assert.equal(driver.get(Reg.STATUS), 0);
    assert.equal(driver.get(Reg.SHM_LEN_LOW), 0);
  });

  it('read 0 and ignore writes at other widths and offsets below the configuration space', () => {
    const { driver, front } = consoleSlot();
    driver.set(Reg.STATUS, 1, 1);
    driver.set(Reg.STATUS, 1, 2);
    assert.equal(driver.status, 0);
    assert.equal(driver.get(Reg.MAGIC_VALUE, 1), 0);
    assert.equal(driver.get(Reg.MAGIC_VALUE, 2), 0);
    assert.equal(front.read(2, 4), 0);
    for (const off of [0x018, 0x040, 0x048, 0x0d0, Reg.QUEUE_NOTIFY, Reg.QUEUE_RESET, Reg.DRIVER_FEATURES]) {
      assert.equal(driver.get(off), 0, `offset ${off}`);
    }
  });

  it('offer features by halves, and none beyond', () => {
    const { driver } = consoleSlot();
    assert.equal(driver.offered(), VERSION_1 | (1n << 28n) | (1n << 29n) | 1n);
    driver.set(Reg.DEVICE_FEATURES_SEL, 2);
    assert.equal(driver.get(Reg.DEVICE_FEATURES), 0);
    driver.set(Reg.DEVICE_FEATURES_SEL, 0xffff_ffff);
    assert.equal(driver.get(Reg.DEVICE_FEATURES), 0);
  });

  it('know no shared memory regions', () => {
    const { driver } = consoleSlot();
    driver.set(Reg.SHM_SEL, 1);
    for (const off of [Reg.SHM_LEN_LOW, Reg.SHM_LEN_HIGH, Reg.SHM_BASE_LOW, Reg.SHM_BASE_HIGH]) {
      assert.equal(driver.get(off), 0xffff_ffff);
    }
  });

  it('give the configuration space at any width and offset, zeroes beyond it, and ignore writes to it', () => {
    const { driver, front } = consoleSlot();
    assert.equal(driver.get(Reg.CONFIG, 2), 80);
    assert.equal(driver.get(Reg.CONFIG + 2, 2), 25);
    assert.equal(driver.get(Reg.CONFIG), 80 + 25 * 65536);
    assert.equal(driver.get(Reg.CONFIG + 2, 1), 25);
    assert.equal(front.read(Reg.CONFIG + 1, 4), 25 << 8);
    assert.equal(driver.get(Reg.CONFIG + 0x100), 0);
    assert.equal(driver.get(SLOT.size - 1, 1), 0);
    assert.equal(front.read(SLOT.size - 1, 4), 0);
    driver.set(Reg.CONFIG, 0xffff, 2);
    driver.set(Reg.CONFIG, 0xff, 1);
    assert.equal(driver.get(Reg.CONFIG, 2), 80);
  });
});

describe('virtio device status', () => {
  it('gains FEATURES_OK only with VERSION_1', () => {
    const { driver } = consoleSlot();
    driver.set(Reg.STATUS, ACKNOWLEDGE | DRIVER);
    driver.accept(1n);
    driver.addStatus(FEATURES_OK);
    assert.equal(driver.status, ACKNOWLEDGE | DRIVER);
    driver.accept(VERSION_1);
    driver.addStatus(FEATURES_OK);
    assert.equal(driver.status, ACKNOWLEDGE | DRIVER | FEATURES_OK);
  });

  it('does not gain FEATURES_OK with a feature that was not offered', () => {
    const { driver } = consoleSlot();
    driver.set(Reg.STATUS, ACKNOWLEDGE | DRIVER);
    driver.accept(VERSION_1 | (1n << 34n));
    driver.addStatus(FEATURES_OK);
    assert.equal(driver.status & FEATURES_OK, 0);
  });

  it('keeps the features it accepted', () => {
    const slot = consoleSlot();
    const { driver, front } = slot;
    driver.negotiate();
    const before = front.save()['driverFeatures'];
    driver.accept(0n);
    assert.equal(front.save()['driverFeatures'], before);
  });

  it('does not gain DRIVER_OK before FEATURES_OK', () => {
    const { driver } = consoleSlot();
    driver.set(Reg.STATUS, ACKNOWLEDGE | DRIVER | DRIVER_OK);
    assert.equal(driver.status, ACKNOWLEDGE | DRIVER);
  });

  it('loses bits by a reset alone, and DEVICE_NEEDS_RESET is not the driver’s to set', () => {
    const { driver } = consoleSlot();
    driver.negotiate();
    driver.set(Reg.STATUS, FAILED | DEVICE_NEEDS_RESET);
    assert.equal(driver.status, ACKNOWLEDGE | DRIVER | FEATURES_OK | FAILED);
    driver.set(Reg.STATUS, 0);
    assert.equal(driver.status, 0);
  });

  it('is 0 at once after a reset: drivers exist that do not wait', async () => {
    const slot = consoleSlot();
    slot.driver.start();
    await slot.serve();
    slot.driver.set(Reg.STATUS, 0);
    assert.equal(slot.driver.status, 0);
    slot.driver.set(Reg.STATUS, ACKNOWLEDGE);
    assert.equal(slot.driver.status, ACKNOWLEDGE);
  });
});

describe('virtio queue registers', () => {
  it('exist for the queues that exist', () => {
    const { driver } = consoleSlot();
    for (const [queue, max] of [
      [0, 64],
      [1, 64],
      [2, 0],
      [0xffff_ffff, 0],
    ] as const) {
      driver.set(Reg.QUEUE_SEL, queue);
      assert.equal(driver.get(Reg.QUEUE_NUM_MAX), max);
    }
    driver.set(Reg.QUEUE_READY, 1);
    assert.equal(driver.get(Reg.QUEUE_READY), 0);
  });

  it('stand while the queue is ready', () => {
    const { driver, front } = consoleSlot();
    const features = driver.negotiate();
    const queue = driver.queue(0, features);
    driver.set(Reg.QUEUE_DESC_LOW, 0x1234);
    driver.set(Reg.QUEUE_NUM, 2);
    const saved = front.save();
    assert.deepEqual(saved['queueDesc'], [String(queue.desc), '0']);
    assert.deepEqual(saved['queueNum'], [64, 0]);
    driver.set(Reg.QUEUE_READY, 0);
    driver.set(Reg.QUEUE_NUM, 2);
    assert.deepEqual(front.save()['queueNum'], [2, 0]);
  });

  it('let a running queue be stopped, for good', async () => {
    const slot = consoleSlot();
    const { driver } = slot;
    driver.start();
    await slot.serve();
    driver.set(Reg.QUEUE_SEL, 1);
    driver.set(Reg.QUEUE_READY, 0);
    assert.equal(driver.get(Reg.QUEUE_READY), 0);
    driver.set(Reg.QUEUE_READY, 1);
    assert.equal(driver.get(Reg.QUEUE_READY), 0);
  });

  it('are all cleared by a reset', () => {
    const { driver, front, irq } = consoleSlot();
    const fresh = front.save();
    driver.start();
    driver.set(Reg.STATUS, 0);
    assert.deepEqual(front.save(), fresh);
    assert.equal(irq.level, false);
  });
});

describe('virtio-mmio saved state', () => {
  it('is refused when it is of another device or malformed, and then changes nothing', () => {
    const slot = consoleSlot();
    slot.driver.start();
    const saved = slot.front.save();
    const rng = new TestSlot(new VirtioRng(new SeededRandom(1)));
    const before = rng.front.save();
    assert.throws(() => rng.front.restore(saved), VirtError);
    for (const bad of [{ status: -1 }, { queueNum: [1] }, { queueDesc: ['x', '1'] }, { deviceFeatures: '0' }]) {
      assert.throws(() => slot.front.restore({ ...saved, ...bad }), VirtError);
    }
    assert.deepEqual(rng.front.save(), before);
    assert.deepEqual(slot.front.save(), saved);
  });
});
