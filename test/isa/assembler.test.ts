import { strict as assert } from 'node:assert';
import { type Format, formats } from '../../src/isa/formats.ts';
import { AssemblerError, assemble, decode, disassemble, encode, insns } from '../../src/isa/index.ts';
import { SeededRandom } from '../../src/util/index.ts';

const SEED = 0xa53;

function words(source: string, base: bigint | number = 0): number[] {
  const { bytes } = assemble(source, { base });
  return Array.from(new Uint32Array(bytes.buffer, 0, bytes.length / 4));
}

/** The text of a program, one instruction a line. */
function listing(source: string, base: bigint | number = 0): string[] {
  return words(source, base).map((word, i) => disassemble(word, BigInt(base) + BigInt(4 * i)).replace('\t', ' '));
}

function failure(source: string): string {
  try {
    assemble(source);
  } catch (error) {
    assert.ok(error instanceof AssemblerError, String(error));
    return error.message;
  }
  return assert.fail(`assembled: ${source}`);
}

/** Runs the few instructions that `li` is made of. */
function run(code: readonly number[]): bigint {
  let a0 = 0n;
  for (const word of code) {
    const insn = decode(word) ?? assert.fail('illegal instruction');
    const source = insn.rs1 === 0 ? 0n : a0;
    if (insn.name === 'lui') a0 = BigInt(insn.imm);
    else if (insn.name === 'addi') a0 = BigInt.asIntN(64, source + BigInt(insn.imm));
    else if (insn.name === 'addiw') a0 = BigInt.asIntN(32, source + BigInt(insn.imm));
    else if (insn.name === 'slli') a0 = BigInt.asIntN(64, source << BigInt(insn.imm));
    else assert.fail(insn.name);
  }
  return a0;
}

describe('isa/assembler', () => {
  it('reads back what the disassembler prints, for every instruction', () => {
    const random = new SeededRandom(SEED);
    for (const insn of insns) {
      for (let i = 0; i < 20; i++) {
        const operands: Record<string, number> = {};
        for (const [name, field] of Object.entries((formats[insn.format] as Format).operands)) {
          operands[name] = random.below(4) === 0 ? 0 : random.u32() & field.valueMask;
        }
        if (insn.format === 'Fence') operands['imm'] &= 0xff;
        if (insn.usesRm) operands['rm'] = random.pick([0, 1, 2, 3, 4, 7]);
        const raw = encode(insn, operands);
        const base = 0x8000_0000n;
        for (const text of [disassemble(raw), disassemble(raw, base)]) {
          assert.deepEqual(words(text, base), [raw], `seed ${SEED}: ${text}`);
        }
      }
    }
  });

  it('reads back illegal encodings', () => {
    for (const raw of [0xffffffff, 0x0000707b, 0x02a5d553]) assert.deepEqual(words(disassemble(raw)), [raw]);
    assert.deepEqual([...assemble(disassemble(0x8000)).bytes], [0x00, 0x80]);
  });

  it('loads any 64-bit constant in at most eight instructions', () => {
    const random = new SeededRandom(SEED);
    const constants = [0n, 1n, -1n, 2047n, 2048n, -2048n, -2049n, 0x7fffffffn, 0x80000000n, 0xfffff800n, -(1n << 63n)];
    constants.push(0x7fffffffffffffffn, 0xffffffffffffffffn, 0x7ffff800n, 0x123456789abcdef0n, 0x800n << 20n);
    for (let i = 0; i < 64; i++) constants.push(1n << BigInt(i), (1n << BigInt(i)) - 1n, -(1n << BigInt(i)));
    for (let i = 0; i < 500; i++) constants.push((BigInt(random.u32()) << 32n) | BigInt(random.u32()));
    for (const constant of constants) {
      const code = words(`li a0, ${constant}`);
      assert.ok(code.length <= 8, `${constant}`);
      assert.equal(run(code), BigInt.asIntN(64, constant), `seed ${SEED}: ${constant}`);
    }
  });

  it('addresses labels relative to pc', () => {
    const source =
      'la a0, data\nlw a1, data\nsd a2, data, t0\ncall f\ntail f\ncall t0, f\nf: ret\n.data\ndata: .dword 1';
    assert.deepEqual(listing(source, 0x8000_0000).slice(0, 13), [
      'auipc a0,0x0',
      'addi a0,a0,64',
      'auipc a1,0x0',
      'lw a1,56(a1)',
      'auipc t0,0x0',
      'sd a2,48(t0)',
      'auipc ra,0x0',
      'jalr 24(ra)',
      'auipc t1,0x0',
      'jr 16(t1)',
      'auipc t0,0x0',
      'jalr t0,8(t0)',
      'ret',
    ]);
  });

  it('works at addresses in the upper half', () => {
    const { bytes, symbols } = assemble('nop\nhere: j here\nla a0, here', { base: 0xffff_ffff_8000_0000n });
    assert.equal(symbols.get('here'), 0xffff_ffff_8000_0004n);
    assert.equal(bytes.length, 16);
  });

  it('tells numbered labels apart', () => {
    assert.deepEqual(listing('1: j 1b\nj 1f\n1: j 1b\n2: j 1b\nj 2f\n2: nop'), [
      'j 0x0',
      'j 0x8',
      'j 0x8',
      'j 0x8',
      'j 0x14',
      'nop',
    ]);
  });

  it('returns labels and symbols', () => {
    const { symbols, bytes } = assemble('.equ N, 3\nstart: nop\nend: .data\nbuffer: .zero N\nlength = . - buffer', {
      base: 0x1000,
    });
    assert.deepEqual([...symbols].sort(), [
      ['N', 3n],
      ['buffer', 0x1010n],
      ['end', 0x1004n],
      ['length', 3n],
      ['start', 0x1000n],
    ]);
    assert.equal(bytes.length, 0x13);
  });

  it('takes symbols from its caller', () => {
    const source = 'lui a0, %hi(uart)\naddi a0, a0, %lo(uart)\nli a1, uart';
    const { bytes } = assemble(source, { symbols: { uart: 0x1000_0fff } });
    assert.equal(new DataView(bytes.buffer).getUint32(0, true), 0x1000_1537);
    assert.equal(decode(new DataView(bytes.buffer).getUint32(4, true))?.imm, -1);
  });

  it('aligns text with no-ops and data with zeros', () => {
    assert.deepEqual(listing('nop\n.balign 16\nret'), ['nop', 'nop', 'nop', 'nop', 'ret']);
    const { bytes } = assemble('c.nop\n.align 3\nret\n.data\n.byte 1\n.balign 4\n.byte 2\n.balign 4, 0xee\n.byte 3');
    assert.deepEqual([...bytes.slice(0, 8)], [1, 0, 1, 0, 0x13, 0, 0, 0]);
    assert.deepEqual([...bytes.slice(16)], [1, 0, 0, 0, 2, 0xee, 0xee, 0xee, 3]);
  });

  it('places things with .org', () => {
    assert.deepEqual([...assemble('.byte 1\n.org 4\n.byte 2').bytes], [1, 0, 0, 0, 2]);
    assert.match(failure('nop\nnop\n.org 4'), /line 3: \.org 4 goes back/);
  });

  it('knows strings with escapes and in UTF-8', () => {
    const { bytes } = assemble('.ascii "a\\tb;#", "\\x41\\101"\n.asciz "é€😀"');
    assert.equal(Buffer.from(bytes).toString(), 'a\tb;#AAé€😀\0');
  });

  it('follows the precedence of GNU as', () => {
    const values = {
      '1+2<<3': 17,
      '4|1+1': 6,
      '2*3+4*5': 26,
      '(1+2)*3': 9,
      '~0&15': 15,
      '-7/2': -3,
      '-7%4': -3,
      '7%n': 1,
    };
    for (const [text, value] of Object.entries(values)) {
      assert.equal(
        new DataView(assemble(`n = 3\n.dword ${text}`).bytes.buffer).getBigInt64(0, true),
        BigInt(value),
        text,
      );
    }
  });

  it('ignores comments of all kinds', () => {
    assert.deepEqual(listing('nop # ret\nnop // ret\n/* ret\nret */ nop; nop'), ['nop', 'nop', 'nop', 'nop']);
    assert.deepEqual([...assemble('.ascii "/* no */"').bytes].length, 8);
  });

  it('names the line and the reason of a mistake', () => {
    const mistakes: Record<string, RegExp> = {
      'nop\nfrob a0': /^line 2: unknown instruction 'frob'$/,
      'add a0, a1': /^line 1: add takes rd,rs1,rs2 or rd,rs1,imm, not 'a0,a1'$/,
      'addi a0, a1, 2048': /^line 1: 2048 does not fit in addi \(-2048 … 2047\)$/,
      'slli a0, a1, 64': /does not fit in slli \(0 … 63\)/,
      'lui a0, 0x100000': /does not fit in 20 bits/,
      'beq a0, a1, far\n.zero 5000\nfar:': /5004 does not fit in beq \(-4096 … 4094, a multiple of 2\)/,
      'j nowhere': /'nowhere' is not defined/,
      '1: j 2b': /no label '2:' before this point/,
      'j 1f': /'1' is not defined/,
      'a: nop\na: nop': /^line 2: 'a' is defined twice$/,
      'a = b\nb = a\n.word a': /is defined by itself/,
      '.word 1 +': /ends too early/,
      '.word (1': /missing '\)'/,
      '.word 1 2': /cannot read '1 2'/,
      '.byte 256': /256 does not fit in 1 bytes/,
      '.word 1/0': /division by zero/,
      '.frob 1': /unknown directive '\.frob'/,
      '.align 99': /alignment 2\^99 is more than/,
      '.balign 3': /3 is not a power of two/,
      '.space -1': /size -1 is not in/,
      '.string hello': /not a string in double quotes/,
      'li a0, label\nlabel:': /line 1/,
      'li a0, 1<<64': /cannot shift by 64/,
      'li a0, 0x10000000000000000': /more than 64 bits/,
      'c.addi4spn a0, sp, 0': /c\.addi4spn cannot have imm = 0/,
      'c.lw t0, 0(a0)': /reaches only registers 8 to 15/,
      'c.addi a0, 32': /does not fit in c\.addi \(-32 … 31\)/,
      'lw a0, %hi(0)(a1)': /%hi gives the upper bits/,
      'lui a0, %lo(0)': /%lo gives the lower bits/,
      'lui a0, %hi(0x80000000)': /beyond 32 bits/,
      'addi a0, a0, %pcrel_lo(4)': /no %pcrel_hi at 0x4/,
      'addi a0, a0, %frob(4)': /unknown relocation function '%frob'/,
      'fadd.s fa0, fa1, fa2, odd': /fadd\.s takes/,
      'la a0': /cannot read the operands of la/,
      '.insn 2, 0xffffffff': /has 4 bytes/,
      '.word "': /cannot read/,
    };
    for (const [source, message] of Object.entries(mistakes)) assert.match(failure(source), message, source);
  });

  it('never fails other than with an AssemblerError, whatever the source', () => {
    const random = new SeededRandom(SEED);
    const pieces = [
      'add',
      'li',
      'a0',
      ',',
      ' ',
      '(',
      ')',
      '%lo',
      '1f',
      '1:',
      '"',
      "'",
      '.word',
      '0x',
      '\\',
      '=',
      '.',
      '-',
      '\n',
      'lw',
      '/*',
      ';',
      '🙂',
    ];
    for (let i = 0; i < 3000; i++) {
      const source = Array.from({ length: random.below(12) }, () => random.pick(pieces)).join('');
      try {
        assemble(source);
      } catch (error) {
        assert.ok(error instanceof AssemblerError, `seed ${SEED}: ${JSON.stringify(source)}: ${error}`);
      }
    }
  });
});

describe('isa/disassemble', () => {
  it('prefers pseudo-instructions', () => {
    const texts: Record<number, string> = {
      19: 'nop',
      5244179: 'li\ta0,5',
      361747: 'mv\ta0,a1',
      32871: 'ret',
      361755: 'sext.w\ta0,a1',
      4294296851: 'not\ta0,a1',
      1085277491: 'neg\ta0,a1',
      10506339: 'blez\ta0,.+0',
      582321491: 'fmv.d\tfa0,fa1',
      805315955: 'csrr\ta0,mstatus',
      3221229683: 'unimp',
      16777231: 'pause',
      34094: 'mv\ta0,a1',
      11535667: 'add\ta0,zero,a1',
      0: 'unimp',
      32768: '.2byte\t0x8000',
      4294967295: '.insn\t4, 0xffffffff',
    };
    for (const [raw, text] of Object.entries(texts)) assert.equal(disassemble(Number(raw)), text);
  });

  it('gives branch targets as addresses when it knows pc', () => {
    assert.equal(disassemble(0xffdff06f, 0x8000_0000n), 'j\t0x7ffffffc');
    assert.equal(disassemble(0xffdff06f, 0n), 'j\t0xfffffffffffffffc');
    assert.equal(disassemble(0xffdff06f), 'j\t.-4');
  });
});
