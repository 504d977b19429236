import { VirtioType } from '../../isa/index.ts';
import type { CharBackend } from '../backend/char.ts';
import type { Activated, Active, VirtioDevice } from './device.ts';
import { InFlight, QueuePump, type Step } from './pump.ts';
import type { VirtQueue } from './queue.ts';

/** Feature bit 0 (5.3.3): the configuration space holds the size of the terminal. */
const VIRTIO_CONSOLE_F_SIZE = 1n << 0n;

/** Queues of port 0 (5.3.2). */
const RECEIVEQ = 0;
const TRANSMITQ = 1;

/** Output handed to the host in one piece. */
const SLICE_BYTES = 16 * 1024;

/** Slices that are still handed over when the machine ends, whether the host is slow or not. */
const LAST_SLICES = 64;

/** Configuration space (5.3.4): cols, rows, max_nr_ports, emerg_wr; the last two belong to features not offered. */
const CONFIG_BYTES = 12;

/** Size of a terminal in characters. */
export interface TerminalSize {
  readonly cols: number;
  readonly rows: number;
}

/** The console device (5.3) with one port. */
export class VirtioConsole implements VirtioDevice {
  readonly type = VirtioType.CONSOLE;
  readonly features: bigint;
  readonly queues = [64, 64];
  readonly #backend: CharBackend;
  #size: TerminalSize | undefined;
  #configChanged: () => void = () => {};
  #port: ConsolePort | undefined;

  /** @param size of the terminal at the other end, if there is one and `resize` will be told of changes. */
  constructor(backend: CharBackend, size?: TerminalSize) {
    this.#backend = backend;
    this.#size = size;
    this.features = size === undefined ? 0n : VIRTIO_CONSOLE_F_SIZE;
    backend.connect({
      receive: (bytes) => this.#port?.receive(bytes) ?? 0,
      drained: () => this.#port?.drained(),
    });
  }

  /** The terminal at the other end has a new size. Without effect if it had none at construction. */
  resize(size: TerminalSize): void {
    if (this.#size === undefined) return;
    this.#size = size;
    this.#configChanged();
  }

  config(): Uint8Array {
    const bytes = new Uint8Array(CONFIG_BYTES);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, this.#size?.cols ?? 0, true);
    view.setUint16(2, this.#size?.rows ?? 0, true);
    return bytes;
  }

  onConfigChange(callback: () => void): void {
    this.#configChanged = callback;
  }

  activate(active: Active): Activated {
    const port = new ConsolePort(this.#backend, active);
    this.#port = port;
    return {
      notify: (queue) => port.notify(queue),
      idle: () => port.idle(),
      finish: () => port.finish(),
      stop: () => {
        this.#port = undefined;
        return port.stop();
      },
    };
  }

  close(): Promise<void> {
    return this.#backend.close();
  }
}

/** The port of an activated console. Nothing is kept back here: bytes are in the guest's buffers or the host's. */
class ConsolePort {
  readonly #backend: CharBackend;
  readonly #rx: VirtQueue | undefined;
  readonly #txQueue: VirtQueue | undefined;
  readonly #tx: QueuePump | undefined;
  readonly #inFlight = new InFlight();
  /** The host asked to hold output back. */
  #blocked = false;
  /** Input was refused for want of buffers. From the start: what was offered before there was a driver was refused. */
  #starving = true;

  constructor(backend: CharBackend, active: Active) {
    this.#backend = backend;
    this.#rx = active.queues[RECEIVEQ];
    const tx = active.queues[TRANSMITQ];
    this.#txQueue = tx;
    if (tx !== undefined) this.#tx = new QueuePump(tx, this.#inFlight, () => this.#transmit(tx));
  }

  notify(queue: number): void {
    if (queue === TRANSMITQ) this.#tx?.kick();
    if (queue !== RECEIVEQ || !this.#starving) return;
    this.#starving = false;
    this.#backend.resume();
  }

  /** Puts input in the driver's buffers and returns how much of it found room. */
  receive(bytes: Uint8Array): number {
    const rx = this.#rx;
    let done = 0;
    if (rx === undefined) return 0;
    // Each round uses a buffer up; empty ones are the driver's folly, and only so many fit in a queue.
    for (let round = 0; done < bytes.length && round < 2 * rx.size; round++) {
      const chain = rx.take();
      if (chain === undefined) {
        if (rx.listen()) continue;
        this.#starving = true;
        return done;
      }
      const n = Math.min(chain.writableBytes, bytes.length - done);
      if (!rx.copyIn(chain, 0, bytes.subarray(done, done + n)) || !rx.put(chain, n)) return done;
      done += n;
    }
    if (done < bytes.length) this.#starving = true;
    else rx.quiet();
    return done;
  }

  /** The host takes output again. */
  drained(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#tx?.wake();
  }

  idle(): Promise<void> {
    return this.#inFlight.idle();
  }

  /** The guest's last words. */
  finish(): void {
    const queue = this.#txQueue;
    if (queue === undefined) return;
    for (let slices = 0; slices < LAST_SLICES; slices++) {
      this.#blocked = false;
      if (this.#transmit(queue) === 'empty') return;
    }
  }

  stop(): Promise<void> {
    this.#tx?.stop();
    return this.#inFlight.idle();
  }

  /** Hands one slice of the buffer at hand to the host. */
  #transmit(queue: VirtQueue): Step {
    if (this.#blocked) return 'hold';
    const chain = queue.peek();
    if (chain === undefined) return 'empty';
    const at = Math.min(queue.partial, chain.readableBytes);
    const slice = new Uint8Array(Math.min(chain.readableBytes - at, SLICE_BYTES));
    if (!queue.copyOut(chain, at, slice)) return 'empty';
    if (at + slice.length < chain.readableBytes) queue.setPartial(at + slice.length);
    else {
      queue.advance();
      queue.put(chain, 0);
    }
    if (slice.length === 0) return 'more';
    // Before the call, as the host may say that it is ready again even before it returns.
    this.#blocked = true;
    if (this.#backend.write(slice)) this.#blocked = false;
    return this.#blocked ? 'hold' : 'more';
  }
}
