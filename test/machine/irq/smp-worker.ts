import { workerData } from 'node:worker_threads';
import { hartWord } from '../../../src/cpu/index.ts';
import { Interrupt } from '../../../src/isa/index.ts';
import { irqMap, memoryMap } from '../../../src/machine/memory-map.ts';
import { SeededRandom } from '../../../src/util/index.ts';
import { buildSmpBoard, Control, EVENT_DEVICES } from './smp-board.ts';

/**
 * Plays a hart whose kernel serves interrupts: claims through the bus, takes what the device has, completes; sleeps on
 * its attention word when nothing is pending. Between interrupts it causes some.
 */
const { buffer, control, log, hart, count } = workerData.data as {
  buffer: SharedArrayBuffer;
  control: Int32Array;
  log: Uint8Array;
  hart: number;
  count: number;
};
const { bus, harts, events } = buildSmpBoard(buffer);
const words = harts[hart]?.words as Int32Array;
const claimGpa = memoryMap.plic.gpa + 0x20_0004 + 0x1000 * (2 * hart + 1);
const uartGpa = memoryMap.uart.gpa;

function load(gpa: number, size: 1 | 4): number {
  if (!bus.read(gpa, size)) throw new Error(`nothing at 0x${gpa.toString(16)}`);
  return bus.lo;
}

function serveUart(): void {
  while ((load(uartGpa + 2, 1) & 1) === 0) {
    while ((load(uartGpa + 5, 1) & 1) !== 0) {
      log[Atomics.add(control, Control.LOG_LENGTH, 1)] = load(uartGpa, 1);
    }
  }
}

function serveInterrupts(): void {
  for (let source = load(claimGpa, 4); source !== 0; source = load(claimGpa, 4)) {
    if (source === irqMap.uart) serveUart();
    else {
      const gpa = memoryMap.virtio.gpa + (source - irqMap.virtio) * memoryMap.virtio.size;
      Atomics.add(control, Control.CONSUMED + source - irqMap.virtio, load(gpa, 4));
    }
    bus.write(claimGpa, 4, source, 0);
  }
}

/** One byte with this hart's number in its top bit and a sequence number below, when the transmitter takes it. */
function transmit(sequence: number): boolean {
  if ((load(uartGpa + 5, 1) & 0x20) === 0) return false;
  bus.write(uartGpa, 1, (hart << 7) | (sequence & 0x7f), 0);
  return true;
}

const random = new SeededRandom(hart + 1);
let sent = 0;
let caused = 0;
while (Atomics.load(control, Control.DONE) === 0) {
  Atomics.store(words, hartWord.attention, 0);
  const pending = (Atomics.load(words, hartWord.irqLines) & (1 << Interrupt.SEI)) !== 0;
  if (pending) serveInterrupts();
  else if (sent < count && random.below(2) === 0) sent += transmit(sent) ? 1 : 0;
  else if (caused < count) {
    const index = random.below(EVENT_DEVICES);
    Atomics.add(control, Control.PRODUCED + index, 1);
    events[index]?.happen();
    caused++;
  } else if (sent >= count) Atomics.wait(words, hartWord.attention, 0);
}
