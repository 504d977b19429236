import { SeededRandom } from '../../../src/util/index.ts';
import { operations } from './operations.ts';
import { modes } from './reference.ts';
import { check, edgeTuples, randomTuple } from './support.ts';

const SEED = 0x5eed;
const RANDOM_TUPLES = process.env['NODEVISOR_TEST_FULL'] ? 100_000 : 400;

/** Every how many edge operands: all for one operand; fewer where they multiply. */
const STEPS = process.env['NODEVISOR_TEST_FULL'] ? [1, 1, 1, 3] : [1, 1, 3, 11];

describe('softfloat against exact arithmetic', () => {
  for (const operation of operations) {
    const rounding = operation.rounds ? modes.map((_, rm) => rm) : [0];

    it(`${operation.name}: edge operands in every rounding mode`, function () {
      this.timeout(600_000);
      const tuples = edgeTuples(operation, STEPS[operation.operands.length] as number);
      for (const tuple of tuples) for (const rm of rounding) check(operation, rm, tuple);
    });

    it(`${operation.name}: random operands`, function () {
      this.timeout(600_000);
      const random = new SeededRandom(SEED);
      for (let i = 0; i < RANDOM_TUPLES; i++) {
        const tuple = randomTuple(operation, random);
        for (const rm of rounding) check(operation, rm, tuple, `(seed ${SEED}, tuple ${i})`);
      }
    });
  }
});
