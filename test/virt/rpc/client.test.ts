import { connect } from '../../../src/index.ts';
import { describeBackend } from '../backend-contract.ts';
import { emptyWorld } from '../empty-world.ts';
import { connectThroughWire } from './support.ts';

describeBackend('client over the wire', async () => {
  // Held open: the world ends with its last connection.
  const own = await connect('test:///default');
  await emptyWorld(own);
  const { connection } = await connectThroughWire();
  return {
    connection,
    again: async (options) => (await connectThroughWire(options)).connection,
    poolPath: '/pools/contract',
    os: '',
    domainType: 'test',
    hasBalloon: true,
    hotplugs: true,
    networksStart: true,
    scheduler: 'fair',
    cleanUp: () => own.close(),
  };
});
