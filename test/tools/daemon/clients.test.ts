import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from '../../../src/index.ts';
import { program } from '../../support/guest.ts';
import { needTool } from '../../support/need-tool.ts';
import { until } from '../../virt/backend-contract.ts';
import { domainXml, guestElf, processesWith } from '../../virt/process/bench.ts';
import { DaemonBench, type Ran, run } from './daemon-process.ts';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
/** Where pictures of windows go, for people to look at. */
const artifacts = process.env['NODEVISOR_TEST_ARTIFACTS'] ?? here('../../../build/artifacts');

/** What a terminal showed and how its command ended. */
interface Played {
  readonly text: string;
  readonly status: number | null;
  readonly error: string | null;
}

describe('real clients of the daemon', function () {
  this.timeout(120_000);
  let bench: DaemonBench;

  before(function () {
    needTool(this, 'virsh', 'libvirt-clients');
    needTool(this, 'python3', 'python3');
  });
  beforeEach(async () => {
    bench = new DaemonBench();
    assert.equal(await bench.start(['--stop-timeout', '0']), 'ready');
  });
  afterEach(async () => {
    assert.equal(await bench.stop('SIGTERM'), 0);
    assert.deepEqual(processesWith(bench.state), []);
    bench.remove();
  });

  /** Runs a command on a terminal: each step waits for a text and then types one. */
  const play = async (argv: readonly string[], steps: readonly (readonly [string, string])[]): Promise<Played> => {
    const input = JSON.stringify({ argv, steps, seconds: 30 });
    const { out, err } = await run('python3', [here('../cli/pty-driver.py')], { input });
    assert.equal(err, '');
    const played = JSON.parse(out) as Played;
    assert.equal(played.error, null, played.text);
    return played;
  };
  const console = (name: string) => ['virsh', '-c', bench.uri, 'console', name];
  /** virsh's answer; fails when that is an error. */
  const virsh = async (...args: string[]): Promise<string> => {
    const { code, out, err } = await bench.virsh(...args);
    assert.deepEqual([code, err], [0, ''], args.join(' '));
    return out.trim();
  };
  const define = async (name: string, options: Parameters<typeof domainXml>[1] = {}) => {
    const file = join(bench.directory, `${name}.xml`);
    writeFileSync(file, domainXml(name, options));
    await virsh('define', file);
  };

  it('virsh takes a domain through its life, and its user to the console', async () => {
    const path = join(bench.directory, 'obedient.elf');
    // Says what it hears, and switches off after a break.
    const source = `
  la a0, ready
  call print
  li t0, UART
1: lbu t1, 5(t0)
  andi t2, t1, 0x10
  bnez t2, power_off
  andi t2, t1, 1
  beqz t2, 1b
  lbu t2, (t0)
  sb t2, (t0)
  j 1b
  .data
ready: .asciz "ready\\n"`;
    writeFileSync(path, program(source, 0x8020_0000).bytes);
    await define('one', {
      os: `<kernel>${path}</kernel>`,
      devices: "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
    });
    await virsh('start', 'one');
    assert.match(await virsh('list'), /1 +one +running/);
    await play(console('one'), [
      ['ready', 'parrot'],
      ['parrot', '\u001d'],
    ]);
    await virsh('suspend', 'one');
    assert.equal(await virsh('domstate', '--reason', 'one'), 'paused (user)');
    await virsh('resume', 'one');
    await virsh('reset', 'one');
    assert.equal(await virsh('domstate', '--reason', 'one'), 'running (unpaused)');
    assert.match(await virsh('dominfo', 'one'), /CPU time: +[0-9.]+s/);
    assert.match(await virsh('vcpuinfo', 'one'), /VCPU: +0\nCPU: .*\nState: +running/);
    assert.match(await virsh('domstats', 'one'), /vcpu\.0\.time=[1-9]/);
    const second = await bench.virsh('start', 'one');
    assert.match(second.err, /already active/);
    await virsh('shutdown', 'one');
    await until(async () => (await virsh('domstate', '--reason', 'one')) === 'shut off (shutdown)', 'it switched off');
    await virsh('autostart', 'one');
    assert.match(await virsh('dominfo', 'one'), /Autostart: +enable/);
    await virsh('undefine', 'one');
    assert.equal(await virsh('list', '--all'), '');
  });

  it('virsh has a console when nobody else has it, or takes it over', async () => {
    await define('one');
    await virsh('start', 'one');
    const connection = await connect(bench.uri);
    const stream = await (await connection.lookupByName('one')).openConsole();
    const ended = new Promise((resolve) => stream.resume().once('end', resolve));
    const refused = await play(console('one'), []);
    assert.match(refused.text, /Active console session exists for this domain/);
    assert.equal(refused.status, 1);
    await play(
      [...console('one'), '--force'],
      [
        ['Ctrl + ])', ''],
        ['\n', 'echo taken over\n'],
        ['\r\ntaken over', '\u001d'],
      ],
    );
    await ended;
    await connection.close();
  });

  it('virsh in its shell hears that a daemon ends, and goes on with the next one', async () => {
    await define('one');
    const shell = spawn('virsh', ['-c', bench.uri], { env: { ...process.env, LC_ALL: 'C' } });
    let said = '';
    for (const stream of [shell.stdout, shell.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        said += bytes.toString();
      });
    }
    const ended = new Promise((resolve) => shell.once('exit', resolve));
    shell.stdin.write('list --all\n');
    await until(() => /one +shut off/.test(said), 'it lists');
    assert.equal(await bench.stop('SIGTERM'), 0);
    await until(() => /Disconnected from .* due to end of file/.test(said), 'it says that the daemon has gone');
    assert.equal(await bench.start(['--stop-timeout', '0']), 'ready');
    said = '';
    shell.stdin.end('list --all\n');
    await until(() => /Reconnected to the hypervisor[\s\S]*one +shut off/.test(said), 'it lists again');
    assert.equal(await ended, 0, said);
  });

  it('libvirt-python hears of what happens', async function () {
    const binding = await run('/usr/bin/python3', ['-c', 'import libvirt']);
    if (binding.code !== 0) needTool(this, 'python3-libvirt', 'python3-libvirt');
    await define('one');
    const script = `
import libvirt, sys, threading, time
libvirt.virEventRegisterDefaultImpl()
threading.Thread(target=lambda: [libvirt.virEventRunDefaultImpl() for _ in iter(int, 1)], daemon=True).start()
conn = libvirt.open(sys.argv[1])
seen = []
conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lambda c, d, e, x, o: seen.append((d.name(), e, x)), None)
conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, lambda c, d, o: seen.append((d.name(), 'reboot')), None)
dom = conn.lookupByName('one')
dom.create(); dom.suspend(); dom.resume(); dom.reset()
stream = conn.newStream()
dom.openConsole(None, stream, 0)
text = b''
while b'guest> ' not in text: text += stream.recv(4096)
stream.send(b'echo python\\n')
while b'\\r\\npython' not in text: text += stream.recv(4096)
stream.finish()
print(dom.info()[0], dom.isActive(), dom.isPersistent(), conn.isAlive(), len(conn.listAllDomains()))
try: dom.create()
except libvirt.libvirtError as e: print(e.get_error_code(), e.get_error_domain())
dom.destroy()
for _ in range(600):
    if len(seen) >= 7: break
    time.sleep(0.05)
print(seen)
`;
    const { out, err, code } = await run('/usr/bin/python3', ['-c', script, bench.uri]);
    assert.equal(code, 0, err);
    const [state, failure, events] = out.trim().split('\n');
    assert.equal(state, '1 1 1 1 1');
    assert.equal(failure, '55 10');
    assert.equal(
      events,
      "[('one', 4, 0), ('one', 2, 0), ('one', 3, 0), ('one', 4, 0), ('one', 'reboot'), ('one', 6, 2), ('one', 5, 1)]",
    );
  });

  describe('virt-install', () => {
    const common = (name: string) => [
      ...['--connect', bench.uri, '--name', name, '--memory', '64', '--arch', 'riscv64', '--machine', 'virt'],
      ...['--import', '--network', 'none', '--graphics', 'none', '--osinfo', 'detect=off,require=off'],
      ...['--boot', `kernel=${guestElf},kernel_args=shell`],
    ];

    before(function () {
      needTool(this, 'virt-install', 'virtinst');
    });

    it('starts a kernel, and brings its user to the console', async () => {
      const { text, status } = await play(
        ['virt-install', ...common('kernel'), '--disk', 'none'],
        [
          ['guest> ', 'echo installed\n'],
          ['\r\ninstalled', '\u001d'],
          ['Domain creation completed', ''],
        ],
      );
      assert.equal(status, 0, text);
      assert.match(await virsh('list'), /kernel +running/);
      assert.match(await virsh('dominfo', 'kernel'), /Persistent: +yes/);
    });

    it('imports a disk, for which it makes a pool', async () => {
      const images = join(bench.directory, 'images');
      mkdirSync(images);
      const image = join(images, 'disk.img');
      writeFileSync(image, '');
      truncateSync(image, 1 << 20);
      writeFileSync(image, 'first sector of the disk', { flag: 'r+' });
      const disk = `path=${image},format=raw,bus=virtio`;
      const args = [...common('imported'), '--disk', disk, '--noautoconsole'];
      const { code, err } = await run('virt-install', args);
      assert.equal(code, 0, err);
      assert.match(await virsh('domblklist', 'imported'), /vda +.*disk\.img/);
      assert.match(await virsh('pool-list'), /images +active/);
      await play(console('imported'), [
        ['guest> ', 'disk 0\n'],
        ['first sector', '\u001d'],
      ]);
      assert.match(await virsh('domblkstat', 'imported', 'vda'), /rd_bytes [1-9]/);
      const again = await run('virt-install', [...common('second'), '--disk', disk, '--noautoconsole']);
      assert.equal(again.code, 1);
      assert.match(again.err, /in use/);
    });

    it('makes disks of a size, at a path and in a pool, in the format that is asked for', async () => {
      // Formats of disks it only gives to what calls itself QEMU.
      const uri = bench.uri.replace('nodevisor:', 'qemu+unix:');
      const made = join(bench.directory, 'made');
      mkdirSync(made);
      await virsh('pool-define-as', 'made', 'dir', '--target', made);
      await virsh('pool-start', 'made');
      const disks = [
        '--disk',
        `path=${made}/one.qcow2,size=0.0625,format=qcow2,bus=virtio`,
        '--disk',
        'pool=made,size=0.03125,format=raw,bus=virtio',
      ];
      const { code, err } = await run('virt-install', [
        ...common('sized'),
        '--connect',
        uri,
        ...disks,
        '--noautoconsole',
      ]);
      assert.equal(code, 0, err);
      assert.match(await virsh('vol-info', 'one.qcow2', '--pool', 'made'), /Capacity: +64\.00 MiB/);
      const list = await virsh('domblklist', 'sized', '--details');
      assert.match(list, /vda +.*one\.qcow2/);
      assert.match(list, /vdb +.*made\/sized/);
      const xml = await virsh('dumpxml', 'sized');
      assert.match(xml, /type='qcow2'[^>]*\/>\s*<source file='[^']*one\.qcow2'/);
      assert.match(xml, /type='raw'[^>]*\/>\s*<source file='[^']*made\/sized/);
      // The last sector of 64 MiB, and none behind it.
      await play(console('sized'), [
        ['guest> ', 'disk 131071\n'],
        ['guest> ', 'disk 131072\n'],
        ['sectors 0 to 131071', '\u001d'],
      ]);
    });
  });

  it('virt-manager lists a domain, and types into its serial console', async function () {
    for (const [command, debian] of [
      ['virt-manager', 'virt-manager'],
      ['xvfb-run', 'xvfb'],
      ['xdotool', 'xdotool'],
      ['import', 'imagemagick'],
    ] as const) {
      needTool(this, command, debian);
    }
    await define('windowed');
    await virsh('start', 'windowed');
    const home = join(bench.directory, 'home');
    mkdirSync(home, { mode: 0o700 });
    const log = join(home, 'log');
    const shot = (name: string) => join(home, `${name}.png`);
    // The first window lists domains, the second has the console: its user looks around, then switches the guest off.
    const script = `
set -u
seen() { for _ in $(seq 300); do grep -q "$1" ${log} && return; sleep 0.1; done; echo "never: $1"; exit 1; }
stop() { kill $1; for _ in $(seq 100); do kill -0 $1 2>&- || break; sleep 0.1; done; kill -9 $1 2>&-; wait $1; }
virt-manager --connect "$1" --no-fork --debug >>${log} 2>&1 & manager=$!
seen "domain=windowed status=Running added"
sleep 1
import -window root ${shot('manager')}
stop $manager
virt-manager --connect "$1" --show-domain-console windowed --no-fork --debug >>${log} 2>&1 & manager=$!
seen "Opening console stream"
for _ in $(seq 300); do window=$(xdotool search --name 'windowed on' | head -1); [ -n "$window" ] && break; sleep 0.1; done
# What is typed before the window takes it is lost; then it is typed again.
line() { xdotool mousemove 400 400 click 1; xdotool windowfocus "$window"; sleep 0.3; xdotool type --delay 30 "$1"; xdotool key Return; }
sleep 1
line 'echo hello from virt-manager'
sleep 1
import -window root ${shot('console')}
for _ in $(seq 8); do
  line poweroff
  for _ in $(seq 40); do virsh -q -c "$1" domstate windowed | grep -q 'shut off' && break 2; sleep 0.1; done
done
stop $manager
exit 0
`;
    const env = { HOME: home, XDG_RUNTIME_DIR: home, GSETTINGS_BACKEND: 'memory', NO_AT_BRIDGE: '1' };
    const args = ['-a', '-s', '-screen 0 1024x768x24', 'bash', '-c', script, 'bash', bench.uri];
    const { code, out, err }: Ran = await run('xvfb-run', args, { env, timeout: 100_000 });
    const said = () => readFileSync(log, 'utf8').slice(-3000);
    assert.equal(code, 0, `${out}${err}${said()}`);
    assert.equal(await virsh('domstate', '--reason', 'windowed'), 'shut off (shutdown)', said());
    mkdirSync(artifacts, { recursive: true });
    for (const name of ['manager', 'console']) {
      assert.ok(existsSync(shot(name)), name);
      copyFileSync(shot(name), join(artifacts, `virt-manager-${name}.png`));
    }
  });
});
