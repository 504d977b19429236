import { strict as assert } from 'node:assert';
import {
  csrByName,
  PMU_INFO_FIRMWARE,
  PmuConfigFlag,
  PmuEventType,
  PmuFirmwareEvent,
  PmuHardwareEvent,
  PmuStartFlag,
  PmuStopFlag,
  SbiError,
  SbiExt,
  SbiFn,
} from '../../../../src/isa/index.ts';
import { SbiBench } from './bench.ts';

const { PMU } = SbiFn;
const CYCLES = (PmuEventType.HARDWARE << 16) | PmuHardwareEvent.CPU_CYCLES;
const INSTRUCTIONS = (PmuEventType.HARDWARE << 16) | PmuHardwareEvent.INSTRUCTIONS;
const firmwareEvent = (code: number) => (PmuEventType.FIRMWARE << 16) | code;
const { AUTO_START, CLEAR_VALUE, SKIP_MATCH } = PmuConfigFlag;
const { CY } = csrByName.mcountinhibit.fields;

/** A bench with short names for PMU's calls, from hart 0. */
class PmuBench extends SbiBench {
  readonly count = Number(this.call(SbiExt.PMU, PMU.NUM_COUNTERS).value);

  /** The counters that exist, as Linux finds them out. */
  get mask(): number {
    let mask = 0;
    for (let i = 0; i < this.count; i++) {
      if (this.call(SbiExt.PMU, PMU.COUNTER_GET_INFO, i).error === SbiError.SUCCESS) mask |= 1 << i;
    }
    return mask;
  }

  config(flags: number, event: number | bigint, mask: number | bigint = this.mask, base: number | bigint = 0) {
    return this.call(SbiExt.PMU, PMU.COUNTER_CONFIG_MATCHING, base, mask, flags, event, 0);
  }

  start(index: number, flags: number = PmuStartFlag.SET_INIT_VALUE, initial: number | bigint = 0) {
    return this.call(SbiExt.PMU, PMU.COUNTER_START, index, 1, flags, initial).error;
  }

  stop(index: number, flags = 0) {
    return this.call(SbiExt.PMU, PMU.COUNTER_STOP, index, 1, flags).error;
  }

  read(index: number) {
    return this.call(SbiExt.PMU, PMU.COUNTER_FW_READ, index);
  }

  /** Something that counts: a call to set the timer. */
  setTimer(times = 1): void {
    for (let i = 0; i < times; i++) this.call(SbiExt.TIME, SbiFn.TIME.SET_TIMER, 0);
  }
}

describe('SBI PMU', () => {
  it('has cycle and instret at the offsets of their CSRs, nothing at that of time, then firmware counters', () => {
    const bench = new PmuBench();
    const info = (index: number) => bench.call(SbiExt.PMU, PMU.COUNTER_GET_INFO, index);
    assert.equal(info(0).value, 0xc00n | (63n << 12n));
    assert.equal(info(1).error, SbiError.INVALID_PARAM);
    assert.equal(info(2).value, 0xc02n | (63n << 12n));
    assert.ok(bench.count > 3);
    for (let i = 3; i < bench.count; i++) assert.notEqual(info(i).value & PMU_INFO_FIRMWARE, 0n);
    assert.equal(info(bench.count).error, SbiError.INVALID_PARAM);
  });

  it('gives cycles and instructions their counters, and other hardware events none', () => {
    const bench = new PmuBench();
    assert.equal(bench.config(0, CYCLES).value, 0n);
    assert.equal(bench.config(0, INSTRUCTIONS).value, 2n);
    assert.equal(bench.config(0, PmuHardwareEvent.CACHE_MISSES).error, SbiError.NOT_SUPPORTED);
    assert.equal(bench.config(0, (PmuEventType.HARDWARE_CACHE << 16) | 8).error, SbiError.NOT_SUPPORTED);
    assert.equal(bench.config(0, 1 << 20).error, SbiError.INVALID_PARAM);
  });

  it('starts and stops a hardware counter through mcountinhibit', () => {
    const bench = new PmuBench();
    const hart = bench.hart(0);
    hart.set('cycles', 500n);
    const inhibited = () => (hart.get('mcountinhibit') & CY.mask) !== 0n;
    bench.config(CLEAR_VALUE, CYCLES);
    assert.deepEqual([inhibited(), hart.get('cycles')], [true, 0n]);
    assert.equal(bench.start(0, PmuStartFlag.SET_INIT_VALUE, 1n << 40n), SbiError.SUCCESS);
    assert.deepEqual([inhibited(), hart.get('cycles')], [false, 1n << 40n]);
    assert.equal(bench.start(0), SbiError.ALREADY_STARTED);
    assert.equal(bench.stop(0), SbiError.SUCCESS);
    assert.equal(inhibited(), true);
    assert.equal(bench.stop(0), SbiError.ALREADY_STOPPED);
    assert.equal(hart.get('mcountinhibit') & ~CY.mask, 0n);
  });

  it('gives a counter in use to nobody else, and does not disturb it', () => {
    const bench = new PmuBench();
    assert.equal(bench.config(AUTO_START, CYCLES).error, SbiError.SUCCESS);
    assert.equal(bench.config(0, CYCLES).error, SbiError.NOT_SUPPORTED);
    assert.equal(bench.hart(0).get('mcountinhibit') & CY.mask, 0n);
    bench.stop(0, PmuStopFlag.RESET);
    assert.equal(bench.config(0, CYCLES).error, SbiError.SUCCESS);
  });

  it('counts firmware events while started', () => {
    const bench = new PmuBench();
    bench.setTimer(3);
    const index = Number(bench.config(CLEAR_VALUE | AUTO_START, firmwareEvent(PmuFirmwareEvent.SET_TIMER)).value);
    bench.setTimer(5);
    assert.equal(bench.read(index).value, 5n);
    assert.equal(bench.stop(index), SbiError.SUCCESS);
    bench.setTimer(7);
    assert.equal(bench.read(index).value, 5n);
    assert.equal(bench.start(index, 0), SbiError.SUCCESS);
    bench.setTimer();
    assert.equal(bench.read(index).value, 6n);
    bench.stop(index);
    bench.start(index, PmuStartFlag.SET_INIT_VALUE, 100);
    bench.setTimer();
    assert.equal(bench.read(index).value, 101n);
    assert.equal(bench.call(SbiExt.PMU, PMU.COUNTER_FW_READ_HI, index).value, 0n);
  });

  it('counts IPIs and fences on both ends', () => {
    const bench = new PmuBench(2);
    const event = PmuFirmwareEvent;
    const pairs = [
      [SbiExt.IPI, SbiFn.IPI.SEND_IPI, event.IPI_SENT, event.IPI_RECEIVED],
      [SbiExt.RFENCE, SbiFn.RFENCE.REMOTE_FENCE_I, event.FENCE_I_SENT, event.FENCE_I_RECEIVED],
      [SbiExt.RFENCE, SbiFn.RFENCE.REMOTE_SFENCE_VMA, event.SFENCE_VMA_SENT, event.SFENCE_VMA_RECEIVED],
      [SbiExt.RFENCE, SbiFn.RFENCE.REMOTE_SFENCE_VMA_ASID, event.SFENCE_VMA_ASID_SENT, event.SFENCE_VMA_ASID_RECEIVED],
    ] as const;
    for (const [ext, fid, sent, received] of pairs) {
      const setUp = (id: number, code: number) => {
        const flags = AUTO_START | CLEAR_VALUE;
        const args = [0, bench.mask, flags, firmwareEvent(code), 0];
        return bench.callFrom(id, SbiExt.PMU, PMU.COUNTER_CONFIG_MATCHING, ...args).value;
      };
      const mine = setUp(0, sent);
      const its = setUp(1, received);
      bench.call(ext, fid, 0b10, 0, 0, 0, 0);
      assert.equal(bench.callFrom(0, SbiExt.PMU, PMU.COUNTER_FW_READ, mine).value, 1n, String(sent));
      assert.equal(bench.callFrom(1, SbiExt.PMU, PMU.COUNTER_FW_READ, its).value, 1n, String(received));
    }
  });

  it('has no counter for traps that never reach it, and runs out of counters', () => {
    const bench = new PmuBench();
    assert.equal(bench.config(0, firmwareEvent(PmuFirmwareEvent.ILLEGAL_INSN)).error, SbiError.NOT_SUPPORTED);
    assert.equal(bench.config(0, firmwareEvent(0xffff)).error, SbiError.NOT_SUPPORTED);
    const taken = new Set<bigint>();
    for (let i = 3; i < bench.count; i++) taken.add(bench.config(0, firmwareEvent(PmuFirmwareEvent.IPI_SENT)).value);
    assert.equal(taken.size, bench.count - 3);
    assert.equal(bench.config(0, firmwareEvent(PmuFirmwareEvent.IPI_SENT)).error, SbiError.NOT_SUPPORTED);
    bench.stop(4, PmuStopFlag.RESET);
    assert.equal(bench.config(0, firmwareEvent(PmuFirmwareEvent.IPI_SENT)).value, 4n);
  });

  it('keeps the counter it has when told to skip matching', () => {
    const bench = new PmuBench();
    assert.equal(bench.config(SKIP_MATCH, CYCLES, 1, 2).value, 2n);
    const index = Number(bench.config(0, firmwareEvent(PmuFirmwareEvent.SET_TIMER)).value);
    assert.equal(bench.config(SKIP_MATCH | AUTO_START, 0, 1, index).value, BigInt(index));
    bench.setTimer();
    assert.equal(bench.read(index).value, 1n);
    assert.equal(bench.config(SKIP_MATCH, 0, 1, index + 1).error, SbiError.INVALID_PARAM);
    assert.equal(bench.config(SKIP_MATCH, 0, 0).error, SbiError.INVALID_PARAM);
  });

  it('refuses counters that do not exist and snapshots', () => {
    const bench = new PmuBench();
    for (const [base, mask] of [
      [1, 1],
      [0, 0b10],
      [bench.count, 1],
      [0, 1n << 63n],
      [1n << 63n, 1],
    ] as const) {
      assert.equal(bench.config(0, CYCLES, mask, base).error, SbiError.INVALID_PARAM);
      assert.equal(bench.call(SbiExt.PMU, PMU.COUNTER_START, base, mask, 0, 0).error, SbiError.INVALID_PARAM);
      assert.equal(bench.call(SbiExt.PMU, PMU.COUNTER_STOP, base, mask, 0).error, SbiError.INVALID_PARAM);
    }
    assert.equal(bench.start(3), SbiError.INVALID_PARAM);
    for (const index of [0, 1, 3, bench.count]) assert.equal(bench.read(index).error, SbiError.INVALID_PARAM);
    assert.equal(bench.start(0, PmuStartFlag.INIT_SNAPSHOT), SbiError.NO_SHMEM);
    assert.equal(bench.stop(0, PmuStopFlag.TAKE_SNAPSHOT), SbiError.NO_SHMEM);
  });

  it('forgets all counters at reset', () => {
    const bench = new PmuBench();
    bench.config(AUTO_START, firmwareEvent(PmuFirmwareEvent.SET_TIMER));
    bench.firmware.reset();
    assert.equal(bench.read(3).error, SbiError.INVALID_PARAM);
  });
});
