import { strict as assert } from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import { kick } from '../../../src/cpu/index.ts';
import { sharedMap } from '../../../src/isa/index.ts';
import { DoorbellListener } from '../../../src/machine/bus/doorbell.ts';
import { irqMap } from '../../../src/machine/memory-map.ts';
import { startTsWorker, workerEnd } from '../../support/ts-worker.ts';
import { buildSmpBoard, Control, EVENT_DEVICES, HARTS, UART_DOORBELL } from './smp-board.ts';

/** Events and transmitted bytes of each hart. */
const COUNT = 5000;
/** Bytes that the host sends. */
const INPUT_BYTES = 20_000;
/** Long enough for a busy machine; a lost interrupt would take for ever. */
const PATIENCE_MS = 15_000;

describe('two harts sharing PLIC and UART', () => {
  it('lose no interrupt and no byte, in either direction', async () => {
    const buffer = new SharedArrayBuffer(sharedMap.devicesEnd);
    const control = new Int32Array(new SharedArrayBuffer(4 * Control.WORDS));
    const log = new Uint8Array(new SharedArrayBuffer(2 * INPUT_BYTES));
    const { machine, harts, plic, uart, events } = buildSmpBoard(buffer);
    plic.reset();
    uart.reset();
    for (let source = 1; source <= irqMap.uart; source++) plic.write(4 * source, 4, 1 + (source % 3));
    for (let hart = 0; hart < HARTS; hart++) plic.write(0x2000 + 0x80 * (2 * hart + 1), 4, 0xffff_ffff);
    uart.write(2, 1, 0x81);
    uart.write(1, 1, 0x01);

    const input = Uint8Array.from({ length: INPUT_BYTES }, (_, i) => (i * 31) & 0xff);
    const output: number[] = [];
    let given = 0;
    const feed = () => {
      if (given < input.length) given += uart.giveInput(input.subarray(given));
    };
    const listener = new DoorbellListener(machine, (_device, error) => {
      throw error;
    });
    listener.attach(UART_DOORBELL, {
      service() {
        output.push(...uart.takeOutput(4096));
        if (uart.takeRoomNotice()) feed();
      },
    });
    listener.start();

    const module = new URL('./smp-worker.ts', import.meta.url);
    const workers = harts.map((hart) => startTsWorker(module, { buffer, control, log, hart: hart.id, count: COUNT }));
    const ends = Promise.all(workers.map(workerEnd));
    feed();

    const total = (at: number) => control.subarray(at, at + EVENT_DEVICES).reduce((a, b) => a + b, 0);
    let ofMain = 0;
    const finished = () =>
      ofMain === COUNT &&
      total(Control.PRODUCED) === (HARTS + 1) * COUNT &&
      total(Control.CONSUMED) === total(Control.PRODUCED) &&
      Atomics.load(control, Control.LOG_LENGTH) === INPUT_BYTES &&
      output.length === HARTS * COUNT;
    for (let waited = 0; !finished() && waited < PATIENCE_MS; waited++) {
      for (let i = 0; i < 50 && ofMain < COUNT; i++, ofMain++) {
        Atomics.add(control, Control.PRODUCED + (ofMain % EVENT_DEVICES), 1);
        events[ofMain % EVENT_DEVICES]?.happen();
      }
      await sleep(1);
    }
    Atomics.store(control, Control.DONE, 1);
    for (const hart of harts) kick(hart);
    await ends;
    await listener.close();

    assert.equal(total(Control.PRODUCED), (HARTS + 1) * COUNT, 'events caused');
    assert.equal(total(Control.CONSUMED), total(Control.PRODUCED), 'events served');
    assert.deepEqual(log.slice(0, control[Control.LOG_LENGTH]), input, 'input in order');
    for (let hart = 0; hart < HARTS; hart++) {
      const mine = output.filter((byte) => byte >> 7 === hart).map((byte) => byte & 0x7f);
      assert.deepEqual(
        mine,
        Array.from({ length: COUNT }, (_, i) => i & 0x7f),
        `output of hart ${hart} in order`,
      );
    }
  });
});
