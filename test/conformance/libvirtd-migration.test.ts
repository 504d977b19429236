/** Machines of Debian's libvirtd that go from one to another, as our command and verbs take them. */
import { strict as assert } from 'node:assert';
import { type Connection, connect, DomainState, MigrateFlags, RunningReason, ShutoffReason } from '../../src/index.ts';
import { missing, needTool } from '../support/need-tool.ts';
import { cli } from '../tools/cli/support.ts';
import { LibvirtDaemon } from '../virt/rpc/clients/libvirt-daemon.ts';

const xml = `<domain type='qemu'><name>m</name><memory unit='MiB'>64</memory>
  <os><type arch='riscv64' machine='virt'>hvm</type></os>
  <devices><memballoon model='none'/><serial type='null'/></devices></domain>`;

describe("migration between two of Debian's libvirtd", function () {
  this.timeout(120_000);
  const [one, other] = [new LibvirtDaemon(), new LibvirtDaemon()];
  let [here, there]: (Connection | undefined)[] = [];
  const uris = () => [one.uri('qemu', '/session'), other.uri('qemu', '/session')] as const;

  before(async function () {
    needTool(this, 'qemu-system-riscv64', 'qemu-system-misc');
    if (process.getuid?.() !== 0) missing(this, 'root, for a host name of its own');
    await one.start(this, ['host_uuid = "11111111-2222-4333-8444-aaaaaaaaaaaa"']);
    await other.start(this, ['host_uuid = "11111111-2222-4333-8444-bbbbbbbbbbbb"'], [], 'other');
    const [uri, otherUri] = uris();
    here = await connect(uri);
    there = await connect(otherUri);
  });
  after(async () => {
    await here?.close();
    await there?.close();
    await one.stop();
    await other.stop();
  });

  it('takes a definition along, and machines that run there and back', async () => {
    assert.ok(here !== undefined && there !== undefined);
    const [uri, otherUri] = uris();
    const domain = await here.defineXML(xml);
    const quiet = { code: 0, out: '\n', err: '' };
    assert.deepEqual(await cli(['-c', uri, 'migrate', 'm', otherUri, '--offline', '--persistent']), quiet);
    const gone = await there.lookupByName('m');
    assert.equal(await gone.isPersistent(), true);
    await gone.undefine();
    await domain.create();
    const live = ['--live', '--unsafe', '--migrateuri'];
    const went = await cli(['-c', uri, 'migrate', 'm', otherUri, ...live, 'tcp://127.0.0.1:49731', '--verbose']);
    assert.deepEqual({ ...went, err: went.err.split('\r').at(-1) }, { ...quiet, err: 'Migration: [100 %]' });
    assert.deepEqual(await domain.getState(), { state: DomainState.SHUTOFF, reason: ShutoffReason.MIGRATED });
    const running = { state: DomainState.RUNNING, reason: RunningReason.MIGRATED };
    assert.deepEqual(await (await there.lookupByName('m')).getState(), running);
    const back = await cli(['-c', otherUri, 'migrate', 'm', uri, '--p2p', ...live, 'tcp://127.0.0.1:49732']);
    assert.deepEqual(back, quiet);
    assert.deepEqual(await domain.getState(), running);
    assert.deepEqual(await there.listAllDomains(), []);
    await domain.destroy();
    await domain.undefine();
  });

  it('leaves a machine where it is when it cannot arrive', async () => {
    assert.ok(here !== undefined && there !== undefined);
    const domain = await here.createXML(xml);
    const nowhere = { field: 'migrate_uri', type: 'string', value: 'tcp://nowhere.invalid:49733' } as const;
    await assert.rejects(domain.migrate(there, [nowhere], MigrateFlags.LIVE | MigrateFlags.UNSAFE));
    assert.equal((await domain.getState()).state, DomainState.RUNNING);
    assert.deepEqual(await there.listAllDomains(), []);
    await assert.rejects(domain.migrate(here, [], MigrateFlags.LIVE | MigrateFlags.UNSAFE));
    assert.equal((await domain.getState()).state, DomainState.RUNNING);
    await domain.destroy();
  });
});
