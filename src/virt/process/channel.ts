import type { Socket } from 'node:net';
import { encodeFrame, type Frame, FrameKind, FrameReader } from './frames.ts';

/** What comes over a channel. The number of a console has been checked to be one byte, nothing else. */
export interface ChannelEvents {
  message(message: unknown): void;
  data(line: number, bytes: Buffer): void;
  taken(line: number, bytes: number): void;
  attach(line: number): void;
  detach(line: number): void;
  /** It is over, once; `error` when the other side broke the rules or the connection broke. */
  closed(error: Error | undefined): void;
  /** What was written has been handed to the system, after `data` returned false. */
  drained(): void;
}

/** Frames over a socket, both ways. */
export class Channel {
  readonly #socket: Socket;
  readonly #events: ChannelEvents;
  readonly #reader = new FrameReader();
  #closed = false;

  constructor(socket: Socket, events: ChannelEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('drain', () => events.drained());
    socket.once('error', (error) => this.#close(error));
    socket.once('close', () => this.#close(undefined));
  }

  /** Bytes that wait to be handed to the system. */
  get backlog(): number {
    return this.#socket.writableLength;
  }

  /** Throws RangeError for a message that is too long. */
  send(message: object): void {
    this.#write(FrameKind.MESSAGE, Buffer.from(JSON.stringify(message)));
  }

  /** False: wait for `drained` with more. */
  data(line: number, bytes: Uint8Array): boolean {
    const payload = Buffer.allocUnsafe(1 + bytes.length);
    payload[0] = line;
    payload.set(bytes, 1);
    return this.#write(FrameKind.DATA, payload);
  }

  taken(line: number, bytes: number): void {
    const payload = Buffer.alloc(5);
    payload[0] = line;
    payload.writeUInt32BE(bytes, 1);
    this.#write(FrameKind.TAKEN, payload);
  }

  attach(line: number): void {
    this.#write(FrameKind.ATTACH, Uint8Array.of(line));
  }

  detach(line: number): void {
    this.#write(FrameKind.DETACH, Uint8Array.of(line));
  }

  /** Hands over what was written and ends. */
  end(): void {
    this.#socket.end();
  }

  /** Ends at once; `closed` is called. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Lets the process end although the channel is open, or not. */
  unref(): void {
    this.#socket.unref();
  }

  #write(kind: FrameKind, payload: Uint8Array): boolean {
    const frame = encodeFrame(kind, payload);
    if (this.#closed || this.#socket.writableEnded) return true;
    return this.#socket.write(frame);
  }

  #received(chunk: Buffer): void {
    if (this.#closed) return;
    try {
      for (const frame of this.#reader.push(chunk)) {
        this.#frame(frame);
        if (this.#closed) return;
      }
    } catch (error) {
      this.#close(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #frame({ kind, payload }: Frame): void {
    const events = this.#events;
    if (kind === FrameKind.MESSAGE) {
      events.message(JSON.parse(payload.toString()));
      return;
    }
    const [line] = payload;
    if (line === undefined) throw new RangeError(`a frame of kind ${kind} names no console`);
    if (kind === FrameKind.DATA) events.data(line, payload.subarray(1));
    else if (kind === FrameKind.ATTACH) events.attach(line);
    else if (kind === FrameKind.DETACH) events.detach(line);
    else if (kind === FrameKind.TAKEN && payload.length === 5) events.taken(line, payload.readUInt32BE(1));
    else throw new RangeError(`a frame of kind ${kind} is unknown`);
  }

  #close(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.destroy();
    this.#events.closed(error);
  }
}
