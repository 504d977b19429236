import type { Socket } from 'node:net';
import { TcpEndpoint, type TcpOwner } from '../tcp/endpoint.ts';
import type { TcpSegment } from '../tcp/segment.ts';
import type { Flow, UserContext } from './context.ts';
import { mssFor, tcpFrame } from './tcp-wire.ts';

/** Bytes from the host that may wait for a guest before the host's socket is left alone, and when it is read again. */
const PENDING_HIGH = 2 ** 20;
const PENDING_LOW = 2 ** 19;

const NOTHING = new Uint8Array(0);

/** What a relay tells whoever keeps it. */
export interface TcpRelayOwner {
  /** Both sides have ended in order; what is left is the guest's flow to be remembered for a while, no socket. */
  finished(): void;
  /** Nothing is left of the connection; called once. */
  closed(): void;
}

/**
 * One connection between a guest and a socket of the host: bytes, ends and resets go through in both directions, and a
 * side that does not read holds the other back.
 */
export class TcpRelay {
  readonly endpoint: TcpEndpoint;
  readonly #socket: Socket;
  readonly #keeper: TcpRelayOwner;
  #paused = false;

  /**
   * @param socket connected, or about to be; with `allowHalfOpen`, and nobody else's
   */
  constructor(context: UserContext, flow: Flow, socket: Socket, keeper: TcpRelayOwner) {
    this.#socket = socket;
    this.#keeper = keeper;
    const sequence = new Uint8Array(4);
    context.random.fill(sequence);
    this.endpoint = new TcpEndpoint({
      owner: this.#owner(),
      clock: context.clock,
      timers: context.timers,
      sequence: new DataView(sequence.buffer).getUint32(0),
      mss: mssFor(flow, context.mtu),
      send: (segment, mss) => context.send(flow.guest, tcpFrame(flow, segment, mss)),
    });
    // Not read before the guest's side is open.
    socket.pause();
    socket.setNoDelay(true);
    socket.on('data', (data) => this.#fromHost(data));
    socket.on('end', () => this.#hostEnded());
    socket.on('close', (failed) => {
      if (failed) this.endpoint.reset();
    });
  }

  /** The guest's segment that opened the connection is answered. */
  accept(syn: TcpSegment): void {
    this.endpoint.accept(syn);
  }

  /** Ends both sides at once. */
  reset(): void {
    this.endpoint.reset();
  }

  #owner(): TcpOwner {
    const socket = this.#socket;
    return {
      opened: () => socket.resume(),
      data: (bytes) => {
        if (socket.destroyed || socket.writableEnded) this.endpoint.reset();
        else socket.write(bytes, () => this.endpoint.consumed(bytes.length));
      },
      ended: () => socket.end(),
      acknowledged: () => this.#flow(),
      finished: () => this.#afterSocket(() => this.#keeper.finished()),
      closed: (reset) => {
        if (reset) socket.resetAndDestroy();
        this.#afterSocket(() => this.#keeper.closed());
      },
    };
  }

  /**
   * A reset right behind data looks like an orderly end to libuv, which then reads no further. A write of nothing tells:
   * it fails where there is no connection any more, and so does the socket. One behind other data would tell too late,
   * and those tell by themselves.
   */
  #hostEnded(): void {
    const socket = this.#socket;
    if (socket.writableEnded || socket.writableLength > 0) this.endpoint.end();
    else {
      socket.write(NOTHING, (error) => {
        if (!error) this.endpoint.end();
      });
    }
  }

  /** Ended on both sides, the socket closes once the host has taken the last of the guest's data. */
  #afterSocket(then: () => void): void {
    if (this.#socket.closed) then();
    else this.#socket.once('close', then);
  }

  #fromHost(data: Uint8Array): void {
    this.endpoint.write(data);
    this.#flow();
  }

  #flow(): void {
    const pending = this.endpoint.pendingBytes;
    if (!this.#paused && pending > PENDING_HIGH) {
      this.#paused = true;
      this.#socket.pause();
    } else if (this.#paused && pending < PENDING_LOW) {
      this.#paused = false;
      this.#socket.resume();
    }
  }
}

/** Answers a segment for which there is no connection: a reset (RFC 9293, 3.10.7.1); a reset itself is not answered. */
export function refuse(context: UserContext, flow: Flow, segment: TcpSegment): void {
  const { flags, sequence, acknowledgment, data } = segment;
  if ((flags & 4) !== 0) return;
  const length = data.length + (flags & 1) + ((flags >> 1) & 1);
  const hasAck = (flags & 16) !== 0;
  const reset: TcpSegment = {
    sequence: hasAck ? acknowledgment : 0,
    acknowledgment: hasAck ? 0 : (sequence + length) >>> 0,
    flags: hasAck ? 4 : 4 | 16,
    window: 0,
    options: {},
    data: new Uint8Array(0),
  };
  context.send(flow.guest, tcpFrame(flow, reset, mssFor(flow, context.mtu)));
}
