import { strict as assert } from 'node:assert';
import { VirtioMmio as Reg } from '../../../src/isa/index.ts';
import { MemBlock } from '../../../src/machine/backend/mem-block.ts';
import { ScsiCdrom } from '../../../src/machine/scsi/cdrom.ts';
import { ScsiDisk } from '../../../src/machine/scsi/disk.ts';
import { ScsiResponse, Tmf, VirtioScsiConfig } from '../../../src/machine/virtio/scsi-spec.ts';
import { be } from '../../support/scsi.ts';
import { until } from '../../support/virtqueue.ts';
import { pattern } from './blk-driver.ts';
import { lunOf, ScsiDriver, type TaskOptions, tmf } from './scsi-driver.ts';

const SECTORS = 64;
const WRITE = (lba: number, n = 1) => [0x2a, 0, ...be(lba, 4), 0, ...be(n, 2)];
const READ = (lba: number, n = 1) => [0x28, 0, ...be(lba, 4), 0, ...be(n, 2)];

/** A backend whose writes wait to be let go, one by one. */
class SlowDisk extends MemBlock {
  readonly begun: number[] = [];
  readonly #waiting: (() => void)[] = [];

  override async write(offset: number, from: Uint8Array): Promise<void> {
    this.begun.push(offset / 512);
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
    await super.write(offset, from);
  }

  /** Lets the oldest write go. */
  release(): void {
    this.#waiting.shift()?.();
  }
}

async function host(backend: MemBlock = new MemBlock(pattern(SECTORS * 512)), options = {}) {
  const driver = new ScsiDriver([{ target: 0, lun: 0, unit: new ScsiDisk(backend) }], options);
  await driver.start();
  await driver.ready();
  return { driver, backend };
}

/** Some turns of the event loop, in which what can happen does. */
async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('virtio-scsi', () => {
  it('describes itself', async () => {
    const { driver } = await host(undefined, { queues: 3 });
    const { driver: registers } = driver.slot;
    assert.equal(registers.get(Reg.DEVICE_ID), 8);
    const config = (at: number) => registers.get(Reg.CONFIG + at);
    assert.deepEqual([config(0), config(4), config(8), config(16)], [3, 254, 0xffff, 16]);
    assert.deepEqual([config(VirtioScsiConfig.sense_size), config(VirtioScsiConfig.cdb_size)], [96, 32]);
    assert.deepEqual([config(28) >>> 16, config(32)], [255, 16_383]);
    assert.equal(driver.queues.length, 5);
  });

  it('reads and writes, with the residue of what was lent', async () => {
    const { driver, backend } = await host();
    const sent = pattern(1024, 5);
    const wrote = await driver.run(WRITE(3, 2), sent);
    assert.deepEqual([wrote.response, wrote.status, wrote.residual, wrote.written], [0, 0, 0, 108]);
    assert.deepEqual(backend.bytes.subarray(3 * 512, 5 * 512), sent);
    const read = await driver.run(READ(3, 2), 2048);
    assert.deepEqual([read.response, read.residual, read.written], [0, 1024, 108 + 1024]);
    assert.deepEqual(read.data.subarray(0, 1024), sent);
    const over = await driver.run(READ(3, 2), 512);
    assert.equal(over.response, ScsiResponse.OVERRUN);
    const bad = await driver.run(READ(SECTORS), 512);
    assert.deepEqual([bad.response, bad.status, bad.senseBytes, bad.sense[2], bad.residual], [0, 2, 18, 5, 512]);
  });

  it('finds units by target and number, and tells of those that are not there', async () => {
    const unit = (name: string) => new ScsiDisk(new MemBlock(512), { serial: name });
    const driver = new ScsiDriver([
      { target: 0, lun: 3, unit: unit('a') },
      { target: 0, lun: 300, unit: unit('b') },
      { target: 7, lun: 0, unit: new ScsiCdrom(undefined) },
    ]);
    await driver.start();
    const type = async (lun: Uint8Array) => {
      const { response, data } = await driver.run([0x12, 0, 0, 0, 36], 36, { lun });
      return response === 0 ? data[0] : `response ${response}`;
    };
    assert.equal(await type(lunOf(0, 3)), 0);
    assert.equal(await type(lunOf(0, 300)), 0);
    assert.equal(await type(Uint8Array.of(1, 0, 0, 3, 0, 0, 0, 0)), 0, 'peripheral addressing');
    assert.equal(await type(lunOf(7, 0)), 5);
    assert.equal(await type(lunOf(0, 0)), 0x7f);
    assert.equal(await type(lunOf(1, 0)), `response ${ScsiResponse.BAD_TARGET}`);
    for (const lun of [
      [0, 0, 0x40, 0],
      [1, 0, 0x80, 3],
      [1, 0, 1, 3],
    ]) {
      assert.equal(await type(Uint8Array.from([...lun, 0, 0, 0, 0])), `response ${ScsiResponse.BAD_TARGET}`);
    }
    const list = await driver.run([0xa0, 0, 0, 0, 0, 0, ...be(64, 4)], 64);
    assert.deepEqual(
      [...list.data.subarray(0, 24)],
      [...be(16, 4), 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0x41, 44, 0, 0, 0, 0, 0, 0],
    );
    assert.equal((await driver.run([0xa0, 0, 0, 0, 0, 0, ...be(15, 4)], 64)).sense[12], 0x24);
    const absent = await driver.run([0], 0, { lun: lunOf(0, 1) });
    assert.deepEqual([absent.status, absent.sense[2], absent.sense[12]], [2, 5, 0x25]);
  });

  it('works with the sizes that the driver has chosen, until a reset', async () => {
    const { driver } = await host();
    const registers = driver.slot.driver;
    const features = registers.negotiate();
    registers.set(Reg.CONFIG + VirtioScsiConfig.cdb_size, 16);
    registers.set(Reg.CONFIG + VirtioScsiConfig.sense_size, 8);
    registers.set(Reg.CONFIG + VirtioScsiConfig.seg_max, 1);
    assert.equal(registers.get(Reg.CONFIG + VirtioScsiConfig.seg_max), 254);
    driver.sizes = { cdb: 16, sense: 8 };
    driver.queues = [0, 1, 2].map((index) => registers.queue(index, features));
    registers.driverOk();
    const bad = await driver.run(READ(SECTORS), 512);
    assert.deepEqual([bad.written, bad.senseBytes, bad.sense[2]], [20, 8, 5]);
    const saved = driver.slot.front.save();
    registers.set(Reg.STATUS, 0);
    assert.equal(registers.get(Reg.CONFIG + VirtioScsiConfig.cdb_size), 32);
    driver.slot.front.restore(saved);
    assert.equal(registers.get(Reg.CONFIG + VirtioScsiConfig.cdb_size), 16);
  });

  it('gives up on a driver with impossible sizes, and on buffers too short for their purpose', async () => {
    const { driver } = await host();
    const registers = driver.slot.driver;
    registers.negotiate();
    registers.set(Reg.CONFIG + VirtioScsiConfig.cdb_size, 0x1000_0000);
    registers.driverOk();
    await driver.slot.serve();
    assert.equal(registers.needsReset, true);
    for (const [queue, readable, writable] of [
      [2, 50, 108],
      [2, 51, 107],
      [1, 0, 15],
      [0, 3, 8],
      [0, 23, 8],
    ] as const) {
      await driver.start();
      await driver.ready();
      const gpa = registers.alloc(256);
      const pieces = [
        { gpa, bytes: readable },
        { gpa, bytes: writable, writable: true },
      ].filter(({ bytes }) => bytes > 0);
      driver.queues[queue]?.add(pieces);
      driver.queues[queue]?.kick();
      if (queue === 1) driver.device.bus.plug({ target: 9, lun: readable, unit: new ScsiCdrom(undefined) });
      await driver.slot.serve();
      assert.equal(registers.needsReset, true, `queue ${queue}, ${readable} and ${writable} bytes`);
    }
  });

  it('serves several queues, and tasks side by side', async () => {
    const slow = new SlowDisk(SECTORS * 512);
    const { driver } = await host(slow, { settle: false, queues: 2 });
    const sent = [0, 1].map((queue) => driver.send(WRITE(queue + 1), pattern(512, queue), { queue }));
    for (const { queue } of sent) queue.kick();
    await driver.slot.serve();
    await until(() => slow.begun.length === 2);
    slow.release();
    slow.release();
    for (const task of sent) assert.equal((await driver.answer(task)).status, 0);
    assert.deepEqual(slow.bytes.subarray(1024, 1536), pattern(512, 1));
  });

  it('lets a synchronization wait for the changes before it', async () => {
    const slow = new SlowDisk(SECTORS * 512);
    const order: string[] = [];
    slow.flush = async () => {
      order.push('flush');
    };
    const { driver } = await host(slow, { settle: false });
    const write = driver.send(WRITE(1), pattern(512));
    const flush = driver.send([0x35]);
    write.queue.kick();
    await driver.slot.serve();
    await turns();
    assert.equal(driver.finished(flush), false);
    order.push('released');
    slow.release();
    await driver.answer(flush);
    assert.deepEqual(order, ['released', 'flush']);
  });

  it('keeps ordered tasks apart from all others', async () => {
    const slow = new SlowDisk(SECTORS * 512);
    const { driver } = await host(slow, { settle: false });
    const tasks: TaskOptions[] = [{}, { attribute: 1 }, {}];
    const sent = tasks.map((options, i) => driver.send(WRITE(i), pattern(512, i), options));
    sent[0]?.queue.kick();
    await driver.slot.serve();
    for (const [i, task] of sent.entries()) {
      await turns();
      assert.deepEqual(slow.begun, [0, 1, 2].slice(0, i + 1));
      slow.release();
      await driver.answer(task);
    }
  });

  it('aborts what has not begun, and waits for what has', async () => {
    const slow = new SlowDisk(SECTORS * 512);
    const { driver } = await host(slow, { settle: false });
    const [first, barrier, last] = [{}, { attribute: 1, tag: 5n }, { tag: 6n }].map((options, i) =>
      driver.send(WRITE(i), pattern(512, i), options),
    );
    first?.queue.kick();
    await driver.slot.serve();
    await turns();
    assert.equal(await driver.manage(Tmf.QUERY_TASK, lunOf(0, 0), 5n), ScsiResponse.FUNCTION_SUCCEEDED);
    assert.equal(await driver.manage(Tmf.QUERY_TASK, lunOf(0, 0), 7n), 0);
    assert.equal(await driver.manage(Tmf.ABORT_TASK, lunOf(0, 0), 5n), 0);
    assert.equal((await driver.answer(barrier!)).response, ScsiResponse.ABORTED);
    const reset = driver.sendControl(tmf(Tmf.LOGICAL_UNIT_RESET, lunOf(0, 0)), 1);
    reset.queue.kick();
    await driver.slot.serve();
    await turns();
    assert.equal(driver.finished(reset), false, 'a write is under way');
    while (!driver.finished(reset)) {
      slow.release();
      await turns();
    }
    assert.equal((await driver.answer(first!)).response, 0);
    assert.ok([0, ScsiResponse.RESET].includes((await driver.answer(last!)).response));
    assert.ok(!slow.begun.includes(1), 'the aborted task was never begun');
    assert.equal((await driver.run([0])).sense[12], 0x29);
  });

  it('finds tasks to abort that it has not been told of yet', async () => {
    const { driver, backend } = await host();
    const before = backend.bytes.slice();
    const reads = driver.send(READ(0), 512, { attribute: 0, tag: 1n });
    const write = driver.send(WRITE(0), pattern(512, 9), { attribute: 1, tag: 2n });
    assert.equal(await driver.manage(Tmf.ABORT_TASK_SET), 0);
    assert.deepEqual([driver.finished(reads), driver.finished(write)], [true, true]);
    assert.equal((await driver.answer(write)).response, ScsiResponse.ABORTED);
    assert.deepEqual(backend.bytes, before);
  });

  it('answers control requests that name nothing, or that there are not', async () => {
    const { driver } = await host();
    assert.equal(await driver.manage(Tmf.ABORT_TASK, lunOf(1, 0)), ScsiResponse.BAD_TARGET);
    assert.equal(await driver.manage(Tmf.ABORT_TASK, lunOf(0, 9)), ScsiResponse.INCORRECT_LUN);
    assert.equal(await driver.manage(Tmf.CLEAR_ACA), ScsiResponse.FUNCTION_REJECTED);
    assert.equal(await driver.manage(99), ScsiResponse.FUNCTION_REJECTED);
    assert.equal(await driver.manage(Tmf.I_T_NEXUS_RESET), 0);
    assert.equal(await driver.manage(Tmf.QUERY_TASK_SET), 0);
    const query = new Uint8Array(16);
    query[0] = 1;
    query.set(lunOf(0, 0), 4);
    query[12] = 0xff;
    assert.deepEqual([...(await driver.control(query, 5))], [0, 0, 0, 0, 0]);
    assert.deepEqual([...(await driver.control(Uint8Array.of(9, 0, 0, 0), 5))], [0xee, 0xee, 0xee, 0xee, 0xee]);
  });

  it('tells of new sizes, of media, and of units that come and go', async () => {
    const backend = new MemBlock(SECTORS * 512);
    const cdrom = new ScsiCdrom(undefined);
    const driver = new ScsiDriver([
      { target: 0, lun: 0, unit: new ScsiDisk(backend) },
      { target: 0, lun: 1, unit: cdrom },
    ]);
    await driver.start();
    const places = driver.lendEvents(4);
    await driver.slot.serve();
    backend.resize(2 * SECTORS * 512);
    await cdrom.change(new MemBlock(4096, { readOnly: true }));
    driver.device.bus.plug({ target: 2, lun: 0, unit: new ScsiCdrom(undefined) });
    assert.ok(driver.device.bus.unplug({ target: 2, lun: 0 }));
    const events = places.map((gpa) => driver.slot.driver.fetch(gpa, 16));
    const told = events.map((bytes) => {
      const view = new DataView(bytes.buffer);
      assert.equal(bytes[6], 0, 'peripheral addressing');
      return [view.getUint32(0, true), bytes[5], bytes[7], view.getUint32(12, true)];
    });
    assert.deepEqual(told, [
      [3, 0, 0, 0x092a],
      [3, 0, 1, 0x0028],
      [1, 2, 0, 1],
      [1, 2, 0, 2],
    ]);
    assert.equal(driver.queues[1]?.reap().length, 4);
  });

  it('tells that events were missed, also those of a pause', async () => {
    const { driver, backend } = await host();
    backend.resize(2 * SECTORS * 512);
    const [first] = driver.lendEvents(1);
    await driver.slot.serve();
    const event = (gpa: number | undefined) =>
      new DataView(driver.slot.driver.fetch(gpa ?? 0, 16).buffer).getUint32(0, true);
    assert.equal(event(first), 0x8000_0000);
    const [second] = driver.lendEvents(1);
    await driver.slot.serve();
    await driver.slot.back.pause();
    backend.resize(3 * SECTORS * 512);
    await driver.slot.back.resume();
    await driver.slot.serve();
    assert.equal(event(second), 0x8000_0000);
  });

  it('tells nothing to a driver that does not want to know', async () => {
    const { driver, backend } = await host();
    await driver.start(0n);
    driver.lendEvents(1);
    backend.resize(2 * SECTORS * 512);
    assert.deepEqual(driver.queues[1]?.reap(), []);
  });

  it('does nothing more for a driver that has gone', async () => {
    const slow = new SlowDisk(SECTORS * 512);
    const { driver } = await host(slow, { settle: false });
    const sent = [0, 1].map((i) => driver.send(WRITE(i), pattern(512, i), { attribute: 1 }));
    sent[0]?.queue.kick();
    await driver.slot.serve();
    await until(() => slow.begun.length === 1);
    driver.slot.driver.set(Reg.STATUS, 0);
    slow.release();
    await driver.slot.serve();
    await turns();
    assert.deepEqual(slow.begun, [0]);
    driver.slot.newDriver();
    await driver.start();
    assert.equal((await driver.run(READ(0), 512)).status, 0);
  });
});
