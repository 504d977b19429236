import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { VirtError } from '../../util/index.ts';
import type { Frame, NetBackend, NetPort } from '../backend/net.ts';
import type { Timers } from '../bus/timers.ts';
import { StreamNet } from './stream-net.ts';

/** How long a passt has to say that it cannot start; a later end is an end. */
const START_NS = 300e6;

/** The descriptor of passt's end of the cable. */
const CABLE_FD = 3;

/** What passt said, for a message. */
const WORDS_MAX = 500;

/** What it says of every one of them where there is no system log. */
const NO_SYSLOG = /^Failed to send \d+ bytes to syslog\n?/gm;

/** A network by passt, a program of the host's that needs no privileges either: frames go to it through a socket. */
export class PasstNet implements NetBackend {
  readonly #stream: StreamNet;
  readonly #process: ChildProcess;

  private constructor(stream: StreamNet, process: ChildProcess) {
    this.#stream = stream;
    this.#process = process;
  }

  /**
   * Starts passt with `args` besides its end of the cable, a pair of sockets: it gives up root's rights, and with them
   * the way to most directories. Throws OPERATION_FAILED when it is not installed or does not come up; `onExit` is told
   * when it ends by itself later.
   */
  static async open(args: readonly string[], timers: Timers, onExit: (detail: string) => void): Promise<PasstNet> {
    const child = spawn('passt', ['--foreground', '--quiet', '--stderr', '--fd', String(CABLE_FD), ...args], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    });
    let words = '';
    child.stderr?.on('data', (data: Buffer) => {
      words = (words + data.toString().replaceAll(NO_SYSLOG, '')).slice(0, WORDS_MAX);
    });
    const cable = child.stdio[CABLE_FD] as Socket;
    cable.on('error', () => {});
    let started = false;
    const gone = new Promise<string>((resolve) => {
      child.once('error', (error: NodeJS.ErrnoException) => {
        resolve(error.code === 'ENOENT' ? 'it is not installed' : error.message);
      });
      // Behind its last words.
      child.once('close', (code, signal) => {
        const said = words.split('Usage:')[0]?.trim() ?? '';
        const detail = `it ended with ${signal ?? `status ${code}`}${said === '' ? '' : `: ${said}`}`;
        if (started) onExit(detail);
        else resolve(detail);
      });
    });
    const detail = await Promise.race([
      gone,
      new Promise<undefined>((resolve) => timers.after(START_NS, () => resolve(undefined))),
    ]);
    if (detail !== undefined) {
      cable.destroy();
      throw new VirtError('OPERATION_FAILED', `cannot start passt: ${detail}`);
    }
    started = true;
    return new PasstNet(
      StreamNet.over(cable, () => {}),
      child,
    );
  }

  /** The process. */
  get pid(): number {
    return this.#process.pid as number;
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
    this.#process.removeAllListeners('close');
    await this.#stream.close();
    this.#process.kill();
  }
}
