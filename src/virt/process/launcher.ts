import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { virtError } from '../errors.ts';
import { identify } from './identity.ts';
import { MachineLink } from './machine-link.ts';
import { MachineProcess, processFiles, removeFiles } from './machine-process.ts';
import { domainProgram } from './program.ts';

/** How long, in milliseconds, a process may take until it listens. */
const READY_MS = 30_000;

/** How long, in milliseconds, after a start the next process is made ready. */
const SPARE_MS = 50;

/** What is the daemon's own of its environment: sockets from systemd, and whom to tell that it is ready. */
const privateVariables = [
  'LISTEN_FDS',
  'LISTEN_PID',
  'LISTEN_FDNAMES',
  'NOTIFY_SOCKET',
  'WATCHDOG_USEC',
  'WATCHDOG_PID',
];

/**
 * Starts processes for machines. One can be kept ready ahead of its machine: starting Node takes longer than starting
 * the machine.
 */
export class Launcher {
  readonly #directory: string;
  readonly #keepSpare: boolean;
  #spare: Promise<MachineProcess | undefined> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param directory where processes have their sockets; `keepSpare`: one is kept ready */
  constructor(directory: string, { keepSpare }: { keepSpare: boolean }) {
    this.#directory = directory;
    this.#keepSpare = keepSpare;
  }

  /** Makes the process ready that the next machine takes, if one is kept; soon, not in the way of what starts now. */
  prepare(): void {
    if (!this.#keepSpare) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#closed || this.#spare !== undefined) return;
      this.#spare = this.#launch().catch(() => undefined);
    }, SPARE_MS);
    this.#timer.unref();
  }

  /** A process without a machine. Throws OPERATION_FAILED if it does not start. */
  async take(): Promise<MachineProcess> {
    // Two processes that start at once are each later than one: the next is made ready when this machine is made.
    clearTimeout(this.#timer);
    const spare = this.#spare;
    this.#spare = undefined;
    const ready = await spare;
    if (ready !== undefined && !ready.link.closed) return ready;
    if (ready !== undefined) await removeFiles(this.#directory, ready.name);
    return this.#launch();
  }

  /** Ends what was kept ready. */
  async close(): Promise<void> {
    this.#closed = true;
    const spare = await this.#spare;
    this.#spare = undefined;
    if (spare === undefined) return;
    await spare.quit();
    await removeFiles(this.#directory, spare.name);
  }

  async #launch(): Promise<MachineProcess> {
    const name = `m-${randomBytes(6).toString('hex')}`;
    const { socket, errors } = processFiles(this.#directory, name);
    const log = await open(errors, 'wx', 0o600);
    let child: ChildProcess | undefined;
    try {
      child = spawn(process.execPath, [await domainProgram(), this.#directory, name], {
        cwd: '/',
        detached: true,
        env: machineEnvironment(),
        stdio: ['ignore', 'pipe', log.fd],
      });
      await ready(child);
      const { pid = 0 } = child;
      return new MachineProcess(this.#directory, name, identify(pid), await MachineLink.open(socket), child);
    } catch (cause) {
      child?.kill('SIGKILL');
      await removeFiles(this.#directory, name);
      const detail = cause instanceof Error ? cause.message : String(cause);
      throw virtError('OPERATION_FAILED', `cannot start a process for the domain: ${detail}`, { cause });
    } finally {
      await log.close();
    }
  }
}

function machineEnvironment(): NodeJS.ProcessEnv {
  const env = { ...process.env };
  for (const name of privateVariables) delete env[name];
  return env;
}

/** Resolves when a process says that it listens. */
async function ready(child: ChildProcess): Promise<void> {
  const output = child.stdout as Readable;
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error('it does not come up')), READY_MS);
      child.once('error', reject);
      child.once('exit', (code, signal) => reject(new Error(`it ended with ${signal ?? `status ${code}`}`)));
      output.once('data', () => resolve());
    });
  } finally {
    clearTimeout(timer);
    child.removeAllListeners();
    output.destroy();
    // Nothing waits for it: it may outlive this process. Its end is still noticed.
    child.unref();
  }
}
