/** AMOs and LR/SC on one hart. */
import { strict as assert } from 'node:assert';
import { Stop } from '../../../src/cpu/index.ts';
import { RAM_GPA, type Rig } from '../support/rig.ts';
import { edges } from './integer.ts';

const BASE = BigInt(RAM_GPA);
const DATA = BASE + 0x10000n;

type Operate = (old: bigint, value: bigint, bits: number) => bigint;

const operations: Readonly<Record<string, Operate>> = {
  amoswap: (_old, value) => value,
  amoadd: (old, value) => old + value,
  amoxor: (old, value) => old ^ value,
  amoand: (old, value) => old & value,
  amoor: (old, value) => old | value,
  amomin: (old, value, bits) => (BigInt.asIntN(bits, old) < BigInt.asIntN(bits, value) ? old : value),
  amomax: (old, value, bits) => (BigInt.asIntN(bits, old) > BigInt.asIntN(bits, value) ? old : value),
  amominu: (old, value, bits) => (BigInt.asUintN(bits, old) < BigInt.asUintN(bits, value) ? old : value),
  amomaxu: (old, value, bits) => (BigInt.asUintN(bits, old) > BigInt.asUintN(bits, value) ? old : value),
};

export function atomicContract(makeRig: () => Rig): void {
  describe('atomics', () => {
    let rig: Rig;
    beforeEach(() => {
      rig = makeRig();
      rig.state.set('mtvec', BASE + 0x800n);
    });

    function step(source: string): void {
      rig.load(source);
      rig.hart.invalidate();
      rig.state.set('pc', BASE);
      assert.equal(rig.hart.run(1), Stop.Budget);
    }

    for (const [name, operate] of Object.entries(operations)) {
      for (const [suffix, bits] of [
        ['w', 32],
        ['d', 64],
      ] as const) {
        it(`${name}.${suffix} returns the old value, sign-extended, and stores the new`, () => {
          const neighbour = 0x5a5a_5a5a_5a5a_5a5an;
          rig.load(`${name}.${suffix}.aqrl a0, a2, (a1)`);
          for (const old of edges) {
            for (const value of edges) {
              rig.view.setBigUint64(
                0x10000,
                bits === 32 ? (neighbour & ~0xffff_ffffn) | (old & 0xffff_ffffn) : old,
                true,
              );
              rig.setX('a1', DATA).setX('a2', value);
              rig.state.set('pc', BASE);
              assert.equal(rig.hart.run(1), Stop.Budget);
              const what = `${name}.${suffix} ${old.toString(16)}, ${value.toString(16)}`;
              assert.equal(rig.x('a0'), BigInt.asUintN(64, BigInt.asIntN(bits, old)), what);
              const stored = BigInt.asUintN(bits, operate(old, value, bits));
              const memory = rig.view.getBigUint64(0x10000, true);
              assert.equal(BigInt.asUintN(bits, memory), stored, what);
              if (bits === 32) assert.equal(memory >> 32n, neighbour >> 32n);
            }
          }
        });
      }
    }

    it('raises address-misaligned for misaligned AMO, LR and SC', () => {
      for (const [source, address, cause] of [
        ['amoadd.w a0, a2, (a1)', DATA + 2n, 6n],
        ['amoadd.d a0, a2, (a1)', DATA + 4n, 6n],
        ['lr.w a0, (a1)', DATA + 1n, 4n],
        ['lr.d a0, (a1)', DATA + 4n, 4n],
        ['sc.w a0, a2, (a1)', DATA + 2n, 6n],
        ['sc.d a0, a2, (a1)', DATA + 4n, 6n],
      ] as const) {
        rig.setX('a1', address);
        step(source);
        assert.deepEqual([rig.get('mcause'), rig.get('mtval')], [cause, address], source);
      }
    });

    it('SC succeeds once after LR, and only with its width and address', () => {
      rig.program(`
        li a1, ${DATA}
        li a2, 77
        lr.w t0, (a1)
        sc.w s0, a2, (a1)
        sc.w s1, a2, (a1)
        lr.w t0, (a1)
        sc.d s2, a2, (a1)
        lr.d t0, (a1)
        addi a3, a1, 8
        sc.d s3, a2, (a3)
        sc.d s4, a2, (a1)
        lr.d t1, (a1)
        li a2, -1
        sc.d s5, a2, (a1)
        lr.w t2, (a1)
        ebreak`);
      const results = ['s0', 's1', 's2', 's3', 's4', 's5'].map((r) => rig.x(r));
      assert.deepEqual(results, [0n, 1n, 1n, 1n, 1n, 0n]);
      assert.equal(rig.view.getBigUint64(0x10000, true), 0xffff_ffff_ffff_ffffn);
      assert.equal(rig.x('t1'), 77n);
      assert.equal(rig.x('t2'), 0xffff_ffff_ffff_ffffn);
    });

    it('SC fails when the value has changed since LR', () => {
      rig.program(`
        li a1, ${DATA}
        lr.w t0, (a1)
        li t1, 5
        sw t1, 0(a1)
        sc.w s0, a1, (a1)
        lr.d t0, (a1)
        amoadd.w zero, t1, (a1)
        sc.d s1, a1, (a1)
        lw s2, 0(a1)
        ebreak`);
      assert.deepEqual([rig.x('s0'), rig.x('s1'), rig.x('s2')], [1n, 1n, 10n]);
    });
  });
}
