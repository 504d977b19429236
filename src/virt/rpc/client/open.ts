import type { Duplex } from 'node:stream';
import { type Logger, VirtError } from '../../../util/index.ts';
import type { Backend } from '../../backend.ts';
import { virtError } from '../../errors.ts';
import type { ConnectionUri } from '../../uri.ts';
import { openClientBackend } from './client-backend.ts';
import { type DaemonCommand, libvirtDaemon, nodevisorDaemon, startDaemon } from './daemon.ts';
import { parseRemoteUri, type RemoteUri } from './remote-uri.ts';
import { connectHost, connectUnix, localSockets } from './transport.ts';

/** What a connection to a server is opened with. */
export interface RemoteOptions {
  readonly readOnly: boolean;
  readonly logger: Logger;
  /** Milliseconds of silence before the server is asked whether it is there; 0: never. */
  readonly keepaliveMs?: number;
  readonly keepaliveCount?: number;
}

/** Opens a connection to the server that a URI names. Throws INVALID_ARG, NO_CONNECT, SYSTEM_ERROR, AUTH_FAILED. */
export async function openRemote(uri: ConnectionUri, options: RemoteOptions): Promise<Backend> {
  const remote = parseRemoteUri(uri);
  const atHome = uri.transport === undefined && uri.host === '' && !uri.params.has('socket');
  if (atHome && remote.driver === 'nodevisor' && remote.path !== '/session' && remote.path !== '/system') {
    throw virtError('NO_CONNECT', `no connection driver available for ${uri.text}`);
  }
  const socket =
    remote.transport === 'unix'
      ? await connectLocal(remote, options)
      : await connectHost(remote, options.readOnly, process.env);
  return openClientBackend(socket, {
    ...options,
    name: remote.name,
    uri: uri.text,
    secure: remote.transport !== 'tcp',
  });
}

/** Connects to a daemon of this host; a user's own is started when it does not run. */
async function connectLocal(remote: RemoteUri, { readOnly, logger }: RemoteOptions): Promise<Duplex> {
  const sockets = localSockets(remote, readOnly, process.env);
  let refusal: unknown;
  const attempt = async (): Promise<Duplex | undefined> => {
    for (const path of sockets) {
      try {
        return await connectUnix(path);
      } catch (error) {
        if (!isAbsent(error)) throw error;
        refusal = error;
      }
    }
    return undefined;
  };
  const running = await attempt();
  if (running !== undefined) return running;
  const own = remote.path === '/session' && !remote.params.has('socket');
  const [socket = ''] = sockets.slice(-1);
  const daemon: DaemonCommand | undefined = !own
    ? undefined
    : remote.driver === 'nodevisor'
      ? nodevisorDaemon(socket)
      : libvirtDaemon;
  if (daemon === undefined) throw refusal;
  logger.log('info', 'starting a daemon', { command: daemon.command, socket });
  return startDaemon(daemon, socket, attempt);
}

/** Nobody listens there: no socket, or one that a daemon has left behind. */
function isAbsent(error: unknown): boolean {
  const errno = error instanceof VirtError ? error.data['errno'] : undefined;
  return errno === 'ENOENT' || errno === 'ECONNREFUSED';
}
