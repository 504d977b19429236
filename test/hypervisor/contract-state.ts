/** Memory, registers and state, and control from other threads. */
import { strict as assert } from 'node:assert';
import type { Worker } from 'node:worker_threads';
import type { EngineKind } from '../../src/cpu/index.ts';
import { createSharedMemory, Vm } from '../../src/hypervisor/index.ts';
import { assemble, sharedMap } from '../../src/isa/index.ts';
import { HostClock } from '../../src/util/index.ts';
import { startTsWorker, workerEnd } from '../support/ts-worker.ts';
import { load, newVcpu, next, RAM, RAM_BYTES } from './rig.ts';

/** See contract.ts. */
export function describeMemory(kind: EngineKind): void {
  it('logs the pages that the guest writes, afresh after each look', () => {
    const { vm, vcpu } = load(
      kind,
      `li a0, 0x80010000
       li a1, 0x80020ffe
      1: sd a2, (a0)
       sw a2, (a1)
       amoadd.w a2, a2, (a0)
       wfi
       j 1b`,
    );
    assert.equal(next(vcpu).kind, 'wfi');
    vm.updateSlot(0, { logDirty: true });
    assert.equal(next(vcpu).kind, 'wfi');
    const pages = () => {
      const log = vm.dirtyLog(0);
      return Array.from({ length: log.length * 32 }, (_, i) => i).filter(
        (i) => ((log[i >>> 5] >>> (i & 31)) & 1) !== 0,
      );
    };
    assert.deepEqual(pages(), [0x10, 0x20, 0x21], 'the store across two pages dirties both');
    assert.deepEqual(pages(), []);
    assert.equal(next(vcpu).kind, 'wfi');
    assert.deepEqual(pages(), [0x10, 0x20, 0x21]);
  });

  it('turns stores to read-only memory into exits, loads go through', () => {
    const { vm, vcpu } = load(kind, `li a0, 0x90000000\n lw a1, (a0)\n sw a1, 4(a0)\n wfi`);
    vm.addSlot({
      id: 1,
      gpa: 0x9000_0000,
      bytes: 4096,
      offset: sharedMap.ram + RAM_BYTES,
      readOnly: false,
      logDirty: false,
    });
    vm.memory.setU32(0x9000_0000, 42);
    vm.updateSlot(1, { readOnly: true });
    assert.deepEqual(next(vcpu), { kind: 'mmio-write', gpa: 0x9000_0004, size: 4, lo: 42, hi: 0 });
    vcpu.completeMmio(0, 0);
    assert.equal(next(vcpu).kind, 'wfi');
    assert.equal(vm.memory.u32(0x9000_0004), 0);
  });

  it('follows slots that come and go', () => {
    const { vm, vcpu } = load(kind, `li a0, 0x90000000\n 1: lw a1, (a0)\n wfi\n j 1b`);
    const slot = {
      id: 1,
      gpa: 0x9000_0000,
      bytes: 4096,
      offset: sharedMap.ram + RAM_BYTES,
      readOnly: false,
      logDirty: false,
    };
    assert.equal(next(vcpu).kind, 'mmio-read');
    vcpu.completeMmio(1, 0);
    assert.equal(next(vcpu).kind, 'wfi');
    vm.addSlot(slot);
    vm.memory.setU32(0x9000_0000, 7);
    assert.equal(next(vcpu).kind, 'wfi');
    assert.equal(vcpu.getReg('core.a1'), 7n);
    vm.removeSlot(1);
    assert.equal(next(vcpu).kind, 'mmio-read');
  });

  it('sees code that was written from outside once told', () => {
    const { vm, vcpu } = load(kind, `1: li a0, 1\n wfi\n j 1b`);
    assert.equal(next(vcpu).kind, 'wfi');
    vm.memory.write(RAM, assemble('li a0, 2', { base: RAM }).bytes);
    vm.invalidateCode();
    assert.equal(next(vcpu).kind, 'wfi');
    assert.equal(vcpu.getReg('core.a0'), 2n);
  });
}

/** See contract.ts. */
export function describeState(kind: EngineKind): void {
  it('goes on in another machine from saved state, as if nothing had happened', () => {
    const source = `1: addi a0, a0, 1
       mul a1, a1, a0
       addi a1, a1, 7
       j 1b`;
    const straight = load(kind, source);
    straight.vcpu.run(1000);
    const first = load(kind, source);
    first.vcpu.run(437);
    const saved = JSON.parse(JSON.stringify(first.vcpu.save()));
    const second = load(kind, source);
    second.vcpu.restore(saved);
    second.vcpu.run(1000 - 437);
    assert.deepEqual(second.vcpu.save(), straight.vcpu.save());
  });

  it('goes on with another engine on the same state block', () => {
    const { vm, vcpu } = load(kind, `1: addi a0, a0, 1\n j 1b`);
    vcpu.run(101);
    const other = newVcpu(kind, vm);
    other.run(100);
    assert.equal(other.getReg('core.a0'), 101n);
    assert.equal(other.state.get('retired'), 201n);
  });

  it('runs with registers set from outside', () => {
    const { vcpu } = load(kind, `add a2, a0, a1\n wfi`);
    vcpu.setReg('core.a0', 40n);
    vcpu.setReg('core.a1', 2n);
    assert.equal(next(vcpu).kind, 'wfi');
    assert.equal(vcpu.getReg('core.a2'), 42n);
    vcpu.setReg('core.regs.pc', BigInt(RAM));
    vcpu.setReg('core.a0', 1n);
    assert.equal(next(vcpu).kind, 'wfi');
    assert.equal(vcpu.getReg('core.a2'), 3n);
  });

  it('shows the status fields of a running guest through the kernel interface', () => {
    const { vcpu } = load(
      kind,
      `csrsi mstatus, 2\n li t0, 0x2000\n csrs mstatus, t0\n li t0, 0x1234\n csrw sscratch, t0\n wfi`,
    );
    assert.equal(next(vcpu).kind, 'wfi');
    assert.equal(vcpu.getReg('csr.sstatus'), 0x2_0000_2002n);
    assert.equal(vcpu.getReg('csr.sscratch'), 0x1234n);
    assert.equal(vcpu.getReg('core.mode'), 3n);
    assert.equal(vcpu.getReg('isa_ext.zba'), 1n);
    assert.equal(vcpu.getReg('isa_ext.v'), 0n);
  });
}

/** See contract.ts. */
export function describeThreads(kind: EngineKind): void {
  it('is kicked out of an endless loop by another thread, and at once on the next run', async () => {
    const { vm, vcpu } = load(kind, '1: j 1b');
    const worker: Worker = startTsWorker(new URL('./kick-worker.ts', import.meta.url), { shared: vm.shared });
    const ended = workerEnd(worker);
    await new Promise((resolve) => worker.once('message', resolve));
    let exit = vcpu.run(1_000_000);
    // The other thread may be slow to come, but a test that waits for it for ever would tell nothing.
    const deadline = performance.now() + 15_000;
    while (exit.kind === 'budget' && performance.now() < deadline) exit = vcpu.run(1_000_000);
    assert.equal(exit.kind, 'kicked');
    vcpu.kick();
    assert.equal(vcpu.run(10).kind, 'kicked');
    assert.equal(vcpu.run(10).kind, 'budget');
    await ended;
  });

  it('runs a vCPU on the host clock from any thread', () => {
    const shared = createSharedMemory({ ramBytes: RAM_BYTES });
    const clock = new HostClock();
    const vm = Vm.create({ shared, clock, harts: 1, timebaseHz: 10_000_000, clockMode: 'host' });
    const other = Vm.attach(shared, new HostClock());
    vm.clock.resume();
    const [first, second, third] = [vm.clock.read(), other.clock.read(), vm.clock.read()];
    // Two clocks of one host are read one after another: between threads they may differ by microseconds.
    assert.ok(second >= first - 1000n && third >= second - 1000n, `${first} ${second} ${third}`);
    vm.clock.pause();
    assert.equal(vm.clock.read(), other.clock.read());
  });
}
