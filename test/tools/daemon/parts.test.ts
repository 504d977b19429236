import { strict as assert } from 'node:assert';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { formatAddress, parseAddress } from '../../../src/tools/daemon/address.ts';
import { openLog } from '../../../src/tools/daemon/log.ts';
import { passedSockets } from '../../../src/tools/daemon/systemd.ts';
import { groupId, listenOnUnix } from '../../../src/tools/daemon/unix-socket.ts';
import { sessionPaths } from '../../../src/virt/index.ts';

describe('addresses to listen on', () => {
  it('are read and written', () => {
    for (const text of ['unix:/run/x', 'tcp:127.0.0.1:1', 'tcp:[::1]:2', 'tls:[::]:3', 'tls:host.example:4']) {
      assert.equal(formatAddress(parseAddress(text)), text);
    }
    assert.deepEqual(parseAddress('tcp:localhost'), { kind: 'tcp', host: 'localhost', port: 16509 });
    assert.deepEqual(parseAddress('tls:0.0.0.0'), { kind: 'tls', host: '0.0.0.0', port: 16514 });
  });

  it('are refused when they are none, or open to others without TLS', () => {
    for (const text of [
      '',
      'unix:',
      'unix:x',
      'udp:127.0.0.1:1',
      'tcp:',
      'tcp:127.0.0.1:99999',
      'tcp:127.0.0.1:1:2',
      'tcp:0.0.0.0:1',
      'tcp:192.168.0.1:1',
      'tcp:example.com:1',
      'tcp:[::]:1',
      'tcp:[::ffff:10.0.0.1]:1',
      'tcp:::1',
    ]) {
      assert.throws(() => parseAddress(text), { code: 'INVALID_ARG' }, text);
    }
  });
});

describe('places of a user’s daemon', () => {
  it('follow the XDG directories', () => {
    assert.deepEqual(sessionPaths({ XDG_STATE_HOME: '/s', XDG_RUNTIME_DIR: '/r' }), {
      state: '/s/nodevisor',
      socket: '/r/nodevisor/nodevisor-sock',
    });
    const { state, socket } = sessionPaths({ XDG_STATE_HOME: 's', XDG_CACHE_HOME: '/c' });
    assert.ok(state.endsWith('/.local/state/nodevisor'));
    assert.equal(socket, '/c/nodevisor/nodevisor-sock');
  });
});

describe('log of the daemon', () => {
  const collect = () => {
    const stream = new PassThrough();
    return { stream, text: () => String(stream.read() ?? '') };
  };

  it('is one line for each event, whatever is in it', () => {
    const { stream, text } = collect();
    const log = openLog({ level: 'info', format: 'text', stream });
    log.log('debug', 'not to be seen');
    log.log('warn', 'two\nlines \u001b[31m', { name: 'a b', count: 3, list: [1], odd: 'x\u0007' });
    const line = text();
    assert.match(line, /^\S+Z warn {2}two\\nlines \\u001b\[31m pid=\d+ name="a b" count=3 list=\[1\] odd=x\\u0007\n$/);
  });

  it('is JSON where that is asked for', () => {
    const { stream, text } = collect();
    openLog({ level: 'debug', format: 'json', stream }).log('debug', 'hello', { client: 1 });
    const { level, msg, client, pid } = JSON.parse(text());
    assert.deepEqual([level, msg, client, pid], [20, 'hello', 1, process.pid]);
  });

  it('goes on in a new file when the old one was moved away', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'nodevisor-log-'));
    const file = join(directory, 'log');
    const log = openLog({ level: 'info', format: 'json', file, stream: new PassThrough() });
    log.log('info', 'first');
    await new Promise((resolve) => setTimeout(resolve, 50));
    renameSync(file, `${file}.1`);
    log.reopen();
    log.log('info', 'second');
    await log.close();
    assert.match(readFileSync(`${file}.1`, 'utf8'), /first/);
    assert.match(readFileSync(file, 'utf8'), /second/);
    rmSync(directory, { recursive: true });
  });
});

describe('sockets from systemd', () => {
  it('are this process’s own, and for reading only by their names', () => {
    const env = { LISTEN_PID: '7', LISTEN_FDS: '3', LISTEN_FDNAMES: 'nodevisor.socket:nodevisor-ro.socket' };
    assert.deepEqual(passedSockets(env, 7), [
      { fd: 3, readOnly: false },
      { fd: 4, readOnly: true },
      { fd: 5, readOnly: false },
    ]);
    assert.deepEqual(passedSockets(env, 8), []);
    assert.deepEqual(passedSockets({ LISTEN_PID: '7', LISTEN_FDS: '-1' }, 7), []);
    assert.deepEqual(passedSockets({}, 7), []);
  });
});

describe('unix sockets', () => {
  const directory = mkdtempSync(join(tmpdir(), 'nodevisor-test-'));
  after(() => rmSync(directory, { recursive: true }));

  it('leave nothing behind, not even of a daemon that died while it made one', async () => {
    const dead = createServer();
    await new Promise<void>((resolve) => dead.listen(join(directory, 'dead'), resolve));
    renameSync(join(directory, 'dead'), join(directory, 'sock.new'));
    await new Promise((resolve) => dead.close(resolve));
    assert.deepEqual(readdirSync(directory), ['sock.new']);
    const access = { mode: 0o600, directoryMode: 0o700 };
    const stop = await listenOnUnix(createServer(), join(directory, 'sock'), access);
    try {
      assert.deepEqual(readdirSync(directory), ['sock', 'sock.lock']);
    } finally {
      await stop();
    }
    assert.deepEqual(readdirSync(directory), []);
  });
});

describe('groups', () => {
  it('are found by name and by number', () => {
    assert.equal(groupId('1234'), 1234);
    assert.equal(groupId('root'), 0);
    assert.throws(() => groupId('nobody-has-such-a-group'), { code: 'INVALID_ARG' });
  });
});
