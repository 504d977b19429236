import { strict as assert } from 'node:assert';
import type { CharBackend } from '../../../src/machine/backend/char.ts';
import { TimerQueue, type Timers } from '../../../src/machine/bus/timers.ts';
import { memoryMap } from '../../../src/machine/memory-map.ts';
import { NS16550_REGION_BYTES, Ns16550 } from '../../../src/machine/serial/ns16550.ts';
import { Ns16550Back } from '../../../src/machine/serial/ns16550-back.ts';
import { ManualClock } from '../../../src/util/index.ts';
import { createTestBoard } from '../device-contract.ts';

/** A host side that records, and can be slow. */
class FakeChar implements CharBackend {
  device: Parameters<CharBackend['connect']>[0] | undefined;
  readonly written: number[] = [];
  writes = 0;
  slow = false;
  resumes = 0;
  closed = false;

  write(bytes: Uint8Array): boolean {
    this.writes++;
    this.written.push(...bytes);
    return !this.slow;
  }

  connect(device: Parameters<CharBackend['connect']>[0]): void {
    this.device = device;
  }

  resume(): void {
    this.resumes++;
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

function create(timers?: Timers) {
  const board = createTestBoard(NS16550_REGION_BYTES);
  const uart = new Ns16550(memoryMap.uart, board.region, { irq: board.irq, doorbell: board.doorbell });
  uart.reset();
  const host = new FakeChar();
  return { board, uart, host, back: new Ns16550Back(uart, host, timers) };
}

describe('UART back half', () => {
  it('carries all output to the host', () => {
    const { uart, host, back } = create();
    const sent = Array.from({ length: 6000 }, (_, i) => i & 0xff);
    uart.putBytes(Uint8Array.from(sent));
    back.service();
    assert.deepEqual(host.written, sent);
    back.service();
    assert.equal(host.writes, 2);
  });

  it('gathers what comes soon after, but keeps nothing for longer than a millisecond', async () => {
    const clock = new ManualClock();
    const timers = new TimerQueue(clock);
    const { uart, host, back } = create(timers);
    const print = (byte: number) => {
      uart.putBytes(Uint8Array.of(byte));
      back.service();
    };
    const pass = (ns: number) => {
      clock.advance(ns);
      timers.runDue();
    };
    print(1);
    assert.deepEqual(host.written, [1], 'the first at once');
    for (const byte of [2, 3, 4]) print(byte);
    pass(900_000);
    assert.deepEqual(host.written, [1]);
    pass(100_000);
    assert.deepEqual([host.written, host.writes], [[1, 2, 3, 4], 2]);
    pass(1_000_000);
    print(5);
    assert.deepEqual(host.written, [1, 2, 3, 4, 5]);
    print(6);
    await back.close();
    assert.deepEqual(host.written, [1, 2, 3, 4, 5, 6]);
    pass(5_000_000);
    assert.equal(host.writes, 4);
  });

  it('stops at a slow host until it has drained, and the guest’s THRE with it', () => {
    const { uart, host, back } = create();
    host.slow = true;
    for (let i = 0; (uart.read(5, 1) & 0x20) !== 0; i++) uart.write(0, 1, i);
    back.service();
    back.service();
    assert.equal(host.writes, 1);
    for (let i = 0; (uart.read(5, 1) & 0x20) !== 0; i++) uart.write(0, 1, i);
    back.service();
    assert.equal(host.writes, 1);
    assert.equal(uart.read(5, 1) & 0x20, 0);
    host.slow = false;
    host.device?.drained();
    assert.ok(host.written.length > 8192);
    assert.equal(uart.read(5, 1) & 0x20, 0x20);
  });

  it('passes input on and asks for more once the guest has read', () => {
    const { board, uart, host, back } = create();
    const offered = new Uint8Array(4096).fill(0x61);
    const taken = host.device?.receive(offered) ?? 0;
    assert.ok(taken > 0 && taken < offered.length);
    back.service();
    assert.equal(host.resumes, 0);
    board.doorbell.rings = 0;
    for (let i = 0; i < taken; i++) assert.equal(uart.read(0, 1), 0x61);
    assert.ok(board.doorbell.rings > 0);
    back.service();
    back.service();
    assert.equal(host.resumes, 1);
  });

  it('delivers the rest on closing, even to a slow host, and then takes nothing', async () => {
    const { uart, host, back } = create();
    host.slow = true;
    uart.putBytes(Uint8Array.from([1]));
    back.service();
    uart.putBytes(Uint8Array.from([2, 3]));
    back.service();
    assert.deepEqual(host.written, [1]);
    await back.close();
    assert.deepEqual(host.written, [1, 2, 3]);
    assert.equal(host.closed, true);
    assert.equal(host.device?.receive(Uint8Array.of(1)), 0);
    uart.putBytes(Uint8Array.of(9));
    back.service();
    assert.deepEqual(host.written, [1, 2, 3]);
  });
});
