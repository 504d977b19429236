/** The native backend against the interpreter in tight loops over memory, all state and memory compared. */
import assert from 'node:assert/strict';
import { createEngine, NativeEngine, nativeProblem, nativeTranslates } from '../../src/cpu/index.ts';
import { type ProgramItem, shrink } from '../../src/isa/index.ts';
import { missing } from '../support/need-tool.ts';
import { type Contender, compare, type Privilege } from './lockstep-machine.ts';
import { DATA_OFFSET, memoryLoops, memoryLoopsSource } from './memory-loops.ts';
import { seedsOf } from './seeds.ts';

const contenders: readonly Contender[] = [
  { name: 'interpreter', make: (config) => createEngine('interpreter', config) },
  { name: 'tier 0', make: (config) => new NativeEngine(config, { tier: 0 }) },
  ...(nativeTranslates()
    ? [{ name: 'tier 1', make: (config) => new NativeEngine(config, { tier: 1, hotThreshold: 1 }) } satisfies Contender]
    : []),
];

/** Whole they take three and a half minutes. */
const seeds = seedsOf(3000, 60);
const INTERVALS = [100_000, 61, 1009, 7, 8191];
const LIMIT = 150_000;

describe('the native backend in loops over memory', function () {
  this.timeout(3_600_000);
  before(function () {
    if (nativeProblem() !== '') missing(this, `native CPU backend: ${nativeProblem()}`);
  });

  for (const privilege of ['machine', 'supervisor', 'user'] as const satisfies readonly Privilege[]) {
    it(`does what the interpreter does in ${privilege} mode`, async () => {
      for (const seed of seeds) {
        const { items, frames } = memoryLoops(seed);
        const every = INTERVALS[seed % INTERVALS.length] as number;
        // Comparing often takes its time: fewer instructions then.
        const limit = every < 100 ? LIMIT / 10 : LIMIT;
        const run = (some: readonly ProgramItem[]): string | undefined =>
          compare(contenders, {
            source: memoryLoopsSource(some),
            privilege,
            scatteredFrom: DATA_OFFSET,
            every,
            rounds: 1,
            limit,
          });
        if (run(items) === undefined) continue;
        const whole = (some: readonly ProgramItem[]): readonly ProgramItem[] =>
          items.filter((item) => frames.has(item) || some.includes(item));
        const loose = items.filter((item) => !frames.has(item));
        const short = whole(await shrink(loose, (some) => run(whole(some)) !== undefined));
        const lines = short.flatMap((item) => item.lines).join('\n  ');
        assert.fail(
          `LOCKSTEP_SEED=${seed}, compared every ${every}: ${run(short) ?? 'only sometimes different'}\n  ${lines}`,
        );
      }
    });
  }
});
