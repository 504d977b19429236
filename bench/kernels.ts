/** The compute kernels of bench/kernels inside Linux, on each backend, in QEMU's TCG, and as native C. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inTurn } from './lib/in-turn.ts';
import { debianImage, type LinuxRun, runOurs, runQemu, withFiles } from './lib/linux.ts';
import { type Benchmark, geometricMean, type Measurement, measurement } from './lib/result.ts';

/** Checksum and seconds by kernel. */
type Scores = Map<string, { checksum: string; seconds: number }>;

function parse(output: string): Scores {
  const scores: Scores = new Map();
  for (const [, name, checksum, seconds] of output.matchAll(/KERNEL (\w+) ([0-9a-f]{16}) ([\d.]+)/g)) {
    scores.set(name, { checksum, seconds: Number(seconds) });
  }
  return scores;
}

function runHost(folder: string, names: readonly string[]): Scores {
  return parse(names.map((n) => `KERNEL ${n} ${execFileSync(join(folder, 'host', n), { encoding: 'utf8' })}`).join(''));
}

export const kernels: Benchmark = {
  name: 'kernels',
  help: 'seconds of compute kernels inside Linux; with --peers also in QEMU and native',
  async measure(context) {
    const folder = mkdtempSync(join(tmpdir(), 'nodevisor-kernels-'));
    try {
      const sources = fileURLToPath(new URL('./kernels', import.meta.url));
      execFileSync('make', ['-s', '-C', sources, `OUT=${folder}`], { stdio: 'inherit' });
      const only = process.env['NODEVISOR_KERNELS']?.split(',');
      const names = readdirSync(join(folder, 'guest'))
        .sort()
        .filter((name) => only === undefined || only.includes(name));
      const image = withFiles(await debianImage(), [
        { type: 'directory', path: 'bench' },
        ...names.map((name) => ({
          type: 'file' as const,
          path: `bench/${name}`,
          bytes: readFileSync(join(folder, 'guest', name)),
          mode: 0o755,
        })),
      ]);
      const command = `cd /bench; for k in *; do echo KERNEL $k $(./$k); done`;
      const subjects = new Map<string, () => Promise<Scores>>();
      for (const backend of context.backends) {
        subjects.set(backend, async () => scoresOf(await runOurs(image, backend, { command })));
      }
      if (context.peers) {
        subjects.set('qemu-tcg', async () => scoresOf(await runQemu(image, { command })));
        subjects.set('host', () => Promise.resolve(runHost(folder, names)));
      }
      return report(names, await inTurn(context, 'kernels', subjects));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

function scoresOf(run: LinuxRun): Scores {
  return parse(run.output.text);
}

function report(names: readonly string[], found: ReadonlyMap<string, readonly Scores[]>): Measurement[] {
  const measurements: Measurement[] = [];
  const reference = [...found.values()][0][0];
  for (const [subject, scored] of found) {
    const medians: number[] = [];
    for (const name of names) {
      const runs = scored.map((scores) => {
        const score = scores.get(name);
        if (score === undefined) throw new Error(`${name} gave no result on ${subject}`);
        const expected = reference.get(name)?.checksum;
        if (score.checksum !== expected) throw new Error(`${name} on ${subject}: ${score.checksum}, not ${expected}`);
        return score.seconds;
      });
      const m = measurement('kernels', name, subject, 's', runs);
      medians.push(Math.max(m.median, 1e-4));
      measurements.push(m);
    }
    measurements.push(measurement('kernels', 'geometric mean', subject, 's', [geometricMean(medians)]));
  }
  return measurements;
}
