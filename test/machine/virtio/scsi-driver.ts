import { VirtioScsi, type VirtioScsiOptions } from '../../../src/machine/virtio/scsi.ts';
import type { PlacedUnit } from '../../../src/machine/virtio/scsi-bus.ts';
import { type DriverQueue, TestSlot, type Used, until } from '../../support/virtqueue.ts';

/** A task that is with the device. */
export interface SentTask {
  readonly queue: DriverQueue;
  readonly head: number;
  readonly response: number;
  readonly data: number;
  readonly room: number;
}

/** How a task ended. */
export interface TaskAnswer {
  readonly written: number;
  readonly senseBytes: number;
  readonly residual: number;
  readonly status: number;
  readonly response: number;
  readonly sense: Uint8Array;
  readonly data: Uint8Array;
}

/** What may be said of a task beside its command. */
export interface TaskOptions {
  readonly lun?: Uint8Array;
  readonly tag?: bigint;
  readonly attribute?: number;
  readonly queue?: number;
}

/** LUN field of unit `lun` of target `target`. */
export function lunOf(target: number, lun: number): Uint8Array {
  return Uint8Array.of(1, target, 0x40 | (lun >> 8), lun & 0xff, 0, 0, 0, 0);
}

/** A SCSI host in a slot, with its driver. */
export class ScsiDriver {
  readonly slot: TestSlot;
  readonly device: VirtioScsi;
  queues: DriverQueue[] = [];
  sizes = { cdb: 32, sense: 96 };
  readonly #done = new Map<string, Used>();

  constructor(units: readonly PlacedUnit[], options: VirtioScsiOptions & { settle?: boolean } = {}) {
    this.device = new VirtioScsi(units, options);
    this.slot = new TestSlot(this.device, { settle: options.settle ?? true, ramBytes: 0x80_0000 });
  }

  async start(features?: bigint): Promise<this> {
    this.queues = this.slot.driver.start(features);
    await this.slot.serve();
    return this;
  }

  /** Queues a task that reads `data` bytes at most, or sends `data`. */
  send(cdb: readonly number[], data: number | Uint8Array = 0, options: TaskOptions = {}): SentTask {
    const { driver } = this.slot;
    const header = new Uint8Array(19 + this.sizes.cdb);
    header.set(options.lun ?? lunOf(0, 0));
    new DataView(header.buffer).setBigUint64(8, options.tag ?? 0n, true);
    header[16] = options.attribute ?? 0;
    header.set(cdb, 19);
    const responseBytes = 12 + this.sizes.sense;
    const response = driver.place(new Uint8Array(responseBytes).fill(0xee));
    const room = typeof data === 'number' ? data : 0;
    const at = typeof data === 'number' ? driver.alloc(data) : driver.place(data);
    const out = typeof data === 'number' ? [] : [{ gpa: at, bytes: data.length }];
    const queue = this.queues[2 + (options.queue ?? 0)] as DriverQueue;
    const head = queue.add([
      { gpa: driver.place(header), bytes: header.length },
      ...out,
      { gpa: response, bytes: responseBytes, writable: true },
      ...(room === 0 ? [] : [{ gpa: at, bytes: room, writable: true }]),
    ]);
    return { queue, head, response, data: at, room };
  }

  /** Whether the device is done with it. */
  finished({ queue, head }: { readonly queue: DriverQueue; readonly head: number }): boolean {
    for (const used of queue.reap()) this.#done.set(`${queue.index}:${used.head}`, used);
    return this.#done.has(`${queue.index}:${head}`);
  }

  /** The answer of a task, once there is one. */
  async answer(sent: SentTask): Promise<TaskAnswer> {
    await this.#until(sent);
    const { driver } = this.slot;
    const key = `${sent.queue.index}:${sent.head}`;
    const { written } = this.#done.get(key) as Used;
    this.#done.delete(key);
    const bytes = driver.fetch(sent.response, 12 + this.sizes.sense);
    const view = new DataView(bytes.buffer);
    const senseBytes = view.getUint32(0, true);
    return {
      written,
      senseBytes,
      residual: view.getUint32(4, true),
      status: bytes[10] as number,
      response: bytes[11] as number,
      sense: bytes.subarray(12, 12 + senseBytes),
      data: driver.fetch(sent.data, sent.room),
    };
  }

  async run(cdb: readonly number[], data: number | Uint8Array = 0, options: TaskOptions = {}): Promise<TaskAnswer> {
    return this.answer(this.send(cdb, data, options));
  }

  /** Takes the unit attention of a unit, which it has after power-on. */
  async ready(lun?: Uint8Array): Promise<void> {
    await this.run([0], 0, lun === undefined ? {} : { lun });
  }

  /** Offers a control request with `bytes` bytes of room for the response; its head and where that is. */
  sendControl(request: Uint8Array, bytes: number): { queue: DriverQueue; head: number; response: number } {
    const { driver } = this.slot;
    const queue = this.queues[0] as DriverQueue;
    const response = driver.place(new Uint8Array(bytes).fill(0xee));
    const head = queue.add([
      { gpa: driver.place(request), bytes: request.length },
      { gpa: response, bytes, writable: true },
    ]);
    return { queue, head, response };
  }

  /** A control request and its response. */
  async control(request: Uint8Array, bytes: number): Promise<Uint8Array> {
    const sent = this.sendControl(request, bytes);
    await this.#until(sent);
    this.#done.delete(`0:${sent.head}`);
    return this.slot.driver.fetch(sent.response, bytes);
  }

  /** A task management function; its response. */
  async manage(subtype: number, lun = lunOf(0, 0), tag = 0n): Promise<number> {
    return (await this.control(tmf(subtype, lun, tag), 1))[0] as number;
  }

  /** Lends buffers for events. */
  lendEvents(count: number): number[] {
    const queue = this.queues[1] as DriverQueue;
    const places = Array.from({ length: count }, () => this.slot.driver.alloc(16));
    for (const gpa of places) queue.add([{ gpa, bytes: 16, writable: true }]);
    queue.kick();
    return places;
  }

  async #until(sent: { readonly queue: DriverQueue; readonly head: number }): Promise<void> {
    sent.queue.kick();
    await this.slot.serve();
    await until(() => this.finished(sent));
  }
}

/** A task management request. */
export function tmf(subtype: number, lun: Uint8Array, tag = 0n): Uint8Array {
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  view.setUint32(4, subtype, true);
  bytes.set(lun, 8);
  view.setBigUint64(16, tag, true);
  return bytes;
}
