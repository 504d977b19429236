import { strict as assert } from 'node:assert';
import { type BitField, extract, fits } from '../../src/isa/bits.ts';
import { findCompressed } from '../../src/isa/decode.ts';
import { type Format, formats, type OperandName } from '../../src/isa/formats.ts';
import { compressedInsns, decode, encode, insnByName, insns } from '../../src/isa/index.ts';
import { SeededRandom } from '../../src/util/index.ts';

const SEED = 0x15a;

/** Values that a field can hold: the extremes, single bits, and some at random. */
function samples(field: BitField, random: SeededRandom): number[] {
  const low = field.valueMask & -field.valueMask;
  const candidates = [0, -1, 1, low, -low, ...Array.from({ length: 32 }, (_, i) => 1 << i)];
  candidates.push(...candidates.map((value) => ~value), ...Array.from({ length: 16 }, () => random.u32() | 0));
  const values = candidates.map((value) => {
    const unused = 32 - field.width;
    const cut = value & field.valueMask;
    return field.signed ? (cut << unused) >> unused : cut;
  });
  return [...new Set(values)];
}

describe('isa/decode', () => {
  it('reads back every operand of every instruction that encode wrote', () => {
    const random = new SeededRandom(SEED);
    for (const insn of insns) {
      const operands = Object.entries((formats[insn.format] as Format).operands) as [OperandName, BitField][];
      for (const [name, field] of operands) {
        for (const value of samples(field, random)) {
          if (name === 'rm' && (value === 5 || value === 6)) continue;
          assert.ok(fits(field, value), `${insn.name}: ${name} = ${value}`);
          const others = operands.filter(([other]) => other !== name && other !== 'rm');
          const given = Object.fromEntries(others.map(([other, f]) => [other, random.pick(samples(f, random))]));
          const raw = encode(insn, { ...given, [name]: value });
          const decoded = decode(raw);
          assert.equal(decoded?.name, insn.name, `seed ${SEED}: 0x${raw.toString(16)}`);
          const expected = { rd: 0, rs1: 0, rs2: 0, rs3: 0, imm: 0, rm: 0, aqrl: 0, ...given, [name]: value };
          assert.deepEqual(decoded, { name: insn.name, length: 4, raw, ...expected }, `seed ${SEED}`);
        }
      }
    }
  });

  it('takes a word for an instruction exactly if one line of the table matches', () => {
    const random = new SeededRandom(SEED);
    const check = (raw: number): void => {
      const rows = insns.filter((insn) => ((raw & insn.mask) ^ insn.match) === 0);
      const row = rows.find((insn) => !insn.usesRm || ![5, 6].includes((raw >>> 12) & 7));
      assert.equal(decode(raw)?.name, row?.name, `seed ${SEED}: 0x${(raw >>> 0).toString(16)}`);
    };
    // Every opcode, funct3 and funct7 with some registers, then words at random near and far from instructions.
    for (let high = 0; high < 128; high++) {
      for (let low = 0; low < 1024; low++) {
        const registers = random.u32() & 0x01ff_8f80;
        check((high << 25) | ((low & 7) << 12) | ((low >> 3) << 2) | 3 | (random.below(2) === 0 ? registers : 0));
      }
    }
    for (let i = 0; i < 20_000; i++) check(random.u32() | 3);
    for (let i = 0; i < 20_000; i++) check((random.pick(insns).match ^ (1 << random.below(32))) | 3);
  });

  it('gives the bits as fetched, unsigned', () => {
    assert.equal(decode(0xfe010113)?.raw, 0xfe010113);
    assert.equal(decode(0xfe010113 | 0)?.raw, 0xfe010113);
    assert.equal(decode(0xffff_4501 | 0)?.raw, 0x4501);
  });

  it('refuses rounding modes 5 and 6 and takes all others', () => {
    for (let rm = 0; rm < 8; rm++) {
      const legal = rm !== 5 && rm !== 6;
      for (const name of ['fadd.s', 'fmadd.d', 'fcvt.d.w', 'fsqrt.d', 'fround.s'] as const) {
        assert.equal(decode(encode(insnByName[name], { rm }))?.rm, legal ? rm : undefined, `${name} ${rm}`);
      }
    }
  });

  it('refuses reserved encodings', () => {
    const reserved: Record<string, number> = {
      'all zeros': 0,
      'all ones': 0xffffffff,
      'slliw with shamt 32': 0x0200101b,
      'slli with bit 30': 0x40001013,
      'lr.w with rs2': 0x1015252f,
      'amo of a byte': 0x0000002f,
      'fcvt.w.s with rs2 4': 0xc0400053,
      'fsqrt.s with rs2': 0x58100053,
      'fadd in half precision': 0x04000053,
      'misc-mem funct3 3': 0x0000300f,
      'cbo 3': 0x0035200f,
      'cbo.zero with rd': 0x0045208f,
      'ecall with rd': 0x000000f3,
      'sfence.vma with rd': 0x120000f3,
      'mret with rs1': 0x30208073,
      uret: 0x00200073,
      'hfence.vvma': 0x22000073,
      'system funct3 4': 0x00004073,
      'jalr funct3 1': 0x00001067,
      'branch funct3 2': 0x00002063,
      'load funct3 7': 0x00007003,
      'czero funct3 6': 0x0e006033,
      vsetvli: 0x00007057,
      'brev8 (Zbkb)': 0x68755513,
    };
    for (const [what, raw] of Object.entries(reserved)) assert.equal(decode(raw), undefined, what);
  });

  it('lets fences with unknown or ignored fields be fences', () => {
    for (const raw of [0x0ff0000f, 0x1ff0000f, 0xfff0000f, 0x0ff5078f, 0x0100000f]) {
      assert.equal(decode(raw)?.name, 'fence', raw.toString(16));
    }
    for (const raw of [0x0000100f, 0xfff5178f]) assert.equal(decode(raw)?.name, 'fence.i', raw.toString(16));
  });

  it('reads immediates of each format', () => {
    assert.equal(decode(0x80000537)?.imm, -(2 ** 31));
    assert.equal(decode(0x12345537)?.imm, 0x12345000);
    assert.equal(decode(0xffdff06f)?.imm, -4);
    assert.equal(decode(0x7e000fe3)?.imm, 4094);
    assert.equal(decode(0xfea5ae23)?.imm, -4);
    assert.equal(decode(0x03f59513)?.imm, 63);
    assert.equal(decode(0x30052573)?.imm, 0x300);
    assert.equal(decode(0x8330000f)?.imm, 0x833);
    assert.equal(decode(encode(insnByName['fli.d'], { imm: 31 }))?.imm, 31);
    assert.equal(decode(0x3000d073)?.rs1, 1);
  });
});

describe('isa/decode of compressed instructions', () => {
  it('expands each into a legal 32-bit instruction with the same fields', () => {
    let legal = 0;
    for (let raw = 0; raw < 0x1_0000; raw++) {
      if ((raw & 3) === 3) continue;
      const insn = decode(raw);
      if (insn === undefined) continue;
      legal++;
      const { length, raw: _, ...fields } = insn;
      assert.equal(length, 2);
      const { length: long, raw: __, ...again } = decode(encode(insnByName[insn.name], insn)) ?? assert.fail();
      assert.equal(long, 4);
      assert.deepEqual(again, fields, raw.toString(16));
    }
    assert.equal(legal, expectedLegalHalfwords());
  });

  it('refuses what the specification reserves', () => {
    const reserved: Record<string, number> = {
      'all zeros': 0x0000,
      'c.addi4spn with immediate 0': 0x0004,
      'quadrant 0 funct3 4': 0x8000,
      'c.addiw with rd 0': 0x2005,
      'c.addi16sp with immediate 0': 0x6101,
      'c.lui with immediate 0': 0x6501,
      'c.lui x0 with immediate 0': 0x6001,
      'misc-alu subw row 2 (c.mul of Zcb)': 0x9c41,
      'misc-alu subw row 3 (Zcb)': 0x9c61,
      'c.lwsp with rd 0': 0x4002,
      'c.ldsp with rd 0': 0x6002,
      'c.jr with rs1 0': 0x8002,
    };
    for (const [what, raw] of Object.entries(reserved)) assert.equal(decode(raw), undefined, what);
  });

  it('takes hints', () => {
    const hints: Record<string, [number, string]> = {
      'c.nop with an immediate': [0x0015, 'addi'],
      'c.addi with immediate 0': [0x0081, 'addi'],
      'c.li to x0': [0x4005, 'addi'],
      'c.lui to x0': [0x6005, 'lui'],
      'c.mv to x0': [0x8006, 'add'],
      'c.add to x0': [0x9006, 'add'],
      'c.slli of x0': [0x0006, 'slli'],
      'c.slli by 0': [0x0502, 'slli'],
      'c.srli by 0': [0x8101, 'srli'],
      'c.srai by 0': [0x8501, 'srai'],
    };
    for (const [what, [raw, name]] of Object.entries(hints)) assert.equal(decode(raw)?.name, name, what);
  });

  it('takes shift amounts above 31', () => {
    assert.equal(decode(0x1502)?.imm, 32);
    assert.equal(decode(0x917d)?.imm, 63);
  });

  it('has every line of the table in use', () => {
    const used = new Set(Array.from({ length: 0x1_0000 }, (_, raw) => findCompressed(raw)?.name));
    assert.deepEqual(
      compressedInsns.map((insn) => insn.name).filter((name) => !used.has(name)),
      [],
    );
  });
});

/** Counted by hand from the tables of the chapter on C: 49152 halfwords less those that are reserved on RV64. */
function expectedLegalHalfwords(): number {
  const quadrant0 = 2048 - 8; // c.addi4spn with immediate 0, 8 registers
  const funct3of4 = 2048; // quadrant 0, funct3 100
  const addiw = 64; // rd 0
  const lui = 32; // immediate 0, any rd, c.addi16sp's included
  const miscAlu = 2 * 64; // bit 12 set, funct2 10 and 11: 8 × 8 registers each
  const loadsFromStack = 2 * 64; // c.lwsp and c.ldsp with rd 0
  const jump = 1; // c.jr with rs1 0
  return 3 * 16384 - (2048 - quadrant0) - funct3of4 - addiw - lui - miscAlu - loadsFromStack - jump;
}

describe('isa/bits', () => {
  it('reads an absent field as 0', () => {
    assert.equal(extract(undefined, 0xffffffff), 0);
  });
});
