import { strict as assert } from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostTimers } from '../../src/drivers/host-timers.ts';
import type { NetOptions } from '../../src/index.ts';
import { UserNet, type UserNetOptions } from '../../src/machine/index.ts';
import { HostClock, SeededRandom, silentLogger } from '../../src/util/index.ts';
import { LossyNet } from '../support/lossy-net.ts';
import { needTool } from '../support/need-tool.ts';
import { debianPackages } from './debian-packages.ts';
import { boot, type DebianImage, debianImage, type Session } from './support.ts';

const MIB = 2 ** 20;
const FULL = Boolean(process.env['NODEVISOR_TEST_FULL']);
const SECONDS = FULL ? 10 : 2;
const SEED = Number(process.env['NODEVISOR_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const sha1 = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest('hex');

describe('boot: traffic of Debian with its host', function () {
  this.timeout(600_000);
  const closers: (() => unknown)[] = [];
  let image: DebianImage;
  let session: Session;

  before(async function () {
    image = await debianImage(this);
    const packages = await debianPackages(this, 'iperf3', 'curl');
    const plain = readFileSync(image.initrd);
    const initrd = Buffer.concat([plain, Buffer.alloc((4 - (plain.length % 4)) % 4), packages]);
    session = await guest(initrd, { type: 'user', hostLoopback: true, hostname: 'boxy' });
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  after(() => session?.machine.destroy());

  async function guest(initrd: string | Uint8Array, net: NetOptions): Promise<Session> {
    const append = `${image.append} quiet`;
    const started = await boot({ kernel: image.kernel, initrd, append, memory: '512M', nets: [net] });
    await started.expect('# ');
    return started;
  }

  /** Runs a command in the guest; what it printed. */
  async function run(command: string, on = session): Promise<string> {
    on.type(`${command}; echo en""d=$?`);
    return on.expect(/en""d[\s\S]*?end=\d+\r\n/);
  }

  async function serve(onSocket: (socket: Socket) => void): Promise<number> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      onSocket(socket);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => server.close());
    return (server.address() as AddressInfo).port;
  }

  async function webServer(contents: Uint8Array, host: string): Promise<number> {
    const server = createHttp((request, response) => {
      const hash = createHash('sha1');
      request.on('data', (data) => hash.update(data));
      request.on('end', () => response.end(request.method === 'GET' ? contents : `${hash.digest('hex')}\n`));
    }).listen(0, host);
    await once(server, 'listening');
    closers.push(() => server.close());
    return (server.address() as AddressInfo).port;
  }

  async function iperfServer(): Promise<number> {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    socket.close();
    const child: ChildProcess = spawn('iperf3', ['-s', '-p', String(port), '--forceflush'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    closers.push(() => child.kill('SIGKILL'));
    await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data');
    return port;
  }

  it('flows both ways by iperf3, in one stream and in eight, and in large datagrams', async function () {
    needTool(this, 'iperf3', 'iperf3');
    const port = await iperfServer();
    for (const way of ['', '-R', '-P 8', '-P 8 -R', '-u -b 20M -l 9000', '-u -b 20M -l 9000 -R']) {
      const text = await run(
        `iperf3 -c 10.0.2.2 -p ${port} -t ${SECONDS} ${way} | grep -e receiver -e error; iperf3 -v | head -1`,
      );
      assert.match(text, /end=0/, `${way}: ${text}`);
      const [, rate] = /([\d.]+) [MG]bits\/sec[^\n]*receiver/.exec(text) ?? [];
      assert.ok(Number(rate) > 0, `${way}: ${text}`);
    }
  });

  it('carries files by curl and wget whole, over IPv4 and IPv6', async () => {
    const contents = randomBytes((FULL ? 64 : 16) * MIB + 1234);
    const hash = new RegExp(sha1(contents));
    const [port, port6] = [await webServer(contents, '127.0.0.1'), await webServer(contents, '::1')];
    assert.match(await run(`curl -sS -o /tmp/f http://10.0.2.2:${port}/ && sha1sum /tmp/f`), hash);
    assert.match(await run(`curl -sS -T /tmp/f http://10.0.2.2:${port}/up`), hash);
    await run('until ip -6 route | grep -q default; do sleep 1; done');
    assert.match(await run(`curl -sS -g http://[fec0::2]:${port6}/ | sha1sum`), hash);
    assert.match(await run(`curl -sS -g -T /tmp/f http://[fec0::2]:${port6}/up`), hash);
    assert.match(await run(`wget -q -O - http://10.0.2.2:${port}/ | sha1sum; rm /tmp/f`), hash);
  });

  it('goes on in one direction when the other has ended, and tells a reset from an end', async () => {
    const answering = await serve((socket) => {
      const hash = createHash('sha1');
      socket.on('data', (data) => hash.update(data));
      socket.on('end', () => setTimeout(() => socket.end(`${hash.digest('hex')}\n`), 500));
    });
    const sent = await run(
      `dd if=/dev/urandom of=/tmp/f bs=1M count=4 2>/dev/null; sha1sum /tmp/f; nc 10.0.2.2 ${answering} </tmp/f`,
    );
    const [own, heard] = sent.match(/[0-9a-f]{40}/g) ?? [];
    assert.ok(own !== undefined && own === heard, sent);
    const resetting = await serve((socket) => {
      socket.once('data', () =>
        socket.write('HTTP/1.0 200 OK\r\nContent-Length: 1000\r\n\r\nhalf', () => socket.resetAndDestroy()),
      );
    });
    const text = await run(`curl -sS http://10.0.2.2:${resetting}/`);
    // 56: failed to receive. An orderly end would be 18, a partial file.
    assert.match(text, /reset by peer[\s\S]*end=56/);
    assert.match(await run('curl -sS http://10.0.2.2:1/'), /end=7/);
  });

  it('holds back whoever sends to a reader that has stalled, and loses nothing', async () => {
    const contents = randomBytes(24 * MIB);
    let written = 0;
    const sending = await serve((socket) => {
      for (let at = 0; at < contents.length; at += MIB) {
        socket.write(contents.subarray(at, at + MIB), () => {
          written += MIB;
        });
      }
      socket.end();
    });
    const slow = run(`nc 10.0.2.2 ${sending} </dev/null | (sleep 6; sha1sum)`);
    await sleep(2000);
    assert.ok(written < contents.length - 4 * MIB, `${written} bytes went to a guest that did not read`);
    assert.match(await slow, new RegExp(sha1(contents)));
    let got = 0;
    const hash = createHash('sha1');
    const taking = await serve((socket) => {
      socket.pause();
      socket.on('data', (data) => {
        got += data.length;
        hash.update(data);
      });
      socket.on('end', () => socket.end());
      setTimeout(() => socket.resume(), 3000);
    });
    const text = await run(
      `dd if=/dev/urandom of=/tmp/f bs=1M count=24 2>/dev/null; sha1sum /tmp/f; nc 10.0.2.2 ${taking} </tmp/f; rm /tmp/f`,
    );
    assert.equal(got, 24 * MIB);
    assert.match(text, new RegExp(hash.digest('hex')));
  });

  it('answers pings that are larger than a frame', async () => {
    assert.match(await run('ping -c 3 -s 20000 10.0.2.2'), /3 packets received/);
    assert.match(await run('ping -6 -c 3 -s 20000 fec0::2'), /3 packets received/);
  });

  it('reaches its host through passt', async function () {
    needTool(this, 'passt', 'passt');
    const contents = randomBytes(8 * MIB);
    const port = await webServer(contents, '127.0.0.1');
    const behind = await guest(image.initrd, { type: 'passt' });
    closers.push(() => behind.machine.destroy());
    // The router's address stands for the host's own loopback.
    const fetch = `wget -q -O - http://$(ip route | sed -n 's/^default via \\([^ ]*\\).*/\\1/p'):${port}/ | sha1sum`;
    assert.match(await run(fetch, behind), new RegExp(sha1(contents)));
  });

  it('looks names up in the network and beyond it', async () => {
    const server = createSocket('udp4');
    closers.push(() => server.close());
    server.on('message', (query, { port, address }) => {
      const answer = Buffer.concat([query, Buffer.from('c00c00010001000000780004c0000207', 'hex')]);
      answer.writeUInt16BE(0x8180, 2);
      answer.writeUInt16BE(query.readUInt16BE(query.length - 4) === 1 ? 1 : 0, 6);
      server.send(answer.readUInt16BE(6) === 1 ? answer : answer.subarray(0, query.length), port, address);
    });
    server.bind(0, '127.0.0.1');
    await once(server, 'listening');
    const upstream = { host: '127.0.0.1', port: server.address().port };
    const names = new Map([['boxy', [Uint8Array.of(10, 0, 2, 15)]]]);
    const net = await userNet({ domain: 'test', names, dnsServers: [upstream] });
    const named = await guest(image.initrd, { backend: net.backend() });
    closers.push(() => named.machine.destroy());
    assert.match(await run('nslookup -type=a example.org', named), /192\.0\.2\.7/);
    assert.match(await run('nslookup -type=a boxy.test', named), /10\.0\.2\.15/);
  });

  it(`loses and changes no byte on a wire that loses and reorders frames (seed ${SEED})`, async () => {
    const bytes = (FULL ? 32 : 4) * MIB;
    const contents = randomBytes(bytes);
    const port = await webServer(contents, '127.0.0.1');
    const net = await userNet({ hostLoopback: true });
    const cable = new LossyNet(net.backend(), new SeededRandom(SEED), { loss: 20, double: 5, late: 50 });
    const lossy = await guest(image.initrd, { backend: cable });
    closers.push(() => lossy.machine.destroy());
    // The guest may have asked for an address in vain.
    await run(
      'until ip -4 addr show eth0 | grep -q inet; do udhcpc -i eth0 -q -n -s /etc/udhcpc/default.script; done',
      lossy,
    );
    const hash = new RegExp(sha1(contents));
    assert.match(await run(`wget -q -O /tmp/f http://10.0.2.2:${port}/; sha1sum /tmp/f`, lossy), hash);
    const received: Promise<string> = new Promise((resolve) => {
      void serve((socket) => {
        const taken = createHash('sha1');
        socket.on('data', (data) => taken.update(data));
        socket.on('end', () => {
          socket.end();
          resolve(taken.digest('hex'));
        });
      }).then((to) => run(`nc 10.0.2.2 ${to} </tmp/f`, lossy));
    });
    assert.equal(await received, sha1(contents));
    assert.ok(
      cable.lost > bytes / 1500 / 60 && cable.overtaken > bytes / 1500 / 30,
      `${cable.lost} ${cable.overtaken}`,
    );
  });

  function userNet(options: UserNetOptions): Promise<UserNet> {
    const host = { clock: new HostClock(), timers: hostTimers, random: new SeededRandom(SEED), logger: silentLogger };
    return UserNet.open(options, host);
  }
});
