import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { assetPath } from '../../src/tools/assets.ts';
import { attributeOf, childOf, childrenOf, parseXml } from '../../src/tools/cli/virsh/xml.ts';
import { formatCapabilities, formatDomainCapabilities } from '../../src/virt/conf/index.ts';
import { needTool } from '../support/need-tool.ts';
import { fileIn, scratchDirectory, virsh } from '../tools/virsh/support.ts';
import { host } from '../virt/conf/support.ts';

const KERNEL = assetPath('guest/guest.elf');
const BOOT = `--disk none --network none --boot kernel=${KERNEL},kernel_args=shell`;

/** Option sets that both are called with; `$disk` and `$disk2` are raw images. */
const sets: Readonly<Record<string, string>> = {
  'a kernel': `--disk none --network none --boot kernel=${KERNEL},initrd=$disk,kernel_args=shell`,
  'a device tree': `--disk none --network none --boot kernel=${KERNEL},dtb=$disk2`,
  'an imported disk': '--import --disk path=$disk,format=raw --network none',
  'a disk with options':
    '--import --disk $disk,format=raw,cache=none,discard=unmap,io=threads,serial=ABC,readonly=on --network none',
  'two disks':
    '--import --disk $disk,format=raw,target.dev=vdb --disk $disk2,format=raw,target.dev=vdc,target.bus=virtio,driver.cache=none --network none',
  'a new disk': '--import --disk path=$new,size=1 --network none',
  'a new raw disk with a cache': '--import --disk path=$new,size=1,format=raw,cache=none --network none',
  'a disk in the default place': '--import --disk size=1 --network none',
  'an empty CD drive': `--disk device=cdrom,target.bus=scsi --boot kernel=${KERNEL} --network none`,
  'an order of devices': '--boot cdrom,hd,menu=on --disk $disk,format=raw --network none',
  firmware: '--boot loader=$disk,loader.readonly=yes,loader.type=pflash,nvram=$disk2 --disk none --network none',
  'the installation from a CD': '--cdrom $disk --disk $disk2,format=raw --network none --print-xml 1',
  'what is installed from a CD': '--cdrom $disk --disk $disk2,format=raw --network none --print-xml 2',
  'the installation over the network': '--pxe --disk $disk2,format=raw --network none --print-xml 1',
  'a serial port': `${BOOT} --serial pty`,
  'no reboot': `${BOOT} --noreboot`,
  'a description': `${BOOT} --description text`,
  'memory with a current size': `${BOOT} --memory memory=128,currentMemory=64`,
  'vCPUs by sockets': `${BOOT} --vcpus sockets=1,cores=2,threads=1,vcpus=2`,
  'memory with a maximum': `${BOOT} --memory 64,maxmemory=128`,
  'vCPUs to plug in': `${BOOT} --vcpus 2,maxvcpus=4`,
  'a CPU topology': `${BOOT} --vcpus 4,sockets=1,cores=4,threads=1`,
  'pinned vCPUs': `${BOOT} --vcpus 2,cpuset=0-1`,
  'user networking': `--disk none --boot kernel=${KERNEL} --network user,model=virtio,mac=52:54:00:aa:bb:cc`,
  'a bridge': `--disk none --boot kernel=${KERNEL} --network bridge=br0,model=virtio,mac=52:54:00:aa:bb:cc`,
  'a network by name': `--disk none --boot kernel=${KERNEL} --network network=default,model=virtio,mac=52:54:00:aa:bb:cc`,
  'entropy of the host': `${BOOT} --rng /dev/urandom`,
  'a serial port to a file': `${BOOT} --serial file,path=$disk2`,
  'a title and more': `${BOOT} --metadata title=T,description=D,uuid=0f0e0d0c-0b0a-4908-8706-050403020199`,
  'what happens at the end': `${BOOT} --events on_poweroff=destroy,on_reboot=destroy,on_crash=restart`,
};

type Facts = Readonly<Record<string, unknown>>;

/** What matters of a domain: what it starts from, what it may use, its disks and networks. */
function factsOf(xml: string): Facts {
  const domain = parseXml(xml);
  const text = (...path: string[]) => childOf(domain, ...path)?.textContent;
  const all = (of: ReturnType<typeof childOf>, names: readonly string[]) => names.map((name) => attributeOf(of, name));
  const devices = (kind: string) => childrenOf(childOf(domain, 'devices'), kind);
  const topology = childOf(domain, 'cpu', 'topology');
  return {
    type: attributeOf(domain, 'type'),
    name: text('name'),
    uuid: text('uuid') === '0f0e0d0c-0b0a-4908-8706-050403020199',
    texts: [text('title'), text('description')],
    // virt-install says both in KiB, unless they are the same.
    memory: [text('memory'), text('currentMemory') ?? text('memory')],
    vcpus: [text('vcpu'), ...all(childOf(domain, 'vcpu'), ['current', 'cpuset'])],
    topology: all(topology, ['sockets', 'cores', 'threads']),
    machine: all(childOf(domain, 'os', 'type'), ['arch', 'machine']),
    firmware: [
      text('os', 'loader'),
      ...all(childOf(domain, 'os', 'loader'), ['readonly', 'type']),
      text('os', 'nvram'),
    ],
    bootDevices: childrenOf(childOf(domain, 'os'), 'boot').map((boot) => attributeOf(boot, 'dev')),
    bootMenu: all(childOf(domain, 'os', 'bootmenu'), ['enable']),
    boot: ['kernel', 'initrd', 'cmdline', 'dtb'].map((name) => text('os', name)),
    events: ['on_poweroff', 'on_reboot', 'on_crash'].map((name) => text(name)),
    disks: devices('disk').map((disk) => [
      ...all(disk, ['type', 'device']),
      // An image that virt-install cannot look at is raw to libvirt.
      attributeOf(childOf(disk, 'driver'), 'type') ?? 'raw',
      ...all(childOf(disk, 'driver'), ['cache', 'io', 'discard']),
      // Images without a place are in a directory of our own.
      ...all(childOf(disk, 'source'), ['file']).map((file) => file?.replace(/^.*\/images\//, '/images/')),
      ...all(childOf(disk, 'target'), ['dev', 'bus']),
      childOf(disk, 'readonly') !== undefined,
      childOf(disk, 'serial')?.textContent,
    ]),
    interfaces: devices('interface').map((nic) => [
      attributeOf(nic, 'type'),
      ...all(childOf(nic, 'source'), ['network', 'bridge']),
      ...all(childOf(nic, 'mac'), ['address']),
      ...all(childOf(nic, 'model'), ['type']),
    ]),
    rng: devices('rng').map((rng) => [
      attributeOf(childOf(rng, 'backend'), 'model'),
      text('devices', 'rng', 'backend'),
    ]),
  };
}

/** Events that virt-install leaves to libvirt, which fills in the same. */
const DEFAULT_EVENTS = ['destroy', 'restart', 'destroy'];

describe("install beside Debian's virt-install", function () {
  this.timeout(120_000);
  const directory = scratchDirectory();
  before(function () {
    needTool(this, 'virt-install', 'virtinst');
    fileIn(directory(), 'caps.xml', formatCapabilities(host));
    fileIn(directory(), 'domcaps.xml', formatDomainCapabilities(host));
    for (const name of ['disk', 'disk2']) truncateSync(fileIn(directory(), name, ''), 1 << 20);
  });

  function words(options: string): string[] {
    const given = options.replace(/\$(\w+)/g, (_, name: string) => join(directory(), name)).split(' ');
    const memory = given.includes('--memory') ? [] : ['--memory', '64'];
    const print = given.includes('--print-xml') ? [] : ['--print-xml'];
    return ['--name', 'guest', ...memory, ...given, ...print];
  }

  /** What virt-install prints for our capabilities; nothing is connected to. */
  function virtInstall(options: string): string {
    const folder = directory();
    const uri = `__virtinst_test__test:///default,predictable,caps=${folder}/caps.xml,domcaps=${folder}/domcaps.xml,fakeuri=qemu:///system`;
    const base = [
      '--connect',
      uri,
      '--arch',
      'riscv64',
      '--machine',
      'virt',
      '--virt-type',
      'qemu',
      '--osinfo',
      'generic',
    ];
    const install = /--(import|cdrom|pxe)/.test(options) ? [] : ['--import'];
    const { status, stdout, stderr } = spawnSync('virt-install', [...base, ...install, ...words(options)], {
      encoding: 'utf8',
      timeout: 60_000,
      env: { ...process.env, HOME: folder, XDG_CACHE_HOME: folder, XDG_CONFIG_HOME: folder },
    });
    assert.equal(status, 0, `${stdout}${stderr}`);
    return stdout;
  }

  for (const [title, options] of Object.entries(sets)) {
    it(`describes the same domain: ${title}`, async () => {
      const { code, out, err } = await virsh('install', ...words(options));
      assert.equal(code, 0, err);
      const [ours, theirs] = [factsOf(out), factsOf(virtInstall(options))];
      const filled = (events: unknown) =>
        (events as (string | undefined)[]).map((event, i) => event ?? DEFAULT_EVENTS[i]);
      // Ours gives every machine random numbers; virt-install those of operating systems that it knows to want them.
      const rng = options.includes('--rng') ? theirs['rng'] : ours['rng'];
      assert.deepEqual(ours, { ...theirs, events: filled(theirs['events']), rng });
    });
  }
});
