import { EventEmitter } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { runCli } from '../../../src/tools/cli/cli.ts';

/** The command line's entry point, to be started with `NODE_ARGS` before it. */
export const MAIN = fileURLToPath(new URL('../../../src/tools/cli/main.ts', import.meta.url));
export const NODE_ARGS = ['--import', import.meta.resolve('tsx'), MAIN];

/** How a command line ended, and what it wrote. */
export interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

class Sink extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString('latin1');
    done();
  }
}

/** A command line under way. */
export interface Running {
  readonly result: Promise<Result>;
  /** What it has written to stdout so far. */
  output(): string;
  /** And to stderr. */
  errors(): string;
  type(text: string): void;
  /** As if the process got it. */
  signal(name: NodeJS.Signals): void;
  /** As if the reader of our stdout had gone. */
  breakOutput(): void;
}

/** For those who name no connection: no test is to start the user's own daemon. */
export const NOWHERE = { NODEVISOR_URI: 'nowhere:///' };

/** Starts a command line in this process, with streams and signals of its own and no terminal. */
export function startCli(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const stdin = new PassThrough();
  const stdout = new Sink();
  const stderr = new Sink();
  const events = new EventEmitter();
  stdout.on('error', () => {});
  const context = { stdin, stdout, stderr, env: { ...NOWHERE, ...env }, events };
  const result = runCli(argv, context).then((code) => ({
    code,
    out: stdout.text,
    err: stderr.text,
  }));
  return {
    result,
    output: () => stdout.text,
    errors: () => stderr.text,
    type: (text) => stdin.write(text),
    signal: (name) => events.emit(name),
    breakOutput: () => stdout.emit('error', new Error('EPIPE')),
  };
}

/** Runs a command line in this process to its end. */
export function cli(argv: readonly string[], env?: NodeJS.ProcessEnv): Promise<Result> {
  return startCli(argv, env).result;
}
