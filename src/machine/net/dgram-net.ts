import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv4 } from 'node:net';
import { VirtError } from '../../util/index.ts';
import type { Frame, NetBackend, NetPort } from '../backend/net.ts';
import { ETHER_HEADER, FRAME_BYTES_MAX } from './ether.ts';
import { completeFrames } from './offload.ts';

/** Datagrams that the host has not sent yet; what comes beyond them is lost, as datagrams are. */
const PENDING_MAX = 256;

/** An end of a cable of datagrams. */
export interface DgramAddress {
  readonly host: string;
  readonly port: number;
}

/** How a cable of datagrams runs. */
export interface DgramNetOptions {
  readonly local: DgramAddress;
  readonly remote: DgramAddress;
}

/** A cable through UDP, in QEMU's framing (-netdev dgram): a frame in each datagram. */
export class DgramNet implements NetBackend {
  readonly #socket: Socket;
  readonly #remote: DgramAddress;
  #port: NetPort | undefined;
  #pending = 0;

  private constructor(socket: Socket, remote: DgramAddress) {
    this.#socket = socket;
    this.#remote = remote;
    socket.on('message', (data, from) => {
      // A frame from anywhere else is forged. What the guest has no room for is lost.
      const ours = from.address === remote.host && from.port === remote.port;
      const length = data.length >= ETHER_HEADER && data.length <= FRAME_BYTES_MAX;
      if (ours && length) this.#port?.receive({ bytes: new Uint8Array(data) });
    });
    socket.on('error', () => {});
  }

  /** Takes its port. Throws INVALID_ARG for a host that is no address, OPERATION_FAILED when the port is not to be had. */
  static async open({ local, remote }: DgramNetOptions): Promise<DgramNet> {
    for (const { host } of [local, remote]) {
      if (!isIPv4(host)) throw new VirtError('INVALID_ARG', `'${host}' is no IPv4 address, as the ends of dgram have`);
    }
    const socket = createSocket('udp4');
    try {
      socket.bind({ address: local.host, port: local.port, exclusive: true });
      await once(socket, 'listening');
    } catch (cause) {
      socket.close();
      const message = `cannot take UDP port ${local.port} of ${local.host}: ${(cause as Error).message}`;
      throw new VirtError('OPERATION_FAILED', message, { cause });
    }
    return new DgramNet(socket, remote);
  }

  send(frame: Frame): boolean {
    for (const bytes of completeFrames(frame)) {
      if (this.#pending >= PENDING_MAX) continue;
      this.#pending++;
      this.#socket.send(bytes, this.#remote.port, this.#remote.host, () => this.#pending--);
    }
    return true;
  }

  connect(port: NetPort): void {
    this.#port = port;
  }

  resume(): void {}

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}
