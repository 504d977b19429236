import { GuestClock, HartState, MachineState } from '../../../src/cpu/index.ts';
import { DeviceDoorbell } from '../../../src/machine/bus/doorbell.ts';
import { MmioBus } from '../../../src/machine/bus/mmio-bus.ts';
import { RegionAllocator } from '../../../src/machine/bus/region.ts';
import type { DeviceRegion, IrqLine, MmioDevice, Width } from '../../../src/machine/device.ts';
import { ControllerLine } from '../../../src/machine/irq/irq-line.ts';
import { PLIC_REGION_BYTES, Plic } from '../../../src/machine/irq/plic.ts';
import { irqMap, memoryMap } from '../../../src/machine/memory-map.ts';
import { NS16550_REGION_BYTES, Ns16550 } from '../../../src/machine/serial/ns16550.ts';
import { HostClock, SharedLock } from '../../../src/util/index.ts';

/** Number of event devices, on interrupts 1, 2 …. */
export const EVENT_DEVICES = 4;
export const HARTS = 2;
/** Index of the UART's doorbell. */
export const UART_DOORBELL = 0;

/** A device that counts events: high while there are any; reading its register takes them all. */
export class EventDevice implements MmioDevice {
  readonly id: string;
  readonly window: { gpa: number; size: number };
  readonly #words: Int32Array;
  readonly #lock: SharedLock;
  readonly #irq: IrqLine;

  constructor(index: number, region: DeviceRegion, irq: IrqLine) {
    this.window = { gpa: memoryMap.virtio.gpa + index * memoryMap.virtio.size, size: memoryMap.virtio.size };
    this.id = `event@${this.window.gpa.toString(16)}`;
    this.#words = region.words;
    this.#lock = new SharedLock(region.words, 0);
    this.#irq = irq;
  }

  /** Any thread. */
  happen(): void {
    this.#lock.lock();
    this.#words[1]++;
    this.#irq.set(true);
    this.#lock.unlock();
  }

  read(_off: number, _width: Width): number {
    const events = this.#words[1];
    this.#words[1] = 0;
    this.#irq.set(false);
    return events;
  }

  write(): void {}
  reset(): void {}
  save(): Record<string, unknown> {
    return {};
  }
  restore(): void {}
  describe(): void {}
}

/** The same small machine on whichever thread calls. */
export function buildSmpBoard(buffer: SharedArrayBuffer) {
  const machine = new MachineState(buffer);
  const harts = Array.from({ length: HARTS }, (_, id) => new HartState(buffer, id));
  const clock = new GuestClock(buffer, new HostClock());
  const bus = new MmioBus();
  const regions = new RegionAllocator(buffer);
  const plicRegion = regions.take(PLIC_REGION_BYTES);
  const plic = new Plic(memoryMap.plic, plicRegion, harts);
  bus.attach(plic, plicRegion);
  const uartRegion = regions.take(NS16550_REGION_BYTES);
  const uart = new Ns16550(memoryMap.uart, uartRegion, {
    irq: new ControllerLine(plic, irqMap.uart),
    doorbell: new DeviceDoorbell(machine, UART_DOORBELL),
  });
  bus.attach(uart, uartRegion);
  const events = Array.from({ length: EVENT_DEVICES }, (_, index) => {
    const region = regions.take(64);
    const device = new EventDevice(index, region, new ControllerLine(plic, irqMap.virtio + index));
    bus.attach(device, region);
    return device;
  });
  return { machine, harts, clock, bus, plic, uart, events };
}

/** Words that the test and its workers share. */
export const Control = { DONE: 0, LOG_LENGTH: 1, PRODUCED: 8, CONSUMED: 16, WORDS: 32 } as const;
