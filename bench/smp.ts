/** How much faster two vCPUs are than one on work for two: two threads of one process, and two processes. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CpioEntry } from '../src/tools/image/cpio.ts';
import { inTurn } from './lib/in-turn.ts';
import { debianImage, type LinuxRun, runOurs, runQemu, withFiles } from './lib/linux.ts';
import { type Benchmark, type Measurement, measurement } from './lib/result.ts';

const CHECKSUM = 'b4bea1f3001be8be';
/** What the guest's shell runs for each piece of work. */
const work = {
  'two threads': '/bench/threads 2',
  'two processes': 'hash & hash & wait',
} as const;
const script = [
  'hash() { for i in 1 2 3 4 5 6; do /bench/sha256; done; }',
  ...Object.entries(work).map(([name, command]) => `echo "@ ${name}"; ${command}`),
  'echo "@ end"',
].join('\n');

/** Times as fast, by work. */
type Scaling = readonly number[];

/** Seconds of each work, by the host's clock. */
function secondsOf({ output }: LinuxRun): number[] {
  if (!output.text.includes(CHECKSUM)) throw new Error(`threads gave another checksum\n${output.text.slice(-500)}`);
  const times = [...Object.keys(work), 'end'].map((name) => output.at(`@ ${name}\r\n`));
  return times.slice(1).map((end, i) => end - times[i]);
}

async function scaling(run: (vcpus: number) => Promise<LinuxRun>): Promise<Scaling> {
  const one = secondsOf(await run(1));
  const two = secondsOf(await run(2));
  return one.map((seconds, i) => seconds / two[i]);
}

/** What this host's cores have to give: the first work without a machine around it. */
function hostScaling(program: string): Scaling {
  const seconds = [1, 2].map((threads) => {
    const start = performance.now();
    execFileSync(program, [String(threads)]);
    return performance.now() - start;
  });
  return [seconds[0] / seconds[1]];
}

function build(folder: string): CpioEntry[] {
  const source = fileURLToPath(new URL('./guest/threads.c', import.meta.url));
  const flags = ['-O2', '-Wall', '-static', '-pthread', '-ffp-contract=off'];
  execFileSync('riscv64-linux-gnu-gcc', [...flags, '-o', join(folder, 'threads'), source], { stdio: 'inherit' });
  execFileSync('cc', [...flags, '-o', join(folder, 'threads-host'), source], { stdio: 'inherit' });
  const kernels = fileURLToPath(new URL('./kernels', import.meta.url));
  const kernel = join(folder, 'guest/sha256');
  execFileSync('make', ['-s', '-C', kernels, `OUT=${folder}`, kernel], { stdio: 'inherit' });
  const file = (path: string, bytes: Uint8Array, mode: number): CpioEntry => ({ type: 'file', path, bytes, mode });
  return [
    { type: 'directory', path: 'bench' },
    file('bench/threads', readFileSync(join(folder, 'threads')), 0o755),
    file('bench/sha256', readFileSync(kernel), 0o755),
    file('bench/smp.sh', Buffer.from(script), 0o644),
  ];
}

export const smp: Benchmark = {
  name: 'smp',
  help: 'times as fast two vCPUs are as one on work for two; with --peers also in QEMU and native',
  async measure(context) {
    const folder = mkdtempSync(join(tmpdir(), 'nodevisor-smp-'));
    try {
      const image = withFiles(await debianImage(), build(folder));
      const command = 'sh /bench/smp.sh';
      const subjects = new Map<string, () => Promise<Scaling>>();
      for (const backend of context.backends) {
        subjects.set(backend, () => scaling((vcpus) => runOurs(image, backend, { command, vcpus })));
      }
      if (context.peers) {
        subjects.set('qemu-tcg', () => scaling((vcpus) => runQemu(image, { command, vcpus })));
        subjects.set('host', () => Promise.resolve(hostScaling(join(folder, 'threads-host'))));
      }
      return report(await inTurn(context, 'smp', subjects));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

function report(found: ReadonlyMap<string, readonly Scaling[]>): Measurement[] {
  return [...found].flatMap(([subject, runs]) =>
    Object.keys(work)
      .slice(0, runs[0]?.length)
      .map((name, i) => {
        const ratios = runs.map((run) => run[i]);
        return measurement('smp', `${name} on 2 vCPUs, times 1`, subject, '×', ratios);
      }),
  );
}
