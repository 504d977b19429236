import { strict as assert } from 'node:assert';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connect } from '../../../src/index.ts';
import { builtCommand } from '../../support/built.ts';
import { program } from '../../support/guest.ts';
import { needTool } from '../../support/need-tool.ts';
import { until } from '../../virt/backend-contract.ts';
import { domainXml, processesWith } from '../../virt/process/bench.ts';
import { DaemonBench, run } from './daemon-process.ts';

describe('nodevisor daemon', function () {
  this.timeout(60_000);
  let bench: DaemonBench;

  before(function () {
    needTool(this, 'virsh', 'libvirt-clients');
  });
  beforeEach(() => {
    bench = new DaemonBench();
  });
  afterEach(async () => {
    await bench.stop('SIGKILL');
    for (const pid of processesWith(bench.state)) process.kill(pid, 'SIGKILL');
    bench.remove();
  });

  const define = async (name: string, options: Parameters<typeof domainXml>[1] = {}) => {
    const file = join(bench.directory, `${name}.xml`);
    writeFileSync(file, domainXml(name, options));
    assert.equal((await bench.virsh('define', file)).err, '');
  };
  /** A kernel that waits for a break on the serial line, and then switches off. */
  const obedient = () => {
    const path = join(bench.directory, 'obedient.elf');
    const source = `
  li t0, UART
1: lbu t1, 5(t0)
  andi t1, t1, 0x10
  beqz t1, 1b
  j power_off`;
    writeFileSync(path, program(source, 0x8020_0000).bytes);
    return { os: `<kernel>${path}</kernel>`, top: '<on_poweroff>restart</on_poweroff>' };
  };
  const messages = () => bench.log.map(({ msg }) => msg).join('\n');

  it('has private sockets, and leaves nothing when it is told to stop', async () => {
    assert.equal(await bench.start(), 'ready');
    assert.equal(statSync(bench.state).mode & 0o777, 0o700);
    assert.equal(statSync(join(bench.state, 'run')).mode & 0o777, 0o700);
    assert.equal(statSync(join(bench.directory, 'run')).mode & 0o777, 0o700);
    for (const path of [bench.socket, `${bench.socket}-ro`]) assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.match((await bench.virsh('version')).out, /Running hypervisor: QEMU/);
    assert.equal(await bench.stop('SIGTERM'), 0);
    assert.deepEqual(readdirSync(join(bench.directory, 'run')), []);
    assert.deepEqual(readdirSync(join(bench.state, 'run')), []);
    assert.deepEqual(processesWith(bench.state), []);
  });

  it('opens its sockets to a group, and the one for reading only to others, where that is asked for', async () => {
    const gid = process.getgid?.() ?? 0;
    assert.equal(await bench.start(['--group', String(gid), '--read-only-mode', '0666']), 'ready');
    assert.equal(statSync(bench.socket).mode & 0o777, 0o660);
    assert.equal(statSync(bench.socket).gid, gid);
    assert.equal(statSync(`${bench.socket}-ro`).mode & 0o777, 0o666);
    const made = statSync(join(bench.directory, 'run'));
    assert.deepEqual([made.mode & 0o777, made.gid], [0o711, gid], 'they get through to the sockets');
    await bench.stop();
    rmdirSync(join(bench.directory, 'run'));
    assert.equal(await bench.start(['--group', String(gid)]), 'ready');
    assert.equal(statSync(join(bench.directory, 'run')).mode & 0o777, 0o710);
    await bench.stop();
    assert.equal(await bench.start(['--group', 'nobody-has-such-a-group']), 2);
    assert.match(messages(), /there is no group/);
  });

  it('reads to a client of its read-only socket, and does nothing else for it', async () => {
    assert.equal(await bench.start(), 'ready');
    await define('one');
    await bench.virsh('start', 'one');
    const uri = `nodevisor:///session?socket=${bench.socket}-ro`;
    const reading = (...args: string[]) => run('virsh', ['-q', '-c', uri, ...args]);
    for (const args of [['list', '--all'], ['dominfo', 'one'], ['dumpxml', 'one'], ['domstats'], ['net-list']]) {
      assert.equal((await reading(...args)).err, '', args.join(' '));
    }
    const file = join(bench.directory, 'one.xml');
    for (const args of [
      ['define', file],
      ['destroy', 'one'],
      ['suspend', 'one'],
      ['undefine', 'one'],
      ['autostart', 'one'],
      ['dumpxml', 'one', '--security-info'],
      ['pool-create-as', 'p', 'dir', '--target', bench.directory],
    ]) {
      const { code, err } = await reading(...args);
      assert.equal(code, 1, args.join(' '));
      assert.match(err, /read only access|forbidden|read-only/i, args.join(' '));
    }
    assert.match((await bench.virsh('domstate', 'one')).out, /running/);
  });

  it('is alone on its state directory and on its socket', async () => {
    assert.equal(await bench.start(), 'ready');
    await define('one');
    const second = new DaemonBench();
    const other = join(second.directory, 'other');
    const node = (state: string, socket: string) =>
      run(process.execPath, [builtCommand(), 'daemon', '--state', state, '--listen', `unix:${socket}`]);
    const taken = await node(bench.state, join(second.directory, 'sock'));
    assert.equal(taken.code, 1);
    assert.match(taken.err, /state directory '.*' is in use by another process/);
    const busy = await node(other, bench.socket);
    assert.equal(busy.code, 1);
    assert.match(busy.err, /another daemon listens on/);
    writeFileSync(join(second.directory, 'file'), 'precious');
    const file = await node(other, join(second.directory, 'file'));
    assert.match(file.err, /it is no socket/);
    assert.equal(statSync(join(second.directory, 'file')).size, 8);
    const foreign = createServer();
    await new Promise<void>((resolve) => foreign.listen(join(second.directory, 'foreign'), resolve));
    assert.match((await node(other, join(second.directory, 'foreign'))).err, /someone listens on/);
    foreign.close();
    assert.match((await bench.virsh('list', '--all')).out, /one/);
    second.remove();
  });

  it('takes the place of a dead daemon’s socket', async () => {
    assert.equal(await bench.start(), 'ready');
    await bench.stop('SIGKILL');
    assert.ok(existsSync(bench.socket));
    assert.equal(await bench.start(), 'ready');
    assert.equal((await bench.virsh('list')).code, 0);
  });

  it('asks guests to switch off when it is told to stop, and they stay off', async () => {
    assert.equal(await bench.start(), 'ready');
    await define('obedient', obedient());
    await bench.virsh('start', 'obedient');
    await bench.virsh('suspend', 'obedient');
    assert.equal(await bench.stop('SIGTERM'), 0);
    assert.match(messages(), /asking guests to switch off/);
    assert.doesNotMatch(messages(), /still run/);
    assert.deepEqual(processesWith(bench.state), []);
  });

  it('destroys guests that do not, when their time is up or it is told again', async () => {
    assert.equal(await bench.start(['--stop-timeout', '0.3']), 'ready');
    await define('deaf');
    await bench.virsh('start', 'deaf');
    const watching = await connect(bench.uri);
    const heard: string[] = [];
    watching.on('lifecycle', ({ name }, event, detail) => heard.push(`${name} ${event}/${detail}`));
    watching.on('close', (reason) => heard.push(`closed ${reason}`));
    assert.equal(await bench.stop('SIGTERM'), 0);
    await until(() => heard.length === 3, heard.join());
    assert.deepEqual(heard, ['deaf 6/2', 'deaf 5/1', 'closed 1']);
    assert.match(messages(), /guests still run and are destroyed/);
    assert.deepEqual(processesWith(bench.state), []);
    assert.equal(await bench.start(['--stop-timeout', '600']), 'ready');
    await bench.virsh('start', 'deaf');
    process.kill(bench.pid, 'SIGTERM');
    await until(() => messages().split('asking guests').length === 3, 'it has asked');
    assert.equal(await bench.stop('SIGTERM'), 0);
  });

  it('leaves guests running where that is wanted, and finds them again', async () => {
    assert.equal(await bench.start(['--on-stop', 'leave']), 'ready');
    await define('one');
    await bench.virsh('start', 'one');
    const id = (await bench.virsh('domid', 'one')).out;
    assert.equal(await bench.stop('SIGTERM'), 0);
    assert.equal(processesWith(bench.state).length, 1);
    assert.equal(await bench.start(['--on-stop', 'destroy']), 'ready');
    assert.match((await bench.virsh('domstate', 'one')).out, /running/);
    assert.equal((await bench.virsh('domid', 'one')).out, id);
    assert.equal(await bench.stop('SIGTERM'), 0);
    assert.deepEqual(processesWith(bench.state), []);
  });

  it('starts what starts by itself', async () => {
    assert.equal(await bench.start(), 'ready');
    await define('one');
    assert.equal((await bench.virsh('autostart', 'one')).code, 0);
    await bench.stop();
    assert.equal(await bench.start(), 'ready');
    assert.match((await bench.virsh('domstate', 'one')).out, /running/);
  });

  it('ends when it has been idle long enough, but not while a domain runs or a client is there', async () => {
    assert.equal(await bench.start(['--idle-timeout', '0.5']), 'ready');
    await define('one');
    await bench.virsh('start', 'one');
    await new Promise((resolve) => setTimeout(resolve, 900));
    assert.match((await bench.virsh('domstate', 'one')).out, /running/);
    await bench.virsh('destroy', 'one');
    assert.equal(await bench.exited(), 0);
    assert.ok(bench.log.some(({ msg, why }) => msg === 'stopping' && why === 'idle'));
  });

  it('listens on loopback addresses, and without TLS on no others', async () => {
    assert.equal(await bench.start(['--listen', 'tcp:127.0.0.1:0']), 'ready');
    const port = bench.log.find(({ msg }) => msg === 'listening')?.['port'];
    const listed = await run('virsh', ['-q', '-c', `nodevisor+tcp://127.0.0.1:${port}/session`, 'list', '--all']);
    assert.deepEqual([listed.code, listed.err], [0, '']);
    await bench.stop();
    assert.equal(await bench.start(['--listen', 'tcp:0.0.0.0:0']), 2);
    assert.match(messages(), /can only be on a loopback address/);
  });

  it('lets in over TLS whoever has a certificate of the authority, and is on the list', async function () {
    needTool(this, 'openssl', 'openssl');
    const pki = await makePki(bench.directory);
    const tls = ['--tls-ca', pki('cacert.pem'), '--tls-cert', pki('servercert.pem'), '--tls-key', pki('serverkey.pem')];
    const list = (port: unknown, directory: string) =>
      run('virsh', ['-q', '-c', `nodevisor+tls://localhost:${port}/session?pkipath=${directory}`, 'list', '--all']);
    const port = () => bench.log.findLast(({ msg }) => msg === 'listening')?.['port'];
    assert.equal(await bench.start(['--listen', 'tls:localhost:0', ...tls]), 'ready');
    const good = await list(port(), pki('good'));
    assert.deepEqual([good.code, good.err], [0, '']);
    // Libvirt's own client would not even show these.
    for (const [who, why] of [
      ['stranger', /^(UNABLE_TO|SELF_SIGNED)/],
      ['expired', /^CERT_HAS_EXPIRED$/],
      ['nobody', /^peer did not return a certificate$/],
    ] as const) {
      await assert.rejects(connect(`nodevisor+tls://localhost:${port()}/session?pkipath=${pki(who)}`), who);
      const refused = () => bench.log.findLast(({ msg }) => msg.startsWith('client refused'));
      await until(() => why.test(String(refused()?.['reason'])), `${who}: ${JSON.stringify(refused())}`);
    }
    assert.equal((await list(port(), pki('stranger'))).code, 1, 'a certificate of another authority');
    await bench.stop();
    assert.equal(await bench.start(['--listen', 'tls:localhost:0', ...tls, '--tls-client', 'somebody-else']), 'ready');
    assert.equal((await list(port(), pki('good'))).code, 1, 'not on the list');
    assert.match(messages(), /for nobody who may connect/);
    await bench.stop();
    assert.equal(await bench.start(['--listen', 'tls:localhost:0', '--tls-cert', '/nowhere']), 2);
  });

  it('takes its sockets from systemd', async function () {
    needTool(this, 'python3', 'python3');
    const directory = join(bench.directory, 'run');
    mkdirSync(directory);
    const child = run('python3', [
      '-c',
      `
import os, socket, sys
def bound(path):
    s = socket.socket(socket.AF_UNIX); s.bind(path); s.listen(); return s
a, b = bound(sys.argv[1]), bound(sys.argv[1] + '-ro')
fds = [os.dup(a.fileno()), os.dup(b.fileno())]
os.dup2(fds[0], 3); os.dup2(fds[1], 4)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='2', LISTEN_FDNAMES='nodevisor.socket:nodevisor-ro.socket')
os.set_inheritable(3, True); os.set_inheritable(4, True)
os.execv(sys.argv[2], sys.argv[2:])
`,
      bench.socket,
      process.execPath,
      builtCommand(),
      'daemon',
      '--state',
      bench.state,
      '--idle-timeout',
      '1',
    ]);
    await until(async () => (await bench.virsh('list')).code === 0, 'it answers');
    await define('one');
    const readOnly = await run('virsh', ['-c', `nodevisor:///session?socket=${bench.socket}-ro`, 'undefine', 'one']);
    assert.match(readOnly.err, /read only access/);
    assert.equal((await child).code, 0);
    assert.ok(existsSync(bench.socket), 'the socket is systemd’s');
  });

  it('says what is wrong with its options', async () => {
    for (const [args, message] of [
      [['--log-level', 'loud'], /none of debug, info, warn, error/],
      [['--on-stop', 'panic'], /none of shutdown, destroy, leave/],
      [['--listen', 'carrier-pigeon:home'], /no address to listen on/],
      [['--listen', 'unix:relative'], /begins with '\/'/],
      [['--stop-timeout', 'soon'], /no number of seconds/],
      [['--max-clients', '0'], /no number from 1/],
      [['--listen', `unix:/tmp/${'x'.repeat(100)}`], /longer than/],
    ] as const) {
      assert.equal(await bench.start(args), 2, args.join(' '));
      assert.match(messages(), message);
      bench.log.length = 0;
    }
  });
});

/** Certificates: an authority's, the server's, a client's in `good`; others that are no good, and `nobody`'s. */
async function makePki(directory: string): Promise<(name: string) => string> {
  const pki = join(directory, 'pki');
  const path = (name: string) => join(pki, name);
  for (const name of ['', 'good', 'stranger', 'expired', 'nobody', 'other']) mkdirSync(path(name));
  const openssl = async (...args: string[]) => {
    const { code, err } = await run('openssl', args);
    assert.equal(code, 0, err);
  };
  const authority = (cert: string, key: string) =>
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=test authority',
      '-keyout',
      key,
      '-out',
      cert,
    );
  const sign = async (name: string, cert: string, key: string, ca: string, caKey: string, days = '2') => {
    const extensions = path('extensions');
    writeFileSync(extensions, 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n');
    await openssl(
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      key,
      '-out',
      path('request'),
    );
    await openssl(
      'x509',
      '-req',
      '-days',
      days,
      '-in',
      path('request'),
      '-CA',
      ca,
      '-CAkey',
      caKey,
      '-CAcreateserial',
      '-extfile',
      extensions,
      '-out',
      cert,
    );
  };
  await authority(path('cacert.pem'), path('cakey.pem'));
  await authority(path('other/cacert.pem'), path('other/cakey.pem'));
  await sign('localhost', path('servercert.pem'), path('serverkey.pem'), path('cacert.pem'), path('cakey.pem'));
  copyFileSync(path('cacert.pem'), path('nobody/cacert.pem'));
  for (const [who, ca, days] of [
    ['good', '', '2'],
    ['stranger', 'other/', '2'],
    ['expired', '', '-1'],
  ] as const) {
    await sign(
      'alice',
      path(`${who}/clientcert.pem`),
      path(`${who}/clientkey.pem`),
      path(`${ca}cacert.pem`),
      path(`${ca}cakey.pem`),
      days,
    );
    copyFileSync(path('cacert.pem'), path(`${who}/cacert.pem`));
  }
  return path;
}
