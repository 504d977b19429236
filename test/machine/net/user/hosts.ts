import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { UserNetOptions } from '../../../../src/machine/net/user/options.ts';
import { SeededRandom } from '../../../../src/util/index.ts';
import { NetGuest } from './guest.ts';

/** What `afterEach` closes. */
export const closers: (() => unknown)[] = [];

/** Closes all that was opened. */
export async function closeAll(): Promise<void> {
  for (const close of closers.splice(0)) await close();
}

/** A guest on a network of its own. */
export async function plug(options: UserNetOptions = {}): Promise<NetGuest> {
  const guest = await NetGuest.plug(options);
  closers.push(() => guest.net.close());
  return guest;
}

/** A server on the host; its port. */
export async function tcpServer(serve: (socket: Socket) => void, host = '127.0.0.1'): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    serve(socket);
  });
  server.listen(0, host);
  await once(server, 'listening');
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A UDP server on the host; its port. */
export async function udpServer(serve: (data: Buffer) => Uint8Array | undefined): Promise<number> {
  const socket: UdpSocket = createSocket('udp4');
  socket.on('message', (data, { address, port }) => {
    const answer = serve(data);
    if (answer !== undefined) socket.send(answer, port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  closers.push(() => socket.close());
  return socket.address().port;
}

/** Data that are the same for the same length. */
export const some = (bytes: number) => {
  const data = new Uint8Array(bytes);
  new SeededRandom(bytes).fill(data);
  return data;
};
