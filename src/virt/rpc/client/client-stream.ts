import { Duplex, type DuplexOptions } from 'node:stream';
import { type Packet, PacketStatus, PacketType, STREAM_DATA_MAX_BYTES } from '../packet.ts';
import type { StreamDirection } from '../procedure.ts';
import { readError } from '../wire-error.ts';
import { XdrReader } from '../xdr.ts';
import { bits, hyper } from '../xdr-types.ts';

/** Bytes that wait for a reader before nothing more is read from the server. */
const BEHIND_BYTES = 4 * 1024 * 1024;

/** What a piece costs beside its bytes, about. */
const PIECE_BYTES = 128;
/** A hole is read in pieces of so many zeroes. */
const HOLE_PIECE_BYTES = 64 * 1024;

/** What a stream asks of its connection. */
export interface StreamOwner {
  /** Sends a packet of the stream; calls `then` when there is room for more. */
  send(status: number, bytes?: Uint8Array, then?: () => void): void;
  /** More waits for the reader than should, or no longer. */
  behind(stream: ClientStream, isBehind: boolean): void;
  /** No packet of the stream means anything any more. */
  ended(): void;
}

/** Data, or so many zeroes. */
type Piece = { readonly bytes: Buffer } | { bytes?: undefined; zeroes: bigint };

/**
 * A stream that a call has opened. `end()` says that all has been sent, and finishes when the server has it; the end of
 * what is read comes when the server has confirmed it; `destroy()` breaks it off.
 */
export class ClientStream extends Duplex {
  readonly #owner: StreamOwner;
  readonly #direction: StreamDirection;
  /** What has come and waits for the reader. */
  readonly #pieces: Piece[] = [];
  #waitingBytes = 0;
  #wanted = false;
  /** The server has sent all. */
  #complete = false;
  /** The reader has been told so. */
  #toldEnd = false;
  /** Ours to say, once: we are done. */
  #finishing = false;
  /** The stream is over on the wire. */
  #over = false;
  #confirmed: (() => void) | undefined;
  /** Nobody has it yet. */
  #held = true;
  #failure: Error | undefined;

  constructor(direction: StreamDirection, owner: StreamOwner) {
    const ends: DuplexOptions & { readable: boolean; writable: boolean } = {
      readable: direction !== 'send',
      writable: direction !== 'receive',
    };
    super(ends);
    this.#direction = direction;
    this.#owner = owner;
  }

  /** A packet of the server's for this stream. Throws XdrError for a hole that is none. */
  receive(packet: Packet): void {
    if (packet.type === PacketType.STREAM_HOLE) {
      const from = new XdrReader(packet.payload);
      const length = hyper.read(from);
      bits.read(from);
      if (length > 0n) this.#take({ zeroes: length });
    } else if (packet.status === PacketStatus.CONTINUE) {
      if (packet.payload.length > 0) this.#take({ bytes: packet.payload });
      else this.#endOfData();
    } else if (packet.status === PacketStatus.OK) {
      this.#end();
      this.#confirmed?.();
      this.#complete = true;
      this.#flow();
    } else {
      this.#end();
      this.#break(readError(new XdrReader(packet.payload)));
    }
  }

  /** Whoever has opened the stream has had the time to listen to it. */
  release(): void {
    this.#held = false;
    if (this.#failure !== undefined) this.destroy(this.#failure);
  }

  /** The connection is lost. A reader who has had everything need not know. */
  fail(error: Error): void {
    this.#end();
    if (this.#toldEnd) this.destroy();
    else this.#break(error);
  }

  /** Nothing will come of it: the call that was to open it has failed, or we have closed the connection. */
  discard(): void {
    this.#end();
    this.destroy();
  }

  override _read(): void {
    this.#wanted = true;
    this.#flow();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    // A console may end while somebody types: that goes nowhere.
    if (this.#over) done();
    else this.#sendFrom(chunk, 0, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#over) done();
    else this.#finish(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#over) {
      this.#owner.send(PacketStatus.ERROR);
      this.#end();
    }
    this.#pieces.length = 0;
    this.#count(-this.#waitingBytes);
    done(error);
  }

  /** Fails, but not before anybody can listen: an error that nobody hears ends the process. */
  #break(error: Error): void {
    if (this.#held) this.#failure ??= error;
    else this.destroy(error);
  }

  #sendFrom(chunk: Uint8Array, at: number, done: () => void): void {
    if (at >= chunk.length || this.#over) {
      done();
      return;
    }
    const end = Math.min(at + STREAM_DATA_MAX_BYTES, chunk.length);
    this.#owner.send(PacketStatus.CONTINUE, chunk.subarray(at, end), () => this.#sendFrom(chunk, end, done));
  }

  #take(piece: Piece): void {
    // Who only sends reads nothing; and what comes after the end is none of ours.
    if (this.#direction === 'send' || this.#complete || this.destroyed) return;
    this.#pieces.push(piece);
    this.#count(costOf(piece));
    this.#flow();
  }

  /** The server has sent all: we confirm it, unless there is still something that we send. */
  #endOfData(): void {
    if (this.#direction === 'receive') {
      this.#finish(() => {});
      return;
    }
    this.#complete = true;
    this.#flow();
  }

  /** Tells the server that we are done; `then` when it has confirmed that. */
  #finish(then: () => void): void {
    if (this.#finishing) return;
    this.#finishing = true;
    this.#confirmed = then;
    this.#owner.send(PacketStatus.OK);
  }

  /** Hands on what has come, as far as it is wanted. */
  #flow(): void {
    while (this.#wanted && this.#pieces.length > 0) {
      this.#wanted = this.push(this.#next());
    }
    if (!this.#complete || this.#toldEnd || this.#pieces.length > 0) return;
    this.#toldEnd = true;
    if (this.#direction !== 'send' && !this.destroyed) this.push(null);
  }

  #next(): Uint8Array {
    const piece = this.#pieces[0] as Piece;
    if (piece.bytes === undefined && piece.zeroes > HOLE_PIECE_BYTES) {
      piece.zeroes -= BigInt(HOLE_PIECE_BYTES);
      return new Uint8Array(HOLE_PIECE_BYTES);
    }
    this.#pieces.shift();
    this.#count(-costOf(piece));
    return piece.bytes ?? new Uint8Array(Number(piece.zeroes));
  }

  #count(bytes: number): void {
    const wasBehind = this.#waitingBytes >= BEHIND_BYTES;
    this.#waitingBytes += bytes;
    const isBehind = this.#waitingBytes >= BEHIND_BYTES;
    if (isBehind !== wasBehind) this.#owner.behind(this, isBehind);
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#owner.ended();
  }
}

function costOf({ bytes }: Piece): number {
  return PIECE_BYTES + (bytes?.length ?? 0);
}
