import { type Duplex, finished } from 'node:stream';
import { type Clock, type Logger, VirErrorNumber, VirtError } from '../../../util/index.ts';
import { CloseReason } from '../../enums.ts';
import { virtError } from '../../errors.ts';
import { KeepaliveWatch } from '../keepalive.ts';
import {
  encodePacket,
  Keepalive,
  type Packet,
  PacketReader,
  PacketStatus,
  PacketType,
  Program,
  ProtocolError,
} from '../packet.ts';
import type { Procedure, Streamed } from '../procedure.ts';
import { readError } from '../wire-error.ts';
import { XdrError, XdrReader, type XdrWriter } from '../xdr.ts';
import { ClientStream } from './client-stream.ts';

/** What a connection to a server is made with. */
export interface RpcClientOptions {
  /** Milliseconds of silence before the server is asked whether it is there; 0: never. */
  readonly keepaliveMs: number;
  /** So many questions without an answer, and it is not. */
  readonly keepaliveCount: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What the server tells without being asked. */
  onMessage(program: number, procedure: number, payload: XdrReader): void;
  /** The connection is gone. */
  onClose(reason: number): void;
}

/** A call that waits for its answer. */
interface Pending {
  readonly procedure: Procedure;
  resolve(reply: Packet): void;
  reject(error: Error): void;
}

/** A client of libvirt's protocol: calls, streams, messages, keepalive. */
export class RpcClient {
  readonly #socket: Duplex;
  readonly #options: RpcClientOptions;
  readonly #reader = new PacketReader();
  readonly #pending = new Map<number, Pending>();
  readonly #streams = new Map<number, ClientStream>();
  readonly #keepalive: KeepaliveWatch;
  #timer: NodeJS.Timeout | undefined;
  #serial = 0;
  /** Streams whose reader has fallen too far behind. */
  readonly #behind = new Set<ClientStream>();
  #waiting: (() => void)[] = [];
  /** Why it ended; undefined: it has not. */
  #end: { readonly error: VirtError; readonly reason: number } | undefined;

  /** The socket is the client's own from now on. */
  constructor(socket: Duplex, options: RpcClientOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#keepalive = new KeepaliveWatch(options, options.clock.nowNs());
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('drain', () => this.#drained());
    // Whatever happens first: its end, an error, or that it is closed.
    finished(socket, { writable: false }, (error) => this.#lost(error));
    socket.on('error', (error) => this.#lost(error));
  }

  /** Calls a procedure. Rejects with the server's error, NO_SUPPORT for a procedure that it does not have. */
  async call(procedure: Procedure, args: readonly unknown[]): Promise<unknown> {
    const { payload } = await this.#call(procedure, args, this.#serial++);
    return decode(procedure, payload);
  }

  /** Calls a procedure that opens a stream. */
  async open(procedure: Procedure, args: readonly unknown[]): Promise<Streamed<unknown>> {
    const serial = this.#serial++;
    const header = { program: procedure.program, version: 1, procedure: procedure.number, serial };
    const stream = new ClientStream(procedure.streams ?? 'both', {
      send: (status, bytes, then) => {
        this.#send(
          encodePacket(
            { ...header, type: PacketType.STREAM, status },
            bytes === undefined ? undefined : (to) => to.unpadded(bytes),
          ),
          then,
        );
      },
      behind: (one, isBehind) => {
        if (isBehind) this.#behind.add(one);
        else this.#behind.delete(one);
        this.#flow();
      },
      ended: () => this.#streams.delete(serial),
    });
    this.#streams.set(serial, stream);
    try {
      const { payload } = await this.#call(procedure, args, serial);
      const result = decode(procedure, payload);
      setImmediate(() => stream.release());
      return { result, stream };
    } catch (error) {
      this.#streams.delete(serial);
      stream.discard();
      throw error;
    }
  }

  /** Watches from now on whether the server is there: it has said that it answers. */
  watch(): void {
    const { keepaliveMs } = this.#options;
    if (keepaliveMs === 0 || this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#tick(), Math.max(10, Math.min(1000, keepaliveMs / 2)));
    this.#timer.unref();
  }

  /** Ends the connection; what is pending rejects. */
  close(): void {
    this.#finish(
      virtError('INVALID_CONN', 'invalid connection pointer: it is closed', { domain: 'REMOTE' }),
      CloseReason.CLIENT,
    );
    this.#socket.end();
    // A server that does not close its end is not waited for.
    this.#socket.destroy();
  }

  #call(procedure: Procedure, args: readonly unknown[], serial: number): Promise<Packet> {
    if (this.#end !== undefined) return Promise.reject(this.#end.error);
    const { program, number } = procedure;
    const header = { program, version: 1, procedure: number, type: PacketType.CALL, serial, status: PacketStatus.OK };
    return new Promise((resolve, reject) => {
      const packet = encode(() => encodePacket(header, (to: XdrWriter) => procedure.args.write(to, args)));
      this.#pending.set(serial, { procedure, resolve, reject });
      this.#send(packet);
    });
  }

  /** @param then called when there is room for more */
  #send(packet: Buffer, then?: () => void): void {
    if (this.#end !== undefined) {
      then?.();
      return;
    }
    const room = this.#socket.write(packet);
    if (then === undefined) return;
    if (room) then();
    else this.#waiting.push(then);
  }

  #drained(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const then of waiting) then();
  }

  #receive(bytes: Buffer): void {
    this.#keepalive.heard(this.#options.clock.nowNs());
    try {
      for (const packet of this.#reader.push(bytes)) {
        if (this.#end !== undefined) return;
        this.#packet(packet);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError || error instanceof XdrError)) throw error;
      this.#broken(error.message);
    }
  }

  #packet(packet: Packet): void {
    if (packet.program === Program.KEEPALIVE) {
      if (packet.procedure === Keepalive.PING) this.#sendKeepalive(Keepalive.PONG);
    } else if (packet.type === PacketType.REPLY) {
      this.#reply(packet);
    } else if (packet.type === PacketType.MESSAGE) {
      this.#options.onMessage(packet.program, packet.procedure, new XdrReader(packet.payload));
    } else if (packet.type === PacketType.STREAM || packet.type === PacketType.STREAM_HOLE) {
      // What is on its way when a stream ends comes late, and means nothing.
      this.#streams.get(packet.serial)?.receive(packet);
    } else {
      throw new ProtocolError(`a packet of type ${packet.type} from a server`);
    }
  }

  #reply(packet: Packet): void {
    const pending = this.#pending.get(packet.serial);
    if (pending === undefined) throw new ProtocolError(`an answer to a call ${packet.serial} that waits for none`);
    this.#pending.delete(packet.serial);
    const { procedure } = pending;
    if (packet.program !== procedure.program || packet.procedure !== procedure.number) {
      pending.reject(rpcError(`an answer of procedure ${packet.procedure} to a call of ${procedure.number}`));
    } else if (packet.status === PacketStatus.OK) {
      pending.resolve(packet);
    } else {
      pending.reject(serverError(procedure, packet.payload));
    }
  }

  /** Stops reading while a stream's reader is too far behind: nothing else would keep its data from piling up. */
  #flow(): void {
    if (this.#end !== undefined) return;
    const full = this.#behind.size > 0;
    if (full === this.#socket.isPaused()) return;
    if (full) this.#socket.pause();
    else this.#socket.resume();
  }

  #tick(): void {
    const silence = this.#keepalive.check(this.#options.clock.nowNs(), this.#socket.isPaused());
    if (silence === 'ask') this.#sendKeepalive(Keepalive.PING);
    if (silence !== 'gone') return;
    const error = virtError('INTERNAL_ERROR', 'connection closed due to keepalive timeout', { domain: 'RPC' });
    this.#finish(error, CloseReason.KEEPALIVE);
    this.#socket.destroy();
  }

  #sendKeepalive(procedure: number): void {
    const type = PacketType.MESSAGE;
    this.#send(
      encodePacket({ program: Program.KEEPALIVE, version: 1, procedure, type, serial: 0, status: PacketStatus.OK }),
    );
  }

  #broken(reason: string): void {
    this.#options.logger.log('warn', 'server speaks no protocol of ours', { reason });
    this.#finish(rpcError(`the server broke the protocol: ${reason}`), CloseReason.ERROR);
    this.#socket.destroy();
  }

  #lost(cause: Error | null | undefined): void {
    const { code } = (cause ?? {}) as NodeJS.ErrnoException;
    // The end before all has come, and the same said by the stream.
    if (!cause || code === 'ERR_STREAM_PREMATURE_CLOSE') {
      const error = virtError('SYSTEM_ERROR', 'End of file while reading data: Input/output error', {
        domain: 'RPC',
        data: { errno: 'EIO' },
      });
      this.#finish(error, CloseReason.EOF);
    } else {
      const error =
        cause instanceof VirtError
          ? cause
          : virtError('SYSTEM_ERROR', `Cannot recv data: ${cause.message}`, {
              domain: 'RPC',
              cause,
              data: code === undefined ? {} : { errno: code },
            });
      this.#finish(error, CloseReason.ERROR);
    }
    this.#socket.destroy();
  }

  #finish(error: VirtError, reason: number): void {
    if (this.#end !== undefined) return;
    this.#end = { error, reason };
    clearInterval(this.#timer);
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const { reject } of pending) reject(error);
    for (const stream of streams) {
      if (reason === CloseReason.CLIENT) stream.discard();
      else stream.fail(error);
    }
    this.#drained();
    this.#options.onClose(reason);
  }
}

/** An error of the protocol itself. */
function rpcError(detail: string): VirtError {
  return virtError('RPC', detail, { domain: 'RPC' });
}

function encode(write: () => Buffer): Buffer {
  try {
    return write();
  } catch (error) {
    if (!(error instanceof XdrError)) throw error;
    throw rpcError(`Unable to encode message payload: ${error.message}`);
  }
}

function decode(procedure: Procedure, payload: Buffer): unknown {
  try {
    return procedure.result.read(new XdrReader(payload));
  } catch (error) {
    if (!(error instanceof XdrError)) throw error;
    throw rpcError(`Unable to decode message payload: ${error.message}`);
  }
}

/** The error in an answer. A procedure that the server does not know is one that it does not support. */
function serverError(procedure: Procedure, payload: Buffer): VirtError {
  let error: VirtError;
  try {
    error = readError(new XdrReader(payload));
  } catch {
    return rpcError('Unable to decode message payload of an error');
  }
  if (error.errno !== VirErrorNumber.RPC || !error.message.startsWith('unknown procedure')) return error;
  const what = procedure.binding?.method ?? procedure.name;
  return virtError('NO_SUPPORT', what, { domain: 'REMOTE', cause: error });
}
