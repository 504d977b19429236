import { strict as assert } from 'node:assert';
import type { VirErrorName } from '../../../src/util/index.ts';
import { parseCpuSet, toMachineOptions } from '../../../src/virt/conf/index.ts';
import { complete, define, domainXml, refuses } from './support.ts';

const root = (inner: string, attributes = "type='qemu'") => `<domain ${attributes}>${inner}</domain>`;
const os = '<os><type>hvm</type></os>';

function itRefuses(code: VirErrorName, cases: Readonly<Record<string, readonly [xml: string, message: RegExp]>>): void {
  for (const [what, [xml, message]] of Object.entries(cases)) {
    it(`refuse ${what}`, () => {
      refuses(() => define(xml), code, message);
    });
  }
}

describe('domain definitions that contradict themselves', () => {
  itRefuses('XML_ERROR', {
    'no type': [root(`<name>a</name><memory>1</memory>${os}`, ''), /missing required attribute 'type'.*line 1/],
    'no name': [root(`<memory>1</memory>${os}`), /missing required element 'name'/],
    'an empty name': [root(`<name></name><memory>1</memory>${os}`), /missing name information/],
    'a name with a slash': [root(`<name>x/y</name><memory>1</memory>${os}`), /name x\/y cannot contain '\/'/],
    'a name with a new line': [root(`<name>x\ny</name><memory>1</memory>${os}`), /newlines/],
    'a title with a new line': [domainXml('<title>a\nb</title>'), /title can't contain newlines/],
    'no memory': [root(`<name>a</name>${os}`), /missing required element 'memory'/],
    'memory of nothing': [root(`<name>a</name><memory>0</memory>${os}`), /Memory size must be specified/],
    'memory that is no number': [root(`<name>a</name><memory>x</memory>${os}`), /\/domain\/memory: .*'x'/],
    'memory in no unit': [root(`<name>a</name><memory unit='Foo'>1</memory>${os}`), /unknown unit 'Foo'/],
    'memory beyond all numbers': [root(`<name>a</name><memory unit='EiB'>9999999999</memory>${os}`), /too large/],
    'no os': [root('<name>a</name><memory>1</memory>'), /missing required element 'os'/],
    'no os type': [root('<name>a</name><memory>1</memory><os/>'), /missing required element 'type'/],
    'a UUID that is none': [domainXml('<uuid>zz</uuid>'), /'zz' for element 'uuid', expected a UUID/],
    'an element twice': [domainXml('<vcpu>1</vcpu><vcpu>2</vcpu>'), /only one <vcpu>/],
    'text between elements': [domainXml('junk'), /no text allowed/],
    'vCPUs that are no number': [domainXml('<vcpu>x</vcpu>'), /integer in 1\.\.65535/],
    'a pin of a vCPU that is not there': [domainXml("<cputune><vcpupin vcpu='3' cpuset='0'/></cputune>"), /no vCPU 3/],
    'a CPU set that is none': [domainXml("<vcpu cpuset='0-'>1</vcpu>"), /Failed to parse bitmap '0-'/],
    'a boot device that is none': [domainXml('', '', "<boot dev='zip'/>"), /'zip' .*expected one of hd, cdrom/],
    'a disk without a target': [domainXml('', "<disk type='file'/>"), /missing required element 'target'/],
    'a disk of no type': [domainXml('', "<disk type='foo'><target dev='vda'/></disk>"), /'foo'/],
    'a disk without a source': [domainXml('', "<disk><target dev='vda'/></disk>"), /missing source.*vda/],
    'a disk of no name': [domainXml('', "<disk><source file='/a'/><target dev='x'/></disk>"), /Unknown disk name 'x'/],
    'a disk on no bus': [
      domainXml('', "<disk><source file='/a'/><target dev='vda' bus='foo'/></disk>"),
      /'bus' in element 'target': 'foo'/,
    ],
    'a target twice': [
      domainXml('', "<disk><source file='/x'/><target dev='vda'/></disk>".repeat(2)),
      /target 'vda' duplicated for disk sources '\/x' and '\/x'/,
    ],
    'a boot order twice': [
      domainXml(
        '',
        ['vda', 'vdb'].map((d) => `<disk><source file='/x'/><target dev='${d}'/><boot order='1'/></disk>`).join(''),
      ),
      /boot order '1'/,
    ],
    'an alias twice': [domainXml('', "<input type='mouse'><alias name='ua-a'/></input>".repeat(2)), /non unique alias/],
    'a MAC address that is none': [
      domainXml('', "<interface type='user'><mac address='zz'/></interface>"),
      /\/domain\/devices\/interface\/mac: .*'zz'.*expected a MAC address/,
    ],
    'a network interface without a network': [domainXml('', "<interface type='network'/>"), /requires a 'source'/],
    'a source of entropy without a backend': [domainXml('', "<rng model='virtio'/>"), /'backend' in element 'rng'/],
    'a device without its type': [domainXml('', '<input/>'), /missing required attribute 'type'/],
  });

  it('with line, column and path in the error, for programs too', () => {
    const xml = "<domain type='qemu'>\n <name>a</name>\n <memory>1</memory><vcpu current='x'>1</vcpu>\n</domain>";
    const { data } = refuses(() => define(xml), 'XML_ERROR', /\/domain\/vcpu: .*\(line 3, column 20\)/);
    assert.deepEqual(data, { path: '/domain/vcpu', line: 3, column: 20 });
  });
});

describe('domain definitions that no machine can be', () => {
  const element = (xml: string) => domainXml(xml);
  itRefuses('CONFIG_UNSUPPORTED', {
    'other types': [root(`<name>a</name><memory>1</memory>${os}`, "type='kvm'"), /domain type 'kvm'/],
    'other os types': [root('<name>a</name><memory>1</memory><os><type>exe</type></os>'), /os type 'exe'/],
    'other architectures': [
      root("<name>a</name><memory>1</memory><os><type arch='x86_64'>hvm</type></os>"),
      /arch 'x86_64'/,
    ],
    'other machines': [
      root("<name>a</name><memory>1</memory><os><type machine='spike'>hvm</type></os>"),
      /machine type 'spike'/,
    ],
    'more memory than fits': [root(`<name>a</name><memory unit='TiB'>1</memory>${os}`), /memory of 1073741824 KiB/],
    'more vCPUs than there can be': [element('<vcpu>9</vcpu>'), /Maximum CPUs greater .* limit 8/],
    'fewer vCPUs than current': [element("<vcpu current='3'>2</vcpu>"), /must not be less than current/],
    'placement by numad': [element("<vcpu placement='auto'>1</vcpu>"), /placement='auto'/],
    'firmware by name': [
      root("<name>a</name><memory>1</memory><os firmware='efi'><type>hvm</type></os>"),
      /firmware 'efi'/,
    ],
    nvram: [domainXml('', '', '<nvram>/f</nvram>'), /<nvram>/],
    'CPU modes of the host': [element("<cpu mode='host-passthrough'/>"), /CPU mode 'host-passthrough'/],
    'other CPU models': [element('<cpu><model>sifive-u54</model></cpu>'), /CPU model 'sifive-u54'/],
    'CPU features': [element("<cpu><feature policy='require' name='v'/></cpu>"), /'feature' in 'domain\/cpu'/],
    'a topology of other vCPUs': [
      element("<cpu><topology sockets='2' cores='2' threads='1'/></cpu>"),
      /CPU topology doesn't match/,
    ],
    'hypervisor features': [element('<features><kvm/></features>'), /'kvm' in 'domain\/features'/],
    'other clocks': [element("<clock offset='localtime'/>"), /clock offset 'localtime'/],
    'renaming restarts': [element('<on_crash>rename-restart</on_crash>'), /'rename-restart' for 'on_crash'/],
    'core dumps': [element('<on_crash>coredump-destroy</on_crash>'), /'coredump-destroy'/],
    'preserving after power off': [element('<on_poweroff>preserve</on_poweroff>'), /'preserve' for 'on_poweroff'/],
    'CPU shares': [element('<cputune><shares>1024</shares></cputune>'), /'shares'/],
    'CPU quotas': [element('<cputune><quota>1000</quota></cputune>'), /'quota' in 'domain\/cputune'/],
    'huge pages': [element('<memoryBacking><hugepages/></memoryBacking>'), /'memoryBacking' in 'domain'/],
    numatune: [element("<numatune><memory mode='strict' nodeset='0'/></numatune>"), /'numatune'/],
    "orders for QEMU's command line": [
      element(
        "<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:arg value='-s'/></q:commandline>",
      ),
      /'q:commandline' in 'domain'/,
    ],
    'boot orders beside boot devices': [
      domainXml('', "<disk><source file='/x'/><target dev='vda'/><boot order='1'/></disk>", "<boot dev='hd'/>"),
      /per-device boot elements cannot be used/,
    ],
    'disks over the network': [
      domainXml('', "<disk type='network'><source protocol='nbd'/><target dev='vda'/></disk>"),
      /disk 'vda': type 'network'/,
    ],
    'encrypted disks': [
      domainXml('', "<disk><source file='/x'><encryption format='luks'/></source><target dev='vda'/></disk>"),
      /'encryption' in 'domain\/devices\/disk\/source'/,
    ],
    'throttled disks': [
      domainXml(
        '',
        "<disk><source file='/x'/><target dev='vda'/><iotune><total_bytes_sec>1</total_bytes_sec><read_bytes_sec>1</read_bytes_sec></iotune></disk>",
      ),
      /disk 'vda': I\/O limits: total and read\/write of bytes_sec cannot be set at the same time/,
    ],
    'transient disks': [
      domainXml('', "<disk><source file='/x'/><target dev='vda'/><transient/></disk>"),
      /disk 'vda': <transient>/,
    ],
    'host devices': [domainXml('', "<hostdev mode='subsystem' type='usb'/>"), /device 'hostdev'/],
    TPMs: [domainXml('', "<tpm model='tpm-tis'/>"), /device 'tpm'/],
    'shared folders': [domainXml('', "<filesystem><target dir='a'/></filesystem>"), /device 'filesystem'/],
    watchdogs: [domainXml('', "<watchdog model='i6300esb'/>"), /device 'watchdog'/],
    'sockets to the host': [domainXml('', '<vsock/>'), /device 'vsock'/],
    'shared memory': [domainXml('', "<shmem name='a'/>"), /'shmem' in 'domain\/devices'/],
    'an entropy daemon': [
      domainXml('', "<rng model='virtio'><backend model='egd' type='tcp'/></rng>"),
      /rng backend 'egd'/,
    ],
  });
});

describe('CPU sets', () => {
  it('are lists and ranges with exceptions', () => {
    assert.deepEqual(parseCpuSet('0-3,^2,8'), [0, 1, 3, 8]);
    assert.deepEqual(parseCpuSet('3, 1'), [1, 3]);
    assert.equal(parseCpuSet(undefined), undefined);
    for (const text of ['', 'a', '3-1', '^1', '1,,2', '-1']) refuses(() => parseCpuSet(text), 'XML_ERROR', /./);
  });
});

describe('machines made from definitions', () => {
  const kernel = '<kernel>/k</kernel>';
  const options = (devices = '', inOs = kernel, more = '') =>
    toMachineOptions(define(domainXml(more, devices, inOs))).options;

  it('have the kernel, the memory, the vCPUs and the devices that are in it', () => {
    const {
      options: made,
      disks,
      notices,
    } = toMachineOptions(
      define(
        domainXml(
          "<vcpu current='2'>4</vcpu><on_reboot>destroy</on_reboot>",
          `<disk><source file='/b'/><target dev='vdb'/><readonly/><serial>S1</serial></disk>
           <disk type='block'><source dev='/dev/a'/><target dev='vda'/></disk>
           <rng model='virtio'><backend model='builtin'/></rng>
           <console type='pty'/><console type='pty'><target type='virtio'/></console>`,
          `${kernel}<initrd>/i</initrd><cmdline>a b</cmdline><dtb>/d</dtb>`,
        ),
      ),
    );
    assert.deepEqual(made, {
      memory: 64 << 20,
      vcpus: 2,
      kernel: '/k',
      initrd: '/i',
      append: 'a b',
      dtb: '/d',
      disks: [
        { file: '/dev/a', format: 'raw', readonly: false },
        { file: '/b', format: 'raw', readonly: true, serial: 'S1' },
      ],
      rng: true,
      virtioConsoles: 1,
      onReset: 'exit',
    });
    assert.deepEqual(disks, ['vda', 'vdb']);
    assert.deepEqual(notices, ['vcpu: vCPUs beyond the current ones cannot be plugged in later']);
  });

  it('have the firmware of a loader, or what our own element says', () => {
    assert.equal(options('', "<loader type='rom'>/fw</loader>").firmware, '/fw');
    const own = (attributes: string) => `<n:machine xmlns:n='https://nodevisor.dev/schemas/domain/1.0' ${attributes}/>`;
    const made = options('', kernel, own("firmware='none' clock='virtual' seed='3' cpu-backend='interpreter'"));
    assert.deepEqual([made.firmware, made.clock, made.seed, made.cpuBackend], ['none', 'virtual', 3, 'interpreter']);
  });

  it('have the serial port where it is said to go', () => {
    assert.equal(options().console, 'none');
    assert.equal(options("<serial type='null'/>").console, 'none');
    assert.equal('console' in options("<serial type='pty'/>"), false);
    assert.deepEqual(options("<serial type='file'><source path='/s'/></serial>").console, { file: '/s' });
  });

  it('keep or give back what the guest discards, as it is said', () => {
    const disk = (discard: string) =>
      `<disk><driver name='qemu' type='raw' discard='${discard}'/><source file='/a'/><target dev='vda'/></disk>`;
    for (const discard of ['unmap', 'ignore'] as const) {
      assert.deepEqual(options(disk(discard)).disks, [{ file: '/a', format: 'raw', readonly: false, discard }]);
    }
    refuses(() => options(disk('perhaps')), 'XML_ERROR', /'discard'/);
  });

  it('have the paths of volumes from who knows the pools', () => {
    const def = define(
      domainXml('', "<disk type='volume'><source pool='p' volume='v'/><target dev='vda'/></disk>", kernel),
    );
    const made = toMachineOptions(def, { volumePath: (pool, volume) => `/pools/${pool}/${volume}` });
    assert.deepEqual(made.options.disks, [{ file: '/pools/p/v', format: 'raw', readonly: false }]);
    refuses(() => toMachineOptions(def), 'CONFIG_UNSUPPORTED', /disk 'vda': type 'volume'/);
  });

  it('have disks and drives on SCSI, drives without a medium too', () => {
    const def = complete(
      domainXml(
        '',
        `<controller type='scsi' index='0' model='virtio-scsi'/>
         <disk type='file' device='disk'><driver type='qcow2'/><source file='/d'/><target dev='sda' bus='scsi'/>
           <serial>S</serial></disk>
         <disk type='file' device='cdrom'><source file='/cd.iso'/><target dev='sdi' bus='scsi'/></disk>
         <disk type='file' device='cdrom'><target dev='sdb' bus='scsi'/>
           <address type='drive' controller='2' bus='0' target='3' unit='4'/></disk>`,
        kernel,
      ),
    );
    const made = toMachineOptions(def);
    assert.deepEqual(made.disks, ['sda']);
    const place = { controller: 0, target: 0, lun: 0 };
    const disk = { file: '/d', format: 'qcow2', readonly: false, bus: 'scsi', place, serial: 'S' };
    assert.deepEqual(made.options.disks, [disk]);
    assert.deepEqual(made.options.cdroms, [
      { name: 'sdb', place: { controller: 2, target: 3, lun: 4 } },
      { name: 'sdi', place: { controller: 1, target: 0, lun: 1 }, file: '/cd.iso', format: 'raw' },
    ]);
    assert.deepEqual(made.notices, []);
  });

  it('have firmware in flash, with its variables', () => {
    const flash = (os: string) => toMachineOptions(define(domainXml('', '', os))).options;
    const code = "<loader readonly='yes' type='pflash'>/code.fd</loader>";
    const both = flash(`${code}<nvram template='/vars.fd'>/mine.fd</nvram>`);
    assert.deepEqual(both.pflash, [
      { file: '/code.fd', readonly: true },
      { file: '/mine.fd', template: '/vars.fd' },
    ]);
    assert.equal(both.firmware, undefined);
    assert.deepEqual(flash("<loader type='pflash'>/code.fd</loader>").pflash, [{ file: '/code.fd', readonly: false }]);
  });

  for (const [what, devices, message, inOs] of [
    ['nothing to boot', '', /nothing to boot/, ''],
    ['images in other formats', "<disk><driver type='vmdk'/><source file='/a'/><target dev='vda'/></disk>", /'vmdk'/],
    ['disks on SATA', "<disk><source file='/a'/><target dev='sda' bus='sata'/></disk>", /disk 'sda': bus 'sata' is/],
    ['drives on IDE', "<disk device='cdrom'><source file='/a'/><target dev='hdc'/></disk>", /disk 'hdc': bus 'ide'/],
    ['other SCSI controllers', "<controller type='scsi' model='lsilogic'/>", /'scsi' of model 'lsilogic'/],
    ['flash in qcow2', '', /format='qcow2'/, "<loader type='pflash' format='qcow2'>/c</loader>"],
    ['variables without a file', '', /<nvram> without/, "<loader type='pflash'>/c</loader><nvram template='/t'/>"],
    ['two serial ports', "<serial type='pty'/><serial type='pty'/>", /only one <serial>/],
    ['serial ports to sockets', "<serial type='tcp'><source mode='bind'/></serial>", /type 'tcp'/],
    ['serial ports of USB', "<serial type='pty'><target type='usb-serial'/></serial>", /'usb-serial'/],
    ['other consoles', "<console type='pty'><target type='sclp'/></console>", /console target 'sclp'/],
    ['two sources of entropy', "<rng model='virtio'><backend model='builtin'/></rng>".repeat(2), /only one <rng>/],
  ] as const) {
    it(`are refused for ${what}, which can be defined`, () => {
      const def = define(domainXml('', devices, inOs ?? kernel));
      refuses(() => toMachineOptions(def), 'CONFIG_UNSUPPORTED', message);
    });
  }

  it('come with a notice of everything that the guest does not get', () => {
    const def = complete(
      domainXml(
        "<currentMemory>1024</currentMemory><features><acpi/></features><novelty/><clock offset='utc'><timer name='rtc'/></clock>",
        `<interface type='user'><coloured/></interface><graphics type='vnc'/><video/>
         <controller type='usb'/><controller type='pci' model='pcie-root'/><memballoon model='virtio'/>
         <disk device='cdrom'><target dev='sda' bus='sata'/></disk>
         <rng model='virtio'><backend model='random'>/dev/random</backend><address type='pci' slot='1'/></rng>`,
        kernel,
      ),
    );
    const { notices } = toMachineOptions(def);
    for (const word of [
      "element 'coloured' in 'domain/devices/interface'",
      'graphics',
      'video',
      'controller (2 of them)',
      'memballoon',
      "cdrom 'sda'",
      'rng',
      'PCI addresses',
      'currentMemory',
      'features acpi',
      'clock',
      "element 'novelty' in 'domain'",
    ]) {
      assert.ok(
        notices.some((notice) => notice.startsWith(word)),
        `${word} in\n${notices.join('\n')}`,
      );
    }
    assert.deepEqual(toMachineOptions(define(domainXml('', '', kernel))).notices, []);
    const elsewhere = define(domainXml('', '<emulator>/usr/bin/qemu</emulator>', `${kernel}<boot dev='network'/>`));
    assert.deepEqual(toMachineOptions(elsewhere, { emulator: '/usr/bin/nodevisor' }).notices, [
      "emulator '/usr/bin/qemu' is not what runs the machine",
      'boot order: the firmware looks for a system by itself',
    ]);
  });
});
