import { strict as assert } from 'node:assert';
import { hartWord } from '../../../../src/cpu/index.ts';
import { Attention, Interrupt, SbiError, SbiExt, SbiFn, SrstReason, SrstType } from '../../../../src/isa/index.ts';
import { SBI_IMPL_ID } from '../../../../src/machine/firmware/sbi/base.ts';
import { PowerRequest } from '../../../../src/machine/power/power-request.ts';
import { SeededRandom } from '../../../../src/util/index.ts';
import { RAM_GPA } from '../support.ts';
import { CALL_PC, RAM_BYTES, SbiBench } from './bench.ts';

const ALL = 0xffff_ffff_ffff_ffffn;

describe('SbiFirmware', () => {
  it('answers in a0 and a1, moves pc past the call and touches no other register', () => {
    const bench = new SbiBench();
    const hart = bench.hart(0);
    for (let i = 1; i < 32; i++) hart.set('x', BigInt(i) << 40n, i);
    bench.call(SbiExt.BASE, SbiFn.BASE.GET_IMPL_ID);
    assert.equal(hart.get('pc'), CALL_PC + 4n);
    for (let i = 1; i < 32; i++) if (i !== 10 && i !== 11) assert.equal(hart.get('x', i), BigInt(i) << 40n);
  });

  it('wraps pc around at the end of the address space', () => {
    const bench = new SbiBench();
    const hart = bench.hart(0);
    hart.set('pc', 0xffff_ffff_ffff_fffcn);
    hart.words[hartWord.exitLength] = 4;
    bench.firmware.call(hart, SbiExt.BASE, 0);
    assert.equal(hart.get('pc'), 0n);
  });

  it('refuses extensions and functions it does not have', () => {
    const bench = new SbiBench();
    for (const ext of [SbiExt.NACL, SbiExt.STA, SbiExt.CPPC, SbiExt.LEGACY_SEND_IPI, 0x0a00_0000, 0xffff_ffff]) {
      assert.deepEqual(bench.call(ext, 0, 7, 7), { outcome: 'continue', error: SbiError.NOT_SUPPORTED, value: 0n });
    }
    for (const ext of [SbiExt.BASE, SbiExt.TIME, SbiExt.HSM, SbiExt.PMU, SbiExt.DBCN, SbiExt.SUSP, SbiExt.RFENCE]) {
      assert.equal(bench.call(ext, 100).error, SbiError.NOT_SUPPORTED);
      assert.equal(bench.call(ext, 0xffff_ffff).error, SbiError.NOT_SUPPORTED);
    }
    assert.equal(bench.call(SbiExt.RFENCE, SbiFn.RFENCE.REMOTE_HFENCE_GVMA).error, SbiError.NOT_SUPPORTED);
    assert.equal(bench.call(SbiExt.PMU, SbiFn.PMU.SNAPSHOT_SET_SHMEM).error, SbiError.NOT_SUPPORTED);
  });

  it('never throws, whatever a guest asks', () => {
    const seed = 4711;
    const random = new SeededRandom(seed);
    const ids = [...Object.values(SbiExt), 0x12345];
    const values = [0n, 1n, 2n, 3n, 15n, 0x8000_0000n, 0x9000_0000n, BigInt(RAM_GPA), BigInt(RAM_GPA + RAM_BYTES - 1)];
    values.push(1n << 52n, 1n << 63n, ALL, ALL - 1n, 0xf_0005n, 0x1_0000_0000n);
    let bench = new SbiBench();
    for (let round = 0; round < 20_000; round++) {
      if (round % 500 === 0) bench = new SbiBench(1 + random.below(8));
      const args = Array.from({ length: 6 }, () =>
        random.below(6) === 0 ? BigInt(random.u32()) : random.pick(values),
      );
      const ext = random.pick(ids);
      const fid = random.below(9);
      try {
        bench.callFrom(random.below(bench.harts.length), ext, fid, ...args);
      } catch (error) {
        assert.fail(`seed ${seed}, round ${round}, call ${ext.toString(16)}/${fid}(${args}): ${error}`);
      }
      bench.console.text = '';
    }
  });
});

describe('SBI BASE', () => {
  it('tells version 2.0, an implementation of its own, and hart identities of zero', () => {
    const bench = new SbiBench();
    const get = (fid: number) => bench.call(SbiExt.BASE, fid).value;
    assert.equal(get(SbiFn.BASE.GET_SPEC_VERSION), 0x0200_0000n);
    assert.equal(get(SbiFn.BASE.GET_IMPL_ID), BigInt(SBI_IMPL_ID));
    assert.ok(get(SbiFn.BASE.GET_IMPL_VERSION) > 0n);
    for (const fid of [SbiFn.BASE.GET_MVENDORID, SbiFn.BASE.GET_MARCHID, SbiFn.BASE.GET_MIMPID]) {
      assert.equal(get(fid), 0n);
    }
  });

  it('probes exactly the extensions that answer', () => {
    const bench = new SbiBench();
    const probe = (id: bigint | number) => bench.call(SbiExt.BASE, SbiFn.BASE.PROBE_EXTENSION, id).value;
    const present = Object.entries(SbiExt).filter(([, id]) => probe(id) === 1n);
    assert.deepEqual(present.map(([name]) => name).sort(), [
      'BASE',
      'DBCN',
      'HSM',
      'IPI',
      'LEGACY_CLEAR_IPI',
      'LEGACY_CONSOLE_GETCHAR',
      'LEGACY_CONSOLE_PUTCHAR',
      'LEGACY_SET_TIMER',
      'LEGACY_SHUTDOWN',
      'PMU',
      'RFENCE',
      'SRST',
      'SUSP',
      'TIME',
    ]);
    assert.equal(probe((1n << 32n) | BigInt(SbiExt.TIME)), 0n);
  });
});

describe('SBI TIME', () => {
  it('programs the timer, drops the pending interrupt and has the hart look again', () => {
    const bench = new SbiBench();
    const hart = bench.hart(0);
    hart.set32('mip', (1 << Interrupt.STI) | (1 << Interrupt.SSI));
    assert.equal(bench.call(SbiExt.TIME, SbiFn.TIME.SET_TIMER, 0x1234_5678_9abcn).error, SbiError.SUCCESS);
    assert.equal(hart.get('stimecmp'), 0x1234_5678_9abcn);
    assert.equal(hart.get32('mip'), 1 << Interrupt.SSI);
    assert.ok((hart.get32('attention') & Attention.INTERRUPT) !== 0);
    bench.call(SbiExt.TIME, SbiFn.TIME.SET_TIMER, ALL);
    assert.equal(hart.get('stimecmp'), ALL);
  });
});

describe('SBI IPI', () => {
  const pending = (bench: SbiBench) => bench.harts.map((hart) => (hart.get32('mip') >> Interrupt.SSI) & 1);
  const send = (bench: SbiBench, mask: bigint | number, base: bigint | number) =>
    bench.call(SbiExt.IPI, SbiFn.IPI.SEND_IPI, mask, base).error;

  it('reaches the harts of the mask, counted from the base', () => {
    const bench = new SbiBench(4);
    assert.equal(send(bench, 0b101, 1), SbiError.SUCCESS);
    assert.deepEqual(pending(bench), [0, 1, 0, 1]);
    assert.ok((bench.hart(3).get32('attention') & Attention.INTERRUPT) !== 0);
    assert.equal(bench.hart(2).get32('attention'), 0);
  });

  it('reaches all harts with base -1, whatever the mask', () => {
    const bench = new SbiBench(3);
    assert.equal(send(bench, 0, ALL), SbiError.SUCCESS);
    assert.deepEqual(pending(bench), [1, 1, 1]);
  });

  it('refuses harts that do not exist and then reaches none', () => {
    const bench = new SbiBench(2);
    const cases: [bigint, bigint][] = [
      [0b111n, 0n],
      [0b10n, 1n],
      [1n, 2n],
      [1n << 63n, 0n],
      [1n, ALL - 1n],
    ];
    for (const [mask, base] of cases) assert.equal(send(bench, mask, base), SbiError.INVALID_PARAM);
    assert.deepEqual(pending(bench), [0, 0]);
    assert.equal(send(bench, 0, 0), SbiError.SUCCESS);
  });
});

describe('SBI SRST', () => {
  const reset = (type: number, reason: number) => {
    const bench = new SbiBench();
    return { ...bench.call(SbiExt.SRST, SbiFn.SRST.SYSTEM_RESET, type, reason), power: bench.power };
  };

  it('asks for power off and reset, with a failure told from none', () => {
    const of = (type: number, reason: number) => {
      const { outcome, power } = reset(type, reason);
      assert.equal(outcome, 'power');
      return power;
    };
    assert.deepEqual(of(SrstType.SHUTDOWN, SrstReason.NONE), [[PowerRequest.SHUTDOWN, 0]]);
    assert.deepEqual(of(SrstType.SHUTDOWN, SrstReason.SYSTEM_FAILURE), [[PowerRequest.FAIL, 1]]);
    assert.deepEqual(of(SrstType.COLD_REBOOT, SrstReason.NONE), [[PowerRequest.RESET, 0]]);
    assert.deepEqual(of(SrstType.WARM_REBOOT, SrstReason.SYSTEM_FAILURE), [[PowerRequest.RESET, 0]]);
  });

  it('refuses reserved types and reasons', () => {
    for (const [type, reason] of [
      [3, 0],
      [0xf000_0000, 0],
      [0, 2],
      [0, 0xe000_0000],
    ] as const) {
      const { outcome, error, power } = reset(type, reason);
      assert.deepEqual([outcome, error, power], ['continue', SbiError.INVALID_PARAM, []]);
    }
  });
});

describe('SBI DBCN', () => {
  const write = (bench: SbiBench, bytes: bigint | number, lo: bigint | number, hi: bigint | number = 0) =>
    bench.call(SbiExt.DBCN, SbiFn.DBCN.CONSOLE_WRITE, bytes, lo, hi);
  const read = (bench: SbiBench, bytes: bigint | number, lo: bigint | number, hi: bigint | number = 0) =>
    bench.call(SbiExt.DBCN, SbiFn.DBCN.CONSOLE_READ, bytes, lo, hi);

  it('writes guest memory out and tells how much there was room for', () => {
    const bench = new SbiBench();
    bench.memory.write(RAM_GPA + 16, Buffer.from('hello, console'));
    assert.deepEqual(write(bench, 14, RAM_GPA + 16), { outcome: 'continue', error: 0, value: 14n });
    assert.equal(bench.console.text, 'hello, console');
    bench.console.room = 5;
    assert.equal(write(bench, 14, RAM_GPA + 16).value, 5n);
    assert.equal(write(bench, 14, RAM_GPA + 16).value, 0n);
    assert.equal(write(bench, 0, RAM_GPA).value, 0n);
  });

  it('writes a large buffer in pieces', () => {
    const bench = new SbiBench();
    const { error, value } = write(bench, RAM_BYTES, RAM_GPA);
    assert.equal(error, SbiError.SUCCESS);
    assert.ok(value > 0n && value <= BigInt(RAM_BYTES));
    assert.equal(bench.console.text.length, Number(value));
  });

  it('reads what has come in', () => {
    const bench = new SbiBench();
    assert.equal(read(bench, 8, RAM_GPA).value, 0n);
    bench.console.feed('input');
    assert.equal(read(bench, 3, RAM_GPA).value, 3n);
    assert.equal(read(bench, 100, RAM_GPA + 3).value, 2n);
    assert.equal(Buffer.from(bench.memory.view(RAM_GPA, 5).slice()).toString(), 'input');
  });

  it('refuses ranges that are not all memory', () => {
    const bench = new SbiBench();
    for (const call of [write, read]) {
      const refused = (bytes: bigint | number, lo: bigint | number, hi: bigint | number = 0) =>
        assert.equal(call(bench, bytes, lo, hi).error, SbiError.INVALID_PARAM);
      refused(1, 0x1000_0000);
      refused(1, RAM_GPA - 1);
      refused(2, RAM_GPA + RAM_BYTES - 1);
      refused(1, RAM_GPA, 1);
      refused(ALL, RAM_GPA);
      refused(1n << 40n, RAM_GPA);
      refused(1, ALL);
    }
    assert.equal(bench.console.text, '');
  });

  it('writes a byte, and has the call made again while there is no room', () => {
    const bench = new SbiBench();
    const writeByte = () => bench.call(SbiExt.DBCN, SbiFn.DBCN.CONSOLE_WRITE_BYTE, 0x141);
    bench.console.room = 0;
    assert.equal(writeByte().outcome, 'busy');
    assert.deepEqual([bench.hart(0).get('pc'), bench.hart(0).get('x', 10)], [CALL_PC, 0x141n]);
    bench.console.room = 1;
    assert.deepEqual(writeByte(), { outcome: 'continue', error: 0, value: 0n });
    assert.equal(bench.console.text, 'A');
  });
});

describe('SBI legacy extensions', () => {
  it('put and get characters, leaving a1 alone and ignoring the function id', () => {
    const bench = new SbiBench();
    const hart = bench.hart(0);
    bench.call(SbiExt.LEGACY_CONSOLE_PUTCHAR, 99, 0x42, 77);
    assert.deepEqual([bench.console.text, hart.get('x', 10), hart.get('x', 11)], ['B', 0n, 77n]);
    assert.equal(bench.call(SbiExt.LEGACY_CONSOLE_GETCHAR, 0).error, -1);
    bench.console.feed('z');
    assert.equal(bench.call(SbiExt.LEGACY_CONSOLE_GETCHAR, 0, 0, 77).error, 'z'.charCodeAt(0));
    assert.equal(hart.get('x', 11), 77n);
  });

  it('set the timer, clear an IPI and shut down', () => {
    const bench = new SbiBench();
    const hart = bench.hart(0);
    bench.call(SbiExt.LEGACY_SET_TIMER, 0, 1234);
    assert.equal(hart.get('stimecmp'), 1234n);
    hart.set32('mip', 1 << Interrupt.SSI);
    bench.call(SbiExt.LEGACY_CLEAR_IPI, 0);
    assert.equal(hart.get32('mip'), 0);
    assert.equal(bench.call(SbiExt.LEGACY_SHUTDOWN, 0).outcome, 'power');
    assert.deepEqual(bench.power, [[PowerRequest.SHUTDOWN, 0]]);
  });
});
