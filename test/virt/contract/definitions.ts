/** What domains are: names, descriptions, memory, vCPUs, devices. */
import { strict as assert } from 'node:assert';
import { existsSync } from 'node:fs';
import {
  Affect,
  DomainDefine,
  DomainLifecycle,
  DomainStart,
  DomainXml,
  ListDomains,
  MemoryFlags,
  MetadataType,
  NetworkDefine,
  PoolDefine,
  PoolStart,
  VcpuFlags,
  type VirErrorName,
  VirtError,
  VolumeCreate,
} from '../../../src/index.ts';
import { type Bench, rejects, uuids } from './bench.ts';

const { DEFINED, UNDEFINED } = DomainLifecycle;

/** One device of each kind, with another one that may take its place where a kind has something to change. */
const devices: readonly (readonly [kind: string, device: string, changed?: string])[] = [
  [
    'disk',
    "<disk type='file' device='disk'><source file='/a'/><target dev='vdb' bus='virtio'/></disk>",
    "<disk type='file' device='disk'><source file='/b'/><target dev='vdb' bus='virtio'/></disk>",
  ],
  ['controller', "<controller type='scsi' index='3' model='virtio-scsi'/>"],
  ['filesystem', "<filesystem type='mount'><source dir='/srv'/><target dir='share'/></filesystem>"],
  [
    'interface',
    "<interface type='user'><mac address='52:54:00:00:00:09'/><model type='virtio'/></interface>",
    "<interface type='user'><mac address='52:54:00:00:00:09'/><model type='virtio'/><link state='down'/></interface>",
  ],
  ['console', "<console type='pty'><target type='virtio' port='1'/></console>"],
  ['channel', "<channel type='unix'><target type='virtio' name='org.example.0'/></channel>"],
  ['input', "<input type='tablet' bus='virtio'/>"],
  ['tpm', "<tpm model='tpm-tis'><backend type='emulator'/></tpm>"],
  ['graphics', "<graphics type='vnc' port='5901' listen='127.0.0.1'/>"],
  ['sound', "<sound model='ich9'/>"],
  ['video', "<video><model type='virtio' heads='1' primary='yes'/></video>"],
  ['hostdev', "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1'/><product id='0x2'/></source></hostdev>"],
  ['redirdev', "<redirdev bus='usb' type='spicevmc'/>"],
  ['watchdog', "<watchdog model='i6300esb' action='reset'/>"],
  ['rng', "<rng model='virtio'><backend model='builtin'/></rng>"],
  ['panic', "<panic model='pvpanic'/>"],
  ['vsock', "<vsock model='virtio'><cid auto='yes'/></vsock>"],
];

const folder = '/usr/share/libvirt/schemas';
const hasSchemas = existsSync(`${folder}/domain.rng`);

/** How a document that its schema does not allow is refused, with the schemas and without. */
const invalid = (schema: string): [VirErrorName, RegExp] =>
  hasSchemas
    ? ['XML_INVALID_SCHEMA', new RegExp(`failed to validate against schema: Unable to validate .*/${schema}\\.rng\n`)]
    : ['OPERATION_UNSUPPORTED', /cannot validate/];

/** @param current the bench of the test that runs */
export function describeDefinitions(current: () => Bench): void {
  let bench: Bench;
  beforeEach(() => {
    bench = current();
  });

  describe('names and definitions', () => {
    it('holds names and UUIDs unique', async () => {
      await bench.connection.defineXML(bench.xml('one', { uuid: uuids.one }));
      await rejects(
        bench.connection.defineXML(bench.xml('one', { uuid: uuids.two })),
        'OPERATION_FAILED',
        `operation failed: domain 'one' already exists with uuid ${uuids.one}`,
      );
      await rejects(
        bench.connection.createXML(bench.xml('two', { uuid: uuids.one })),
        'OPERATION_FAILED',
        `operation failed: domain 'one' is already defined with uuid ${uuids.one}`,
      );
      assert.deepEqual(await bench.names(0), ['one']);
    });

    it('updates a definition of the same name and UUID, which a running domain gets at its next start', async () => {
      const domain = await bench.connection.defineXML(bench.xml('one', { uuid: uuids.one }));
      await domain.create();
      await bench.connection.defineXML(bench.xml('one', { uuid: uuids.one, more: '<title>next</title>' }));
      await bench.heard([`one ${DEFINED.id}/${DEFINED.UPDATED} id`], -1);
      assert.equal(await domain.isUpdated(), true);
      assert.doesNotMatch(await domain.getXMLDesc(), /next/);
      assert.match(await domain.getXMLDesc(DomainXml.INACTIVE), /<title>next<\/title>/);
      await domain.destroy();
      assert.match(await domain.getXMLDesc(), /<title>next<\/title>/);
      assert.equal(await domain.isUpdated(), false);
    });

    it('finds by name and by UUID in any case', async () => {
      await bench.connection.defineXML(bench.xml('one', { uuid: uuids.one }));
      assert.equal((await bench.connection.lookupByUUID(uuids.one.toUpperCase())).name, 'one');
      await rejects(
        bench.connection.lookupByUUID(uuids.two),
        'NO_DOMAIN',
        `Domain not found: no domain with matching uuid '${uuids.two}'`,
      );
    });

    it('renames, with two events', async () => {
      const domain = await bench.connection.defineXML(bench.xml('one'));
      await bench.connection.defineXML(bench.xml('taken'));
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
      await bench.heard([`one ${UNDEFINED.id}/1 -`, `two ${DEFINED.id}/2 -`], -2);
      assert.equal((await bench.connection.lookupByName('two')).uuid, domain.uuid);
      assert.match(await domain.getXMLDesc(), /<name>two<\/name>/);
      await rejects(bench.connection.lookupByName('one'), 'NO_DOMAIN', /no domain/);
    });

    it('refuses XML that is none, and what it cannot be', async () => {
      await rejects(bench.connection.defineXML('<domain'), 'XML_ERROR', /XML error/);
      await rejects(bench.connection.defineXML('<network/>'), 'XML_ERROR', /domain/);
      await rejects(bench.connection.defineXML(bench.xml('a/b')), 'XML_ERROR', /'\/'/);
      await rejects(
        bench.connection.defineXML(bench.xml('one').replace(/domain type='\w+'/, "domain type='xen'")),
        'CONFIG_UNSUPPORTED',
        /unsupported configuration/,
      );
      await rejects(bench.connection.defineXML(bench.xml('one'), 64), 'INVALID_ARG', /unsupported flags \(0x40\)/);
      assert.deepEqual(await bench.names(0), []);
    });

    it('checks definitions against libvirt’s schemas when asked to, or says why it cannot', async () => {
      const { connection, subject, xml } = bench;
      const network = '<network><name>n</name></network>';
      const pool = `<pool type='dir'><name>p</name><target><path>${subject.poolPath}</path></target></pool>`;
      const volume = '<volume><name>v</name><capacity>512</capacity><target/></volume>';
      const novel = (text: string) => text.replace('</name>', '</name><novel/>');
      const one = await connection.storagePoolCreateXML(pool.replace('<name>p', '<name>other'), 1);
      const created = await one.createVolumeXML(volume);
      const named = (text: string, name: string) => text.replace(/<name>\w+/, `<name>${name}`);
      const cases: [root: string, check: (text: string) => Promise<unknown>, text: string][] = [
        ['domain', (text) => connection.defineXML(text, DomainDefine.VALIDATE), xml('valid')],
        ['domain', (text) => connection.createXML(text, DomainStart.VALIDATE), xml('created')],
        ['network', (text) => connection.networkDefineXML(text, NetworkDefine.VALIDATE), network],
        ['storagevol', (text) => one.createVolumeXML(text, VolumeCreate.VALIDATE), named(volume, 'w')],
        ['storagevol', (text) => one.createVolumeXMLFrom(text, created, VolumeCreate.VALIDATE), named(volume, 'x')],
      ];
      if (subject.networksStart) {
        cases.push([
          'network',
          (text) => connection.networkCreateXML(text, NetworkDefine.VALIDATE),
          named(network, 'm'),
        ]);
      }
      await rejects(connection.storagePoolDefineXML(novel(pool), PoolDefine.VALIDATE), ...invalid('storagepool'));
      await rejects(connection.storagePoolCreateXML(novel(pool), PoolStart.VALIDATE), ...invalid('storagepool'));
      for (const [schema, check, text] of cases) {
        await rejects(check(novel(text)), ...invalid(schema));
        if (hasSchemas) await check(text);
      }
    });

    it('takes and gives plain objects', async () => {
      const { connection, subject } = bench;
      const domain = await connection.defineDomain({
        type: subject.domainType,
        name: 'plain',
        memory: 32_768,
        os: {},
        devices: { consoles: [{ type: 'pty' }] },
      });
      const def = await domain.getDef(DomainXml.INACTIVE);
      assert.deepEqual([def.name, def.memory, def.vcpu?.max, def.on_reboot], ['plain', 32_768, 1, 'restart']);
      assert.deepEqual(def.os.type, { value: 'hvm', arch: 'riscv64', machine: 'virt' });
      assert.equal(def.devices.serials[0]?.type, 'pty');
      // What was read can be written again, with a change.
      const changed = await connection.defineDomain({ ...def, title: 'changed' });
      assert.deepEqual(await changed.getDef(DomainXml.INACTIVE), { ...def, title: 'changed' });
      const graphics = { kind: 'graphics', def: { type: 'vnc', passwd: 'hush' } } as const;
      await domain.attachDevice(graphics, Affect.CONFIG);
      const { devices } = await domain.getDef(DomainXml.INACTIVE | DomainXml.SECURE);
      assert.equal(devices.graphics[0]?.passwd, 'hush');
      await domain.detachDevice(graphics, Affect.CONFIG);
    });

    it('refuses objects that are no definitions', async () => {
      const { connection } = bench;
      const nonsense = [{ name: 5 }, { name: 'n', memory: {}, os: { boot: 7 } }, { devices: { disks: 'none' } }, null];
      for (const def of nonsense) {
        await assert.rejects(connection.defineDomain(def as never), (error: unknown) => {
          assert.ok(error instanceof VirtError, String(error));
          return ['INVALID_ARG', 'XML_ERROR'].includes(error.code);
        });
      }
      assert.deepEqual(await bench.names(0), []);
    });

    it('lists by flags, each group by itself', async () => {
      await bench.connection.defineXML(bench.xml('off'));
      await (await bench.connection.defineXML(bench.xml('auto'))).setAutostart(true);
      await (await bench.connection.defineXML(bench.xml('on'))).create();
      await (await bench.connection.createXML(bench.xml('fleeting'))).suspend();
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
      for (const [flags, wanted] of cases) assert.deepEqual(await bench.names(flags), wanted, `flags ${flags}`);
    });

    it('keeps titles, descriptions and metadata, in the definition that is meant', async () => {
      const domain = await bench.connection.defineXML(bench.xml('one'));
      const changes: unknown[] = [];
      bench.connection.on('metadataChange', (_domain, type, uri) => changes.push([type, uri]));
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
      await rejects(domain.getMetadata(MetadataType.ELEMENT, uri, Affect.CONFIG), 'NO_DOMAIN_METADATA', /not present/);
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
      const domain = await bench.connection.defineXML(bench.xml('one'));
      assert.equal(await domain.getMaxMemory(), 32_768n);
      await domain.setMemory(16_384n, MemoryFlags.CONFIG);
      assert.equal((await domain.getInfo()).memory, 16_384n);
      await rejects(
        domain.setMemory(65_536n),
        'INVALID_ARG',
        'invalid argument: cannot set memory higher than max memory',
      );
      await rejects(domain.setMemory(0n), 'INVALID_ARG', 'memory in virDomainSetMemoryFlags must not be zero');
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
      const domain = await bench.connection.createXML(bench.xml('one'));
      const changes: bigint[] = [];
      bench.connection.on('balloonChange', (_domain, kib) => changes.push(kib));
      if (bench.subject.hasBalloon) {
        await domain.setMemory(16_384n, MemoryFlags.LIVE);
        assert.equal((await domain.getInfo()).memory, 16_384n);
        assert.deepEqual(changes, [16_384n]);
      } else {
        await rejects(domain.setMemory(16_384n, MemoryFlags.LIVE), 'OPERATION_INVALID', /without the balloon device/);
        assert.equal((await domain.getInfo()).memory, 32_768n);
      }
    });

    it('counts vCPUs by flags', async () => {
      const domain = await bench.connection.defineXML(bench.xml('one'));
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
      if (bench.subject.hotplugs) {
        await domain.setVcpus(2, VcpuFlags.LIVE);
        assert.equal((await domain.getVcpuInfo()).length, 2);
        await domain.setVcpus(1, VcpuFlags.LIVE);
      } else {
        await rejects(domain.setVcpus(2, VcpuFlags.LIVE), 'OPERATION_UNSUPPORTED', /cannot change vcpu count/);
      }
      await domain.setVcpus(1, VcpuFlags.LIVE);
      assert.equal(await domain.getVcpus(VcpuFlags.LIVE), 1);
      await rejects(domain.getVcpus(VcpuFlags.GUEST), 'ARGUMENT_UNSUPPORTED', /agent/);
    });

    it('pins vCPUs in the definition', async () => {
      const domain = await bench.connection.defineXML(bench.xml('one'));
      const { cpus } = await bench.connection.getCPUMap();
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
      const domain = await bench.connection.defineXML(bench.xml('one'));
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
    });

    for (const [kind, device, changed] of devices) {
      it(`attaches, updates and detaches a ${kind} in the definition, live where the machine can`, async () => {
        const { connection, subject, xml } = bench;
        const domain = await connection.defineXML(xml('one', { devices: '<memballoon model="none"/>' }));
        const bare = await domain.getXMLDesc();
        try {
          await domain.attachDevice(device, Affect.CONFIG);
        } catch {
          // What no machine can have is not taken into a definition either.
          await rejects(domain.attachDevice(device, Affect.CONFIG), 'CONFIG_UNSUPPORTED', new RegExp(kind));
          assert.equal(await domain.getXMLDesc(), bare);
          return;
        }
        const attached = await domain.getXMLDesc();
        assert.notEqual(attached, bare);
        await domain.updateDevice(changed ?? device, Affect.CONFIG);
        const updated = await domain.getXMLDesc();
        assert.equal(updated === attached, changed === undefined, updated);
        await domain.detachDevice(changed ?? device, Affect.CONFIG);
        assert.equal(await domain.getXMLDesc(), bare);
        await rejects(domain.detachDevice(device, Affect.CONFIG), 'DEVICE_MISSING', /device not found/);

        await domain.create();
        const running = await domain.getXMLDesc();
        if (!subject.hotplugs) {
          const refused = `Operation not supported: live attach of device '${kind}' is not supported`;
          await rejects(domain.attachDevice(device, Affect.LIVE), 'OPERATION_UNSUPPORTED', refused);
          // Neither of the two is changed.
          await rejects(domain.attachDevice(device, Affect.LIVE | Affect.CONFIG), 'OPERATION_UNSUPPORTED', refused);
          assert.equal(await domain.getXMLDesc(), running);
          assert.equal(await domain.getXMLDesc(DomainXml.INACTIVE), bare);
          return;
        }
        const seen: string[] = [];
        connection.on('deviceAdded', (_domain, alias) => seen.push(`+${alias}`));
        connection.on('deviceRemoved', (_domain, alias) => seen.push(`-${alias}`));
        await domain.attachDevice(device, Affect.LIVE);
        assert.notEqual(await domain.getXMLDesc(), running);
        assert.equal(await domain.getXMLDesc(DomainXml.INACTIVE), bare);
        await domain.updateDevice(changed ?? device, Affect.LIVE);
        await domain.detachDevice(changed ?? device, Affect.LIVE);
        assert.equal(await domain.getXMLDesc(), running);
        const alias = seen[0]?.slice(1);
        assert.deepEqual(seen, [`+${alias}`, `-${alias}`]);
        await rejects(domain.detachDevice(device, Affect.LIVE), 'DEVICE_MISSING', /device not found/);
      });
    }

    it('is asked for nothing by an update that changes nothing', async () => {
      const devices = `<rng model='virtio'><backend model='builtin'/></rng><console type='pty'/>`;
      const domain = await bench.connection.createXML(bench.xml('one', { devices }));
      const before = await domain.getXMLDesc();
      await domain.updateDevice("<rng model='virtio'><backend model='builtin'/></rng>", Affect.LIVE);
      assert.equal(await domain.getXMLDesc(), before);
      const error = "<rng model='virtio'><backend model='egd'/></rng>";
      await rejects(domain.updateDevice(error, Affect.LIVE), 'DEVICE_MISSING', /no rng device matches/);
    });

    it('takes a device out by its alias, live where the machine can', async () => {
      const devices = `<rng model='virtio'><backend model='builtin'/></rng><console type='pty'/>`;
      const domain = await bench.connection.createXML(bench.xml('one', { devices }));
      await rejects(domain.detachDeviceAlias('rng7'), 'DEVICE_MISSING', /alias rng7/);
      if (!bench.subject.hotplugs) {
        const refused = /live detach of device 'rng' is not supported/;
        await rejects(domain.detachDeviceAlias('rng0'), 'OPERATION_UNSUPPORTED', refused);
        return;
      }
      await domain.detachDeviceAlias('rng0');
      assert.doesNotMatch(await domain.getXMLDesc(), /<rng/);
    });

    it('detaches an interface by its MAC address', async () => {
      const nic = "<interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/></interface>";
      const domain = await bench.connection.defineXML(bench.xml('one', { devices: nic }));
      await rejects(domain.attachDevice(nic), 'OPERATION_INVALID', /MAC address/);
      await domain.detachDevice(nic);
      await rejects(
        domain.detachDevice(nic),
        'DEVICE_MISSING',
        'device not found: no device matching MAC address 52:54:00:00:00:01 found',
      );
    });
  });
}
