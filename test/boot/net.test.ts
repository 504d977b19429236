import { strict as assert } from 'node:assert';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NetOptions } from '../../src/index.ts';
import { EtherSwitch, StreamNet } from '../../src/machine/index.ts';
import { forEachBackend } from '../support/backends.ts';
import { needTool } from '../support/need-tool.ts';
import { startQemu } from './qemu-guest.ts';
import { boot, type DebianImage, debianImage, type Session } from './support.ts';

/** What is carried; less where the guest is slow. */
const BYTES = { native: 8 * 2 ** 20, interpreter: 2 ** 18, wasm: 2 ** 20 } as const;
const sha1 = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest('hex');

describe('boot: Debian on a network', function () {
  this.timeout(600_000);
  const closers: (() => unknown)[] = [];
  let image: DebianImage;
  let directory: string;

  before(async function () {
    image = await debianImage(this);
    directory = mkdtempSync(join(tmpdir(), 'nodevisor-net-'));
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  after(() => {
    if (directory !== undefined) rmSync(directory, { recursive: true });
  });

  const guest = (...nets: NetOptions[]): Promise<Session> => guestWith({ nets });

  async function guestWith(options: Partial<Parameters<typeof boot>[0]>): Promise<Session> {
    const session = await boot({ ...image, append: `${image.append} quiet`, memory: '256M', ...options });
    closers.push(() => session.machine.destroy());
    await session.expect('# ');
    return session;
  }

  /** Runs a command in the guest; what it printed. */
  async function run(session: Session, command: string): Promise<string> {
    session.type(`${command}; echo en""d=$?`);
    return session.expect(/en""d[\s\S]*?end=\d+\r\n/);
  }

  async function webServer(contents: Uint8Array, host: string): Promise<number> {
    const server = createHttp((_, response) => response.end(contents)).listen(0, host);
    await once(server, 'listening');
    closers.push(() => server.close());
    return (server.address() as AddressInfo).port;
  }

  forEachBackend((cpuBackend) => {
    it(`gets an address and a name server, and fetches and sends files whole, on ${cpuBackend}`, async () => {
      const bytes = BYTES[cpuBackend];
      let upload: Promise<number> | undefined;
      const contents = randomBytes(bytes);
      const http = await webServer(contents, '127.0.0.1');
      const http6 = await webServer(contents, '::1');
      const received: Promise<string> = new Promise((resolve) => {
        const server = createServer((socket) => {
          const hash = createHash('sha1');
          socket.on('data', (data) => hash.update(data));
          socket.on('end', () => resolve(hash.digest('hex')));
        }).listen(0, '127.0.0.1');
        closers.push(() => server.close());
        upload = once(server, 'listening').then(() => (server.address() as AddressInfo).port);
      });
      const capture = join(directory, 'frames.pcapng');
      const session = await guestWith({
        cpuBackend,
        nets: [{ type: 'user', hostLoopback: true, hostname: 'boxy', capture }],
      });
      assert.match(await run(session, 'hostname; ip addr show eth0'), /boxy[\s\S]*10\.0\.2\.15\/24/);
      assert.match(await run(session, 'cat /etc/resolv.conf'), /nameserver 10\.0\.2\.3/);
      assert.match(
        await run(session, `wget -q -O /tmp/f http://10.0.2.2:${http}/; sha1sum /tmp/f`),
        new RegExp(sha1(contents)),
      );
      await run(session, `nc 10.0.2.2 ${await upload} < /tmp/f`);
      assert.equal(await received, sha1(contents));
      assert.match(await run(session, 'ping -c 2 10.0.2.2'), /2 packets transmitted, 2 packets received/);
      await run(session, 'until ip -6 route | grep -q default; do sleep 1; done');
      assert.match(await run(session, `wget -q -O - http://[fec0::2]:${http6}/ | sha1sum`), new RegExp(sha1(contents)));
      assert.match(await run(session, 'wget -T 5 -O - http://127.0.0.2:1/ http://169.254.169.254/'), /end=1/);
      const [counts] = session.machine.nets.map((net) => net.counts);
      assert.ok(counts !== undefined && counts.rxBytes > 2 * bytes && counts.txBytes > bytes);
      await session.machine.destroy();
      assert.equal(readFileSync(capture).readUInt32LE(0), 0x0a0d0d0a);
    });
  });

  it('serves through a forwarded port, one connection after the other', async () => {
    const port = await freePort();
    const session = await guest({ type: 'user', forwards: [{ hostPort: port, guestPort: 7 }] });
    // It has room for one waiting connection: more at a time the guest would refuse.
    await run(session, 'nc -ll -p 7 -e cat & sleep 1');
    const echo = async (bytes: Buffer) => {
      const socket = connect(port, '127.0.0.1');
      socket.end(bytes);
      const got: Buffer[] = [];
      for await (const data of socket) got.push(data as Buffer);
      return Buffer.concat(got).equals(bytes);
    };
    for (let i = 0; i < 20; i++) assert.ok(await echo(randomBytes(1 + i * 20_000)), `connection ${i}`);
  });

  it('sends from each vCPU by a pair of queues of its own, takes another address, and may hear all', async () => {
    const contents = randomBytes(2 ** 20);
    const http = await webServer(contents, '127.0.0.1');
    const session = await guestWith({ vcpus: 2, nets: [{ type: 'user', hostLoopback: true, queues: 2 }] });
    assert.match(await run(session, 'ls /sys/class/net/eth0/queues'), /rx-0 +rx-1 +tx-0 +tx-1/);
    const fetch = `wget -q -O - http://10.0.2.2:${http}/ | sha1sum`;
    const both = await run(session, `for cpu in 1 2; do (taskset $cpu sh -c '${fetch}') & done; wait`);
    assert.equal(both.split(sha1(contents)).length - 1, 2, both);
    await run(session, 'ip link set eth0 address 52:54:00:12:34:99; ip link set eth0 promisc on');
    assert.match(await run(session, fetch), new RegExp(sha1(contents)));
    assert.match(
      await run(session, 'dmesg | grep -cE "(eth0|virtio_net).*Failed to"'),
      /^\D*0\D*end=/m,
      'the device refused a command',
    );
    const [nic] = session.machine.nets;
    assert.ok(nic !== undefined && nic.counts.txErrors === 0);
  });

  it('reaches nothing but what is allowed when it is restricted', async () => {
    const [open, closed] = [
      await webServer(Buffer.from('yes'), '127.0.0.1'),
      await webServer(Buffer.from('no'), '127.0.0.1'),
    ];
    const session = await guest({ type: 'user', hostLoopback: true, restrict: [`10.0.2.2:${open}`] });
    assert.match(await run(session, `wget -T 5 -q -O - http://10.0.2.2:${open}/`), /yes/);
    assert.match(await run(session, `wget -T 5 -O - http://10.0.2.2:${closed}/`), /refused[\s\S]*end=1/);
    assert.match(await run(session, 'nslookup example.org 10.0.2.3'), /end=1/);
  });

  it('is on one switch with another guest of ours and with one of a real QEMU', async function () {
    needTool(this, 'qemu-system-riscv64', 'qemu-system-misc');
    const ether = new EtherSwitch();
    const path = join(directory, 'switch');
    const cable = await StreamNet.open({ address: { path }, server: true });
    closers.push(ether.bridge(cable));
    const qemu = startQemu(image, path);
    closers.push(() => qemu.process.kill('SIGKILL'));
    const first = await guest({ backend: ether.plug() });
    const second = await guest({ backend: ether.plug() });
    await run(first, 'ip addr add 10.9.0.1/24 dev eth0');
    await run(second, 'ip addr add 10.9.0.2/24 dev eth0');
    await qemu.expect('# ');
    qemu.type('ip addr add 10.9.0.3/24 dev eth0');
    await qemu.expect('# ');
    writeFileSync(join(directory, 'x'), '');
    assert.match(await run(first, 'ping -c 3 10.9.0.2'), /3 packets received/);
    assert.match(await run(first, 'ping -c 3 10.9.0.3'), /3 packets received/);
    assert.match(await run(second, 'ping -c 3 10.9.0.3'), /3 packets received/);
    qemu.type('nc -l -p 99 | sha1sum');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const sent = await run(
      first,
      'dd if=/dev/urandom of=/tmp/f bs=1M count=4 2>/dev/null; sha1sum /tmp/f; nc 10.9.0.3 99 < /tmp/f',
    );
    const hash = /[0-9a-f]{40}/.exec(sent)?.[0];
    assert.ok(hash !== undefined && (await qemu.expect(/[0-9a-f]{40}/)).includes(hash));
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
