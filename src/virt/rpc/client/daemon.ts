/** Daemons of a user's own that are started by whoever first wants them. */
import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { makeDirectory } from '../../../util/index.ts';
import { virtError } from '../../errors.ts';

/** A program that serves a socket. */
export interface DaemonCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/** How long a daemon may take until it listens. */
const START_MS = 30_000;
const RETRY_MS = 20;
/** How long to wait for a rival of a daemon that has ended. */
const RIVAL_MS = 3000;
/** Seconds without domains and clients after which a daemon that was started by itself ends by itself. */
const IDLE_SECONDS = 120;
/** What of its complaints is told. */
const COMPLAINT_BYTES = 2000;

/** `nodevisor daemon` of this package, for a socket; it ends by itself when nobody has wanted it for a while. */
export function nodevisorDaemon(socket: string): DaemonCommand {
  // The program stands beside this file's layer, as TypeScript when that is what is running.
  const isSource = import.meta.url.endsWith('.ts');
  const main = fileURLToPath(new URL(`../../../tools/cli/main.${isSource ? 'ts' : 'js'}`, import.meta.url));
  const loader = isSource ? ['--import', import.meta.resolve('tsx')] : [];
  return {
    command: process.execPath,
    args: [...loader, main, 'daemon', '--listen', `unix:${socket}`, '--idle-timeout', `${IDLE_SECONDS}`],
  };
}

/** libvirt's daemon of a user, which ends by itself when nobody has wanted it for a while. */
export const libvirtDaemon: DaemonCommand = { command: 'libvirtd', args: [`--timeout=${IDLE_SECONDS}`] };

/**
 * Starts a daemon that outlives this process, and connects to it with `attempt` as soon as it listens; `attempt` gives
 * undefined until then. Throws NO_CONNECT if it does not come to that; what it said is in a file beside the socket.
 */
export async function startDaemon<T>(
  { command, args }: DaemonCommand,
  socket: string,
  attempt: () => Promise<T | undefined>,
): Promise<T> {
  const directory = dirname(socket);
  await makeDirectory(directory, 0o700);
  const logPath = join(directory, 'daemon.log');
  const log = await open(logPath, 'a', 0o600);
  let ended: string | undefined;
  try {
    const child = spawn(command, args, { detached: true, stdio: ['ignore', 'ignore', log.fd] });
    child.once('error', (error) => {
      ended = error.message;
    });
    child.once('exit', (code, signal) => {
      ended = `it ended with ${signal ?? `status ${code}`}`;
    });
    child.unref();
  } finally {
    await log.close();
  }
  // One that ends at once may have found another that somebody started at the same time, and that does not listen yet.
  for (let left = START_MS; left > 0; left = Math.min(left - RETRY_MS, ended === undefined ? left : RIVAL_MS)) {
    const connected = await attempt();
    if (connected !== undefined) return connected;
    await setTimeout(RETRY_MS);
  }
  const last = await attempt();
  if (last !== undefined) return last;
  const complaint = (await readFile(logPath, 'utf8').catch(() => '')).slice(-COMPLAINT_BYTES).trim();
  const why = ended ?? `nobody listens at '${socket}' after ${START_MS / 1000} s`;
  throw virtError('NO_CONNECT', `cannot start '${command}': ${why}${complaint === '' ? '' : `: ${complaint}`}`, {
    domain: 'RPC',
  });
}
