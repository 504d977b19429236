/** Our client and Debian's libvirtd: the contract's suite as far as libvirt's own drivers keep to it, and the rest. */
import { strict as assert } from 'node:assert';
import { connect, VirtError } from '../../../../src/index.ts';
import { HostClock, SeededRandom, silentLogger } from '../../../../src/util/index.ts';
import { RpcClient } from '../../../../src/virt/rpc/client/rpc-client.ts';
import { connectUnix } from '../../../../src/virt/rpc/client/transport.ts';
import type { Procedure } from '../../../../src/virt/rpc/procedure.ts';
import { procedures, sessionProcedures } from '../../../../src/virt/rpc/procedures/index.ts';
import { needTool } from '../../../support/need-tool.ts';
import { describeBackend } from '../../backend-contract.ts';
import { emptyWorld } from '../../empty-world.ts';
import { sample } from '../sample.ts';
import { LibvirtDaemon } from './libvirt-daemon.ts';

/** What libvirt's test driver does as the others do. It knows few flags, no consoles, and devices only by definition. */
const testDriverHolds = [
  'makes a running domain persistent by defining it, and transient by undefining it',
  'keeps the definition of a domain that is started by another one',
  'gives each start an id of its own, counting up',
  'starts one domain once, however many ask',
  'defines one domain of a name, however many try',
  'defines and undefines a thousand domains',
  'holds names and UUIDs unique',
  'finds by name and by UUID in any case',
  'renames, with two events',
  'lists by flags, each group by itself',
  'keeps titles, descriptions and metadata, in the definition that is meant',
  'changes the memory of a definition within its maximum',
  'share one world, and each hears of what the others do',
  'tell of events until they are not asked to any more',
  'answer nothing once they are closed',
  'give events as an async iterator too, which ends with them',
  'are listed with flags whose bits are the other way round',
  'pools are at different places',
  'take and give plain objects',
];

/** What QEMU's driver does too: with machines, consoles and storage, but also with more than there is here. */
const qemuDriverHolds = [
  'defines, starts, suspends, resumes, destroys and undefines, with libvirt’s events in order',
  'starts paused when asked',
  'forgets a transient domain when it ends',
  'makes a running domain persistent by defining it, and transient by undefining it',
  'keeps the definition of a domain that is started by another one',
  'gives each start an id of its own, counting up',
  'refuses what its state does not allow',
  'ends what was to end with its connection, and nothing else',
  'resets without an end',
  'has no agent and no container in the guest to shut down by',
  'defines one domain of a name, however many try',
  'holds names and UUIDs unique',
  'finds by name and by UUID in any case',
  'renames, with two events',
  'lists by flags, each group by itself',
  'keeps titles, descriptions and metadata, in the definition that is meant',
  'pins vCPUs in the definition',
  'ends with the domain',
  'share one world, and each hears of what the others do',
  'tell of events until they are not asked to any more',
  'answer nothing once they are closed',
  'give events as an async iterator too, which ends with them',
  'pools have a life cycle with events',
  'take and give plain objects',
];

describe('libvirtd', function () {
  this.timeout(60_000);
  const daemon = new LibvirtDaemon();
  before(async function () {
    await daemon.start(this);
  });
  after(() => daemon.stop());

  const subject = (uri: string, domainType: string, poolPath: string) => async () => {
    // Held open: the test driver's world ends with its last connection.
    const own = await connect(uri);
    await emptyWorld(own);
    return {
      connection: await connect(uri),
      again: (options?: { readonly readOnly?: boolean }) => connect(uri, options),
      poolPath,
      os: '',
      domainType,
      hasBalloon: true,
      networksStart: domainType === 'test',
      hotplugs: false,
      cleanUp: () => own.close(),
    };
  };

  const testUri = daemon.uri('test', '/default');
  describeBackend('libvirtd’s test driver', subject(testUri, 'test', '/pools/contract'), testDriverHolds);

  it('gives parameters of the scheduler, also where its driver takes no flags', async () => {
    const connection = await connect(testUri);
    const domain = await connection.lookupByName('test');
    assert.deepEqual(await domain.getSchedulerParameters(), [{ field: 'weight', type: 'uint', value: 50 }]);
    await connection.close();
  });

  it('understands the arguments of every procedure', async () => {
    const random = new SeededRandom(1);
    const client = new RpcClient(await connectUnix(daemon.socket), {
      keepaliveMs: 0,
      keepaliveCount: 0,
      clock: new HostClock(),
      logger: silentLogger,
      onMessage: () => {},
      onClose: () => {},
    });
    const { authList, authPolkit, connectOpen, connectClose, setIdentity } = sessionProcedures;
    // These are not about the hypervisor, but about the connection.
    const own: readonly Procedure[] = [authPolkit, connectOpen, connectClose, setIdentity];
    await client.call(authList, []);
    await client.call(connectOpen, ['qemu:///session', 0]);
    const refusals = new Map<string, number>();
    for (const procedure of procedures) {
      if (own.includes(procedure)) continue;
      for (let round = 0; round < 3; round++) {
        const args = sample(procedure.args, random) as unknown[];
        try {
          if (procedure.streams === undefined) await client.call(procedure, args);
          else (await client.open(procedure, args)).stream.destroy();
        } catch (error) {
          assert.ok(error instanceof VirtError, String(error));
          // What it cannot read, or what we cannot.
          assert.doesNotMatch(error.message, /code message payload/, procedure.name);
          refusals.set(error.code, (refusals.get(error.code) ?? 0) + 1);
        }
      }
    }
    client.close();
    assert.ok((refusals.get('NO_DOMAIN') ?? 0) > 100, JSON.stringify([...refusals]));
  });

  describe('with machines', () => {
    before(function () {
      needTool(this, 'qemu-system-riscv64', 'qemu-system-misc');
    });
    describeBackend(
      'libvirtd’s QEMU driver',
      subject(daemon.uri('qemu', '/session'), 'qemu', daemon.pool),
      qemuDriverHolds,
    );
  });
});
