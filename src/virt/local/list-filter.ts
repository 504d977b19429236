/** Pairs of flags of a list call: one asks for objects of which something holds, the other for those of which not. */
export type FlagPair = readonly [yes: number, holds: boolean, no: number];

/** Whether an object is asked for: in each pair with a flag set, one that is set must fit. */
export function selects(flags: number, pairs: readonly FlagPair[]): boolean {
  return pairs.every(([yes, holds, no]) => (flags & (yes | no)) === 0 || (flags & (holds ? yes : no)) !== 0);
}
