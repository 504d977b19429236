import { DATA_MAX, WINDOW_BYTES } from './frames.ts';

/** Bytes that a ring keeps. */
const RING_BYTES = 64 * 1024;

/** Where a ring's output goes. */
export interface RingSink {
  /** False: no more until `pump` is called. */
  send(bytes: Buffer): boolean;
  /** Holds the guest back, or lets it go on. */
  hold(held: boolean): void;
}

/**
 * Recent output of a console: what its reader has not said to have used up, or what nobody has read. With a reader, who
 * is given a window of it at a time, the guest waits when the ring is full; without one the oldest bytes go.
 */
export class OutputRing {
  readonly #sink: RingSink;
  readonly #ring = Buffer.alloc(RING_BYTES);
  /** Counted from the first byte of all: what is in the ring begins here, … */
  #begin = 0;
  /** … has been sent so far, … */
  #sent = 0;
  /** … and ends here. */
  #end = 0;
  #attached = false;
  #held = false;
  /** What was sent and not used up: how many bytes, and where they ended. */
  #flight: { bytes: number; readonly end: number }[] = [];
  #flightBytes = 0;
  /** What came while a reader held the ring full. */
  readonly #waiting: Buffer[] = [];

  constructor(sink: RingSink) {
    this.#sink = sink;
  }

  /** The guest has printed. */
  append(chunk: Buffer): void {
    this.#waiting.push(chunk);
    this.#fill();
    this.pump();
  }

  /** Somebody reads from now on. */
  attach(): void {
    this.#attached = true;
    this.pump();
  }

  /** Nobody reads any more; what is on its way will still be used up. */
  detach(): void {
    this.#attached = false;
    this.#fill();
  }

  /** The reader has gone without a word: what it has not used up is for the next. */
  lose(): void {
    this.#flight = [];
    this.#flightBytes = 0;
    this.#sent = this.#begin;
    this.detach();
  }

  /** The reader has used bytes up. Throws RangeError for more than were on their way. */
  taken(bytes: number): void {
    if (bytes > this.#flightBytes) throw new RangeError(`${bytes} bytes were never on their way`);
    this.#flightBytes -= bytes;
    for (let left = bytes; left > 0; ) {
      const [first] = this.#flight as [{ bytes: number; end: number }];
      const some = Math.min(left, first.bytes);
      first.bytes -= some;
      left -= some;
      this.#begin = Math.max(this.#begin, first.end - first.bytes);
      if (first.bytes === 0) this.#flight.shift();
    }
    this.#fill();
    this.pump();
  }

  /** Sends what the window has room for. */
  pump(): void {
    while (this.#attached && this.#sent < this.#end && this.#flightBytes < WINDOW_BYTES) {
      const bytes = this.#next(Math.min(DATA_MAX, WINDOW_BYTES - this.#flightBytes));
      this.#flight.push({ bytes: bytes.length, end: this.#sent });
      this.#flightBytes += bytes.length;
      if (!this.#sink.send(bytes)) return;
    }
  }

  /** All that has not been sent, whatever the window: the guest has ended. */
  rest(): Buffer[] {
    const rest: Buffer[] = [];
    while (this.#sent < this.#end) rest.push(this.#next(DATA_MAX));
    return [...rest, ...this.#waiting.splice(0)];
  }

  #next(most: number): Buffer {
    const at = this.#sent % RING_BYTES;
    const bytes = Math.min(most, this.#end - this.#sent, RING_BYTES - at);
    this.#sent += bytes;
    return Buffer.from(this.#ring.subarray(at, at + bytes));
  }

  /** Moves what waits into the ring, as far as there is room. */
  #fill(): void {
    for (let chunk = this.#waiting.shift(); chunk !== undefined; chunk = this.#waiting.shift()) {
      const room = this.#attached ? RING_BYTES - (this.#end - this.#begin) : chunk.length;
      this.#put(chunk.subarray(0, room));
      if (room >= chunk.length) continue;
      this.#waiting.unshift(chunk.subarray(room));
      break;
    }
    this.#hold(this.#waiting.length > 0);
  }

  #hold(held: boolean): void {
    if (held === this.#held) return;
    this.#held = held;
    this.#sink.hold(held);
  }

  #put(chunk: Buffer): void {
    for (let from = 0; from < chunk.length; ) {
      const at = this.#end % RING_BYTES;
      const bytes = Math.min(chunk.length - from, RING_BYTES - at);
      this.#ring.set(chunk.subarray(from, from + bytes), at);
      from += bytes;
      this.#end += bytes;
    }
    this.#begin = Math.max(this.#begin, this.#end - RING_BYTES);
    this.#sent = Math.max(this.#sent, this.#begin);
  }
}
