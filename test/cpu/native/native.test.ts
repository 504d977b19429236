/** The contract over the native backend: its interpreter alone, and everything translated at its first execution. */
import { NativeEngine, type NativeOptions, nativeProblem, nativeTranslates } from '../../../src/cpu/index.ts';
import { missing } from '../../support/need-tool.ts';
import { describeEngine } from '../contract.ts';

const tiers: readonly (readonly [name: string, options: NativeOptions, problem: string])[] = [
  ['tier 0', { tier: 0 }, nativeProblem()],
  ['tier 1', { tier: 1, hotThreshold: 1 }, nativeProblem() || (nativeTranslates() ? '' : 'no translator on this host')],
];

for (const [name, options, problem] of tiers) {
  describe(`native ${name}`, () => {
    if (problem !== '') {
      it('works on this host', function () {
        missing(this, `native backend ${name}: ${problem}`);
      });
      return;
    }
    describeEngine('native', (config) => new NativeEngine(config, options));
  });
}
