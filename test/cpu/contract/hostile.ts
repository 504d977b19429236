/** Whatever a guest does hurts the guest alone: run() never reports a fault of the host's and stays within its budget. */
import { strict as assert } from 'node:assert';
import { Stop } from '../../../src/cpu/index.ts';
import { csrs, hartLayout, insns, Priv } from '../../../src/isa/index.ts';
import { SeededRandom } from '../../../src/util/index.ts';
import { PageTables, Pte } from '../support/page-tables.ts';
import { RAM_BYTES, RAM_GPA, type Rig } from '../support/rig.ts';
import { openPmp } from './traps.ts';

const BASE = BigInt(RAM_GPA);
const SEEDS = 60;
const STEPS = 3000;

export function hostileContract(makeRig: () => Rig): void {
  describe('hostile guests', () => {
    /** Random values that point into RAM, near its edges, or anywhere. */
    function value(random: SeededRandom): bigint {
      const any = (BigInt(random.u32()) << 32n) | BigInt(random.u32());
      const kinds = [
        any,
        BASE + (any % BigInt(RAM_BYTES)),
        BASE + BigInt(RAM_BYTES) - (any % 32n),
        any % 4096n,
        BigInt.asIntN(64, -(any % 4096n)),
      ];
      return BigInt.asUintN(64, random.pick(kinds));
    }

    function scramble(rig: Rig, random: SeededRandom): void {
      for (let r = 1; r < 32; r++) rig.state.set('x', value(random), r);
      for (let r = 0; r < 32; r++) rig.state.set('f', value(random), r);
      rig.state.set('mtvec', random.below(2) === 0 ? value(random) & ~2n : BASE);
      rig.state.set('stvec', random.below(2) === 0 ? value(random) & ~2n : BASE + 0x1000n);
      rig.state.set('medeleg', BigInt(random.u32()) & 0xb3ffn);
      rig.state.set('mideleg', BigInt(random.u32()) & 0x222n);
      rig.state.set('mie', BigInt(random.u32()) & 0xaaan);
      rig.state.set('menvcfg', value(random));
      rig.state.set('mstatus', (rig.get('mstatus') | (value(random) & 0x7e_79aan)) & ~(3n << 11n));
      rig.state.set32('irqLines', random.u32() & 0xaaa);
      rig.state.set32('priv', random.pick([Priv.U, Priv.S, Priv.M]));
      rig.state.set('pc', BASE + ((value(random) % 0x10000n) & ~1n));
    }

    function survive(rig: Rig, seed: number): void {
      for (let step = 0; step < STEPS; ) {
        const before = rig.get('retired');
        const budget = 1 + (step % 97);
        const stop = rig.hart.run(budget);
        const context = `seed ${seed}, step ${step}`;
        assert.notEqual(stop, Stop.Fault, `${context}: ${rig.hart.faultDetail}`);
        assert.ok(rig.get('retired') - before <= BigInt(budget), `${context}: more than the budget`);
        assert.equal(rig.get('x'), 0n, `${context}: x0`);
        if (stop === Stop.Mmio) {
          if (step % 3 === 0) rig.hart.refuseMmio();
          else rig.hart.completeMmio(step, seed);
        }
        step += budget;
      }
    }

    it('survives random bytes as code, data and page tables in every mode', () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const rig = makeRig();
        const random = new SeededRandom(seed);
        random.fill(rig.bytes.subarray(0, 0x20000));
        openPmp(rig);
        scramble(rig, random);
        if (seed % 2 === 0) rig.state.set('satp', (random.pick([8n, 9n, 10n]) << 60n) | (BASE >> 12n));
        survive(rig, seed);
      }
    });

    it('survives random legal instructions over mapped memory', () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const rig = makeRig();
        const random = new SeededRandom(seed);
        for (let at = 0; at < 0x20000; at += 4) {
          const insn = random.pick(insns);
          let word = (insn.match | (random.u32() & ~insn.mask)) >>> 0;
          // Most CSR numbers do not exist: take one that does.
          if (insn.format.startsWith('Csr')) word = ((word & 0xf_ffff) | (random.pick(csrs).number << 20)) >>> 0;
          rig.view.setUint32(at, word, true);
        }
        openPmp(rig);
        const tables = new PageTables(rig.view, BASE + 0x100000n, 3);
        for (let page = 0n; page < 32n; page++) {
          const bits = Pte.V | Pte.A | Pte.D | (BigInt(random.u32()) & 0x1en);
          tables.map(BASE + page * 4096n, BASE + page * 4096n, bits);
        }
        scramble(rig, random);
        rig.state.set('satp', tables.satp);
        survive(rig, seed);
      }
    });

    it('survives a state block full of random bits in what guests control', () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const rig = makeRig();
        const random = new SeededRandom(seed);
        random.fill(rig.bytes.subarray(0, 0x10000));
        // As a restored snapshot may have it; control words between threads are not part of one.
        const first = hartLayout.offset.mstatus / 8;
        const block = new BigUint64Array(rig.state.words.buffer, rig.state.words.byteOffset);
        for (let i = first; i < hartLayout.offset.mhartid / 8; i++) block[i] = value(random);
        rig.state.set32('priv', random.pick([Priv.U, Priv.S, Priv.M]));
        rig.state.set('pc', value(random));
        rig.hart.invalidate();
        survive(rig, seed);
      }
    });
  });
}
