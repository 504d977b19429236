/** What a virtual machine over any CPU backend must do: one suite, run over each. */
import { strict as assert } from 'node:assert';
import type { Worker } from 'node:worker_threads';
import { createEngine, type EngineKind } from '../../src/cpu/index.ts';
import {
  createSharedMemory,
  resetHart,
  type SharedMemory,
  type Vcpu,
  type VcpuExit,
  Vm,
} from '../../src/hypervisor/index.ts';
import { assemble, HartConfig, Interrupt, Priv, sharedMap } from '../../src/isa/index.ts';
import { HostClock, ManualClock } from '../../src/util/index.ts';
import { startTsWorker, workerEnd } from '../support/ts-worker.ts';

const RAM = 0x8000_0000;
const RAM_BYTES = 2 ** 20;
/** An address without memory. */
const DEVICE = 0x1000_0000;
/** More instructions than any program here needs. */
const PLENTY = 1_000_000;

interface Rig {
  readonly vm: Vm;
  readonly vcpu: Vcpu;
  readonly symbols: ReadonlyMap<string, bigint>;
}

function makeVm(harts = 1, shared: SharedMemory = createSharedMemory({ ramBytes: 2 * RAM_BYTES })): Vm {
  const clock = new ManualClock();
  const vm = Vm.create({ shared, clock, harts, timebaseHz: 10_000_000, clockMode: 'virtual' });
  vm.addSlot({ id: 0, gpa: RAM, bytes: RAM_BYTES, offset: sharedMap.ram, readOnly: false, logDirty: false });
  for (const hart of vm.harts) resetHart(hart);
  return vm;
}

/** A machine with one vCPU at the start of a program in M-mode. */
function load(kind: EngineKind, source: string): Rig {
  const vm = makeVm();
  const { bytes, symbols } = assemble(source, { base: RAM });
  vm.memory.write(RAM, bytes);
  vm.harts[0].set('pc', BigInt(RAM));
  return { vm, vcpu: newVcpu(kind, vm), symbols };
}

function newVcpu(kind: EngineKind, vm: Vm, id = 0): Vcpu {
  return vm.createVcpu(id, createEngine(kind, { buffer: vm.shared.buffer, clock: new ManualClock() }));
}

/** A copy of the next exit; `budget` alone may also come early, when the hypervisor has answered something itself. */
function next(vcpu: Vcpu): VcpuExit {
  const exit = vcpu.run(PLENTY);
  return { ...(exit.kind === 'budget' ? vcpu.run(PLENTY) : exit) };
}

/** Runs the whole contract over a backend. */
export function describeHypervisor(kind: EngineKind): void {
  describe(`hypervisor on ${kind}`, () => {
    describeMmio(kind);
    describeExits(kind);
    describeMemory(kind);
    describeState(kind);
    describeThreads(kind);
  });
}

function describeMmio(kind: EngineKind): void {
  it('leaves the guest for a load outside memory and finishes it with the value given', () => {
    const { vcpu } = load(kind, `li a0, ${DEVICE}\n lb a1, 5(a0)\n lhu a2, 6(a0)\n ld a3, 8(a0)\n lw a4, 4(a0)\n wfi`);
    assert.deepEqual(next(vcpu), { kind: 'mmio-read', gpa: DEVICE + 5, size: 1 });
    vcpu.completeMmio(0x80, 0);
    assert.deepEqual(next(vcpu), { kind: 'mmio-read', gpa: DEVICE + 6, size: 2 });
    vcpu.completeMmio(0xfedc, 0);
    assert.deepEqual(next(vcpu), { kind: 'mmio-read', gpa: DEVICE + 8, size: 8 });
    vcpu.completeMmio(0x89ab_cdef, 0x0123_4567);
    assert.deepEqual(next(vcpu), { kind: 'mmio-read', gpa: DEVICE + 4, size: 4 });
    vcpu.completeMmio(0x8000_0000, 0);
    assert.equal(next(vcpu).kind, 'wfi');
    assert.equal(vcpu.getReg('core.a1'), 0xffff_ffff_ffff_ff80n);
    assert.equal(vcpu.getReg('core.a2'), 0xfedcn);
    assert.equal(vcpu.getReg('core.a3'), 0x0123_4567_89ab_cdefn);
    assert.equal(vcpu.getReg('core.a4'), 0xffff_ffff_8000_0000n);
  });

  it('leaves the guest for a store outside memory with exactly the bytes stored', () => {
    const { vcpu } = load(
      kind,
      `li a0, ${DEVICE}\n li a1, -2\n sb a1, 1(a0)\n sh a1, 2(a0)\n sw a1, 4(a0)\n sd a1, 8(a0)\n c.sw a1, 0(a0)\n wfi`,
    );
    const stores: VcpuExit[] = [];
    for (let exit = next(vcpu); exit.kind === 'mmio-write'; exit = next(vcpu)) {
      stores.push(exit);
      vcpu.completeMmio(0, 0);
    }
    assert.deepEqual(stores, [
      { kind: 'mmio-write', gpa: DEVICE + 1, size: 1, lo: 0xfe, hi: 0 },
      { kind: 'mmio-write', gpa: DEVICE + 2, size: 2, lo: 0xfffe, hi: 0 },
      { kind: 'mmio-write', gpa: DEVICE + 4, size: 4, lo: 0xffff_fffe, hi: 0 },
      { kind: 'mmio-write', gpa: DEVICE + 8, size: 8, lo: 0xffff_fffe, hi: 0xffff_ffff },
      { kind: 'mmio-write', gpa: DEVICE, size: 4, lo: 0xffff_fffe, hi: 0 },
    ]);
  });

  it('gives the guest an access fault for what is refused, and for atomics on devices', () => {
    const { vcpu, symbols } = load(
      kind,
      `la t0, handler
       csrw mtvec, t0
       li a0, ${DEVICE}
      load: ld a1, 0(a0)
       wfi
      store: sw a1, 0(a0)
       wfi
      amo: amoadd.w a2, a1, (a0)
       wfi
       .align 2
      handler: csrr s0, mcause
       csrr s1, mepc
       csrr s2, mtval
       addi t1, s1, 4
       csrw mepc, t1
       mret`,
    );
    const fault = (label: string, cause: bigint) => {
      assert.equal(next(vcpu).kind, 'wfi');
      assert.equal(vcpu.getReg('core.s0'), cause);
      assert.equal(vcpu.getReg('core.s1'), symbols.get(label));
      assert.equal(vcpu.getReg('core.s2'), BigInt(DEVICE));
    };
    assert.equal(next(vcpu).kind, 'mmio-read');
    vcpu.refuseMmio();
    fault('load', 5n);
    assert.equal(next(vcpu).kind, 'mmio-write');
    vcpu.refuseMmio();
    fault('store', 7n);
    fault('amo', 7n);
  });

  it('counts an answered access as one instruction', () => {
    const { vcpu } = load(kind, `li a0, 0x10000000\n lw a1, 0(a0)\n nop\n wfi`);
    const before = vcpu.state.get('retired');
    next(vcpu);
    vcpu.completeMmio(0, 0);
    next(vcpu);
    assert.equal(vcpu.state.get('retired') - before, 4n);
  });
}

function describeExits(kind: EngineKind): void {
  it('runs exactly the budget', () => {
    const { vcpu } = load(kind, `1: addi a0, a0, 1\n j 1b`);
    assert.equal(vcpu.run(1).kind, 'budget');
    assert.equal(vcpu.getReg('core.regs.pc'), BigInt(RAM + 4));
    assert.equal(vcpu.run(1000).kind, 'budget');
    assert.equal(vcpu.state.get('retired'), 1001n);
    assert.equal(vcpu.getReg('core.a0'), 501n);
  });

  it('leaves the guest at an ECALL from S-mode with all its arguments, if asked to', () => {
    const { vcpu } = load(kind, `li a7, 0x10\n li a6, 3\n li a0, 77\n ecall\n wfi`);
    vcpu.state.set32('priv', Priv.S);
    vcpu.state.set32('hartConfig', HartConfig.SBI_EXIT);
    vcpu.state.set('pmpaddr', (1n << 54n) - 1n);
    vcpu.state.set('pmpcfg', 0x1fn);
    assert.deepEqual(next(vcpu), { kind: 'sbi', ext: 0x10, fid: 3 });
    assert.equal(vcpu.getReg('core.a0'), 77n);
    vcpu.completeSbi(-2, 9, 0);
    assert.equal(next(vcpu).kind, 'wfi');
    assert.equal(vcpu.getReg('core.a0'), 0xffff_ffff_ffff_fffen);
    assert.equal(vcpu.getReg('core.a1'), 9n);
  });

  it('waits in WFI for an interrupt, knows for how long, and goes on', () => {
    const { vm, vcpu } = load(
      kind,
      `li t0, 0x80
       csrw mie, t0
       wfi
       li a0, 1
      1: j 1b`,
    );
    vm.harts[0].set('mtimecmp', 500n);
    assert.equal(next(vcpu).kind, 'wfi');
    assert.equal(vcpu.timerNs(), 50_000);
    assert.equal(vcpu.interruptPending(), false);
    vm.clock.advance(500n);
    assert.equal(vcpu.timerNs(), 0);
    assert.equal(vcpu.interruptPending(), true);
    vcpu.run(10);
    assert.equal(vcpu.getReg('core.a0'), 1n);
  });

  it('sleeps for ever when no timer interrupt is enabled', () => {
    const { vm, vcpu } = load(kind, 'wfi');
    vm.harts[0].set('mtimecmp', 0n);
    assert.equal(next(vcpu).kind, 'wfi');
    assert.equal(vcpu.timerNs(), Number.POSITIVE_INFINITY);
  });

  it('takes interrupts that are driven from outside', () => {
    const { vm, vcpu } = load(
      kind,
      `la t0, handler
       csrw mtvec, t0
       li t0, 0x800
       csrw mie, t0
       csrsi mstatus, 8
      1: j 1b
       .align 2
      handler: csrr s0, mcause
       wfi
      2: j 2b`,
    );
    assert.equal(vcpu.run(100).kind, 'budget');
    vm.setInterrupt(0, Interrupt.MEI, true);
    // The line is still high: WFI does not wait.
    assert.equal(vcpu.run(100).kind, 'budget');
    assert.equal(vcpu.getReg('core.s0'), 0x8000_0000_0000_000bn);
  });

  it('steps through a program, traps included', () => {
    const { vcpu, symbols } = load(
      kind,
      `la t0, handler
       csrw mtvec, t0
       ecall
       .align 2
      handler: nop
       nop`,
    );
    vcpu.setDebug({ singleStep: true, ebreakExit: false });
    const seen: bigint[] = [];
    for (let i = 0; i < 6; i++) {
      const exit = vcpu.run(PLENTY);
      assert.equal(exit.kind, 'debug');
      if (exit.kind === 'debug') seen.push(exit.pc);
    }
    const handler = symbols.get('handler') ?? 0n;
    const start = BigInt(RAM);
    assert.deepEqual(seen, [start + 4n, start + 8n, start + 12n, handler, handler + 4n, handler + 8n]);
  });

  it('stops at EBREAK when debugged, and traps otherwise', () => {
    const { vcpu, symbols } = load(
      kind,
      `la t0, handler
       csrw mtvec, t0
      here: ebreak
       .align 2
      handler: csrr s0, mcause
       wfi`,
    );
    vcpu.setDebug({ singleStep: false, ebreakExit: true });
    assert.deepEqual(next(vcpu), { kind: 'debug', pc: symbols.get('here') });
    assert.deepEqual(next(vcpu), { kind: 'debug', pc: symbols.get('here') }, 'pc stays at it');
    vcpu.setDebug({ singleStep: false, ebreakExit: false });
    assert.equal(next(vcpu).kind, 'wfi');
    assert.equal(vcpu.getReg('core.s0'), 3n);
  });

  it('counts exits by kind', () => {
    const { vcpu } = load(kind, `li a0, ${DEVICE}\n lw a1, (a0)\n wfi`);
    next(vcpu);
    vcpu.completeMmio(0, 0);
    next(vcpu);
    assert.equal(vcpu.state.get('exitKinds', 1), 1n);
    assert.equal(vcpu.state.get('exitKinds', 3), 1n);
  });
}

function describeMemory(kind: EngineKind): void {
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

function describeState(kind: EngineKind): void {
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

function describeThreads(kind: EngineKind): void {
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
