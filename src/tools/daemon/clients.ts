import type { Duplex } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import type { Logger } from '../../util/index.ts';
import { type MachineHost, type RpcConnection, serveRpc } from '../../virt/index.ts';

/** How many clients there may be. */
export interface ClientLimits {
  readonly maxClients: number;
  /** Of these, clients that have not opened a connection yet. */
  readonly maxUnopened: number;
  /** Calls of one client at the same time. */
  readonly maxCalls: number;
}

/** How a client came. */
export interface Arrival {
  /** The address that it came to, for the log. */
  readonly at: string;
  readonly readOnly: boolean;
}

/** Between two lines of the log about clients that are too many, in milliseconds. */
const COMPLAINT_MS = 1000;

/** The clients of a daemon. */
export class Clients {
  readonly #host: MachineHost;
  readonly #limits: ClientLimits;
  readonly #logger: Logger;
  readonly #onChange: () => void;
  readonly #connections = new Set<RpcConnection>();
  /** Those that have not opened a connection, the oldest first. */
  readonly #unopened = new Set<RpcConnection>();
  #sentAway = 0;
  #complaint: NodeJS.Timeout | undefined;
  #lastId = 0;

  /** @param onChange called when a client has come or gone */
  constructor(host: MachineHost, limits: ClientLimits, logger: Logger, onChange: () => void) {
    this.#host = host;
    this.#limits = limits;
    this.#logger = logger;
    this.#onChange = onChange;
  }

  get count(): number {
    return this.#connections.size;
  }

  /** A client has connected: serves it, or sends it away. */
  accept(socket: Duplex, { at, readOnly }: Arrival): void {
    const { maxClients, maxUnopened, maxCalls } = this.#limits;
    if (this.#unopened.size >= maxUnopened) {
      // Whoever means it opens a connection at once: the one that has taken longest does not.
      const [oldest] = this.#unopened;
      oldest?.destroy();
      if (oldest !== undefined) this.#forget(oldest);
      this.#complain();
    }
    if (this.#connections.size >= maxClients) {
      socket.on('error', () => {});
      socket.destroy();
      this.#complain();
      return;
    }
    const client = ++this.#lastId;
    const logger: Logger = {
      log: (level, message, details) => this.#logger.log(level, message, { client, ...details }),
    };
    const connection = serveRpc(socket, {
      readOnly,
      logger,
      limits: { calls: maxCalls },
      open: async (uri, mayOnlyRead) => {
        const backend = await this.#host.open(uri ?? '', mayOnlyRead);
        this.#unopened.delete(connection);
        logger.log('debug', 'client has opened a connection', { uri: uri ?? '', readOnly: mayOnlyRead });
        return backend;
      },
    });
    this.#connections.add(connection);
    this.#unopened.add(connection);
    logger.log('debug', 'client has come', { at });
    this.#onChange();
    void connection.closed.then(() => {
      this.#forget(connection);
      logger.log('debug', 'client has gone');
      this.#onChange();
    });
  }

  /** Says goodbye to all, and cuts those off that take longer than so many milliseconds for it. */
  async drain(timeoutMs: number): Promise<void> {
    const all = [...this.#connections];
    const drained = Promise.all(all.map((connection) => connection.drain()));
    await Promise.race([drained, setTimeout(timeoutMs, undefined, { ref: false })]);
    for (const connection of all) connection.destroy();
    await Promise.all(all.map(({ closed }) => closed));
  }

  #forget(connection: RpcConnection): void {
    this.#connections.delete(connection);
    this.#unopened.delete(connection);
  }

  /** Whoever floods a daemon must not flood its log too. */
  #complain(): void {
    this.#sentAway++;
    this.#complaint ??= globalThis
      .setTimeout(() => {
        this.#logger.log('warn', 'clients sent away: there are too many', {
          sentAway: this.#sentAway,
          clients: this.#connections.size,
          unopened: this.#unopened.size,
        });
        this.#sentAway = 0;
        this.#complaint = undefined;
      }, COMPLAINT_MS)
      .unref();
  }
}
