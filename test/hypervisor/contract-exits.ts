/** Exits and what answers them. */
import { strict as assert } from 'node:assert';
import type { EngineKind } from '../../src/cpu/index.ts';
import type { VcpuExit } from '../../src/hypervisor/index.ts';
import { HartConfig, Interrupt, Priv } from '../../src/isa/index.ts';
import { DEVICE, load, next, PLENTY, RAM } from './rig.ts';

/** See contract.ts. */
export function describeMmio(kind: EngineKind): void {
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

/** See contract.ts. */
export function describeExits(kind: EngineKind): void {
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
