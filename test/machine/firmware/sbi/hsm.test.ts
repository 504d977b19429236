import { strict as assert } from 'node:assert';
import { hartWord } from '../../../../src/cpu/index.ts';
import {
  Attention,
  csrByName,
  HsmState,
  HsmSuspendType,
  Priv,
  SbiError,
  SbiExt,
  SbiFn,
} from '../../../../src/isa/index.ts';
import { isStarted } from '../../../../src/machine/firmware/sbi/firmware.ts';
import { RAM_GPA } from '../support.ts';
import { CALL_PC, RAM_BYTES, SbiBench } from './bench.ts';

const START = RAM_GPA + 0x2000;
const { SIE, FS } = csrByName.mstatus.fields;

function start(bench: SbiBench, id: bigint | number, pc: bigint | number = START, opaque: bigint | number = 0x77) {
  return bench.call(SbiExt.HSM, SbiFn.HSM.HART_START, id, pc, opaque);
}

function status(bench: SbiBench, id: bigint | number) {
  return bench.call(SbiExt.HSM, SbiFn.HSM.HART_GET_STATUS, id);
}

function suspend(bench: SbiBench, type: number, pc: bigint | number = START, opaque = 0x99) {
  return bench.call(SbiExt.HSM, SbiFn.HSM.HART_SUSPEND, type, pc, opaque);
}

describe('SBI HSM hart_start', () => {
  it('starts a stopped hart in S-mode with translation and interrupts off, a0 its id and a1 the opaque value', () => {
    const bench = new SbiBench();
    const hart = bench.hart(1);
    hart.set('satp', 8n << 60n);
    hart.set('mstatus', SIE.mask | FS.mask);
    hart.set32('priv', Priv.U);
    hart.set('mie', 0x222n);
    hart.set32('mip', 2);
    const epoch = hart.get32('codeEpoch');
    assert.equal(isStarted(hart), false);
    assert.equal(start(bench, 1, START, 0xdead_beef_cafe_f00dn).error, SbiError.SUCCESS);
    assert.deepEqual(
      [hart.get('pc'), hart.get('x', 10), hart.get('x', 11)],
      [BigInt(START), 1n, 0xdead_beef_cafe_f00dn],
    );
    assert.deepEqual([hart.get('satp'), hart.get32('priv'), hart.get('mie'), hart.get32('mip')], [0n, Priv.S, 0n, 0]);
    assert.equal(hart.get('mstatus') & SIE.mask, 0n);
    assert.equal(isStarted(hart), true);
    // Whoever waits for it wakes, and looks at memory and translations anew.
    assert.ok((hart.get32('attention') & Attention.FLUSH_TLB) !== 0);
    assert.notEqual(hart.get32('codeEpoch'), epoch);
  });

  it('refuses harts that run, harts that do not exist and addresses without memory', () => {
    const bench = new SbiBench();
    assert.equal(start(bench, 0).error, SbiError.ALREADY_AVAILABLE);
    for (const id of [2, 1n << 32n, 1n << 63n]) assert.equal(start(bench, id).error, SbiError.INVALID_PARAM);
    for (const pc of [
      0,
      START + 1,
      RAM_GPA + RAM_BYTES,
      RAM_GPA + RAM_BYTES - 1,
      1n << 60n,
      BigInt(START) - (1n << 63n),
    ]) {
      assert.equal(start(bench, 1, pc).error, SbiError.INVALID_ADDRESS, String(pc));
    }
    assert.equal(bench.hart(1).get32('hartStatus'), HsmState.STOPPED);
    assert.equal(start(bench, 1).error, SbiError.SUCCESS);
    assert.equal(start(bench, 1).error, SbiError.ALREADY_AVAILABLE);
  });

  it('lets one of two starters win', () => {
    const bench = new SbiBench(3);
    bench.hart(2).set32('hartStatus', HsmState.START_PENDING);
    assert.equal(start(bench, 2).error, SbiError.ALREADY_AVAILABLE);
    assert.equal(bench.hart(2).get('pc'), 0n);
  });
});

describe('SBI HSM hart_stop and hart_get_status', () => {
  it('stop the caller, which can then be started again', () => {
    const bench = new SbiBench();
    start(bench, 1);
    assert.equal(status(bench, 1).value, BigInt(HsmState.STARTED));
    assert.equal(bench.callFrom(1, SbiExt.HSM, SbiFn.HSM.HART_STOP).outcome, 'stopped');
    assert.equal(status(bench, 1).value, BigInt(HsmState.STOPPED));
    assert.equal(start(bench, 1, START + 8).error, SbiError.SUCCESS);
    assert.equal(bench.hart(1).get('pc'), BigInt(START + 8));
  });

  it('know no harts that do not exist', () => {
    const bench = new SbiBench();
    assert.equal(status(bench, 2).error, SbiError.INVALID_PARAM);
    assert.equal(status(bench, 0).value, BigInt(HsmState.STARTED));
  });
});

describe('SBI HSM hart_suspend', () => {
  it('keeps everything in a retentive suspension', () => {
    const bench = new SbiBench();
    const hart = bench.hart(0);
    hart.set('satp', 8n << 60n);
    assert.deepEqual(suspend(bench, HsmSuspendType.DEFAULT_RETENTIVE, 0).outcome, 'suspended');
    assert.deepEqual([hart.get('pc'), hart.get('x', 10), hart.get('satp')], [CALL_PC + 4n, 0n, 8n << 60n]);
    assert.equal(hart.get32('hartStatus'), HsmState.SUSPENDED);
    bench.firmware.wake(hart);
    assert.equal(isStarted(hart), true);
  });

  it('goes on at the given address after a non-retentive one, woken by what was enabled before', () => {
    const bench = new SbiBench();
    const hart = bench.hart(0);
    hart.set('satp', 8n << 60n);
    hart.set('mstatus', SIE.mask);
    hart.set('mie', 0x22n);
    hart.set('stimecmp', 5000n);
    assert.equal(suspend(bench, HsmSuspendType.DEFAULT_NON_RETENTIVE).outcome, 'suspended');
    assert.deepEqual([hart.get('pc'), hart.get('x', 10), hart.get('x', 11)], [BigInt(START), 0n, 0x99n]);
    assert.deepEqual([hart.get('satp'), hart.get('mstatus') & SIE.mask], [0n, 0n]);
    assert.deepEqual([hart.get('mie'), hart.get('stimecmp')], [0x22n, 5000n]);
  });

  it('refuses reserved and platform types, and addresses without memory', () => {
    const bench = new SbiBench();
    for (const type of [1, 0x0fff_ffff, HsmSuspendType.PLATFORM_RETENTIVE, HsmSuspendType.PLATFORM_NON_RETENTIVE]) {
      assert.equal(suspend(bench, type).error, SbiError.INVALID_PARAM);
    }
    assert.equal(suspend(bench, HsmSuspendType.DEFAULT_NON_RETENTIVE, 0).error, SbiError.INVALID_ADDRESS);
    assert.equal(isStarted(bench.hart(0)), true);
  });

  it('wakes no hart that is not suspended', () => {
    const bench = new SbiBench();
    bench.firmware.wake(bench.hart(1));
    assert.equal(bench.hart(1).get32('hartStatus'), HsmState.STOPPED);
  });
});

describe('SBI SUSP', () => {
  const sleep = (bench: SbiBench, type = 0, pc: number = START) =>
    bench.call(SbiExt.SUSP, SbiFn.SUSP.SYSTEM_SUSPEND, type, pc, 0x55);

  it('suspends the last hart, which goes on at the given address', () => {
    const bench = new SbiBench();
    const hart = bench.hart(0);
    assert.equal(sleep(bench).outcome, 'suspended');
    assert.deepEqual([hart.get('pc'), hart.get('x', 10), hart.get('x', 11)], [BigInt(START), 0n, 0x55n]);
    assert.equal(hart.words[hartWord.hartStatus], HsmState.SUSPENDED);
  });

  it('refuses while another hart runs, other sleep types, and addresses without memory', () => {
    const bench = new SbiBench();
    assert.equal(sleep(bench, 1).error, SbiError.INVALID_PARAM);
    assert.equal(sleep(bench, 0, 0).error, SbiError.INVALID_ADDRESS);
    start(bench, 1);
    assert.equal(sleep(bench).error, SbiError.DENIED);
    assert.equal(isStarted(bench.hart(0)), true);
  });
});
