/** What domains may use of the host, what is saved of them, and what only an agent in the guest could tell. */
import { strict as assert } from 'node:assert';
import {
  Affect,
  DomainLifecycleAction,
  DomainLifecycleWhen,
  DomainSnapshot,
  DomainXml,
  type TypedParam,
} from '../../../src/index.ts';
import { type Bench, rejects } from './bench.ts';

const mac = '52:54:00:00:00:07';

/** @param current the bench of the test that runs */
export function describeDomainResources(current: () => Bench): void {
  let bench: Bench;
  beforeEach(() => {
    bench = current();
  });

  /** A domain with a disk of 64 KiB on a pool's volume and a network interface; not running. */
  const equipped = async () => {
    const { connection, subject, xml } = bench;
    const pool = await connection.storagePoolCreateXML(
      `<pool type='dir'><name>p</name><target><path>${subject.poolPath}</path></target></pool>`,
      1,
    );
    await pool.createVolumeXML('<volume><name>v</name><capacity>65536</capacity></volume>');
    const devices = `<disk type='volume' device='disk'><source pool='p' volume='v'/><target dev='vda' bus='virtio'/></disk>
      <interface type='user'><mac address='${mac}'/></interface>
      <rng model='virtio'><backend model='builtin'/><alias name='ua-rng'/></rng>
      <memballoon model='virtio'/><console type='pty'/>`;
    return connection.defineXML(xml('one', { devices }));
  };

  describe('resources of domains', () => {
    it('tell of disks', async () => {
      const domain = await equipped();
      const { capacity, physical } = await domain.getBlockInfo('vda');
      assert.ok(capacity >= 65_536n && physical >= 65_536n);
      await rejects(domain.getBlockInfo('vdz'), 'INVALID_ARG', /invalid path vdz not assigned to domain/);
      await rejects(domain.getDiskErrors(), 'OPERATION_INVALID', /not running/);
      await domain.create();
      const fields = (await domain.blockStatsFlags('vda')).map(({ field, type }) => `${field}:${type}`);
      assert.ok(fields.includes('rd_operations:llong') && fields.includes('flush_total_times:llong'), fields.join());
      assert.ok((await domain.blockStats('vda')).rdReq >= 0n);
      assert.deepEqual(await domain.getDiskErrors(), []);
      assert.equal(await domain.getBlockJobInfo('vda'), undefined);
      await rejects(domain.getBlockJobInfo('vdz'), 'INVALID_ARG', /invalid path vdz/);
      await rejects(domain.blockJobAbort('vda'), 'INVALID_ARG', /disk vda does not have an active block job/);
    });

    it('have no limits, and can be given none', async () => {
      const domain = await equipped();
      const kinds: [
        get: () => Promise<TypedParam[]>,
        set: (params: readonly TypedParam[]) => Promise<void>,
        limit: TypedParam,
      ][] = [
        [
          () => domain.getBlkioParameters(),
          (params) => domain.setBlkioParameters(params),
          { field: 'weight', type: 'uint', value: 500 },
        ],
        [
          () => domain.getMemoryParameters(),
          (params) => domain.setMemoryParameters(params),
          { field: 'hard_limit', type: 'ullong', value: 65_536n },
        ],
        [
          () => domain.getNumaParameters(),
          (params) => domain.setNumaParameters(params),
          { field: 'numa_nodeset', type: 'string', value: '0' },
        ],
        [
          () => domain.getInterfaceParameters(mac),
          (params) => domain.setInterfaceParameters(mac, params),
          { field: 'inbound.average', type: 'uint', value: 1 },
        ],
      ];
      for (const [get, set, limit] of kinds) {
        const none = await get();
        const own = none.find(({ field }) => field === limit.field);
        assert.equal(own?.type, limit.type, limit.field);
        // What there is may be said again.
        await set(none);
        await rejects(set([limit]), 'OPERATION_UNSUPPORTED', new RegExp(`limit '${limit.field}' cannot be set`));
        await rejects(
          set([{ field: 'novel', type: 'int', value: 1 }]),
          'ARGUMENT_UNSUPPORTED',
          /'novel' not supported/,
        );
        await rejects(set([{ field: limit.field, type: 'double', value: 1 }]), 'INVALID_ARG', /invalid type 'double'/);
        assert.deepEqual(await get(), none);
      }
      await rejects(domain.getInterfaceParameters('vnet9'), 'INVALID_ARG', /'vnet9' is not a known interface/);
      await rejects(domain.getMemoryParameters(3), 'INVALID_ARG', /mutually exclusive/);
    });

    it('limit the I/O of a disk, as its definition says and as it is told while it runs', async () => {
      const domain = await equipped();
      const none = await domain.getBlockIoTune('vda');
      assert.equal(none.length, 20);
      assert.deepEqual(none[0], { field: 'total_bytes_sec', type: 'ullong', value: 0n });
      const limit = (field: string, value: bigint): TypedParam => ({ field, type: 'ullong', value });
      const limits = async (flags = 0) =>
        (await domain.getBlockIoTune('vda', flags))
          .filter(({ value }) => value !== 0n && value !== '')
          .map(({ field, value }) => `${field}=${value}`);
      await domain.setBlockIoTune('vda', [limit('read_bytes_sec', 1000n), limit('write_bytes_sec', 2000n)]);
      await domain.setBlockIoTune('vda', [limit('total_iops_sec', 50n), limit('total_iops_sec_max', 60n)]);
      assert.deepEqual(await limits(), [
        'read_bytes_sec=1000',
        'write_bytes_sec=2000',
        'total_iops_sec=50',
        'total_iops_sec_max=60',
      ]);
      assert.match(await domain.getXMLDesc(), /<iotune>\s*<read_bytes_sec>1000<\/read_bytes_sec>/);
      // The three of a unit go together.
      await domain.setBlockIoTune('vda', [limit('total_bytes_sec', 3000n)]);
      assert.deepEqual(await limits(), ['total_bytes_sec=3000', 'total_iops_sec=50', 'total_iops_sec_max=60']);
      await rejects(
        domain.setBlockIoTune('vda', [limit('total_bytes_sec', 1n), limit('read_bytes_sec', 1n)]),
        'INVALID_ARG',
        /cannot be set at the same time/,
      );
      await rejects(domain.setBlockIoTune('vda', [limit('total_iops_sec', 70n)]), 'INVALID_ARG', /cannot be smaller/);
      await rejects(
        domain.setBlockIoTune('vda', [limit('novel', 1n)]),
        'ARGUMENT_UNSUPPORTED',
        /'novel' not supported/,
      );
      await rejects(
        domain.setBlockIoTune('vda', [{ field: 'total_bytes_sec', type: 'int', value: 1 }]),
        'INVALID_ARG',
        /invalid type 'int'/,
      );
      assert.deepEqual(await limits(), ['total_bytes_sec=3000', 'total_iops_sec=50', 'total_iops_sec_max=60']);
      await domain.setBlockIoTune('vda', none);
      assert.deepEqual(await limits(), []);
      assert.doesNotMatch(await domain.getXMLDesc(), /<iotune>/);
      await domain.setBlockIoTune('vda', [limit('total_bytes_sec', 9n)], Affect.CONFIG);
      assert.deepEqual(await limits(Affect.CONFIG), ['total_bytes_sec=9']);
      await domain.setBlockIoTune('vda', none, Affect.CONFIG);
      await rejects(domain.getBlockIoTune('vdz'), 'INVALID_ARG', /invalid path vdz/);
    });

    it('tell of limits of a disk that were set while it runs, and of no others', async () => {
      const domain = await equipped();
      const told: [string, TypedParam[]][] = [];
      bench.connection.on('tunable', ({ name }, params) => told.push([name, params]));
      const limit = (field: string, value: bigint): TypedParam => ({ field, type: 'ullong', value });
      await domain.setBlockIoTune('vda', [limit('total_iops_sec', 50n)], Affect.CONFIG);
      await domain.create();
      await rejects(domain.setBlockIoTune('vda', [limit('novel', 1n)]), 'ARGUMENT_UNSUPPORTED', /novel/);
      await domain.setBlockIoTune('vda', [limit('total_bytes_sec', 3000n), limit('total_bytes_sec_max', 4000n)]);
      assert.deepEqual(told, [
        [
          domain.name,
          [
            { field: 'blkdeviotune.disk', type: 'string', value: 'vda' },
            limit('blkdeviotune.total_bytes_sec', 3000n),
            limit('blkdeviotune.total_bytes_sec_max', 4000n),
          ],
        ],
      ]);
    });

    it('are threads beside the vCPUs, with a place of their own in the definition', async () => {
      const domain = await equipped();
      const all = await domain.getEmulatorPinInfo();
      const { cpus } = await bench.connection.getCPUMap();
      assert.equal(all.length, Math.ceil(cpus / 8));
      const first = new Uint8Array(all.length);
      first[0] = 1;
      await domain.pinEmulator(first, Affect.CONFIG);
      assert.deepEqual(await domain.getEmulatorPinInfo(), first);
      assert.match(await domain.getXMLDesc(), /<emulatorpin cpuset='0'\/>/);
      await rejects(domain.pinEmulator(new Uint8Array(1)), 'INVALID_ARG', /Empty cpu list/);
      assert.deepEqual(await domain.getIOThreadInfo(), []);
    });

    it('are scheduled by the host, or by a driver that can be told how', async () => {
      const domain = await equipped();
      const { scheduler } = bench.subject;
      if (scheduler === undefined) {
        await rejects(domain.getSchedulerType(), 'OPERATION_UNSUPPORTED', /the host's scheduler/);
        await rejects(domain.getSchedulerParameters(), 'OPERATION_UNSUPPORTED', /the host's scheduler/);
        await rejects(domain.setSchedulerParameters([]), 'OPERATION_UNSUPPORTED', /the host's scheduler/);
        return;
      }
      assert.equal((await domain.getSchedulerType()).type, scheduler);
      const [param] = await domain.getSchedulerParameters();
      assert.ok(param?.type === 'uint');
      await domain.setSchedulerParameters([{ ...param, value: param.value + 1 }]);
      assert.deepEqual(await domain.getSchedulerParameters(), [{ ...param, value: param.value + 1 }]);
      await rejects(
        domain.setSchedulerParameters([{ field: 'novel', type: 'uint', value: 1 }]),
        'INVALID_ARG',
        /Unrecognized scheduler parameter 'novel'/,
      );
      await rejects(
        domain.setSchedulerParameters([{ field: param.field, type: 'string', value: 'x' }]),
        'INVALID_ARG',
        /invalid type 'string'/,
      );
    });

    it('include CPU time, of all CPUs together', async () => {
      const domain = await equipped();
      await rejects(domain.getCPUStats(), 'OPERATION_INVALID', /not running/);
      await domain.create();
      const [total] = await domain.getCPUStats();
      assert.deepEqual(
        total?.map(({ field, type }) => `${field}:${type}`),
        ['cpu_time:ullong'],
      );
      await rejects(domain.getCPUStats(-1, 2), 'INVALID_ARG', /ncpus/);
      await rejects(domain.getCPUStats(0, 1), 'OPERATION_UNSUPPORTED', /by CPU/);
    });

    it('report on their memory where a balloon could', async () => {
      const domain = await equipped();
      await domain.setMemoryStatsPeriod(5, Affect.CONFIG);
      assert.match(await domain.getXMLDesc(), /<stats period='5'\/>/);
      await rejects(domain.setMemoryStatsPeriod(-1), 'INVALID_ARG', /period/);
      await domain.create();
      if (!bench.subject.hasBalloon) {
        await rejects(domain.setMemoryStatsPeriod(1, Affect.LIVE), 'OPERATION_UNSUPPORTED', /no balloon/);
      }
      const bare = await bench.connection.defineXML(bench.xml('bare', { devices: "<memballoon model='none'/>" }));
      await rejects(bare.setMemoryStatsPeriod(1), 'OPERATION_INVALID', /model must be virtio/);
    });
  });

  describe('definitions of domains', () => {
    it('change what ends and crashes lead to', async () => {
      const domain = await bench.connection.defineXML(bench.xml('one'));
      const { POWEROFF, REBOOT, CRASH } = DomainLifecycleWhen;
      const { DESTROY, RESTART } = DomainLifecycleAction;
      await domain.setLifecycleAction(POWEROFF, RESTART);
      await domain.setLifecycleAction(REBOOT, DESTROY, Affect.CONFIG);
      assert.match(await domain.getXMLDesc(), /<on_poweroff>restart<\/on_poweroff>\n {2}<on_reboot>destroy</);
      await rejects(domain.setLifecycleAction(7, DESTROY), 'INVALID_ARG', /unsupported lifecycle type 7/);
      await rejects(domain.setLifecycleAction(POWEROFF, 7), 'INVALID_ARG', /unsupported lifecycle action 7/);
      await domain.create();
      await domain.setLifecycleAction(CRASH, RESTART, Affect.LIVE);
      assert.match(await domain.getXMLDesc(), /<on_crash>restart</);
      assert.match(await domain.getXMLDesc(DomainXml.INACTIVE), /<on_crash>destroy</);
      await rejects(
        domain.setLifecycleAction(REBOOT, RESTART, Affect.LIVE),
        'OPERATION_UNSUPPORTED',
        /reboot action of a running machine cannot be changed/,
      );
    });

    it('lose devices by their aliases', async () => {
      const domain = await equipped();
      await domain.detachDeviceAlias('ua-rng', Affect.CONFIG);
      assert.doesNotMatch(await domain.getXMLDesc(), /<rng/);
      await rejects(
        domain.detachDeviceAlias('ua-rng', Affect.CONFIG),
        'DEVICE_MISSING',
        'device not found: no device found with alias ua-rng',
      );
    });

    it('can be started as plain objects, as they are', async () => {
      const { connection, subject } = bench;
      const [, kernel] = /<kernel>([^<]*)/.exec(subject.os) ?? [];
      const domain = await connection.createDomain({
        type: subject.domainType,
        name: 'plain',
        memory: 32_768,
        os: kernel === undefined ? {} : { kernel },
      });
      assert.equal(await domain.isActive(), true);
      assert.deepEqual(await domain.getMessages(1), []);
      assert.equal(await domain.getAutostart(), false);
    });
  });

  describe('states of domains', () => {
    it('are not saved, which is said with the codes that libvirt has for it', async () => {
      const { connection } = bench;
      const domain = await bench.connection.defineXML(bench.xml('one'));
      await rejects(domain.save('/tmp/none'), 'OPERATION_INVALID', /domain is not running/);
      await rejects(domain.coreDump('/tmp/none'), 'OPERATION_INVALID', /domain is not running/);
      await domain.create();
      const unsaved = 'Operation not supported: the state of machines cannot be saved';
      await rejects(domain.save('/tmp/none'), 'OPERATION_UNSUPPORTED', unsaved);
      await rejects(domain.managedSave(), 'OPERATION_UNSUPPORTED', unsaved);
      await rejects(connection.restore('/tmp/none'), 'OPERATION_UNSUPPORTED', unsaved);
      await rejects(connection.saveImageGetXMLDesc('/tmp/none'), 'OPERATION_UNSUPPORTED', unsaved);
      await rejects(connection.saveImageDefineXML('/tmp/none', '<domain/>'), 'OPERATION_UNSUPPORTED', unsaved);
      await rejects(domain.coreDump('/tmp/none'), 'OPERATION_UNSUPPORTED', /dumping/);
      await rejects(domain.coreDump('/tmp/none', 99), 'INVALID_ARG', /unknown dumpformat '99'/);
      const none = /domain does not have managed save image/;
      await rejects(domain.managedSaveRemove(), 'OPERATION_INVALID', none);
      await rejects(domain.managedSaveGetXMLDesc(), 'OPERATION_INVALID', none);
      const fleeting = await connection.createXML(bench.xml('fleeting'));
      await rejects(fleeting.managedSave(), 'OPERATION_INVALID', /managed save for transient domain/);
      const { type, ...numbers } = await domain.getJobInfo();
      assert.equal(type, 0);
      assert.ok(Object.values(numbers).every((number) => number === 0n));
      await rejects(domain.abortJob(), 'OPERATION_INVALID', /no job is active on the domain/);
    });

    it('are not kept in snapshots', async () => {
      const { connection } = bench;
      const domain = await connection.defineXML(bench.xml('one'));
      assert.equal(await domain.hasCurrentSnapshot(), false);
      await rejects(domain.snapshotCurrent(), 'NO_DOMAIN_SNAPSHOT', /does not have a current snapshot/);
      await rejects(domain.createSnapshot({ name: 's' }), 'OPERATION_UNSUPPORTED', /snapshots/);
      const gone = new DomainSnapshot(connection.backend, { name: 'gone', domain: domain.ref });
      const asked: (() => Promise<unknown>)[] = [
        () => gone.getXMLDesc(),
        () => gone.getDef(),
        () => gone.listAllChildren(),
        () => gone.numChildren(),
        () => gone.getParent(),
        () => gone.isCurrent(),
        () => gone.hasMetadata(),
        () => gone.revert(),
        () => gone.delete(),
      ];
      for (const ask of asked) {
        const missing = "Domain snapshot not found: no domain snapshot with matching name 'gone'";
        await rejects(ask(), 'NO_DOMAIN_SNAPSHOT', missing);
      }
    });
  });

  describe('guests', () => {
    it('have no agent', async () => {
      const domain = await bench.connection.defineXML(bench.xml('one'));
      const asked: (() => Promise<unknown>)[] = [
        () => domain.getHostname(),
        () => domain.getGuestInfo(),
        () => domain.getGuestVcpus(),
        () => domain.getFSInfo(),
        () => domain.fsFreeze(),
        () => domain.fsThaw(['/']),
        () => domain.fsTrim(),
        () => domain.setTime({ seconds: 1n, nseconds: 0 }),
        () => domain.setUserPassword('root', 'secret'),
      ];
      for (const ask of asked) await rejects(ask(), 'OPERATION_INVALID', /domain is not running/);
      await domain.create();
      const absent = 'argument unsupported: QEMU guest agent is not configured';
      for (const ask of asked) await rejects(ask(), 'ARGUMENT_UNSUPPORTED', absent);
      await rejects(domain.getGuestInfo(2 ** 20), 'INVALID_ARG', /unsupported guest information types '0x100000'/);
      await rejects(domain.setTime({ seconds: 1n, nseconds: 1e9 }), 'INVALID_ARG', /nseconds/);
    });

    it('are not to be woken, put to sleep or interrupted beyond masking', async () => {
      const domain = await bench.connection.createXML(bench.xml('one'));
      await rejects(domain.injectNMI(), 'OPERATION_UNSUPPORTED', /no non-maskable interrupt/);
      await rejects(domain.pmWakeup(), 'OPERATION_UNSUPPORTED', /suspend support/);
      await rejects(domain.pmSuspendForDuration(0), 'OPERATION_UNSUPPORTED', /suspend support/);
      await rejects(domain.pmSuspendForDuration(9), 'INVALID_ARG', /Unknown suspend target: 9/);
      await rejects(domain.pmSuspendForDuration(0, 1n), 'ARGUMENT_UNSUPPORTED', /Duration not supported/);
    });

    it('have no channels but those that are named, and these lead nowhere', async () => {
      const devices = `<channel type='unix'><target type='virtio' name='org.example.0'/></channel>`;
      const domain = await bench.connection.createXML(bench.xml('one', { devices }));
      await rejects(domain.openChannel('org.example.1'), 'INTERNAL_ERROR', /cannot find channel org\.example\.1/);
      await rejects(domain.openChannel(), 'OPERATION_UNSUPPORTED', /channel org\.example\.0 is not in the machine/);
    });

    it('are confined by nothing but their process', async () => {
      const domain = await bench.connection.defineXML(bench.xml('one'));
      assert.deepEqual(await domain.getSecurityLabel(), { label: '', enforcing: false });
      assert.deepEqual(await domain.getSecurityLabelList(), []);
    });
  });
}
