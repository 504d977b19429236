import type { Context } from '../command.ts';

const CTRL_A = 0x01;

/** What the keys after Ctrl-A mean. */
export interface EscapeActions {
  end(): void;
  help(): void;
}

/** Text of Ctrl-A H. */
export const ESCAPE_HELP = [
  'Ctrl-A X  end the machine',
  'Ctrl-A H  this help',
  'Ctrl-A Ctrl-A  send Ctrl-A to the guest',
].join('\r\n');

/** Takes Ctrl-A and the key after it out of what is typed. */
export class EscapeFilter {
  readonly #actions: EscapeActions;
  #escaped = false;

  constructor(actions: EscapeActions) {
    this.#actions = actions;
  }

  /** The bytes that are for the guest. */
  feed(typed: Uint8Array): Uint8Array {
    const forGuest: number[] = [];
    for (const byte of typed) {
      if (this.#escaped) {
        this.#escaped = false;
        this.#act(byte, forGuest);
      } else if (byte === CTRL_A) {
        this.#escaped = true;
      } else {
        forGuest.push(byte);
      }
    }
    return Uint8Array.from(forGuest);
  }

  #act(byte: number, forGuest: number[]): void {
    const key = String.fromCharCode(byte).toLowerCase();
    if (byte === CTRL_A) forGuest.push(CTRL_A);
    else if (key === 'x') this.#actions.end();
    else this.#actions.help();
  }
}

/**
 * Puts the terminal into raw mode, so that every key reaches the guest, until `restore`: which also happens when the
 * process ends in any other way that it can still notice, and while it is stopped (SIGTSTP).
 */
export class RawTerminal {
  readonly #context: Context;
  readonly #leave = () => this.#set(false);
  readonly #stop = () => {
    this.#set(false);
    process.kill(process.pid, 'SIGSTOP');
  };
  readonly #resume = () => this.#set(true);

  constructor(context: Context) {
    this.#context = context;
    const { events } = context;
    // 'exit' comes after uncaught exceptions and process.exit() alike.
    events.on('exit', this.#leave);
    events.on('SIGTSTP', this.#stop);
    events.on('SIGCONT', this.#resume);
    this.#set(true);
  }

  restore(): void {
    const { events } = this.#context;
    this.#set(false);
    events.off('exit', this.#leave);
    events.off('SIGTSTP', this.#stop);
    events.off('SIGCONT', this.#resume);
  }

  #set(raw: boolean): void {
    try {
      this.#context.stdin.setRawMode?.(raw);
    } catch {
      // The terminal has gone away: there is nothing left to restore.
    }
  }
}
