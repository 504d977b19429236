import { Duplex } from 'node:stream';
import type { CharBackend } from './char.ts';

/** Bytes of output kept for a reader, before the guest is held back. */
const OUTPUT_BYTES = 64 * 1024;

interface Device {
  receive(bytes: Uint8Array): number;
  drained(): void;
}

/**
 * A serial line as a Node stream: what the guest prints is read from `stream`, what is written to it the guest gets.
 * Back-pressure goes both ways; so a guest with much to say waits for its reader, as a child process does on its
 * pipe: `stream.resume()` drops what nobody wants. The stream ends when the machine does.
 */
export class StreamChar implements CharBackend {
  /** The other end of the line. */
  readonly stream: Duplex;
  #device: Device | undefined;
  /** The writer's bytes that the guest had no room for, and how to ask for more. */
  #offered: { bytes: Uint8Array; done: () => void } | undefined;
  #full = false;
  #closed = false;

  constructor() {
    this.stream = new Duplex({
      readableHighWaterMark: OUTPUT_BYTES,
      read: () => this.#drained(),
      write: (chunk: Uint8Array, _encoding, done) => {
        if (this.#closed) return done();
        this.#offered = { bytes: chunk, done };
        this.resume();
      },
      destroy: (error, done) => {
        this.#offered = undefined;
        done(error);
        // Nobody reads any more: the guest talks to the wall, and need not wait for it.
        this.#drained();
      },
    });
  }

  write(bytes: Uint8Array): boolean {
    if (this.#closed || this.stream.destroyed) return true;
    // Before the push, which may call `read` at once.
    this.#full = true;
    if (this.stream.push(bytes)) this.#full = false;
    return !this.#full;
  }

  connect(device: Device): void {
    this.#device = device;
    this.resume();
  }

  resume(): void {
    const offered = this.#offered;
    if (offered === undefined || this.#device === undefined) return;
    const taken = this.#device.receive(offered.bytes);
    if (taken < offered.bytes.length) {
      offered.bytes = offered.bytes.subarray(taken);
      return;
    }
    this.#offered = undefined;
    offered.done();
  }

  /** Ends the stream: a reader gets what there is and then its end, a writer's bytes that are left over are dropped. */
  async close(): Promise<void> {
    this.#device = undefined;
    this.#closed = true;
    if (this.stream.destroyed) return;
    this.stream.push(null);
    const offered = this.#offered;
    this.#offered = undefined;
    offered?.done();
    this.stream.end();
  }

  #drained(): void {
    if (!this.#full) return;
    this.#full = false;
    this.#device?.drained();
  }
}
