/** A daemon as a process of its own, and real clients of it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { builtCommand } from '../../support/built.ts';

/** What a command printed, and how it ended. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a program to its end. */
export function run(
  program: string,
  args: readonly string[],
  { env = {}, input = '', timeout = 60_000, cwd = process.cwd() } = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      { cwd, env: { ...process.env, LC_ALL: 'C', ...env }, timeout, maxBuffer: 1 << 26 },
      (error, out, err) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 128;
        resolve({ code, out, err });
      },
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

/** A line of a daemon's log. */
export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [name: string]: unknown;
}

/** Directory of a daemon's things, and the daemons on it, one after another. */
export class DaemonBench {
  readonly directory = mkdtempSync(join(tmpdir(), 'nodevisor-daemon-'));
  readonly state = join(this.directory, 'state');
  readonly socket = join(this.directory, 'run', 'sock');
  readonly uri = `nodevisor:///session?socket=${this.socket}`;
  readonly log: LogLine[] = [];
  #child: ChildProcess | undefined;
  #exit: Promise<number | NodeJS.Signals> | undefined;

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Starts a daemon; resolves when it is ready, or with its exit status when it does not get so far. */
  async start(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<number | NodeJS.Signals | 'ready'> {
    const listen = args.includes('--listen') ? [] : ['--listen', `unix:${this.socket}`];
    const all = [builtCommand(), 'daemon', '--state', this.state, ...listen, '--log-format', 'json', ...args];
    const child = spawn(process.execPath, all, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...env },
    });
    this.#child = child;
    const exit = new Promise<number | NodeJS.Signals>((resolve) => {
      child.once('exit', (code, signal) => resolve(code ?? signal ?? 0));
    });
    this.#exit = exit;
    const ready = new Promise<'ready'>((resolve) => {
      createInterface({ input: child.stderr as Readable }).on('line', (text) => {
        const line = text.startsWith('{') ? (JSON.parse(text) as LogLine) : { level: 60, msg: text };
        this.log.push(line);
        if (line.msg === 'ready') resolve('ready');
      });
    });
    return Promise.race([ready, exit]);
  }

  /** Sends the daemon a signal and waits for its end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals> {
    this.#child?.kill(signal);
    return this.exited();
  }

  exited(): Promise<number | NodeJS.Signals> {
    return this.#exit ?? Promise.resolve(0);
  }

  virsh(...args: readonly string[]): Promise<Ran> {
    return run('virsh', ['-q', '-c', this.uri, ...args]);
  }

  /** Memory of the daemon in KiB. */
  rssKib(): number {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1]);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
