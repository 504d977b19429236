import type { Duplex } from 'node:stream';
import { type Clock, type Logger, VirtError } from '../../../util/index.ts';
import type { Backend } from '../../backend.ts';
import { CloseReason } from '../../enums.ts';
import { virtError } from '../../errors.ts';
import { CONNECTION_CLOSED_MESSAGE } from '../events.ts';
import { KeepaliveWatch } from '../keepalive.ts';
import {
  encodePacket,
  Keepalive,
  type Packet,
  type PacketHeader,
  PacketReader,
  PacketStatus,
  PacketType,
  Program,
  ProtocolError,
} from '../packet.ts';
import type { Procedure, Streamed } from '../procedure.ts';
import { XdrError, XdrWriter } from '../xdr.ts';
import { CallQueue } from './calls.ts';
import type { RpcLimits } from './limits.ts';
import { Outbox } from './outbox.ts';
import { decodeArguments, errorPacket, headerOf, procedureOf } from './replies.ts';
import { ServerEvents } from './server-events.ts';
import { ServerStream } from './server-stream.ts';
import { mayComeBeforeOpen, type OpenBackend, type SessionHost, serveSession } from './session.ts';

/** What a connection is served with. */
export interface ConnectionOptions {
  readonly open: OpenBackend;
  readonly limits: RpcLimits;
  readonly readOnly: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How often a connection looks at its clock, in ms, at most. */
const TICK_MS = 1000;

/** One client. */
export class ServerConnection implements SessionHost {
  readonly events: ServerEvents;
  readonly closed: Promise<void>;
  readonly #socket: Duplex;
  readonly #options: ConnectionOptions;
  readonly #reader: PacketReader;
  readonly #outbox: Outbox;
  /** Of answers, one after another. */
  readonly #writer = new XdrWriter();
  readonly #calls: CallQueue;
  readonly #streams = new Map<number, ServerStream>();
  readonly #keepalive: KeepaliveWatch;
  readonly #timer: NodeJS.Timeout;
  readonly #startNs: number;
  #heardNs: number;
  #answersKeepalive = false;
  #wantsCloseNotice = false;
  #backend: Backend | undefined;
  #opening = false;
  #uri: string | undefined;
  #readOnly: boolean;
  #streamBytes = 0;
  #closing = false;
  #leaving: Promise<void> | undefined;

  constructor(socket: Duplex, options: ConnectionOptions) {
    const { limits, clock } = options;
    this.#socket = socket;
    this.#options = options;
    this.#readOnly = options.readOnly;
    this.#reader = new PacketReader(limits.packetBytesUnopened);
    this.#outbox = new Outbox(socket, limits.unreadBytesMax);
    this.#startNs = clock.nowNs();
    this.#heardNs = this.#startNs;
    this.#keepalive = new KeepaliveWatch(limits, this.#startNs);
    this.events = new ServerEvents((packet) => this.#outbox.send(packet), limits.eventRegistrations);
    this.#calls = new CallQueue(limits, {
      serve: (packet) => this.#serve(packet),
      mayBegin: () => this.#outbox.waitingBytes < limits.unreadBytes,
      settled: () => this.#flow(),
    });
    this.#timer = setInterval(() => this.#tick(), this.#tickMs());
    this.#timer.unref();
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#gone();
        resolve();
      });
    });
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('end', () => this.#hangUp());
    socket.on('drain', () => this.#flow());
    socket.on('error', (error) => options.logger.log('debug', 'client lost', { reason: error.message }));
  }

  get uri(): string | undefined {
    return this.#uri;
  }

  get readOnly(): boolean {
    return this.#readOnly;
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Ends the connection when the calls that have come are answered; more are refused. */
  async drain(): Promise<void> {
    this.#closing = true;
    await this.#calls.idle();
    // Not the client's own wish: virsh and libvirt's bindings take the connection for lost, and look for the next server.
    this.#farewell(CloseReason.EOF);
    await this.closed;
  }

  keepalive(): void {
    this.#answersKeepalive = true;
    this.#keepalive.heard(this.#options.clock.nowNs());
  }

  wantsCloseNotice(wants: boolean): void {
    this.#wantsCloseNotice = wants;
  }

  async open(name: string | undefined, readOnly: boolean): Promise<void> {
    if (this.#backend !== undefined || this.#opening) throw virtError('INTERNAL_ERROR', 'connection already open');
    this.#opening = true;
    this.#readOnly ||= readOnly;
    try {
      const backend = await this.#options.open(name, this.#readOnly);
      if (this.#socket.destroyed) {
        await backend.connectClose();
        return;
      }
      this.#uri = name;
      this.#backend = backend;
      this.#reader.maxBytes = this.#options.limits.packetBytes;
      this.events.listen(backend);
      backend.events.on('close', (reason) => this.#farewell(reason));
    } finally {
      this.#opening = false;
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#leave();
  }

  #tickMs(): number {
    const { keepaliveMs, openMs, stallMs } = this.#options.limits;
    const shortest = Math.min(...[keepaliveMs, openMs, stallMs].filter((ms) => ms > 0), TICK_MS * 2);
    return Math.max(10, shortest / 2);
  }

  #receive(bytes: Buffer): void {
    this.#heardNs = this.#options.clock.nowNs();
    this.#keepalive.heard(this.#heardNs);
    try {
      for (const packet of this.#reader.push(bytes)) {
        if (this.#socket.destroyed) return;
        this.#packet(packet);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#options.logger.log('warn', 'client speaks no protocol of ours', { reason: error.message });
      this.#socket.destroy();
      return;
    }
    this.#flow();
  }

  #packet(packet: Packet): void {
    if (packet.program === Program.KEEPALIVE) {
      if (packet.type === PacketType.MESSAGE && packet.procedure === Keepalive.PING)
        this.#sendKeepalive(Keepalive.PONG);
      return;
    }
    if (packet.type === PacketType.CALL) {
      this.#calls.push(packet);
    } else if (packet.type === PacketType.CALL_WITH_FDS) {
      this.#refuse(packet, virtError('NO_SUPPORT', 'this connection passes no file descriptors', { domain: 'RPC' }));
    } else if (packet.type === PacketType.STREAM || packet.type === PacketType.STREAM_HOLE) {
      this.#stream(packet);
    } else {
      throw new ProtocolError(`a packet of type ${packet.type} from a client`);
    }
  }

  #stream(packet: Packet): void {
    const stream = this.#streams.get(packet.serial);
    // What is on its way when a stream ends comes late, and means nothing.
    if (stream === undefined) return;
    try {
      stream.receive(packet);
    } catch (error) {
      if (!(error instanceof XdrError)) throw error;
      throw new ProtocolError(error.message);
    }
  }

  /** Answers one call, with exactly one reply; never rejects. */
  async #serve(packet: Packet): Promise<void> {
    try {
      const row = this.#find(packet);
      const args = decodeArguments(row, packet);
      const { binding } = row;
      if (binding === undefined) {
        this.#reply(packet, row, await serveSession(this, row.number, args));
        if (this.#leaving !== undefined) this.#hangUp();
        return;
      }
      const backend = this.#backendFor(row, args);
      const answer = await binding.serve(backend, args);
      if (row.streams !== undefined) this.#openStream(packet, row, args, answer as Streamed<unknown>);
      else this.#reply(packet, row, answer);
    } catch (error) {
      this.#refuse(packet, error);
    }
  }

  #find(packet: Packet): Procedure {
    const row = procedureOf(packet);
    if (this.#backend === undefined && !(row.binding === undefined && mayComeBeforeOpen(row.number))) {
      throw virtError('INTERNAL_ERROR', 'connection not open', { domain: 'REMOTE' });
    }
    return row;
  }

  #backendFor(row: Procedure, args: readonly unknown[]): Backend {
    if (this.#backend === undefined || this.#closing) {
      throw virtError('INTERNAL_ERROR', 'connection is closing', { domain: 'REMOTE' });
    }
    if (this.#readOnly && row.writes(args)) {
      const what = row.binding?.method ?? row.name;
      throw virtError('OPERATION_DENIED', `read only access prevents ${what}`, { domain: 'REMOTE' });
    }
    return this.#backend;
  }

  #reply(call: PacketHeader, row: Procedure, answer: unknown): void {
    const { program, version, procedure, serial } = call;
    const header = { program, version, procedure, type: PacketType.REPLY, serial, status: PacketStatus.OK };
    this.#outbox.send(encodePacket(header, (to) => row.result.write(to, answer as never), this.#writer));
  }

  #openStream(call: Packet, row: Procedure, args: readonly unknown[], { result, stream }: Streamed<unknown>): void {
    const refusal =
      this.#streams.size >= this.#options.limits.streams
        ? virtError('RESOURCE_BUSY', `a client may have ${this.#options.limits.streams} streams at most`)
        : this.#streams.has(call.serial) && virtError('RPC', `stream ${call.serial} is open already`);
    if (refusal || this.#socket.destroyed) {
      stream.on('error', () => {}).destroy();
      if (refusal) throw refusal;
      return;
    }
    this.#reply(call, row, result);
    const opened = new ServerStream(headerOf(call), stream, row.sparse(args), {
      outbox: this.#outbox,
      errorPacket,
      waiting: (bytes) => {
        this.#streamBytes += bytes;
        this.#flow();
      },
      ended: ({ serial }) => this.#streams.delete(serial),
    });
    this.#streams.set(call.serial, opened);
  }

  #refuse(call: PacketHeader, error: unknown): void {
    if (error instanceof VirtError || error instanceof XdrError) {
      this.#options.logger.log('debug', 'call failed', { procedure: call.procedure, reason: error.message });
    } else {
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#options.logger.log('error', 'call broke', { procedure: call.procedure, reason });
    }
    this.#outbox.send(errorPacket({ ...headerOf(call), type: PacketType.REPLY, status: PacketStatus.ERROR }, error));
  }

  /** Reads on, or stops reading, as there is room for what comes; begins calls that had to wait for it. */
  #flow(): void {
    this.#calls.next();
    const full = this.#calls.full || this.#streamBytes >= this.#options.limits.queuedBytes;
    if (full === this.#socket.isPaused()) return;
    if (full) this.#socket.pause();
    else this.#socket.resume();
  }

  #tick(): void {
    const { clock, limits, logger } = this.#options;
    const now = clock.nowNs();
    const deaf = this.#socket.isPaused();
    const late = this.#backend === undefined && now - this.#startNs > limits.openMs * 1e6;
    const stalled = !deaf && this.#reader.inPacket && now - this.#heardNs > limits.stallMs * 1e6;
    if (late || stalled) {
      logger.log('info', late ? 'client opens no connection' : 'client stops in the middle of a packet');
      this.#socket.destroy();
      return;
    }
    if (!this.#answersKeepalive) return;
    const silence = this.#keepalive.check(now, deaf);
    if (silence === 'ask') this.#sendKeepalive(Keepalive.PING);
    if (silence !== 'gone') return;
    logger.log('info', 'client answers no keepalive');
    this.#socket.destroy();
  }

  #sendKeepalive(procedure: number): void {
    const type = PacketType.MESSAGE;
    this.#outbox.send(
      encodePacket({ program: Program.KEEPALIVE, version: 1, procedure, type, serial: 0, status: PacketStatus.OK }),
    );
  }

  /** Tells the client that this is the end, if it wants to know, and ends. */
  #farewell(reason: number): void {
    if (this.#leaving !== undefined || this.#socket.destroyed) return;
    if (this.#wantsCloseNotice) {
      const procedure = CONNECTION_CLOSED_MESSAGE;
      const type = PacketType.MESSAGE;
      this.#outbox.send(
        encodePacket(
          { program: Program.REMOTE, version: 1, procedure, type, serial: 1, status: PacketStatus.OK },
          (to) => to.i32(reason),
        ),
      );
    }
    void this.#leave().catch(() => {});
    this.#hangUp();
  }

  /** Ends the connection as soon as the client has what was sent to it, and has closed its end; or soon. */
  #hangUp(): void {
    this.#socket.end();
    const late = setTimeout(() => this.#socket.destroy(), this.#options.limits.stallMs);
    late.unref();
    void this.closed.then(() => clearTimeout(late));
  }

  /** Lets go of all that the connection holds. */
  #leave(): Promise<void> {
    this.#leaving ??= (async () => {
      this.#calls.clear();
      this.events.close();
      for (const stream of [...this.#streams.values()]) stream.abandon();
      this.#streams.clear();
      await this.#backend?.connectClose();
    })();
    return this.#leaving;
  }

  #gone(): void {
    clearInterval(this.#timer);
    this.#closing = true;
    this.#leave().catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.logger.log('error', 'connection did not close in order', { reason });
    });
  }
}
