import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
      [['--disk', 'vol=default-pool/v1'], "<source pool='default-pool' volume='v1'/>"],
      [['--disk', 'pool=default-pool,size=1'], "<source pool='default-pool' volume='box.img'/>"],
      [['--cdrom', '/cd.iso'], /device='cdrom'>[\s\S]*<readonly\/>/],
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
      [['--events', 'on_crash=restart', '--noreboot'], /<on_reboot>destroy[\s\S]*<on_crash>restart/],
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

  it('names its disks in order', async () => {
    const xml = await xmlOf('--import', ...['/a', '/b', '/c,target=vdx', '/d'].flatMap((disk) => ['--disk', disk]));
    assert.deepEqual(
      [...xml.matchAll(/<target dev='(\w+)'/g)].map(([, dev]) => dev),
      ['vda', 'vdb', 'vdx', 'vdc'],
    );
  });

  it('refuses what is wrong, and says which option it is', async () => {
    const cases: [string[], RegExp][] = [
      [['--import', '--disk', '/d'], /^error: --name is required\n$/],
      [['--name', 'x', '--disk', '/d'], /^error: An install method must be specified/],
      [['--name', 'x', '--import'], /^error: --import needs a --disk/],
      [
        ['--name', 'x', '--import', '--disk', 'size=1'],
        /^error: --disk size=1: a path, or a pool and a size, is needed/,
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
    assert.match(made.out, / box.img +\/default-pool\/box.img\n/);
    const gone = await virsh('install --name box --boot kernel=/k --transient --noautoconsole; dominfo box');
    assert.match(gone.out, /Persistent: +no\n/);
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
      ['install', '--name', 'box', ...boot, '--disk', `path=${disk},size=0.001`, '--transient'],
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

  it('are kept in the state directory by default', async () => {
    const env = { HOME: directory(), XDG_STATE_HOME: join(directory(), 'state') };
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
    assert.ok(existsSync(join(directory(), 'state', 'nodevisor', 'embed')));
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
