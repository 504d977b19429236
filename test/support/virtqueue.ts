/** The driver's end of virtio over MMIO, and a slot to plug devices into: what all tests of virtio devices stand on. */
import { MachineState } from '../../src/cpu/index.ts';
import { GuestMemory } from '../../src/hypervisor/index.ts';
import {
  sharedMap,
  VIRTQ_AVAIL_F_NO_INTERRUPT,
  VIRTQ_USED_F_NO_NOTIFY,
  VirtioFeature,
  VirtioMmio as VirtioReg,
  VirtioStatus,
  VirtqDescFlag,
} from '../../src/isa/index.ts';
import { DeviceDoorbell, DoorbellListener } from '../../src/machine/bus/doorbell.ts';
import { MmioBus } from '../../src/machine/bus/mmio-bus.ts';
import { deviceRegion } from '../../src/machine/bus/region.ts';
import type { DeviceRegion, IrqLine } from '../../src/machine/device.ts';
import { VirtioBack } from '../../src/machine/virtio/back.ts';
import type { VirtioDevice } from '../../src/machine/virtio/device.ts';
import { VirtioMmio } from '../../src/machine/virtio/mmio-transport.ts';
import { VIRTIO_REGION_BYTES } from '../../src/machine/virtio/transport-state.ts';
import type { Logger } from '../../src/util/index.ts';

export const EVENT_IDX = 1n << BigInt(VirtioFeature.EVENT_IDX);
export const INDIRECT_DESC = 1n << BigInt(VirtioFeature.INDIRECT_DESC);
export const VERSION_1 = 1n << BigInt(VirtioFeature.VERSION_1);

/** Where the guest of these tests has its RAM, and where the slot is. */
export const RAM = 0x8000_0000;
export const SLOT = { gpa: 0x1000_1000, size: 0x1000 } as const;
const DOORBELL = 8;

/** A line that remembers its level and counts its rises. */
export class CountedLine implements IrqLine {
  level = false;
  rises = 0;
  readonly #also: IrqLine | undefined;

  /** @param also another line to set. */
  constructor(also?: IrqLine) {
    this.#also = also;
  }

  set(level: boolean): void {
    if (level && !this.level) this.rises++;
    this.level = level;
    this.#also?.set(level);
  }
}

/** A line whose level is a word of shared memory, on which vCPU threads can wait. */
export class SharedLine implements IrqLine {
  readonly word: Int32Array;

  constructor(word: Int32Array) {
    this.word = word;
  }

  set(level: boolean): void {
    Atomics.store(this.word, 0, level ? 1 : 0);
    Atomics.notify(this.word, 0);
  }
}

/** Shared memory with one slot of RAM at `RAM`. */
export function sharedRam(bytes: number): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(sharedMap.ram + bytes);
  const machine = new MachineState(buffer);
  machine.set('slotGpa', BigInt(RAM));
  machine.set('slotLen', BigInt(bytes));
  machine.set('slotOffset', BigInt(sharedMap.ram));
  machine.set32('slotGeneration', 1);
  return buffer;
}

/** One thread's front half of the test slot, on a bus. */
export function frontOf(buffer: SharedArrayBuffer, irq: IrqLine): { bus: MmioBus; front: VirtioMmio } {
  const region = slotRegion(buffer);
  const front = new VirtioMmio(SLOT, region, new DeviceDoorbell(new MachineState(buffer), DOORBELL), irq);
  const bus = new MmioBus();
  bus.attach(front, region);
  return { bus, front };
}

function slotRegion(buffer: SharedArrayBuffer): DeviceRegion {
  return deviceRegion(buffer, sharedMap.devices, VIRTIO_REGION_BYTES);
}

/** A device in a slot of a small machine without a CPU. */
export class TestSlot {
  readonly buffer: SharedArrayBuffer;
  readonly memory: GuestMemory;
  readonly region: DeviceRegion;
  readonly irq: CountedLine;
  readonly bus: MmioBus;
  readonly front: VirtioMmio;
  readonly back: VirtioBack;
  driver: VirtioDriver;
  readonly listener: DoorbellListener;
  /** What `service()` failed with: a fault of ours. */
  readonly faults: unknown[] = [];
  /** What the transport logged. */
  readonly log: string[] = [];

  /** @param options.settle as VirtioBack's, true unless given; `line`: told what the slot's own line is. */
  constructor(device: VirtioDevice, options: { settle?: boolean; ramBytes?: number; line?: IrqLine } = {}) {
    this.buffer = sharedRam(options.ramBytes ?? 0x10_0000);
    this.irq = new CountedLine(options.line);
    this.memory = new GuestMemory(this.buffer);
    this.region = slotRegion(this.buffer);
    const logger: Logger = { log: (level, message) => this.log.push(`${level}: ${message}`) };
    this.back = new VirtioBack({
      region: this.region,
      memory: this.memory,
      irq: this.irq,
      device,
      logger,
      settle: options.settle ?? true,
    });
    const { bus, front } = frontOf(this.buffer, this.irq);
    this.bus = bus;
    this.front = front;
    this.driver = new VirtioDriver(bus, this.memory);
    this.listener = new DoorbellListener(new MachineState(this.buffer), (_device, error) => this.faults.push(error));
    this.listener.attach(DOORBELL, this.back);
  }

  /** Serves the doorbell, as the one-thread machine does between two runs of the guest. */
  async serve(): Promise<void> {
    await this.listener.drain();
    if (this.faults.length > 0) throw this.faults[0];
  }

  /** A driver that knows nothing of an earlier one, with all the guest's memory to itself. */
  newDriver(): VirtioDriver {
    this.driver = new VirtioDriver(this.bus, this.memory);
    return this.driver;
  }

  /** The guest's RAM, without a copy. */
  get ram(): Uint8Array {
    return new Uint8Array(this.buffer, sharedMap.ram);
  }
}

/** A driver that does what section 3.1 says, and offers its registers to those who want to do otherwise. */
export class VirtioDriver {
  readonly memory: GuestMemory;
  readonly #bus: MmioBus;
  #free: number;

  /** @param heap where its part of guest memory begins: drivers of one machine on several threads need one each. */
  constructor(bus: MmioBus, memory: GuestMemory, heap: number = RAM + 0x1000) {
    this.#bus = bus;
    this.memory = memory;
    this.#free = heap;
  }

  get(off: number, width: 1 | 2 | 4 = 4): number {
    if (!this.#bus.read(SLOT.gpa + off, width)) throw new Error(`no register at ${off}`);
    return this.#bus.lo;
  }

  set(off: number, value: number, width: 1 | 2 | 4 = 4): void {
    if (!this.#bus.write(SLOT.gpa + off, width, value, 0)) throw new Error(`no register at ${off}`);
  }

  get status(): number {
    return this.get(VirtioReg.STATUS);
  }

  addStatus(bits: number): void {
    this.set(VirtioReg.STATUS, this.status | bits);
  }

  get needsReset(): boolean {
    return (this.status & VirtioStatus.DEVICE_NEEDS_RESET) !== 0;
  }

  offered(): bigint {
    this.set(VirtioReg.DEVICE_FEATURES_SEL, 0);
    const low = BigInt(this.get(VirtioReg.DEVICE_FEATURES));
    this.set(VirtioReg.DEVICE_FEATURES_SEL, 1);
    return (BigInt(this.get(VirtioReg.DEVICE_FEATURES)) << 32n) | low;
  }

  accept(features: bigint): void {
    for (const half of [0, 1]) {
      this.set(VirtioReg.DRIVER_FEATURES_SEL, half);
      this.set(VirtioReg.DRIVER_FEATURES, Number((features >> BigInt(32 * half)) & 0xffff_ffffn));
    }
  }

  /** Reset to FEATURES_OK with `wanted` of what is offered; all of it unless given. */
  negotiate(wanted?: bigint): bigint {
    this.set(VirtioReg.STATUS, 0);
    this.addStatus(VirtioStatus.ACKNOWLEDGE);
    this.addStatus(VirtioStatus.DRIVER);
    const features = this.offered() & ((wanted ?? ~0n) | VERSION_1);
    this.accept(features);
    this.addStatus(VirtioStatus.FEATURES_OK);
    if ((this.status & VirtioStatus.FEATURES_OK) === 0) throw new Error('FEATURES_OK was refused');
    return features;
  }

  /** Sets up a queue; `size` is the device's maximum unless given. */
  queue(index: number, features: bigint, size?: number): DriverQueue {
    this.set(VirtioReg.QUEUE_SEL, index);
    const queue = new DriverQueue(this, index, size ?? this.get(VirtioReg.QUEUE_NUM_MAX), features);
    queue.configure();
    return queue;
  }

  driverOk(): void {
    this.addStatus(VirtioStatus.DRIVER_OK);
  }

  /** All of 3.1.1 with all the device's queues. */
  start(wanted?: bigint, size?: number): DriverQueue[] {
    const features = this.negotiate(wanted);
    const queues: DriverQueue[] = [];
    for (let index = 0; ; index++) {
      this.set(VirtioReg.QUEUE_SEL, index);
      if (this.get(VirtioReg.QUEUE_NUM_MAX) === 0) break;
      queues.push(this.queue(index, features, size));
    }
    this.driverOk();
    return queues;
  }

  /** `bytes` bytes of guest memory that nobody else has, 16-byte aligned. */
  alloc(bytes: number): number {
    const gpa = this.#free;
    this.#free += Math.ceil(bytes / 16) * 16;
    return gpa;
  }

  /** Puts bytes somewhere in guest memory. */
  place(bytes: Uint8Array): number {
    const gpa = this.alloc(bytes.length);
    this.memory.write(gpa, bytes);
    return gpa;
  }

  fetch(gpa: number, bytes: number): Uint8Array {
    const out = new Uint8Array(bytes);
    this.memory.read(gpa, out);
    return out;
  }

  /** The first bytes of the device's configuration space. */
  fetchConfig(bytes: number): Uint8Array {
    return Uint8Array.from({ length: bytes }, (_, at) => this.get(VirtioReg.CONFIG + at, 1));
  }

  /** Acknowledges what interrupts there are; the bits that were set. */
  acknowledge(): number {
    const bits = this.get(VirtioReg.INTERRUPT_STATUS);
    this.set(VirtioReg.INTERRUPT_ACK, bits);
    return bits;
  }
}

/** One piece of a buffer. */
export interface Piece {
  readonly gpa: number;
  readonly bytes: number;
  readonly writable?: boolean;
}

/** One used element. */
export interface Used {
  readonly head: number;
  readonly written: number;
}

/** The driver's end of a split virtqueue. Every field of the rings can also be set to nonsense. */
export class DriverQueue {
  readonly index: number;
  readonly size: number;
  readonly desc: number;
  readonly avail: number;
  readonly used: number;
  readonly #driver: VirtioDriver;
  readonly #features: bigint;
  readonly #free: number[];
  /** Descriptors of each chain that is with the device. */
  readonly #lent = new Map<number, number[]>();
  #availNext = 0;
  #usedSeen = 0;
  #kicked = 0;

  constructor(driver: VirtioDriver, index: number, size: number, features: bigint) {
    this.index = index;
    this.size = size;
    this.desc = driver.alloc(16 * size);
    this.avail = driver.alloc(6 + 2 * size);
    this.used = driver.alloc(6 + 8 * size);
    this.#driver = driver;
    this.#features = features;
    this.#free = Array.from({ length: size }, (_, i) => size - 1 - i);
  }

  /** Clears the rings and tells the device of them. */
  configure(): void {
    const driver = this.#driver;
    driver.memory.write(this.avail, new Uint8Array(6 + 2 * this.size));
    driver.memory.write(this.used, new Uint8Array(6 + 8 * this.size));
    driver.set(VirtioReg.QUEUE_SEL, this.index);
    driver.set(VirtioReg.QUEUE_NUM, this.size);
    const rings = [
      [VirtioReg.QUEUE_DESC_LOW, this.desc],
      [VirtioReg.QUEUE_DRIVER_LOW, this.avail],
      [VirtioReg.QUEUE_DEVICE_LOW, this.used],
    ] as const;
    for (const [low, gpa] of rings) {
      driver.set(low, gpa % 2 ** 32);
      driver.set(low + 4, Math.floor(gpa / 2 ** 32));
    }
    driver.set(VirtioReg.QUEUE_READY, 1);
  }

  /** Writes descriptor `i` of the table at `table`, the queue's own unless given. */
  setDesc(i: number, gpa: number | bigint, bytes: number, flags: number, next = 0, table = this.desc): void {
    const raw = new DataView(new ArrayBuffer(16));
    raw.setBigUint64(0, BigInt(gpa), true);
    raw.setUint32(8, bytes, true);
    raw.setUint16(12, flags, true);
    raw.setUint16(14, next, true);
    this.#driver.memory.write(table + 16 * i, new Uint8Array(raw.buffer));
  }

  /** Makes a chain of `pieces`, in an indirect table if so wanted, and returns its head without offering it. */
  chain(pieces: readonly Piece[], indirect = false): number {
    if (indirect) {
      const table = this.#driver.alloc(16 * pieces.length);
      this.#link(
        pieces,
        pieces.map((_, i) => i),
        table,
      );
      const head = this.#allocate(1);
      this.setDesc(head[0] as number, table, 16 * pieces.length, VirtqDescFlag.INDIRECT);
      return head[0] as number;
    }
    const ids = this.#allocate(pieces.length);
    this.#link(pieces, ids, this.desc);
    return ids[0] as number;
  }

  #link(pieces: readonly Piece[], ids: readonly number[], table: number): void {
    pieces.forEach(({ gpa, bytes, writable }, i) => {
      const next = ids[i + 1];
      const flags = (writable ? VirtqDescFlag.WRITE : 0) | (next === undefined ? 0 : VirtqDescFlag.NEXT);
      this.setDesc(ids[i] as number, gpa, bytes, flags, next ?? 0, table);
    });
  }

  #allocate(count: number): number[] {
    if (count > this.#free.length) throw new Error(`the test ran out of descriptors in queue ${this.index}`);
    const ids = this.#free.splice(this.#free.length - count);
    this.#lent.set(ids[0] as number, ids);
    return ids;
  }

  /** Makes a head available, whatever it is. */
  offer(head: number): void {
    const { memory } = this.#driver;
    memory.setU16(this.avail + 4 + 2 * (this.#availNext % this.size), head);
    this.#availNext = (this.#availNext + 1) & 0xffff;
    memory.setU16(this.avail + 2, this.#availNext);
  }

  /** Makes a buffer available; returns its head. */
  add(pieces: readonly Piece[], indirect = false): number {
    const head = this.chain(pieces, indirect);
    this.offer(head);
    return head;
  }

  /** Whether the device wants to hear of what was added since the last kick (2.7.9, 2.7.10). */
  get wantsKick(): boolean {
    const { memory } = this.#driver;
    if ((this.#features & EVENT_IDX) === 0n) return (memory.u16(this.used) & VIRTQ_USED_F_NO_NOTIFY) === 0;
    const event = memory.u16(this.used + 4 + 8 * this.size);
    return ((this.#availNext - event - 1) & 0xffff) < ((this.#availNext - this.#kicked) & 0xffff);
  }

  /** Notifies the device if it wants that; whether it did. */
  kick(): boolean {
    const wanted = this.wantsKick;
    this.#kicked = this.#availNext;
    if (wanted) this.#driver.set(VirtioReg.QUEUE_NOTIFY, this.index);
    return wanted;
  }

  /** Takes what the device has used since the last time. */
  reap(): Used[] {
    const { memory } = this.#driver;
    const found: Used[] = [];
    while (memory.u16(this.used + 2) !== this.#usedSeen) {
      const at = this.used + 4 + 8 * (this.#usedSeen % this.size);
      const head = memory.u32(at);
      found.push({ head, written: memory.u32(at + 4) });
      this.#usedSeen = (this.#usedSeen + 1) & 0xffff;
      this.#free.push(...(this.#lent.get(head) ?? []));
      this.#lent.delete(head);
    }
    return found;
  }

  /** Asks for no interrupts, or for them again (without event indexes). */
  setNoInterrupt(quiet: boolean): void {
    this.#driver.memory.setU16(this.avail, quiet ? VIRTQ_AVAIL_F_NO_INTERRUPT : 0);
  }

  /** Asks for an interrupt when used index `index` has been written (with event indexes). */
  setUsedEvent(index: number): void {
    this.#driver.memory.setU16(this.avail + 4 + 2 * this.size, index);
  }
}

/** Waits until `condition` holds, turn by turn of the event loop; throws after `turns` of them. */
export async function until(condition: () => boolean, turns = 20_000): Promise<void> {
  for (let i = 0; i < turns; i++) {
    if (condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`waited ${turns} turns of the event loop in vain for ${condition}`);
}
