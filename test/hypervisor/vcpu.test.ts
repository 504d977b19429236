import { strict as assert } from 'node:assert';
import { Stop } from '../../src/cpu/index.ts';
import { createSharedMemory, registers, type Vcpu, Vm } from '../../src/hypervisor/index.ts';
import { Attention, HartConfig } from '../../src/isa/index.ts';
import { ManualClock } from '../../src/util/index.ts';
import { type FakeHart, fakeEngine, type Step } from '../support/fake-engine.ts';

function makeVcpu(script: Step[]): { vm: Vm; vcpu: Vcpu; hart: FakeHart } {
  const shared = createSharedMemory({ ramBytes: 4096 });
  const vm = Vm.create({ shared, clock: new ManualClock(), harts: 1, timebaseHz: 10_000_000, clockMode: 'virtual' });
  const engine = fakeEngine(shared.buffer, [script]);
  return { vm, vcpu: vm.createVcpu(0, engine), hart: engine.harts[0] };
}

describe('hypervisor: run', () => {
  it('turns stops into exits, reusing the object', () => {
    const { vcpu } = makeVcpu([
      (h) => h.mmio(0, 0x1000_0005, 1),
      (h) => h.mmio(1, 0xf_1234_5678_9abc, 8, 0xfedc_ba98_7654_3210n),
      (h) => h.mmio(0, 0x2000, 4),
      () => Stop.Wfi,
      () => Stop.Budget,
      () => Stop.Kicked,
      () => Stop.Fault,
    ]);
    const first = vcpu.run(10);
    assert.deepEqual({ ...first }, { kind: 'mmio-read', gpa: 0x1000_0005, size: 1 });
    assert.deepEqual(
      { ...vcpu.run(10) },
      { kind: 'mmio-write', gpa: 0xf_1234_5678_9abc, size: 8, lo: 0x7654_3210, hi: 0xfedc_ba98 },
    );
    assert.equal(vcpu.run(10), first);
    assert.equal(vcpu.run(10).kind, 'wfi');
    assert.equal(vcpu.run(10).kind, 'budget');
    assert.equal(vcpu.run(10).kind, 'kicked');
    assert.deepEqual({ ...vcpu.run(10) }, { kind: 'fault', detail: 'the script says so' });
  });

  it('hands SBI calls over with numbers unsigned, and completes them', () => {
    const { vcpu } = makeVcpu([
      (h) => {
        h.state.set('x', 0x8000_0001n, 17);
        h.state.set('x', 2n, 16);
        h.state.set('pc', 0x8020_0000n);
        h.state.set32('exitLength', 4);
        return Stop.Ecall;
      },
    ]);
    assert.deepEqual({ ...vcpu.run(1) }, { kind: 'sbi', ext: 0x8000_0001, fid: 2 });
    vcpu.completeSbi(-2, 5, 1);
    assert.equal(vcpu.getReg('core.a0'), 0xffff_ffff_ffff_fffen);
    assert.equal(vcpu.getReg('core.a1'), 0x1_0000_0005n);
    assert.equal(vcpu.getReg('core.regs.pc'), 0x8020_0004n);
  });

  it('refuses atomic accesses to devices by itself', () => {
    const { vcpu, hart } = makeVcpu([(h) => h.mmio(2, 0x1000, 4)]);
    assert.equal(vcpu.run(10).kind, 'budget');
    assert.deepEqual(hart.calls, ['invalidate', 'run 10', 'refuse']);
  });

  it('steps one instruction at a time when debugging', () => {
    const { vcpu, hart } = makeVcpu([
      (h) => {
        h.state.set('pc', 0x80n);
        return Stop.Budget;
      },
      () => Stop.Wfi,
      () => Stop.Budget,
    ]);
    vcpu.setDebug({ singleStep: true, ebreakExit: true });
    assert.equal(vcpu.state.get32('hartConfig') & HartConfig.EBREAK_EXIT, HartConfig.EBREAK_EXIT);
    assert.deepEqual({ ...vcpu.run(1000) }, { kind: 'debug', pc: 0x80n });
    assert.equal(vcpu.run(1000).kind, 'debug');
    vcpu.setDebug({ singleStep: false, ebreakExit: false });
    assert.equal(vcpu.run(1000).kind, 'budget');
    assert.equal(vcpu.state.get32('hartConfig') & HartConfig.EBREAK_EXIT, 0);
    assert.deepEqual(
      hart.calls.filter((c) => c.startsWith('run')),
      ['run 1', 'run 1', 'run 1000'],
    );
  });

  it('can be kicked', () => {
    const { vm, vcpu } = makeVcpu([]);
    vcpu.kick();
    assert.equal(vm.harts[0].get32('attention') & Attention.KICK, Attention.KICK);
  });
});

describe('hypervisor: registers', () => {
  it('have the numbers of the kernel interface', () => {
    const byName = new Map(registers.map((r) => [r.name, r.id]));
    const expected: Record<string, bigint> = {
      'config.isa': 0x8030_0000_0100_0000n,
      'core.regs.pc': 0x8030_0000_0200_0000n,
      'core.regs.a0': 0x8030_0000_0200_000an,
      'core.regs.t6': 0x8030_0000_0200_001fn,
      'core.mode': 0x8030_0000_0200_0020n,
      'csr.sstatus': 0x8030_0000_0300_0000n,
      'csr.satp': 0x8030_0000_0300_0008n,
      'timer.time': 0x8030_0000_0400_0001n,
      'fp_f.f[3]': 0x8020_0000_0500_0003n,
      'fp_d.fcsr': 0x8020_0000_0600_0020n,
      'isa_ext.sstc': 0x8030_0000_0700_0008n,
      'isa_ext.svadu': 0x8030_0000_0700_0041n,
    };
    for (const [name, id] of Object.entries(expected)) assert.equal(byName.get(name), id, name);
    const ids = registers.flatMap((r) => (r.id === undefined ? [] : [r.id]));
    assert.equal(new Set(ids).size, ids.length);
    assert.equal(new Set(registers.map((r) => r.name)).size, registers.length);
  });

  it('read back what was written, under name, number and short name', () => {
    const { vcpu } = makeVcpu([]);
    vcpu.setReg('core.a0', 0xfedc_ba98_7654_3210n);
    assert.equal(vcpu.getReg(0x8030_0000_0200_000an), 0xfedc_ba98_7654_3210n);
    vcpu.setReg('fp_f.f[2]', 0x3f80_0000n);
    assert.equal(vcpu.getReg('fp_d.f[2]'), 0xffff_ffff_3f80_0000n);
    vcpu.setReg('timer.time', 12345n);
    assert.equal(vcpu.getReg('timer.time'), 12345n);
    vcpu.setReg('timer.state', 0n);
    assert.equal(vcpu.getReg('timer.compare'), 0xffff_ffff_ffff_ffffn);
  });

  it('are views where the specification says so', () => {
    const { vcpu } = makeVcpu([]);
    vcpu.setReg('csr.mstatus', 0xa_0000_1800n);
    vcpu.setReg('csr.sstatus', 0xffff_ffff_ffff_ffffn);
    assert.equal(vcpu.getReg('csr.mstatus'), 0xa_000c_7922n);
    assert.equal(vcpu.getReg('csr.sstatus'), 0x8000_0002_000c_6122n);
    vcpu.setReg('csr.mideleg', 0x222n);
    vcpu.setReg('csr.mie', 0x88n);
    vcpu.setReg('csr.sie', 0xaaan);
    assert.equal(vcpu.getReg('csr.sie'), 0x222n);
    assert.equal(vcpu.getReg('csr.mie'), 0x2aan);
  });

  it('refuse what does not exist, does not fit or does not change', () => {
    const { vcpu } = makeVcpu([]);
    assert.throws(() => vcpu.getReg('core.x5'), /no register 'core.x5'/);
    assert.throws(() => vcpu.getReg(5n), /no register 0x5/);
    assert.throws(() => vcpu.setReg('timer.frequency', 1n), /cannot be changed/);
    vcpu.setReg('timer.frequency', 10_000_000n);
    assert.throws(() => vcpu.setReg('fp_f.fcsr', 1n << 32n), /does not fit/);
    assert.throws(() => vcpu.setReg('core.a0', -1n), /does not fit/);
  });

  it('make the engine look again before it runs', () => {
    const { vcpu, hart } = makeVcpu([]);
    vcpu.run(1);
    vcpu.run(1);
    vcpu.setReg('csr.satp', 0n);
    vcpu.run(1);
    assert.deepEqual(hart.calls, ['invalidate', 'run 1', 'run 1', 'invalidate', 'run 1']);
  });
});

describe('hypervisor: vCPU state', () => {
  it('survives saving, JSON and restoring', () => {
    const { vcpu } = makeVcpu([]);
    vcpu.setReg('core.a0', 0xfedc_ba98_7654_3210n);
    vcpu.setReg('csr.mstatus', 0xa_0000_1800n);
    vcpu.setReg('core.mode', 3n);
    const saved = JSON.parse(JSON.stringify(vcpu.save()));
    const { vcpu: other } = makeVcpu([]);
    other.restore(saved);
    assert.deepEqual(other.save(), saved);
    assert.equal(other.getReg('core.a0'), 0xfedc_ba98_7654_3210n);
  });

  it('is refused whole when a part is missing or rubbish', () => {
    const { vcpu } = makeVcpu([]);
    vcpu.setReg('core.a0', 7n);
    const before = vcpu.save();
    const { pc: _, ...without } = before.fields;
    assert.throws(() => vcpu.restore({ version: 1, fields: without }), /'pc'/);
    assert.throws(() => vcpu.restore({ version: 1, fields: { ...before.fields, satp: 'xyz' } }), /'satp'/);
    assert.throws(() => vcpu.restore({ ...before, version: 2 as 1 }), /version 2/);
    assert.deepEqual(vcpu.save(), before);
  });
});
