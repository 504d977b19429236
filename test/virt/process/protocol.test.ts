import { strict as assert } from 'node:assert';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom, silentLogger } from '../../../src/util/index.ts';
import { encodeFrame, FRAME_MAX, FrameKind, FrameReader, WINDOW_BYTES } from '../../../src/virt/process/frames.ts';
import { identify, isAlive } from '../../../src/virt/process/identity.ts';
import { readAnswer, readCall, readHello, readNumbers, readStatus } from '../../../src/virt/process/messages.ts';
import { OutputRing } from '../../../src/virt/process/output-ring.ts';
import { RunDirectory, type StoredRun } from '../../../src/virt/process/run-directory.ts';

describe('frames between a daemon and a machine', () => {
  it('come out as they went in, however the stream is cut', () => {
    const seed = 7;
    const random = new SeededRandom(seed);
    const sent = Array.from({ length: 200 }, (_, index) => {
      const payload = Buffer.alloc(random.below(3000));
      random.fill(payload);
      return { kind: index % 5, payload };
    });
    const stream = Buffer.concat(sent.map(({ kind, payload }) => encodeFrame(kind as FrameKind, payload)));
    const reader = new FrameReader();
    const got: { kind: number; payload: Buffer }[] = [];
    for (let at = 0; at < stream.length; ) {
      const bytes = 1 + random.below(5000);
      for (const frame of reader.push(stream.subarray(at, at + bytes))) {
        got.push({ kind: frame.kind, payload: Buffer.from(frame.payload) });
      }
      at += bytes;
    }
    assert.deepEqual(got, sent, `seed ${seed}`);
  });

  it('have a length that there can be', () => {
    for (const length of [0, FRAME_MAX + 1, 0xffff_ffff]) {
      const head = Buffer.alloc(8);
      head.writeUInt32BE(length);
      assert.throws(() => [...new FrameReader().push(head)], RangeError);
    }
    assert.throws(() => encodeFrame(FrameKind.DATA, Buffer.alloc(FRAME_MAX)), RangeError);
  });
});

describe('messages between a daemon and a machine', () => {
  it('are looked at before they are believed', () => {
    for (const message of [null, 1, [], {}, { call: 1, serial: 1, args: {} }, { call: 'x', serial: 1.5, args: {} }]) {
      assert.throws(() => readCall(message), TypeError);
    }
    for (const message of [
      { event: 'ended' },
      { event: 'ended', status: { reason: 'bored', code: 0, detail: '' }, numbers: { vcpus: [], disks: [] } },
      { event: 'log', level: 'loud', message: 'x' },
      { event: 'trayMoved', drive: 'sda', open: 1 },
      { event: 'unheard of' },
      { reply: 'x' },
      { reply: 1, error: { code: 'NOT_OURS', message: 'x' } },
    ]) {
      assert.throws(() => readAnswer(message), TypeError, JSON.stringify(message));
    }
    assert.throws(() => readStatus({ reason: 'poweroff' }), TypeError);
    assert.throws(() => readHello({ version: 1, name: 'x', pid: 1, state: 'asleep', consoles: 0 }), TypeError);
    assert.throws(() => readHello({ version: 1, name: 'x', pid: 1, state: 'running', consoles: 1e9 }), TypeError);
    assert.throws(() => readNumbers({ vcpus: [{}], disks: [] }), TypeError);
    assert.throws(() => readNumbers({ vcpus: [], disks: [['vda', { read: { requests: 'many' } }]] }), TypeError);
  });
});

/** A ring, with what it has sent and whether it holds the guest. */
function makeRing(): { ring: OutputRing; sent: () => string; held: () => boolean; block(blocked: boolean): void } {
  let sent = '';
  let held = false;
  let blocked = false;
  const ring = new OutputRing({
    send: (bytes) => {
      sent += bytes.toString('latin1');
      return !blocked;
    },
    hold: (now) => {
      held = now;
    },
  });
  return {
    ring,
    sent: () => sent,
    held: () => held,
    block: (now) => {
      blocked = now;
    },
  };
}

const text = (bytes: number, from = 0) =>
  Buffer.from(Array.from({ length: bytes }, (_, index) => 33 + ((from + index) % 89)));

describe('ring of recent output', () => {
  it('keeps the last 64 KiB of what nobody reads', () => {
    const { ring, sent, held } = makeRing();
    const output = text(200_000);
    for (let at = 0; at < output.length; at += 1000) ring.append(output.subarray(at, at + 1000));
    assert.deepEqual([sent(), held()], ['', false]);
    ring.attach();
    assert.equal(sent(), output.subarray(-65_536).toString('latin1'));
  });

  it('gives a reader a window at a time, and then holds the guest', () => {
    const { ring, sent, held } = makeRing();
    const output = text(300_000);
    ring.attach();
    ring.append(output.subarray(0, 100_000));
    ring.append(output.subarray(100_000));
    assert.equal(sent().length, WINDOW_BYTES);
    assert.equal(held(), true);
    for (let taken = 0; taken < output.length; ) {
      const some = Math.min(10_000, sent().length - taken);
      ring.taken(some);
      taken += some;
    }
    assert.equal(sent(), output.toString('latin1'));
    assert.equal(held(), false);
  });

  it('waits while the other side is slow', () => {
    const { ring, sent, block } = makeRing();
    ring.attach();
    block(true);
    ring.append(text(40_000));
    const first = sent().length;
    assert.ok(first < 40_000);
    block(false);
    ring.pump();
    assert.equal(sent(), text(40_000).toString('latin1'));
  });

  it('gives what a lost reader had not used up to the next', () => {
    const { ring, sent } = makeRing();
    ring.attach();
    ring.append(text(1000));
    ring.taken(400);
    ring.lose();
    assert.equal(sent().length, 1000);
    ring.append(text(10, 1000));
    ring.attach();
    assert.equal(sent().slice(1000), text(1010).subarray(400).toString('latin1'));
  });

  it('does not repeat what is on its way to a reader that left and came back', () => {
    const { ring, sent } = makeRing();
    ring.attach();
    ring.append(text(1000));
    ring.detach();
    for (let at = 1000; at < 101_000; at += 1000) ring.append(text(1000, at));
    ring.taken(1000);
    ring.attach();
    assert.equal(sent().slice(1000), text(101_000).subarray(-65_536).toString('latin1'));
    assert.throws(() => ring.taken(1 << 20), RangeError);
  });

  it('hands over the rest at the end, window or not', () => {
    const { ring, sent } = makeRing();
    ring.attach();
    ring.append(text(150_000));
    const rest = Buffer.concat(ring.rest()).toString('latin1');
    assert.equal(sent() + rest, text(150_000).toString('latin1'));
  });
});

describe('identity of a process', () => {
  it('is that of one process, even when another gets its number', () => {
    const own = identify(process.pid);
    assert.equal(isAlive(own), true);
    if (own.startTime === undefined) return;
    assert.equal(isAlive({ ...own, startTime: own.startTime - 1 }), false);
    assert.equal(isAlive({ ...own, bootId: 'another start of the host' }), false);
    assert.equal(isAlive({ pid: 2 ** 22 + 1, startTime: 1 }), false);
  });
});

describe('directory of runs', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'nodevisor-run-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const uuid = '11111111-2222-4333-8444-555555555501';
  const run = (messages: string[]): StoredRun => ({
    record: { uuid, name: 'one', id: 3, xml: '<domain/>', state: 1, reason: 1, autodestroy: false, messages },
    process: { pid: 12, startTime: 34, bootId: 'b', name: 'm-00ff' },
  });

  it('keeps the last of many writes, and forgets', async () => {
    const runs = await RunDirectory.open(directory, silentLogger);
    await Promise.all(Array.from({ length: 50 }, (_, index) => runs.save(run([`${index}`]))));
    assert.deepEqual(await runs.load(), [run(['49'])]);
    assert.deepEqual(readdirSync(directory), [`${uuid}.json`]);
    const late = runs.save(run(['late']));
    await runs.remove(uuid);
    await late;
    assert.deepEqual(readdirSync(directory), []);
  });

  it('passes over what is no run of that domain, and removes it', async () => {
    const logged: string[] = [];
    const runs = await RunDirectory.open(directory, { log: (_level, message) => logged.push(message) });
    await runs.save(run([]));
    const file = join(directory, `${uuid}.json`);
    const good = readFileSync(file, 'utf8');
    const bad = [
      good.slice(0, 40),
      '[]',
      good.replace('"version": 1', '"version": 2'),
      good.replace(/"uuid": "1/, '"uuid": "2'),
      good.replace('m-00ff', '../../etc/passwd'),
      good.replace('"pid": 12', '"pid": "12"'),
    ];
    for (const content of bad) {
      writeFileSync(file, content);
      assert.deepEqual(await runs.load(), [], content);
      assert.deepEqual(readdirSync(directory), []);
    }
    assert.equal(logged.length, bad.length);
  });
});
