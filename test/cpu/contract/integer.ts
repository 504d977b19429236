/** Integer arithmetic of every extension against definitions over BigInt. */
import { strict as assert } from 'node:assert';
import { RAM_GPA, type Rig } from '../support/rig.ts';

const M64 = (1n << 64n) - 1n;
const s64 = (v: bigint): bigint => BigInt.asIntN(64, v);
const s32 = (v: bigint): bigint => BigInt.asIntN(32, v);
const u32 = (v: bigint): bigint => BigInt.asUintN(32, v);

/** Values at which carries, signs, halves and bytes change. */
export const edges: readonly bigint[] = [
  0n,
  1n,
  2n,
  0x7fn,
  0x80n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x1234_5678_9abc_def0n,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0xffff_ffff_0000_0000n,
  0xffff_ffff_7fff_ffffn,
  0xffff_ffff_ffff_ff80n,
  0xffff_ffff_ffff_fffen,
  0xffff_ffff_ffff_ffffn,
];

type Binary = (a: bigint, b: bigint) => bigint;
type Unary = (a: bigint) => bigint;

function divide(a: bigint, b: bigint): bigint {
  return b === 0n ? -1n : a / b;
}

function remainder(a: bigint, b: bigint): bigint {
  return b === 0n ? a : a % b;
}

function less(a: bigint, b: bigint): boolean {
  return a < b;
}

/** Carry-less product, 128 bits. */
function carryless(a: bigint, b: bigint): bigint {
  let product = 0n;
  for (let i = 0n; i < 64n; i++) if ((b >> i) & 1n) product ^= a << i;
  return product;
}

function bits(v: bigint): string {
  return v.toString(2).padStart(64, '0');
}

function bytesOf(v: bigint): bigint[] {
  return Array.from({ length: 8 }, (_, i) => (v >> BigInt(8 * i)) & 0xffn);
}

function fromBytes(bytes: readonly bigint[]): bigint {
  return bytes.reduce((v, byte, i) => v | (byte << BigInt(8 * i)), 0n);
}

/** Two-register instructions; operands and result are unsigned 64-bit numbers (the result is cut to 64 bits). */
export const binary: Readonly<Record<string, Binary>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  sll: (a, b) => a << (b & 63n),
  slt: (a, b) => (s64(a) < s64(b) ? 1n : 0n),
  sltu: (a, b) => (a < b ? 1n : 0n),
  xor: (a, b) => a ^ b,
  srl: (a, b) => a >> (b & 63n),
  sra: (a, b) => s64(a) >> (b & 63n),
  or: (a, b) => a | b,
  and: (a, b) => a & b,
  addw: (a, b) => s32(a + b),
  subw: (a, b) => s32(a - b),
  sllw: (a, b) => s32(a << (b & 31n)),
  srlw: (a, b) => s32(u32(a) >> (b & 31n)),
  sraw: (a, b) => s32(a) >> (b & 31n),
  mul: (a, b) => a * b,
  mulh: (a, b) => (s64(a) * s64(b)) >> 64n,
  mulhsu: (a, b) => (s64(a) * b) >> 64n,
  mulhu: (a, b) => (a * b) >> 64n,
  mulw: (a, b) => s32(a * b),
  div: (a, b) => divide(s64(a), s64(b)),
  divu: divide,
  rem: (a, b) => remainder(s64(a), s64(b)),
  remu: remainder,
  divw: (a, b) => s32(divide(s32(a), s32(b))),
  divuw: (a, b) => s32(divide(u32(a), u32(b))),
  remw: (a, b) => s32(remainder(s32(a), s32(b))),
  remuw: (a, b) => s32(remainder(u32(a), u32(b))),
  sh1add: (a, b) => (a << 1n) + b,
  sh2add: (a, b) => (a << 2n) + b,
  sh3add: (a, b) => (a << 3n) + b,
  'add.uw': (a, b) => u32(a) + b,
  'sh1add.uw': (a, b) => (u32(a) << 1n) + b,
  'sh2add.uw': (a, b) => (u32(a) << 2n) + b,
  'sh3add.uw': (a, b) => (u32(a) << 3n) + b,
  andn: (a, b) => a & ~b,
  orn: (a, b) => a | ~b,
  xnor: (a, b) => ~(a ^ b),
  max: (a, b) => (s64(a) > s64(b) ? a : b),
  maxu: (a, b) => (less(a, b) ? b : a),
  min: (a, b) => (s64(a) < s64(b) ? a : b),
  minu: (a, b) => (less(a, b) ? a : b),
  rol: (a, b) => (a << (b & 63n)) | (a >> ((64n - (b & 63n)) & 127n)),
  ror: (a, b) => (a >> (b & 63n)) | (a << ((64n - (b & 63n)) & 127n)),
  rolw: (a, b) => s32((u32(a) << (b & 31n)) | (u32(a) >> (32n - (b & 31n)))),
  rorw: (a, b) => s32((u32(a) >> (b & 31n)) | (u32(a) << (32n - (b & 31n)))),
  clmul: carryless,
  clmulh: (a, b) => carryless(a, b) >> 64n,
  clmulr: (a, b) => carryless(a, b) >> 63n,
  bclr: (a, b) => a & ~(1n << (b & 63n)),
  bext: (a, b) => (a >> (b & 63n)) & 1n,
  binv: (a, b) => a ^ (1n << (b & 63n)),
  bset: (a, b) => a | (1n << (b & 63n)),
  'czero.eqz': (a, b) => (b === 0n ? 0n : a),
  'czero.nez': (a, b) => (b === 0n ? a : 0n),
};

/** One-register instructions. */
const unary: Readonly<Record<string, Unary>> = {
  clz: (a) => BigInt(bits(a).replace(/1.*/, '').length),
  ctz: (a) => BigInt(bits(a).replace(/.*1/, '').length),
  cpop: (a) => BigInt(bits(a).replaceAll('0', '').length),
  clzw: (a) => BigInt(bits(u32(a)).slice(32).replace(/1.*/, '').length),
  ctzw: (a) => BigInt(bits(u32(a)).slice(32).replace(/.*1/, '').length),
  cpopw: (a) => BigInt(bits(u32(a)).replaceAll('0', '').length),
  'sext.b': (a) => BigInt.asIntN(8, a),
  'sext.h': (a) => BigInt.asIntN(16, a),
  'zext.h': (a) => a & 0xffffn,
  'orc.b': (a) => fromBytes(bytesOf(a).map((byte) => (byte === 0n ? 0n : 0xffn))),
  rev8: (a) => fromBytes(bytesOf(a).reverse()),
};

/** Instructions with a 12-bit immediate, by the register form they share a definition with. */
const immediate: Readonly<Record<string, string>> = {
  addi: 'add',
  slti: 'slt',
  sltiu: 'sltu',
  xori: 'xor',
  ori: 'or',
  andi: 'and',
  addiw: 'addw',
};

/** Shifts and bit operations with an immediate, with the number of amounts. */
const shifts: Readonly<Record<string, readonly [Binary, number]>> = {
  slli: [binary['sll'], 64],
  srli: [binary['srl'], 64],
  srai: [binary['sra'], 64],
  slliw: [binary['sllw'], 32],
  srliw: [binary['srlw'], 32],
  sraiw: [binary['sraw'], 32],
  'slli.uw': [(a, n) => u32(a) << n, 64],
  rori: [binary['ror'], 64],
  roriw: [binary['rorw'], 32],
  bclri: [binary['bclr'], 64],
  bexti: [binary['bext'], 64],
  binvi: [binary['binv'], 64],
  bseti: [binary['bset'], 64],
};

function hex(v: bigint): string {
  return `0x${v.toString(16)}`;
}

/** Runs one instruction with a1 and a2 set, and returns the named register. */
function step(rig: Rig, a: bigint, b: bigint, rd: string): bigint {
  rig.setX('a1', a).setX('a2', b);
  rig.state.set('pc', BigInt(RAM_GPA));
  rig.hart.run(1);
  return rig.x(rd);
}

function load(rig: Rig, source: string): void {
  rig.load(source);
  rig.hart.invalidate();
}

export function integerContract(makeRig: () => Rig): void {
  describe('integer instructions', () => {
    let rig: Rig;
    before(() => {
      rig = makeRig();
    });

    for (const [name, expected] of Object.entries(binary)) {
      it(`${name} gives what its definition says over edge operands, also when registers coincide`, () => {
        for (const rd of ['a0', 'a1', 'a2']) {
          load(rig, `${name} ${rd}, a1, a2`);
          for (const a of edges) {
            for (const b of edges) {
              assert.equal(step(rig, a, b, rd), expected(a, b) & M64, `${name} ${rd}, ${hex(a)}, ${hex(b)}`);
            }
          }
        }
        load(rig, `${name} a1, a1, a1`);
        for (const a of edges) assert.equal(step(rig, a, 0n, 'a1'), expected(a, a) & M64, `${name} of ${hex(a)} alone`);
        load(rig, `${name} zero, a1, a2`);
        assert.equal(step(rig, edges[9], edges[10], 'zero'), 0n);
        load(rig, `${name} a0, zero, a2`);
        assert.equal(step(rig, 1n, 5n, 'a0'), expected(0n, 5n) & M64);
        load(rig, `${name} a0, a1, zero`);
        assert.equal(step(rig, 0x8000_0005n, 1n, 'a0'), expected(0x8000_0005n, 0n) & M64);
      });
    }

    for (const [name, expected] of Object.entries(unary)) {
      it(`${name} gives what its definition says over edge operands`, () => {
        for (const rd of ['a0', 'a1']) {
          load(rig, `${name} ${rd}, a1`);
          for (const a of [...edges, ...edges.map((e) => ~e & M64), ...singleBits()]) {
            assert.equal(step(rig, a, 0n, rd), expected(a) & M64, `${name} ${hex(a)}`);
          }
        }
      });
    }

    for (const [name, like] of Object.entries(immediate)) {
      it(`${name} sign-extends its immediate`, () => {
        for (const imm of [-2048, -1, 0, 1, 5, 2047]) {
          for (const rd of ['a0', 'a1']) {
            load(rig, `${name} ${rd}, a1, ${imm}`);
            for (const a of edges) {
              const expected = binary[like](a, BigInt(imm) & M64) & M64;
              assert.equal(step(rig, a, 0n, rd), expected, `${name} ${hex(a)}, ${imm}`);
            }
          }
          load(rig, `${name} a0, zero, ${imm}`);
          assert.equal(step(rig, 1n, 0n, 'a0'), binary[like](0n, BigInt(imm) & M64) & M64);
        }
      });
    }

    for (const [name, [expected, amounts]] of Object.entries(shifts)) {
      it(`${name} takes every amount`, () => {
        for (let n = 0; n < amounts; n++) {
          load(rig, `${name} ${n % 2 === 0 ? 'a0' : 'a1'}, a1, ${n}`);
          for (const a of edges) {
            const got = step(rig, a, 0n, n % 2 === 0 ? 'a0' : 'a1');
            assert.equal(got, expected(a, BigInt(n)) & M64, `${name} ${hex(a)}, ${n}`);
          }
        }
      });
    }

    it('lui and auipc sign-extend their upper immediate', () => {
      for (const upper of [0, 1, 0x7ffff, 0x80000, 0xfffff]) {
        load(rig, `lui a0, ${upper}`);
        assert.equal(s64(step(rig, 0n, 0n, 'a0')), s32(BigInt(upper) << 12n));
        load(rig, `auipc a0, ${upper}`);
        assert.equal(step(rig, 0n, 0n, 'a0'), (BigInt(RAM_GPA) + s32(BigInt(upper) << 12n)) & M64);
      }
    });

    it('keeps results right in long-running code', () => {
      // Hot enough for an optimising backend to have replaced its first translation several times.
      rig.load(`
        li s0, 200000
        li a1, 0x123456789abcdef1
        li a2, 0x0fedcba987654321
        li a0, 0
      1:
        mul t0, a1, a2
        mulhu t1, a1, a2
        add a0, a0, t0
        xor a0, a0, t1
        divu t2, a1, a2
        remu t3, a2, t0
        add a0, a0, t2
        sub a0, a0, t3
        rol a1, a1, a0
        sltu t4, a0, a1
        add a2, a2, t4
        addi s0, s0, -1
        bnez s0, 1b
        ebreak`);
      rig.hart.invalidate();
      rig.state.set('pc', BigInt(RAM_GPA));
      rig.untilEbreak(3_000_000);
      let [a0, a1, a2] = [0n, 0x1234_5678_9abc_def1n, 0x0fed_cba9_8765_4321n];
      for (let i = 0; i < 200_000; i++) {
        const t0 = (a1 * a2) & M64;
        a0 = (a0 + t0) & M64;
        a0 ^= (a1 * a2) >> 64n;
        const [t2, t3] = [divide(a1, a2) & M64, remainder(a2, t0)];
        a0 = (a0 + t2 - t3) & M64;
        a1 = binary['rol'](a1, a0) & M64;
        a2 = (a2 + (a0 < a1 ? 1n : 0n)) & M64;
      }
      assert.equal(rig.x('a0'), a0);
    });
  });
}

function singleBits(): bigint[] {
  return Array.from({ length: 64 }, (_, i) => 1n << BigInt(i));
}
