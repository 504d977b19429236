import { strict as assert } from 'node:assert';
import type { Frame } from '../../../../src/machine/backend/net.ts';
import { parseIp } from '../../../../src/machine/net/address.ts';
import { setU16 } from '../../../../src/machine/net/checksum.ts';
import { ETHER_HEADER } from '../../../../src/machine/net/ether.ts';
import { completeFrames } from '../../../../src/machine/net/offload.ts';
import { fragmentsOf } from '../../../../src/machine/net/user/fragments.ts';
import { udpFrame } from '../../../../src/machine/net/user/packet.ts';
import { Reassembler } from '../../../../src/machine/net/user/reassembly.ts';
import { ManualClock, SeededRandom } from '../../../../src/util/index.ts';

const SEEDS = process.env['NODEVISOR_TEST_FULL'] ? 3000 : 100;
const ENDS = {
  4: { from: parseIp('10.0.2.15'), to: parseIp('192.0.2.1') },
  6: { from: parseIp('fec0::15'), to: parseIp('2001:db8::1') },
} as const;

function datagram(random: SeededRandom, version: 4 | 6, bytes: number): Frame {
  const data = new Uint8Array(bytes);
  random.fill(data);
  return udpFrame({ ...ENDS[version], protocol: 17 }, { from: 1000, to: 2000 }, data);
}

function shuffle<T>(random: SeededRandom, items: T[]): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [items[i], items[j]] = [items[j] as T, items[i] as T];
  }
  return items;
}

/** Without what differs by right: identification, flags and header checksum of IPv4. */
function essence(frame: Frame): string {
  const copy = (completeFrames(frame)[0] as Uint8Array).slice();
  if (copy[ETHER_HEADER] === 0x45) copy.fill(0, ETHER_HEADER + 4, ETHER_HEADER + 12);
  return Buffer.from(copy).toString('hex');
}

describe('fragments', () => {
  it('make up their packet again, in whatever order and however often they come', () => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const random = new SeededRandom(seed);
      const reassembler = new Reassembler(new ManualClock());
      const mtu = 100 + random.below(1400);
      const packets = [4, 6, 4, 6].map((version, id) => {
        const frame = datagram(random, version as 4 | 6, 1 + random.below(mtu * 30));
        return { frame, pieces: fragmentsOf(frame, mtu, id) };
      });
      const wire = packets.flatMap(({ pieces }) => pieces);
      for (const { bytes } of wire) assert.ok(bytes.length <= mtu + ETHER_HEADER, `seed ${seed}`);
      const twice = wire.filter((_, i) => random.below(4) === 0 && i < wire.length - 1);
      const whole = shuffle(random, [...wire, ...twice]).map((frame) => reassembler.take(frame));
      const got = new Set(whole.flatMap((frame) => (frame === undefined ? [] : [essence(frame)])));
      for (const { frame } of packets) assert.ok(got.has(essence(frame)), `seed ${seed}`);
    }
  });

  it('are given up when they overlap, contradict each other or come too late', () => {
    for (const version of [4, 6] as const) {
      const clock = new ManualClock();
      const reassembler = new Reassembler(clock);
      const frame = datagram(new SeededRandom(1), version, 4000);
      const pieces = (id: number) => fragmentsOf(frame, 1280, id);
      const moved = pieces(1)[1] as Frame;
      const at = version === 4 ? ETHER_HEADER + 6 : ETHER_HEADER + 42;
      // Eight bytes to the front, over the end of the first.
      const [high, low] = moved.bytes.subarray(at, at + 2) as unknown as [number, number];
      setU16(moved.bytes, at, ((high << 8) | low) - (version === 4 ? 1 : 8));
      if (version === 4) fixHeader(moved.bytes);
      const taken = [pieces(1)[0], moved, ...pieces(1).slice(1)].map((piece) => reassembler.take(piece as Frame));
      assert.deepEqual(taken.filter(Boolean), [], `IPv${version}`);
      const [first, ...rest] = pieces(2);
      reassembler.take(first as Frame);
      clock.advance(31e9);
      assert.ok(rest.every((piece) => reassembler.take(piece) === undefined));
      assert.ok(reassembler.take(first as Frame) !== undefined, 'what came in time is waited for anew');
    }
  });

  it('of packets that never become whole leave room for others', () => {
    const reassembler = new Reassembler(new ManualClock());
    const random = new SeededRandom(2);
    const frame = datagram(random, 4, 60_000);
    for (let id = 0; id < 1000; id++) {
      for (const piece of fragmentsOf(frame, 1500, id).slice(0, 3)) reassembler.take(piece);
    }
    const pieces = fragmentsOf(frame, 1500, 6000);
    const whole = pieces.map((piece) => reassembler.take(piece)).at(-1);
    assert.equal(whole?.bytes.length, frame.bytes.length);
  });

  it('of rubbish do no harm', () => {
    const reassembler = new Reassembler(new ManualClock());
    for (let seed = 0; seed < SEEDS * 20; seed++) {
      const random = new SeededRandom(seed);
      const [piece] = fragmentsOf(datagram(random, random.below(2) === 0 ? 4 : 6, 3000), 1500, seed);
      const bytes = (piece as Frame).bytes;
      for (let n = random.below(5); n >= 0; n--) bytes[12 + random.below(60)] = random.below(256);
      if (random.below(2) === 0) fixHeader(bytes);
      const cut = bytes.subarray(0, random.below(bytes.length + 1));
      try {
        reassembler.take({ bytes: random.below(3) === 0 ? cut : bytes });
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
  });
});

function fixHeader(bytes: Uint8Array): void {
  setU16(bytes, ETHER_HEADER + 10, 0);
  let sum = 0;
  for (let i = 0; i < 20; i += 2) {
    sum += ((bytes[ETHER_HEADER + i] as number) << 8) | (bytes[ETHER_HEADER + i + 1] as number);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  setU16(bytes, ETHER_HEADER + 10, ~sum & 0xffff);
}
