/** The CPU backends that are compared with each other, everything translated at its first execution. */
import { createEngine, NativeEngine, nativeTranslates } from '../../src/cpu/index.ts';
import type { Contender } from './lockstep-machine.ts';
import { switchingEngine } from './switching-engine.ts';

const interpreter: Contender = { name: 'interpreter', make: (config) => createEngine('interpreter', config) };

/** The interpreter first, then what the native backend has on this host. */
export const contenders: readonly Contender[] = [
  interpreter,
  { name: 'tier 0', make: (config) => new NativeEngine(config, { tier: 0 }) },
  ...(nativeTranslates()
    ? [{ name: 'tier 1', make: (config) => new NativeEngine(config, { tier: 1, hotThreshold: 1 }) } satisfies Contender]
    : []),
];

/** All of them, and one that goes on with another of them after at most `longest` instructions. */
export function withChanging(seed: number, longest: number): readonly Contender[] {
  const makers = contenders.map(({ make }) => make);
  return [...contenders, { name: 'changing', make: (config) => switchingEngine(makers, config, { seed, longest }) }];
}
