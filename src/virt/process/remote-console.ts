import { Duplex } from 'node:stream';
import type { ConsoleLine } from '../local/hypervisor.ts';
import type { Channel } from './channel.ts';
import { DATA_MAX } from './frames.ts';

/**
 * A console whose machine is in another process, which keeps recent output while nobody reads. A window of output is on
 * its way at a time; what is written is done when the guest has taken it.
 */
export class RemoteConsole extends Duplex implements ConsoleLine {
  readonly #channel: Channel;
  readonly #line: number;
  /** Output that has come and not been asked for. */
  readonly #waiting: Buffer[] = [];
  #wanted = false;
  /** Bytes given to the reader and not yet told to be used up. */
  #given = 0;
  /** Bytes of the write under way that the guest has not taken, and what to call when it has. */
  #untaken = 0;
  #written: (() => void) | undefined;
  #over = false;

  constructor(channel: Channel, line: number) {
    super({ readableHighWaterMark: DATA_MAX });
    this.#channel = channel;
    this.#line = line;
  }

  /** Asks for output. */
  attach(): void {
    if (!this.#over) this.#channel.attach(this.#line);
  }

  detach(): void {
    if (!this.#over) this.#channel.detach(this.#line);
  }

  /** Output has come. */
  received(bytes: Buffer): void {
    if (this.destroyed) return;
    this.#waiting.push(Buffer.from(bytes));
    if (this.#wanted) this.#give();
  }

  /** The guest has taken so much of what was written. */
  taken(bytes: number): void {
    this.#untaken = Math.max(0, this.#untaken - bytes);
    if (this.#untaken === 0) this.#finishWrite();
  }

  /** The machine has ended: a reader gets what there is and then the end. */
  finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#finishWrite();
    if (this.destroyed) return;
    for (const bytes of this.#waiting.splice(0)) this.push(bytes);
    this.push(null);
    this.end();
  }

  override _read(): void {
    // What was given before has been used up, or is about to be.
    if (this.#given > 0 && !this.#over) this.#channel.taken(this.#line, this.#given);
    this.#given = 0;
    this.#wanted = true;
    this.#give();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    if (this.#over || chunk.length === 0) {
      done();
      return;
    }
    this.#untaken = chunk.length;
    this.#written = done;
    for (let at = 0; at < chunk.length; at += DATA_MAX) {
      this.#channel.data(this.#line, chunk.subarray(at, at + DATA_MAX));
    }
  }

  #give(): void {
    while (this.#wanted) {
      const bytes = this.#waiting.shift();
      if (bytes === undefined) return;
      this.#given += bytes.length;
      // Reading on, at once or later, calls `_read`.
      this.#wanted = false;
      this.push(bytes);
    }
  }

  #finishWrite(): void {
    const done = this.#written;
    this.#written = undefined;
    done?.();
  }
}
