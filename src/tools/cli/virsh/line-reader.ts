import { createInterface, type Interface } from 'node:readline';
import type { Context } from '../command.ts';
import type { Completer } from './completer.ts';
import type { History } from './history.ts';

/** What a line reader is made of. */
export interface LineReaderOptions {
  readonly context: Context;
  readonly completer: Completer;
  readonly history: History;
  /** Ctrl-C while nobody waits for a line. */
  onInterrupt(): void;
}

/** Reads lines: from a terminal with editing, history and completion, else just as they come. */
export class LineReader {
  readonly #options: LineReaderOptions;
  readonly #lines: (string | null)[] = [];
  #readline: Interface;
  #waiting: ((line: string | null) => void) | undefined;
  #lent = false;

  constructor(options: LineReaderOptions) {
    this.#options = options;
    this.#readline = this.#open();
  }

  /** The next line; null at the end of the input. */
  next(prompt: string): Promise<string | null> {
    const line = this.#lines.shift();
    if (line !== undefined) return Promise.resolve(line);
    return new Promise((resolve) => {
      this.#waiting = resolve;
      if (!this.#terminal) return;
      this.#readline.setPrompt(prompt);
      this.#readline.prompt();
    });
  }

  /** Leaves the terminal to somebody else meanwhile. */
  async lend<T>(use: () => Promise<T>): Promise<T> {
    if (!this.#terminal) return use();
    this.#lent = true;
    this.#readline.close();
    try {
      return await use();
    } finally {
      this.#lent = false;
      this.#readline = this.#open();
    }
  }

  close(): void {
    this.#lent = true;
    this.#readline.close();
  }

  get #terminal(): boolean {
    return this.#options.context.stdin.isTTY === true;
  }

  #open(): Interface {
    const { context, completer, history } = this.#options;
    const readline = createInterface({
      input: context.stdin,
      terminal: this.#terminal,
      crlfDelay: Number.POSITIVE_INFINITY,
      ...(this.#terminal
        ? {
            output: context.stdout,
            history: history.newestFirst,
            completer: (line: string, done: (error: null, result: [string[], string]) => void) => {
              void completer.complete(line).then(([candidates, typed]) => done(null, [[...candidates], typed]));
            },
          }
        : {}),
    });
    readline.on('line', (line) => this.#give(line));
    readline.on('close', () => {
      if (!this.#lent) this.#give(null);
    });
    readline.on('SIGINT', () => this.#interrupted());
    return readline;
  }

  #give(line: string | null): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#lines.push(line);
    else waiting(line);
  }

  #interrupted(): void {
    if (this.#waiting === undefined) {
      this.#options.onInterrupt();
      return;
    }
    // As shells do: the line is given up.
    this.#options.context.stdout.write('^C\n');
    this.#readline.write(null, { ctrl: true, name: 'e' });
    this.#readline.write(null, { ctrl: true, name: 'u' });
    this.#readline.prompt();
  }
}
