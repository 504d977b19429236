/** Counters read and written in loops: exact at every instruction, on all backends in step. */
import assert from 'node:assert/strict';
import { nativeProblem, Stop } from '../../src/cpu/index.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { missing } from '../support/need-tool.ts';
import { withChanging } from './contenders.ts';
import { Lockstep, type Privilege, skippingHandler } from './lockstep-machine.ts';
import { seedsOf } from './seeds.ts';

/** Under NODEVISOR_TEST_FULL about three minutes, else five seconds. */
const seeds = seedsOf(1000, 20);

const steps = [
  'csrr a0, instret\nsub a1, a0, s3\nmv s3, a0',
  'csrr a2, cycle\nadd s4, s4, a2',
  'csrr a3, time',
  'csrr a4, minstret',
  'csrr a5, mcycle',
  'csrw minstret, a1',
  'csrw mcycle, a2',
  'csrrw a6, minstret, s5',
  'csrrs a6, mcycle, s5',
  'csrwi mcountinhibit, 5',
  'csrwi mcountinhibit, 4',
  'csrwi mcountinhibit, 1',
  'csrwi mcountinhibit, 0',
  'csrr a7, mcountinhibit',
  'csrwi mcounteren, 7',
  'csrwi mcounteren, 2',
  'csrwi scounteren, 5',
  'csrwi scounteren, 7',
  'ecall',
  '.half 0',
  'ld t2, 0(sp)\nsd a0, 8(sp)',
  'fadd.d fa0, fa0, fa1\nfsqrt.d fa2, fa0',
  'beqz a1, . + 8\naddi s5, s5, 1',
  'call bump',
  'mul s6, s6, a0',
  'lr.w t2, (sp)\nsc.w t3, t2, (sp)',
  'fence.i',
  'sfence.vma',
  'wfi',
];

function program(seed: number): string {
  const random = new SeededRandom(seed ^ 0xc0de);
  const loop = (n: number): string =>
    [
      `li s8, ${2 + random.below(12)}`,
      `loop${n}:`,
      ...Array.from({ length: 1 + random.below(10) }, () => random.pick(steps)),
      `addi s8, s8, -1\nbgtz s8, loop${n}`,
    ].join('\n');
  return [
    'start: la sp, stack',
    ...Array.from({ length: 6 }, (_, n) => loop(n)),
    'j finish',
    'bump: addi s7, s7, 1\nret',
    '.balign 4\nfinish: j finish',
    skippingHandler,
    '.balign 16\nstack: .space 64',
  ].join('\n');
}

/** In which WFI does not wait: it is pending and enabled, but not let in. */
const PENDING = 1n << 3n;

describe('counters in loops', function () {
  this.timeout(3_600_000);
  before(function () {
    if (nativeProblem() !== '') missing(this, `native CPU backend: ${nativeProblem()}`);
  });

  for (const privilege of ['machine', 'supervisor', 'user'] as const satisfies readonly Privilege[]) {
    it(`are exact wherever they are read, in ${privilege} mode`, () => {
      for (const seed of seeds) {
        const most = [1, 50, 5000][seed % 3] as number;
        const random = new SeededRandom(seed);
        const lockstep = new Lockstep(withChanging(seed, 20), { source: program(seed), privilege });
        const finish = lockstep.symbols.get('finish');
        lockstep.each(({ hart: { state } }) => {
          state.set('mcounteren', 7n);
          state.set('scounteren', 7n);
          if (privilege !== 'machine') return;
          state.set('mie', PENDING);
          state.set32('irqLines', Number(PENDING));
        });
        try {
          for (let ran = 0; ran < 20_000 && lockstep.pc() !== finish; ) {
            const budget = 1 + random.below(most);
            const before = lockstep.sides.map(({ hart }) => hart.state.get('retired'));
            const differs = lockstep.run(budget);
            assert.equal(differs, undefined, `LOCKSTEP_SEED=${seed}, compared every ${most}, in ${privilege} mode`);
            lockstep.sides.forEach(({ name, hart }, i) => {
              const retired = Number(hart.state.get('retired') - (before[i] as bigint));
              assert.ok(retired <= budget, `LOCKSTEP_SEED=${seed}: ${name} ran ${retired} of ${budget}`);
            });
            ran += budget;
            if (lockstep.stop !== Stop.Budget && lockstep.stop !== Stop.Wfi) break;
          }
          assert.equal(lockstep.memory(), undefined, `LOCKSTEP_SEED=${seed}`);
        } finally {
          lockstep.close();
        }
      }
    });
  }
});
