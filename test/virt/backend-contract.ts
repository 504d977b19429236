/** What every backend must do, local or remote, with machines or without: `describeBackend` runs it over one. */
import { type Bench, makeBench, type Subject } from './contract/bench.ts';
import { describeDefinitions } from './contract/definitions.ts';
import { describeFaces } from './contract/faces.ts';
import { describeLifeCycle } from './contract/life-cycle.ts';
import { describeResources } from './contract/resources.ts';

export { record, rejects, type Subject, until } from './contract/bench.ts';

/** Runs the suite over what `make` makes, anew for each test. */
export function describeBackend(title: string, make: () => Promise<Subject>): void {
  describe(`backend ${title}`, () => {
    let bench: Bench;

    beforeEach(async () => {
      bench = makeBench(await make());
    });
    afterEach(async () => {
      await bench.connection.close();
      await bench.subject.cleanUp();
    });

    for (const suite of [describeLifeCycle, describeDefinitions, describeFaces, describeResources]) suite(() => bench);
  });
}
