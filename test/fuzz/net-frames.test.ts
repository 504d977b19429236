import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Frame } from '../../src/machine/backend/net.ts';
import { parseIp, parseSubnet } from '../../src/machine/net/address.ts';
import { u16 } from '../../src/machine/net/checksum.ts';
import { IpProtocol } from '../../src/machine/net/ether.ts';
import type { TcpSegment } from '../../src/machine/net/tcp/segment.ts';
import { fragmentsOf } from '../../src/machine/net/user/fragments.ts';
import { arpFrame } from '../../src/machine/net/user/link.ts';
import { NdType } from '../../src/machine/net/user/neighbour.ts';
import { icmpFrame, udpFrame } from '../../src/machine/net/user/packet.ts';
import { tcpFrame } from '../../src/machine/net/user/tcp-wire.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { DNS, dhcpRequest, dnsQuery, GUEST_IP, type NetGuest, ROUTER } from '../machine/net/user/guest.ts';
import { closeAll, closers, plug, tcpServer } from '../machine/net/user/hosts.ts';

const ROUNDS = process.env['NODEVISOR_TEST_FULL'] ? 1_000_000 : 20_000;
const SEED = Number(process.env['NODEVISOR_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const MAC = Uint8Array.of(0x52, 0x54, 0, 0, 0, 1);
const GUEST6 = parseIp('fec0::15');
const ROUTER6 = parseIp('fec0::2');

/** Whole frames of every protocol that the network reads. */
function samples(port: number): Frame[] {
  const udp = (to: Uint8Array, port: number, data: Uint8Array, from = 5000) =>
    udpFrame({ from: to.length === 4 ? GUEST_IP : GUEST6, to, protocol: IpProtocol.UDP }, { from, to: port }, data);
  // Seen from the guest, the flow's ends are the other way round.
  const flow = (router: Uint8Array, guest: Uint8Array) => ({
    guest: router,
    guestPort: port,
    remote: guest,
    remotePort: 40_000,
  });
  const segment = (flags: number, bytes: number): TcpSegment => ({
    sequence: 1000,
    acknowledgment: 1,
    flags,
    window: 5000,
    options: flags === 2 ? { mss: 1460, windowScale: 7, sackPermitted: true } : { sacks: [{ start: 5, end: 9 }] },
    data: new Uint8Array(bytes).fill(7),
  });
  const file = Buffer.from('\0\x01boot.img\0octet\0blksize\x001400\0tsize\x000\0', 'latin1');
  const solicitation = Uint8Array.from([0, 0, 0, 0, ...ROUTER6, 1, 1, ...MAC]);
  return [
    arpFrame(1, { mac: MAC, ip: GUEST_IP }, { mac: new Uint8Array(6), ip: ROUTER }),
    udp(parseIp('255.255.255.255'), 67, dhcpRequest(1, [[55, [1, 3, 6]]]), 68),
    udp(
      parseIp('255.255.255.255'),
      67,
      dhcpRequest(3, [
        [50, [10, 0, 2, 15]],
        [12, [98, 111, 120]],
      ]),
      68,
    ),
    udp(DNS, 53, dnsQuery(7, 'box.test')),
    udp(parseIp('fec0::3'), 53, dnsQuery(8, 'box.test', 28)),
    udp(ROUTER, 69, file),
    udp(ROUTER, port, new Uint8Array(100)),
    ...fragmentsOf(udp(ROUTER, port, new Uint8Array(3000)), 1500, 1),
    ...fragmentsOf(udp(ROUTER6, port, new Uint8Array(3000)), 1500, 2),
    ...[2, 16, 24, 17, 4].map((flags) => tcpFrame(flow(ROUTER, GUEST_IP), segment(flags, flags === 24 ? 50 : 0), 1460)),
    ...[2, 24].map((flags) => tcpFrame(flow(ROUTER6, GUEST6), segment(flags, 0), 1440)),
    icmpFrame({ from: GUEST_IP, to: ROUTER }, 8, 0, new Uint8Array(60)),
    icmpFrame({ from: GUEST6, to: ROUTER6 }, 128, 0, new Uint8Array(60)),
    icmpFrame({ from: GUEST6, to: parseIp('ff02::2') }, NdType.ROUTER_SOLICITATION, 0, new Uint8Array(4)),
    icmpFrame({ from: GUEST6, to: ROUTER6 }, NdType.NEIGHBOUR_SOLICITATION, 0, solicitation),
  ];
}

/** A frame with some bytes changed, cut or made longer, its checksums right, left out or wrong. */
function mutated(random: SeededRandom, { bytes, checksum }: Frame): Frame {
  const longer = random.below(20) === 0 ? random.below(300) : 0;
  const out = new Uint8Array(bytes.length + longer);
  out.set(bytes);
  // Mostly in the headers, where it matters.
  const reach = random.below(3) === 0 ? out.length : Math.min(out.length, 90);
  for (let n = random.below(6); n > 0; n--)
    out[12 + random.below(reach - 12)] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
  const end = random.below(8) === 0 ? random.below(out.length + 1) : out.length;
  const partial = checksum !== undefined && checksum.start + checksum.offset + 2 <= end && random.below(2) === 0;
  const cut = out.subarray(0, end);
  return partial ? { bytes: cut, checksum } : { bytes: cut, verified: random.below(4) !== 0 };
}

async function alive(guest: NetGuest): Promise<void> {
  const before = guest.others.length;
  guest.packet(ROUTER, IpProtocol.ICMP, Uint8Array.of(8, 0, 0, 0, 0, 9, 0, 77, 1, 2, 3));
  await new Promise((resolve) => setImmediate(resolve));
  const answers = guest.others.slice(before).filter((bytes) => bytes[23] === IpProtocol.ICMP && bytes[34] === 0);
  assert.ok(
    answers.some((bytes) => u16(bytes, 40) === 77),
    `seed ${SEED}: no ping is answered any more`,
  );
}

describe('fuzz: frames for a user network', function () {
  this.timeout(3_600_000);
  afterEach(closeAll);

  it(`do no harm, whatever is in them (seed ${SEED})`, async () => {
    const tftp = mkdtempSync(join(tmpdir(), 'nodevisor-frames-'));
    closers.push(() => rmSync(tftp, { recursive: true }));
    writeFileSync(join(tftp, 'boot.img'), Buffer.alloc(5000));
    const port = await tcpServer((socket) => socket.on('data', () => socket.write('x')));
    // Nothing but the one server is reached, wherever the frames want to go.
    const restrict = ['10.0.2.2/32', 'fec0::2/128'].map((text) => ({ subnet: parseSubnet(text), port }));
    const names = new Map([['box', [GUEST_IP]]]);
    const guest = await plug({ hostLoopback: true, restrict, tftp, domain: 'test', names, dnsServers: [] });
    const random = new SeededRandom(SEED);
    const whole = samples(port);
    for (let round = 0; round < ROUNDS; round++) {
      const frame = mutated(random, random.pick(whole));
      try {
        guest.net.receive(frame);
      } catch (error) {
        throw new Error(`seed ${SEED}, round ${round}: ${Buffer.from(frame.bytes).toString('hex')}`, { cause: error });
      }
      if (round % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await alive(guest);
  });
});
