import type { BenchContext } from './result.ts';

/** What is measured, by the name of who does it: a CPU backend, `qemu-tcg`, `host`. */
export type Subjects<T> = ReadonlyMap<string, () => Promise<T>>;

/**
 * Every subject `context.runs` times, in turn: run n of one and run n of another are neighbours in time, so that what
 * the host does meanwhile is fair to all, and the two can be compared as a pair. Every other run goes through them
 * backwards: what one leaves behind, such as memory, is not always the same one's to find.
 */
export async function inTurn<T>(
  context: BenchContext,
  bench: string,
  subjects: Subjects<T>,
): Promise<Map<string, T[]>> {
  const found = new Map<string, T[]>([...subjects.keys()].map((subject) => [subject, []]));
  for (let run = 1; run <= context.runs; run++) {
    for (const [subject, measure] of run % 2 === 1 ? [...subjects] : [...subjects].reverse()) {
      context.progress(`${bench} on ${subject}, run ${run} of ${context.runs}`);
      found.get(subject)?.push(await measure());
    }
  }
  return found;
}
