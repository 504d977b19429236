import { strict as assert } from 'node:assert';
import {
  assignAliases,
  type DomainInput,
  deviceKinds,
  deviceTypes,
  formatDevice,
  formatDomain,
  getMetadata,
  makeLive,
  NODEVISOR_NAMESPACE,
  noDevices,
  parseDevice,
  parseDomain,
  setMetadata,
} from '../../../src/virt/conf/index.ts';
import { complete, define, domainXml, refuses } from './support.ts';

const { fromEntries } = Object;

describe('domain definitions', () => {
  it("get libvirt's defaults", () => {
    const def = complete("<domain type='qemu'><name>a</name><memory>1023</memory><os><type>hvm</type></os></domain>");
    assert.match(def.uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.deepEqual(def, {
      type: 'qemu',
      name: 'a',
      uuid: def.uuid,
      memory: 1024,
      currentMemory: 1024,
      vcpu: { placement: 'static', max: 1 },
      os: { type: { value: 'hvm', arch: 'riscv64', machine: 'virt' }, boot: [{ dev: 'hd' }] },
      clock: { offset: 'utc', timers: [] },
      on_poweroff: 'destroy',
      on_reboot: 'restart',
      on_crash: 'destroy',
      devices: { ...noDevices(), emulator: '/usr/bin/nodevisor', memballoons: [{ model: 'none' }] },
    });
  });

  it('can be written by hand as plain objects', () => {
    const input: DomainInput = {
      type: 'qemu',
      name: 'hand',
      memory: 65536,
      os: { type: { value: 'hvm' }, kernel: '/k', boot: [] },
      devices: { disks: [{ type: 'file', device: 'disk', source: { file: '/d' }, target: { dev: 'vda' } }] },
    };
    const def = parseDomain(formatDomain(input));
    assert.deepEqual(def, { ...input, devices: { ...noDevices(), ...input.devices } });
  });

  for (const [unit, kib] of [
    ['b', 1],
    ['bytes', 1],
    ['KB', 1000],
    ['k', 1024],
    ['KiB', 1024],
    ['MB', 1_000_000],
    ['M', 1 << 20],
    ['MiB', 1 << 20],
    ['G', 2 ** 30],
    ['TiB', 2 ** 40],
    [undefined, 1024],
  ] as const) {
    it(`read memory in ${unit ?? 'no unit'}`, () => {
      const attribute = unit === undefined ? '' : ` unit='${unit}'`;
      const xml = `<domain type='qemu'><name>a</name><memory${attribute}>5</memory><os><type>hvm</type></os></domain>`;
      assert.equal(parseDomain(xml).memory, Math.ceil((5 * kib) / 1024));
    });
  }

  it('give the first console a serial port and the first serial port a console', () => {
    const target = { type: 'system-serial', port: 0, model: { name: '16550a' } };
    for (const devices of [
      "<console type='pty'/>",
      "<serial type='pty'/>",
      "<serial type='pty'/><console type='pty'/>",
    ]) {
      const def = define(domainXml('', devices));
      assert.deepEqual(def.devices.serials, [{ type: 'pty', sources: [], target }]);
      assert.deepEqual(def.devices.consoles, [{ type: 'pty', sources: [], target: { type: 'serial', port: 0 } }]);
    }
    const only = define(domainXml('', "<console type='pty'><target type='virtio'/></console>"));
    assert.deepEqual(only.devices.serials, []);
    assert.equal(only.devices.consoles.length, 1);
  });

  it('keep a MAC address and make the missing ones with the prefix of QEMU', () => {
    const xml = "<interface type='user'><mac address='52:54:00:AA:00:01'/></interface><interface type='user'/>";
    const [first, second] = define(domainXml('', xml)).devices.interfaces;
    assert.equal(first?.mac?.address, '52:54:00:aa:00:01');
    assert.match(second?.mac?.address ?? '', /^52:54:00(:[0-9a-f]{2}){3}$/);
  });

  it('have the disks of a bus in the order of their targets', () => {
    const disk = (dev: string) => `<disk><source file='/${dev}'/><target dev='${dev}'/></disk>`;
    const def = define(domainXml('', ['vdaa', 'sdb', 'vdb', 'sda', 'vda'].map(disk).join('')));
    assert.deepEqual(
      def.devices.disks.map(({ target }) => target.dev),
      ['vda', 'vdb', 'vdaa', 'sda', 'sdb'],
    );
  });

  it('lose the id, aliases and terminals of the running domain, and keep the aliases of users', () => {
    const def = define(
      `<domain type='qemu' id='4'><name>a</name><memory>4096</memory><os><type>hvm</type></os><devices>
        <serial type='pty'><source path='/dev/pts/1'/><alias name='serial0'/></serial>
        <rng model='virtio'><backend model='builtin'/><alias name='ua-mine'/></rng>
        <graphics type='vnc' port='5901' autoport='yes'/></devices></domain>`,
    );
    assert.equal(def.extra, undefined);
    assert.deepEqual(def.devices.serials[0]?.sources, []);
    assert.equal(def.devices.serials[0]?.alias, undefined);
    assert.equal(def.devices.rngs[0]?.alias?.name, 'ua-mine');
    assert.equal(def.devices.graphics[0]?.port, -1);
  });

  it('keep what they have no field for in its place', () => {
    const xml = domainXml(
      "<future kind='x'><more/></future>",
      "<disk><driver name='qemu' type='raw' novel='1'/><source file='/a'/><target dev='vda'/><novel a='&lt;'/></disk>",
    );
    const def = define(xml);
    assert.deepEqual(def.extra, {
      elements: [{ name: 'future', attributes: { kind: 'x' }, children: [{ name: 'more' }] }],
    });
    assert.deepEqual(def.devices.disks[0]?.driver?.extra, { attributes: { novel: '1' } });
    const text = formatDomain(def);
    assert.match(text, /<driver name='qemu' type='raw' novel='1'\/>/);
    assert.match(text, / {6}<novel a='&lt;'\/>\n {4}<\/disk>/);
    assert.deepEqual(parseDomain(text), def);
  });

  it('show passwords only when asked for the secrets', () => {
    const def = define(domainXml('', "<graphics type='vnc' passwd='hush' passwdValidTo='2030-01-01T00:00:00'/>"));
    assert.doesNotMatch(formatDomain(def), /hush/);
    assert.match(formatDomain(def, { secure: true }), /passwd='hush'/);
    const device = { kind: 'graphics', def: def.devices.graphics[0]! } as const;
    assert.doesNotMatch(formatDevice(device), /hush/);
    assert.match(formatDevice(device, { secure: true }), /hush/);
  });
});

describe('a running domain', () => {
  it('has aliases that are all different, with those of users untouched', () => {
    const def = define(
      domainXml(
        '',
        `<disk><source file='/a'/><target dev='vda'/></disk><disk><source file='/c'/><target dev='vdc'/></disk>
         <controller type='usb'/><controller type='pci' model='pcie-root'/><controller type='pci' model='pcie-root-port'/>
         <interface type='user'><alias name='ua-net'/></interface><interface type='user'/><console type='pty'/>
         <rng model='virtio'><backend model='builtin'/></rng><channel type='unix'><target type='virtio'/></channel>`,
      ),
    );
    const { devices } = makeLive(def, { serial0: '/dev/pts/7' });
    const named = (kind: (typeof deviceKinds)[number]) =>
      (devices[kind] as readonly { alias?: { name: string } }[]).map(({ alias }) => alias?.name);
    assert.deepEqual(named('disks'), ['virtio-disk0', 'virtio-disk2']);
    assert.deepEqual(named('controllers'), ['usb', 'pcie.0', 'pci.1']);
    assert.deepEqual(named('interfaces'), ['ua-net', 'net1']);
    assert.deepEqual([...named('serials'), ...named('consoles')], ['serial0', 'serial0']);
    assert.deepEqual([...named('rngs'), ...named('channels')], ['rng0', 'channel0']);
    assert.equal(devices.consoles[0]?.tty, '/dev/pts/7');
    assert.deepEqual(assignAliases(devices), devices);
  });

  it('shows its id first but for the type', () => {
    const def = define(domainXml());
    assert.match(formatDomain(def, { id: 12 }), /^<domain type='qemu' id='12'>/);
    assert.match(formatDomain(def, { id: 12, inactive: true }), /^<domain type='qemu'>/);
  });
});

describe('devices alone', () => {
  const samples: Record<string, string> = {
    disks: "<disk type='file' device='disk'><source file='/a'/><target dev='vdb' bus='virtio'/></disk>",
    controllers: "<controller type='usb' index='0'/>",
    filesystems: "<filesystem><source dir='/a'/><target dir='b'/></filesystem>",
    interfaces: "<interface type='network'><source network='default'/></interface>",
    serials: "<serial type='pty'><target port='0'/></serial>",
    parallels: "<parallel type='file'><source path='/p'/></parallel>",
    consoles: "<console type='pty' tty='/dev/pts/0'/>",
    channels: "<channel type='unix'><target type='virtio' name='a'/></channel>",
    inputs: "<input type='mouse' bus='virtio'/>",
    tpms: "<tpm model='tpm-tis'><backend type='emulator'/></tpm>",
    graphics: "<graphics type='spice' autoport='yes'><listen type='none'/></graphics>",
    sounds: "<sound model='ac97'/>",
    audios: "<audio id='1' type='none'/>",
    videos: "<video><model type='virtio'/></video>",
    hostdevs: "<hostdev mode='subsystem' type='pci' managed='yes'><source/></hostdev>",
    redirdevs: "<redirdev bus='usb' type='tcp'><source mode='connect'/></redirdev>",
    watchdogs: "<watchdog model='i6300esb' action='reset'/>",
    memballoons: "<memballoon model='virtio'/>",
    rngs: "<rng model='virtio'><backend model='egd' type='tcp'><source host='a'/></backend></rng>",
    panics: "<panic model='pvpanic'/>",
    vsocks: "<vsock model='virtio'><cid auto='no' address='3'/></vsock>",
  };

  for (const kind of deviceKinds) {
    it(`read and write <${deviceTypes[kind].name}>`, () => {
      const device = parseDevice(samples[kind]!);
      assert.equal(device.kind, kind);
      assert.deepEqual(parseDevice(formatDevice(device)), device);
    });
  }

  it('are refused by name when there are no such devices, and when there is no such element', () => {
    refuses(() => parseDevice("<shmem name='a'/>"), 'CONFIG_UNSUPPORTED', /device 'shmem'/);
    refuses(() => parseDevice('<nonsense/>'), 'XML_ERROR', /expecting root element of 'disk' or/);
  });
});

describe('metadata', () => {
  const uri = 'urn:example:a';

  it('is set, got, replaced and removed by namespace', () => {
    const def = define(domainXml("<metadata><o:x xmlns:o='urn:example:o'/></metadata>"));
    const set = setMetadata(def, uri, 'app', "<note level='1'>hi</note>");
    assert.equal(getMetadata(set, uri), "<app:note xmlns:app='urn:example:a' level='1'>hi</app:note>\n");
    const again = setMetadata(set, uri, 'p', '<p:other xmlns:p="urn:example:a"/>');
    assert.equal(getMetadata(again, uri), "<p:other xmlns:p='urn:example:a'/>\n");
    assert.equal(again.metadata?.length, 2);
    assert.deepEqual(define(formatDomain(again)), again);
    const removed = setMetadata(again, uri, undefined, undefined);
    assert.deepEqual(removed.metadata, def.metadata);
    assert.equal(getMetadata(removed, uri), undefined);
    refuses(() => setMetadata(removed, uri, undefined, undefined), 'NO_DOMAIN_METADATA', /not present/);
  });

  it('is refused without a prefix, with one of another namespace, and when it is not XML', () => {
    const def = define(domainXml());
    refuses(() => setMetadata(def, uri, undefined, '<a/>'), 'INVALID_ARG', /prefix/);
    refuses(() => setMetadata(def, uri, 'a b', '<a/>'), 'INVALID_ARG', /prefix/);
    refuses(() => setMetadata(def, uri, 'a', "<b:a xmlns:b='urn:example:b'/>"), 'XML_ERROR', /namespace/);
    refuses(() => setMetadata(def, uri, 'a', '<a>'), 'XML_ERROR', /unclosed/);
  });

  it('holds our own element, which may as well stand in the root', () => {
    const own = `<n:machine xmlns:n='${NODEVISOR_NAMESPACE}' cpu-backend='wasm' clock='host' firmware='none'/>`;
    const expected = { cpuBackend: 'wasm', clock: 'host', firmware: 'none' };
    const inRoot = define(domainXml(own));
    assert.deepEqual(inRoot.nodevisor, expected);
    assert.match(formatDomain(inRoot), /<metadata>\n {4}<nodevisor:machine xmlns:nodevisor=/);
    assert.deepEqual(define(formatDomain(inRoot)), inRoot);
    const set = setMetadata(define(domainXml()), NODEVISOR_NAMESPACE, 'n', own);
    assert.deepEqual(set.nodevisor, expected);
    assert.match(getMetadata(set, NODEVISOR_NAMESPACE) ?? '', /cpu-backend='wasm'/);
    assert.equal(setMetadata(set, NODEVISOR_NAMESPACE, undefined, undefined).nodevisor, undefined);
    refuses(() => define(domainXml(own + own)), 'CONFIG_UNSUPPORTED', /machine/);
    refuses(() => define(domainXml(own.replace('wasm', 'magic'))), 'XML_ERROR', /'magic'.*expected one of auto/);
  });

  it('needs a namespace for every element, and another one each', () => {
    refuses(() => define(domainXml('<metadata><a/></metadata>')), 'XML_ERROR', /need a namespace/);
    const twice = fromEntries([['x', "<a xmlns='urn:x'/>"]])['x']!;
    refuses(() => define(domainXml(`<metadata>${twice}${twice}</metadata>`)), 'XML_ERROR', /only one element/);
  });
});
