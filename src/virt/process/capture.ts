/** A stream of bytes from a machine's process to its daemon, beside the connection that they talk over. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Duplex, pipeline } from 'node:stream';

/** Listens for the one connection that `ask` leads to. Throws what `ask` throws; nothing is left behind then. */
export async function socketFrom(ask: (path: string) => Promise<unknown>): Promise<Duplex> {
  // Nobody else gets into it, so whoever connects is who was asked to.
  const directory = await mkdtemp(join(tmpdir(), 'nodevisor-'));
  const server = createServer();
  try {
    const path = join(directory, 'socket');
    server.listen(path);
    await once(server, 'listening');
    const connected = once(server, 'connection') as Promise<[Socket]>;
    // Whoever was asked has connected when the answer comes, or has not and never will.
    connected.catch(() => {});
    await ask(path);
    const [socket] = await connected;
    // A machine that ends in the middle has nothing more to say: no error.
    socket.on('error', () => {});
    return socket;
  } finally {
    server.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Connects to such a socket and writes a stream there, until either ends. Throws what connecting fails with. */
export async function writeTo(path: string, stream: Duplex): Promise<void> {
  const socket = connect({ path });
  try {
    await once(socket, 'connect');
  } catch (error) {
    stream.destroy();
    throw error;
  }
  // Nothing is said there; but without reading, its end would not be seen.
  socket.resume();
  socket.once('end', () => stream.destroy());
  pipeline(stream, socket, () => socket.destroy());
}
