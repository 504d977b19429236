/** Speed of floating-point instructions on each CPU backend, by what can be known of their rounding. */
import { pathToFileURL } from 'node:url';
import { type EngineKind, usableEngines } from '../src/cpu/index.ts';
import { bareHart, mips, type Subject, subjectName } from './lib/bare-hart.ts';
import { type Benchmark, formatTable, geometricMean, type Measurement, measurement } from './lib/result.ts';

const WARM_UP_S = 0.3;
const RUN_S = 0.3;
/** Copies of the instruction in the loop: the loop itself is two more. */
const COPIES = 64;

const instructions: Readonly<Record<string, string>> = {
  'fadd.d': 'fadd.d fa2, fa0, fa1',
  'fmul.d': 'fmul.d fa2, fa0, fa1',
  'fdiv.d': 'fdiv.d fa2, fa0, fa1',
  'fsqrt.d': 'fsqrt.d fa2, fa0',
  'fmadd.d': 'fmadd.d fa2, fa0, fa1, fa3',
  'fadd.s': 'fadd.s ft2, ft0, ft1',
  'fmul.s': 'fmul.s ft2, ft0, ft1',
  'fdiv.s': 'fdiv.s ft2, ft0, ft1',
  'fmadd.s': 'fmadd.s ft2, ft0, ft1, ft3',
  'fcvt.s.d': 'fcvt.s.d ft2, fa0',
  'fcvt.d.l': 'fcvt.d.l fa2, a0',
  'fcvt.w.d': 'fcvt.w.d a1, fa0, rtz',
  'fcvt.l.d': 'fcvt.l.d a1, fa0, rtz',
  'flt.d': 'flt.d a1, fa0, fa1',
  'fmin.d': 'fmin.d fa2, fa0, fa1',
  'fsgnj.d': 'fsgnj.d fa2, fa0, fa1',
  'fmv.d': 'fmv.d fa2, fa0',
  'fmv.d.x': 'fmv.d.x fa2, a0',
};

/** Operands, and rounding mode: what the instructions have to find out differs. */
const situations = {
  /** NX is set by the first round and stays. */
  inexact: { a: 1.1, b: 0.7, c: -1e3 / 3, mode: 0 },
  /** Results are exact: NX must not be set. */
  exact: { a: 6.25, b: 2.5, c: 10, mode: 0 },
  /** Nothing that the host's arithmetic could do. */
  'towards zero': { a: 1.1, b: 0.7, c: -1e3 / 3, mode: 1 },
} as const;

function program(instruction: string, { a, b, c, mode }: (typeof situations)[keyof typeof situations]): string {
  const bits = (value: number) => new BigUint64Array(Float64Array.of(value).buffer)[0];
  const load = (value: number, d: string, s: string) => [
    `li a0, ${bits(value)}`,
    `fmv.d.x ${d}, a0`,
    `fcvt.s.d ${s}, ${d}`,
  ];
  return [
    ...load(a, 'fa0', 'ft0'),
    ...load(b, 'fa1', 'ft1'),
    ...load(c, 'fa3', 'ft3'),
    'li a0, 123456789',
    `li t0, ${mode << 5}`,
    'fscsr t0',
    '1:',
    ...Array.from({ length: COPIES }, () => instruction),
    'addi s11, s11, 1',
    'j 1b',
  ].join('\n');
}

export const float: Benchmark = {
  name: 'float',
  help: 'millions of floating-point instructions a second of each CPU backend',
  async measure(context) {
    const found: Measurement[] = [];
    for (const kind of context.backends) {
      const subject: Subject = { kind: kind as EngineKind, tier: context.tier };
      const backend = subjectName(subject);
      for (const [situation, operands] of Object.entries(situations)) {
        const medians: number[] = [];
        for (const [name, instruction] of Object.entries(instructions)) {
          context.progress(`${name}, ${situation}, on ${backend}`);
          const hart = bareHart(subject, program(instruction, operands), 'machine');
          mips(hart, WARM_UP_S);
          const runs = Array.from({ length: context.runs }, () => mips(hart, RUN_S));
          const result = measurement('float', `${name}, ${situation}`, backend, 'MIPS', runs);
          medians.push(result.median);
          found.push(result);
        }
        found.push(measurement('float', `geometric mean, ${situation}`, backend, 'MIPS', [geometricMean(medians)]));
      }
    }
    return found;
  },
};

/** By itself: `tsx bench/float.ts [--runs N]`. */
async function main(args: readonly string[]): Promise<void> {
  const at = args.indexOf('--runs');
  const measurements = await float.measure({
    backends: usableEngines()
      .filter((engine) => engine.usable)
      .map((engine) => engine.kind),
    peers: false,
    runs: at < 0 ? 1 : Number(args[at + 1]),
    progress: () => {},
  });
  console.log(formatTable(measurements));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.argv.slice(2));
