import type { Duplex } from 'node:stream';
import { type Clock, HostClock, type Logger, silentLogger } from '../../../util/index.ts';
import { ServerConnection } from './connection.ts';
import { defaultRpcLimits, type RpcLimits } from './limits.ts';
import type { OpenBackend } from './session.ts';

export { defaultRpcLimits, type RpcLimits } from './limits.ts';
export type { OpenBackend } from './session.ts';

/** What a client is served with. */
export interface RpcServerOptions {
  /**
   * Opens what the client asks for: `uri` as it has it, without transport; undefined where it leaves the choice to us.
   * The backend is the connection's own, which closes it.
   */
  readonly open: OpenBackend;
  /** Other than the defaults. */
  readonly limits?: Partial<RpcLimits>;
  /** The client may only read, whatever it asks for. */
  readonly readOnly?: boolean;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** One client that is being served. */
export interface RpcConnection {
  /** What it has opened; undefined before, and where it left the choice to us. */
  readonly uri: string | undefined;
  readonly readOnly: boolean;
  /** Resolves when the socket has closed. */
  readonly closed: Promise<void>;
  /** Ends it at once: what it has called goes on, but is answered no more. */
  destroy(): void;
  /** Answers the calls that have come, tells the client that the server closes, and ends it. Resolves when it has closed. */
  drain(): Promise<void>;
}

/**
 * Serves libvirt's protocol to a client on a socket (TCP, TLS, a unix socket, any Duplex of bytes). It owns the socket.
 * Nothing that the client sends makes this throw.
 */
export function serveRpc(socket: Duplex, options: RpcServerOptions): RpcConnection {
  const { open, limits = {}, readOnly = false, clock = new HostClock(), logger = silentLogger } = options;
  return new ServerConnection(socket, { open, limits: { ...defaultRpcLimits, ...limits }, readOnly, clock, logger });
}
