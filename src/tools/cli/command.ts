import type { Writable } from 'node:stream';
import type { ReadStream } from 'node:tty';
import { VirtError } from '../../util/index.ts';

/** How the process ends. */
export const ExitCode = {
  OK: 0,
  /** A fault of ours, or of the world around us. */
  FAILURE: 1,
  /** Bad usage or bad input. */
  USAGE: 2,
  /** A time limit was reached (as timeout(1) says it). */
  TIMEOUT: 124,
  /** Added to the number of a signal that ended us (as shells say it). */
  SIGNAL: 128,
} as const;

/** An option of a command; whether it takes a value is in `flags`, in commander's notation. */
export interface OptionDef {
  readonly flags: string;
  readonly help: string;
  /** May be given more than once: its values come as a list. */
  readonly repeat?: boolean;
}

/** A positional argument. */
export interface ArgumentDef {
  /** `[name]` optional, `<name>` required, `<name...>` one or more. */
  readonly usage: string;
  readonly help: string;
}

/** Values of a command's options by their long names in camel case. */
export type OptionValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** What a command was called with. */
export class Args {
  readonly positionals: readonly (string | undefined)[];
  readonly #options: OptionValues;

  constructor(positionals: readonly (string | undefined)[], options: OptionValues) {
    this.positionals = positionals;
    this.#options = options;
  }

  /** Value of an option that takes one. */
  text(name: string): string | undefined {
    const value = this.#options[name];
    return typeof value === 'string' ? value : undefined;
  }

  flag(name: string): boolean {
    return this.#options[name] === true;
  }

  /** Values of an option that may be repeated. */
  list(name: string): readonly string[] {
    const value = this.#options[name];
    return Array.isArray(value) ? value : [];
  }
}

/** The world around a command. */
export interface Context {
  readonly stdin: NodeJS.ReadableStream & Partial<Pick<ReadStream, 'isTTY' | 'setRawMode'>>;
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly env: NodeJS.ProcessEnv;
  /** Where signals and the process's end are announced: `process`. */
  readonly events: NodeJS.EventEmitter;
}

/** A command as data: parser and help are derived from it. */
export interface CommandDef {
  /** Words that call it: `['image', 'pull']`. */
  readonly path: readonly string[];
  readonly summary: string;
  /** Shown after the options in its help. */
  readonly notes?: string;
  readonly arguments: readonly ArgumentDef[];
  readonly options: readonly OptionDef[];
  /** Changes the words after the command before they are parsed, where one would be taken for what it is not. */
  readonly rewrite?: (words: readonly string[]) => readonly string[];
  /** Runs it and returns the exit status. VirtError ends it with one line. */
  run(args: Args, context: Context): Promise<number>;
}

/** Something wrong with how a command was called. */
export function usageError(message: string): VirtError {
  return new VirtError('INVALID_ARG', message);
}

/** Exit status for an error that ended a command. */
export function exitCodeOf(error: unknown): number {
  const input = error instanceof VirtError && (error.code === 'INVALID_ARG' || error.code === 'CONFIG_UNSUPPORTED');
  return input ? ExitCode.USAGE : ExitCode.FAILURE;
}
