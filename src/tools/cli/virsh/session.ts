import { EventEmitter } from 'node:events';
import { constants } from 'node:os';
import { join } from 'node:path';
import { homeDirectory, makeDirectory } from '../../../util/index.ts';
import {
  CloseReason,
  type Connection,
  connect,
  DomainLifecycle,
  defaultUri,
  parseConnectionUri,
} from '../../../virt/index.ts';
import { type Context, ExitCode } from '../command.ts';
import { attempt, CommandFailure, UsageFailure, unsupported } from './failure.ts';
import { LogLevel, SessionLog } from './log.ts';
import { formatJson, type Output } from './output.ts';

/** How results are shown. */
export type OutputFormat = 'table' | 'json';

/** Reads the value of `--output`. Throws UsageFailure. */
export function formatCalled(name: string): OutputFormat {
  if (name === 'table' || name === 'json') return name;
  throw new UsageFailure(`unknown output format '${name}': there are table and json`);
}

/** Where the project keeps what should outlive a command: below the XDG state directory. */
export function stateDirectory(env: NodeJS.ProcessEnv): string {
  const state = env['XDG_STATE_HOME'];
  return join(state?.startsWith('/') ? state : join(homeDirectory(env), '.local', 'state'), 'nodevisor');
}

/** True when the domains behind a URI end with this process. */
function endsWithUs(uri: string): boolean {
  const { driver, host, path, transport } = parseConnectionUri(uri);
  return driver === 'nodevisor' && host === '' && transport === undefined && path === '/embed';
}

/** Why a connection was lost, by virConnectCloseReason. */
const LOSSES: readonly string[] = ['I/O error', 'end of file', 'keepalive timeout'];

/** True when there is no server behind a URI. */
function isInProcess(uri: string): boolean {
  return endsWithUs(uri) || parseConnectionUri(uri).driver === 'test';
}

/** What a session is started with. */
export interface SessionOptions {
  readonly uri?: string | undefined;
  readonly readOnly?: boolean;
  readonly format?: OutputFormat;
  /** Only what was asked for: no titles, no sentences about what was done. */
  readonly quiet?: boolean;
  /** How long each command took is shown behind it. */
  readonly timing?: boolean;
  /** The key that leaves a console, as a control character; default: Ctrl-]. */
  readonly escape?: number;
  /** The least important messages about what is done that are shown; default: none. */
  readonly debug?: LogLevel;
  /** A file that errors and these messages are written into, too. */
  readonly logFile?: string | undefined;
  /** Seconds of silence until a server is asked whether it is there; 0: it never is. */
  readonly keepaliveSeconds?: number | undefined;
  /** So many questions without an answer end the connection. */
  readonly keepaliveCount?: number | undefined;
  /** A shell: commands are typed one after the other. */
  readonly interactive?: boolean;
  /** What opens connections; default: `connect` of the API. */
  readonly connect?: typeof connect;
  /** Commands are read from standard input, so nothing else may read it. */
  readonly scripted?: boolean;
}

/** Gives the terminal to something that reads it itself, and takes it back afterwards. */
export type TerminalLender = <T>(use: () => Promise<T>) => Promise<T>;

/** What commands share: the connection, the way of showing results, the terminal. */
export class Session {
  readonly context: Context;
  readonly interactive: boolean;
  /** The character that leaves a console. */
  readonly escape: number;
  readonly #quiet: boolean;
  readonly #timing: boolean;
  readonly scripted: boolean;
  format: OutputFormat;
  /** What is on standard output is for a program: nothing is to be behind it. */
  givesBytes = false;
  /** Name of the command that runs. */
  command = '';
  /** A shell replaces it, since it reads the terminal while commands run. */
  lendTerminal: TerminalLender = (use) => use();
  /** What the session says about itself. */
  readonly log: SessionLog;
  readonly #connector: typeof connect;
  readonly #keepalive: { readonly seconds: number | undefined; readonly count: number | undefined };
  #uri: string;
  #readOnly: boolean;
  #ended = false;
  #interrupted = false;
  #terminated: number | undefined;
  /** The server went; the next command looks for another one. */
  #lost = false;
  #connection: Promise<Connection> | undefined;
  readonly #started = new Map<string, string>();
  readonly #interrupts = new EventEmitter();

  constructor(context: Context, options: SessionOptions = {}) {
    this.context = context;
    this.interactive = options.interactive ?? false;
    this.scripted = options.scripted ?? false;
    this.format = options.format ?? 'table';
    this.#readOnly = options.readOnly ?? false;
    this.#quiet = options.quiet ?? false;
    this.#timing = options.timing ?? false;
    this.escape = options.escape ?? 0x1d;
    this.#connector = options.connect ?? connect;
    this.#uri = options.uri ?? defaultUri(context.env);
    this.#keepalive = { seconds: options.keepaliveSeconds, count: options.keepaliveCount };
    this.log = new SessionLog(options.debug ?? LogLevel.ERROR, options.logFile, (text) => this.write(text));
  }

  /** No more commands are to run. */
  get ended(): boolean {
    return this.#ended;
  }

  /** For a shell that has been asked to end and does not want to yet: takes `quit` back. */
  stay(): void {
    this.#ended = false;
  }

  quit(): void {
    this.#ended = true;
  }

  /** A signal ends us: no more commands, and domains of this process are destroyed. */
  terminate(signal: NodeJS.Signals): void {
    this.#ended = true;
    this.#terminated ??= ExitCode.SIGNAL + constants.signals[signal];
  }

  /** Exit status for the signal that ends us; undefined: none does. */
  get terminated(): number | undefined {
    return this.#terminated;
  }

  get readOnly(): boolean {
    return this.#readOnly;
  }

  /** The connection, opened when it is first needed. */
  connection(): Promise<Connection> {
    this.#connection ??= this.#open().catch((error: unknown) => {
      this.#connection = undefined;
      throw error;
    });
    return this.#connection;
  }

  /** The connection if there is one already: completion must not open one. */
  openConnection(): Promise<Connection> | undefined {
    return this.#connection;
  }

  /** Leaves this connection for another. */
  async reconnect(uri: string | undefined, readOnly: boolean): Promise<void> {
    await this.close();
    this.#uri = uri ?? defaultUri(this.context.env);
    this.#readOnly = readOnly;
    await this.connection();
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#started.clear();
    await (await connection?.catch(() => undefined))?.close();
  }

  /** Domains that this session has started and that end with it. */
  async ownDomains(): Promise<readonly { readonly name: string; readonly uuid: string }[]> {
    if (this.#connection === undefined || !endsWithUs(this.#uri)) return [];
    return [...this.#started].map(([uuid, name]) => ({ uuid, name }));
  }

  write(text: string): void {
    this.context.stdout.write(text);
  }

  /** A remark beside the results. */
  note(text: string): void {
    this.context.stderr.write(`${text}\n`);
  }

  /** A line of an error. */
  showError(text: string): void {
    this.note(`error: ${text}`);
    this.log.error(text);
  }

  show(output: Output): void {
    if (this.format === 'json') this.write(formatJson(output.json));
    else this.write(this.#quiet ? (output.quiet ?? output.text) : output.text);
  }

  /** What follows each command for people, one that failed too: an empty line, or how long it took. */
  closeCommand(elapsedMs: number): void {
    if (this.format === 'json' || this.givesBytes) return;
    if (this.#timing) this.write(`\n(Time: ${elapsedMs.toFixed(3)} ms)\n\n`);
    else if (!this.#quiet) this.write('\n');
  }

  /** One piece of a stream of results. */
  showPart(text: string, json: unknown): void {
    this.write(this.format === 'json' ? formatJson(json, true) : text);
  }

  /** Calls back when the user interrupts (Ctrl-C), until the returned function is called. */
  onInterrupt(listener: () => void): () => void {
    this.context.events.on('SIGINT', listener);
    this.#interrupts.on('interrupt', listener);
    if (this.#interrupted) queueMicrotask(listener);
    return () => {
      this.context.events.off('SIGINT', listener);
      this.#interrupts.off('interrupt', listener);
    };
  }

  /** The user's Ctrl-C, read by a shell whose terminal makes no signals. It is kept until somebody wants to know. */
  interrupt(): void {
    this.#interrupted = !this.#interrupts.emit('interrupt');
  }

  /** Before a new line of commands is read: an earlier Ctrl-C is not for it. */
  begin(): void {
    this.#interrupted = false;
  }

  async #open(): Promise<Connection> {
    const uri = this.#uri;
    const connection = await attempt('failed to connect to the hypervisor', this.#connect(uri));
    if (this.#lost) this.note('Reconnected to the hypervisor');
    this.#lost = false;
    connection.on('close', (reason) => {
      // One that we leave is not lost, whoever closes first.
      if (reason === CloseReason.CLIENT || this.#connection === undefined) return;
      this.#connection = undefined;
      this.#lost = true;
      this.showError(`Disconnected from ${uri} due to ${LOSSES[reason] ?? 'unknown reason'}`);
    });
    connection.on('lifecycle', (domain, event) => {
      if (event === DomainLifecycle.STARTED.id) this.#started.set(domain.uuid, domain.name);
      else if (event === DomainLifecycle.STOPPED.id) this.#started.delete(domain.uuid);
    });
    return connection;
  }

  async #connect(uri: string): Promise<Connection> {
    const state = endsWithUs(uri) ? parseConnectionUri(uri).params.get('state') : null;
    if (state !== null) {
      await makeDirectory(state, 0o700).catch((cause: unknown) => {
        throw new CommandFailure(`state directory ${state}: ${(cause as Error).message}`);
      });
    }
    const { seconds, count } = this.#keepalive;
    if (isInProcess(uri)) {
      if ((seconds ?? 1) > 0 && (seconds ?? count) !== undefined) {
        this.showError('Cannot setup keepalive on connection as requested, disconnecting');
        throw unsupported('virConnectSetKeepAlive');
      }
      this.log.debug(LogLevel.INFO, 'Failed to setup keepalive on connection');
    }
    return this.#connector(uri, {
      readOnly: this.#readOnly,
      ...(seconds === undefined ? {} : { keepaliveMs: seconds * 1000 }),
      ...(count === undefined ? {} : { keepaliveCount: count }),
    });
  }
}
