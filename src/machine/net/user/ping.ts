import { type ChildProcess, execFile } from 'node:child_process';
import { platform } from 'node:os';

/** Echo requests under way on the host. */
const PINGS_MAX = 32;

/** How long an answer may take, in seconds. */
const WAIT_SECONDS = 5;

/**
 * Echo requests to the world: Node has no sockets for them and raw ones need privileges, so the system's `ping` asks.
 */
export class Pinger {
  readonly #running = new Set<ChildProcess>();

  /** Resolves to whether `host` answered; undefined where this host has no `ping`, or too many are running. */
  ping(host: string, dataBytes: number): Promise<boolean | undefined> {
    if (this.#running.size >= PINGS_MAX) return Promise.resolve(undefined);
    const wait = platform() === 'darwin' ? ['-t', `${WAIT_SECONDS}`] : ['-W', `${WAIT_SECONDS}`];
    const args = ['-n', '-q', '-c', '1', ...wait, '-s', `${Math.min(dataBytes, 1400)}`, host];
    return new Promise((resolve) => {
      const child = execFile('ping', args, { timeout: (WAIT_SECONDS + 1) * 1000 }, (error) => {
        this.#running.delete(child);
        if (error === null) resolve(true);
        else resolve((error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : false);
      });
      this.#running.add(child);
    });
  }

  close(): void {
    for (const child of this.#running) child.kill('SIGKILL');
  }
}
