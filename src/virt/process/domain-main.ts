/**
 * The process of one machine: `node domain-main.js DIRECTORY NAME`. It serves its machine on the socket `NAME.sock` in
 * the directory, says so with a line on its standard output, and leaves how the machine ended in `NAME.end`. Without a
 * machine that may outlive its daemon it ends with the connection of that.
 */
import { renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { prepareVcpuThread } from '../../drivers/index.ts';
import { HostClock, reachablePath } from '../../util/index.ts';
import { writeFileAtomically } from '../local/atomic-file.ts';
import { Channel } from './channel.ts';
import { MachineService } from './machine-service.ts';

/** How long, in milliseconds, a process without a machine waits for its daemon to connect. */
const CONNECT_MS = 10_000;

/** How long, in milliseconds, putting the machine away in order may take. */
const END_MS = 10_000;

const [directory = '', name = ''] = process.argv.slice(2);
const socketPath = join(directory, `${name}.sock`);
const endPath = join(directory, `${name}.end`);

function quit(code: number): never {
  try {
    unlinkSync(socketPath);
  } catch {
    // The daemon that swept up was quicker.
  }
  process.exit(code);
}

/** Leaves word of a crash: at once, since nothing can be relied on any more. */
function leave(detail: string): void {
  // Called so that it is known for unfinished if it stays.
  const unfinished = join(directory, `.${name}.new`);
  try {
    writeFileSync(unfinished, JSON.stringify({ reason: 'crashed', code: 1, detail }));
    renameSync(unfinished, endPath);
  } catch {
    // Then the daemon knows that it crashed, and not why.
  }
}

const service = new MachineService({
  name,
  clock: new HostClock(),
  entitle: (title) => {
    process.title = title;
  },
  keep: async (status) => {
    // A disk that is full must not keep the machine from ending.
    await writeFileAtomically(endPath, JSON.stringify(status)).catch((error: unknown) => {
      process.stderr.write(`cannot write ${endPath}: ${String(error)}\n`);
    });
  },
  quit: () => setImmediate(() => quit(0)),
});

// Of its own session it is told to end only by people and by the system when that stops.
for (const signal of ['SIGHUP', 'SIGINT'] as const) process.on(signal, () => {});
process.on('SIGTERM', () => {
  setTimeout(() => quit(1), END_MS);
  void service.end('its process was told to end by SIGTERM').catch(() => quit(1));
});
process.on('uncaughtException', (error) => {
  const detail = `its process failed: ${error.stack ?? String(error)}`;
  if (service.outlives) leave(detail);
  process.stderr.write(`${detail}\n`);
  quit(1);
});

// The daemon has gone before it could hear that this process is ready.
process.stdout.on('error', () => quit(1));

// What this process makes is for its user alone.
process.umask(0o077);

let lonely: NodeJS.Timeout | undefined = setTimeout(() => quit(1), CONNECT_MS);
const server = createServer((socket) => {
  clearTimeout(lonely);
  lonely = undefined;
  service.connected((events) => new Channel(socket, events));
});
server.on('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  quit(1);
});
// While the daemon connects and the machine is made. Without it the machine starts all the same.
prepareVcpuThread().catch(() => {});
reachablePath(socketPath).then(
  ({ path }) => server.listen(path, () => process.stdout.write('ready\n')),
  (error: unknown) => server.emit('error', error),
);
