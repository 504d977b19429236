import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { reachablePath, VirtError } from '../../util/index.ts';
import type { Frame, NetBackend, NetPort } from '../backend/net.ts';
import type { Timer, Timers } from '../bus/timers.ts';
import { ETHER_HEADER, FRAME_BYTES_MAX } from './ether.ts';
import { completeFrames } from './offload.ts';

/** Frames that wait for the guest; beyond them the other end is not read. */
const BACKLOG_FRAMES = 256;

/** Where a stream is: a path, or a host and a port. */
export type StreamAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/** How a stream comes about. */
export interface StreamNetOptions {
  readonly address: StreamAddress;
  /** Wait for the other end to connect, rather than connect to it. */
  readonly server?: boolean;
  /** A client whose peer has gone tries to reach one again, so often. Absent: its link stays down. */
  readonly reconnect?: { readonly everyNs: number; readonly timers: Timers };
}

/** The address as a message shows it. */
function show(address: StreamAddress): string {
  return 'path' in address ? `'${address.path}'` : `${address.host}:${address.port}`;
}

/**
 * A cable through a stream socket, in QEMU's framing (-netdev stream): each frame after its length, 32 bits big-endian.
 * A server takes one peer at a time and the next when it has gone; a client's link is down when the peer goes, until
 * there is another where it reconnects.
 */
export class StreamNet implements NetBackend {
  #port: NetPort | undefined;
  #socket: Socket | undefined;
  #server: Server | undefined;
  #input: Buffer = Buffer.alloc(0);
  #retry: Timer | undefined;
  #closed = false;
  readonly #frames: Frame[] = [];

  /** Connects, or listens. Throws OPERATION_FAILED when that is not possible. */
  static async open({ address, server = false, reconnect }: StreamNetOptions): Promise<StreamNet> {
    const net = new StreamNet();
    try {
      if (server) await net.#listen(address);
      else await net.#connect(address, reconnect);
      return net;
    } catch (cause) {
      const what = server ? 'listen for a network peer on' : 'connect to a network peer at';
      throw new VirtError('OPERATION_FAILED', `cannot ${what} ${show(address)}: ${(cause as Error).message}`, {
        cause,
      });
    }
  }

  /** The cable that a connection is which has come; `onClose`: its peer has gone. */
  static over(socket: Socket, onClose: () => void): StreamNet {
    const net = new StreamNet();
    net.#use(socket);
    socket.once('close', onClose);
    return net;
  }

  send(frame: Frame): boolean {
    const socket = this.#socket;
    // Without a peer frames are lost, as on an open end.
    if (socket === undefined) return true;
    let room = true;
    for (const bytes of completeFrames(frame)) {
      // In one piece: peers exist (passt of 2023) that lose step when they read a length alone.
      const framed = Buffer.allocUnsafe(4 + bytes.length);
      framed.writeUInt32BE(bytes.length);
      framed.set(bytes, 4);
      room = socket.write(framed);
    }
    return room;
  }

  connect(port: NetPort): void {
    this.#port = port;
  }

  resume(): void {
    this.#deliver();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#retry?.cancel();
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
    const server = this.#server;
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
  }

  async #connect(address: StreamAddress, reconnect: StreamNetOptions['reconnect']): Promise<void> {
    const reachable = 'path' in address ? await reachablePath(address.path) : undefined;
    const socket = connect(reachable === undefined ? address : { path: reachable.path });
    try {
      await once(socket, 'connect');
    } finally {
      await reachable?.close();
    }
    if (this.#closed) {
      socket.destroy();
      return;
    }
    this.#use(socket);
    if (reconnect !== undefined) socket.once('close', () => this.#again(address, reconnect));
  }

  #again(address: StreamAddress, reconnect: NonNullable<StreamNetOptions['reconnect']>): void {
    if (this.#closed) return;
    this.#retry = reconnect.timers.after(reconnect.everyNs, () => {
      this.#connect(address, reconnect).catch(() => this.#again(address, reconnect));
    });
  }

  async #listen(address: StreamAddress): Promise<void> {
    const server = createServer((socket) => {
      if (this.#socket === undefined) this.#use(socket);
      else socket.destroy();
    });
    server.listen(address);
    await once(server, 'listening');
    this.#server = server;
  }

  #use(socket: Socket): void {
    this.#socket = socket;
    this.#input = Buffer.alloc(0);
    // What the peer before it left is not this one's.
    this.#frames.length = 0;
    socket.setNoDelay(true);
    socket.on('data', (data) => this.#receive(data));
    socket.on('drain', () => this.#port?.drained());
    socket.on('error', () => {});
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      // Whoever holds frames back for this peer need not any more.
      this.#port?.drained();
    });
  }

  #receive(data: Buffer): void {
    this.#input = this.#input.length === 0 ? data : Buffer.concat([this.#input, data]);
    let at = 0;
    while (this.#input.length - at >= 4) {
      const length = this.#input.readUInt32BE(at);
      if (length > FRAME_BYTES_MAX) {
        // No frame is as long: the two ends do not speak the same language, and never will again.
        this.#socket?.destroy();
        return;
      }
      if (this.#input.length - at - 4 < length) break;
      const bytes = new Uint8Array(this.#input.subarray(at + 4, at + 4 + length));
      if (length >= ETHER_HEADER) this.#frames.push({ bytes });
      at += 4 + length;
    }
    this.#input = this.#input.subarray(at);
    this.#deliver();
  }

  #deliver(): void {
    let taken = 0;
    for (const frame of this.#frames) {
      if (!(this.#port?.receive(frame) ?? true)) break;
      taken++;
    }
    this.#frames.splice(0, taken);
    if (this.#frames.length > BACKLOG_FRAMES) this.#socket?.pause();
    else this.#socket?.resume();
  }
}
