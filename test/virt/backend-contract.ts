/** What every backend must do, local or remote, with machines or without: `describeBackend` runs it over one. */
import { strict as assert } from 'node:assert';
import { setTimeout } from 'node:timers/promises';
import {
  Affect,
  type Connection,
  ConsoleFlags,
  type Domain,
  DomainLifecycle,
  DomainStart,
  DomainState,
  DomainStats,
  DomainXml,
  ListDomains,
  ListObjects,
  MemoryFlags,
  MetadataType,
  NetworkEvent,
  NetworkSection,
  NetworkUpdateCommand,
  PausedReason,
  PoolEvent,
  PoolState,
  RunningReason,
  ShutdownFlags,
  ShutoffReason,
  VcpuFlags,
  type VirErrorName,
  VirErrorNumber,
  VirtError,
  VolumeResize,
  VolumeType,
} from '../../src/index.ts';

/** A backend under test. */
export interface Subject {
  /** A connection to an empty world of its own; closed by the suite. */
  connection: Connection;
  /** Another connection to the same world. */
  again(): Promise<Connection>;
  /** A directory that a pool may use. */
  poolPath: string;
  /** Lines for `<os>`: something that runs until it is stopped. */
  os: string;
  /** `<domain type>`. */
  domainType: string;
  /** Running domains change their memory. */
  hasBalloon: boolean;
  networksStart: boolean;
  /** Puts away what `make` has made. */
  cleanUp(): Promise<void>;
}

/** Waits until something holds, 10 s at most. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    if (await holds()) return;
    await setTimeout(10);
  }
  assert.fail(`never: ${what}`);
}

/** Asserts that a call fails as libvirt's would. */
export async function rejects(call: Promise<unknown>, code: VirErrorName, message: string | RegExp): Promise<void> {
  await assert.rejects(call, (error: unknown) => {
    assert.ok(error instanceof VirtError, String(error));
    assert.equal(error.code, code, error.message);
    assert.equal(error.errno, VirErrorNumber[code]);
    assert.equal(error.level, 2);
    assert.notEqual(error.domain, 0, 'an error of a backend says where it is from');
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  });
}

/** Lifecycle events of a connection as they come: `name event/detail id`. */
export function record(connection: Connection): string[] {
  const seen: string[] = [];
  connection.on('lifecycle', (domain, event, detail) => {
    seen.push(`${domain.name} ${event}/${detail} ${domain.ref.id === -1 ? '-' : 'id'}`);
  });
  return seen;
}

const { DEFINED, UNDEFINED, STARTED, RESUMED, SUSPENDED, SHUTDOWN, STOPPED } = DomainLifecycle;
const uuids = {
  one: '11111111-2222-4333-8444-555555555501',
  two: '11111111-2222-4333-8444-555555555502',
} as const;

/** Runs the suite over what `make` makes, anew for each test. */
export function describeBackend(title: string, make: () => Promise<Subject>): void {
  describe(`backend ${title}`, () => {
    let subject: Subject;
    let connection: Connection;
    let events: string[];

    beforeEach(async () => {
      subject = await make();
      connection = subject.connection;
      events = record(connection);
    });
    afterEach(async () => {
      await connection.close();
      await subject.cleanUp();
    });

    const xml = (name: string, options: { uuid?: string; more?: string; devices?: string } = {}) => {
      const { uuid, more = '', devices = "<console type='pty'/>" } = options;
      return `<domain type='${subject.domainType}'><name>${name}</name>${uuid === undefined ? '' : `<uuid>${uuid}</uuid>`}
        <memory unit='MiB'>32</memory><vcpu>2</vcpu><os><type arch='riscv64' machine='virt'>hvm</type>${subject.os}</os>
        ${more}<devices>${devices}</devices></domain>`;
    };
    const states = async (domain: Domain) => {
      const { state, reason } = await domain.getState();
      return [state, reason];
    };
    const names = async (flags: number) => (await connection.listAllDomains(flags)).map(({ name }) => name).sort();

    describe('life cycle', () => {
      it('defines, starts, suspends, resumes, destroys and undefines, with libvirt’s events in order', async () => {
        const domain = await connection.defineXML(xml('one'));
        assert.deepEqual(await states(domain), [DomainState.SHUTOFF, ShutoffReason.UNKNOWN]);
        assert.equal(await domain.getID(), -1);
        await domain.create();
        assert.ok(domain.ref.id > 0);
        assert.deepEqual(await states(domain), [DomainState.RUNNING, RunningReason.BOOTED]);
        await domain.suspend();
        assert.deepEqual(await states(domain), [DomainState.PAUSED, PausedReason.USER]);
        await domain.suspend();
        await domain.resume();
        assert.deepEqual(await states(domain), [DomainState.RUNNING, RunningReason.UNPAUSED]);
        await domain.destroy();
        assert.deepEqual(await states(domain), [DomainState.SHUTOFF, ShutoffReason.DESTROYED]);
        await domain.undefine();
        assert.deepEqual(events, [
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
        const domain = await connection.createXML(xml('one'), DomainStart.PAUSED);
        assert.deepEqual(await states(domain), [DomainState.PAUSED, PausedReason.USER]);
        assert.deepEqual(events, [`one ${STARTED.id}/0 id`, `one ${SUSPENDED.id}/0 id`]);
        await domain.resume();
      });

      it('forgets a transient domain when it ends', async () => {
        const domain = await connection.createXML(xml('one'));
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
          connection.lookupByName('one'),
          'NO_DOMAIN',
          "Domain not found: no domain with matching name 'one'",
        );
      });

      it('makes a running domain persistent by defining it, and transient by undefining it', async () => {
        // As virt-install does it.
        const domain = await connection.createXML(xml('one', { uuid: uuids.one }));
        await connection.defineXML(xml('one', { uuid: uuids.one }));
        assert.deepEqual([await domain.isActive(), await domain.isPersistent()], [true, true]);
        await domain.undefine();
        assert.deepEqual([await domain.isActive(), await domain.isPersistent()], [true, false]);
        await domain.destroy();
        assert.deepEqual(await names(0), []);
      });

      it('keeps the definition of a domain that is started by another one', async () => {
        await connection.defineXML(xml('one', { uuid: uuids.one, more: '<title>kept</title>' }));
        const domain = await connection.createXML(xml('one', { uuid: uuids.one, more: '<title>live</title>' }));
        assert.equal(await domain.getMetadata(MetadataType.TITLE), 'live');
        await domain.destroy();
        assert.equal(await domain.getMetadata(MetadataType.TITLE), 'kept');
      });

      it('gives each start an id of its own, counting up', async () => {
        const ids: number[] = [];
        for (const name of ['a', 'b']) ids.push((await connection.createXML(xml(name))).ref.id);
        const again = await connection.lookupByName('a');
        await again.destroy();
        await (await connection.createXML(xml('a'))).getID().then((id) => ids.push(id));
        const [first = 0] = ids;
        assert.deepEqual(ids, [first, first + 1, first + 2]);
        assert.equal((await connection.lookupByID(first + 2)).name, 'a');
        await rejects(
          connection.lookupByID(first),
          'NO_DOMAIN',
          `Domain not found: no domain with matching id ${first}`,
        );
      });

      it('refuses what its state does not allow', async () => {
        const domain = await connection.defineXML(xml('one'));
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
          connection.createXML(await domain.getXMLDesc()),
          'OPERATION_INVALID',
          /domain is already active as 'one'/,
        );
        await rejects(domain.rename('two'), 'OPERATION_INVALID', /cannot rename active domain/);
        await domain.suspend();
        await rejects(domain.shutdown(), 'OPERATION_INVALID', notRunning);
      });

      it('ends what was to end with its connection, and nothing else', async () => {
        const other = await subject.again();
        await other.createXML(xml('mortal'), DomainStart.AUTODESTROY);
        await other.createXML(xml('other'));
        await other.close();
        assert.deepEqual(await names(0), ['other']);
      });

      it('resets without an end', async () => {
        const domain = await connection.createXML(xml('one'));
        const { id } = domain.ref;
        let reboots = 0;
        connection.on('reboot', () => reboots++);
        await domain.reset();
        assert.equal(reboots, 1);
        assert.equal(await domain.getID(), id);
        assert.equal((await domain.getState()).state, DomainState.RUNNING);
      });

      it('has no agent and no container in the guest to shut down by', async () => {
        const domain = await connection.createXML(xml('one'));
        await rejects(
          domain.shutdown(ShutdownFlags.GUEST_AGENT),
          'ARGUMENT_UNSUPPORTED',
          /QEMU guest agent is not configured/,
        );
        await rejects(domain.reboot(ShutdownFlags.SIGNAL), 'OPERATION_UNSUPPORTED', /no container/);
      });
    });

    describe('names and definitions', () => {
      it('holds names and UUIDs unique', async () => {
        await connection.defineXML(xml('one', { uuid: uuids.one }));
        await rejects(
          connection.defineXML(xml('one', { uuid: uuids.two })),
          'OPERATION_FAILED',
          `operation failed: domain 'one' already exists with uuid ${uuids.one}`,
        );
        await rejects(
          connection.createXML(xml('two', { uuid: uuids.one })),
          'OPERATION_FAILED',
          `operation failed: domain 'one' is already defined with uuid ${uuids.one}`,
        );
        assert.deepEqual(await names(0), ['one']);
      });

      it('updates a definition of the same name and UUID, which a running domain gets at its next start', async () => {
        const domain = await connection.defineXML(xml('one', { uuid: uuids.one }));
        await domain.create();
        await connection.defineXML(xml('one', { uuid: uuids.one, more: '<title>next</title>' }));
        assert.equal(events.at(-1), `one ${DEFINED.id}/${DEFINED.UPDATED} id`);
        assert.equal(await domain.isUpdated(), true);
        assert.doesNotMatch(await domain.getXMLDesc(), /next/);
        assert.match(await domain.getXMLDesc(DomainXml.INACTIVE), /<title>next<\/title>/);
        await domain.destroy();
        assert.match(await domain.getXMLDesc(), /<title>next<\/title>/);
        assert.equal(await domain.isUpdated(), false);
      });

      it('finds by name and by UUID in any case', async () => {
        await connection.defineXML(xml('one', { uuid: uuids.one }));
        assert.equal((await connection.lookupByUUID(uuids.one.toUpperCase())).name, 'one');
        await rejects(
          connection.lookupByUUID(uuids.two),
          'NO_DOMAIN',
          `Domain not found: no domain with matching uuid '${uuids.two}'`,
        );
      });

      it('renames, with two events', async () => {
        const domain = await connection.defineXML(xml('one'));
        await connection.defineXML(xml('taken'));
        await rejects(
          domain.rename('one'),
          'OPERATION_INVALID',
          "Requested operation is not valid: Can't rename domain to itself",
        );
        await rejects(
          domain.rename('taken'),
          'OPERATION_INVALID',
          "Requested operation is not valid: domain with name 'taken' already exists",
        );
        await rejects(domain.rename('a/b'), 'XML_ERROR', /'\/'/);
        await domain.rename('two');
        assert.deepEqual(events.slice(-2), [`one ${UNDEFINED.id}/1 -`, `two ${DEFINED.id}/2 -`]);
        assert.equal((await connection.lookupByName('two')).uuid, domain.uuid);
        assert.match(await domain.getXMLDesc(), /<name>two<\/name>/);
        await rejects(connection.lookupByName('one'), 'NO_DOMAIN', /no domain/);
      });

      it('refuses XML that is none, and what it cannot be', async () => {
        await rejects(connection.defineXML('<domain'), 'XML_ERROR', /XML error/);
        await rejects(connection.defineXML('<network/>'), 'XML_ERROR', /domain/);
        await rejects(connection.defineXML(xml('a/b')), 'XML_ERROR', /'\/'/);
        await rejects(
          connection.defineXML(xml('one').replace(/domain type='\w+'/, "domain type='xen'")),
          'CONFIG_UNSUPPORTED',
          /unsupported configuration/,
        );
        await rejects(connection.defineXML(xml('one'), 64), 'INVALID_ARG', /unsupported flags \(0x40\)/);
        assert.deepEqual(await names(0), []);
      });

      it('takes and gives plain objects', async () => {
        const domain = await connection.defineDomain({
          type: subject.domainType,
          name: 'plain',
          memory: 32_768,
          os: { type: { value: 'hvm', arch: 'riscv64', machine: 'virt' }, boot: [] },
        });
        const def = await domain.getDef(DomainXml.INACTIVE);
        assert.deepEqual([def.name, def.memory, def.vcpu?.max, def.on_reboot], ['plain', 32_768, 1, 'restart']);
      });

      it('lists by flags, each group by itself', async () => {
        await connection.defineXML(xml('off'));
        await (await connection.defineXML(xml('auto'))).setAutostart(true);
        await (await connection.defineXML(xml('on'))).create();
        await (await connection.createXML(xml('fleeting'))).suspend();
        const all = ['auto', 'fleeting', 'off', 'on'];
        const cases: [number, string[]][] = [
          [0, all],
          [ListDomains.ACTIVE, ['fleeting', 'on']],
          [ListDomains.INACTIVE, ['auto', 'off']],
          [ListDomains.ACTIVE | ListDomains.INACTIVE, all],
          [ListDomains.TRANSIENT, ['fleeting']],
          [ListDomains.PERSISTENT | ListDomains.ACTIVE, ['on']],
          [ListDomains.RUNNING | ListDomains.PAUSED, ['fleeting', 'on']],
          [ListDomains.SHUTOFF, ['auto', 'off']],
          [ListDomains.OTHER, []],
          [ListDomains.AUTOSTART, ['auto']],
          [ListDomains.NO_AUTOSTART | ListDomains.INACTIVE, ['off']],
          [ListDomains.HAS_SNAPSHOT, []],
          [ListDomains.NO_MANAGEDSAVE, all],
        ];
        for (const [flags, wanted] of cases) assert.deepEqual(await names(flags), wanted, `flags ${flags}`);
      });

      it('keeps titles, descriptions and metadata, in the definition that is meant', async () => {
        const domain = await connection.defineXML(xml('one'));
        const changes: unknown[] = [];
        connection.on('metadataChange', (_domain, type, uri) => changes.push([type, uri]));
        await rejects(
          domain.getMetadata(MetadataType.TITLE),
          'NO_DOMAIN_METADATA',
          'metadata not found: Requested metadata element is not present',
        );
        await domain.setMetadata(MetadataType.TITLE, 'a title');
        await domain.create();
        await domain.setMetadata(MetadataType.DESCRIPTION, 'live & well', undefined, undefined, Affect.LIVE);
        await rejects(
          domain.getMetadata(MetadataType.DESCRIPTION, undefined, Affect.CONFIG),
          'NO_DOMAIN_METADATA',
          /not present/,
        );
        assert.equal(await domain.getMetadata(MetadataType.DESCRIPTION), 'live & well');
        assert.match(await domain.getXMLDesc(), /<description>live &amp; well<\/description>/);
        const uri = 'http://example.org/x';
        await domain.setMetadata(MetadataType.ELEMENT, '<app n="1"/>', 'x', uri, Affect.LIVE | Affect.CONFIG);
        assert.match(await domain.getMetadata(MetadataType.ELEMENT, uri, Affect.CONFIG), /app/);
        await domain.setMetadata(MetadataType.ELEMENT, undefined, 'x', uri, Affect.CONFIG);
        await rejects(
          domain.getMetadata(MetadataType.ELEMENT, uri, Affect.CONFIG),
          'NO_DOMAIN_METADATA',
          /not present/,
        );
        await rejects(domain.setMetadata(MetadataType.TITLE, 'a\nb'), 'INVALID_ARG', /newlines/);
        assert.deepEqual(changes, [
          [1, undefined],
          [0, undefined],
          [2, uri],
          [2, uri],
        ]);
      });
    });

    describe('memory, vCPUs and devices', () => {
      it('changes the memory of a definition within its maximum', async () => {
        const domain = await connection.defineXML(xml('one'));
        assert.equal(await domain.getMaxMemory(), 32_768n);
        await domain.setMemory(16_384n, MemoryFlags.CONFIG);
        assert.equal((await domain.getInfo()).memory, 16_384n);
        await rejects(
          domain.setMemory(65_536n),
          'INVALID_ARG',
          'invalid argument: cannot set memory higher than max memory',
        );
        await rejects(domain.setMemory(0n), 'INVALID_ARG', /greater than zero/);
        await domain.setMemory(65_536n, MemoryFlags.MAXIMUM);
        assert.equal(await domain.getMaxMemory(), 65_536n);
        await domain.create();
        await rejects(
          domain.setMemory(32_768n, MemoryFlags.MAXIMUM | MemoryFlags.LIVE),
          'OPERATION_INVALID',
          /cannot resize the maximum memory/,
        );
      });

      it('changes the memory of a running domain only with a balloon', async () => {
        const domain = await connection.createXML(xml('one'));
        const changes: bigint[] = [];
        connection.on('balloonChange', (_domain, kib) => changes.push(kib));
        if (subject.hasBalloon) {
          await domain.setMemory(16_384n, MemoryFlags.LIVE);
          assert.equal((await domain.getInfo()).memory, 16_384n);
          assert.deepEqual(changes, [16_384n]);
        } else {
          await rejects(domain.setMemory(16_384n, MemoryFlags.LIVE), 'OPERATION_INVALID', /without the balloon device/);
          assert.equal((await domain.getInfo()).memory, 32_768n);
        }
      });

      it('counts vCPUs by flags', async () => {
        const domain = await connection.defineXML(xml('one'));
        await domain.setVcpus(1, VcpuFlags.CONFIG);
        assert.equal(await domain.getVcpus(VcpuFlags.CONFIG), 1);
        assert.equal(await domain.getVcpus(VcpuFlags.CONFIG | VcpuFlags.MAXIMUM), 2);
        await rejects(domain.setVcpus(3), 'INVALID_ARG', /greater than max allowable vcpus for the domain: 3 > 2/);
        await rejects(domain.setVcpus(0), 'INVALID_ARG', /invalid number/);
        await rejects(domain.getVcpus(VcpuFlags.LIVE), 'OPERATION_INVALID', /not running/);
        await rejects(domain.getVcpus(3), 'INVALID_ARG', /mutually exclusive/);
        await domain.setVcpus(4, VcpuFlags.CONFIG | VcpuFlags.MAXIMUM);
        assert.equal(await domain.getVcpus(VcpuFlags.MAXIMUM), 4);
        await domain.create();
        assert.equal((await domain.getVcpuInfo()).length, 1);
        await rejects(domain.setVcpus(2, VcpuFlags.LIVE), 'OPERATION_UNSUPPORTED', /cannot change vcpu count/);
        await rejects(domain.getVcpus(VcpuFlags.GUEST), 'ARGUMENT_UNSUPPORTED', /agent/);
      });

      it('pins vCPUs in the definition', async () => {
        const domain = await connection.defineXML(xml('one'));
        const { cpus } = await connection.getCPUMap();
        const all = await domain.getVcpuPinInfo();
        assert.equal(all.length, 2);
        assert.equal(all[0]?.length, Math.ceil(cpus / 8));
        const first = new Uint8Array(Math.ceil(cpus / 8));
        first[0] = 1;
        await domain.pinVcpu(1, first, Affect.CONFIG);
        assert.match(await domain.getXMLDesc(), /<vcpupin vcpu='1' cpuset='0'\/>/);
        assert.deepEqual(await domain.getVcpuPinInfo(), [all[0], first]);
        await rejects(domain.pinVcpu(7, first), 'INVALID_ARG', /vcpu 7 is out of range/);
        await rejects(domain.pinVcpu(0, new Uint8Array(1)), 'INVALID_ARG', /Empty cpu list/);
      });

      it('attaches, updates and detaches devices of a definition', async () => {
        const domain = await connection.defineXML(xml('one'));
        const disk = (file: string) =>
          `<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='${file}'/><target dev='vdb' bus='virtio'/></disk>`;
        await domain.attachDevice(disk('/a.img'), Affect.CONFIG);
        assert.match(await domain.getXMLDesc(), /<source file='\/a.img'\/>/);
        await rejects(domain.attachDevice(disk('/b.img')), 'OPERATION_INVALID', /target vdb already exists/);
        await domain.updateDevice(disk('/b.img'));
        assert.match(await domain.getXMLDesc(), /<source file='\/b.img'\/>/);
        await domain.detachDevice({ kind: 'disks', def: { type: 'file', device: 'disk', target: { dev: 'vdb' } } });
        assert.doesNotMatch(await domain.getXMLDesc(), /b.img/);
        await rejects(domain.detachDevice(disk('/b.img')), 'DEVICE_MISSING', 'device not found: no target device vdb');
        await rejects(domain.attachDevice('<nonsense/>'), 'XML_ERROR', /nonsense/);
        await domain.create();
        await rejects(
          domain.attachDevice(disk('/a.img'), Affect.LIVE),
          'OPERATION_UNSUPPORTED',
          "Operation not supported: live attach of device 'disk' is not supported",
        );
        assert.doesNotMatch(await domain.getXMLDesc(), /a.img/);
        await domain.attachDevice(disk('/a.img'), Affect.CONFIG);
        assert.match(await domain.getXMLDesc(DomainXml.INACTIVE), /a.img/);
      });

      it('detaches an interface by its MAC address', async () => {
        const nic =
          "<interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/></interface>";
        const domain = await connection.defineXML(xml('one', { devices: nic }));
        await rejects(domain.attachDevice(nic), 'OPERATION_INVALID', /MAC address/);
        await domain.detachDevice(nic);
        await rejects(
          domain.detachDevice(nic),
          'DEVICE_MISSING',
          'device not found: no device matching MAC address 52:54:00:00:00:01 found',
        );
      });
    });

    describe('numbers', () => {
      it('tells info and statistics with libvirt’s names and types', async () => {
        const domain = await connection.createXML(xml('one'));
        const info = await domain.getInfo();
        assert.deepEqual([info.state, info.maxMem, info.nrVirtCpu], [DomainState.RUNNING, 32_768n, 2]);
        const [record] = await connection.getAllDomainStats();
        assert.equal(record?.domain.name, 'one');
        const params = new Map(record?.params.map((param) => [param.field, param]));
        assert.deepEqual(params.get('state.state'), { field: 'state.state', type: 'int', value: 1 });
        assert.deepEqual(params.get('balloon.maximum'), { field: 'balloon.maximum', type: 'ullong', value: 32_768n });
        assert.deepEqual(params.get('vcpu.maximum'), { field: 'vcpu.maximum', type: 'uint', value: 2 });
        assert.equal(params.get('cpu.time')?.type, 'ullong');
        assert.deepEqual(params.get('block.count'), { field: 'block.count', type: 'uint', value: 0 });
        const [only] = await connection.getAllDomainStats(DomainStats.STATE, 0, [domain]);
        assert.deepEqual(
          only?.params.map(({ field }) => field),
          ['state.state', 'state.reason'],
        );
        assert.deepEqual(await connection.getAllDomainStats(0, ListDomains.INACTIVE), []);
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
        const node = await connection.getNodeInfo();
        assert.ok(node.cpus > 0 && node.memory > 0n && node.model.length > 0);
        const { cpumap, cpus, online } = await connection.getCPUMap();
        assert.equal(cpumap.length, Math.ceil(cpus / 8));
        assert.ok(online > 0);
        assert.ok((await connection.getMaxVcpus()) > 0);
        assert.match(await connection.getCapabilities(), /<arch name='riscv64'>/);
        assert.match(await connection.getDomainCapabilities(), /<domainCapabilities>/);
        assert.match(await connection.getStoragePoolCapabilities(), /<pool type='dir' supported='yes'>/);
        assert.ok((await connection.getVersion()) > 0n);
        assert.ok((await connection.getLibVersion()) >= 9_000_000n);
        assert.ok((await connection.getHostname()).length > 0);
        assert.ok((await connection.getFreeMemory()) > 0n);
        assert.deepEqual(
          (await connection.getMemoryStats()).map(({ field }) => field),
          ['total', 'free'],
        );
        assert.ok((await connection.getCPUStats()).length >= 3);
        await rejects(connection.getMaxVcpus('xen'), 'INVALID_ARG', /unknown type/);
      });

      it('has no keyboard, no screen and no snapshots, and says so', async () => {
        const domain = await connection.createXML(xml('one'));
        await rejects(domain.sendKey(0, 0, [30]), 'OPERATION_UNSUPPORTED', /no keyboard/);
        await rejects(domain.screenshot(), 'OPERATION_UNSUPPORTED', /no screen/);
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
        const domain = await connection.createXML(xml('one'));
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
        await rejects(
          domain.openConsole('nope'),
          'INTERNAL_ERROR',
          'internal error: cannot find character device nope',
        );
      });

      it('ends with the domain', async () => {
        const domain = await connection.createXML(xml('one'));
        const console = await domain.openConsole();
        const end = new Promise((resolve) => console.resume().once('end', resolve));
        await domain.destroy();
        await end;
        console.destroy();
      });

      it('needs one that is a terminal', async () => {
        const domain = await connection.createXML(xml('one', { devices: "<serial type='null'/>" }));
        await rejects(
          domain.openConsole(),
          'INTERNAL_ERROR',
          'internal error: character device serial0 is not using a PTY',
        );
      });
    });

    describe('networks', () => {
      const network = (name: string) =>
        `<network><name>${name}</name><forward mode='nat'/><ip address='10.0.0.1' netmask='255.255.255.0'><dhcp><range start='10.0.0.2' end='10.0.0.9'/></dhcp></ip></network>`;

      it('have a life cycle with events', async () => {
        const seen: string[] = [];
        connection.on('network', (one, event) => seen.push(`${one.name} ${event}`));
        const one = await connection.networkDefineXML(network('n1'));
        assert.deepEqual(
          [await one.isActive(), await one.isPersistent(), await one.getAutostart()],
          [false, true, false],
        );
        assert.match(await one.getBridgeName(), /^virbr\d+$/);
        await one.setAutostart(true);
        assert.equal(await one.getAutostart(), true);
        await rejects(
          one.destroy(),
          'OPERATION_INVALID',
          "Requested operation is not valid: network 'n1' is not active",
        );
        await rejects(one.getDHCPLeases(), 'OPERATION_INVALID', /not active/);
        if (subject.networksStart) {
          await one.create();
          assert.deepEqual(await one.getDHCPLeases(), []);
          await rejects(
            one.create(),
            'OPERATION_INVALID',
            'Requested operation is not valid: network is already active',
          );
          await one.destroy();
          await (await connection.networkCreateXML(network('n2'))).destroy();
          await rejects(
            connection.networkLookupByName('n2'),
            'NO_NETWORK',
            "Network not found: no network with matching name 'n2'",
          );
        } else {
          await rejects(one.create(), 'OPERATION_UNSUPPORTED', /network 'n1' cannot start/);
          await rejects(connection.networkCreateXML(network('n2')), 'OPERATION_UNSUPPORTED', /cannot start/);
        }
        await one.undefine();
        await rejects(connection.networkLookupByUUID(one.uuid), 'NO_NETWORK', /Network not found/);
        const { DEFINED, STARTED, STOPPED, UNDEFINED } = NetworkEvent;
        const started = [`n1 ${STARTED}`, `n1 ${STOPPED}`, `n2 ${STARTED}`, `n2 ${STOPPED}`];
        assert.deepEqual(seen, [`n1 ${DEFINED}`, ...(subject.networksStart ? started : []), `n1 ${UNDEFINED}`]);
      });

      it('are listed with flags whose bits are the other way round', async () => {
        const { name } = await connection.networkDefineXML(network('n1'));
        const list = async (flags: number) =>
          (await connection.listAllNetworks(flags)).some((one) => one.name === name);
        assert.equal(await list(ListObjects.INACTIVE), true);
        assert.equal(await list(ListObjects.ACTIVE), false);
        assert.equal(await list(ListObjects.AUTOSTART), false);
      });

      it('take the UUID of their name, and keep names unique', async () => {
        const one = await connection.networkDefineXML(network('n1'));
        assert.equal((await connection.networkDefineXML(network('n1'))).uuid, one.uuid);
        const clash = network('n1').replace('</name>', `</name><uuid>${uuids.two}</uuid>`);
        await rejects(
          connection.networkDefineXML(clash),
          'OPERATION_FAILED',
          `operation failed: network 'n1' already exists with uuid ${one.uuid}`,
        );
        const second = await connection.networkDefineXML(network('n3'));
        assert.notEqual(await second.getBridgeName(), await one.getBridgeName());
      });

      it('are updated in part', async () => {
        const one = await connection.networkDefineXML(network('n1'));
        const host = "<host mac='52:54:00:00:00:01' ip='10.0.0.5'/>";
        const { ADD_LAST, DELETE, MODIFY } = NetworkUpdateCommand;
        await one.update(ADD_LAST, NetworkSection.IP_DHCP_HOST, -1, host, Affect.CONFIG);
        await rejects(
          one.update(ADD_LAST, NetworkSection.IP_DHCP_HOST, -1, host),
          'OPERATION_INVALID',
          /existing dhcp host entry/,
        );
        await one.update(MODIFY, NetworkSection.IP_DHCP_HOST, -1, host.replace('0.5', '0.6'));
        assert.match(await one.getXMLDesc(), /10\.0\.0\.6/);
        await one.update(DELETE, NetworkSection.IP_DHCP_HOST, -1, host);
        assert.doesNotMatch(await one.getXMLDesc(), /52:54:00:00:00:01/);
        await one.update(
          ADD_LAST,
          NetworkSection.DNS_HOST,
          -1,
          "<host ip='10.0.0.7'><hostname>seven</hostname></host>",
        );
        assert.match(await one.getXMLDesc(), /<hostname>seven<\/hostname>/);
        await rejects(one.update(ADD_LAST, NetworkSection.BRIDGE, -1, '<bridge/>'), 'OPERATION_UNSUPPORTED', /BRIDGE/);
        await rejects(one.update(9, NetworkSection.IP, -1, '<ip/>'), 'INVALID_ARG', /unknown network update command/);
      });

      it('take and give plain objects', async () => {
        const one = await connection.defineNetwork({ name: 'plain', ips: [{ address: '10.1.0.1', prefix: 24 }] });
        assert.equal((await one.getDef()).ips[0]?.address, '10.1.0.1');
      });
    });

    describe('storage', () => {
      const pool = (name: string) =>
        `<pool type='dir'><name>${name}</name><target><path>${subject.poolPath}</path></target></pool>`;
      const volume = (name: string, size = 65_536) =>
        `<volume><name>${name}</name><capacity>${size}</capacity></volume>`;

      it('pools have a life cycle with events', async () => {
        const seen: number[] = [];
        connection.on('pool', (_pool, event) => seen.push(event));
        connection.on('poolRefresh', () => seen.push(-1));
        const one = await connection.storagePoolDefineXML(pool('p1'));
        assert.equal((await one.getInfo()).state, PoolState.INACTIVE);
        await rejects(
          one.listAllVolumes(),
          'OPERATION_INVALID',
          "Requested operation is not valid: storage pool 'p1' is not active",
        );
        await one.build();
        await one.create();
        await rejects(
          one.create(),
          'OPERATION_INVALID',
          "Requested operation is not valid: storage pool 'p1' is already active",
        );
        await rejects(
          one.undefine(),
          'OPERATION_INVALID',
          "Requested operation is not valid: storage pool 'p1' is still active",
        );
        const info = await one.getInfo();
        assert.ok(info.state === PoolState.RUNNING && info.capacity > 0n && info.available > 0n);
        await one.refresh();
        assert.equal((await connection.storagePoolLookupByTargetPath(`${subject.poolPath}/`)).name, 'p1');
        await one.setAutostart(true);
        assert.equal((await connection.listAllStoragePools(ListObjects.AUTOSTART)).length, 1);
        await one.destroy();
        await one.delete();
        await one.undefine();
        await rejects(
          connection.storagePoolLookupByName('p1'),
          'NO_STORAGE_POOL',
          "Storage pool not found: no storage pool with matching name 'p1'",
        );
        const { DEFINED, CREATED, STARTED, STOPPED, DELETED, UNDEFINED } = PoolEvent;
        assert.deepEqual(seen, [DEFINED, CREATED, STARTED, -1, STOPPED, DELETED, UNDEFINED]);
      });

      it('pools are at different places', async () => {
        await connection.storagePoolDefineXML(pool('p1'));
        await rejects(
          connection.storagePoolDefineXML(pool('p2')),
          'OPERATION_FAILED',
          "operation failed: Storage source conflict with pool: 'p1'",
        );
        await rejects(
          connection.storagePoolDefineXML(pool('p3').replace("'dir'", "'rbd'")),
          'CONFIG_UNSUPPORTED',
          /rbd/,
        );
        assert.equal((await connection.listAllStoragePools(ListObjects.INACTIVE)).length, 1);
      });

      it('volumes are created, found, resized, wiped and deleted', async () => {
        const one = await connection.storagePoolCreateXML(pool('p1'), 1);
        const vol = await one.createVolumeXML(volume('v1.raw'));
        assert.equal(await vol.getPath(), `${subject.poolPath}/v1.raw`);
        assert.equal(vol.key, await vol.getPath());
        await rejects(
          one.createVolumeXML(volume('v1.raw')),
          'STORAGE_VOL_EXIST',
          "storage volume 'v1.raw' exists already",
        );
        assert.deepEqual(
          (await one.listAllVolumes()).map(({ name }) => name),
          ['v1.raw'],
        );
        assert.equal((await connection.storageVolLookupByPath(vol.key)).name, 'v1.raw');
        assert.equal((await connection.storageVolLookupByKey(vol.key)).pool, 'p1');
        assert.equal((await connection.storagePoolLookupByVolume(vol)).name, 'p1');
        assert.match(await vol.getXMLDesc(), /<format type='raw'\/>/);
        await vol.resize(131_072n);
        await vol.resize(1024n, VolumeResize.DELTA);
        assert.equal((await vol.getInfo()).capacity, 132_096n);
        await rejects(vol.resize(512n), 'INVALID_ARG', /shrink/);
        await vol.resize(512n, VolumeResize.SHRINK);
        assert.equal((await vol.getInfo()).type, VolumeType.FILE);
        await vol.wipe();
        await vol.delete();
        await rejects(
          vol.getInfo(),
          'NO_STORAGE_VOL',
          "Storage volume not found: no storage vol with matching name 'v1.raw'",
        );
        await rejects(connection.storageVolLookupByPath(vol.key), 'NO_STORAGE_VOL', /matching path/);
        await rejects(connection.storageVolLookupByKey(vol.key), 'NO_STORAGE_VOL', /matching key/);
      });

      it('volumes stay in their pool', async () => {
        const one = await connection.storagePoolCreateXML(pool('p1'), 1);
        for (const name of ['../v', '..', '.', 'a/b']) {
          await rejects(one.createVolumeXML(volume(name)), 'XML_ERROR', /volume name/);
        }
        await rejects(
          one.createVolumeXML(volume('q').replace('</capacity>', "</capacity><target><format type='qcow2'/></target>")),
          'CONFIG_UNSUPPORTED',
          /qcow2/,
        );
      });

      it('volumes are uploaded, downloaded and cloned', async () => {
        const one = await connection.storagePoolCreateXML(pool('p1'), 1);
        const vol = await one.createVolumeXML(volume('v1', 8192));
        const send = async (text: string, offset: bigint, length = 0n) => {
          const stream = await vol.upload(offset, length);
          await new Promise<void>((resolve, reject) => {
            stream.once('error', reject).once('close', resolve).resume().end(text);
          });
        };
        const read = async (from: typeof vol, offset: bigint, length: bigint) => {
          const chunks: Buffer[] = [];
          for await (const chunk of await from.download(offset, length)) chunks.push(chunk as Buffer);
          return Buffer.concat(chunks).toString();
        };
        await send('hello, volume', 1000n);
        assert.equal(await read(vol, 1000n, 5n), 'hello');
        assert.equal((await read(vol, 0n, 0n)).length, 8192);
        await assert.rejects(send('too long', 8190n), /OPERATION_FAILED|more was sent|premature|Premature/);
        await rejects(vol.upload(9000n), 'INVALID_ARG', /not within volume/);
        await rejects(vol.download(0n, 9000n), 'INVALID_ARG', /not within volume/);
        const clone = await one.createVolumeXMLFrom(volume('v2', 1), vol);
        assert.equal(await read(clone, 1007n, 6n), 'volume');
        assert.equal((await clone.getInfo()).capacity, 8192n);
        const held = await vol.upload();
        held.on('error', () => {});
        await rejects(
          vol.delete(),
          'OPERATION_INVALID',
          "Requested operation is not valid: volume 'v1' is still in use.",
        );
        const closed = new Promise((resolve) => held.once('close', resolve));
        held.destroy();
        await closed;
        await until(
          async () =>
            vol.delete().then(
              () => true,
              () => false,
            ),
          'the volume is free again',
        );
      });

      it('take and give plain objects', async () => {
        const one = await connection.defineStoragePool({
          type: 'dir',
          name: 'plain',
          target: { path: subject.poolPath },
        });
        await one.build();
        await one.create();
        const vol = await one.createVolume({ name: 'v', capacity: 4096 });
        assert.deepEqual([(await one.getDef()).target?.path, (await vol.getDef()).capacity], [subject.poolPath, 4096]);
      });
    });

    describe('connections', () => {
      it('share one world, and each hears of what the others do', async () => {
        const other = await subject.again();
        const heard = record(other);
        await connection.defineXML(xml('one'));
        assert.equal((await other.lookupByName('one')).name, 'one');
        await until(() => heard.length === 1, 'the event comes to the other connection');
        await other.close();
        await connection.defineXML(xml('two'));
        assert.equal(heard.length, 1);
      });

      it('answer nothing once they are closed', async () => {
        const other = await subject.again();
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
        const other = await subject.again();
        const stream = other.eventStream();
        const seen: string[] = [];
        const reading = (async () => {
          for await (const event of stream) seen.push(event.name);
        })();
        await connection.defineXML(xml('one'));
        await connection.networkDefineXML('<network><name>n</name></network>');
        await until(() => seen.length === 2, 'both events come');
        await other.close();
        await reading;
        assert.deepEqual(seen, ['lifecycle', 'network', 'close']);
      });
    });

    describe('many calls at once', () => {
      it('keeps calls on one domain in order', async () => {
        const domain = await connection.createXML(xml('one'));
        await Promise.all([domain.suspend(), domain.resume(), domain.suspend(), domain.resume(), domain.destroy()]);
        assert.deepEqual(events.slice(2), [
          `one ${SUSPENDED.id}/0 id`,
          `one ${RESUMED.id}/0 id`,
          `one ${SUSPENDED.id}/0 id`,
          `one ${RESUMED.id}/0 id`,
          `one ${SHUTDOWN.id}/2 id`,
          `one ${STOPPED.id}/1 -`,
        ]);
      });

      it('starts one domain once, however many ask', async () => {
        const domain = await connection.defineXML(xml('one'));
        const results = await Promise.allSettled(Array.from({ length: 5 }, () => domain.create()));
        assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
        assert.equal(events.filter((event) => event.includes(` ${STARTED.id}/`)).length, 1);
      });

      it('defines one domain of a name, however many try', async () => {
        const results = await Promise.allSettled(Array.from({ length: 8 }, () => connection.defineXML(xml('same'))));
        assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
        assert.deepEqual(await names(0), ['same']);
      });

      it('defines and undefines a thousand domains', async () => {
        for (let at = 0; at < 1000; at += 100) {
          const some = Array.from({ length: 100 }, (_, index) => connection.defineXML(xml(`d${at + index}`)));
          await Promise.all((await Promise.all(some)).map((domain) => domain.undefine()));
        }
        assert.deepEqual(await names(0), []);
        assert.equal(events.length, 2000);
      }).timeout(60_000);
    });
  });
}
