import { strict as assert } from 'node:assert';
import { TimerQueue } from '../../../src/machine/bus/timers.ts';
import { memoryMap } from '../../../src/machine/memory-map.ts';
import { GOLDFISH_RTC_REGION_BYTES, GoldfishRtc, GoldfishRtcBack } from '../../../src/machine/rtc/goldfish.ts';
import { cells, createTestBoard, describeTree, strings, type TestBoard } from '../device-contract.ts';

const Reg = {
  TIME_LOW: 0x00,
  TIME_HIGH: 0x04,
  ALARM_LOW: 0x08,
  ALARM_HIGH: 0x0c,
  IRQ_ENABLED: 0x10,
  CLEAR_ALARM: 0x14,
  ALARM_STATUS: 0x18,
  CLEAR_INTERRUPT: 0x1c,
} as const;
const START = 1_700_000_000_000_000_000n;
const SECOND = 1_000_000_000n;

describe('goldfish RTC', () => {
  let board: TestBoard;
  let rtc: GoldfishRtc;
  let timers: TimerQueue;
  let back: GoldfishRtcBack;

  beforeEach(() => {
    board = createTestBoard(GOLDFISH_RTC_REGION_BYTES);
    rtc = new GoldfishRtc(memoryMap.rtc, board.region, {
      irq: board.irq,
      doorbell: board.doorbell,
      clock: board.clock,
    });
    rtc.reset();
    timers = new TimerQueue(board.clock);
    back = new GoldfishRtcBack(rtc, timers);
  });

  const get = (off: number) => rtc.read(off, 4);
  const put = (off: number, value: number | bigint) => rtc.write(off, 4, Number(BigInt.asUintN(32, BigInt(value))));
  const time = () => {
    const low = BigInt(get(Reg.TIME_LOW));
    return (BigInt(get(Reg.TIME_HIGH)) << 32n) | low;
  };
  /** As Linux's rtc-goldfish sets an alarm. */
  const setAlarm = (at: bigint) => {
    put(Reg.ALARM_HIGH, at >> 32n);
    put(Reg.ALARM_LOW, at);
    put(Reg.IRQ_ENABLED, 1);
    back.service();
  };
  const advance = (ns: number) => {
    board.clock.advance(ns);
    timers.runDue();
  };

  it('tells the wall-clock time in nanoseconds, high half latched by the low one', () => {
    assert.equal(time(), START);
    board.clock.advance(5e9);
    assert.equal(time(), START + 5n * SECOND);
    const low = get(Reg.TIME_LOW);
    board.clock.advance(5e9);
    assert.equal((BigInt(get(Reg.TIME_HIGH)) << 32n) | BigInt(low), START + 5n * SECOND);
  });

  it('goes on from the time that the guest sets, over a reset too', () => {
    const wanted = 1_000_000_123_456_789n;
    put(Reg.TIME_HIGH, wanted >> 32n);
    put(Reg.TIME_LOW, wanted);
    assert.equal(time(), wanted);
    board.clock.advance(1e9);
    rtc.reset();
    assert.equal(time(), wanted + SECOND);
  });

  it('raises its interrupt when the alarm comes, once', () => {
    setAlarm(START + 3n * SECOND);
    assert.equal(get(Reg.ALARM_STATUS), 1);
    assert.equal(timers.nextNs, 3e9);
    advance(3e9 - 1);
    assert.equal(board.irq.level, false);
    advance(1);
    assert.equal(board.irq.level, true);
    assert.equal(get(Reg.ALARM_STATUS), 0);
    put(Reg.CLEAR_INTERRUPT, 1);
    assert.equal(board.irq.level, false);
    advance(1e12);
    assert.equal(board.irq.rises, 1);
    assert.equal((BigInt(get(Reg.ALARM_HIGH)) << 32n) | BigInt(get(Reg.ALARM_LOW)), START + 3n * SECOND);
  });

  it('raises it at once for an alarm in the past', () => {
    setAlarm(START - SECOND);
    assert.equal(board.irq.level, true);
    assert.equal(timers.nextNs, Number.POSITIVE_INFINITY);
  });

  it('keeps an interrupt pending while disabled', () => {
    setAlarm(START);
    put(Reg.IRQ_ENABLED, 0);
    assert.equal(board.irq.level, false);
    put(Reg.IRQ_ENABLED, 1);
    assert.equal(board.irq.level, true);
  });

  it('forgets a cleared alarm and follows a moved one', () => {
    setAlarm(START + SECOND);
    put(Reg.CLEAR_ALARM, 1);
    back.service();
    advance(2e9);
    assert.equal(board.irq.level, false);
    setAlarm(START + 100n * SECOND);
    setAlarm(START + 50n * SECOND);
    advance(48e9);
    assert.equal(board.irq.level, true);
  });

  it('fires early when the guest sets its time past the alarm', () => {
    setAlarm(START + 1000n * SECOND);
    const wanted = START + 2000n * SECOND;
    put(Reg.TIME_HIGH, wanted >> 32n);
    put(Reg.TIME_LOW, wanted);
    back.service();
    assert.equal(board.irq.level, true);
  });

  it('reaches alarms that are years away', () => {
    const years = 20n * 365n * 86_400n * SECOND;
    setAlarm(START + years);
    let steps = 0;
    while (!board.irq.level && steps++ < 200_000) advance(timers.nextNs - board.clock.nowNs());
    assert.equal(board.irq.level, true);
    assert.ok(board.clock.nowNs() >= Number(years));
  });

  it('rings for what moves the alarm, not for reads', () => {
    board.doorbell.rings = 0;
    time();
    get(Reg.ALARM_STATUS);
    put(Reg.ALARM_HIGH, 1);
    assert.equal(board.doorbell.rings, 0);
    put(Reg.ALARM_LOW, 1);
    assert.equal(board.doorbell.rings, 1);
  });

  it('sets no timer after it is closed', async () => {
    setAlarm(START + SECOND);
    await back.close();
    assert.equal(timers.nextNs, Number.POSITIVE_INFINITY);
    back.service();
    assert.equal(timers.nextNs, Number.POSITIVE_INFINITY);
  });

  it('describes itself as QEMU’s board does', () => {
    const node = describeTree(rtc).soc.get('rtc@101000');
    assert.deepEqual(strings(node, 'compatible'), ['google,goldfish-rtc']);
    assert.deepEqual(cells(node, 'interrupts'), [10]);
  });
});
