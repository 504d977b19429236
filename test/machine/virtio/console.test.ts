import { strict as assert } from 'node:assert';
import { VirtioMmio as Reg } from '../../../src/isa/index.ts';
import type { CharBackend } from '../../../src/machine/backend/char.ts';
import { VirtioConsole } from '../../../src/machine/virtio/console.ts';
import { type DriverQueue, TestSlot } from '../../support/virtqueue.ts';

const RX = 0;
const TX = 1;

interface Device {
  receive(bytes: Uint8Array): number;
  drained(): void;
}

/** A line whose other end the test plays. */
class TestLine implements CharBackend {
  output = '';
  /** Answers of the next writes; after them true. */
  readonly answers: boolean[] = [];
  /** What the host still has for the guest. */
  input = '';
  device: Device | undefined;
  closed = false;
  largest = 0;
  /** Says that it is ready again before it has returned. */
  hasty = false;

  write(bytes: Uint8Array): boolean {
    this.output += Buffer.from(bytes).toString('latin1');
    this.largest = Math.max(this.largest, bytes.length);
    const answer = this.answers.shift() ?? true;
    if (!answer && this.hasty) this.device?.drained();
    return answer;
  }

  connect(device: Device): void {
    this.device = device;
  }

  resume(): void {
    const taken = this.device?.receive(Buffer.from(this.input, 'latin1')) ?? 0;
    this.input = this.input.slice(taken);
  }

  type(text: string): void {
    this.input += text;
    this.resume();
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

interface Ends {
  readonly line: TestLine;
  readonly slot: TestSlot;
  readonly rx: DriverQueue;
  readonly tx: DriverQueue;
  print(text: string, pieces?: number): number;
  /** Gives the device a buffer for input; returns how to see what is in it. */
  offer(bytes: number): { head: number; text(): string };
}

async function connect(features?: bigint, settle = true): Promise<Ends> {
  const line = new TestLine();
  const slot = new TestSlot(new VirtioConsole(line), { settle, ramBytes: 0x40_0000 });
  const [rx, tx] = slot.driver.start(features) as [DriverQueue, DriverQueue];
  await slot.serve();
  const { driver } = slot;
  return {
    line,
    slot,
    rx,
    tx,
    print: (text, pieces = 1) => {
      const gpa = driver.place(Buffer.from(text, 'latin1'));
      const step = Math.ceil(text.length / pieces);
      const parts = Array.from({ length: pieces }, (_, i) => {
        return { gpa: gpa + i * step, bytes: Math.max(0, Math.min(step, text.length - i * step)) };
      });
      return tx.add(parts);
    },
    offer: (bytes) => {
      const gpa = driver.alloc(bytes);
      const head = rx.add([{ gpa, bytes, writable: true }]);
      return { head, text: () => Buffer.from(driver.fetch(gpa, bytes)).toString('latin1').replace(/\0+$/, '') };
    },
  };
}

describe('virtio-console output', () => {
  it('reaches the host in order, from any number of pieces', async () => {
    const { line, slot, tx, print } = await connect();
    const heads = [print('Hello, '), print('world', 3), print(''), print('!\n')];
    tx.kick();
    await slot.serve();
    assert.equal(line.output, 'Hello, world!\n');
    assert.deepEqual(
      tx.reap(),
      heads.map((head) => ({ head, written: 0 })),
    );
  });

  it('is held back while the host is slow, and then goes on', async () => {
    const { line, slot, tx, print } = await connect(undefined, false);
    line.answers.push(false);
    print('one ');
    print('two ');
    tx.kick();
    await slot.serve();
    assert.equal(line.output, 'one ');
    assert.equal(tx.reap().length, 1);
    print('three');
    tx.kick();
    await slot.serve();
    assert.equal(line.output, 'one ');
    line.device?.drained();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(line.output, 'one two three');
    assert.equal(tx.reap().length, 2);
  });

  it('is not held back by a host that is ready again at once', async () => {
    const { line, slot, tx, print } = await connect();
    line.hasty = true;
    line.answers.push(false, false);
    print('one ');
    print('two ');
    print('three');
    tx.kick();
    await slot.serve();
    assert.equal(line.output, 'one two three');
  });

  it('of any length goes to the host in slices, each subject to back-pressure', async () => {
    const { line, slot, tx, print } = await connect(undefined, false);
    const text = 'abcdefghij'.repeat(10_000);
    line.answers.push(true, true, false);
    print(text, 5);
    tx.kick();
    await slot.serve();
    assert.equal(line.output.length, 3 * 16384);
    assert.deepEqual(tx.reap(), []);
    line.device?.drained();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(line.output, text);
    assert.equal(line.largest, 16384);
    assert.equal(tx.reap().length, 1);
  });

  it('that was held back in the middle of a buffer goes on there after a pause', async () => {
    const { line, slot, tx, print } = await connect(undefined, false);
    const text = 'abcdefghij'.repeat(4000);
    line.answers.push(false);
    print(text);
    tx.kick();
    await slot.serve();
    await slot.back.pause();
    const saved = JSON.parse(JSON.stringify(slot.front.save())) as Record<string, unknown>;
    slot.front.restore(saved);
    await slot.back.resume();
    assert.equal(line.output, text);
  });

  it('that is held back does not hold up a deterministic machine', async () => {
    const { line, slot, tx, print } = await connect();
    line.answers.push(false);
    print('one ');
    print('two');
    tx.kick();
    await slot.serve();
    assert.equal(line.output, 'one ');
    line.device?.drained();
    await slot.serve();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(line.output, 'one two');
  });

  it('that is held back reaches the host when the machine ends', async () => {
    const { line, slot, tx, print } = await connect(undefined, false);
    line.answers.push(false, false, false);
    for (const text of ['one ', 'two ', 'three']) print(text);
    tx.kick();
    await slot.serve();
    await slot.back.close();
    assert.equal(line.output, 'one two three');
    assert.equal(line.closed, true);
  });

  it('from before a reset does not', async () => {
    const { line, slot, tx, print } = await connect(undefined, false);
    line.answers.push(false);
    for (const text of ['one ', 'two ']) print(text);
    tx.kick();
    await slot.serve();
    slot.driver.set(Reg.STATUS, 0);
    await slot.back.close();
    assert.equal(line.output, 'one ');
  });

  it('of a driver without end leaves the event loop to others', async () => {
    const { line, slot, tx } = await connect(undefined, false);
    const gpa = slot.driver.alloc(0x10_0000);
    const piece = { gpa, bytes: 0x10_0000 };
    for (let i = 0; i < 4; i++) tx.add(Array.from({ length: 16 }, () => piece));
    tx.kick();
    await slot.serve();
    assert.ok(line.output.length < 8 * 2 ** 20, `${line.output.length} bytes in one turn`);
    slot.driver.set(Reg.STATUS, 0);
    await slot.serve();
  });
});

describe('virtio-console input', () => {
  it('fills the driver’s buffers, as far as they go', async () => {
    const { line, slot, rx, offer } = await connect();
    const [a, b] = [offer(4), offer(16)];
    rx.kick();
    await slot.serve();
    line.type('input');
    assert.deepEqual(rx.reap(), [
      { head: a.head, written: 4 },
      { head: b.head, written: 1 },
    ]);
    assert.deepEqual([a.text(), b.text(), line.input], ['inpu', 't', '']);
    assert.equal(slot.irq.level, true);
  });

  for (const [name, features] of [
    ['flags', 0n],
    ['event indexes', undefined],
  ] as const) {
    it(`waits on the host until the driver has buffers again, told by ${name}`, async () => {
      const { line, slot, rx, offer } = await connect(features);
      line.type('early');
      assert.equal(line.input, 'early');
      const first = offer(3);
      assert.equal(rx.kick(), true);
      await slot.serve();
      assert.deepEqual([first.text(), line.input], ['ear', 'ly']);
      assert.deepEqual(rx.reap(), [{ head: first.head, written: 3 }]);
      const second = offer(8);
      assert.equal(rx.kick(), true);
      await slot.serve();
      assert.deepEqual([second.text(), line.input], ['ly', '']);
    });
  }

  it('from before there was a driver is not lost', async () => {
    const line = new TestLine();
    const slot = new TestSlot(new VirtioConsole(line));
    line.type('hello');
    const features = slot.driver.negotiate();
    const rx = slot.driver.queue(RX, features);
    const tx = slot.driver.queue(TX, features);
    const gpa = slot.driver.alloc(16);
    rx.add([{ gpa, bytes: 16, writable: true }]);
    slot.driver.driverOk();
    await slot.serve();
    assert.equal(Buffer.from(slot.driver.fetch(gpa, 5)).toString(), 'hello');
    assert.deepEqual(tx.reap(), []);
  });

  it('survives a driver that lends it empty buffers', async () => {
    const { line, slot, rx, offer } = await connect();
    for (let i = 0; i < 10; i++) rx.add([{ gpa: slot.driver.alloc(16), bytes: 8 }]);
    const last = offer(8);
    rx.kick();
    await slot.serve();
    line.type('x');
    assert.equal(last.text(), 'x');
    assert.equal(rx.reap().length, 11);
  });
});

describe('virtio-console size', () => {
  it('is in the configuration space and changes with the terminal', async () => {
    const device = new VirtioConsole(new TestLine(), { cols: 80, rows: 24 });
    const slot = new TestSlot(device);
    slot.driver.start();
    await slot.serve();
    assert.deepEqual([slot.driver.get(Reg.CONFIG, 2), slot.driver.get(Reg.CONFIG + 2, 2)], [80, 24]);
    device.resize({ cols: 132, rows: 43 });
    assert.equal(slot.driver.acknowledge(), 2);
    assert.deepEqual([slot.driver.get(Reg.CONFIG, 2), slot.driver.get(Reg.CONFIG + 2, 2)], [132, 43]);
  });

  it('is not offered without a terminal', () => {
    const device = new VirtioConsole(new TestLine());
    const slot = new TestSlot(device);
    assert.equal(slot.driver.offered() & 1n, 0n);
    device.resize({ cols: 1, rows: 1 });
    assert.equal(slot.driver.get(Reg.CONFIG), 0);
  });
});
