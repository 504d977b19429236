import { strict as assert } from 'node:assert';
import { TimerQueue } from '../../../../src/machine/bus/timers.ts';
import { TcpEndpoint } from '../../../../src/machine/net/tcp/endpoint.ts';
import { headerBytes, parseSegment, type TcpSegment, writeSegment } from '../../../../src/machine/net/tcp/segment.ts';
import { ManualClock, SeededRandom } from '../../../../src/util/index.ts';

const SEEDS = process.env['NODEVISOR_TEST_FULL'] ? 400 : 25;
const MS = 1e6;

interface Faults {
  /** Of 1,000 segments, how many are lost, doubled, held back. */
  readonly loss?: number;
  readonly double?: number;
  readonly late?: number;
}

/** One end with what its owner has heard. */
class End {
  readonly got: Uint8Array[] = [];
  readonly heard: string[] = [];
  /** Consume what comes at once. */
  greedy = true;
  unconsumed = 0;
  endpoint: TcpEndpoint;

  constructor(world: World, send: (segment: TcpSegment, mss: number) => void, sequence: number, mss: number) {
    this.endpoint = new TcpEndpoint({
      clock: world.clock,
      timers: world.timers,
      sequence,
      mss,
      send,
      owner: {
        opened: () => this.heard.push('opened'),
        data: (bytes) => {
          this.got.push(bytes.slice());
          if (this.greedy) this.endpoint.consumed(bytes.length);
          else this.unconsumed += bytes.length;
        },
        ended: () => this.heard.push('ended'),
        acknowledged: () => {},
        finished: () => {},
        closed: (reset) => this.heard.push(reset ? 'reset' : 'closed'),
      },
    });
  }

  get bytes(): Buffer {
    return Buffer.concat(this.got);
  }

  consume(): void {
    const bytes = this.unconsumed;
    this.unconsumed = 0;
    this.endpoint.consumed(bytes);
  }
}

/** Two ends, a wire between them, and time. */
class World {
  readonly clock = new ManualClock();
  readonly timers = new TimerQueue(this.clock);
  readonly random: SeededRandom;
  readonly faults: Faults;
  readonly a: End;
  readonly b: End;
  /** Number of b's SYN. */
  readonly bSequence: number;
  segments = 0;
  /** The wire is cut. */
  cut = false;

  constructor(seed: number, faults: Faults = {}, mss: readonly [number, number] = [1460, 1460]) {
    this.random = new SeededRandom(seed);
    this.faults = faults;
    this.a = new End(this, (s, m) => this.#carry(s, m, () => this.b), this.random.u32(), mss[0]);
    this.bSequence = this.random.u32();
    this.b = new End(this, (s, m) => this.#carry(s, m, () => this.a), this.bSequence, mss[1]);
  }

  chance(of1000: number): boolean {
    return this.random.below(1000) < of1000;
  }

  /** Connects a to b. */
  async connect(): Promise<void> {
    this.a.endpoint.open();
    await this.until(() => this.a.heard.length > 0 && this.b.heard.length > 0);
  }

  /** Lets time pass until something is so, two minutes at most. */
  async until(condition: () => boolean, limitMs = 120_000): Promise<void> {
    const limit = this.clock.nowNs() + limitMs * MS;
    for (;;) {
      await Promise.resolve();
      await Promise.resolve();
      if (condition()) return;
      const next = this.timers.nextNs;
      if (next > limit) throw new Error(`nothing more happens: a ${this.a.heard}, b ${this.b.heard}`);
      this.clock.advance(Math.max(0, next - this.clock.nowNs()));
      this.timers.runDue();
    }
  }

  async pass(ms: number): Promise<void> {
    const end = this.clock.nowNs() + ms * MS;
    let done = false;
    this.timers.after(ms * MS, () => {
      done = true;
    });
    await this.until(() => done && this.clock.nowNs() >= end, ms + 1);
  }

  /** Cuts what is larger than the other end's MSS, as the device does, and sends it through bytes. */
  #carry(segment: TcpSegment, mss: number, to: () => End): void {
    for (let at = 0; at === 0 || at < segment.data.length; at += mss) {
      const data = segment.data.subarray(at, at + mss);
      const last = at + mss >= segment.data.length;
      const flags = last ? segment.flags : segment.flags & ~(1 | 8);
      const piece = { ...segment, sequence: (segment.sequence + at) >>> 0, flags, data };
      const bytes = new Uint8Array(headerBytes(piece.options) + data.length);
      writeSegment(bytes, 0, piece);
      this.segments++;
      if (this.cut || this.chance(this.faults.loss ?? 0)) continue;
      const copies = this.chance(this.faults.double ?? 0) ? 2 : 1;
      for (let copy = 0; copy < copies; copy++) {
        const ms = this.chance(this.faults.late ?? 0) ? 1 + this.random.below(30) : 0.1;
        this.timers.after(ms * MS, () => {
          const arrived = parseSegment(bytes, 0, bytes.length) as TcpSegment;
          const end = to();
          if (end === this.b && (arrived.flags & 0x12) === 2 && !this.#accepted) {
            this.#accepted = true;
            end.endpoint.accept(arrived);
          } else end.endpoint.receive(arrived);
        });
      }
    }
  }

  #accepted = false;
}

const bytesOf = (random: SeededRandom, length: number) => {
  const bytes = new Uint8Array(length);
  random.fill(bytes);
  return bytes;
};

describe('tcp', () => {
  it('opens, carries data both ways, and closes one way after the other', async () => {
    const world = new World(1);
    const { a, b } = world;
    await world.connect();
    a.endpoint.write(Buffer.from('question'));
    a.endpoint.end();
    await world.until(() => b.heard.includes('ended'));
    assert.equal(b.bytes.toString(), 'question');
    await world.pass(5000);
    b.endpoint.write(Buffer.from('answer'));
    b.endpoint.end();
    await world.until(() => a.heard.includes('closed') && b.heard.includes('closed'));
    assert.equal(a.bytes.toString(), 'answer');
    assert.deepEqual(
      [a.heard, b.heard],
      [
        ['opened', 'ended', 'closed'],
        ['opened', 'ended', 'closed'],
      ],
    );
  });

  it('carries all bytes in order whatever the wire loses, doubles and reorders', async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = new SeededRandom(seed);
      const faults = { loss: random.below(60), double: random.below(60), late: random.below(100) };
      const mss = [200 + random.below(1261), 200 + random.below(1261)] as const;
      const world = new World(seed, faults, mss);
      const { a, b } = world;
      const what = `seed ${seed}: ${JSON.stringify(faults)}`;
      try {
        await world.connect();
        const sent = [a, b].map((end) => {
          const data = bytesOf(random, random.below(400_000));
          for (let at = 0; at < data.length; ) {
            const n = 1 + random.below(90_000);
            end.endpoint.write(data.subarray(at, at + n));
            at += n;
          }
          end.endpoint.end();
          return data;
        });
        await world.until(() => a.heard.includes('closed') && b.heard.includes('closed'), 600_000);
        assert.ok(b.bytes.equals(sent[0] as Uint8Array), what);
        assert.ok(a.bytes.equals(sent[1] as Uint8Array), what);
      } catch (error) {
        throw new Error(what, { cause: error });
      }
    }
  });

  it('mends one loss without waiting for a time-out', async () => {
    const world = new World(3);
    const { a, b } = world;
    await world.connect();
    const data = bytesOf(world.random, 200_000);
    const start = world.clock.nowNs();
    world.cut = true;
    a.endpoint.write(data.subarray(0, 1460));
    world.cut = false;
    a.endpoint.write(data.subarray(1460));
    await world.until(() => b.bytes.length === data.length);
    assert.ok(b.bytes.equals(data));
    assert.ok(world.clock.nowNs() - start < 100 * MS);
  });

  it('waits for a slow reader, and goes on when it reads', async () => {
    const world = new World(4);
    const { a, b } = world;
    await world.connect();
    b.greedy = false;
    const data = bytesOf(world.random, 3_000_000);
    a.endpoint.write(data);
    await world.pass(300_000);
    assert.ok(b.bytes.length <= 2 ** 20 + 1460);
    assert.ok(b.bytes.length > 2 ** 19);
    const segments = world.segments;
    await world.pass(300_000);
    assert.ok(world.segments - segments < 30, 'a closed window is probed now and then only');
    while (b.bytes.length < data.length) {
      b.consume();
      const had = b.bytes.length;
      await world.until(() => b.bytes.length > had);
    }
    assert.ok(b.bytes.equals(data));
    assert.deepEqual(a.heard, ['opened']);
  });

  it('finds that the peer is gone, and tells of a reset', async () => {
    const world = new World(5);
    const { a, b } = world;
    await world.connect();
    world.cut = true;
    a.endpoint.write(Buffer.from('anybody?'));
    await world.until(() => a.heard.includes('reset'), 3_600_000);
    const again = new World(6);
    await again.connect();
    again.b.endpoint.reset();
    await again.until(() => again.a.heard.includes('reset'));
    assert.deepEqual(again.b.heard, ['opened', 'reset']);
    assert.deepEqual(b.heard, ['opened']);
    const nobody = new World(7);
    nobody.cut = true;
    nobody.a.endpoint.open();
    await nobody.until(() => nobody.a.heard.includes('reset'));
  });

  it('is not ended by a reset that only guesses the number', async () => {
    const world = new World(8);
    const { a, b } = world;
    await world.connect();
    for (const off of [-70_000, -1, 1, 1000, 2 ** 21]) {
      const guess = { window: 0, options: {}, data: new Uint8Array(0), acknowledgment: 0, flags: 4 };
      const base = 1 + off;
      a.endpoint.receive({ ...guess, sequence: (world.bSequence + base) >>> 0 });
    }
    a.endpoint.write(Buffer.from('still here'));
    await world.until(() => b.bytes.length === 10);
    assert.deepEqual(a.heard, ['opened']);
  });

  it('survives segments of rubbish', async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const world = new World(seed);
      const { random } = world;
      await world.connect();
      for (let i = 0; i < 200; i++) {
        const near = random.below(2) === 0;
        world.a.endpoint.receive({
          sequence: near ? (world.bSequence + random.below(3000)) >>> 0 : random.u32(),
          acknowledgment: random.u32(),
          flags: random.below(64) & ~4,
          window: random.below(65_536),
          options: { sacks: [{ start: random.u32(), end: random.u32() }] },
          data: bytesOf(random, random.below(100)),
        });
      }
      await world.pass(1000);
    }
  });
});
