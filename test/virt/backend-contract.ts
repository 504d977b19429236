/** What every backend must do, local or remote, with machines or without: `describeBackend` runs it over one. */
import { strict as assert } from 'node:assert';
import { type Bench, makeBench, type Subject } from './contract/bench.ts';
import { Coverage } from './contract/coverage.ts';
import { describeDefinitions } from './contract/definitions.ts';
import { describeDomainResources } from './contract/domain-resources.ts';
import { describeEveryCall } from './contract/every-call.ts';
import { describeFaces } from './contract/faces.ts';
import { describeHost } from './contract/host.ts';
import { describeLifeCycle } from './contract/life-cycle.ts';
import { describeResources } from './contract/resources.ts';

export { record, rejects, type Subject, until } from './contract/bench.ts';

const suites = [
  describeLifeCycle,
  describeDefinitions,
  describeFaces,
  describeResources,
  describeHost,
  describeDomainResources,
  describeEveryCall,
];

/** Runs the suite over what `make` makes, anew for each test. */
export function describeBackend(title: string, make: () => Promise<Subject>): void {
  describe(`backend ${title}`, () => {
    let bench: Bench;

    const coverage = new Coverage();

    before(() => coverage.start());
    after(() => coverage.stop());
    beforeEach(async () => {
      const subject = await make();
      coverage.watch(subject.connection.backend);
      bench = makeBench(subject);
    });
    afterEach(async () => {
      await bench.connection.close();
      await bench.subject.cleanUp();
    });

    for (const suite of suites) suite(() => bench);

    describe('coverage', () => {
      it('has every procedure and every verb called', () => {
        assert.deepEqual(coverage.missing.join(' '), '');
      });
    });
  });
}
