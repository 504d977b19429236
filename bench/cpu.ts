/** Speed of the CPU backends on small integer programs, without a machine around them. */
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { type EngineKind, usableEngines } from '../src/cpu/index.ts';
import { bareHart, type HartMode, mips, type Subject, subjectName } from './lib/bare-hart.ts';
import { cpuWorkloads } from './lib/cpu-workloads.ts';
import { type Benchmark, formatTable, geometricMean, type Measurement, measurement } from './lib/result.ts';

/** Before the first counted run: the JavaScript engine compiles, a backend translates. */
const WARM_UP_S = 0.5;
const RUN_S = 0.5;

const suffixes: Readonly<Record<HartMode, string>> = { machine: '', supervisor: ', Sv39' };

export const cpu: Benchmark = {
  name: 'cpu',
  help: 'millions of instructions a second of each CPU backend on small programs',
  async measure(context) {
    const found: Measurement[] = [];
    for (const kind of context.backends) {
      const subject: Subject = { kind: kind as EngineKind, tier: context.tier };
      const backend = subjectName(subject);
      const medians: number[] = [];
      for (const mode of ['machine', 'supervisor'] as const) {
        for (const [name, source] of Object.entries(cpuWorkloads)) {
          context.progress(`${name}${suffixes[mode]} on ${backend}`);
          const hart = bareHart(subject, source, mode);
          mips(hart, WARM_UP_S);
          const runs = Array.from({ length: context.runs }, () => mips(hart, RUN_S));
          const result = measurement('cpu', name + suffixes[mode], backend, 'MIPS', runs);
          medians.push(result.median);
          found.push(result);
        }
      }
      found.push(measurement('cpu', 'geometric mean', backend, 'MIPS', [geometricMean(medians)]));
    }
    return found;
  },
};

/** By itself: `tsx bench/cpu.ts [--backend NAME] [--tier 0|1] [--json FILE] [--runs N]`. */
async function main(args: readonly string[]): Promise<void> {
  const option = (name: string): string | undefined => {
    const at = args.indexOf(name);
    return at < 0 ? undefined : args[at + 1];
  };
  const usable = usableEngines().filter((engine) => engine.usable);
  const backend = option('--backend');
  const tier = option('--tier');
  const measurements = await cpu.measure({
    backends: backend === undefined ? usable.map((engine) => engine.kind) : [backend],
    peers: false,
    tier: tier === undefined ? undefined : tier === '0' ? 0 : 1,
    runs: Number(option('--runs') ?? 3),
    progress: () => {},
  });
  console.log(formatTable(measurements));
  const file = option('--json');
  if (file !== undefined) writeFileSync(file, `${JSON.stringify(measurements, null, 2)}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.argv.slice(2));
