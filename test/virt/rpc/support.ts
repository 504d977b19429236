/** Two ends of a connection in memory, and a test world behind one of them. */
import { Duplex } from 'node:stream';
import { Connection, connect, type RpcConnection, type RpcServerOptions, serveRpc } from '../../../src/index.ts';
import { type ClientOptions, openClientBackend } from '../../../src/virt/rpc/client/client-backend.ts';

/** One end of a pair. */
class End extends Duplex {
  other: End | undefined;
  #taken: (() => void) | undefined;

  override _read(): void {
    this.#taken?.();
    this.#taken = undefined;
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    const { other } = this;
    // As a socket: the other end hears of it later, and takes what it can.
    setImmediate(() => {
      if (other === undefined || other.destroyed || other.push(chunk)) done();
      else other.#taken = done;
    });
  }

  override _final(done: () => void): void {
    setImmediate(() => {
      if (this.other?.destroyed === false) this.other.push(null);
      done();
    });
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#taken?.();
    const { other } = this;
    setImmediate(() => {
      if (other?.destroyed === false) other.destroy();
    });
    done(error);
  }
}

/** Two streams: what is written to one is read from the other, with back-pressure. */
export function pair(): [Duplex, Duplex] {
  const [a, b] = [new End(), new End()];
  a.other = b;
  b.other = a;
  return [a, b];
}

/** Opens the test world for a server. */
export const openTestWorld: RpcServerOptions['open'] = async (_uri, readOnly) =>
  (await connect('test:///default', { readOnly })).backend;

/** A connection through the wire to the test world of this process. */
export async function connectThroughWire(
  options: Partial<ClientOptions> = {},
  server: Partial<RpcServerOptions> = {},
): Promise<{ connection: Connection; served: RpcConnection }> {
  const [near, far] = pair();
  const served = serveRpc(far, { open: openTestWorld, ...server });
  const backend = await openClientBackend(near, { name: 'test:///default', secure: true, ...options });
  return { connection: new Connection(backend), served };
}
