import { type Logger, silentLogger } from '../util/index.ts';
import type { Backend } from './backend.ts';
import { Connection } from './connection.ts';
import { toVirtError, virtError } from './errors.ts';
import { openEmbed, openTest } from './local/open.ts';
import { openRemote, type RemoteOptions } from './rpc/client/open.ts';
import { isRemote } from './rpc/client/remote-uri.ts';
import { type ConnectionUri, defaultUri, parseConnectionUri } from './uri.ts';

/** What a connection is opened with. */
export interface ConnectOptions {
  /** Refuse whatever changes something, with OPERATION_DENIED. */
  readonly readOnly?: boolean;
  readonly logger?: Logger;
  /** Of a server: milliseconds of silence before it is asked whether it is there, default 5000; 0: it never is. */
  readonly keepaliveMs?: number;
  /** So many questions without an answer, and the connection is closed; default 5. */
  readonly keepaliveCount?: number;
}

/** A kind of URIs and what is behind it. */
interface Opener {
  accepts(uri: ConnectionUri): boolean;
  open(uri: ConnectionUri, options: RemoteOptions): Promise<Backend>;
}

const isLocal = (uri: ConnectionUri, driver: string, path: string) =>
  uri.driver === driver && uri.transport === undefined && uri.host === '' && uri.path === path;

const openers: readonly Opener[] = [
  { accepts: (uri) => isLocal(uri, 'nodevisor', '/embed'), open: openEmbed },
  { accepts: (uri) => isLocal(uri, 'test', '/default'), open: openTest },
  { accepts: isRemote, open: openRemote },
];

/**
 * Opens a connection; without a URI the one of `$NODEVISOR_URI` or `$LIBVIRT_DEFAULT_URI`, or else
 * `nodevisor:///session`.
 *
 * - `nodevisor:///embed`: machines in threads of this process. All connections to it share one world, which ends with
 *   the last of them. `?state=DIR` keeps definitions in a directory, which one process at a time may use.
 * - `test:///default`: a populated world in memory, without machines, for tests of programs; shared likewise.
 * - `nodevisor:///session`, `nodevisor:///system`: `nodevisor daemon`, the user's own (started when it does not run) or
 *   the host's.
 * - `qemu:///system`, `qemu:///session`, `xen:///system` …: libvirt's daemons. Transports are libvirt's, for both:
 *   `+unix://…?socket=PATH`, `+tcp://HOST`, `+tls://HOST` with client certificates, `+ssh://USER@HOST`.
 *
 * Throws INVALID_ARG for what is no URI, NO_CONNECT for one that nothing here answers to.
 */
export async function connect(uri = defaultUri(process.env), options: ConnectOptions = {}): Promise<Connection> {
  const parsed = parseConnectionUri(uri);
  const opener = openers.find((one) => one.accepts(parsed));
  if (opener === undefined) throw virtError('NO_CONNECT', `no connection driver available for ${uri}`);
  const { readOnly = false, logger = silentLogger } = options;
  try {
    return new Connection(await opener.open(parsed, { ...options, readOnly, logger }));
  } catch (error) {
    throw toVirtError(error, 'NONE');
  }
}
