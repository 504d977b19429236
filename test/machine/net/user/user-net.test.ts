import { strict as assert } from 'node:assert';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseIp, parseSubnet } from '../../../../src/machine/net/address.ts';
import { checksum, setU16, u16 } from '../../../../src/machine/net/checksum.ts';
import type { UserNetOptions } from '../../../../src/machine/net/user/options.ts';
import { SeededRandom } from '../../../../src/util/index.ts';
import { DNS, dhcpRequest, dnsQuery, eventually, type GuestConnection, NetGuest, ROUTER } from './guest.ts';

import { closeAll, closers, plug, some, tcpServer, udpServer } from './hosts.ts';

describe('user network', () => {
  afterEach(closeAll);

  it('answers for its router and its name server, and for nobody else', async () => {
    const guest = await plug();
    assert.equal(guest.replies.length, 1);
    guest.packet(ROUTER, 1, icmpEcho(1));
    guest.packet(DNS, 1, icmpEcho(2));
    assert.deepEqual(
      guest.others.map((bytes) => [bytes[34], u16(bytes, 40)]),
      [
        [0, 1],
        [0, 2],
      ],
    );
  });

  it('leases addresses, the same again to the same guest', async () => {
    const { net, ...guest } = await dhcpGuest();
    const offer = await guest.ask(dhcpRequest(1, []));
    assert.equal(offer.ip, '10.0.2.15');
    assert.deepEqual([...(offer.options.get(3) ?? [])], [10, 0, 2, 2]);
    assert.deepEqual([...(offer.options.get(6) ?? [])], [10, 0, 2, 3]);
    assert.deepEqual([...(offer.options.get(1) ?? [])], [255, 255, 255, 0]);
    assert.deepEqual(net.leases(), []);
    const name = [...Buffer.from('box')];
    const ack = await guest.ask(
      dhcpRequest(3, [
        [50, [10, 0, 2, 15]],
        [54, [10, 0, 2, 2]],
        [12, name],
      ]),
    );
    assert.equal(ack.options.get(53)?.[0], 5);
    assert.equal((await guest.ask(dhcpRequest(1, []))).ip, '10.0.2.15');
    const other = Uint8Array.of(0x52, 0x54, 0, 0, 0, 9);
    assert.equal((await guest.ask(dhcpRequest(1, [], other))).ip, '10.0.2.16');
    assert.equal((await guest.ask(dhcpRequest(3, [[50, [10, 0, 2, 15]]], other))).options.get(53)?.[0], 6);
    assert.deepEqual(
      net.leases().map(({ hostname, ip }) => [hostname, ip.join('.')]),
      [['box', '10.0.2.15']],
    );
  });

  it('gives fixed addresses and names, and runs out without harm', async () => {
    const range = [parseIp('10.0.2.15'), parseIp('10.0.2.16')] as const;
    const hosts = [{ mac: '52:54:00:00:00:09', ip: parseIp('10.0.2.200'), name: 'fixed' }];
    const guest = await dhcpGuest({ range, hosts });
    const fixed = await guest.ask(dhcpRequest(1, [], Uint8Array.of(0x52, 0x54, 0, 0, 0, 9)));
    assert.equal(fixed.ip, '10.0.2.200');
    assert.equal(Buffer.from(fixed.options.get(12) ?? []).toString(), 'fixed');
    for (let n = 0; n < 2; n++) await guest.ask(dhcpRequest(3, [[50, [10, 0, 2, 15 + n]]], mac(n)));
    assert.equal(await guest.tryAsk(dhcpRequest(1, [], mac(2))), undefined);
  });

  it('gives out several ranges, keeps what it had given out, and says when that changes', async () => {
    const range = (first: string, last: string) => [parseIp(first), parseIp(last)] as const;
    let changes = 0;
    const options = {
      ranges: [range('10.0.2.20', '10.0.2.20'), range('10.0.2.40', '10.0.2.40')],
      leaseSeconds: 60,
      onLease: () => changes++,
    };
    const guest = await dhcpGuest(options);
    for (const [n, last] of [20, 40].entries()) {
      const ack = await guest.ask(dhcpRequest(3, [[50, [10, 0, 2, last]]], mac(n)));
      assert.deepEqual([...(ack.options.get(51) ?? [])], [0, 0, 0, 60]);
    }
    assert.equal(changes, 2);
    const leases = guest.net.leases();
    const later = await dhcpGuest({ ...options, leases });
    assert.deepEqual(later.net.leases(), leases);
    assert.equal((await later.ask(dhcpRequest(1, [], mac(1)))).ip, '10.0.2.40');
    assert.equal(await later.tryAsk(dhcpRequest(1, [], mac(2))), undefined);
    await later.tryAsk(dhcpRequest(7, [], mac(0)));
    assert.equal(changes, 3);
    assert.equal((await later.ask(dhcpRequest(1, [], mac(2)))).ip, '10.0.2.20');
    const none = await dhcpGuest({ ranges: [] });
    assert.equal(await none.tryAsk(dhcpRequest(1, [])), undefined);
  });

  it('tells guests how long they may have an address: as their range or host says, else as all', async () => {
    const mac = (last: number) => Uint8Array.of(0x52, 0x54, 0, 0, 0, last);
    const guest = await dhcpGuest({
      leaseSeconds: 3600,
      ranges: [
        [parseIp('10.0.2.20'), parseIp('10.0.2.20'), 300],
        [parseIp('10.0.2.30'), parseIp('10.0.2.30')],
      ],
      hosts: [{ mac: '52:54:00:00:00:09', ip: parseIp('10.0.2.40'), leaseSeconds: 0xffff_ffff }],
    });
    const times: (string | undefined)[] = [];
    for (const [n, last] of [
      [1, 20],
      [2, 30],
      [9, 40],
    ] as const) {
      const ack = await guest.ask(dhcpRequest(3, [[50, [10, 0, 2, last]]], mac(n)));
      times.push(Buffer.from(ack.options.get(51) ?? []).toString('hex'));
    }
    assert.deepEqual(times, ['0000012c', '00000e10', 'ffffffff']);
  });

  it('leads nowhere when it is isolated, and answers for its own names alone', async () => {
    const port = await tcpServer((socket) => socket.end('reached'));
    const isolated = {
      routes: { ipv4: false, ipv6: false },
      hostLoopback: true,
      router: ROUTER,
      dns: ROUTER,
      names: new Map([['printer', [parseIp('10.0.2.50')]]]),
      domain: 'lan',
      localDomain: true,
    };
    const offer = await (await dhcpGuest(isolated)).ask(dhcpRequest(1, []));
    assert.equal(offer.options.get(3), undefined);
    assert.deepEqual([...(offer.options.get(6) ?? [])], [...ROUTER]);
    const guest = await plug(isolated);
    guest.packet(ROUTER, 1, icmpEcho(1));
    assert.equal(guest.others.length, 1);
    const connection = guest.connect(ROUTER, port);
    await eventually(() => connection.heard.includes('reset'));
    for (const [id, name] of ['printer', 'nobody.lan', 'example.org'].entries()) {
      guest.udp(ROUTER, 53, dnsQuery(id, name));
    }
    await eventually(() => guest.datagrams.length === 3);
    const answer = (id: number) => guest.datagrams.find(({ data }) => u16(data, 0) === id)?.data as Buffer;
    assert.deepEqual([...answer(0).subarray(-4)], [10, 0, 2, 50]);
    assert.deepEqual([answer(1).readUInt8(3) & 15, u16(answer(1), 6)], [0, 0]);
    assert.equal(answer(2).readUInt8(3) & 15, 2);
  });

  it('keeps guests from the host itself, and from what is not on the list', async () => {
    let reached = 0;
    const port = await tcpServer((socket) => {
      reached++;
      socket.end();
    });
    const udpPort = await udpServer(() => {
      reached++;
      return undefined;
    });
    const open = await plug();
    const hidden = [
      '10.0.2.2',
      '127.0.0.1',
      '127.9.9.9',
      '0.0.0.0',
      '0.0.0.1',
      '169.254.169.254',
      '10.0.2.77',
      '255.255.255.255',
    ];
    const attempts = hidden.map((ip) => {
      open.udp(parseIp(ip), udpPort, Buffer.from('x'));
      return open.connect(parseIp(ip), port);
    });
    const refused = ({ heard }: GuestConnection) => heard.includes('reset');
    await eventually(() => attempts.slice(0, -1).every(refused));
    const restricted = await plug({
      hostLoopback: true,
      restrict: [{ subnet: parseSubnet('10.0.2.2/32'), port: port + 1 }],
    });
    const blocked = restricted.connect(ROUTER, port);
    const elsewhere = restricted.connect(parseIp('192.0.2.1'), 80);
    await eventually(() => refused(blocked) && refused(elsewhere));
    restricted.udp(DNS, 53, dnsQuery(1, 'example.org'));
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(reached, 0);
    assert.deepEqual(restricted.datagrams, []);
    const allowed = await plug({ hostLoopback: true, restrict: [{ subnet: parseSubnet('10.0.2.2/32'), port }] });
    const through = allowed.connect(ROUTER, port);
    await eventually(() => through.heard.includes('ended'));
    assert.equal(reached, 1);
  });

  it('gives each UDP port of the guest one of its own, which only those hear whom it spoke to', async () => {
    const from: number[] = [];
    const port = await udpServer((data) => Buffer.from(data).reverse());
    const guest = await plug({ hostLoopback: true });
    guest.udp(ROUTER, port, Buffer.from('abc'), 5000);
    guest.udp(ROUTER, port, Buffer.from('def'), 5001);
    await eventually(() => guest.datagrams.length === 2);
    for (const datagram of guest.datagrams) from.push(datagram.to);
    assert.deepEqual(from.sort(), [5000, 5001]);
    assert.deepEqual(guest.datagrams.map(({ data }) => data.toString()).sort(), ['cba', 'fed']);
    assert.ok(guest.datagrams.every((datagram) => datagram.from === '10.0.2.2' && datagram.port === port));
  });

  it('carries datagrams that are larger than a frame, both ways', async () => {
    const port = await udpServer((data) => Buffer.from(data).reverse());
    const guest = await plug({ hostLoopback: true });
    for (const bytes of [1472, 1473, 9000, 65_507]) {
      const data = some(bytes);
      guest.datagrams.splice(0);
      guest.udp(ROUTER, port, data);
      await eventually(() => guest.datagrams.length === 1);
      assert.ok(guest.datagrams[0]?.data.equals(Buffer.from(data).reverse()), `${bytes} bytes`);
    }
  });

  it('answers pings that are larger than a frame', async () => {
    const guest = await plug();
    const echo = new Uint8Array(30_000);
    echo.set(icmpEcho(5));
    setU16(echo, 2, 0);
    setU16(echo, 2, checksum(echo, 0, echo.length));
    guest.packet(ROUTER, 1, echo);
    assert.deepEqual(
      guest.others.map((bytes) => [bytes[34], u16(bytes, 40), bytes.length]),
      [[0, 5, 14 + 20 + echo.length]],
    );
  });

  it("knows the names of its guests and asks the host's servers for others, one after the other", async () => {
    const dead = { host: '127.0.0.1', port: 1 };
    const port = await udpServer((query) =>
      Buffer.concat([query.subarray(0, 2), Buffer.from([0x81, 0x83]), query.subarray(4)]),
    );
    const guest = await plug({
      domain: 'lan',
      names: new Map([['printer', [parseIp('10.0.2.50'), parseIp('fec0::50')]]]),
      dnsServers: [dead, { host: '127.0.0.1', port }],
    });
    guest.udp(DNS, 53, dnsQuery(7, 'Printer.LAN'));
    guest.udp(DNS, 53, dnsQuery(8, 'printer', 28));
    guest.udp(DNS, 53, dnsQuery(9, 'example.org'));
    await eventually(() => guest.datagrams.length === 3);
    const answer = (id: number) => guest.datagrams.find(({ data }) => u16(data, 0) === id)?.data as Buffer;
    assert.deepEqual([...answer(7).subarray(-4)], [10, 0, 2, 50]);
    assert.deepEqual(answer(8).subarray(-16), Buffer.from(parseIp('fec0::50')));
    assert.equal(answer(9).readUInt16BE(2), 0x8183);
    const without = await plug({ dnsServers: [dead] });
    without.udp(DNS, 53, dnsQuery(3, 'example.org'));
    await eventually(() => without.datagrams.length === 1);
    assert.equal((without.datagrams[0]?.data.readUInt8(3) ?? 0) & 15, 2);
  });

  it('forwards ports of the host to the guest', async () => {
    const [tcpPort, udpPort] = [await freePort(), await freePort()];
    const guest = await plug({
      forwards: [
        { protocol: 'tcp', hostPort: tcpPort, guestPort: 22 },
        { protocol: 'udp', hostPort: udpPort, guestPort: 69 },
      ],
    });
    guest.onConnection = (connection, port) => {
      connection.endpoint.end();
      void eventually(() => connection.heard.includes('opened')).then(() => assert.equal(port, 22));
    };
    const socket = connect(tcpPort, '127.0.0.1');
    closers.push(() => socket.destroy());
    await once(socket.resume(), 'end');
    const client = createSocket('udp4');
    closers.push(() => client.close());
    client.send('ping', udpPort, '127.0.0.1');
    await eventually(() => guest.datagrams.length === 1);
    const [datagram] = guest.datagrams;
    assert.equal(datagram?.from, '10.0.2.2');
    const answered = once(client, 'message') as Promise<[Buffer]>;
    guest.udp(ROUTER, datagram?.port ?? 0, Buffer.from('pong'), 69);
    assert.equal((await answered)[0].toString(), 'pong');
    await assert.rejects(
      NetGuest.plug({ forwards: [{ protocol: 'tcp', hostPort: tcpPort, guestPort: 22 }] }),
      /cannot forward tcp port \d+ of 127\.0\.0\.1: another program has it/,
    );
  });

  it('serves boot files from one directory and from nowhere else', async () => {
    const root = mkdtempSync(join(tmpdir(), 'tftp-'));
    closers.push(() => rmSync(root, { recursive: true }));
    const file = some(1500);
    writeFileSync(join(root, 'boot.img'), file);
    symlinkSync('/etc/passwd', join(root, 'link'));
    const guest = await plug({ tftp: root });
    const request = (name: string) => Buffer.from(`\0\x01${name}\0octet\0blksize\x001000\0`, 'latin1');
    guest.udp(ROUTER, 69, request('boot.img'), 6000);
    await eventually(() => guest.datagrams.length === 1);
    const next = async (block: number) => {
      const count = guest.datagrams.length;
      guest.udp(ROUTER, 69, Uint8Array.of(0, 4, 0, block), 6000);
      await eventually(() => guest.datagrams.length > count);
      return guest.datagrams.at(-1)?.data as Buffer;
    };
    assert.equal(guest.datagrams[0]?.data.toString('latin1'), '\0\x06blksize\x001000\0');
    const blocks = [await next(0), await next(1)];
    assert.ok(Buffer.concat(blocks.map((block) => block.subarray(4))).equals(file));
    for (const name of ['../../etc/passwd', '/etc/passwd', 'link', 'nothing', '.']) {
      const count = guest.datagrams.length;
      guest.udp(ROUTER, 69, request(name), 6001);
      await eventually(() => guest.datagrams.length > count);
      assert.equal(guest.datagrams.at(-1)?.data.readUInt16BE(2), 1, name);
    }
  });

  it('survives frames of rubbish', async () => {
    const rounds = process.env['NODEVISOR_TEST_FULL'] ? 300_000 : 5000;
    const guest = await plug();
    const random = new SeededRandom(11);
    const samples = [
      Buffer.from('ffffffffffff525400000001080600010800060400015254000000010a00020f0000000000000a000202', 'hex'),
      icmpFrameBytes(),
    ];
    for (let round = 0; round < rounds; round++) {
      const bytes = Uint8Array.from(random.pick(samples));
      for (let n = random.below(6); n >= 0; n--) bytes[12 + random.below(bytes.length - 12)] = random.below(256);
      try {
        guest.net.receive({
          bytes: bytes.subarray(0, random.below(bytes.length + 1)),
          verified: random.below(2) === 0,
        });
      } catch (error) {
        throw new Error(`round ${round}: ${Buffer.from(bytes).toString('hex')}`, { cause: error });
      }
    }
    guest.packet(ROUTER, 1, icmpEcho(77));
    assert.equal(u16(guest.others.at(-1) as Uint8Array, 40), 77);
  });
});

function mac(n: number): Uint8Array {
  return Uint8Array.of(0x52, 0x54, 0, 1, 0, n);
}

function icmpEcho(sequence: number): Uint8Array {
  return Uint8Array.of(8, 0, 0, 0, 0, 1, 0, sequence, 1, 2, 3);
}

function icmpFrameBytes(): Uint8Array {
  const head =
    '525500000002525400000001080045000028000040004006000a0a00020f0a0002029c4000161234567800000000500220000000';
  return Buffer.from(`${head}0000020405b4`, 'hex');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface DhcpAnswer {
  readonly ip: string;
  readonly options: ReadonlyMap<number, Uint8Array>;
}

async function dhcpGuest(options: UserNetOptions = {}) {
  const guest = await plug(options);
  const tryAsk = async (request: Uint8Array): Promise<DhcpAnswer | undefined> => {
    const count = guest.datagrams.length;
    guest.udp(parseIp('255.255.255.255'), 67, request, 68);
    await Promise.resolve();
    const data = guest.datagrams[count]?.data;
    return data === undefined ? undefined : { ip: data.subarray(16, 20).join('.'), options: dhcpOptions(data) };
  };
  const ask = async (request: Uint8Array): Promise<DhcpAnswer> => {
    const answer = await tryAsk(request);
    assert.ok(answer, 'there was no answer');
    return answer;
  };
  return { net: guest.net, ask, tryAsk };
}

function dhcpOptions(data: Buffer): Map<number, Uint8Array> {
  const options = new Map<number, Uint8Array>();
  for (let at = 240; data[at] !== 255 && at < data.length; at += 2 + (data[at + 1] as number)) {
    options.set(data[at] as number, data.subarray(at + 2, at + 2 + (data[at + 1] as number)));
  }
  return options;
}
