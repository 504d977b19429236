import { constants } from 'node:os';
import type { ExitStatus, Guest } from '../../../drivers/index.ts';
import { type Context, ExitCode } from '../command.ts';

/** Signals that end a machine in order. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** How long, in milliseconds, a machine that a failed disk has stopped stands until it tries again. */
const RETRY_MS = 2000;

/** How a run ended, and what we exit with. */
export interface Outcome {
  readonly status: ExitStatus;
  readonly exitCode: number;
}

/** Exit status for a guest's own end. Codes that a process cannot have become the highest it can. */
export function exitCodeOfGuest({ reason, code }: ExitStatus): number {
  switch (reason) {
    case 'poweroff':
    case 'reset':
    case 'destroyed':
      return ExitCode.OK;
    case 'exit':
      return Math.min(code >>> 0, 255);
    case 'fail':
      return Math.min(Math.max(code >>> 0, 1), 255);
    case 'crashed':
      return ExitCode.FAILURE;
  }
}

/** Watches over a machine that runs: time limit, signals, the user's wish to end it, and disks that have no room. */
export class Supervisor {
  readonly #machine: Guest;
  readonly #context: Context;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #handlers = SIGNALS.map(
    (signal) => [signal, () => this.#end(ExitCode.SIGNAL + constants.signals[signal])] as const,
  );
  #forced: number | undefined;
  #retry: NodeJS.Timeout | undefined;
  /** What was said of a disk that failed: once for all of its tries. */
  #said = '';

  constructor(machine: Guest, context: Context, timeoutSeconds: number | undefined) {
    this.#machine = machine;
    this.#context = context;
    for (const [signal, handler] of this.#handlers) context.events.on(signal, handler);
    machine.events.on('ioError', ({ action, disk, detail }) => {
      if (action === 'stop') this.#tell(`disk ${disk}: ${detail}`);
    });
    machine.events.on('paused', (reason) => {
      if (reason === 'ioError') this.#retryLater();
    });
    if (timeoutSeconds !== undefined) {
      // setTimeout's longest is 2^31 − 1 ms; nobody waits for more than its 24 days.
      this.#timer = setTimeout(() => this.#end(ExitCode.TIMEOUT), Math.min(timeoutSeconds * 1000, 2 ** 31 - 1));
    }
  }

  /** The user wants it to end. */
  quit(): void {
    this.#end(ExitCode.OK);
  }

  /** Nobody reads our output any more: a program that writes to such a pipe is ended by SIGPIPE, and so are we. */
  lost(): void {
    this.#end(ExitCode.SIGNAL + constants.signals.SIGPIPE);
  }

  /** Waits for the machine's end, however it comes. */
  async wait(): Promise<Outcome> {
    try {
      const status = await this.#machine.wait();
      // A guest that ended by itself just before keeps its own status.
      const forced = status.reason === 'destroyed' ? this.#forced : undefined;
      return { status, exitCode: forced ?? exitCodeOfGuest(status) };
    } finally {
      this.close();
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#retry);
    for (const [signal, handler] of this.#handlers) this.#context.events.off(signal, handler);
  }

  #tell(failure: string): void {
    if (failure === this.#said) return;
    this.#said = failure;
    this.#context.stderr.write(`nodevisor: ${failure}; the machine waits, and goes on when that has gone\r\n`);
  }

  /** Nobody else is there to resume it. */
  #retryLater(): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      // It may have ended meanwhile.
      if (this.#machine.state === 'paused') this.#machine.resume().catch(() => undefined);
    }, RETRY_MS);
  }

  #end(exitCode: number): void {
    this.#forced ??= exitCode;
    void this.#machine.destroy();
  }
}
