/** How domains live, and many calls at once. */
import { strict as assert } from 'node:assert';
import {
  Affect,
  DomainLifecycle,
  DomainStart,
  DomainState,
  MetadataType,
  PausedReason,
  RunningReason,
  ShutdownFlags,
  ShutoffReason,
} from '../../../src/index.ts';
import { type Bench, rejects, until, uuids } from './bench.ts';

const { DEFINED, UNDEFINED, STARTED, RESUMED, SUSPENDED, SHUTDOWN, STOPPED } = DomainLifecycle;

/** @param current the bench of the test that runs */
export function describeLifeCycle(current: () => Bench): void {
  let bench: Bench;
  beforeEach(() => {
    bench = current();
  });

  describe('life cycle', () => {
    it('defines, starts, suspends, resumes, destroys and undefines, with libvirt’s events in order', async () => {
      const domain = await bench.connection.defineXML(bench.xml('one'));
      assert.deepEqual(await bench.states(domain), [DomainState.SHUTOFF, ShutoffReason.UNKNOWN]);
      assert.equal(await domain.getID(), -1);
      await domain.create();
      assert.ok(domain.ref.id > 0);
      assert.deepEqual(await bench.states(domain), [DomainState.RUNNING, RunningReason.BOOTED]);
      await domain.suspend();
      assert.deepEqual(await bench.states(domain), [DomainState.PAUSED, PausedReason.USER]);
      await domain.suspend();
      await domain.resume();
      assert.deepEqual(await bench.states(domain), [DomainState.RUNNING, RunningReason.UNPAUSED]);
      await domain.destroy();
      assert.deepEqual(await bench.states(domain), [DomainState.SHUTOFF, ShutoffReason.DESTROYED]);
      await domain.undefine();
      await bench.heard([
        `one ${DEFINED.id}/${DEFINED.ADDED} -`,
        `one ${RESUMED.id}/${RESUMED.UNPAUSED} id`,
        `one ${STARTED.id}/${STARTED.BOOTED} id`,
        `one ${SUSPENDED.id}/${SUSPENDED.PAUSED} id`,
        `one ${RESUMED.id}/${RESUMED.UNPAUSED} id`,
        `one ${SHUTDOWN.id}/${SHUTDOWN.HOST} id`,
        `one ${STOPPED.id}/${STOPPED.DESTROYED} -`,
        `one ${UNDEFINED.id}/${UNDEFINED.REMOVED} -`,
      ]);
    });

    it('starts paused when asked', async () => {
      const domain = await bench.connection.createXML(bench.xml('one'), DomainStart.PAUSED);
      assert.deepEqual(await bench.states(domain), [DomainState.PAUSED, PausedReason.USER]);
      await bench.heard([`one ${STARTED.id}/0 id`, `one ${SUSPENDED.id}/0 id`]);
      await domain.resume();
    });

    it('tells of a transient domain while it starts', async () => {
      const starting = bench.connection.createXML(bench.xml('one'));
      let started = false;
      const end = starting.finally(() => {
        started = true;
      });
      while (!started) {
        for (const domain of await bench.connection.listAllDomains())
          assert.match(await domain.getXMLDesc(), /<domain/);
        for (const { params } of await bench.connection.getAllDomainStats()) assert.ok(params.length > 0);
        await new Promise(setImmediate);
      }
      await (await end).destroy();
    });

    it('forgets a transient domain when it ends', async () => {
      const domain = await bench.connection.createXML(bench.xml('one'));
      assert.equal(await domain.isPersistent(), false);
      await rejects(
        domain.undefine(),
        'OPERATION_INVALID',
        'Requested operation is not valid: cannot undefine transient domain',
      );
      await rejects(domain.setAutostart(true), 'OPERATION_INVALID', /transient domain/);
      await rejects(
        domain.setVcpus(1, Affect.CONFIG),
        'OPERATION_INVALID',
        /transient domains do not have any persistent config/,
      );
      await domain.destroy();
      await rejects(
        bench.connection.lookupByName('one'),
        'NO_DOMAIN',
        "Domain not found: no domain with matching name 'one'",
      );
    });

    it('makes a running domain persistent by defining it, and transient by undefining it', async () => {
      // As virt-install does it.
      const domain = await bench.connection.createXML(bench.xml('one', { uuid: uuids.one }));
      await bench.connection.defineXML(bench.xml('one', { uuid: uuids.one }));
      assert.deepEqual([await domain.isActive(), await domain.isPersistent()], [true, true]);
      await domain.undefine();
      assert.deepEqual([await domain.isActive(), await domain.isPersistent()], [true, false]);
      await domain.destroy();
      assert.deepEqual(await bench.names(0), []);
    });

    it('keeps the definition of a domain that is started by another one', async () => {
      await bench.connection.defineXML(bench.xml('one', { uuid: uuids.one, more: '<title>kept</title>' }));
      const domain = await bench.connection.createXML(
        bench.xml('one', { uuid: uuids.one, more: '<title>live</title>' }),
      );
      assert.equal(await domain.getMetadata(MetadataType.TITLE), 'live');
      await domain.destroy();
      assert.equal(await domain.getMetadata(MetadataType.TITLE), 'kept');
    });

    it('gives each start an id of its own, counting up', async () => {
      const ids: number[] = [];
      for (const name of ['a', 'b']) ids.push((await bench.connection.createXML(bench.xml(name))).ref.id);
      const again = await bench.connection.lookupByName('a');
      await again.destroy();
      await (await bench.connection.createXML(bench.xml('a'))).getID().then((id) => ids.push(id));
      const [first = 0] = ids;
      assert.deepEqual(ids, [first, first + 1, first + 2]);
      assert.equal((await bench.connection.lookupByID(first + 2)).name, 'a');
      await rejects(
        bench.connection.lookupByID(first),
        'NO_DOMAIN',
        `Domain not found: no domain with matching id ${first}`,
      );
    });

    it('refuses what its state does not allow', async () => {
      const domain = await bench.connection.defineXML(bench.xml('one'));
      const notRunning = 'Requested operation is not valid: domain is not running';
      const calls: (() => Promise<unknown>)[] = [
        () => domain.destroy(),
        () => domain.suspend(),
        () => domain.resume(),
        () => domain.reset(),
        () => domain.shutdown(),
        () => domain.reboot(),
        () => domain.openConsole(),
        () => domain.getVcpuInfo(),
        () => domain.getControlInfo(),
        () => domain.memoryStats(),
        () => domain.getTime(),
        () => domain.sendKey(0, 0, [30]),
        () => domain.screenshot(),
        () => domain.captureInterface('vnet0'),
        () => domain.blockStats(''),
        () => domain.interfaceStats('vnet0'),
        () => domain.interfaceAddresses(),
        () => domain.blockResize('vda', 1024n),
        () => domain.setMemory(1024n, Affect.LIVE),
      ];
      for (const call of calls) await rejects(call(), 'OPERATION_INVALID', notRunning);
      await domain.create();
      await rejects(
        domain.create(),
        'OPERATION_INVALID',
        'Requested operation is not valid: domain is already running',
      );
      await rejects(
        domain.resume(),
        'OPERATION_INVALID',
        'Requested operation is not valid: domain is already running',
      );
      await rejects(
        bench.connection.createXML(await domain.getXMLDesc()),
        'OPERATION_INVALID',
        /domain 'one' is already active/,
      );
      await rejects(domain.rename('two'), 'OPERATION_INVALID', /cannot rename active domain/);
      await domain.suspend();
      await rejects(domain.shutdown(), 'OPERATION_INVALID', notRunning);
    });

    it('ends what was to end with its connection, and nothing else', async () => {
      const other = await bench.subject.again();
      await other.createXML(bench.xml('mortal'), DomainStart.AUTODESTROY);
      await other.createXML(bench.xml('other'));
      await other.close();
      assert.deepEqual(await bench.names(0), ['other']);
    });

    it('resets without an end', async () => {
      const domain = await bench.connection.createXML(bench.xml('one'));
      const { id } = domain.ref;
      let reboots = 0;
      bench.connection.on('reboot', () => reboots++);
      await domain.reset();
      assert.equal(reboots, 1);
      assert.equal(await domain.getID(), id);
      assert.equal((await domain.getState()).state, DomainState.RUNNING);
    });

    it('has no agent and no container in the guest to shut down by', async () => {
      const domain = await bench.connection.createXML(bench.xml('one'));
      await rejects(
        domain.shutdown(ShutdownFlags.GUEST_AGENT),
        'ARGUMENT_UNSUPPORTED',
        /QEMU guest agent is not configured/,
      );
      await rejects(domain.reboot(ShutdownFlags.SIGNAL), 'OPERATION_UNSUPPORTED', /no container/);
    });
  });

  describe('many calls at once', () => {
    it('keeps calls on one domain in order', async () => {
      const domain = await bench.connection.createXML(bench.xml('one'));
      await Promise.all([domain.suspend(), domain.resume(), domain.suspend(), domain.resume(), domain.destroy()]);
      await bench.heard(
        [
          `one ${SUSPENDED.id}/0 id`,
          `one ${RESUMED.id}/0 id`,
          `one ${SUSPENDED.id}/0 id`,
          `one ${RESUMED.id}/0 id`,
          `one ${SHUTDOWN.id}/2 id`,
          `one ${STOPPED.id}/1 -`,
        ],
        2,
      );
    });

    it('starts one domain once, however many ask', async () => {
      const domain = await bench.connection.defineXML(bench.xml('one'));
      const results = await Promise.allSettled(Array.from({ length: 5 }, () => domain.create()));
      assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
      const starts = () => bench.events.filter((event) => event.includes(` ${STARTED.id}/`)).length;
      await until(() => starts() > 0, 'the start is told of');
      assert.equal(starts(), 1);
    });

    it('defines one domain of a name, however many try', async () => {
      const results = await Promise.allSettled(
        Array.from({ length: 8 }, () => bench.connection.defineXML(bench.xml('same'))),
      );
      assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
      assert.deepEqual(await bench.names(0), ['same']);
    });

    it('defines and undefines a thousand domains', async () => {
      for (let at = 0; at < 1000; at += 100) {
        const some = Array.from({ length: 100 }, (_, index) => bench.connection.defineXML(bench.xml(`d${at + index}`)));
        await Promise.all((await Promise.all(some)).map((domain) => domain.undefine()));
      }
      assert.deepEqual(await bench.names(0), []);
      await until(() => bench.events.length >= 2000, 'all events come');
      assert.equal(bench.events.length, 2000);
    }).timeout(60_000);
  });
}
