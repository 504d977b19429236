import type { Writable } from 'node:stream';
import cliProgress from 'cli-progress';
import type { Reporter } from '../image/archive.ts';

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** A bar that redraws itself. */
function bar(stream: Writable, name: string, bytes: number): ReturnType<Reporter['download']> {
  const shown = new cliProgress.SingleBar({
    stream: stream as NodeJS.WriteStream,
    format: `  {bar} {percentage} % of ${megabytes(bytes)}  ${name}`,
    barsize: 24,
    hideCursor: true,
  });
  shown.start(bytes, 0);
  return { progress: (done) => shown.update(done), end: () => shown.stop() };
}

/** A line at the start and one at each quarter: for files and pipes. */
function lines(stream: Writable, name: string, bytes: number): ReturnType<Reporter['download']> {
  let quarter = -1;
  return {
    progress: (done) => {
      const now = Math.floor((done * 4) / bytes);
      if (now <= quarter) return;
      quarter = now;
      stream.write(`  ${String(now * 25).padStart(3)} % of ${megabytes(bytes)}  ${name}\n`);
    },
    end: () => {},
  };
}

/** Shows downloads: bars on a terminal, lines anywhere else. */
export function progressReporter(stream: Writable & { readonly isTTY?: boolean }): Reporter {
  return {
    note: (text) => stream.write(`${text}\n`),
    download: (name, bytes) => (stream.isTTY ? bar : lines)(stream, name, bytes),
  };
}
