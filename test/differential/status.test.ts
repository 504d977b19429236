/** Supervisors that switch interrupts off and on, on the native backend and the interpreter, all state compared. */
import assert from 'node:assert/strict';
import { createEngine, NativeEngine, nativeProblem, nativeTranslates } from '../../src/cpu/index.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { missing } from '../support/need-tool.ts';
import { type Contender, compare, skippingHandler } from './lockstep-machine.ts';
import { seedsOf } from './seeds.ts';

const contenders: readonly Contender[] = [
  { name: 'interpreter', make: (config) => createEngine('interpreter', config) },
  { name: 'tier 0', make: (config) => new NativeEngine(config, { tier: 0 }) },
  ...(nativeTranslates()
    ? [{ name: 'tier 1', make: (config) => new NativeEngine(config, { tier: 1, hotThreshold: 1 }) } satisfies Contender]
    : []),
];

/** Whole they take four minutes. */
const seeds = seedsOf(2000, 80);

/** Puts the hart into S-mode with its software interrupt delegated; the handler counts and says where it came from. */
const intoSupervisor = `
start:
  li t0, -1
  srli t0, t0, 10
  csrw pmpaddr0, t0
  li t0, 0x1f
  csrw pmpcfg0, t0
  csrwi mideleg, 2
  csrwi mie, 2
  la t0, letIn
  csrw stvec, t0
  la t0, supervisor
  csrw mepc, t0
  li t0, 0x1800
  csrc mstatus, t0
  li t0, 0x6800
  csrs mstatus, t0
  mret
  .balign 4
letIn:
  csrci sip, 2
  addi s2, s2, 1
  csrr t0, sepc
  slli s3, s3, 3
  xor s3, s3, t0
  csrr t0, sstatus
  xor s3, s3, t0
  sret`;

const steps = [
  'csrrci a0, sstatus, 2',
  'csrci sstatus, 2',
  'csrrsi a1, sstatus, 2',
  'csrsi sstatus, 2',
  'andi a3, a0, 2\ncsrrs a4, sstatus, a3',
  'csrs sstatus, a5',
  'csrc sstatus, a5',
  'csrrc a2, sstatus, a6',
  'csrrs a2, sstatus, a6',
  'csrr a7, sstatus',
  'csrrs a5, sstatus, a5',
  'csrrw a2, sstatus, a4',
  'csrsi sip, 2',
  'csrci sip, 2',
  'xor s4, s4, a0',
  'xor s4, s4, a2',
  'add s5, s5, a7',
  'addw s6, s6, s5',
  'fadd.d fa0, fa0, fa1',
  'beqz a3, 1f\naddi s7, s7, 1\n1:',
];
/** SIE, SPIE, SPP, SUM, MXR, FS, all of them, and what has no place in sstatus. */
const operands = [0x2, 0x20, 0x100, 0x122, 0x4_0000, 0x8_0000, 0x6000, 0x2000, 0xc_6122, 0x1888, 0];

function program(seed: number): string {
  const random = new SeededRandom(seed);
  const of = <T>(from: readonly T[]): T => from[random.below(from.length)] as T;
  const loop = (n: number): string =>
    [
      `li a5, ${of(operands)}\nli a6, ${of(operands)}\nli s8, ${2 + random.below(30)}`,
      `again${n}:`,
      ...Array.from({ length: 1 + random.below(12) }, () => of(steps)),
      `addi s8, s8, -1\nbnez s8, again${n}`,
    ].join('\n');
  return [
    intoSupervisor,
    'supervisor:',
    ...Array.from({ length: 4 }, (_, n) => loop(n)),
    'j finish\n.balign 4\nfinish: j finish',
    skippingHandler,
  ].join('\n');
}

describe('sstatus on the native backend', function () {
  this.timeout(3_600_000);
  before(function () {
    if (nativeProblem() !== '') missing(this, `native CPU backend: ${nativeProblem()}`);
  });

  for (const every of [1, 5, 100_000]) {
    it(`changes, and lets interrupts in, as on the interpreter: compared every ${every}`, () => {
      for (const seed of seeds) {
        const source = program(seed);
        const problem = compare(contenders, { source, privilege: 'machine', every, rounds: 2, limit: 20_000 });
        if (problem !== undefined) assert.fail(`LOCKSTEP_SEED=${seed}: ${problem}\n${source.split('supervisor:')[1]}`);
      }
    });
  }
});
