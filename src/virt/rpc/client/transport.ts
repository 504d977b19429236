/** Ways to a server: each gives a stream of bytes that speaks the protocol. */
import { connect as connectSocket, isIP, type NetConnectOpts, type Socket } from 'node:net';
import { type Duplex, finished } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { tlsReason, VirtError } from '../../../util/index.ts';
import { virtError } from '../../errors.ts';
import { type Environment, libvirtSocket, nodevisorSocket, readOnlySocket } from '../sockets.ts';
import { pkiFiles, readPki } from './pki.ts';
import type { RemoteUri } from './remote-uri.ts';
import { connectSsh } from './ssh.ts';
import { systemWords } from './system-words.ts';

/** libvirtd's ports. */
const TCP_PORT = 16_509;
const TLS_PORT = 16_514;

/** Connects to a local socket. Throws SYSTEM_ERROR. */
export function connectUnix(path: string): Promise<Duplex> {
  return connectNet({ path }, () => `Failed to connect socket to '${path}'`);
}

/** Connects over TCP, in the clear. Throws SYSTEM_ERROR. */
export function connectTcp({ host, port = TCP_PORT }: RemoteUri): Promise<Duplex> {
  return connectPort(host, port);
}

function connectPort(host: string, port: number): Promise<Socket> {
  return connectNet({ host, port }, ({ syscall }) =>
    syscall === 'getaddrinfo'
      ? `Unable to resolve address '${host}' service '${port}'`
      : `unable to connect to server at '${host}:${port}'`,
  );
}

/** @param what was tried, when it has failed */
function connectNet(options: NetConnectOpts, what: (cause: NodeJS.ErrnoException) => string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(options);
    const fail = (cause: NodeJS.ErrnoException) => reject(systemError(what(cause), cause));
    socket.once('error', fail);
    socket.once('connect', () => {
      socket.off('error', fail);
      socket.setNoDelay();
      resolve(socket);
    });
  });
}

function systemError(what: string, cause: NodeJS.ErrnoException): VirtError {
  return virtError('SYSTEM_ERROR', `${what}: ${systemWords(cause)}`, {
    cause,
    domain: 'RPC',
    data: { errno: cause.code ?? 'EIO' },
  });
}

/**
 * Connects over TLS, with the certificates of libvirt's places or `?pkipath=`; `?no_verify=1` believes whatever server.
 * Throws SYSTEM_ERROR, and AUTH_FAILED when the server does not want us.
 */
export async function connectTlsServer(uri: RemoteUri, env: Environment): Promise<Duplex> {
  const { host, port = TLS_PORT, params } = uri;
  const pki = await readPki(pkiFiles(params.get('pkipath'), env));
  const tcp = await connectPort(host, port);
  const socket = connectTls({
    socket: tcp,
    ...pki,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    host,
    rejectUnauthorized: (params.get('no_verify') ?? '0') === '0',
  });
  try {
    await letIn(socket);
  } catch (cause) {
    socket.destroy();
    if (cause instanceof VirtError) throw cause;
    throw virtError('RPC', `TLS handshake failed: ${tlsReason(cause as Error)}`, { cause, domain: 'RPC' });
  }
  return socket;
}

/** What a server of libvirt's says to a client whose certificate it likes, before all else. */
const LET_IN = 1;

/** Resolves when the server has said so. */
function letIn(socket: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = finished(socket, (error) => {
      const closed = virtError('AUTH_FAILED', 'server verification (of our certificate or IP address) failed', {
        domain: 'RPC',
      });
      const early = (error as NodeJS.ErrnoException | undefined)?.code === 'ERR_STREAM_PREMATURE_CLOSE';
      reject(error && !early ? error : closed);
    });
    socket.once('readable', function read() {
      const byte = socket.read(1) as Buffer | null;
      if (byte === null) {
        socket.once('readable', read);
        return;
      }
      done();
      if (byte[0] === LET_IN) resolve();
      else
        reject(
          virtError('AUTH_FAILED', 'server verification (of our certificate or IP address) failed', { domain: 'RPC' }),
        );
    });
  });
}

/** Where the server of a URI without a host listens, the likeliest first. */
export function localSockets(uri: RemoteUri, readOnly: boolean, env: Environment): readonly string[] {
  const given = uri.params.get('socket');
  if (given !== null) return [given];
  const scope = uri.path === '/session' ? 'session' : 'system';
  if (uri.driver === 'nodevisor') {
    const socket = nodevisorSocket(scope, env);
    return readOnly ? [readOnlySocket(socket), socket] : [socket];
  }
  const daemons = uri.driver === 'remote' ? ['libvirtd'] : [`virt${uri.driver}d`, 'libvirtd'];
  const wanted = { direct: daemons.slice(0, 1), legacy: ['libvirtd'] }[uri.params.get('mode') ?? ''] ?? daemons;
  return wanted.map((daemon) => libvirtSocket(daemon, scope, readOnly, env));
}

/** Connects to another host. */
export function connectHost(uri: RemoteUri, readOnly: boolean, env: Environment): Promise<Duplex> {
  if (uri.transport === 'tcp') return connectTcp(uri);
  if (uri.transport === 'tls') return connectTlsServer(uri, env);
  return connectSsh(uri, readOnly);
}
