import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtError } from '../../util/index.ts';
import type { Frame, NetBackend, NetPort } from '../backend/net.ts';
import type { Timers } from '../bus/timers.ts';
import { StreamNet } from './stream-net.ts';

/** How often, and how long apart, a passt that has just started is tried. */
const TRIES = 100;
const TRY_NS = 20e6;

/** What passt last said, for a message. */
const WORDS_MAX = 500;

/** A network by passt, a program of the host's that needs no privileges either: frames go to it through a socket. */
export class PasstNet implements NetBackend {
  readonly #stream: StreamNet;
  readonly #process: ChildProcess;
  readonly #directory: string;

  private constructor(stream: StreamNet, process: ChildProcess, directory: string) {
    this.#stream = stream;
    this.#process = process;
    this.#directory = directory;
  }

  /**
   * Starts passt with `args` besides its socket. Throws OPERATION_FAILED when it is not installed or does not come up;
   * `onExit` is told when it ends by itself later.
   */
  static async open(args: readonly string[], timers: Timers, onExit: (detail: string) => void): Promise<PasstNet> {
    const directory = await mkdtemp(join(tmpdir(), 'nodevisor-passt-'));
    const path = join(directory, 'socket');
    const child = spawn('passt', ['--foreground', '--quiet', '--socket', path, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let words = '';
    child.stderr?.on('data', (data: Buffer) => {
      words = (words + data.toString()).slice(-WORDS_MAX);
    });
    let gone: string | undefined;
    let started = false;
    child.once('error', (error: NodeJS.ErrnoException) => {
      gone = error.code === 'ENOENT' ? 'it is not installed' : error.message;
    });
    child.once('exit', (code, signal) => {
      gone ??= `it ended with ${signal ?? `status ${code}`}${words === '' ? '' : `: ${words.trim()}`}`;
      if (started) onExit(gone);
    });
    try {
      const stream = await connectTo(path, timers, () => gone);
      started = true;
      return new PasstNet(stream, child, directory);
    } catch (cause) {
      child.kill();
      await rm(directory, { recursive: true, force: true });
      throw new VirtError('OPERATION_FAILED', `cannot start passt: ${gone ?? (cause as Error).message}`, { cause });
    }
  }

  send(frame: Frame): boolean {
    return this.#stream.send(frame);
  }

  connect(port: NetPort): void {
    this.#stream.connect(port);
  }

  resume(): void {
    this.#stream.resume();
  }

  async close(): Promise<void> {
    this.#process.removeAllListeners('exit');
    await this.#stream.close();
    this.#process.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function connectTo(path: string, timers: Timers, gone: () => string | undefined): Promise<StreamNet> {
  for (let tries = 0; ; tries++) {
    await new Promise<void>((resolve) => timers.after(TRY_NS, resolve));
    try {
      return await StreamNet.open({ address: { path } });
    } catch (error) {
      if (gone() !== undefined || tries >= TRIES) throw error;
    }
  }
}
