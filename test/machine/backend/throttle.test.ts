import { strict as assert } from 'node:assert';
import { setImmediate as turn } from 'node:timers/promises';
import { MemBlock } from '../../../src/machine/backend/mem-block.ts';
import { checkIoTune, type IoTune, Throttle, ThrottledBlock } from '../../../src/machine/backend/throttle.ts';
import { TimerQueue } from '../../../src/machine/bus/timers.ts';
import { ManualClock } from '../../../src/util/index.ts';
import { describeBlockBackend } from './block-contract.ts';

const MS = 1e6;

function virtualTime() {
  const clock = new ManualClock(1e12);
  const timers = new TimerQueue(clock);
  return {
    clock,
    timers,
    /** Lets time pass, and what waits for it happen. */
    async pass(ms: number): Promise<void> {
      for (const end = clock.nowNs() + ms * MS; clock.nowNs() < end; ) {
        clock.advance(Math.max(0, Math.min(timers.nextNs, end) - clock.nowNs()));
        timers.runDue();
        await turn();
      }
    },
  };
}

describeBlockBackend('ThrottledBlock', async (bytes) => {
  const { clock, timers } = virtualTime();
  const disk = new MemBlock(bytes);
  const throttled = new ThrottledBlock(disk, new Throttle({}, clock, timers));
  return Object.assign(throttled, { resize: (to: number) => disk.resize(to) });
});

describe('Throttle', () => {
  function make(tune: IoTune) {
    const time = virtualTime();
    const throttle = new Throttle(tune, time.clock, time.timers);
    const disk = new ThrottledBlock(new MemBlock(2 ** 20), throttle);
    let done = 0;
    /** Begins `count` requests of `bytes` bytes one behind the other, each when it may. */
    const begin = (count: number, bytes: number, kind: 'read' | 'write' = 'read') => {
      for (let i = 0; i < count; i++) void disk[kind](0, new Uint8Array(bytes)).then(() => done++);
    };
    return { ...time, throttle, begin, done: () => done };
  }

  it('lets everything pass at once without limits', async () => {
    const { begin, done } = make({});
    begin(1000, 4096);
    await turn();
    assert.equal(done(), 1000);
  });

  it('keeps to requests a second in the long run, after a tenth of a second’s worth', async () => {
    const { begin, done, pass } = make({ total_iops_sec: 100 });
    begin(1000, 512);
    await turn();
    assert.ok(done() >= 10 && done() <= 11, `${done()}`);
    await pass(2000);
    assert.ok(done() >= 209 && done() <= 212, `${done()}`);
    await pass(7000);
    assert.ok(done() >= 909 && done() <= 912, `${done()}`);
  });

  it('keeps to bytes a second, be the requests large or small', async () => {
    for (const bytes of [512, 65_536]) {
      const { begin, done, pass } = make({ read_bytes_sec: 1e6 });
      begin(4e6 / bytes, bytes);
      await pass(3000);
      const moved = done() * bytes;
      assert.ok(Math.abs(moved - 3.1e6) < 2 * bytes + 1e4, `${moved} bytes in pieces of ${bytes}`);
    }
  });

  it('counts a request beyond size_iops_sec as several', async () => {
    const { begin, done, pass } = make({ total_iops_sec: 100, size_iops_sec: 4096 });
    begin(1000, 16_384);
    await pass(1000);
    assert.ok(done() >= 26 && done() <= 29, `${done()}`);
  });

  it('limits reads and writes apart, and neither holds up the other', async () => {
    const { begin, done, pass } = make({ write_iops_sec: 10 });
    begin(20, 512, 'write');
    await turn();
    const before = done();
    begin(500, 512, 'read');
    await turn();
    assert.equal(done() - before, 500);
    await pass(10_000);
    assert.equal(done(), 520);
  });

  it('lets a burst of its length pass at its rate, and then the average', async () => {
    const { begin, done, pass } = make({
      total_iops_sec: 100,
      total_iops_sec_max: 1000,
      total_iops_sec_max_length: 2,
    });
    begin(10_000, 512);
    await pass(1000);
    assert.ok(done() >= 1080 && done() <= 1110, `${done()} in the burst`);
    // 2000 in all and what leaks out meanwhile, at the average.
    await pass(9000);
    assert.ok(done() >= 2950 && done() <= 3010, `${done()} after it`);
  });

  it('shares one budget where disks share a throttle', async () => {
    const { clock, timers, pass } = virtualTime();
    const throttle = new Throttle({ total_iops_sec: 100 }, clock, timers);
    let done = 0;
    for (let i = 0; i < 2; i++) {
      const disk = new ThrottledBlock(new MemBlock(4096), throttle);
      for (let n = 0; n < 300; n++) void disk.write(0, new Uint8Array(512)).then(() => done++);
    }
    await pass(2000);
    assert.ok(done >= 209 && done <= 212, `${done}`);
  });

  it('applies new limits to what waits already, and none lets all of it go', async () => {
    const { begin, done, pass, throttle } = make({ total_iops_sec: 1 });
    begin(1000, 512);
    await pass(1000);
    assert.ok(done() <= 3, `${done()}`);
    throttle.tune = { total_iops_sec: 200 };
    await pass(1000);
    assert.ok(done() >= 200 && done() <= 230, `${done()}`);
    throttle.tune = {};
    await turn();
    assert.equal(done(), 1000);
  });

  it('refuses limits that cannot be', () => {
    const wrong: [Record<string, number>, RegExp][] = [
      [{ total_bytes_sec: -1 }, /whole number/],
      [{ total_bytes_sec: 1.5 }, /whole number/],
      [{ total_bytes_sec: 2e15 }, /whole number/],
      [{ novel: 1 }, /there is no 'novel'/],
      [{ total_bytes_sec: 1, read_bytes_sec: 1 }, /at the same time/],
      [{ read_iops_sec_max: 5 }, /needs read_iops_sec/],
      [{ read_iops_sec: 5, read_iops_sec_max: 4 }, /cannot be smaller/],
      [{ read_iops_sec: 5, read_iops_sec_max_length: 4 }, /needs read_iops_sec_max/],
      [{ read_iops_sec: 5, read_iops_sec_max: 1e14, read_iops_sec_max_length: 1e6 }, /too long/],
    ];
    for (const [tune, message] of wrong) assert.throws(() => checkIoTune(tune), { code: 'INVALID_ARG', message });
    checkIoTune({ total_bytes_sec: 0, read_bytes_sec: 5, read_bytes_sec_max: 5, read_bytes_sec_max_length: 60 });
  });
});
