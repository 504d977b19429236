import { type EngineKind, usableEngines } from '../../src/cpu/index.ts';
import { missing } from './need-tool.ts';

/**
 * Describes the same tests for every CPU backend. One that does not work on this host is skipped visibly, with the
 * reason; where nothing may be missing (CI) it fails instead.
 */
export function forEachBackend(tests: (backend: EngineKind) => void): void {
  for (const { kind, usable, reason } of usableEngines()) {
    if (usable) tests(kind);
    else {
      it(`CPU backend ${kind}`, function () {
        missing(this, reason);
      });
    }
  }
}

/**
 * Describes tests for the fastest CPU backend that works, and for all of them when NODEVISOR_TEST_FULL is set: for those
 * that take long, and ask of the CPU nothing that others on each backend do not.
 */
export function forFastestBackend(tests: (backend: EngineKind) => void): void {
  const fastest = usableEngines().find(({ usable }) => usable);
  if (process.env['NODEVISOR_TEST_FULL'] || fastest === undefined) forEachBackend(tests);
  else tests(fastest.kind);
}
