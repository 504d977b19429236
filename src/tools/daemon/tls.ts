import { readFileSync } from 'node:fs';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { type Logger, tlsReason, VirtError } from '../../util/index.ts';
import type { TlsSettings } from './settings.ts';

/** How long, in milliseconds, a client may take for its handshake. */
const HANDSHAKE_MS = 10_000;

/** libvirt's server says with it, as the first byte of all, that it takes the client's certificate. */
const CERTIFICATE_ACCEPTED = Uint8Array.of(1);

function read(what: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new VirtError('INVALID_ARG', `TLS needs ${what}: ${(cause as Error).message}`, { cause });
  }
}

/**
 * A server that lets in clients with a certificate of the authority, and of these only the ones that are named, if any
 * are. Throws INVALID_ARG when a file cannot be used.
 */
export function tlsServer(settings: TlsSettings, logger: Logger, onClient: (socket: TLSSocket) => void): Server {
  const options = {
    ca: read("the authority's certificate", settings.ca),
    cert: read("this host's certificate", settings.cert),
    key: read("this host's key", settings.key),
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    handshakeTimeout: HANDSHAKE_MS,
  } as const;
  let server: Server;
  try {
    server = createServer(options);
  } catch (cause) {
    throw new VirtError('INVALID_ARG', `TLS: ${tlsReason(cause as Error)}`, { cause });
  }
  server.on('secureConnection', (socket) => {
    const name = commonName(socket);
    if (settings.clients.length > 0 && !settings.clients.includes(name)) {
      logger.log('warn', 'client refused: its certificate is for nobody who may connect', { client: name });
      socket.destroy();
      return;
    }
    socket.write(CERTIFICATE_ACCEPTED);
    onClient(socket);
  });
  server.on('tlsClientError', (error, socket) => {
    const { authorizationError: reason } = socket;
    // Why its certificate is none of ours: the error itself says then that the connection is over.
    logger.log('info', 'client refused: no TLS with a certificate of ours', {
      reason: reason ? String(reason) : tlsReason(error),
    });
    socket.destroy();
  });
  return server;
}

function commonName(socket: TLSSocket): string {
  const name: unknown = socket.getPeerCertificate().subject?.CN;
  return typeof name === 'string' ? name : '';
}
