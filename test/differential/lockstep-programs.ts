/** Looks for random programs that backends run differently, and makes the first one short. */
import { type ProgramItem, randomProgram, shrink } from '../../src/isa/index.ts';
import { type Comparison, type Contender, compare, type Privilege } from './lockstep-machine.ts';
import { comparableSource, withLoops } from './looping.ts';

/** How programs are made and run. */
export interface Setting {
  readonly privilege: Privilege;
  readonly traps: boolean;
  /** Instructions between two comparisons of all state. */
  readonly every: number;
}

/** A program that is run differently, as short as could be found. */
export interface Difference {
  readonly seed: number;
  readonly items: readonly ProgramItem[];
  /** What differs in the short program, and in the one it was made from. */
  readonly problem: string;
  readonly firstProblem: string;
}

const ITEMS = 150;

/** Runs the program of a seed on all contenders. undefined: they agree. */
export async function findDifference(
  contenders: readonly Contender[],
  seed: number,
  { privilege, traps, every }: Setting,
): Promise<Difference | undefined> {
  const straight = randomProgram({ seed, length: ITEMS, classes: { trap: traps ? 4 : 0 } });
  // Comparing after each instruction takes its time: fewer of them then.
  const program = withLoops(straight, every === 1 ? 2 : 8);
  const run = (items: readonly ProgramItem[]): string | undefined => {
    const source = comparableSource(program, items);
    return compare(contenders, { source, privilege, every, rounds: every === 1 ? 1 : 3 } satisfies Comparison);
  };
  const firstProblem = run(program.items);
  if (firstProblem === undefined) return undefined;
  const items = await shrink(program.items, (some) => run(some) !== undefined);
  return { seed, items, firstProblem, problem: run(items) ?? 'only sometimes different' };
}

/** A difference for people, with what it takes to see it again. */
export function describeDifference({ seed, items, problem, firstProblem }: Difference, setting: Setting): string {
  const lines = items.flatMap((item) => item.lines).join('\n  ');
  return (
    `LOCKSTEP_SEED=${seed} LOCKSTEP_EVERY=${setting.every} (${setting.privilege} mode): ${problem}\n  ${lines}\n` +
    `(as generated: ${firstProblem})`
  );
}
