/** A hart that goes on with another backend at any instruction ends as one that stays with the interpreter. */
import { strict as assert } from 'node:assert';
import { createEngine, NativeEngine, nativeProblem, nativeTranslates } from '../../src/cpu/index.ts';
import { missing } from '../support/need-tool.ts';
import type { Contender } from './lockstep-machine.ts';
import { describeDifference, findDifference, type Setting } from './lockstep-programs.ts';
import { seedsOf } from './seeds.ts';
import { switchingEngine } from './switching-engine.ts';

const seeds = seedsOf(1000, 25);

const interpreter: Contender = { name: 'interpreter', make: (config) => createEngine('interpreter', config) };
const makers: Contender['make'][] = [
  interpreter.make,
  (config) => new NativeEngine(config, { tier: 0 }),
  ...(nativeTranslates()
    ? ([(config) => new NativeEngine(config, { tier: 1, hotThreshold: 1 })] satisfies Contender['make'][])
    : []),
];

describe('a hart that changes its backend', function () {
  this.timeout(3_600_000);
  before(function () {
    if (nativeProblem() !== '') missing(this, `native CPU backend: ${nativeProblem()}`);
  });

  const settings: readonly Setting[] = [
    { privilege: 'machine', traps: true, every: 1000 },
    { privilege: 'supervisor', traps: true, every: 1000 },
    { privilege: 'user', traps: true, every: 1000 },
  ];
  for (const [longest, how] of [
    [1, 'after every instruction'],
    [12, 'every few instructions'],
    [3000, 'now and then'],
  ] as const) {
    for (const setting of settings) {
      it(`${how}, runs random programs in ${setting.privilege} mode as one that does not`, async () => {
        let switches = 0;
        for (const seed of seeds) {
          const changing: Contender = {
            name: 'changing',
            make: (config) => switchingEngine(makers, config, { seed, longest, onSwitch: () => switches++ }),
          };
          const difference = await findDifference([interpreter, changing], seed, setting);
          if (difference !== undefined) assert.fail(describeDifference(difference, setting));
        }
        assert.ok(switches > seeds.length, `only ${switches} switches`);
      });
    }
  }
});
