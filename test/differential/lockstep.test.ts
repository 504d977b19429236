/** The native backend against the interpreter: random programs and edge operands, all state compared. */
import assert from 'node:assert/strict';
import { createEngine, NativeEngine, nativeProblem, nativeTranslates } from '../../src/cpu/index.ts';
import { insns } from '../../src/isa/index.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { missing } from '../support/need-tool.ts';
import { type Contender, compare, skippingHandler } from './lockstep-machine.ts';
import { describeDifference, findDifference, type Setting } from './lockstep-programs.ts';
import { seedsOf } from './seeds.ts';

const interpreter: Contender = { name: 'interpreter', make: (config) => createEngine('interpreter', config) };
const tier0: Contender = { name: 'tier 0', make: (config) => new NativeEngine(config, { tier: 0 }) };
const tier1: Contender = {
  name: 'tier 1',
  make: (config) => new NativeEngine(config, { tier: 1, hotThreshold: 1 }),
};
const contenders = nativeTranslates() ? [interpreter, tier0, tier1] : [interpreter, tier0];

/** Whole they take about ten minutes, as a sample half one. */
const seeds = seedsOf(2000, 40);

const settings: readonly Omit<Setting, 'every'>[] = [
  { privilege: 'machine', traps: false },
  { privilege: 'machine', traps: true },
  { privilege: 'supervisor', traps: true },
  { privilege: 'user', traps: true },
];

/** Instructions between two comparisons: `LOCKSTEP_EVERY`, or these in turn. */
const steps = process.env['LOCKSTEP_EVERY'] ? [Number(process.env['LOCKSTEP_EVERY'])] : [1, 7, 64, 300, 100_000];

describe('native backend in lockstep with the interpreter', function () {
  this.timeout(3_600_000);
  before(function () {
    if (nativeProblem() !== '') missing(this, `native CPU backend: ${nativeProblem()}`);
  });

  for (const setting of settings) {
    it(`random programs in ${setting.privilege} mode ${setting.traps ? 'with' : 'without'} traps`, async () => {
      for (const seed of seeds) await runSeed(seed, setting);
    });
  }

  for (const dynamic of [false, true]) {
    it(`every floating-point instruction over edge operands, rounding mode ${dynamic ? 'in frm' : 'static'}`, () => {
      for (let mode = 0; mode < 5; mode++) floatEdges(mode, dynamic);
    });
  }
});

async function runSeed(seed: number, { privilege, traps }: Omit<Setting, 'every'>): Promise<void> {
  const setting: Setting = { privilege, traps, every: steps[seed % steps.length] as number };
  const difference = await findDifference(contenders, seed, setting);
  if (difference !== undefined) assert.fail(describeDifference(difference, setting));
}

const doubles = [
  ...[0x0000000000000000n, 0x0000000000000001n, 0x000fffffffffffffn, 0x0010000000000000n, 0x0010000000000001n],
  ...[0x3ca0000000000000n, 0x3fefffffffffffffn, 0x3ff0000000000000n, 0x3ff0000000000001n, 0x3ff8000000000000n],
  ...[0x4000000000000000n, 0x4004000000000000n, 0x400c000000000000n, 0x41dfffffffc00000n, 0x41dfffffffe00000n],
  ...[0x41e0000000000000n, 0x41efffffffe00000n, 0x41f0000000000000n, 0x43dfffffffffffffn, 0x43e0000000000000n],
  ...[0x43f0000000000000n, 0x380fffffffffffffn, 0x3810000000000000n, 0x369fffffffffffffn, 0x47efffffe0000000n],
  ...[0x47efffffefffffffn, 0x47efffffffffffffn, 0x7fefffffffffffffn, 0x7ff0000000000000n, 0x7ff8000000000000n],
  ...[0x7ff0000000000001n, 0x7ffdeadbeef00000n],
];
const singles = [
  ...[0x00000000n, 0x00000001n, 0x007fffffn, 0x00800000n, 0x00800001n, 0x33800000n, 0x3f7fffffn, 0x3f800000n],
  ...[0x3f800001n, 0x3fc00000n, 0x40000000n, 0x40200000n, 0x40600000n, 0x4effffffn, 0x4f000000n, 0x4f7fffffn],
  ...[0x4f800000n, 0x5effffffn, 0x5f000000n, 0x5f800000n, 0x7f7fffffn, 0x7f800000n, 0x7fc00000n, 0x7f800001n],
  ...[0x7fdeadben],
];
const integers = [
  ...[0n, 1n, 2n, 3n, 0x7fn, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0xfffffffe80000001n, 0x7fffffffffffffffn],
  ...[0x8000000000000000n, 0xffffffffffffffffn, 0x0020000000000001n, 0x001fffffffffffffn, 0x0000000001000001n],
  ...[0x7ffffffffffffdffn, 0x7ffffffffffffe00n, 0xfffffffffffffbffn],
];

/** Operands of both signs; singles also without their boxes. */
function operands(file: 'x' | 'f', isSingle: boolean): bigint[] {
  if (file === 'x') return integers;
  if (!isSingle) return [...doubles, ...doubles.map((v) => v | (1n << 63n))];
  const boxed = [...singles, ...singles.map((v) => v | (1n << 31n))].map((v) => v | 0xffffffff00000000n);
  return [...boxed, 0x3ff000003f800000n, 0xfffffffe00000000n];
}

const rmNames = ['rne', 'rtz', 'rdn', 'rup', 'rmm'];
const SAMPLES = 700;

/** Runs every floating-point instruction that computes over tuples of operands and compares results and flags. */
function floatEdges(mode: number, dynamic: boolean): void {
  const random = new SeededRandom(mode);
  for (const insn of insns) {
    if (!insn.needsFs || insn.memory !== undefined || insn.name.startsWith('fli')) continue;
    if (!insn.usesRm && (mode > 0 || dynamic)) continue;
    const isSingle = insn.name.endsWith('.s') || insn.name === 'fmv.x.w';
    const lists = insn.reads.map((use) => operands(use.file, isSingle));
    const total = lists.reduce((n, list) => n * list.length, 1);
    const tuples = Array.from({ length: Math.min(total, SAMPLES) }, (_, i) => {
      let at = total <= SAMPLES ? i : random.below(total);
      return lists.map((list) => {
        const value = list[at % list.length]!;
        at = Math.floor(at / list.length);
        return value;
      });
    });
    const problem = compare(contenders, {
      source: tableProgram(insn.name, insn, tuples, mode, dynamic),
      privilege: 'machine',
      every: 50_000,
      rounds: 1,
      limit: 10_000_000,
    });
    if (problem !== undefined) assert.fail(`${insn.name}, rounding mode ${mode}: ${problem}`);
  }
}

function tableProgram(
  name: string,
  insn: (typeof insns)[number],
  tuples: readonly (readonly bigint[])[],
  mode: number,
  dynamic: boolean,
): string {
  const registers = insn.reads.map((use, i) => (use.file === 'f' ? `fa${i}` : `a${i + 2}`));
  const toInteger = insn.writes[0]?.file === 'x';
  // With a static mode frm is the same every other time, so that both ways through a translator are taken.
  const frm = dynamic ? mode : insn.usesRm ? (mode + (tuples.length % 2)) % 5 : 0;
  const rm = insn.usesRm ? [dynamic ? 'dyn' : rmNames[mode]] : [];
  const arity = registers.length;
  return [
    `start: li t0, 0x6000\n csrs mstatus, t0\n csrwi frm, ${frm}`,
    `la s0, tuples\n la s1, results\n li s2, ${tuples.length}`,
    '1: csrwi fflags, 0',
    ...registers.map((r, i) => `${r.startsWith('f') ? 'fld' : 'ld'} ${r}, ${8 * i}(s0)`),
    `${name} ${[toInteger ? 'a0' : 'fa5', ...registers, ...rm].join(', ')}`,
    `${toInteger ? 'sd a0' : 'fsd fa5'}, 0(s1)`,
    'csrr a1, fflags\n sd a1, 8(s1)',
    `addi s0, s0, ${8 * arity}\n addi s1, s1, 16\n addi s2, s2, -1\n bnez s2, 1b`,
    'finish: j finish',
    skippingHandler,
    '.data\n.balign 8\ntuples:',
    ...tuples.flat().map((v) => `.dword 0x${v.toString(16)}`),
    `results: .space ${16 * tuples.length}`,
  ].join('\n');
}
