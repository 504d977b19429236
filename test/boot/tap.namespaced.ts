/** Run by tap.test.ts in network and mount namespaces of its own. */
import { strict as assert } from 'node:assert';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import type { NetOptions } from '../../src/index.ts';
import { connect } from '../../src/index.ts';
import type { LogLevel } from '../../src/util/index.ts';
import { sh, shMeanwhile } from '../support/net-namespace.ts';
import { DaemonBench } from '../tools/daemon/daemon-process.ts';
import { processesWith } from '../virt/process/bench.ts';
import { Shell } from './shell.ts';
import { boot, type DebianImage, type Session } from './support.ts';

const image = JSON.parse(process.env['NODEVISOR_TEST_DEBIAN'] ?? '') as DebianImage;
const BYTES = 24 * 2 ** 20;
const sha1 = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest('hex');

describe('Debian', function () {
  this.timeout(120_000);
  const closers: (() => unknown)[] = [];
  const log: string[] = [];

  before(() => sh('ip link set lo up'));
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
    log.length = 0;
  });

  async function guest(net: NetOptions): Promise<Session> {
    const append = `${image.append} quiet`;
    const logger = { log: (level: LogLevel, message: string) => void log.push(`${level} ${message}`) };
    const session = await boot({ ...image, append, memory: '256M', nets: [net], logger });
    closers.push(() => session.machine.destroy());
    await session.expect('# ');
    return session;
  }

  async function run(session: Session, command: string): Promise<string> {
    session.type(`${command}; echo en""d=$?`);
    return session.expect(/en""d[\s\S]*?end=\d+\r\n/);
  }

  /** A server at an address of the host's: hands out `contents`, or takes what comes. */
  async function serve(host: string, contents?: Uint8Array): Promise<{ port: number; received: Promise<string> }> {
    let done: (hash: string) => void = () => {};
    const received = new Promise<string>((resolve) => {
      done = resolve;
    });
    const server = createServer((socket) => {
      const hash = createHash('sha1');
      socket.on('data', (data) => hash.update(data));
      socket.on('end', () => done(hash.digest('hex')));
      if (contents !== undefined) socket.end(contents);
    }).listen(0, host);
    await once(server, 'listening');
    closers.push(() => server.close());
    return { port: (server.address() as AddressInfo).port, received };
  }

  it('reaches its host through a tap device, whole and in large frames both ways, and is reached', async () => {
    const session = await guest({ type: 'tap', name: 'tap9' });
    sh('ip addr add 10.8.0.1/24 dev tap9');
    await run(session, 'ip link set eth0 up; ip addr add 10.8.0.2/24 dev eth0');
    assert.match(await run(session, 'ping -c 3 10.8.0.1'), /3 packets received/);
    assert.match(await shMeanwhile('ping -c 3 10.8.0.2'), / 3 received/);
    const contents = randomBytes(BYTES);
    const [counts] = session.machine.nets.map((net) => net.counts);
    assert.ok(counts !== undefined);
    const before = { ...counts };
    const source = await serve('10.8.0.1', contents);
    assert.match(
      await run(session, `nc 10.8.0.1 ${source.port} </dev/null >/tmp/f; sha1sum /tmp/f`),
      RegExp(sha1(contents)),
    );
    const sink = await serve('10.8.0.1');
    await run(session, `nc 10.8.0.1 ${sink.port} </tmp/f`);
    assert.equal(await sink.received, sha1(contents));
    const [rx, tx] = [counts.rxPackets - before.rxPackets, counts.txPackets - before.txPackets];
    assert.ok(counts.rxBytes - before.rxBytes > BYTES && counts.txBytes - before.txBytes > BYTES);
    // Half as many as without offloads, with the acknowledgements of the other way.
    assert.ok(rx < BYTES / 1448 && tx < BYTES / 1448, `${rx} frames in and ${tx} out for ${BYTES} bytes each way`);
    // No sum of the headers' was wrong anywhere.
    assert.match(sh('cat /proc/net/snmp'), /^Tcp: (\d+ |-1 ){14}0$/m);
    assert.match(await run(session, "grep -E '^Tcp:' /proc/net/snmp"), /^Tcp: (\d+ |-1 ){14}0\r$/m);
  });

  it('keeps running, cut off, when its device is removed, and leaves no descriptor', async () => {
    const before = readdirSync('/proc/self/fd').length;
    const session = await guest({ type: 'tap' });
    sh('ip addr add 10.8.0.1/24 dev tap0');
    await run(session, 'ip link set eth0 up; ip addr add 10.8.0.2/24 dev eth0');
    assert.match(await shMeanwhile('ping -c 1 10.8.0.2'), / 1 received/);
    session.machine.nets[0]?.setLink(false);
    assert.match(await run(session, 'cat /sys/class/net/eth0/carrier; ping -c 1 -W 1 10.8.0.1'), /^0\r$[\s\S]*end=1/m);
    await assert.rejects(shMeanwhile('ping -c 1 -W 1 10.8.0.2'));
    session.machine.nets[0]?.setLink(true);
    await run(session, 'until ping -c 1 -W 1 10.8.0.1; do :; done');
    sh('ip link del tap0');
    assert.match(await run(session, 'ping -c 1 -W 1 10.8.0.1; echo still here'), /still here/);
    assert.match(log.join('\n'), /tap device 'tap0' has gone/);
    await session.machine.destroy();
    assert.ok(readdirSync('/proc/self/fd').length <= before + 1);
  });

  const nic = (type: string, inner: string) => `<interface type='${type}'>${inner}<model type='virtio'/></interface>`;
  const xml = (name: string, devices: string) =>
    `<domain type='qemu'><name>${name}</name><memory unit='MiB'>192</memory>
     <os><type arch='riscv64' machine='virt'>hvm</type><kernel>${image.kernel}</kernel>
       <initrd>${image.initrd}</initrd><cmdline>${image.append} quiet</cmdline></os>
     <devices><console type='pty'/>${devices}</devices></domain>`;

  it('is one of two domains in a bridge, on a network that is it and by its name, as virsh shows', async () => {
    sh('ip link add br0 type bridge; ip link set br0 mtu 1400 up; ip addr add 10.8.1.1/24 dev br0');
    sh('ip tuntap add dev vnet0 mode tap');
    closers.push(() => sh('ip link del br0; ip link del vnet0'));
    const bench = new DaemonBench();
    closers.push(async () => {
      await bench.stop('SIGKILL');
      for (const pid of processesWith(bench.state)) process.kill(pid, 'SIGKILL');
      bench.remove();
    });
    assert.equal(await bench.start(), 'ready');
    const virsh = async (...args: string[]) => {
      const { code, out, err } = await bench.virsh(...args);
      assert.equal(code, 0, `${args.join(' ')}: ${err}`);
      return out;
    };
    const file = (name: string, text: string) => {
      const path = join(bench.directory, `${name}.xml`);
      writeFileSync(path, text);
      return path;
    };
    const lan = "<network><name>lan</name><forward mode='bridge'/><bridge name='br0'/></network>";
    await virsh('net-create', file('lan', lan));
    assert.match(await virsh('net-info', 'lan'), /Bridge: +br0/);
    const nics = { a: nic('bridge', "<source bridge='br0'/>"), b: nic('network', "<source network='lan'/>") };
    for (const [name, text] of Object.entries(nics)) await virsh('create', file(name, xml(name, text)));
    // vnet0 is the host's.
    assert.match(await virsh('domiflist', 'a'), /^ *vnet1 +bridge +br0 +virtio /m);
    assert.match(await virsh('domiflist', 'b'), /^ *vnet2 +network +lan +virtio /m);
    assert.match(await virsh('dumpxml', 'b'), /<source network='lan' portid='[-0-9a-f]{36}' bridge='br0'\/>/);
    assert.match(
      await virsh('net-port-dumpxml', 'lan', (await virsh('net-port-list', 'lan')).match(/[-0-9a-f]{36}/)?.[0] ?? ''),
      /<plug type='bridge' bridge='br0'\/>/,
    );
    assert.match(sh('ip link show master br0'), /vnet1: .*mtu 1400[\s\S]*vnet2: .*mtu 1400/);
    const connection = await connect(bench.uri);
    closers.push(() => connection.close());
    const [a, b] = [await Shell.of(connection, 'a'), await Shell.of(connection, 'b')];
    for (const [shell, last] of [
      [a, 2],
      [b, 3],
    ] as const) {
      await shell.insist(`ip link set eth0 up; ip addr add 10.8.1.${last}/24 dev eth0`);
      assert.match(await shell.run('cat /sys/class/net/eth0/mtu'), /^1400\r?$/m);
    }
    await a.insist('ping -c 1 -W 1 10.8.1.3');
    assert.match(await a.run('ping -c 3 10.8.1.3'), /3 packets received/);
    assert.match(await b.run('ping -c 3 10.8.1.1'), /3 packets received/);
    await b.run('nc -l -p 99 >/tmp/f & sleep 1');
    const sent = await a.run('head -c 8000000 /dev/urandom >/tmp/f; sha1sum /tmp/f; nc 10.8.1.3 99 </tmp/f');
    const [sum = 'none'] = /[0-9a-f]{40}/.exec(sent) ?? [];
    assert.match(await b.run('wait; sha1sum /tmp/f'), RegExp(sum));
    assert.match(await virsh('domifstat', 'b', 'vnet2'), /rx_bytes \d{7}/);
    await virsh('domif-setlink', 'b', 'vnet2', 'down');
    assert.match(await a.run('ping -c 1 -W 1 10.8.1.3'), /end=1/);
    await virsh('domif-setlink', 'b', 'vnet2', 'up');
    await a.insist('ping -c 1 -W 1 10.8.1.3');
    await virsh('destroy', 'b');
    assert.doesNotMatch(sh('ip link show master br0'), /vnet2/);

    const refused = async (text: string, message: RegExp) => {
      const { code, err } = await bench.virsh('create', file('c', xml('c', text)));
      assert.deepEqual([code, message.test(err)], [1, true], err);
    };
    await refused(nic('bridge', "<source bridge='br7'/>"), /into bridge 'br7': the host has no bridge 'br7'/);
    await refused(nic('bridge', "<source bridge='vnet0'/>"), /'vnet0' is an interface of the host, but no bridge/);
    await refused(nic('ethernet', "<target dev='tap5' managed='no'/>"), /tap device 'tap5': there is no such device/);
    await refused(nic('ethernet', "<target dev='vnet1' managed='no'/>"), /another program has 'vnet1' open \(EBUSY\)/);
    assert.match(await virsh('list', '--all'), /a +running/);
  });
});
