import { strict as assert } from 'node:assert';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtCommand } from '../../support/built.ts';
import { until } from '../../virt/backend-contract.ts';
import { domainXml, processesWith } from '../../virt/process/bench.ts';
import { run } from './daemon-process.ts';

describe('nodevisor:///session', function () {
  this.timeout(60_000);
  let directory: string;
  let env: Record<string, string>;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'nodevisor-session-'));
    env = { XDG_STATE_HOME: join(directory, 'state'), XDG_RUNTIME_DIR: join(directory, 'run') };
  });
  afterEach(async () => {
    for (const pid of processesWith(directory)) process.kill(pid, 'SIGKILL');
    await until(() => processesWith(directory).length === 0, 'all have ended');
    rmSync(directory, { recursive: true });
  });

  /** Without a URI this is where commands go. */
  const nodevisor = (...args: string[]) =>
    run(process.execPath, [builtCommand(), ...args], { env: { ...env, NODEVISOR_URI: '', LIBVIRT_DEFAULT_URI: '' } });
  /** Their standard error is a log beside the socket, or in the state directory. */
  const daemons = () => processesWith(join(directory, 'run'));

  it('starts one daemon, however many want it at the same time, and finds it again', async () => {
    const file = join(directory, 'one.xml');
    writeFileSync(file, domainXml('one'));
    const all = await Promise.all([1, 2, 3, 4].map(() => nodevisor('list', '--all')));
    for (const { code, err } of all) assert.deepEqual([code, err], [0, '']);
    await until(() => daemons().length === 1, 'the others have found it and ended');
    const [pid] = daemons();
    assert.equal((await nodevisor('uri')).out, 'nodevisor:///session\n\n');
    assert.equal((await nodevisor('define', file)).err, '');
    assert.equal((await nodevisor('start', 'one')).err, '');
    assert.match((await nodevisor('list')).out, /one +running/);
    assert.deepEqual(daemons(), [pid]);
    assert.ok(readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('--idle-timeout\x00120\x00'));
    // Killed, it is started anew by whoever wants it next, and the machine is there.
    process.kill(pid ?? 0, 'SIGKILL');
    await until(() => daemons().length === 0, 'it has gone');
    assert.match((await nodevisor('list')).out, /one +running/);
    assert.equal((await nodevisor('destroy', 'one')).err, '');
    assert.equal(daemons().length, 1);
    assert.deepEqual(readdirSync(join(directory, 'state', 'nodevisor', 'domains')).length, 1);
  });

  it('has networks that a machine outside of it can be plugged into', async () => {
    const { code, out, err } = await nodevisor('run', '--net', 'network=default');
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /tour/);
    assert.equal((await nodevisor('net-destroy', 'default')).err, '');
    const stopped = await nodevisor('run', '--net', 'network=default');
    assert.deepEqual([stopped.code, stopped.out], [2, '']);
    assert.match(stopped.err, /network=default: the network is not active/);
    const unknown = await nodevisor('run', '--net', 'network=none');
    assert.equal(unknown.code, 2);
    assert.match(unknown.err, /has no such network/);
  });

  it('captures what passes an interface of a machine in another process, until time is over or it ends', async () => {
    const file = join(directory, 'net.xml');
    const frames = join(directory, 'frames.pcapng');
    writeFileSync(file, domainXml('wired', { devices: "<interface type='user'><model type='virtio'/></interface>" }));
    assert.equal((await nodevisor('create', file)).err, '');
    const timed = await nodevisor('net-capture', 'wired', '--file', frames, '--duration', '1');
    assert.deepEqual([timed.code, timed.out, timed.err], [0, '0 packets captured\n\n', '']);
    const header = readFileSync(frames);
    assert.deepEqual([header.readUInt32LE(0), header.readUInt32LE(header.readUInt32LE(4))], [0x0a0d0d0a, 1]);
    assert.ok(header.includes('net0'));
    const piped = nodevisor('net-capture', 'wired');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal((await nodevisor('destroy', 'wired')).err, '');
    const { code, out, err } = await piped;
    assert.deepEqual([code, err], [0, '0 packets captured\n']);
    assert.equal(Buffer.byteLength(out, 'latin1') > 0 && out.endsWith('\n'), false, 'nothing is behind the blocks');
    assert.match((await nodevisor('net-capture', 'wired')).err, /^error: failed to get domain 'wired'/);
  });
});
