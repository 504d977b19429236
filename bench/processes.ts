/** Process-heavy work inside Linux: forks, programs, pipes, find and tar, on each backend and in QEMU's TCG. */
import { readFileSync } from 'node:fs';
import { inTurn } from './lib/in-turn.ts';
import { debianImage, type LinuxRun, runOurs, runQemu, withFiles } from './lib/linux.ts';
import { type BenchContext, type Benchmark, type Measurement, measurement } from './lib/result.ts';

const script = readFileSync(new URL('./guest/processes.sh', import.meta.url));
const parts = [...script.toString().matchAll(/^echo '@ (\w+)'$/gm)].map((match) => match[1]);

/** Seconds of each part, by the host's clock: from its mark on the console to the next one. */
function secondsOf({ output }: LinuxRun): number[] {
  const times = parts.map((part) => output.at(`@ ${part}\r\n`));
  return times.slice(1).map((end, i) => end - times[i]);
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

export const processes: Benchmark = {
  name: 'processes',
  help: 'seconds of forks, programs, pipes, find and tar inside Linux; with --peers also in QEMU',
  async measure(context) {
    const image = withFiles(await debianImage(), [
      { type: 'directory', path: 'bench' },
      { type: 'file', path: 'bench/processes.sh', bytes: script, mode: 0o644 },
    ]);
    const command = 'sh /bench/processes.sh';
    const subjects = new Map<string, () => Promise<number[]>>();
    for (const backend of context.backends) {
      subjects.set(backend, async () => secondsOf(await runOurs(image, backend, { command })));
    }
    if (context.peers) subjects.set('qemu-tcg', async () => secondsOf(await runQemu(image, { command })));
    return report(context, await inTurn(context, 'processes', subjects));
  },
};

function report(context: BenchContext, found: ReadonlyMap<string, readonly number[][]>): Measurement[] {
  const measurements: Measurement[] = [];
  for (const [subject, runs] of found) {
    for (const [i, part] of parts.slice(0, -1).entries()) {
      const seconds = runs.map((run) => run[i]);
      measurements.push(measurement('processes', part, subject, 's', seconds));
    }
    measurements.push(measurement('processes', 'all of it', subject, 's', runs.map(sum)));
  }
  const peer = found.get('qemu-tcg');
  for (const backend of peer === undefined ? [] : context.backends) {
    const ratios = (found.get(backend) ?? []).map((run, i) => sum(peer?.[i] ?? []) / sum(run));
    measurements.push(measurement('processes', 'all of it, times as fast as QEMU', backend, '×', ratios));
  }
  return measurements;
}
