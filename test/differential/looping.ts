/** Loops for random programs, which by themselves run straight on: translators make other code of what comes back. */
import { type ProgramItem, programSource, type RandomProgram } from '../../src/isa/index.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { skippingHandler } from './lockstep-machine.ts';

/** Loop items are numbered from here on. */
const FIRST_LOOP = 10_000;
const LOOPS_MAX = 4;
/** Items of a loop at the most. */
const SPAN_MAX = 40;

/** Goes back to an item until it has been here a multiple of `times` (a power of two), registers as they were. */
function loopBack(index: number, to: number, times: number): ProgramItem {
  const lines = [
    `la s10, loops + ${8 * (index - FIRST_LOOP)}`,
    'ld s1, 0(s10)',
    'addi s1, s1, 1',
    'sd s1, 0(s10)',
    `andi s10, s1, ${times - 1}`,
    'mv s1, s11',
    `beqz s10, loopEnd${index}`,
    'mv s10, s11',
    `j item${to}`,
    `loopEnd${index}: mv s10, s11`,
  ];
  return { index, class: 'jump', lines };
}

/** The program with loops over some of its spans, and one over all of it. They can be left out like any item. */
export function withLoops(program: RandomProgram, passes: number): RandomProgram {
  const random = new SeededRandom(program.seed ^ 0x100b);
  const items: ProgramItem[] = [];
  let loops = 0;
  let from = 0;
  let span = 1 + random.below(SPAN_MAX);
  for (const item of program.items) {
    items.push(item);
    if (item.index < from + span) continue;
    // Every other span is a loop; a span that begins later makes room between them.
    if (loops < LOOPS_MAX && random.below(2) === 0) {
      items.push(loopBack(FIRST_LOOP + loops, from, 2 << random.below(3)));
      loops++;
    }
    from = item.index + 1;
    span = 1 + random.below(SPAN_MAX);
  }
  items.push(loopBack(FIRST_LOOP + loops, 0, passes));
  return { ...program, items };
}

/** The program as `compare` takes it: ends at `finish`, skips what traps, unless another handler is given. */
export function comparableSource(
  program: RandomProgram,
  items: readonly ProgramItem[],
  handler: string = skippingHandler,
): string {
  const after = `j finish\n.balign 4\nfinish: j finish\n${handler}\n.data\n.balign 8\nloops: .space ${8 * (LOOPS_MAX + 1)}`;
  return programSource(program, { items, after });
}
