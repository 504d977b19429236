/** `npm run bench -- [NAME…] [options]`: runs benchmarks, prints a table, writes JSON. */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { usableEngines } from '../src/index.ts';
import { boot } from './boot.ts';
import { cpu } from './cpu.ts';
import { daemon } from './daemon.ts';
import { disk } from './disk.ts';
import { exits } from './exits.ts';
import { float } from './float.ts';
import { idle } from './idle.ts';
import { imageBenchmarks } from './image.ts';
import { kernels } from './kernels.ts';
import { latencies } from './latency.ts';
import { hasQemu } from './lib/linux.ts';
import { type Benchmark, formatTable, type Measurement } from './lib/result.ts';
import { memory } from './memory.ts';
import { net } from './net.ts';
import { processes } from './processes.ts';
import { smp } from './smp.ts';
import { tap } from './tap.ts';

const benchmarks: readonly Benchmark[] = [
  cpu,
  float,
  exits,
  boot,
  idle,
  kernels,
  processes,
  smp,
  memory,
  latencies,
  net,
  tap,
  disk,
  ...imageBenchmarks,
  daemon,
];

function count(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1) throw new InvalidArgumentError('a whole number from 1');
  return n;
}

function tierOf(text: string): 0 | 1 {
  if (text !== '0' && text !== '1') throw new InvalidArgumentError('0 or 1');
  return text === '0' ? 0 : 1;
}

const program = new Command('bench')
  .argument('[names...]', `which to run: ${benchmarks.map((b) => b.name).join(', ')}; default all`)
  .option('--backend <names>', 'CPU backends, with commas; default all that work here')
  .option('--runs <n>', 'counted runs of each figure', count, 3)
  .option('--tier <n>', 'of the native backend, in cpu, float and latency: 0, its interpreter alone', tierOf)
  .option('--peers', 'also measure QEMU and native code')
  .option('--json <file>', 'write all runs to a file')
  .addHelpText('after', `\n${benchmarks.map((b) => `  ${b.name.padEnd(9)}${b.help}`).join('\n')}`)
  .parse();

const options = program.opts<{ backend?: string; runs: number; tier?: 0 | 1; peers?: boolean; json?: string }>();
const names = program.args;
for (const name of names) {
  if (!benchmarks.some((b) => b.name === name)) program.error(`error: no benchmark is called '${name}'`);
}
if (options.peers && !hasQemu()) program.error('error: --peers needs qemu-system-riscv64 (Debian: qemu-system-misc)');

const backends =
  options.backend?.split(',') ??
  usableEngines()
    .filter((engine) => engine.usable)
    .map((engine) => engine.kind);
const context = {
  backends,
  peers: options.peers === true,
  tier: options.tier,
  runs: options.runs,
  progress: (text: string) => process.stderr.write(`${text} …\n`),
};
const found: Measurement[] = [];
for (const benchmark of benchmarks) {
  if (names.length === 0 || names.includes(benchmark.name)) found.push(...(await benchmark.measure(context)));
}
console.log(formatTable(found));
const host = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
if (options.json) writeFileSync(options.json, `${JSON.stringify({ host, found }, null, 2)}\n`);
