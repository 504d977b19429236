import { strict as assert } from 'node:assert';
import { SeededRandom } from '../../../src/util/index.ts';
import {
  fillNetworkDefaults,
  fillStoragePoolDefaults,
  formatCapabilities,
  formatDomainCapabilities,
  formatNetwork,
  formatPoolCapabilities,
  formatSnapshot,
  formatStoragePool,
  formatStorageVolume,
  parseNetwork,
  parseSnapshot,
  parseStoragePool,
  parseStorageVolume,
  validateNetwork,
  validateStoragePool,
  validateStorageVolume,
} from '../../../src/virt/conf/index.ts';
import { assertValid, define, domainXml, host, needSchemas, refuses } from './support.ts';

const network = (xml: string) => {
  const def = fillNetworkDefaults(parseNetwork(xml), { random: new SeededRandom(1), bridges: new Set(['virbr0']) });
  validateNetwork(def);
  return def;
};
const pool = (xml: string) => {
  const def = fillStoragePoolDefaults(parseStoragePool(xml), new SeededRandom(1));
  validateStoragePool(def);
  return def;
};
const volume = (xml: string) => {
  const def = parseStorageVolume(xml);
  validateStorageVolume(def);
  return def;
};

const natXml = `<network connections='2' ipv6='no'><name>n</name>
  <metadata><a:b xmlns:a='urn:example:a'/></metadata>
  <forward mode='nat'><nat><port start='1024' end='65535'/></nat></forward>
  <bridge stp='off'/><mtu size='1400'/><domain name='lan' localOnly='yes'/>
  <dns enable='yes'><forwarder addr='10.0.0.1'/><host ip='10.9.9.1'><hostname>gw</hostname><hostname>gw.lan</hostname></host></dns>
  <ip address='10.9.9.1' netmask='255.255.255.0'><dhcp><range start='10.9.9.2' end='10.9.9.9'/>
    <host mac='52:54:00:11:22:33' name='h' ip='10.9.9.3'/></dhcp></ip>
  <ip family='ipv6' address='fd00::1' prefix='64'/></network>`;

const hostBridgeXml = (attributes = '', inner = '') =>
  `<network><name>n</name><forward mode='bridge'/><bridge name='br0' ${attributes}/>${inner}</network>`;

describe('network XML', () => {
  it('is read, completed and written in one form', () => {
    const def = network(natXml);
    assert.equal(def.bridge?.name, 'virbr1');
    assert.match(def.mac?.address ?? '', /^52:54:00/);
    assert.equal(def.extra?.attributes?.['connections'], undefined);
    const text = formatNetwork(def);
    assert.deepEqual(parseNetwork(text), def);
    assert.equal(formatNetwork(parseNetwork(text)), text);
  });

  it("is valid by libvirt's schema", function () {
    needSchemas(this);
    assertValid('network', formatNetwork(network(natXml)));
    assertValid('network', formatNetwork(network('<network><name>isolated</name></network>')));
  });

  it('of a bridge of the host has nothing filled in but a UUID', function () {
    needSchemas(this);
    const text = formatNetwork(network(hostBridgeXml('', "<mtu size='9000'/>")));
    assert.doesNotMatch(text, /<mac|stp=|delay=/);
    assert.match(text, /<forward mode='bridge'\/>\s*<bridge name='br0'\/>\s*<mtu size='9000'\/>/);
    assertValid('network', text);
    assert.equal(formatNetwork(network(text)), text);
  });

  const ip = (inner: string, mask = "netmask='255.255.255.0'") =>
    `<network><name>n</name><ip address='10.0.0.1' ${mask}><dhcp>${inner}</dhcp></ip></network>`;
  for (const [what, code, xml, message] of [
    ['no name', 'XML_ERROR', '<network/>', /'name'/],
    ['a name with a slash', 'XML_ERROR', '<network><name>a/b</name></network>', /cannot contain/],
    [
      'an address that is none',
      'XML_ERROR',
      "<network><name>n</name><ip address='foo'/></network>",
      /'foo'.*IP address/,
    ],
    ['a netmask with holes', 'XML_ERROR', ip('', "netmask='255.0.255.0'"), /invalid netmask/],
    ['a range the wrong way round', 'XML_ERROR', ip("<range start='10.0.0.9' end='10.0.0.2'/>"), /Invalid range/],
    ['a range elsewhere', 'XML_ERROR', ip("<range start='10.0.1.2' end='10.0.1.9'/>"), /not entirely within/],
    ['a host of nobody', 'XML_ERROR', ip("<host ip='10.0.0.2'/>"), /must have mac or name/],
    [
      'devices of the host',
      'CONFIG_UNSUPPORTED',
      "<network><name>n</name><forward mode='passthrough'/></network>",
      /'passthrough'/,
    ],
    [
      'settings of a bridge that is the host’s',
      'XML_ERROR',
      hostBridgeXml("stp='on'"),
      /delay\/stp options only allowed/,
    ],
    [
      'a bridge of the host, and a device',
      'XML_ERROR',
      hostBridgeXml().replace("mode='bridge'", "mode='bridge' dev='eth0'"),
      /a bridge name or a forward dev, but not both/,
    ],
    ...["<mac address='52:54:00:00:00:01'/>", "<ip address='10.0.0.1'/>", "<domain name='d'/>", '<dns/>'].map(
      (part) =>
        [
          `${part} beside a bridge of the host`,
          'CONFIG_UNSUPPORTED',
          hostBridgeXml('', part),
          /Unsupported <\w+> element in network n with forward mode='bridge'/,
        ] as const,
    ),
    [
      'unknown forwarding',
      'CONFIG_UNSUPPORTED',
      "<network><name>n</name><forward mode='x'/></network>",
      /unknown.*'x'/,
    ],
  ] as const) {
    it(`refuses ${what}`, () => {
      refuses(() => network(xml), code, message);
    });
  }
});

const poolXml =
  "<pool type='dir'><name>p</name><target><path>/srv</path><permissions><mode>0711</mode></permissions></target></pool>";
const volumeXml = `<volume><name>v.img</name><allocation>0</allocation><capacity unit='G'>1</capacity>
  <target><format type='raw'/><permissions><mode>0600</mode><owner>-1</owner></permissions></target></volume>`;

describe('storage XML', () => {
  it('of pools is read, completed and written in one form', () => {
    const def = { ...pool(poolXml), capacity: 100, allocation: 60, available: 40 };
    const text = formatStoragePool(def);
    assert.match(text, /<capacity unit='bytes'>100<\/capacity>/);
    assert.deepEqual(parseStoragePool(text), { ...def, source: {} });
    assert.equal(formatStoragePool(parseStoragePool(text)), text);
  });

  it('of volumes is read and written in one form, sizes in bytes', () => {
    const def = volume(volumeXml);
    assert.equal(def.capacity, 2 ** 30);
    const text = formatStorageVolume({ ...def, type: 'file', key: '/srv/v.img' });
    assert.equal(formatStorageVolume(parseStorageVolume(text)), text);
  });

  it("is valid by libvirt's schemas", function () {
    needSchemas(this);
    assertValid('storagepool', formatStoragePool(pool(poolXml)));
    assertValid('storagevol', formatStorageVolume({ ...volume(volumeXml), type: 'file', key: '/srv/v.img' }));
  });

  for (const [what, code, run, message] of [
    ['a pool without a type', 'XML_ERROR', () => pool('<pool/>'), /'type'/],
    ['a pool of no type', 'XML_ERROR', () => pool("<pool type='x'/>"), /'x'/],
    ['a pool without a name', 'XML_ERROR', () => pool("<pool type='dir'/>"), /'name'/],
    ['a pool without a path', 'XML_ERROR', () => pool("<pool type='dir'><name>a</name></pool>"), /target path/],
    [
      'a pool at a relative path',
      'XML_ERROR',
      () => pool("<pool type='dir'><name>a</name><target><path>x</path></target></pool>"),
      /not absolute/,
    ],
    ['other pools', 'CONFIG_UNSUPPORTED', () => pool("<pool type='rbd'><name>a</name></pool>"), /type 'rbd'/],
    ['a volume without a size', 'XML_ERROR', () => volume('<volume><name>a</name></volume>'), /'capacity'/],
    ['a volume outside', 'XML_ERROR', () => volume(volumeXml.replace('v.img', '../v')), /cannot contain/],
    ['a volume called ..', 'XML_ERROR', () => volume(volumeXml.replace('v.img', '..')), /cannot contain/],
    ['other formats', 'CONFIG_UNSUPPORTED', () => volume(volumeXml.replace("'raw'", "'vmdk'")), /'vmdk'/],
    [
      'backing stores of raw images',
      'CONFIG_UNSUPPORTED',
      () => volume(volumeXml.replace('</volume>', '<backingStore><path>/a</path></backingStore></volume>')),
      /backingStore/,
    ],
  ] as const) {
    it(`refuses ${what}`, () => {
      refuses(run, code, message);
    });
  }
});

describe('snapshot XML', () => {
  const domain = define(domainXml('', "<graphics type='vnc' passwd='hush'/>"));
  const snapshot = {
    name: 's',
    description: 'before',
    state: 'running',
    parent: { name: 'r' },
    creationTime: 1_700_000_000,
    memory: { snapshot: 'internal' },
    disks: { disks: [{ name: 'vda', snapshot: 'internal' }] },
    domain,
  } as const;

  it('is read and written in one form, with the domain in it and without its secrets', () => {
    const open = formatSnapshot(snapshot as never, { secure: true });
    assert.deepEqual(parseSnapshot(open), snapshot);
    assert.doesNotMatch(formatSnapshot(snapshot as never), /hush/);
    assert.deepEqual(parseSnapshot('<domainsnapshot/>'), {});
  });

  it("is valid by libvirt's schema", function () {
    needSchemas(this);
    assertValid('domainsnapshot', formatSnapshot(snapshot as never));
  });
});

describe('capabilities', () => {
  it("are valid by libvirt's schemas", function () {
    needSchemas(this);
    assertValid('capability', formatCapabilities(host));
    assertValid('domaincaps', formatDomainCapabilities(host));
    assertValid('storagepoolcaps', formatPoolCapabilities());
  });

  it('of domains are those of the one machine, and of no other', () => {
    const xml = formatDomainCapabilities(host, { arch: 'riscv64', machine: 'virt', virttype: 'qemu' });
    assert.match(xml, /<vcpu max='8'\/>/);
    refuses(() => formatDomainCapabilities(host, { virttype: 'kvm' }), 'INVALID_ARG', /'kvm'/);
    refuses(() => formatDomainCapabilities(host, { arch: 'x86_64' }), 'INVALID_ARG', /'x86_64'/);
    refuses(() => formatDomainCapabilities(host, { emulator: '/bin/qemu' }), 'INVALID_ARG', /emulator/);
  });
});
