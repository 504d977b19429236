/** Exceptions with their cause, tval and pc; delegation; vectors; returns; what each mode may do. */
import { strict as assert } from 'node:assert';
import { Stop } from '../../../src/cpu/index.ts';
import { Exception, HartConfig, Interrupt, interruptPriority, Priv } from '../../../src/isa/index.ts';
import { RAM_BYTES, RAM_GPA, type Rig } from '../support/rig.ts';

const BASE = BigInt(RAM_GPA);
const M_HANDLER = BASE + 0x800n;
const S_HANDLER = BASE + 0xa00n;

const MIE = 1n << 3n;
const SIE = 1n << 1n;
const TVM = 1n << 20n;
const TW = 1n << 21n;
const TSR = 1n << 22n;

export function trapContract(makeRig: () => Rig): void {
  describe('traps', () => {
    let rig: Rig;
    beforeEach(() => {
      rig = makeRig();
      rig.state.set('mtvec', M_HANDLER);
      rig.state.set('stvec', S_HANDLER);
      openPmp(rig);
    });

    function step(source: string, priv: number = Priv.M): Stop {
      rig.load(source);
      rig.state.set('pc', BASE);
      rig.state.set32('priv', priv);
      rig.hart.invalidate();
      return rig.hart.run(1);
    }

    function assertTrap(cause: number, tval: bigint, epc: bigint = BASE): void {
      assert.deepEqual(
        { pc: rig.get('pc'), cause: rig.get('mcause'), tval: rig.get('mtval'), epc: rig.get('mepc') },
        { pc: M_HANDLER, cause: BigInt(cause), tval, epc },
      );
    }

    it('illegal encodings trap with their bits as tval and do not retire', () => {
      for (const [directive, bits] of [
        ['.word 0', 0n],
        ['.half 0', 0n],
        ['.word 0xffffffff', 0xffff_ffffn],
        ['.word 0x0000707f', 0x707fn],
        ['.half 0x8400', 0x8400n],
        ['.half 0x9c41\n.half 0xffff', 0x9c41n],
      ] as const) {
        const retired = rig.get('retired');
        assert.equal(step(directive), Stop.Budget);
        assertTrap(Exception.ILLEGAL_INSTRUCTION, bits);
        assert.equal(rig.get('retired'), retired);
      }
    });

    it('ebreak traps with pc as tval, or leaves the guest when configured', () => {
      step('ebreak');
      assertTrap(Exception.BREAKPOINT, BASE);
      rig.state.set32('hartConfig', HartConfig.EBREAK_EXIT);
      assert.equal(step('ebreak'), Stop.Debug);
      assert.equal(rig.get('pc'), BASE);
      assert.equal(rig.state.get32('exitLength'), 4);
      assert.equal(step('.half 0x9002'), Stop.Debug);
      assert.equal(rig.state.get32('exitLength'), 2);
    });

    it('ecall traps with the mode it came from, or leaves the guest from S-mode when configured', () => {
      for (const [priv, cause] of [
        [Priv.U, Exception.ECALL_FROM_U],
        [Priv.S, Exception.ECALL_FROM_S],
        [Priv.M, Exception.ECALL_FROM_M],
      ] as const) {
        step('ecall', priv);
        assertTrap(cause, 0n);
        assert.equal((rig.get('mstatus') >> 11n) & 3n, BigInt(priv), 'MPP');
      }
      rig.state.set32('hartConfig', HartConfig.SBI_EXIT);
      const retired = rig.get('retired');
      assert.equal(step('ecall', Priv.S), Stop.Ecall);
      assert.equal(rig.get('pc'), BASE);
      assert.equal(rig.state.get32('exitLength'), 4);
      assert.equal(rig.get('retired'), retired);
      assert.equal(step('ecall', Priv.U), Stop.Budget);
      assertTrap(Exception.ECALL_FROM_U, 0n);
    });

    it('a jump to where nothing is faults at its target', () => {
      for (const [target, cause] of [
        [0x1000n, Exception.INSTRUCTION_ACCESS_FAULT],
        [BASE + BigInt(RAM_BYTES), Exception.INSTRUCTION_ACCESS_FAULT],
        [0x100_0000_0000_0000n, Exception.INSTRUCTION_ACCESS_FAULT],
        [0xffff_ffff_ffff_fffen, Exception.INSTRUCTION_ACCESS_FAULT],
      ] as const) {
        rig.setX('a1', target);
        rig.load('jr a1');
        rig.state.set('pc', BASE);
        rig.hart.invalidate();
        assert.equal(rig.hart.run(1), Stop.Budget);
        assert.equal(rig.get('pc'), target, 'the jump itself retires');
        assert.equal(rig.hart.run(1), Stop.Budget);
        assertTrap(cause, target, target);
      }
    });

    it('an instruction whose second half cannot be fetched faults with the half as tval', () => {
      const end = RAM_BYTES;
      rig.view.setUint16(end - 2, 0x0013, true);
      const pc = BASE + BigInt(end - 2);
      rig.state.set('pc', pc);
      assert.equal(rig.hart.run(1), Stop.Budget);
      assertTrap(Exception.INSTRUCTION_ACCESS_FAULT, pc + 2n, pc);
    });

    it('exceptions from S and U go where medeleg says, those from M never down', () => {
      rig.state.set('medeleg', (1n << 2n) | (1n << 8n));
      for (const priv of [Priv.U, Priv.S]) {
        rig.state.set('mstatus', rig.get('mstatus') | SIE);
        step('.word 0', priv);
        assert.deepEqual(
          [rig.get('pc'), rig.get('scause'), rig.get('stval'), rig.get('sepc'), rig.state.get32('priv')],
          [S_HANDLER, 2n, 0n, BASE, Priv.S],
        );
        const mstatus = rig.get('mstatus');
        assert.equal((mstatus >> 8n) & 1n, BigInt(priv), 'SPP');
        assert.equal((mstatus >> 5n) & 1n, 1n, 'SPIE');
        assert.equal(mstatus & SIE, 0n, 'SIE');
        step('ebreak', priv);
        assertTrap(Exception.BREAKPOINT, BASE);
      }
      step('.word 0', Priv.M);
      assertTrap(Exception.ILLEGAL_INSTRUCTION, 0n);
    });

    it('mret and sret restore mode and interrupt enables, and clear MPRV below M', () => {
      const MPRV = 1n << 17n;
      for (const [mpp, keepsMprv] of [
        [Priv.U, false],
        [Priv.S, false],
        [Priv.M, true],
      ] as const) {
        rig.state.set('mstatus', (BigInt(mpp) << 11n) | (1n << 7n) | MPRV);
        rig.state.set('mepc', BASE + 0x100n);
        rig.load('mret');
        rig.state.set('pc', BASE);
        rig.state.set32('priv', Priv.M);
        rig.hart.invalidate();
        rig.hart.run(1);
        assert.equal(rig.get('pc'), BASE + 0x100n);
        assert.equal(rig.state.get32('priv'), mpp);
        const mstatus = rig.get('mstatus');
        assert.equal(mstatus & MIE, MIE);
        assert.equal((mstatus >> 7n) & 1n, 1n, 'MPIE');
        assert.equal((mstatus >> 11n) & 3n, 0n, 'MPP');
        assert.equal((mstatus & MPRV) !== 0n, keepsMprv);
      }
      for (const spp of [0n, 1n]) {
        rig.state.set('mstatus', (spp << 8n) | (1n << 5n) | MPRV);
        rig.state.set('sepc', BASE + 0x200n);
        step('sret', Priv.S);
        assert.deepEqual([rig.get('pc'), rig.state.get32('priv')], [BASE + 0x200n, Number(spp)]);
        assert.equal(rig.get('mstatus') & (SIE | (1n << 5n) | (1n << 8n) | MPRV), SIE | (1n << 5n));
      }
    });

    it('reserves privileged instructions for their modes, and for M when TVM, TW or TSR say so', () => {
      const cases: readonly (readonly [string, readonly number[], bigint])[] = [
        ['mret', [Priv.M], 0n],
        ['sret', [Priv.S, Priv.M], TSR],
        ['wfi', [Priv.S, Priv.M], TW],
        ['sfence.vma', [Priv.S, Priv.M], TVM],
        ['sinval.vma a0, a1', [Priv.S, Priv.M], TVM],
        ['sfence.w.inval', [Priv.S, Priv.M], 0n],
        ['sfence.inval.ir', [Priv.S, Priv.M], 0n],
        ['csrr a0, satp', [Priv.S, Priv.M], TVM],
        ['wrs.nto', [Priv.U, Priv.S, Priv.M], 0n],
        ['wrs.sto', [Priv.U, Priv.S, Priv.M], 0n],
      ];
      for (const [source, allowed, bit] of cases) {
        for (const priv of [Priv.U, Priv.S, Priv.M]) {
          for (const set of bit === 0n ? [0n] : [0n, bit]) {
            rig.state.set('mstatus', (BigInt(priv) << 11n) | set);
            rig.state.set('mcause', 0n);
            // An interrupt pending in mie but masked: wfi has nothing to wait for.
            rig.state.set('mie', 1n << 1n);
            rig.state.set('mip', 2n);
            rig.state.set('mideleg', 2n);
            rig.state.set('mcause', 99n);
            if (priv === Priv.U) rig.state.set('mie', 0n);
            step(source, priv);
            const legal = allowed.includes(priv) && (set === 0n || priv === Priv.M);
            const expected = legal ? 99n : BigInt(Exception.ILLEGAL_INSTRUCTION);
            assert.equal(rig.get('mcause'), expected, `${source} in mode ${priv}, mstatus bit ${set.toString(16)}`);
          }
        }
      }
    });

    it('wrs.nto with a standing reservation is subject to TW', () => {
      rig.state.set('mstatus', TW);
      for (const [source, trap] of [
        ['wrs.nto', true],
        ['wrs.sto', false],
      ] as const) {
        rig.state.set32('lrValid', 4);
        rig.state.set('mcause', 99n);
        step(source, Priv.S);
        assert.equal(rig.get('mcause') === 2n, trap, source);
      }
    });

    it('takes interrupts in the order of the specification, M-mode ones first', () => {
      const order: number[] = [];
      rig.load('nop\n nop');
      let pending = interruptPriority.filter((i) => i !== Interrupt.LCOFI).reduce((m, i) => m | (1 << i), 0);
      while (pending !== 0) {
        rig.state.set32('irqLines', pending);
        rig.state.set('mie', 0xffffn);
        rig.state.set('mstatus', MIE);
        rig.state.set32('priv', Priv.M);
        rig.state.set('pc', BASE);
        assert.equal(rig.hart.run(1), Stop.Budget);
        assert.equal(rig.get('pc'), M_HANDLER);
        assert.equal(rig.get('mcause') >> 63n, 1n);
        assert.equal(rig.get('mtval'), 0n);
        assert.equal(rig.get('mepc'), BASE);
        const cause = Number(rig.get('mcause') & 0xffn);
        order.push(cause);
        pending &= ~(1 << cause);
      }
      assert.deepEqual(order, [11, 3, 7, 9, 1, 5]);
    });

    it('delivers delegated interrupts to S below M, by SIE in S and always in U', () => {
      rig.state.set('mideleg', 1n << 9n);
      rig.state.set('mie', 1n << 9n);
      rig.state.set32('irqLines', 1 << 9);
      rig.load('nop\n nop');
      for (const [priv, sie, taken] of [
        [Priv.M, SIE | MIE, false],
        [Priv.S, 0n, false],
        [Priv.S, SIE, true],
        [Priv.U, 0n, true],
      ] as const) {
        rig.state.set('mstatus', sie);
        rig.state.set32('priv', priv);
        rig.state.set('pc', BASE);
        rig.hart.run(1);
        assert.equal(rig.get('pc'), taken ? S_HANDLER : BASE + 4n, `mode ${priv}, ${sie}`);
        if (taken) assert.equal(rig.get('scause'), (1n << 63n) | 9n);
      }
      // Not delegated: taken in M from below whatever MIE says.
      rig.state.set('mideleg', 0n);
      rig.state.set('mstatus', 0n);
      rig.state.set32('priv', Priv.S);
      rig.state.set('pc', BASE);
      rig.hart.run(1);
      assert.equal(rig.get('pc'), M_HANDLER);
    });

    it('vectors interrupts, not exceptions', () => {
      rig.state.set('mtvec', M_HANDLER | 1n);
      step('.word 0');
      assert.equal(rig.get('pc'), M_HANDLER);
      rig.state.set('mie', 1n << 7n);
      rig.state.set('mstatus', MIE);
      rig.state.set32('irqLines', 1 << 7);
      step('nop');
      assert.equal(rig.get('pc'), M_HANDLER + 28n);
      rig.state.set32('irqLines', 0);
    });

    it('gates floating point by mstatus.FS and makes it dirty', () => {
      const FS = 3n << 13n;
      for (const source of [
        'fadd.d fa0, fa1, fa2',
        'flw fa0, 0(a1)',
        'fsd fa0, 0(a1)',
        'csrr a0, fcsr',
        'csrr a0, frm',
      ]) {
        rig.setX('a1', BASE + 0x1000n);
        rig.state.set('mstatus', 0n);
        step(source);
        assert.equal(rig.get('mcause'), 2n, source);
        rig.state.set('mcause', 0n);
        rig.state.set('mstatus', 1n << 13n);
        step(source);
        assert.equal(rig.get('mcause'), 0n, source);
        const dirties = source.startsWith('fadd') || source.startsWith('flw');
        assert.equal(rig.get('mstatus') & FS, dirties ? FS : 1n << 13n, source);
      }
      rig.state.set('mstatus', 1n << 13n);
      step('csrwi fflags, 1');
      assert.equal(rig.get('mstatus') & FS, FS);
      rig.state.set('mstatus', 1n << 13n);
      rig.state.set32('fcsr', 5 << 5);
      step('fadd.d fa0, fa1, fa2');
      assert.equal(rig.get('mcause'), 2n, 'dynamic rounding mode 5');
    });

    it('takes cache-block instructions as menvcfg and senvcfg allow', () => {
      const fields = { 'cbo.zero': 7n, 'cbo.clean': 6n, 'cbo.flush': 6n, 'cbo.inval': 4n } as const;
      for (const [name, bit] of Object.entries(fields)) {
        for (const [priv, m, s, legal] of [
          [Priv.M, 0n, 0n, true],
          [Priv.S, 0n, 1n, false],
          [Priv.S, 1n, 0n, true],
          [Priv.U, 1n, 0n, false],
          [Priv.U, 0n, 1n, false],
          [Priv.U, 1n, 1n, true],
        ] as const) {
          rig.state.set('menvcfg', m << bit);
          rig.state.set('senvcfg', s << bit);
          rig.state.set('mcause', 0n);
          rig.setX('a1', BASE + 0x1000n);
          step(`${name} (a1)`, priv);
          assert.equal(rig.get('mcause') === 0n, legal, `${name} mode ${priv} menvcfg ${m} senvcfg ${s}`);
        }
      }
    });
  });
}

/** Lets S and U mode at everything: without an entry PMP denies them. */
export function openPmp(rig: Rig): void {
  rig.state.set('pmpaddr', (1n << 54n) - 1n, 0);
  rig.state.set('pmpcfg', 0x1fn, 0);
}
