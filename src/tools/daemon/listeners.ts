import { createServer, type Server, type Socket } from 'node:net';
import { type Logger, VirtError } from '../../util/index.ts';
import { readOnlySocket } from '../../virt/index.ts';
import { formatAddress, type ListenAddress } from './address.ts';
import type { Arrival, Clients } from './clients.ts';
import type { DaemonSettings } from './settings.ts';
import type { PassedSocket } from './systemd.ts';
import { tlsServer } from './tls.ts';
import { groupId, listenOnUnix, passageTo, type SocketAccess } from './unix-socket.ts';

/** Connections that may wait to be accepted. */
const BACKLOG = 512;

/** Everywhere that a daemon listens. */
export class Listeners {
  readonly #clients: Clients;
  readonly #logger: Logger;
  readonly #stops: (() => Promise<void>)[] = [];

  constructor(clients: Clients, logger: Logger) {
    this.#clients = clients;
    this.#logger = logger;
  }

  /** Opens all addresses; if one cannot be opened, none is. Throws VirtError. */
  async open(settings: DaemonSettings, passed: readonly PassedSocket[]): Promise<void> {
    try {
      for (const { fd, readOnly } of passed) await this.#openPassed(fd, readOnly);
      for (const address of settings.listen) await this.#open(address, settings);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** No more clients come in; those that are there stay. */
  async close(): Promise<void> {
    await Promise.all(this.#stops.splice(0).map((stop) => stop()));
  }

  async #open(address: ListenAddress, settings: DaemonSettings): Promise<void> {
    if (address.kind === 'unix') {
      const gid = settings.group === undefined ? undefined : groupId(settings.group);
      const mode = gid === undefined ? 0o600 : 0o660;
      const readOnlyMode = settings.readOnlyMode ?? mode;
      const others = { directoryMode: passageTo([mode, readOnlyMode]), ...(gid === undefined ? {} : { gid }) };
      await this.#openUnix(address.path, false, { mode, ...others });
      await this.#openUnix(readOnlySocket(address.path), true, { mode: readOnlyMode, ...others });
      return;
    }
    const at = formatAddress(address);
    const arrival = { at, readOnly: false };
    const server =
      address.kind === 'tls'
        ? tlsServer(settings.tls, this.#logger, (socket) => this.#clients.accept(socket, arrival))
        : this.#server(arrival);
    // Handshakes come before clients are counted.
    server.maxConnections = settings.maxClients;
    const { host, port } = address;
    await this.#listen(server, { host, port }, at);
    if (address.kind === 'tcp') {
      this.#logger.log('warn', 'every user of this host can use all machines through this port', { at });
    }
  }

  async #openUnix(path: string, readOnly: boolean, access: SocketAccess): Promise<void> {
    const at = formatAddress({ kind: 'unix', path });
    this.#stops.push(await listenOnUnix(this.#server({ at, readOnly }), path, access));
    this.#logger.log('info', 'listening', { at, readOnly });
  }

  async #openPassed(fd: number, readOnly: boolean): Promise<void> {
    const at = `fd:${fd}`;
    await this.#listen(this.#server({ at, readOnly }), { fd }, at);
  }

  async #listen(server: Server, where: { host: string; port: number } | { fd: number }, at: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      server.once('listening', resolve);
      server.once('error', (cause: NodeJS.ErrnoException) => {
        const busy = cause.code === 'EADDRINUSE';
        const what = busy ? 'the address is in use' : cause.message;
        reject(new VirtError(busy ? 'RESOURCE_BUSY' : 'SYSTEM_ERROR', `cannot listen on ${at}: ${what}`, { cause }));
      });
      server.listen({ ...where, backlog: BACKLOG, exclusive: true });
    });
    this.#stops.push(async () => {
      server.close();
    });
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? { port: address.port } : {};
    this.#logger.log('info', 'listening', { at, ...port });
  }

  #server(arrival: Arrival): Server {
    const server = createServer({ noDelay: true }, (socket: Socket) => this.#clients.accept(socket, arrival));
    server.on('error', (error) => this.#logger.log('error', 'listening failed', { ...arrival, reason: error.message }));
    return server;
  }
}
