import type { Duplex } from 'node:stream';
import {
  type Clock,
  Emitter,
  HostClock,
  type Logger,
  silentLogger,
  VirErrorDomain,
  VirtError,
} from '../../../util/index.ts';
import type { Backend, BackendEvents } from '../../backend.ts';
import { virtError } from '../../errors.ts';
import { CONNECTION_CLOSED_MESSAGE, type EventRow, eventRows, monitorEvent, registration } from '../events.ts';
import { Feature } from '../feature.ts';
import { Program } from '../packet.ts';
import type { MethodName, Procedure, UntypedWire } from '../procedure.ts';
import { proceduresByMethod, sessionProcedures } from '../procedures/index.ts';
import { XdrError, type XdrReader } from '../xdr.ts';
import { authenticate } from './authenticate.ts';
import { RpcClient } from './rpc-client.ts';

/** What a remote backend is opened with. */
export interface ClientOptions {
  /** What the server is to open; undefined: it chooses. */
  readonly name: string | undefined;
  /** How the connection calls itself; undefined: as the server says. */
  readonly uri?: string;
  readonly readOnly?: boolean;
  /** Nobody else can read what goes over the socket: it stays on this host, or is encrypted. */
  readonly secure: boolean;
  /** Milliseconds of silence before the server is asked whether it is there; 0: never. */
  readonly keepaliveMs?: number;
  readonly keepaliveCount?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** A message that may come. */
interface ExpectedMessage {
  readonly row: Pick<EventRow, 'name' | 'args'>;
  /** The number of its registration comes first. */
  readonly hasCallback: boolean;
}

const monitorEventMessage: ExpectedMessage = { row: monitorEvent, hasCallback: true };

/** VIR_CONNECT_RO. */
const READ_ONLY = 1;

/** Opens a backend of a server's on a connected socket. Rejects with VirtError, and the socket is gone then. */
export async function openClientBackend(socket: Duplex, options: ClientOptions): Promise<Backend> {
  const backend = new ClientBackend(socket, options);
  try {
    await backend.open();
  } catch (error) {
    backend.abandon();
    throw error;
  }
  return backend.face;
}

/** A backend whose procedures a server carries out. */
class ClientBackend {
  readonly #options: ClientOptions;
  readonly #logger: Logger;
  readonly #rpc: RpcClient;
  readonly #events = new Emitter<BackendEvents>();
  readonly #features = new Map<number, Promise<boolean>>();
  /** Procedures that the server has said it does not support. */
  readonly #unsupported = new Set<Procedure>();
  readonly #messages = new Map<number, ExpectedMessage>();
  #closing: Promise<void> | undefined;
  readonly face: Backend;

  constructor(socket: Duplex, options: ClientOptions) {
    const { keepaliveMs = 5000, keepaliveCount = 5, clock = new HostClock(), logger = silentLogger } = options;
    this.#options = options;
    this.#logger = logger;
    this.#rpc = new RpcClient(socket, {
      keepaliveMs,
      keepaliveCount,
      clock,
      logger,
      onMessage: (program, procedure, payload) => this.#message(program, procedure, payload),
      onClose: (reason) => this.#events.emit('close', reason),
    });
    this.face = this.#makeFace();
  }

  /** Shakes hands. */
  async open(): Promise<void> {
    const { name, readOnly = false } = this.#options;
    await authenticate((procedure, ...args) => this.#rpc.call(procedure, args));
    if (await this.#supports(Feature.PROGRAM_KEEPALIVE)) this.#rpc.watch();
    await this.#rpc.call(sessionProcedures.connectOpen, [name, readOnly ? READ_ONLY : 0]);
    await this.#registerForEvents();
  }

  /** Ends the connection without a word. */
  abandon(): void {
    this.#rpc.close();
  }

  #makeFace(): Backend {
    const methods: Record<string, (...params: unknown[]) => Promise<unknown>> = {};
    for (const [method, rows] of proceduresByMethod) {
      methods[method] = (...params) => this.#carryOut(method, rows, params);
    }
    const { uri, secure } = this.#options;
    const { connectIsSecure } = methods;
    if (uri !== undefined) {
      methods['connectGetUri'] = async () => {
        this.#refuseClosed();
        return uri;
      };
    }
    methods['connectIsSecure'] = async () => (await connectIsSecure?.()) === true && secure;
    methods['connectClose'] = () => this.#close();
    // The table has every method: a test sees to it.
    return { events: this.#events, ...methods } as unknown as Backend;
  }

  /** Calls a method by the first of its procedures that the server has and that can say what is asked for. */
  async #carryOut(method: MethodName, rows: readonly Procedure[], params: readonly unknown[]): Promise<unknown> {
    this.#refuseClosed();
    let refusal: unknown;
    // What the server has refused is tried only where nothing else can say it.
    const likely = rows.filter((row) => !this.#unsupported.has(row));
    const unlikely = rows.filter((row) => this.#unsupported.has(row));
    for (const row of [...likely, ...unlikely]) {
      const answer = row.binding?.call?.(this.#wire(row), params);
      if (answer === undefined) continue;
      try {
        return await answer;
      } catch (error) {
        refusal ??= error;
        if (!this.#unsupported.has(row)) throw error;
      }
    }
    throw refusal ?? virtError('NO_SUPPORT', method, { domain: 'REMOTE' });
  }

  #wire(row: Procedure): UntypedWire {
    const noted = async <T>(answer: Promise<T>): Promise<T> => {
      try {
        return await answer;
      } catch (error) {
        if (error instanceof VirtError && error.code === 'NO_SUPPORT') this.#unsupported.add(row);
        throw error;
      }
    };
    return {
      send: (...args) => noted(this.#rpc.call(row, args)),
      open: (...args) => noted(this.#rpc.open(row, args)),
      backend: this.face,
      supports: (feature) => this.#supports(feature),
    };
  }

  #supports(feature: number): Promise<boolean> {
    const known = this.#features.get(feature);
    if (known !== undefined) return known;
    const answer = this.#rpc.call(sessionProcedures.connectSupportsFeature, [feature]).then(
      (supported) => supported === true,
      (error: unknown) => {
        if (error instanceof VirtError && error.code === 'NO_SUPPORT') return false;
        throw error;
      },
    );
    this.#features.set(feature, answer);
    return answer;
  }

  async #registerForEvents(): Promise<void> {
    const modern = await this.#supports(Feature.REMOTE_EVENT_CALLBACK);
    const rows = eventRows.filter(({ less }) => less !== true);
    await Promise.all(
      rows.map(async (row) => {
        const [procedure, args, message] = registration(row, modern);
        if (message === undefined) return;
        this.#messages.set(message, { row, hasCallback: message === row.message });
        await this.#rpc.call(procedure, args).catch((error: unknown) => {
          // An older server, or a driver, that has no such events.
          if (!(error instanceof VirtError) || error.domain === VirErrorDomain.RPC) throw error;
          this.#logger.log('debug', 'no such events', { event: row.name, reason: error.message });
        });
      }),
    );
  }

  #message(program: number, procedure: number, payload: XdrReader): void {
    if (program === Program.REMOTE && procedure === CONNECTION_CLOSED_MESSAGE) return;
    const known = this.#expected(program, procedure);
    if (known === undefined) {
      this.#logger.log('debug', 'unknown message', { program, procedure });
      return;
    }
    let args: unknown[];
    try {
      if (known.hasCallback) payload.i32();
      args = known.row.args.read(payload);
    } catch (error) {
      if (!(error instanceof XdrError)) throw error;
      this.#logger.log('warn', 'unreadable message', { procedure, reason: error.message });
      return;
    }
    (this.#events as Emitter<Record<string, unknown[]>>).emit(known.row.name, ...args);
  }

  #expected(program: number, procedure: number): ExpectedMessage | undefined {
    if (program === Program.REMOTE) return this.#messages.get(procedure);
    return program === Program.QEMU && procedure === monitorEvent.message ? monitorEventMessage : undefined;
  }

  #close(): Promise<void> {
    this.#closing ??= (async () => {
      try {
        await this.#rpc.call(sessionProcedures.connectClose, []);
      } catch (error) {
        // What is lost is closed.
        if (!(error instanceof VirtError)) throw error;
      } finally {
        this.#rpc.close();
      }
    })();
    return this.#closing;
  }

  #refuseClosed(): void {
    if (this.#closing !== undefined) {
      throw virtError('INVALID_CONN', 'invalid connection pointer: it is closed', { domain: 'REMOTE' });
    }
  }
}
