import { VirtError } from '../util/index.ts';
import type { CpuEngine, EngineConfig, EngineKind } from './engine.ts';
import { Interpreter } from './interp/index.ts';
import { NativeEngine, nativeProblem } from './native/index.ts';

/** A backend of this build, and whether it works on this host. */
export interface EngineInfo {
  readonly kind: EngineKind;
  readonly usable: boolean;
  /** Why it is not usable, for people; empty when it is. */
  readonly reason: string;
}

/** The backends of this build, the fastest first: `auto` means the first usable one. */
export function usableEngines(): readonly EngineInfo[] {
  const problem = nativeProblem();
  return [
    { kind: 'native', usable: problem === '', reason: problem },
    { kind: 'interpreter', usable: true, reason: '' },
  ];
}

/**
 * Makes an engine of the given kind, or with `auto` of the first usable kind. Throws INVALID_ARG for a kind that this
 * build does not have.
 */
export function createEngine(kind: EngineKind | 'auto', config: EngineConfig): CpuEngine {
  const chosen = kind === 'auto' ? usableEngines().find((engine) => engine.usable)?.kind : kind;
  if (chosen === 'interpreter') return new Interpreter(config);
  if (chosen === 'native') return new NativeEngine(config);
  const known = usableEngines().map((engine) => engine.kind);
  throw new VirtError('INVALID_ARG', `no CPU backend '${kind}' in this build: it has ${known.join(', ')}`, {
    data: { kind, known },
  });
}
