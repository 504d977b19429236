/** What one sees of domains and their host, consoles, and connections themselves. */
import { strict as assert } from 'node:assert';
import { ConsoleFlags, DomainState, DomainStats, ListDomains } from '../../../src/index.ts';
import { type Bench, record, rejects, until } from './bench.ts';

/** @param current the bench of the test that runs */
export function describeFaces(current: () => Bench): void {
  let bench: Bench;
  beforeEach(() => {
    bench = current();
  });

  describe('numbers', () => {
    it('tells info and statistics with libvirt’s names and types', async () => {
      const domain = await bench.connection.createXML(bench.xml('one'));
      const info = await domain.getInfo();
      assert.deepEqual([info.state, info.maxMem, info.nrVirtCpu], [DomainState.RUNNING, 32_768n, 2]);
      const [record] = await bench.connection.getAllDomainStats();
      assert.equal(record?.domain.name, 'one');
      const params = new Map(record?.params.map((param) => [param.field, param]));
      assert.deepEqual(params.get('state.state'), { field: 'state.state', type: 'int', value: 1 });
      assert.deepEqual(params.get('balloon.maximum'), { field: 'balloon.maximum', type: 'ullong', value: 32_768n });
      assert.deepEqual(params.get('vcpu.maximum'), { field: 'vcpu.maximum', type: 'uint', value: 2 });
      assert.equal(params.get('cpu.time')?.type, 'ullong');
      assert.deepEqual(params.get('block.count'), { field: 'block.count', type: 'uint', value: 0 });
      const [only] = await bench.connection.getAllDomainStats(DomainStats.STATE, 0, [domain]);
      assert.deepEqual(
        only?.params.map(({ field }) => field),
        ['state.state', 'state.reason'],
      );
      const enforced = bench.connection.getAllDomainStats(DomainStats.PERF, -(2 ** 31));
      await rejects(enforced, 'ARGUMENT_UNSUPPORTED', /Stats types bits 0x40 are not supported by this daemon/);
      assert.deepEqual(await bench.connection.getAllDomainStats(0, ListDomains.INACTIVE), []);
      assert.deepEqual(await domain.getControlInfo(), { state: 0, details: 0, stateTime: 0n });
      assert.deepEqual(await domain.getJobStats(), { type: 0, params: [] });
      assert.equal(await domain.hasManagedSaveImage(), false);
      assert.deepEqual(
        (await domain.memoryStats()).map(({ tag }) => tag),
        [6],
      );
      assert.equal(await domain.getOSType(), 'hvm');
      assert.deepEqual(await domain.interfaceAddresses(), []);
    });

    it('tells of its host', async () => {
      const node = await bench.connection.getNodeInfo();
      assert.ok(node.cpus > 0 && node.memory > 0n && node.model.length > 0);
      const { cpumap, cpus, online } = await bench.connection.getCPUMap();
      assert.equal(cpumap.length, Math.ceil(cpus / 8));
      assert.ok(online > 0);
      assert.ok((await bench.connection.getMaxVcpus()) > 0);
      assert.match(await bench.connection.getCapabilities(), /<arch name='riscv64'>/);
      assert.match(await bench.connection.getDomainCapabilities(), /<domainCapabilities>/);
      assert.match(await bench.connection.getStoragePoolCapabilities(), /<pool type='dir' supported='yes'>/);
      assert.ok((await bench.connection.getVersion()) > 0n);
      assert.ok((await bench.connection.getLibVersion()) >= 9_000_000n);
      assert.ok((await bench.connection.getHostname()).length > 0);
      assert.ok((await bench.connection.getFreeMemory()) > 0n);
      assert.deepEqual(
        (await bench.connection.getMemoryStats()).map(({ field }) => field),
        ['total', 'free'],
      );
      assert.ok((await bench.connection.getCPUStats()).length >= 3);
      await rejects(bench.connection.getMaxVcpus('xen'), 'INVALID_ARG', /unknown type/);
    });

    it('has no keyboard, no screen and no snapshots, and says so', async () => {
      const domain = await bench.connection.createXML(bench.xml('one'));
      await rejects(domain.sendKey(0, 0, [30]), 'OPERATION_UNSUPPORTED', /no keyboard/);
      await rejects(domain.screenshot(), 'OPERATION_UNSUPPORTED', /no screen/);
      await rejects(domain.captureInterface('nope'), 'INVALID_ARG', /'nope' is not a known interface/);
      assert.deepEqual(await domain.listAllSnapshots(), []);
      await rejects(domain.snapshotCreateXML('<domainsnapshot/>'), 'OPERATION_UNSUPPORTED', /snapshots/);
      await rejects(
        domain.snapshotLookupByName('s'),
        'NO_DOMAIN_SNAPSHOT',
        "Domain snapshot not found: no domain snapshot with matching name 's'",
      );
    });
  });

  describe('console', () => {
    it('has one user at a time, unless one takes it over', async () => {
      const domain = await bench.connection.createXML(bench.xml('one'));
      const first = await domain.openConsole();
      let ended = false;
      first.resume().on('end', () => {
        ended = true;
      });
      await rejects(
        domain.openConsole('serial0'),
        'OPERATION_FAILED',
        'operation failed: Active console session exists for this domain',
      );
      const second = await domain.openConsole(undefined, ConsoleFlags.FORCE);
      await until(() => ended, 'the first user reads the end');
      second.destroy();
      (await domain.openConsole()).destroy();
      await rejects(domain.openConsole('nope'), 'INTERNAL_ERROR', 'internal error: cannot find character device nope');
    });

    it('ends with the domain', async () => {
      const domain = await bench.connection.createXML(bench.xml('one'));
      const console = await domain.openConsole();
      const end = new Promise((resolve) => console.resume().once('end', resolve));
      await domain.destroy();
      await end;
      console.destroy();
    });

    it('needs one that is a terminal', async () => {
      const domain = await bench.connection.createXML(bench.xml('one', { devices: "<serial type='null'/>" }));
      await rejects(
        domain.openConsole(),
        'INTERNAL_ERROR',
        'internal error: character device serial0 is not using a PTY',
      );
    });
  });

  describe('connections', () => {
    it('share one world, and each hears of what the others do', async () => {
      const other = await bench.subject.again();
      const heard = record(other);
      await bench.connection.defineXML(bench.xml('one'));
      assert.equal((await other.lookupByName('one')).name, 'one');
      await until(() => heard.length === 1, 'the event comes to the other connection');
      await other.close();
      await bench.connection.defineXML(bench.xml('two'));
      assert.equal(heard.length, 1);
    });

    it('tell of events until they are not asked to any more', async () => {
      const seen: string[] = [];
      const listen = (domain: { name: string }) => seen.push(`on ${domain.name}`);
      bench.connection.on('lifecycle', listen);
      bench.connection.once('lifecycle', (domain) => seen.push(`once ${domain.name}`));
      await bench.connection.defineXML(bench.xml('one'));
      await bench.connection.defineXML(bench.xml('two'));
      await until(() => bench.events.length === 2, 'both events come');
      bench.connection.off('lifecycle', listen);
      await bench.connection.defineXML(bench.xml('three'));
      await until(() => bench.events.length === 3, 'the third comes');
      assert.deepEqual(seen, ['on one', 'once one', 'on two']);
    });

    it('answer nothing once they are closed', async () => {
      const other = await bench.subject.again();
      let reason = -1;
      other.on('close', (value) => {
        reason = value;
      });
      await other.close();
      await other.close();
      assert.equal(reason, 3);
      await rejects(other.listAllDomains(), 'INVALID_CONN', /closed/);
    });

    it('give events as an async iterator too, which ends with them', async () => {
      const other = await bench.subject.again();
      const stream = other.eventStream();
      const seen: string[] = [];
      const reading = (async () => {
        for await (const event of stream) seen.push(event.name);
      })();
      await bench.connection.defineXML(bench.xml('one'));
      await bench.connection.networkDefineXML('<network><name>n</name></network>');
      await until(() => seen.length === 2, 'both events come');
      await other.close();
      await reading;
      assert.deepEqual(seen, ['lifecycle', 'network', 'close']);
    });
  });
}
