import { createSocket, type Socket as DatagramSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { VirtError } from '../../../util/index.ts';
import type { IpAddress } from '../address.ts';
import { IpProtocol } from '../ether.ts';
import type { UserContext } from './context.ts';
import { udpFrame } from './packet.ts';
import type { TcpNat } from './tcp-nat.ts';

/** A port of the host that leads to one of a guest's. */
export interface PortForward {
  readonly protocol: 'tcp' | 'udp';
  /** Where the host listens; default 127.0.0.1. */
  readonly hostAddress?: string;
  readonly hostPort: number;
  /** Default: the first address that is leased. */
  readonly guestAddress?: IpAddress;
  readonly guestPort: number;
}

/** Ports that clients are seen under by guests. */
const FIRST_PORT = 49_152;
const PORTS = 16_384;

/** Clients of UDP ports that are remembered; the one silent longest makes room. */
const CLIENTS_MAX = 1024;

interface UdpClient {
  readonly socket: DatagramSocket;
  readonly address: string;
  readonly port: number;
}

/** What forwards stand on. */
export interface ForwardHost {
  readonly context: UserContext;
  readonly tcp: TcpNat;
  /** The router's address of the guest's kind: what clients are seen under. */
  router(guest: IpAddress): IpAddress;
  /** Where forwards go that name no guest. */
  defaultGuest(): IpAddress;
}

/** Lets programs on the host's side reach servers in guests. */
export class Forwards {
  readonly #host: ForwardHost;
  readonly #servers: (Server | DatagramSocket)[] = [];
  readonly #clients = new Map<number, UdpClient>();
  readonly #clientPorts = new Map<string, number>();
  #next = 0;

  constructor(host: ForwardHost) {
    this.#host = host;
  }

  /** Listens. Throws OPERATION_FAILED when the port is not to be had. */
  async open(forward: PortForward): Promise<void> {
    const { protocol, hostPort, hostAddress = '127.0.0.1' } = forward;
    try {
      if (protocol === 'tcp') await this.#listenTcp(forward, hostAddress);
      else await this.#listenUdp(forward, hostAddress);
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      const reasons: Record<string, string> = {
        EADDRINUSE: 'another program has it',
        EACCES: 'this user may not listen on it',
        EADDRNOTAVAIL: 'this host does not have that address',
      };
      throw new VirtError(
        'OPERATION_FAILED',
        `cannot forward ${protocol} port ${hostPort} of ${hostAddress}: ${reasons[code ?? ''] ?? message}`,
        { cause },
      );
    }
  }

  /** A guest's datagram to one of our clients. False: it is for none. */
  answer(to: { address: IpAddress; port: number }, data: Uint8Array): boolean {
    const client = this.#clients.get(to.port);
    client?.socket.send(data, client.port, client.address, () => {});
    return client !== undefined;
  }

  async close(): Promise<void> {
    const servers = this.#servers.splice(0);
    await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
    this.#clients.clear();
    this.#clientPorts.clear();
  }

  async #listenTcp(forward: PortForward, host: string): Promise<void> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
      this.#accept(forward, socket),
    );
    server.listen({ host, port: forward.hostPort, exclusive: true });
    server.unref();
    await once(server, 'listening');
    this.#servers.push(server);
  }

  #accept({ guestAddress, guestPort }: PortForward, socket: Socket): void {
    const { tcp } = this.#host;
    const guest = guestAddress ?? this.#host.defaultGuest();
    const remote = this.#host.router(guest);
    socket.on('error', () => {});
    for (let tries = 0; tries < PORTS; tries++) {
      const flow = { guest, guestPort, remote, remotePort: this.#takePort() };
      if (tcp.has(flow)) continue;
      tcp.open(flow, socket);
      return;
    }
    socket.resetAndDestroy();
  }

  async #listenUdp(forward: PortForward, host: string): Promise<void> {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.on('message', (data, from) => this.#fromClient(forward, socket, data, from));
    socket.bind({ address: host, port: forward.hostPort, exclusive: true });
    socket.unref();
    await once(socket, 'listening');
    socket.on('error', () => {});
    this.#servers.push(socket);
  }

  #fromClient(forward: PortForward, socket: DatagramSocket, data: Uint8Array, from: RemoteInfo): void {
    const { context } = this.#host;
    const guest = forward.guestAddress ?? this.#host.defaultGuest();
    const port = this.#clientPort(socket, from);
    const envelope = { from: this.#host.router(guest), to: guest, protocol: IpProtocol.UDP };
    context.send(guest, udpFrame(envelope, { from: port, to: forward.guestPort }, data));
  }

  #clientPort(socket: DatagramSocket, { address, port }: RemoteInfo): number {
    const key = `${this.#servers.indexOf(socket)} ${address} ${port}`;
    const known = this.#clientPorts.get(key);
    if (known !== undefined) return known;
    if (this.#clientPorts.size >= CLIENTS_MAX) {
      const [oldest, oldPort] = this.#clientPorts.entries().next().value as [string, number];
      this.#clientPorts.delete(oldest);
      this.#clients.delete(oldPort);
    }
    let taken = this.#takePort();
    while (this.#clients.has(taken)) taken = this.#takePort();
    this.#clientPorts.set(key, taken);
    this.#clients.set(taken, { socket, address, port });
    return taken;
  }

  #takePort(): number {
    this.#next = (this.#next + 1) % PORTS;
    return FIRST_PORT + this.#next;
  }
}
