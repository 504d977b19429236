/** Branches, jumps, compressed code, pages' edges. */
import { strict as assert } from 'node:assert';
import { Stop } from '../../../src/cpu/index.ts';
import { RAM_GPA, type Rig } from '../support/rig.ts';
import { edges } from './integer.ts';

const s64 = (v: bigint): bigint => BigInt.asIntN(64, v);

const conditions: Readonly<Record<string, (a: bigint, b: bigint) => boolean>> = {
  beq: (a, b) => a === b,
  bne: (a, b) => a !== b,
  blt: (a, b) => s64(a) < s64(b),
  bge: (a, b) => s64(a) >= s64(b),
  bltu: (a, b) => a < b,
  bgeu: (a, b) => a >= b,
};

const BASE = BigInt(RAM_GPA);

export function controlContract(makeRig: () => Rig): void {
  describe('control flow', () => {
    let rig: Rig;
    before(() => {
      rig = makeRig();
    });

    function stepAt(source: string, offset: number): bigint {
      const at = BASE + BigInt(offset);
      rig.load(source, at);
      rig.hart.invalidate();
      rig.state.set('pc', at);
      assert.equal(rig.hart.run(1), Stop.Budget);
      return rig.get('pc') - at;
    }

    for (const [name, taken] of Object.entries(conditions)) {
      it(`${name} decides over all 64 bits, forward and back`, () => {
        for (const distance of [16, -16, 4094, -4096]) {
          for (const a of edges) {
            for (const b of edges) {
              rig.setX('a1', a).setX('a2', b);
              const moved = stepAt(`${name} a1, a2, . + ${distance}`, 0x10000);
              assert.equal(moved, taken(a, b) ? BigInt(distance) : 4n, `${name} ${a}, ${b}`);
            }
            rig.setX('a1', a);
            assert.equal(stepAt(`${name} a1, zero, . + 8`, 0x10000), taken(a, 0n) ? 8n : 4n, `${name} ${a}, zero`);
            assert.equal(stepAt(`${name} zero, a1, . + 8`, 0x10000), taken(0n, a) ? 8n : 4n, `${name} zero, ${a}`);
          }
        }
      });
    }

    it('jal reaches a megabyte either way and links behind itself', () => {
      for (const distance of [4, 0xffffe, -0x100000, 0x1000, -0x1000]) {
        assert.equal(stepAt(`jal ra, . + ${distance}`, 0x180000), BigInt(distance));
        assert.equal(rig.x('ra'), BASE + 0x180004n);
        assert.equal(stepAt(`jal zero, . + ${distance}`, 0x180000), BigInt(distance));
        assert.equal(rig.x('zero'), 0n);
      }
    });

    it('jalr adds its offset over 64 bits, clears bit 0, and may link into its own base', () => {
      for (const [base, offset, target] of [
        [BASE + 0x2000n, 5, BASE + 0x2004n],
        [BASE + 0x10010n, -16, BASE + 0x10000n],
        [0xffff_ffff_ffff_fff0n, 0x20, 0x10n],
        [0x0000_0001_0000_0000n, -2048, 0xffff_f800n],
      ] as const) {
        rig.setX('a1', base);
        stepAt(`jalr ra, ${offset}(a1)`, 0x10000);
        assert.equal(rig.get('pc'), target);
        assert.equal(rig.x('ra'), BASE + 0x10004n);
        rig.setX('a1', base);
        stepAt(`jalr a1, ${offset}(a1)`, 0x10000);
        assert.equal(rig.get('pc'), target);
        assert.equal(rig.x('a1'), BASE + 0x10004n);
      }
    });

    it('runs on from one page into the next', () => {
      rig.load('addi a0, zero, 1\n addi a0, a0, 2\n addi a0, a0, 4\n ebreak', BASE + 0xff8n);
      rig.hart.invalidate();
      rig.state.set('pc', BASE + 0xff8n);
      rig.untilEbreak();
      assert.equal(rig.x('a0'), 7n);
      assert.equal(rig.get('pc'), BASE + 0x1004n);
    });

    it('runs an instruction that lies across two pages, and links and branches from there', () => {
      // c.nop at 0xffc, then 4-byte instructions at 0xffe.
      rig.view.setUint16(0xffc, 0x0001, true);
      for (const [source, register, value, next] of [
        ['addi a0, zero, 123', 'a0', 123n, 0x1002n],
        ['jal ra, . + 0x100', 'ra', BASE + 0x1002n, 0x10fen],
        ['auipc a0, 1', 'a0', BASE + 0x1ffen, 0x1002n],
        ['beq zero, zero, . - 0x20', 'a0', undefined, 0xfden],
        ['bne zero, zero, . - 0x20', 'a0', undefined, 0x1002n],
      ] as const) {
        rig.load(source, BASE + 0xffen);
        rig.hart.invalidate();
        rig.state.set('pc', BASE + 0xffcn);
        assert.equal(rig.hart.run(2), Stop.Budget);
        assert.equal(rig.get('pc'), BASE + next, source);
        if (value !== undefined) assert.equal(rig.x(register), value, source);
      }
    });

    it('links two bytes behind a compressed jump and decodes compressed code at any even address', () => {
      // c.li a0, -7; c.addi a0, 3; c.jr a1 / c.jalr a1; c.nop; 32-bit addi at 2 mod 4
      const halfwords = [0x5565, 0x050d, 0x9582];
      halfwords.forEach((half, i) => {
        rig.view.setUint16(0x3002 + 2 * i, half, true);
      });
      rig.setX('a1', BASE + 0x4002n);
      rig.load('addi a2, zero, 9', BASE + 0x4002n);
      rig.hart.invalidate();
      rig.state.set('pc', BASE + 0x3002n);
      assert.equal(rig.hart.run(4), Stop.Budget);
      assert.equal(s64(rig.x('a0')), -4n);
      assert.equal(rig.x('ra'), BASE + 0x3008n);
      assert.equal(rig.x('a2'), 9n);
      assert.equal(rig.get('pc'), BASE + 0x4006n);
    });

    it('calls and returns across pages deep enough to matter', () => {
      rig.program(`
          li sp, ${BASE + 0x100000n}
          li a0, 15
          call fib
          ebreak
        .balign 4096
        fib:
          li t0, 2
          blt a0, t0, 1f
          addi sp, sp, -32
          sd ra, 0(sp)
          sd a0, 8(sp)
          addi a0, a0, -1
          call fib
          sd a0, 16(sp)
          ld a0, 8(sp)
          addi a0, a0, -2
          call fib
          ld t0, 16(sp)
          add a0, a0, t0
          ld ra, 0(sp)
          addi sp, sp, 32
        1: ret`);
      assert.equal(rig.x('a0'), 610n);
    });

    it('never writes x0, whatever is aimed at it', () => {
      rig.program(`
        li a1, ${BASE + 0x1000n}
        addi zero, zero, 5
        lui zero, 1
        auipc zero, 1
        ld zero, 0(a1)
        lr.d zero, (a1)
        amoadd.w zero, a1, (a1)
        csrrw zero, mscratch, a1
        csrrs zero, mscratch, zero
        jal zero, 1f
      1: mul zero, a1, a1
        li t0, 3 << 13
        csrs mstatus, t0
        feq.d zero, fa0, fa0
        fcvt.l.d zero, fa0
        ebreak`);
      assert.equal(rig.x('zero'), 0n);
    });
  });
}
