import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  formatCapabilities,
  formatDomain,
  formatDomainCapabilities,
  makeLive,
  parseDomain,
  toMachineOptions,
} from '../../src/virt/conf/index.ts';
import { needTool } from '../support/need-tool.ts';
import { assertValid, define, host, needSchemas } from '../virt/conf/support.ts';

/** Option sets of virt-install beside name, memory and architecture; `$disk` is a raw image. */
const accepted: Readonly<Record<string, string>> = {
  'a kernel': '--disk none --boot kernel=/k,initrd=/i,kernel_args=console=ttyS0',
  'a kernel with a device tree': '--disk none --boot kernel=/k,dtb=/d --network none',
  'an imported disk': '--import --disk $disk,format=raw --boot loader=/u-boot.bin,loader.type=rom',
  'a disk with options':
    '--import --boot kernel=/k --disk $disk,format=raw,cache=none,discard=unmap,io=threads,serial=ABC,readonly=on',
  'two disks': '--import --boot kernel=/k --disk $disk,format=raw --disk $disk2,format=raw,target.dev=vdc',
  'an empty drive': '--import --boot kernel=/k --disk $disk,format=raw --disk device=cdrom,bus=scsi',
  'vCPUs to plug in': '--disk none --boot kernel=/k --vcpus 2,maxvcpus=4',
  'a CPU topology': '--disk none --boot kernel=/k --vcpus 4,sockets=1,cores=4,threads=1',
  'a CPU model': '--disk none --boot kernel=/k --cpu rv64',
  'pinned vCPUs': '--disk none --boot kernel=/k --vcpus 2,cpuset=0-1 --cputune vcpupin0.vcpu=0,vcpupin0.cpuset=0',
  'current memory': '--disk none --boot kernel=/k --memory 512,maxmemory=1024',
  'user networking': '--disk none --boot kernel=/k --network user,model=virtio',
  'a bridge': '--disk none --boot kernel=/k --network bridge=br0,mac=52:54:00:aa:bb:cc',
  'no network': '--disk none --boot kernel=/k --network none',
  'graphics over VNC': '--disk none --boot kernel=/k --graphics vnc,listen=127.0.0.1,password=hush --video virtio',
  'graphics over SPICE': '--disk none --boot kernel=/k --graphics spice --video virtio',
  'input devices': '--disk none --boot kernel=/k --input tablet,bus=virtio --input keyboard,bus=virtio',
  entropy: '--disk none --boot kernel=/k --rng /dev/urandom',
  'no balloon': '--disk none --boot kernel=/k --memballoon none',
  'a balloon': '--disk none --boot kernel=/k --memballoon model=virtio,stats.period=5',
  'a serial port to a file': '--disk none --boot kernel=/k --serial file,path=/tmp/serial.log',
  'a virtio console beside the serial port':
    '--disk none --boot kernel=/k --serial pty --console pty,target.type=virtio',
  'a channel': '--disk none --boot kernel=/k --channel unix,target.type=virtio,target.name=org.example.0',
  controllers: '--disk none --boot kernel=/k --controller usb,model=none --controller virtio-serial',
  sound: '--disk none --boot kernel=/k --sound ich9',
  'a title and metadata':
    '--disk none --boot kernel=/k --metadata title=T,description=D,uuid=0f0e0d0c-0b0a-4908-8706-050403020199',
  'what happens at the end':
    '--disk none --boot kernel=/k --events on_poweroff=destroy,on_reboot=restart,on_crash=restart',
  'a known operating system': '--disk none --boot kernel=/k --osinfo linux2022',
};

/** Option sets that there is no support for, and what the refusal says. */
const refused: Readonly<Record<string, readonly [options: string, message: RegExp]>> = {
  'a TPM': ['--disk none --boot kernel=/k --tpm emulator', /device 'tpm'/],
  'a shared folder': ['--disk none --boot kernel=/k --filesystem /srv,share', /device 'filesystem'/],
  'a watchdog': ['--disk none --boot kernel=/k --watchdog i6300esb', /device 'watchdog'/],
  'a vsock': ['--disk none --boot kernel=/k --vsock auto', /device 'vsock'/],
  'huge pages': ['--disk none --boot kernel=/k --memorybacking hugepages=yes', /'memoryBacking'/],
  'the CPU of the host': ['--disk none --boot kernel=/k --cpu host-passthrough', /'host-passthrough'/],
  'options of QEMU': ['--disk none --boot kernel=/k --qemu-commandline=-s', /'qemu:commandline'/],
};

describe("domains that Debian's virt-install writes", () => {
  let folder: string;

  before(function () {
    needTool(this, 'virt-install', 'virtinst');
    needSchemas(this);
    folder = mkdtempSync(join(tmpdir(), 'nodevisor-virtinst-'));
    writeFileSync(join(folder, 'caps.xml'), formatCapabilities(host));
    writeFileSync(join(folder, 'domcaps.xml'), formatDomainCapabilities(host));
    for (const name of ['disk.img', 'disk2.img']) {
      writeFileSync(join(folder, name), '');
      truncateSync(join(folder, name), 1 << 20);
    }
  });
  after(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  /** What virt-install prints for our capabilities; nothing is connected to. */
  function virtInstall(options: string): string {
    const uri = [
      '__virtinst_test__test:///default',
      'predictable',
      `caps=${folder}/caps.xml`,
      `domcaps=${folder}/domcaps.xml`,
      'fakeuri=qemu:///system',
    ].join(',');
    const words = options.split(' ').map((word) => word.replace(/\$(disk2?)/, `${folder}/$1.img`));
    const base = ['--connect', uri, '--arch', 'riscv64', '--machine', 'virt', '--virt-type', 'qemu', '--name', 'guest'];
    const osinfo = words.includes('--osinfo') ? [] : ['--osinfo', 'generic'];
    const memory = words.includes('--memory') ? [] : ['--memory', '512'];
    const more = words.includes('--import') || !words.includes('--boot') ? [] : ['--import'];
    const args = [...base, ...osinfo, ...memory, ...more, '--print-xml', ...words];
    const run = spawnSync('virt-install', args, {
      encoding: 'utf8',
      timeout: 60_000,
      env: { ...process.env, HOME: folder, XDG_CACHE_HOME: folder, XDG_CONFIG_HOME: folder },
    });
    assert.equal(run.status, 0, `virt-install ${args.join(' ')}\n${run.stdout}${run.stderr}`);
    return run.stdout;
  }

  for (const [what, options] of Object.entries(accepted)) {
    it(`define and make a machine, with ${what}`, () => {
      const def = define(virtInstall(options));
      const { options: machine } = toMachineOptions(def);
      assert.ok(machine.kernel !== undefined || machine.firmware !== undefined);
      const inactive = formatDomain(def, { secure: true });
      assert.deepEqual(parseDomain(inactive), def);
      assertValid('domain', inactive);
      assertValid('domain', formatDomain(makeLive(def, { serial0: '/dev/pts/1' }), { id: 1 }));
    });
  }

  for (const [what, [options, message]] of Object.entries(refused)) {
    it(`are refused by name, with ${what}`, () => {
      assert.throws(() => define(virtInstall(options)), { code: 'CONFIG_UNSUPPORTED', message });
    });
  }
});
