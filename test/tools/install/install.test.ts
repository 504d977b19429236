import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cli, NODE_ARGS, startCli } from '../cli/support.ts';
import { scratchDirectory, virsh } from '../virsh/support.ts';

const GUEST = fileURLToPath(new URL('../../../src/guest/guest.elf', import.meta.url));

/** The XML that `install` with these options would define. */
async function xmlOf(...options: readonly string[]): Promise<string> {
  const { code, out, err } = await virsh('install', '--name', 'box', '--print-xml', ...options);
  assert.equal(code, 0, err);
  return out;
}

describe('install: the domain it describes', () => {
  it('is small when nothing else is asked for', async () => {
    assert.equal(
      await xmlOf('--import', '--disk', '/images/a.img'),
      `<domain type='qemu'>
  <name>box</name>
  <memory unit='KiB'>524288</memory>
  <currentMemory unit='KiB'>524288</currentMemory>
  <vcpu>1</vcpu>
  <os>
    <type arch='riscv64' machine='virt'>hvm</type>
    <boot dev='hd'/>
  </os>
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='/images/a.img'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <interface type='network'>
      <source network='default'/>
      <model type='virtio'/>
    </interface>
    <console type='pty'/>
    <rng model='virtio'>
      <backend model='builtin'/>
    </rng>
  </devices>
</domain>

`,
    );
  });

  it('has what each option says', async () => {
    const has: [string[], string | RegExp][] = [
      [['--memory', '1G'], "<memory unit='KiB'>1048576</memory>"],
      // A name that was given is not given again.
      [['--disk', '/b', '--disk', '/c,target.dev=vda'], /'\/b'\/>\s*<target dev='vdb' bus='virtio'/],
      [['--memory', '256,maxmemory=512'], /<memory unit='KiB'>524288<\/memory>\s*<currentMemory unit='KiB'>262144</],
      [['--vcpus', '2,maxvcpus=4,cpuset=0-1'], "<vcpu cpuset='0-1' current='2'>4</vcpu>"],
      [['--vcpus', '4,sockets=1,cores=2,threads=2'], "<topology sockets='1' cores='2' threads='2'/>"],
      [
        ['--boot', 'kernel=/k,initrd=/i,kernel_args=a=b c,,d'],
        /<kernel>\/k<\/kernel>\s*<initrd>\/i<\/initrd>\s*<cmdline>a=b c,d</,
      ],
      [['--boot', 'loader=/fw.bin,loader.readonly=yes'], "<loader readonly='yes'>/fw.bin</loader>"],
      [
        ['--disk', 'path=/a,,b.img,readonly=yes,serial=S1'],
        /<source file='\/a,b.img'\/>\s*<target.*\s*<readonly\/>\s*<serial>S1</,
      ],
      [
        ['--disk', '/dev/sdx,cache=none'],
        /<disk type='block' device='disk'>\s*<driver .*cache='none'\/>\s*<source dev='\/dev\/sdx'/,
      ],
      [
        ['--disk', 'pool=default-pool,size=1'],
        /<driver name='qemu' type='qcow2' discard='unmap'\/>\s*<source file='\/default-pool\/box.qcow2'/,
      ],
      [
        ['--disk', 'size=1,format=raw'],
        /type='raw' discard='unmap'\/>\s*<source file='\/[^']*\/nodevisor\/images\/box.img'/,
      ],
      [['--disk', '/dev/shm/a.img'], "<source file='/dev/shm/a.img'/>"],
      [['--disk', 'size=1', '--disk', 'size=2'], /box\.qcow2'[\s\S]*box-1\.qcow2'/],
      [['--disk', 'path=/new.img,size=1'], /type='qcow2' discard='unmap'\/>\s*<source file='\/new.img'/],
      [['--boot', 'cdrom,hd,menu=on,loader=/fw'], /<boot dev='cdrom'\/>\s*<boot dev='hd'\/>\s*<bootmenu enable='yes'/],
      [
        ['--boot', 'loader=/fw,loader_ro=yes,loader_type=pflash,nvram=/n,nvram_template=/t'],
        /<loader readonly='yes' type='pflash'>\/fw<\/loader>\s*<nvram template='\/t'>\/n</,
      ],
      [['--disk', '/cd.iso,device=cdrom'], /device='cdrom'>[\s\S]*<target dev='sda' bus='scsi'\/>\s*<readonly\/>/],
      [
        ['--network', 'user,mac=52:54:00:00:00:01,model=virtio'],
        /<interface type='user'>\s*<mac address='52:54:00:00:00:01'/,
      ],
      [['--network', 'bridge=br0'], "<source bridge='br0'/>"],
      [['--serial', 'file,path=/log', '--console', 'none'], /<serial type='file'>\s*<source path='\/log'/],
      [
        ['--metadata', 'title=a & b,description=text', '--uuid', 'aaaaaaaa-0000-4000-8000-000000000000'],
        /<uuid>aaaaaaaa[\s\S]*<title>a &amp; b<\/title>\s*<description>text</,
      ],
      [['--events', 'on_reboot=destroy,on_crash=restart'], /<on_reboot>destroy[\s\S]*<on_crash>restart/],
      [['--rng', '/dev/random,rate.bytes=9'], /<rate bytes='9'\/>\s*<backend model='random'>\/dev\/random</],
      [['--osinfo', 'debian12', '--graphics', 'none', '--os-variant', 'x'], '<domain'],
    ];
    for (const [options, expected] of has) {
      const method = options.includes('--boot') ? [] : ['--import'];
      const disk = options.includes('--disk') || options.includes('--boot') ? [] : ['--disk', '/d'];
      const xml = await xmlOf(...method, ...disk, ...options);
      if (typeof expected === 'string') assert.ok(xml.includes(expected), `${options.join(' ')}\n${xml}`);
      else assert.match(xml, expected, options.join(' '));
    }
    const bare = await xmlOf(
      '--boot',
      'kernel=/k',
      '--disk',
      'none',
      '--network',
      'none',
      '--rng',
      'none',
      '--console',
      'none',
    );
    assert.doesNotMatch(bare, /<disk|<interface|<rng|<console|<serial/);
  });

  it('makes the paths of what it boots absolute', async () => {
    const files = ['kernel', 'initrd', 'dtb', 'loader', 'nvram', 'nvram.template'].map(
      (name) => `${name}=a/../${name}`,
    );
    const xml = await xmlOf('--boot', files.join(','));
    for (const element of ['kernel', 'initrd', 'dtb', 'loader', 'nvram']) {
      assert.ok(xml.includes(`>${resolve(element)}</${element}>`), `${element}\n${xml}`);
    }
    assert.ok(xml.includes(`<nvram template='${resolve('nvram.template')}'>`), xml);
  });

  it('makes a name up when none is given, one that is free', async () => {
    const { code, out, err } = await virsh('install', '--import', '--disk', '/d', '--dry-run', '--output', 'json');
    assert.equal(code, 0, err);
    assert.match(err, /^Using default --name vm1\n/);
    assert.match(out, /<name>vm1</);
    const printed = await virsh('install', '--import', '--disk', '/d', '--print-xml');
    assert.match(printed.out, /^<domain[^>]*>\s*<name>vm1</);
    assert.equal(printed.err, '');
  });

  it('names its disks in order', async () => {
    const xml = await xmlOf('--import', ...['/a', '/b', '/c,target=vdx', '/d'].flatMap((disk) => ['--disk', disk]));
    assert.deepEqual(
      [...xml.matchAll(/<target dev='(\w+)'/g)].map(([, dev]) => dev),
      ['vda', 'vdb', 'vdx', 'vdc'],
    );
  });

  it('refuses what is wrong, and says which option it is', async () => {
    const cases: [string[], RegExp][] = [
      [['--name', 'x', '--disk', '/d'], /^error: An install method must be specified/],
      [['--name', 'x', '--import'], /^error: --import needs a --disk/],
      [
        ['--name', 'x', '--import', '--disk', 'format=raw'],
        /^error: --disk format=raw: a path, a volume, or the size of a new image is needed/,
      ],
      [
        ['--name', 'x', '--import', '--disk', '/d,odd=1'],
        /^error: --disk \/d,odd=1: unknown setting 'odd': there are path/,
      ],
      [
        ['--name', 'x', '--import', '--disk', '/d,size=no'],
        /^error: --disk \/d,size=no: size is not a positive number/,
      ],
      [
        ['--name', 'x', '--import', '--disk', '/d', '--memory', 'lots'],
        /^error: --memory lots: 'lots' is no size of memory/,
      ],
      [
        ['--name', 'x', '--import', '--disk', '/d', '--vcpus', '0'],
        /^error: --vcpus 0: vcpus is not a positive number/,
      ],
      [
        ['--name', 'x', '--import', '--disk', '/d', '--graphics', 'vnc'],
        /^error: --graphics vnc: machines here have none/,
      ],
      [['--name', 'x', '--import', '--disk', '/d', '--network', 'odd'], /^error: --network odd: 'odd' is neither/],
      [
        ['--name', 'x', '--import', '--disk', '/d', '--network', 'none', '--network', 'user'],
        /^error: --network none goes/,
      ],
      [['--name', 'x', '--import', '--disk', '/d', '--transient', '--autostart'], /exclude each other/],
      [['--name', 'test', '--import', '--disk', '/d'], /^error: --name test: Guest name 'test' is already in use/],
      [
        ['--name', 'x', '--import', '--disk', 'vol=default-pool/v1'],
        /^error: --disk: Size must be specified for non existent volume 'v1'/,
      ],
      [
        ['--name', 'x', '--import', '--cdrom', '/cd'],
        /^error: Only one install method can be used \(--cdrom, --import\)/,
      ],
      [['--name', 'x', '--location', 'https://deb.debian.org/x'], /^error: --location .*: nothing is fetched: /],
      [['--name', 'x', '--location', '/x.iso'], /^error: --location \/x.iso: images are not searched/],
      [['--name', 'x', '--location', '/x'], /^error: --location \/x: directories are not searched: add kernel=/],
      [['--name', 'x', '--import', '--disk', '/d', '--extra-args', 'a'], /^error: Kernel arguments are only supported/],
      [['--name', 'x', '--import', '--disk', '/d', '--wait', 'x'], /^error: --wait x: not a number of minutes/],
      [
        ['--name', 'x', '--import', '--disk', '/d', '--check', 'foo=off'],
        /^error: --check foo=off: unknown setting 'foo'/,
      ],
      [['--name', 'x', '--import', '--disk', '/d', '--print-xml', '7'], /^error: Unknown XML step request '7'/],
      [
        ['--name', 'x', '--import', '--disk', '/d', '--print-xml', '2'],
        /^error: Requested installation does not have XML step 2/,
      ],
      [
        ['--name', 'x', '--import', '--disk', '/guest/diskimage1'],
        /^error: --disk .*: Disk \/guest\/diskimage1 is already in use by other guests \['test'\]. \(Use --check path_in_use=off/,
      ],
      [
        ['--name', 'x', '--import', '--disk', '/d', '--network', 'user,mac=52:54:00:DD:EE:FF'],
        /^error: The MAC address '52:54:00:dd:ee:ff' is in use by another virtual machine/,
      ],
      [
        ['--name', 'x', '--import', '--disk', 'pool=default-pool,size=1000,sparse=no'],
        /^error: There is not enough free space to create the disk. 1000.00 GiB requested, 100.00 GiB available/,
      ],
      [['--frob'], /^error: command 'install' doesn't support option --frob/],
    ];
    for (const [options, said] of cases) {
      const { code, out, err } = await virsh('install', ...options);
      assert.match(err, said, options.join(' '));
      assert.equal(code, 1, options.join(' '));
      assert.equal(out.trim(), '');
    }
  });
});

describe('install: what it does', () => {
  const directory = scratchDirectory();
  const env = () => ({ NODEVISOR_URI: 'nodevisor:///embed', XDG_STATE_HOME: directory() });
  const boot = ['--boot', `kernel=${GUEST},kernel_args=shell`, '--memory', '64', '--network', 'none'];

  it('creates, starts and keeps the domain', async () => {
    const made = await virsh(
      `install --name box --import --disk pool=default-pool,size=1 --noautoconsole --autostart; list --all; dominfo box; vol-list default-pool`,
    );
    assert.equal(made.err, '');
    assert.match(made.out, /^Domain 'box' created\n/);
    assert.match(made.out, / \d +box +running\n/);
    assert.match(made.out, /Persistent: +yes\nAutostart: +enable\n/);
    assert.match(made.out, / box.qcow2 +\/default-pool\/box.qcow2\n/);
    const gone = await virsh('install --name box --boot kernel=/k --transient --noautoconsole; dominfo box');
    assert.match(gone.out, /Persistent: +no\n/);
  });

  it('takes the letters of virt-install', async () => {
    const xml = await virsh('install', '-n', 'short', '-w', 'none', '-v', '--boot', 'kernel=/k', '--print-xml');
    assert.match(xml.out, /<name>short<\/name>/);
    assert.doesNotMatch(xml.out, /<interface/);
  });

  it('looks at nothing that --check turns off', async () => {
    for (const check of ['--check all=off', '--check path_in_use=off --check mac_in_use=off,disk_size=off']) {
      const { code, out, err } = await virsh(
        `install --name box --import --disk /guest/diskimage1 --disk pool=default-pool,size=1000 --dry-run ${check}`,
      );
      assert.deepEqual([code, err], [0, '']);
      assert.match(out, /^Dry run/);
    }
    const { err } = await virsh('install --name box --import --disk pool=default-pool,size=1000 --dry-run');
    assert.match(err, /^warning: The requested volume capacity will exceed the available pool space: 1000.00 GiB/);
  });

  it('keeps disks that no place is named for in a pool of the name default', async () => {
    const { code, out, err } = await virsh(
      `install --name box --import --disk size=1 --noautoconsole; install --name box2 --import --disk size=1,format=raw --noautoconsole; pool-info default; vol-list default; domblklist box2`,
    );
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /Autostart: +yes\n/);
    assert.match(out, / box.qcow2 +\/.*\n box2.img +/);
    assert.match(out, / vda +\/.*\/nodevisor\/images\/box2.img\n/);
  });

  it('does not guess the format of an image that is there', async () => {
    const image = join(directory(), 'a.qcow2');
    await cli(['image', 'create', '-f', 'qcow2', image, '1M']);
    const options = ['install', '--name', 'box', '--import', '--print-xml', '--disk'];
    assert.match(
      (await virsh(...options, image)).err,
      /^error: --disk .*: the image looks like qcow2: add format=qcow2/,
    );
    assert.match((await virsh(...options, `${image},format=qcow2`)).out, /type='qcow2'/);
  });

  it('boots an installer first, and what it has installed afterwards', async () => {
    const steps = async (...options: string[]) => {
      const { code, out, err } = await virsh('install', '--name', 'box', '--disk', '/d', '--print-xml', ...options);
      assert.equal(code, 0, err);
      return out.split(/(?<=<\/domain>\n)/);
    };
    const same = (text: string | undefined) => text?.match(/<uuid>.*|<mac .*/g);
    const [first, second] = await steps('all', '--cdrom', '/cd.iso');
    assert.match(
      first ?? '',
      /<boot dev='cdrom'\/>\s*<boot dev='hd'\/>[\s\S]*<on_reboot>destroy<[\s\S]*file='\/cd.iso'/,
    );
    assert.match(second ?? '', /<boot dev='hd'\/>[\s\S]*<on_reboot>restart<[\s\S]*device='cdrom'>/);
    assert.doesNotMatch(second ?? '', /cd\.iso/);
    assert.equal(same(first)?.length, 2);
    assert.deepEqual(same(first), same(second));
    const [installer] = await steps('1', '--location', '/tree,kernel=linux,initrd=i.gz', '--extra-args', 'auto=true');
    assert.match(
      installer ?? '',
      /<kernel>\/tree\/linux<\/kernel>\s*<initrd>\/tree\/i.gz<\/initrd>\s*<cmdline>auto=true<\/cmdline>\s*<\/os>/,
    );
    assert.doesNotMatch((await steps('2', '--location', '/tree,kernel=linux'))[0] ?? '', /<kernel>/);
    assert.match((await steps('1', '--pxe'))[0] ?? '', /<boot dev='network'\/>/);
    const { out } = await virsh(
      'install --name box --disk /d --cdrom /cd --noautoconsole; dumpxml box --xpath //boot/@dev; dumpxml box --inactive --xpath //boot/@dev; dominfo box',
    );
    assert.match(out, /dev="cdrom"\n *dev="hd"\n\n *dev="hd"\n\n/);
    assert.match(out, /Persistent: +yes/);
  });

  it('starts the domain again when its installation has ended, and waits no longer than told', async () => {
    const options = ['--name', 'box', '--disk', '/d', '--cdrom', '/cd', '--noautoconsole'];
    const running = startCli(['install', ...options, '--wait'], { NODEVISOR_URI: 'test:///default' });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { out } = await virsh('destroy box; domstate box');
    assert.match(out, /^Domain 'box' destroyed/);
    const { code, err } = await running.result;
    assert.deepEqual(
      [code, err],
      [0, "Domain 'box' created\nDomain is still running. Waiting for its end.\nRestarting guest.\n"],
    );
    const late = await virsh('install', ...options, '--wait', '0.001');
    assert.equal(late.code, 1);
    assert.match(late.err, /\nerror: Installation has exceeded specified time limit/);
    const none = await virsh('install', ...options, '--wait', '0');
    assert.deepEqual([none.code, none.err], [0, 'warning: Treating --wait 0 as --noautoconsole\n']);
    const kept = await virsh('install', ...options, '--wait=0.001', '--noreboot');
    assert.equal(kept.code, 1);
  });

  it('does nothing in a dry run', async () => {
    const { code, out } = await virsh(
      'install --name box --import --disk pool=default-pool,size=1 --dry-run; list --all; vol-list default-pool',
    );
    assert.equal(code, 0);
    assert.match(out, /^Dry run completed successfully\n/);
    assert.doesNotMatch(out, /box/);
  });

  it('runs the domain in this process with its console, until it ends', async () => {
    const disk = join(directory(), 'disk.img');
    const running = startCli(
      ['install', '--name', 'box', ...boot, '--disk', `path=${disk},size=0.001,format=raw`, '--transient'],
      env(),
    );
    while (!running.output().includes('guest> ')) await new Promise((resolve) => setTimeout(resolve, 20));
    running.type('poweroff\r');
    const { code, out, err } = await running.result;
    assert.equal(code, 0, err);
    assert.match(out, /Type help for what there is/);
    assert.match(err, /^Domain 'box' created\nConnected to domain 'box'\n/);
    assert.equal(statSync(disk).size, 1_073_742);
  });

  it('takes back what it made when the domain cannot start', async () => {
    const disk = join(directory(), 'other.img');
    const { code, err } = await cli(
      ['install', '--name', 'box', '--boot', 'kernel=/nope', '--disk', `path=${disk},size=0.001`, '--noautoconsole'],
      env(),
    );
    assert.equal(code, 1);
    assert.match(err, /^error: Failed to create domain 'box'\nerror: .*\/nope/);
    assert.ok(!existsSync(disk));
    assert.equal((await cli(['list', '--all', '--name'], env())).out, '\n');
  });

  it('ends like a program whose reader has gone when nobody reads the console any more', async () => {
    const running = startCli(['install', '--name', 'box', ...boot, '--transient'], env());
    while (!running.output().includes('guest> ')) await new Promise((resolve) => setTimeout(resolve, 20));
    running.breakOutput();
    assert.equal((await running.result).code, 141);
  });

  it('stays while the domain runs, and shuts it down at Ctrl-C', async () => {
    const running = startCli(['install', '--name', 'box', ...boot, '--transient', '--noautoconsole'], env());
    while (!running.output().includes("Domain 'box' created")) await new Promise((resolve) => setTimeout(resolve, 20));
    await new Promise((resolve) => setTimeout(resolve, 300));
    running.signal('SIGTERM');
    const { code, err } = await running.result;
    assert.equal(code, 143);
    assert.match(err, /Domain 'box' running in this process\. Ctrl-C shuts down\./);
  });
});

describe('definitions between calls', () => {
  const directory = scratchDirectory();

  it('are kept in the directory that the URI names', async () => {
    const env = { NODEVISOR_URI: `nodevisor:///embed?state=${join(directory(), 'state')}` };
    assert.equal((await cli(['install', '--name', 'kept', '--boot', `kernel=${GUEST}`, '--print-xml'], env)).code, 0);
    const { out } = await cli(
      ['install --name kept --network none --boot kernel=/nope --noautoconsole; list --all'],
      env,
    );
    assert.doesNotMatch(out, /kept/, 'a domain that did not start was kept');
    const xml = join(directory(), 'kept.xml');
    writeFileSync(xml, (await cli(['install', '--name', 'kept', '--boot', `kernel=${GUEST}`, '--print-xml'], env)).out);
    assert.equal((await cli(['define', xml], env)).code, 0);
    assert.match((await cli(['list', '--all'], env)).out, / - +kept +shut off\n/);
    assert.ok(existsSync(join(directory(), 'state')));
  });

  it('serve a process that runs a domain without a terminal', async () => {
    const child = spawn(process.execPath, [
      ...NODE_ARGS,
      '-c',
      'nodevisor:///embed',
      'install',
      '--name',
      'box',
      '--boot',
      `kernel=${GUEST},kernel_args=shell`,
      '--memory',
      '64',
      '--network',
      'none',
      '--transient',
    ]);
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      if (out.endsWith('guest> ') && !out.includes('poweroff\r')) child.stdin.end('poweroff\r');
    });
    const code = await new Promise((resolve) => child.once('exit', resolve));
    assert.equal(code, 0, out);
    assert.match(out, /nodevisor guest/);
  });
});
