/** Run by tap.test.ts in network and mount namespaces of its own. */
import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Frame } from '../../../src/machine/backend/net.ts';
import { completeFrames } from '../../../src/machine/net/offload.ts';
import type { TapOptions } from '../../../src/machine/net/tap-device.ts';
import { TapNet } from '../../../src/machine/net/tap-net.ts';
import type { LogLevel } from '../../../src/util/index.ts';
import { missing } from '../../support/need-tool.ts';
import { isHostRoot, otherNamespace, sh } from '../../support/net-namespace.ts';
import { eventually } from './user/guest.ts';

const mac = Uint8Array.of(0x52, 0x54, 0, 0xab, 0xcd, 0xef);
const BYTES = 8 * 2 ** 20;
const sha1 = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest('hex');
const descriptors = () => readdirSync('/proc/self/fd').length;

describe('tap', () => {
  const closers: (() => unknown)[] = [];
  const log: string[] = [];
  const logger = { log: (level: LogLevel, message: string) => void log.push(`${level} ${message}`) };

  before(() => sh('ip link set lo up; sysctl -qw net.ipv6.conf.default.disable_ipv6=1 || true'));
  beforeEach(() => {
    log.length = 0;
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  async function open(options: Omit<TapOptions, 'mac'> = {}): Promise<TapNet> {
    const tap = await TapNet.open({ mac, ...options }, logger);
    closers.push(() => tap.close());
    return tap;
  }

  const refused = (options: Omit<TapOptions, 'mac'>, message: RegExp, code = 'OPERATION_FAILED') =>
    assert.rejects(open(options), { code, message });

  it('is made with a free name, up, with an address of its own, and gone when it is closed', async () => {
    const [first, second] = [await open(), await open({ mtu: 9000 })];
    assert.deepEqual([first.hostName, second.hostName, first.mtu, second.mtu], ['tap0', 'tap1', 1500, 9000]);
    const [link] = JSON.parse(sh('ip -j link show tap0'));
    assert.ok(link.flags.includes('UP'));
    assert.equal(link.address, 'fe:54:00:ab:cd:ef');
    await first.close();
    assert.throws(() => sh('ip link show tap0'), /does not exist/);
  });

  it('takes a device that is there and leaves it there, also one that is made for several queues', async () => {
    sh('ip tuntap add dev kept mode tap; ip tuntap add dev many mode tap multi_queue');
    closers.push(() => sh('ip link del kept; ip link del many'));
    await (await open({ name: 'kept' })).close();
    await open({ name: 'many', managed: false });
    assert.match(sh('ip link show kept'), /<.*UP/);
    assert.doesNotMatch(sh('ip link show many'), /<.*,UP/);
    assert.match(log.join(), /^warn tap device 'many' is down.*ip link set many up/);
  });

  it('says what is wrong with a device', async () => {
    await open({ name: 'busy' });
    await refused({ name: 'busy' }, /cannot open tap device 'busy': another program has 'busy' open \(EBUSY\)/);
    await refused({ name: 'lo' }, /'lo' is an interface of the host, but no tap device/);
    await refused({ name: 'none', managed: false }, /there is no such device, and it is not to be made/);
    await refused({ name: 'with blank' }, /no name of a network interface/, 'INVALID_ARG');
    await refused({ name: '0123456789abcdef' }, /no name of a network interface/, 'INVALID_ARG');
  });

  it('carries datagrams in order, and holds back for a slow guest', async () => {
    const tap = await open();
    sh('ip addr add 10.7.0.1/24 dev tap0; ip neigh add 10.7.0.2 lladdr 52:54:00:ab:cd:ef dev tap0');
    const got: number[] = [];
    let room = false;
    const take = ({ bytes }: Frame) => {
      if (!room) return false;
      if (bytes.length > 500 && bytes[23] === 17) got.push(bytes[42] as number);
      return true;
    };
    tap.connect({ receive: take, drained() {} });
    const socket = createSocket('udp4');
    closers.push(() => socket.close());
    for (let i = 0; i < 100; i++) {
      await new Promise((resolve) => socket.send(new Uint8Array(600).fill(i), 5, '10.7.0.2', resolve));
    }
    await sleep(50);
    assert.deepEqual(got, []);
    room = true;
    tap.resume();
    await eventually(() => got.length === 100);
    assert.deepEqual(
      got,
      Array.from({ length: 100 }, (_, i) => i),
    );
  });

  for (const [how, pass] of [
    ['as they are', (frame: Frame): Frame[] => [frame]],
    ['cut and summed up', (frame: Frame): Frame[] => completeFrames(frame).map((bytes) => ({ bytes }))],
  ] as const) {
    it(`carries TCP whole between two kernels, both ways, in large frames that are handed on ${how}`, async () => {
      const other = await otherNamespace();
      closers.push(other.close);
      const [near, far] = [await open({ name: 'near' }), await open({ name: 'far' })];
      sh(`ip addr add 10.7.0.1/24 dev near; ip link set far netns ${other.pid}`);
      sh('ip link set lo up; ip addr add 10.7.0.2/24 dev far; ip link set far up', other.pid);
      let [large, unsummed] = [0, 0];
      join2(near, far, (frame) => {
        if (frame.segmentation !== undefined) large++;
        if (frame.checksum !== undefined) unsummed++;
        return pass(frame);
      });
      const contents = randomBytes(BYTES);
      const echo = spawn('nsenter', ['--target', `${other.pid}`, '--net', process.execPath, '-e', ECHO]);
      closers.push(() => echo.kill('SIGKILL'));
      const [port] = (await once(echo.stdout, 'data')) as [Buffer];
      const socket = connect(Number(port), '10.7.0.2');
      socket.end(contents);
      const got: Buffer[] = [];
      for await (const data of socket) got.push(data as Buffer);
      assert.equal(sha1(Buffer.concat(got)), sha1(contents));
      assert.ok(large > 100 && unsummed >= large, `${large} large frames, ${unsummed} without a checksum`);
    });
  }

  it('is put into a bridge, with its MTU and its speech', async () => {
    bridge('br0', '10.7.1.1/24', 1400);
    const [one, two] = [
      await open({ bridge: 'br0', name: 'vnet7' }),
      await open({ bridge: 'br0', name: 'vnet%d', mtu: 1300 }),
    ];
    assert.deepEqual([one.hostName, one.mtu, two.hostName, two.mtu], ['vnet7', 1400, 'vnet0', 1300]);
    assert.match(sh('ip link show master br0'), /vnet7[\s\S]*vnet0/);
    const heard: string[] = [];
    const listen = {
      receive: ({ bytes }: Frame) => heard.push(Buffer.from(bytes).toString('latin1')) > 0,
      drained() {},
    };
    two.connect(listen);
    const bytes = Buffer.from(`\xff\xff\xff\xff\xff\xffRT\0\xab\xcd\xef\x88\xb5hello through the bridge`, 'latin1');
    one.send({ bytes });
    await eventually(() => heard.some((text) => text.endsWith('hello through the bridge')));
  });

  it('says what is wrong with a bridge, and leaves no device', async () => {
    bridge('br0', '10.7.1.1/24', 1500);
    sh('ip tuntap add dev inside mode tap; ip link set inside master br0; ip link add veth0 type veth peer name veth1');
    closers.push(() => sh('ip link del inside; ip link del veth0'));
    await refused({ bridge: 'br9' }, /cannot put a tap device into bridge 'br9'/);
    await refused({ bridge: 'br9', name: 'v' }, /cannot put 'v' into bridge 'br9': the host has no bridge 'br9'/);
    await refused({ bridge: 'veth0', name: 'v' }, /'veth0' is an interface of the host, but no bridge/);
    await refused({ bridge: 'br0', name: 'inside' }, /'inside' is in a bridge already \(EBUSY\)/);
    assert.throws(() => sh('ip link show v'), /does not exist/);
  });

  it('tells when somebody removes its device, and takes no notice of what is sent then', async () => {
    const tap = await open();
    let drained = 0;
    tap.connect({ receive: () => true, drained: () => drained++ });
    sh('ip link del tap0');
    await eventually(() => log.length > 0);
    assert.match(log.join('\n'), /^error the tap device 'tap0' has gone \(errno 77\): its guest is cut off$/);
    assert.equal(tap.send({ bytes: new Uint8Array(60) }), true);
    tap.resume();
    const before = process.cpuUsage();
    await sleep(200);
    const { user, system } = process.cpuUsage(before);
    assert.ok(user + system < 150_000, 'nobody asks a device that has gone again and again');
    await tap.close();
    await tap.close();
  });

  it('loses what it cannot send: the host’s end is down, frames that are none, segments by the thousand', async () => {
    const tap = await open();
    sh('ip link set tap0 down');
    assert.equal(tap.send({ bytes: new Uint8Array(60) }), true);
    sh('ip link set tap0 up; ip addr add 10.7.0.1/24 dev tap0');
    const bytes = new Uint8Array(60_000);
    const checksum = { start: 34, offset: 16 };
    assert.equal(tap.send({ bytes: new Uint8Array(3) }), true);
    assert.equal(tap.send({ bytes, checksum, segmentation: { type: 'tcp4', size: 1 } }), true);
    assert.equal(tap.send({ bytes, checksum, segmentation: { type: 'tcp6', size: 1000 } }), true);
    assert.deepEqual(log, []);
  });

  it('leaves no descriptor behind, opened, refused or gone', async () => {
    bridge('br0', '10.7.1.1/24', 1500);
    await (await open()).close();
    const before = descriptors();
    for (let i = 0; i < 12; i++) {
      const tap = await open({ name: 'leak' });
      tap.connect({ receive: () => true, drained() {} });
      await refused({ name: 'leak' }, /EBUSY/);
      await refused({ name: 'lo' }, /no tap device/);
      await refused({ bridge: 'lo', name: 'leaks' }, /no bridge/);
      if (i % 2 === 0) sh('ip link del leak');
      await tap.close();
    }
    closers.length = 0;
    await eventually(() => descriptors() <= before);
    closers.push(() => sh('ip link del br0'));
  });

  it('goes with its thread, and tells that thread what its listener throws', async () => {
    const addon = fileURLToPath(new URL('../../../build/Release/hart.node', import.meta.url));
    const end = async (how: string): Promise<unknown> => {
      const worker = new Worker(THREAD, { eval: true, workerData: { addon, how } });
      const failed = once(worker, 'error').catch(() => []);
      await once(worker, 'message');
      assert.match(sh('ip link show thread'), /thread/);
      if (how === 'terminate') await worker.terminate();
      // What the kernel has to say of an interface that comes up is a frame.
      else sh('ip addr add 10.7.2.1/24 dev thread; ip link set thread up; ping -c 1 -W 1 10.7.2.2 || true');
      const error = how === 'throw' ? (await failed)[0] : undefined;
      await eventually(() => !sh('ip -br link').includes('thread'));
      return error;
    };
    assert.equal(await end('terminate'), undefined);
    assert.match(String(await end('throw')), /no frame for me/);
    assert.equal(await end('exit'), undefined);
  });

  describe('without privileges', () => {
    const NOBODY = 65_534;

    before(function () {
      if (isHostRoot) return;
      console.log('      skipped, as this is not root: who may what without privileges');
      this.skip();
    });
    // Both open to all, as they are on most hosts.
    beforeEach(() => {
      sh('mount -t tmpfs none /dev/net; mknod -m 666 /dev/net/tun c 10 200');
      sh('mknod -m 666 /dev/net/null c 1 3; mount --bind /dev/net/null /dev/null');
    });
    afterEach(() => sh('umount -l /dev/null; umount -l /dev/net'));

    async function asNobody<T>(act: () => Promise<T>): Promise<T> {
      process.seteuid?.(NOBODY);
      try {
        return await act();
      } finally {
        process.seteuid?.(0);
      }
    }

    it('opens a device of the user’s own, and says of others what would help', async () => {
      sh(`ip tuntap add dev mine mode tap user ${NOBODY}; ip tuntap add dev theirs mode tap user 1234`);
      closers.push(() => sh('ip link del mine; ip link del theirs'));
      await asNobody(async () => {
        assert.equal((await open({ name: 'mine' })).hostName, 'mine');
        assert.match(log.join(), /^warn tap device 'mine' is down/);
        await refused(
          { name: 'theirs' },
          /'theirs': it is there, but not this user's \(EPERM\); as root: ip tuntap add/,
        );
        await refused(
          {},
          /making one takes CAP_NET_ADMIN \(EPERM\); one .* as root: ip tuntap add dev tap0 mode tap user/,
        );
      });
    });

    it('says what is wrong with /dev/net/tun', async () => {
      chmodSync('/dev/net/tun', 0o600);
      await asNobody(() => refused({}, /\/dev\/net\/tun: this user may not open it \(EACCES\)/));
      sh('rm /dev/net/tun');
      await refused({}, /\/dev\/net\/tun: the host has no tap devices \(ENOENT\); as root: modprobe tun/);
      sh('mknod -m 666 /dev/net/tun c 240 200');
      await refused({}, /\/dev\/net\/tun: the host has no tap devices \(ENXIO\)/);
    });

    it('asks QEMU’s helper for a place in a bridge, and passes on why it refuses', async function () {
      const helper = '/usr/lib/qemu/qemu-bridge-helper';
      if (!existsSync(helper)) missing(this, `no ${helper} (Debian package qemu-system-common)`);
      bridge('br0', '10.7.1.1/24', 1450);
      const program = readFileSync(helper);
      const own = mkdtempSync(join(tmpdir(), 'etc-'));
      chmodSync(own, 0o755);
      sh(
        `cp -a /etc/. ${own}; mkdir -p ${own}/qemu; mount --bind ${own} /etc; mount -t tmpfs -o mode=755 none /usr/lib/qemu`,
      );
      closers.push(() => sh(`umount -l /etc; umount -l /usr/lib/qemu; rm -r ${own}`));
      writeFileSync(helper, program);
      chmodSync(helper, 0o4755);
      writeFileSync('/etc/qemu/bridge.conf', 'deny br0\n');
      const denied =
        /bridge 'br0': making one takes CAP_NET_ADMIN.*; and \S+helper does not either: access denied by acl/;
      await asNobody(() => refused({ bridge: 'br0', name: 'v' }, denied));
      writeFileSync('/etc/qemu/bridge.conf', 'allow br0\n');
      const tap = await asNobody(() => open({ bridge: 'br0', name: 'v' }));
      assert.deepEqual([tap.hostName, tap.mtu], ['tap0', 1450]);
      assert.match(sh('ip link show master br0'), /tap0: <.*UP/);
      const before = descriptors();
      await asNobody(() => refused({ bridge: 'lo', name: 'v' }, /helper does not either/));
      assert.equal(descriptors(), before);
      sh('umount -l /usr/lib/qemu; mount -t tmpfs none /usr/lib/qemu');
      await asNobody(() => refused({ bridge: 'br0', name: 'v' }, /bridge helper, which could, is not installed/));
    });
  });

  function bridge(name: string, address: string, mtu: number): void {
    sh(`ip link add ${name} type bridge; ip link set ${name} mtu ${mtu} up; ip addr add ${address} dev ${name}`);
    closers.push(() => sh(`ip link del ${name}`));
  }
});

/** Joins two cables, as a guest between them would. */
function join2(one: TapNet, two: TapNet, pass: (frame: Frame) => Frame[]): void {
  const blocked = { one: false, two: false };
  const link = (from: TapNet, to: TapNet, name: keyof typeof blocked, back: keyof typeof blocked) =>
    from.connect({
      receive: (frame) => {
        if (blocked[name]) return false;
        for (const piece of pass(frame)) blocked[name] = !to.send(piece);
        return true;
      },
      drained: () => {
        blocked[back] = false;
        to.resume();
      },
    });
  link(one, two, 'one', 'two');
  link(two, one, 'two', 'one');
}

/** A thread that listens at a device, and ends in one of several ways. */
const THREAD = `
const { openSync, constants } = require('node:fs');
const { parentPort, workerData } = require('node:worker_threads');
const calls = require(workerData.addon);
const fd = openSync('/dev/net/tun', constants.O_RDWR | constants.O_NONBLOCK);
calls.tapAttach(fd, 'thread', 0);
new calls.FdWatch(fd, () => {
  if (workerData.how === 'throw') throw new Error('no frame for me');
  process.exit(0);
}).start(true, false);
parentPort.postMessage('listening');`;

/** A server that says back what it hears; its port comes first. */
const ECHO = `
const server = require('node:net').createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
server.listen(0, '10.7.0.2', () => console.log(server.address().port));`;
