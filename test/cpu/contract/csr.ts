/** CSR access: who may, what sticks, what else a write does. */
import { strict as assert } from 'node:assert';
import { type CsrName, csrByName, csrs, Priv } from '../../../src/isa/index.ts';
import { RAM_GPA, type Rig } from '../support/rig.ts';
import { openPmp } from './traps.ts';

const BASE = BigInt(RAM_GPA);
const ALL = 0xffff_ffff_ffff_ffffn;
const STCE = 1n << 63n;

export function csrContract(makeRig: () => Rig): void {
  describe('control and status registers', () => {
    let rig: Rig;
    beforeEach(() => {
      rig = makeRig();
      openPmp(rig);
      rig.state.set('mtvec', BASE + 0x800n);
    });

    /** Runs one instruction; false if it was illegal. */
    function step(source: string, priv: number = Priv.M): boolean {
      rig.load(source);
      rig.state.set('pc', BASE);
      rig.state.set32('priv', priv);
      rig.hart.invalidate();
      rig.hart.run(1);
      if (rig.get('pc') === BASE + 4n) return true;
      assert.deepEqual([rig.get('pc'), rig.get('mcause')], [BASE + 0x800n, 2n], source);
      return false;
    }

    function write(name: CsrName, value: bigint): void {
      rig.setX('a1', value);
      assert.ok(step(`csrw ${name}, a1`), name);
    }

    function read(name: CsrName): bigint {
      assert.ok(step(`csrr a0, ${name}`), name);
      return rig.x('a0');
    }

    it('knows the table and no other number', () => {
      const known = new Set<number>(csrs.map((csr) => csr.number));
      rig.state.set('mstatus', rig.get('mstatus') | (3n << 13n));
      for (let number = 0; number < 4096; number++) {
        assert.equal(step(`csrr a0, ${number}`), known.has(number), `CSR ${number.toString(16)}`);
      }
    });

    it('lets each register be read from its privilege up and read-only ones never be written', () => {
      rig.state.set('mstatus', rig.get('mstatus') | (3n << 13n));
      rig.state.set('mcounteren', ALL);
      rig.state.set('scounteren', ALL);
      rig.state.set('menvcfg', STCE);
      for (let i = 0; i < 4; i++) rig.state.set('mstateen', 3n << 62n, i);
      for (const csr of csrs) {
        for (const priv of [Priv.U, Priv.S, Priv.M]) {
          const allowed = priv >= csr.priv;
          assert.equal(step(`csrrs a0, ${csr.number}, zero`, priv), allowed, `read ${csr.name} in mode ${priv}`);
          assert.equal(step(`csrrci a0, ${csr.number}, 0`, priv), allowed, `read ${csr.name} in mode ${priv}`);
          rig.setX('a1', 0n);
          // A write of what clear-of-nothing gives: needs permission to write, changes nothing.
          const writable = allowed && !csr.readOnly;
          assert.equal(step(`csrrc a0, ${csr.number}, a1`, priv), writable, `write ${csr.name} in mode ${priv}`);
        }
      }
    });

    it('keeps exactly the bits that the table makes writable', () => {
      // Registers with rules of their own have tests of their own; a write to mtvec would lose us the handler.
      const special = /^(mip|sip|sie|satp|mstatus|sstatus|pmp.*|mcycle|minstret|mtvec|stvec|[ms]envcfg)$/;
      for (const csr of csrs) {
        if (csr.readOnly || special.test(csr.name)) continue;
        rig.state.set('mstatus', rig.get('mstatus') | (3n << 13n));
        const before = read(csr.name);
        write(csr.name, ALL);
        assert.equal(read(csr.name), (before & ~csr.writeMask) | csr.writeMask, csr.name);
        write(csr.name, 0n);
        assert.equal(read(csr.name), before & ~csr.writeMask, csr.name);
      }
    });

    it('legalises MPP, MODE fields, CBIE and satp', () => {
      write('mstatus', 2n << 11n);
      assert.equal((read('mstatus') >> 11n) & 3n, 0n, 'MPP 2 is no mode');
      write('mstatus', 3n << 11n);
      write('mstatus', 2n << 11n);
      assert.equal((read('mstatus') >> 11n) & 3n, 3n);
      assert.equal(read('mstatus') >> 32n, 0xan, 'UXL and SXL are fixed');
      write('mtvec', BASE + 0x803n);
      assert.equal(read('mtvec'), BASE + 0x800n);
      write('stvec', ALL);
      assert.equal(read('stvec'), ALL & ~3n);
      write('menvcfg', 2n << 4n);
      assert.equal(read('menvcfg'), 0n);
      write('senvcfg', ALL);
      assert.equal(read('senvcfg'), 0xf1n);
      for (const mode of [1n, 2n, 7n, 11n, 15n]) {
        write('satp', (mode << 60n) | 0x1234n);
        assert.equal(read('satp'), 0n, `MODE ${mode}`);
      }
      for (const mode of [8n, 9n, 10n]) {
        const value = (mode << 60n) | (0xffffn << 44n) | 0xfff_ffff_ffffn;
        write('satp', value);
        assert.equal(read('satp'), value);
      }
      write('satp', 0n);
      write('mepc', ALL);
      assert.equal(read('mepc'), ALL - 1n);
    });

    it('computes SD, and shows sstatus as a part of mstatus', () => {
      write('mstatus', ALL & ~(3n << 11n) & ~(1n << 17n) & ~(1n << 3n));
      assert.equal(read('mstatus') >> 63n, 1n);
      assert.equal(read('sstatus'), (1n << 63n) | (2n << 32n) | 0xc6122n);
      write('sstatus', 0n);
      assert.equal(read('sstatus'), 2n << 32n);
      assert.equal(read('mstatus'), (0xan << 32n) | 0x7000_80n | (0n << 11n));
    });

    it('shows sie and sip through mideleg and writes only delegated bits', () => {
      write('mideleg', ALL);
      assert.equal(read('mideleg'), 0x222n);
      write('mideleg', 0x20n);
      write('mie', ALL);
      assert.equal(read('mie'), 0xaaan);
      assert.equal(read('sie'), 0x20n);
      write('sie', 0n);
      assert.equal(read('mie'), 0xa8an);
      write('mip', ALL);
      assert.equal(read('mip'), 0x222n);
      assert.equal(read('sip'), 0x20n);
      write('sip', 0n);
      assert.equal(read('mip'), 0x222n, 'SSIP is not delegated');
      write('mideleg', 0x222n);
      write('sip', 0n);
      assert.equal(read('mip'), 0x220n, 'only SSIP is writable in sip');
    });

    it('does not write an external line back into SEIP', () => {
      rig.state.set32('irqLines', 1 << 9);
      rig.setX('a1', 2n);
      assert.ok(step('csrrs a0, mip, a1'));
      assert.equal(rig.x('a0'), 0x200n);
      rig.state.set32('irqLines', 0);
      assert.equal(read('mip'), 2n);
      rig.state.set32('irqLines', (1 << 3) | (1 << 7) | (1 << 11));
      assert.equal(read('mip'), 0x88an);
    });

    it('reads before it writes and sets and clears by register or constant', () => {
      write('mscratch', 0xff00n);
      rig.setX('a1', 0x0ff0n);
      step('csrrs a1, mscratch, a1');
      assert.deepEqual([rig.x('a1'), rig.get('mscratch')], [0xff00n, 0xfff0n]);
      rig.setX('a1', 0xf0n);
      step('csrrc a0, mscratch, a1');
      assert.deepEqual([rig.x('a0'), rig.get('mscratch')], [0xfff0n, 0xff00n]);
      step('csrrwi a0, mscratch, 21');
      assert.deepEqual([rig.x('a0'), rig.get('mscratch')], [0xff00n, 21n]);
      step('csrrsi a0, mscratch, 10');
      assert.equal(rig.get('mscratch'), 31n);
      step('csrrci a0, mscratch, 1');
      assert.equal(rig.get('mscratch'), 30n);
    });

    it('divides fcsr into fflags and frm', () => {
      rig.state.set('mstatus', rig.get('mstatus') | (1n << 13n));
      write('fcsr', ALL);
      assert.deepEqual([read('fcsr'), read('fflags'), read('frm')], [0xffn, 0x1fn, 7n]);
      write('frm', 2n);
      assert.equal(read('fcsr'), 0x5fn);
      write('fflags', 0xe1n);
      assert.equal(read('fcsr'), 0x41n);
    });

    it('gates counters by mcounteren and scounteren, and stimecmp also by menvcfg.STCE', () => {
      for (const [name, bit] of [
        ['cycle', 0n],
        ['time', 1n],
        ['instret', 2n],
        ['hpmcounter3', 3n],
        ['hpmcounter31', 31n],
      ] as const) {
        for (const [m, s, inS, inU] of [
          [0n, 1n, false, false],
          [1n, 0n, true, false],
          [1n, 1n, true, true],
        ] as const) {
          rig.state.set('mcounteren', m << bit);
          rig.state.set('scounteren', s << bit);
          assert.equal(step(`csrr a0, ${name}`, Priv.S), inS, name);
          assert.equal(step(`csrr a0, ${name}`, Priv.U), inU, name);
          assert.ok(step(`csrr a0, ${name}`, Priv.M));
        }
      }
      for (const [tm, stce, legal] of [
        [0n, STCE, false],
        [2n, 0n, false],
        [2n, STCE, true],
      ] as const) {
        rig.state.set('mcounteren', tm);
        rig.state.set('menvcfg', stce);
        assert.equal(step('csrr a0, stimecmp', Priv.S), legal);
        assert.ok(step('csrr a0, stimecmp', Priv.M));
      }
    });

    it('gates senvcfg and sstateen by mstateen', () => {
      assert.equal(step('csrr a0, senvcfg', Priv.S), false);
      rig.state.set('mstateen', 1n << 62n, 0);
      assert.equal(step('csrr a0, senvcfg', Priv.S), true);
      for (let i = 0; i < 4; i++) {
        rig.state.set('mstateen', 0n, i);
        assert.equal(step(`csrr a0, sstateen${i}`, Priv.S), false);
        rig.state.set('mstateen', 1n << 63n, i);
        assert.equal(step(`csrr a0, sstateen${i}`, Priv.S), true);
      }
    });

    it('counts instructions exactly, unless inhibited or written', () => {
      rig.program(`
        csrw minstret, zero
        csrr s0, minstret
        csrr s1, minstret
        nop
        nop
        csrr s2, minstret
        csrwi mcountinhibit, 4
        csrr s3, minstret
        nop
        csrr s4, minstret
        csrr s5, mcycle
        nop
        csrr s6, mcycle
        csrw mcountinhibit, zero
        li a1, -1
        csrw mcycle, a1
        csrr s7, mcycle
        csrr s8, mcycle
        ebreak`);
      assert.deepEqual(
        ['s0', 's1', 's2'].map((r) => rig.x(r)),
        [0n, 1n, 4n],
      );
      assert.equal(rig.x('s3'), rig.x('s4'));
      assert.equal(rig.x('s6') - rig.x('s5'), 2n);
      assert.deepEqual([rig.x('s7'), rig.x('s8')], [ALL, 0n]);
      assert.equal(rig.get('retired'), 18n);
    });

    it('reads time from the machine clock', () => {
      rig.mtime.advance(0x1_2345_6789n);
      assert.equal(read('time'), 0x1_2345_6789n);
      rig.mtime.set(ALL);
      assert.equal(read('time'), ALL);
      rig.mtime.advance(2n);
      assert.equal(read('time'), 1n);
    });

    it('locks PMP entries, with the address below a locked TOR region', () => {
      write('pmpaddr1', 0x1000n);
      write('pmpaddr2', 0x2000n);
      write('pmpcfg0', 0x89_00_1fn | (0x1an << 24n));
      assert.equal(read('pmpcfg0'), 0x1889_001fn, 'W without R is not kept');
      write('pmpcfg0', 0n);
      assert.equal(read('pmpcfg0'), 0x89_0000n);
      write('pmpaddr1', 0n);
      write('pmpaddr2', 0n);
      write('pmpaddr3', ALL);
      assert.deepEqual([read('pmpaddr1'), read('pmpaddr2'), read('pmpaddr3')], [0x1000n, 0x2000n, (1n << 54n) - 1n]);
      write('pmpcfg2', ALL);
      assert.equal(read('pmpcfg2'), 0x9f9f_9f9f_9f9f_9f9fn);
      assert.equal(read('pmpcfg0'), 0x89_0000n);
    });

    it('presents itself', () => {
      assert.equal(read('misa'), csrByName.misa.reset);
      assert.equal(read('mhartid'), 0n);
      assert.equal(read('mvendorid'), 0n);
    });
  });
}
