/** Page tables that change under running code: all backends, and one that changes between them, in step. */
import assert from 'node:assert/strict';
import { nativeProblem, Stop } from '../../src/cpu/index.ts';
import { type ProgramItem, shrink } from '../../src/isa/index.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { missing } from '../support/need-tool.ts';
import { prepareSpaces } from './address-space-world.ts';
import { spaceOperations, spacesSource } from './address-spaces.ts';
import { withChanging } from './contenders.ts';
import { BASE, Lockstep } from './lockstep-machine.ts';
import { seedsOf } from './seeds.ts';

/** Under NODEVISOR_TEST_FULL about five minutes, else ten seconds. */
const seeds = seedsOf(3000, 80);
const LIMIT = 60_000;

/** Runs operations of a seed, compared after every instruction, every few, or seldom; what differs. */
function differenceOf(seed: number, items: readonly ProgramItem[]): string | undefined {
  const most = [1, 40, 100_000][seed % 3] as number;
  const random = new SeededRandom(seed);
  const lockstep = new Lockstep(withChanging(seed, 20), {
    source: spacesSource(seed, items),
    privilege: 'machine',
    prepare: prepareSpaces(seed),
  });
  const finish = lockstep.symbols.get('finish');
  try {
    for (let round = 0; round < 2; round++) {
      for (let ran = 0; ran < (most === 1 ? LIMIT / 10 : LIMIT); ) {
        const budget = 1 + random.below(most);
        const differs = lockstep.run(budget) ?? (most === 1 ? undefined : lockstep.memory());
        ran += budget;
        if (differs !== undefined) return `round ${round}, within ${ran} instructions: ${differs}`;
        // A word that two pages make up may be a load of anything, devices behind the end of memory included.
        if (lockstep.stop === Stop.Mmio) lockstep.each(({ hart }) => hart.completeMmio(0x5a, 0));
        else if (lockstep.stop !== Stop.Budget) return `stop ${lockstep.stop}`;
        if (lockstep.pc() === finish) break;
      }
      const differs = lockstep.memory();
      if (differs !== undefined) return `round ${round}: ${differs}`;
      lockstep.each(({ hart }) => {
        hart.state.set('pc', BASE);
        hart.state.set32('priv', 3);
      });
    }
    return undefined;
  } finally {
    lockstep.close();
  }
}

describe('page tables that change under running code', function () {
  this.timeout(3_600_000);
  before(function () {
    if (nativeProblem() !== '') missing(this, `native CPU backend: ${nativeProblem()}`);
  });

  it('have the same effect on every backend, with the weakest fences', async () => {
    for (const seed of seeds) {
      const items = spaceOperations(seed);
      if (differenceOf(seed, items) === undefined) continue;
      const short = await shrink(items, (some) => differenceOf(seed, some) !== undefined);
      const problem = differenceOf(seed, short) ?? 'only sometimes different';
      assert.fail(`LOCKSTEP_SEED=${seed}: ${problem}\n  ${short.flatMap((item) => item.lines).join('\n  ')}`);
    }
  });
});
