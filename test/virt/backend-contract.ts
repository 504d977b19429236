/** What every backend must do, local or remote, with machines or without: `describeBackend` runs it over one. */
import { strict as assert } from 'node:assert';
import type { Suite } from 'mocha';
import { type Bench, foreignErrors, makeBench, type Subject } from './contract/bench.ts';
import { Coverage } from './contract/coverage.ts';
import { describeDefinitions } from './contract/definitions.ts';
import { describeDomainResources } from './contract/domain-resources.ts';
import { describeEveryCall } from './contract/every-call.ts';
import { describeFaces } from './contract/faces.ts';
import { describeForeign } from './contract/foreign.ts';
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
  describeForeign,
];

/**
 * Runs the suite over what `make` makes, anew for each test.
 * @param foreign for a driver that is none of ours: the tests, by their titles, that it is held to; others are left out.
 *   Of its errors it is held only that they are errors of libvirt's, since codes and words are that driver's own.
 */
export function describeBackend(title: string, make: () => Promise<Subject>, foreign?: readonly string[]): void {
  describe(`backend ${title}`, function () {
    let bench: Bench;

    const coverage = new Coverage();

    before(() => {
      coverage.start();
      foreignErrors(foreign !== undefined);
    });
    after(() => {
      coverage.stop();
      foreignErrors(false);
    });
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

    if (foreign !== undefined) keepOnly(this, foreign);
  });
}

/** Takes all tests out of a suite but some, each of which must be there. */
function keepOnly(suite: Suite, titles: readonly string[]): void {
  const kept = new Set<string>();
  const filter = (one: Suite) => {
    one.tests = one.tests.filter((test) => {
      if (titles.includes(test.title)) kept.add(test.title);
      return titles.includes(test.title);
    });
    for (const inner of one.suites) filter(inner);
  };
  filter(suite);
  assert.deepEqual(
    titles.filter((title) => !kept.has(title)),
    [],
    'tests that are none',
  );
}
