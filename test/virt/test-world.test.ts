import { strict as assert } from 'node:assert';
import { connect } from '../../src/index.ts';
import { describeBackend } from './backend-contract.ts';
import { emptyWorld } from './empty-world.ts';

const uri = 'test:///default';

describeBackend(uri, async () => {
  const connection = await connect(uri);
  await emptyWorld(connection);
  return {
    connection,
    again: (options) => connect(uri, options),
    poolPath: '/pools/contract',
    os: '',
    domainType: 'test',
    hasBalloon: true,
    hotplugs: true,
    networksStart: true,
    scheduler: 'fair',
    cleanUp: async () => {},
  };
});

describe('test:///default', () => {
  it('starts with a domain, a network and a pool, and afresh after its last connection', async () => {
    for (let round = 0; round < 2; round++) {
      const connection = await connect(uri);
      try {
        const domain = await connection.lookupByName('test');
        assert.equal(domain.uuid, '6695eb01-f6a4-8304-79aa-97f2502e193f');
        assert.equal(await domain.getID(), 1);
        const { state, maxMem, memory, nrVirtCpu } = await domain.getInfo();
        assert.deepEqual([state, maxMem, memory, nrVirtCpu], [1, 8_388_608n, 2_097_152n, 2]);
        assert.equal(await (await connection.networkLookupByName('default')).isActive(), true);
        assert.equal(
          (await (await connection.storagePoolLookupByName('default-pool')).getInfo()).capacity,
          107_374_182_400n,
        );
        assert.equal(await connection.getType(), 'TEST');
        assert.equal(await connection.getURI(), uri);
        assert.equal((await connection.getNodeInfo()).cpus, 16);
        assert.deepEqual(await domain.getSchedulerType(), { type: 'fair', nparams: 1 });
        assert.ok((await domain.getTime()).seconds > 0n);
        await domain.destroy();
        await domain.undefine();
      } finally {
        await connection.close();
      }
    }
  });

  it('has guests that do as they are asked, and consoles that answer', async () => {
    const connection = await connect(uri);
    try {
      const domain = await connection.lookupByName('test');
      const console = await domain.openConsole();
      console.write('echo');
      assert.equal(String((await console[Symbol.asyncIterator]().next()).value), 'echo');
      let reboots = 0;
      connection.on('reboot', () => reboots++);
      await domain.reboot();
      assert.equal(reboots, 1);
      const stopped = new Promise<number>((resolve) => {
        connection.on('lifecycle', (_domain, event, detail) => {
          if (event === 5) resolve(detail);
        });
      });
      await domain.shutdown();
      assert.equal(await stopped, 0);
    } finally {
      await connection.close();
    }
  });
});
