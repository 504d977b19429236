import { type Logger, silentLogger } from '../util/index.ts';
import type { Backend } from './backend.ts';
import { Connection } from './connection.ts';
import { toVirtError, virtError } from './errors.ts';
import { type OpenOptions, openEmbed, openTest } from './local/open.ts';
import { type ConnectionUri, parseConnectionUri } from './uri.ts';

/** What a connection is opened with. */
export interface ConnectOptions {
  /** Refuse whatever changes something, with OPERATION_DENIED. */
  readonly readOnly?: boolean;
  readonly logger?: Logger;
}

/** A kind of URIs and what is behind it. */
interface Opener {
  accepts(uri: ConnectionUri): boolean;
  open(uri: ConnectionUri, options: OpenOptions): Promise<Backend>;
}

const isLocal = (uri: ConnectionUri, driver: string, path: string) =>
  uri.driver === driver && uri.transport === undefined && uri.host === '' && uri.path === path;

const openers: readonly Opener[] = [
  { accepts: (uri) => isLocal(uri, 'nodevisor', '/embed'), open: openEmbed },
  { accepts: (uri) => isLocal(uri, 'test', '/default'), open: openTest },
];

/**
 * Opens a connection.
 *
 * - `nodevisor:///embed`: machines in threads of this process. All connections to it share one world, which ends with
 *   the last of them. `?state=DIR` keeps definitions in a directory, which one process at a time may use.
 * - `test:///default`: a populated world in memory, without machines, for tests of programs; shared likewise.
 *
 * Throws INVALID_ARG for what is no URI, NO_CONNECT for one that nothing here answers to.
 */
export async function connect(uri: string, options: ConnectOptions = {}): Promise<Connection> {
  const parsed = parseConnectionUri(uri);
  const opener = openers.find((one) => one.accepts(parsed));
  if (opener === undefined) throw virtError('NO_CONNECT', `no connection driver available for ${uri}`);
  const { readOnly = false, logger = silentLogger } = options;
  try {
    return new Connection(await opener.open(parsed, { readOnly, logger }));
  } catch (error) {
    throw toVirtError(error, 'NONE');
  }
}
