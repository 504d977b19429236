import { connect, type Socket } from 'node:net';
import { seqDiff, TcpFlag, type TcpSegment } from '../tcp/segment.ts';
import { type Flow, flowKey, type UserContext } from './context.ts';
import { refuse, TcpRelay } from './tcp-relay.ts';

/** Connections of all guests together: each costs a socket of the host. */
const CONNECTIONS_MAX = 4096;

/** Connections that are over and still remembered, without a socket; the oldest make room. */
const REMEMBERED_MAX = 8192;

/** Connections on their way to a host that has not answered. */
const CONNECTING_MAX = 512;

/** How long the host's system may take to connect. */
const CONNECT_MS = 30_000;

interface Connection {
  relay: TcpRelay | undefined;
  /** Present until the host has answered. */
  connecting: Socket | undefined;
  /** Number of the last SYN: a connection that is over makes way for one that begins after it. */
  readonly sequence: number;
}

/** Where a connection goes, and what it is seen as when it cannot. */
export interface TcpTarget {
  readonly host: string;
  readonly port: number;
}

/** Ends the TCP connections of guests and goes on with them from sockets of the host. */
export class TcpNat {
  readonly #context: UserContext;
  readonly #connections = new Map<string, Connection>();
  /** Those of them that are over. */
  readonly #remembered = new Map<string, Connection>();
  #connecting = 0;

  constructor(context: UserContext) {
    this.#context = context;
  }

  /** Number of connections, without those that are over. */
  get size(): number {
    return this.#connections.size - this.#remembered.size;
  }

  /** Takes a guest's segment. `target`: where a new connection goes; undefined: nowhere. */
  receive(flow: Flow, segment: TcpSegment, target: () => TcpTarget | undefined): void {
    const key = flowKey(flow);
    const connection = this.#connections.get(key);
    const { flags, sequence } = segment;
    const opens = (flags & (TcpFlag.SYN | TcpFlag.ACK | TcpFlag.RST)) === TcpFlag.SYN;
    // RFC 9293, 3.10.7.4: the same ends may begin anew where only the memory of the last connection is left.
    const anew =
      opens && connection !== undefined && this.#remembered.has(key) && seqDiff(sequence, connection.sequence) > 0;
    if (connection !== undefined && !anew) {
      this.#pass(key, connection, segment);
      return;
    }
    if (connection !== undefined) this.#forget(key, connection);
    const to = opens ? target() : undefined;
    const room = this.size < CONNECTIONS_MAX && this.#connecting < CONNECTING_MAX;
    if (to === undefined || !room) refuse(this.#context, flow, segment);
    else this.#connect(key, flow, segment, to);
  }

  /** Opens a connection to a guest for a socket of the host, which someone has connected to. */
  open(flow: Flow, socket: Socket): void {
    const key = flowKey(flow);
    if (this.size >= CONNECTIONS_MAX || this.#connections.has(key)) {
      socket.resetAndDestroy();
      return;
    }
    const connection: Connection = { relay: undefined, connecting: undefined, sequence: 0 };
    this.#connections.set(key, connection);
    connection.relay = this.#relay(key, flow, socket, connection);
    connection.relay.endpoint.open();
  }

  /** Whether a flow's ends are taken. */
  has(flow: Flow): boolean {
    return this.#connections.has(flowKey(flow));
  }

  close(): void {
    for (const { relay, connecting } of [...this.#connections.values()]) {
      connecting?.destroy();
      relay?.reset();
    }
    this.#connections.clear();
    this.#remembered.clear();
  }

  #relay(key: string, flow: Flow, socket: Socket, connection: Connection): TcpRelay {
    return new TcpRelay(this.#context, flow, socket, {
      finished: () => this.#remember(key, connection),
      closed: () => this.#forget(key, connection),
    });
  }

  #pass(key: string, connection: Connection, segment: TcpSegment): void {
    if (connection.relay !== undefined) connection.relay.endpoint.receive(segment);
    else if ((segment.flags & TcpFlag.RST) !== 0) {
      connection.connecting?.destroy();
      this.#forget(key, connection);
    }
  }

  #connect(key: string, flow: Flow, syn: TcpSegment, { host, port }: TcpTarget): void {
    const socket = connect({ host, port, allowHalfOpen: true });
    const connection: Connection = { relay: undefined, connecting: socket, sequence: syn.sequence };
    this.#connections.set(key, connection);
    this.#connecting++;
    const failed = (answered: boolean) => {
      settle();
      socket.destroy();
      this.#forget(key, connection);
      // Silence is passed on as silence: the guest's own time-out ends it.
      if (answered) refuse(this.#context, flow, syn);
    };
    const onError = (error: NodeJS.ErrnoException) => failed(error.code !== 'ETIMEDOUT');
    const onTimeout = () => failed(false);
    const onConnect = () => {
      settle();
      connection.connecting = undefined;
      connection.relay = this.#relay(key, flow, socket, connection);
      connection.relay.accept(syn);
    };
    const settle = () => {
      this.#connecting--;
      socket.off('close', onClose).off('error', onError).off('connect', onConnect).setTimeout(0);
      socket.on('error', (error) => this.#context.logger.log('debug', `a guest's connection ended: ${error.message}`));
    };
    const onClose = () => failed(false);
    socket.setTimeout(CONNECT_MS, onTimeout);
    socket.on('connect', onConnect).on('error', onError).on('close', onClose);
    socket.unref();
  }

  #remember(key: string, connection: Connection): void {
    if (this.#connections.get(key) !== connection) return;
    this.#remembered.set(key, connection);
    if (this.#remembered.size <= REMEMBERED_MAX) return;
    const [oldest] = this.#remembered.values();
    oldest?.relay?.reset();
  }

  #forget(key: string, connection: Connection): void {
    if (this.#connections.get(key) !== connection) return;
    this.#connections.delete(key);
    this.#remembered.delete(key);
  }
}
