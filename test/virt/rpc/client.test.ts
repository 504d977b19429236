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
    again: async () => (await connectThroughWire()).connection,
    poolPath: '/pools/contract',
    os: '',
    domainType: 'test',
    hasBalloon: true,
    networksStart: true,
    cleanUp: () => own.close(),
  };
});
