import type { BlockBackend } from '../../../src/machine/backend/block.ts';
import { VirtioBlk, type VirtioBlkOptions } from '../../../src/machine/virtio/blk.ts';
import { SeededRandom } from '../../../src/util/index.ts';
import {
  type DriverQueue,
  type Piece,
  TestSlot,
  type Used,
  until,
  type VirtioDriver,
} from '../../support/virtqueue.ts';

/** A request that is with the device. */
export interface Sent {
  readonly head: number;
  readonly data: number;
  readonly bytes: number;
  readonly status: number;
}

/** How a finished request ended. */
export interface Answer {
  /** The status byte; 0xee if the device did not write it. */
  readonly status: number;
  readonly written: number;
  readonly data: Uint8Array;
}

/** What the driver needs of a slot: not all of it is there on a vCPU's thread. */
type Slot = Pick<TestSlot, 'serve'> & { readonly driver: VirtioDriver };

/** A block driver: makes requests and takes answers. */
export class BlkDriver {
  readonly #slot: Slot;
  readonly queue: DriverQueue;
  readonly #done = new Map<number, Used>();
  indirect = false;

  constructor(slot: Slot, queue: DriverQueue) {
    this.#slot = slot;
    this.queue = queue;
  }

  static async start(slot: Slot, features?: bigint): Promise<BlkDriver> {
    const [queue] = slot.driver.start(features);
    await slot.serve();
    return new BlkDriver(slot, queue as DriverQueue);
  }

  /** Queues a request; `data` is what it carries, or the number of bytes that it wants. */
  send(type: number, sector: number | bigint, data: Uint8Array | number, pieces = 1): Sent {
    const { driver } = this.#slot;
    const header = new DataView(new ArrayBuffer(16));
    header.setUint32(0, type, true);
    header.setBigUint64(8, BigInt.asUintN(64, BigInt(sector)), true);
    const bytes = typeof data === 'number' ? data : data.length;
    const gpa = typeof data === 'number' ? driver.alloc(bytes) : driver.place(data);
    const status = driver.place(Uint8Array.of(0xee));
    const parts: Piece[] = [{ gpa: driver.place(new Uint8Array(header.buffer)), bytes: 16 }];
    const step = Math.ceil(bytes / pieces);
    for (let at = 0; at < bytes; at += step) {
      parts.push({ gpa: gpa + at, bytes: Math.min(step, bytes - at), writable: typeof data === 'number' });
    }
    parts.push({ gpa: status, bytes: 1, writable: true });
    return { head: this.queue.add(parts, this.indirect), data: gpa, bytes, status };
  }

  /** Waits for a request's answer, serving the doorbell meanwhile. */
  async answer(sent: Sent): Promise<Answer> {
    this.queue.kick();
    await this.#slot.serve();
    await until(() => this.finished(sent));
    return this.taken(sent);
  }

  /** The answer of a request that is finished. */
  taken(sent: Sent): Answer {
    const written = (this.#done.get(sent.head) as Used).written;
    this.#done.delete(sent.head);
    const { driver } = this.#slot;
    return {
      status: driver.fetch(sent.status, 1)[0] as number,
      written,
      data: driver.fetch(sent.data, sent.bytes),
    };
  }

  /** Whether the device is done with it. */
  finished(sent: Sent): boolean {
    for (const used of this.queue.reap()) this.#done.set(used.head, used);
    return this.#done.has(sent.head);
  }

  async request(type: number, sector: number | bigint, data: Uint8Array | number, pieces = 1): Promise<Answer> {
    return this.answer(this.send(type, sector, data, pieces));
  }
}

/** Ranges of a discard or write zeroes request: sector, sectors, flags. */
export function ranges(...list: readonly (readonly [number | bigint, number, number])[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(16 * list.length));
  list.forEach(([sector, sectors, flags], i) => {
    view.setBigUint64(16 * i, BigInt(sector), true);
    view.setUint32(16 * i + 8, sectors, true);
    view.setUint32(16 * i + 12, flags, true);
  });
  return new Uint8Array(view.buffer);
}

/** Bytes that can be told from others. */
export function pattern(bytes: number, seed = 1): Uint8Array {
  const out = new Uint8Array(bytes);
  new SeededRandom(seed).fill(out);
  return out;
}

/** A disk in a slot, with its driver. */
export interface Disk {
  readonly slot: TestSlot;
  readonly blk: BlkDriver;
}

/** Plugs a disk in and starts its driver. */
export async function disk(
  backend: BlockBackend,
  options: { features?: bigint; settle?: boolean; blk?: VirtioBlkOptions } = {},
): Promise<Disk> {
  const slot = new TestSlot(new VirtioBlk(backend, options.blk), {
    settle: options.settle ?? true,
    ramBytes: 0x80_0000,
  });
  return { slot, blk: await BlkDriver.start(slot, options.features) };
}
