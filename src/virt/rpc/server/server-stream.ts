import { type Duplex, finished } from 'node:stream';
import { virtError } from '../../errors.ts';
import {
  encodePacket,
  type Packet,
  type PacketHeader,
  PacketStatus,
  PacketType,
  STREAM_DATA_MAX_BYTES,
} from '../packet.ts';
import { XdrReader } from '../xdr.ts';
import { bits, hyper } from '../xdr-types.ts';
import type { Outbox } from './outbox.ts';

/** Zeroes for holes, a piece at a time. */
const zeroes = new Uint8Array(64 * 1024);

/** What a piece that waits costs beside its bytes, about. */
const PIECE_BYTES = 512;

/** What a stream asks of its connection. */
export interface StreamHost {
  readonly outbox: Outbox;
  /** The packet of an error. */
  errorPacket(header: PacketHeader, error: unknown): Buffer;
  /** Bytes from the client that wait have become so many more or fewer. */
  waiting(bytes: number): void;
  /** The stream is over; what still comes for it is dropped. */
  ended(stream: ServerStream): void;
}

/**
 * A stream that a call has opened: data of the backend's to the client and the other way, each as fast as the other side
 * takes it.
 */
export class ServerStream {
  readonly serial: number;
  readonly #header: Omit<PacketHeader, 'status'>;
  readonly #data: Duplex;
  readonly #host: StreamHost;
  readonly #sparse: boolean;
  #over = false;
  #cancelRoom: () => void = () => {};
  /** A hole takes its time: what comes behind it waits here. */
  #queue: Promise<void> = Promise.resolve();
  #queued = 0;

  /** @param call the header of the call that opened it @param sparse holes are allowed */
  constructor(call: PacketHeader, data: Duplex, sparse: boolean, host: StreamHost) {
    this.serial = call.serial;
    this.#header = { ...call, type: PacketType.STREAM };
    this.#data = data;
    this.#host = host;
    this.#sparse = sparse;
    data.on('data', (chunk: Buffer) => this.#fromBackend(chunk));
    data.on('end', () => this.#send(PacketStatus.CONTINUE));
    data.on('error', (error) => this.#fail(error));
    data.on('close', () => this.#closed());
  }

  /** A packet of the client's for this stream. Throws XdrError for a hole that is none. */
  receive(packet: Packet): void {
    if (packet.type === PacketType.STREAM_HOLE) {
      const from = new XdrReader(packet.payload);
      const length = hyper.read(from);
      bits.read(from);
      this.#hole(length);
    } else if (packet.status === PacketStatus.CONTINUE) {
      this.#write(packet.payload);
    } else if (packet.status === PacketStatus.OK) {
      this.#inOrder(async () => this.#finish());
    } else {
      this.#finished();
      this.#data.destroy();
    }
  }

  /** The connection has gone. */
  abandon(): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelRoom();
    this.#data.destroy();
  }

  #fromBackend(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; at += STREAM_DATA_MAX_BYTES) {
      this.#send(PacketStatus.CONTINUE, chunk.subarray(at, at + STREAM_DATA_MAX_BYTES));
    }
    if (!this.#host.outbox.full || this.#over) return;
    this.#data.pause();
    this.#cancelRoom = this.#host.outbox.onRoom(() => this.#data.resume());
  }

  #write(bytes: Buffer): void {
    if (bytes.length === 0) return;
    const cost = bytes.length + PIECE_BYTES;
    this.#host.waiting(cost);
    this.#inOrder(async () => {
      await this.#writeNow(bytes);
      this.#host.waiting(-cost);
    });
  }

  /** Resolves when there is room for more. */
  #writeNow(bytes: Uint8Array): Promise<void> {
    if (this.#data.destroyed || this.#data.writableEnded) return Promise.resolve();
    return new Promise((resolve) => {
      this.#data.write(bytes, () => resolve());
    });
  }

  /** A hole reads as zeroes, so zeroes are what is written; whoever takes them knows how many are too many. */
  #hole(length: bigint): void {
    if (!this.#sparse) {
      this.#fail(virtError('RPC', 'a hole in a stream that is not sparse'));
      return;
    }
    this.#inOrder(async () => {
      for (let left = length; left > 0n && !this.#data.destroyed; left -= BigInt(zeroes.length)) {
        await this.#writeNow(left < zeroes.length ? zeroes.subarray(0, Number(left)) : zeroes);
      }
    }, true);
  }

  /** @param slow what comes meanwhile has to wait */
  #inOrder(step: () => Promise<void>, slow = false): void {
    if (this.#queued === 0 && !slow) {
      void step();
      return;
    }
    this.#queued++;
    this.#queue = this.#queue.then(step).then(() => {
      this.#queued--;
    });
  }

  /** The client is done: so is the stream, when all has arrived where it goes to. */
  #finish(): void {
    if (this.#over) return;
    if (this.#data.destroyed || this.#data.writableFinished) {
      this.#finished();
      return;
    }
    finished(this.#data, { readable: false }, (error) => {
      if (this.#over) return;
      if (error) this.#fail(error);
      else this.#finished();
    });
    this.#data.end();
  }

  /** Tells the client that its end has been understood. */
  #finished(): void {
    this.#send(PacketStatus.OK);
    this.#end();
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.#host.outbox.send(this.#host.errorPacket({ ...this.#header, status: PacketStatus.ERROR }, error));
    this.#end();
  }

  #closed(): void {
    if (this.#over || this.#data.readableEnded || this.#data.writableFinished) return;
    this.#fail(virtError('INTERNAL_ERROR', 'stream had unexpected termination'));
  }

  #end(): void {
    this.#over = true;
    this.#cancelRoom();
    this.#host.ended(this);
    if (!this.#data.destroyed) this.#data.destroy();
  }

  #send(status: number, bytes?: Buffer): void {
    if (this.#over) return;
    this.#host.outbox.send(
      encodePacket({ ...this.#header, status }, bytes === undefined ? undefined : (to) => to.unpadded(bytes)),
    );
  }
}
