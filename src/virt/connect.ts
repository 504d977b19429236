import type { Logger } from '../util/index.ts';
import type { Backend } from './backend.ts';
import { Connection } from './connection.ts';
import { virtError } from './errors.ts';
import { type ConnectionUri, parseConnectionUri } from './uri.ts';

/** What a connection is opened with. */
export interface ConnectOptions {
  /** Refuse whatever changes something, with OPERATION_DENIED. */
  readonly readOnly?: boolean;
  readonly logger?: Logger;
}

/** A scheme of URIs and what is behind it. */
interface Opener {
  accepts(uri: ConnectionUri): boolean;
  open(uri: ConnectionUri, options: ConnectOptions): Promise<Backend>;
}

const openers: readonly Opener[] = [];

/**
 * Opens a connection.
 *
 * - `nodevisor:///embed`: machines in threads of this process. All connections to it share one world, which ends with
 *   the last of them. `?state=DIR` keeps definitions in a directory, which one process at a time may use.
 * - `test:///default`: a populated world in memory, without machines, for tests of programs.
 *
 * Throws INVALID_ARG for what is no URI, NO_CONNECT for one that nothing here answers to.
 */
export async function connect(uri: string, options: ConnectOptions = {}): Promise<Connection> {
  const parsed = parseConnectionUri(uri);
  const opener = openers.find((one) => one.accepts(parsed));
  if (opener === undefined) throw virtError('NO_CONNECT', uri);
  return new Connection(await opener.open(parsed, options));
}
