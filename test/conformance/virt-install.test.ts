import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from 'mocha';
import { type Connection, connect, createMachine, type Domain, DomainState, RunningReason } from '../../src/index.ts';
import { assetPath } from '../../src/tools/assets.ts';
import {
  formatCapabilities,
  formatDomain,
  formatDomainCapabilities,
  makeLive,
  parseDomain,
} from '../../src/virt/conf/index.ts';
import { missing, needTool } from '../support/need-tool.ts';
import { until } from '../virt/backend-contract.ts';
import { assertValid, define, host, needSchemas } from '../virt/conf/support.ts';

/**
 * Option sets of virt-install beside name, memory and architecture. `$disk` is a raw image, `$kernel` the bundled guest,
 * `$boot` boots it to its shell.
 */
const accepted: Readonly<Record<string, string>> = {
  'a kernel': '--disk none --boot kernel=$kernel,initrd=$disk,kernel_args=shell',
  'a kernel with a device tree': '--disk none --boot kernel=$kernel,dtb=$dtb,kernel_args=shell --network none',
  'an imported disk': '--import --disk $disk,format=raw --boot loader=$uboot,loader.type=rom',
  'a disk with options':
    '--import $boot --disk $disk,format=raw,cache=none,discard=unmap,io=threads,serial=ABC,readonly=on',
  'two disks': '--import $boot --disk $disk,format=raw --disk $disk2,format=raw,target.dev=vdc',
  'an empty drive': '--import $boot --disk $disk,format=raw --disk device=cdrom,bus=scsi',
  'vCPUs to plug in': '--disk none $boot --vcpus 2,maxvcpus=4',
  'a CPU topology': '--disk none $boot --vcpus 4,sockets=1,cores=4,threads=1',
  'a CPU model': '--disk none $boot --cpu rv64',
  'pinned vCPUs': '--disk none $boot --vcpus 2,cpuset=0 --cputune vcpupin0.vcpu=0,vcpupin0.cpuset=0',
  'current memory': '--disk none $boot --memory 64,maxmemory=128',
  'user networking': '--disk none $boot --network user,model=virtio',
  'no network': '--disk none $boot --network none',
  'graphics over VNC': '--disk none $boot --graphics vnc,listen=127.0.0.1,password=hush --video virtio',
  'graphics over SPICE': '--disk none $boot --graphics spice --video virtio',
  'input devices': '--disk none $boot --input tablet,bus=virtio --input keyboard,bus=virtio',
  entropy: '--disk none $boot --rng /dev/urandom',
  'no balloon': '--disk none $boot --memballoon none',
  'a balloon': '--disk none $boot --memballoon model=virtio,stats.period=5',
  'a serial port to a file': '--disk none $boot --serial file,path=$log',
  'a virtio console beside the serial port': '--disk none $boot --serial pty --console pty,target.type=virtio',
  'a channel': '--disk none $boot --channel unix,target.type=virtio,target.name=org.example.0',
  controllers: '--disk none $boot --controller usb,model=none --controller virtio-serial',
  sound: '--disk none $boot --sound ich9',
  'a title and metadata':
    '--disk none $boot --metadata title=T,description=D,uuid=0f0e0d0c-0b0a-4908-8706-050403020199',
  'what happens at the end': '--disk none $boot --events on_poweroff=destroy,on_reboot=restart,on_crash=restart',
  'a known operating system': '--disk none $boot --osinfo linux2022',
};

/** Option sets that there is no support for, so that they are not even defined, and what the refusal says. */
const refused: Readonly<Record<string, readonly [options: string, message: RegExp]>> = {
  'a TPM': ['--disk none $boot --tpm emulator', /device 'tpm'/],
  'a shared folder': ['--disk none $boot --filesystem /srv,share', /device 'filesystem'/],
  'a watchdog': ['--disk none $boot --watchdog i6300esb', /device 'watchdog'/],
  'a vsock': ['--disk none $boot --vsock auto', /device 'vsock'/],
  'huge pages': ['--disk none $boot --memorybacking hugepages=yes', /'memoryBacking'/],
  'the CPU of the host': ['--disk none $boot --cpu host-passthrough', /'host-passthrough'/],
  'options of QEMU': ['--disk none $boot --qemu-commandline=-s', /'qemu:commandline'/],
};

const files: Readonly<Record<string, string>> = {
  kernel: assetPath('guest/guest.elf'),
  uboot: '/usr/lib/u-boot/qemu-riscv64/u-boot.bin',
};

function needFile(test: Context, path = ''): void {
  if (!existsSync(path)) missing(test, `${path} is missing (Debian package u-boot-qemu)`);
}

describe("domains that Debian's virt-install writes", () => {
  let folder: string;

  let connection: Connection;

  before(async function () {
    needTool(this, 'virt-install', 'virtinst');
    needSchemas(this);
    folder = mkdtempSync(join(tmpdir(), 'nodevisor-virtinst-'));
    writeFileSync(join(folder, 'caps.xml'), formatCapabilities(host));
    writeFileSync(join(folder, 'domcaps.xml'), formatDomainCapabilities(host));
    for (const name of ['disk', 'disk2']) {
      writeFileSync(join(folder, name), '');
      truncateSync(join(folder, name), 1 << 20);
    }
    const machine = await createMachine({
      kernel: files['kernel'],
      memory: 64 << 20,
      console: 'none',
      cpuBackend: 'interpreter',
    });
    writeFileSync(join(folder, 'dtb'), machine.dtb);
    await machine.destroy();
    connection = await connect('nodevisor:///embed');
  });
  after(async () => {
    await connection?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  afterEach(async () => {
    for (const domain of await connection.listAllDomains()) {
      if (await domain.isActive()) await domain.destroy();
      await domain.undefine();
    }
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
    const words = options
      .replaceAll('$boot', '--boot kernel=$kernel,kernel_args=shell')
      .replace(/\$(\w+)/g, (_, name: string) => files[name] ?? join(folder, name))
      .split(' ');
    const base = ['--connect', uri, '--arch', 'riscv64', '--machine', 'virt', '--virt-type', 'qemu', '--name', 'guest'];
    const osinfo = words.includes('--osinfo') ? [] : ['--osinfo', 'generic'];
    const memory = words.includes('--memory') ? [] : ['--memory', '64'];
    const network = words.includes('--network') ? [] : ['--network', 'none'];
    const more = words.includes('--import') || !words.includes('--boot') ? [] : ['--import'];
    const args = [...base, ...osinfo, ...memory, ...network, ...more, '--print-xml', ...words];
    const run = spawnSync('virt-install', args, {
      encoding: 'utf8',
      timeout: 60_000,
      env: { ...process.env, HOME: folder, XDG_CACHE_HOME: folder, XDG_CONFIG_HOME: folder },
    });
    assert.equal(run.status, 0, `virt-install ${args.join(' ')}\n${run.stdout}${run.stderr}`);
    return run.stdout;
  }

  /** Waits until the guest has said something on its serial port, wherever that leads to. */
  async function says(domain: Domain, text: string): Promise<void> {
    let output = '';
    const log = join(folder, 'log');
    if (existsSync(log)) {
      await until(() => readFileSync(log, 'utf8').includes(text), `${text} in the log`, 30);
      rmSync(log);
      return;
    }
    const console = await domain.openConsole();
    console.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    await until(() => output.includes(text), `the guest says ${text}; so far: ${output}`, 30);
    console.destroy();
  }

  for (const [what, options] of Object.entries(accepted)) {
    it(`define and start as they are, with ${what}`, async function () {
      if (options.includes('$uboot')) needFile(this, files['uboot']);
      const xml = virtInstall(options);
      const domain = await connection.defineXML(xml);
      await domain.create();
      assert.deepEqual(await domain.getState(), { state: DomainState.RUNNING, reason: RunningReason.BOOTED });
      assertValid('domain', await domain.getXMLDesc());
      await says(domain, options.includes('$uboot') ? 'U-Boot 20' : 'guest> ');

      const def = define(xml);
      const inactive = formatDomain(def, { secure: true });
      assert.deepEqual(parseDomain(inactive), def);
      assertValid('domain', inactive);
      assertValid('domain', formatDomain(makeLive(def, { serial0: '/dev/pts/1' }), { id: 1 }));
    });
  }

  it('are refused by name when they start, with a second serial port', async () => {
    const domain = await connection.defineXML(virtInstall('--disk none $boot --serial pty --serial pty'));
    await assert.rejects(domain.create(), { code: 'CONFIG_UNSUPPORTED', message: /only one <serial> is supported/ });
  });

  it('are refused by name when they start, with a bridge that the host has not', async () => {
    const domain = await connection.defineXML(virtInstall('--disk none $boot --network bridge=nobr0'));
    const message = /into bridge 'nobr0': the host has no bridge 'nobr0'|tap needs the native addon/;
    await assert.rejects(domain.create(), { message });
  });

  for (const [what, [options, message]] of Object.entries(refused)) {
    it(`are refused by name, with ${what}`, () => {
      assert.throws(() => define(virtInstall(options)), { code: 'CONFIG_UNSUPPORTED', message });
    });
  }
});
