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
