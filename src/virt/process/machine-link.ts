import { connect } from 'node:net';
import type { DiskFailure, ExitStatus, PauseReason } from '../../drivers/index.ts';
import { Emitter, type LogLevel, reachablePath } from '../../util/index.ts';
import { virtError } from '../errors.ts';
import type { MachineNumbers } from '../local/hypervisor.ts';
import { Channel } from './channel.ts';
import { PROTOCOL_VERSION } from './frames.ts';
import {
  type CallName,
  type Calls,
  type EventMessage,
  type Hello,
  type ReplyMessage,
  readAnswer,
  readHello,
  readNumbers,
} from './messages.ts';
import { RemoteConsole } from './remote-console.ts';

/** How long, in milliseconds, a machine's process may take for an answer before the call fails. */
const CALL_MS = 30_000;

/** What a machine's process says unasked. */
export interface LinkEvents {
  paused: [reason: PauseReason];
  ioError: [failure: DiskFailure];
  trayMoved: [drive: string, open: boolean];
  resumed: [];
  reset: [];
  ended: [status: ExitStatus, numbers: MachineNumbers];
  log: [level: LogLevel, message: string];
  /** The connection is over, once. */
  closed: [];
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** A daemon's connection to the process of a machine. */
export class MachineLink {
  readonly events = new Emitter<LinkEvents>();
  readonly #channel: Channel;
  readonly #pending = new Map<number, Pending>();
  readonly #consoles: RemoteConsole[] = [];
  #serial = 0;
  #closed = false;

  private constructor(open: (link: MachineLink) => Channel) {
    this.#channel = open(this);
  }

  /** Connects to the socket at a path. Throws SYSTEM_ERROR if nobody listens there. */
  static async open(path: string): Promise<MachineLink> {
    const reachable = await reachablePath(path);
    try {
      const socket = connect({ path: reachable.path });
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve);
        socket.once('error', reject);
      });
      socket.removeAllListeners('error');
      return new MachineLink(
        (link) =>
          new Channel(socket, {
            message: (message) => link.#received(readAnswer(message)),
            data: (line, bytes) => link.#consoleOf(line).received(bytes),
            taken: (line, bytes) => link.#consoleOf(line).taken(bytes),
            attach: () => link.close(),
            detach: () => link.close(),
            drained: () => {},
            closed: () => link.#over(),
          }),
      );
    } finally {
      await reachable.close();
    }
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Who is there. Throws OPERATION_UNSUPPORTED when it speaks another version. */
  async hello(timeoutMs = CALL_MS): Promise<Hello> {
    return readHello(await this.call('hello', { version: PROTOCOL_VERSION }, timeoutMs));
  }

  async numbers(): Promise<MachineNumbers> {
    return readNumbers(await this.call('numbers', {}));
  }

  /**
   * Calls. Throws what the call failed with, OPERATION_TIMEOUT when there is no answer in time, OPERATION_FAILED when
   * the process has gone.
   */
  call<K extends CallName>(call: K, args: Calls[K][0], timeoutMs = CALL_MS): Promise<Calls[K][1]> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(goneError());
      const serial = this.#serial++;
      const timer = setTimeout(() => {
        this.#pending.delete(serial);
        reject(virtError('OPERATION_TIMEOUT', `the domain's process does not answer to '${call}'`));
      }, timeoutMs);
      timer.unref();
      this.#pending.set(serial, { resolve: resolve as (result: unknown) => void, reject, timer });
      try {
        this.#channel.send({ call, serial, args });
      } catch (error) {
        this.#settle(serial)?.reject(virtError('CONFIG_UNSUPPORTED', `the definition is too long: ${String(error)}`));
      }
    });
  }

  /** Its consoles, which are `count`. */
  consoles(count: number): readonly RemoteConsole[] {
    while (this.#consoles.length < count) this.#consoles.push(new RemoteConsole(this.#channel, this.#consoles.length));
    return this.#consoles;
  }

  /** Ends the connection, but not the process if that may live without. */
  close(): void {
    this.#channel.destroy();
  }

  #received(message: ReplyMessage | EventMessage): void {
    if ('event' in message) {
      this.#event(message);
      return;
    }
    const pending = this.#settle(message.reply);
    if ('error' in message) pending?.reject(virtError(message.error.code, message.error.message));
    else pending?.resolve(message.result);
  }

  #event(message: EventMessage): void {
    switch (message.event) {
      case 'log':
        this.events.emit('log', message.level, message.message);
        return;
      case 'ended':
        for (const console of this.#consoles) console.finish();
        this.events.emit('ended', message.status, readNumbers(message.numbers));
        return;
      case 'paused':
        this.events.emit('paused', message.reason);
        return;
      case 'ioError':
        this.events.emit('ioError', message.failure);
        return;
      case 'trayMoved':
        this.events.emit('trayMoved', message.drive, message.open);
        return;
      default:
        this.events.emit(message.event);
    }
  }

  #consoleOf(line: number): RemoteConsole {
    const console = this.#consoles[line];
    if (console === undefined) throw new RangeError(`there is no console ${line}`);
    return console;
  }

  #settle(serial: number): Pending | undefined {
    const pending = this.#pending.get(serial);
    this.#pending.delete(serial);
    clearTimeout(pending?.timer);
    return pending;
  }

  #over(): void {
    this.#closed = true;
    for (const serial of [...this.#pending.keys()]) this.#settle(serial)?.reject(goneError());
    for (const console of this.#consoles) console.finish();
    this.events.emit('closed');
  }
}

function goneError(): Error {
  return virtError('OPERATION_FAILED', "the domain's process has gone");
}
