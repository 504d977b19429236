import { usableEngines } from '../../src/cpu/index.ts';
import { describeHypervisor } from './contract.ts';

for (const { kind, usable, reason } of usableEngines()) {
  if (usable) describeHypervisor(kind);
  else {
    describe(`hypervisor on ${kind}`, () => {
      it('does all that is expected of it', function () {
        console.log(`      skipped: ${reason}`);
        this.skip();
      });
    });
  }
}
