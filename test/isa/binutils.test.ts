import { strict as assert } from 'node:assert';
import { aliases } from '../../src/isa/asm/aliases.ts';
import { type Format, formats } from '../../src/isa/formats.ts';
import {
  assemble,
  csrByNumber,
  csrs,
  decode,
  disassemble,
  encode,
  type Insn,
  insns,
  type Operands,
} from '../../src/isa/index.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { gnuAssemble, gnuDisassemble, needBinutils, unknownToBinutils } from './binutils.ts';

const SEED = 0x6e5;
const INSTANCES = 12;
const ROUNDING_MODES = [0, 1, 2, 3, 4, 7];

/** Random operands: half of the registers are x0 or equal, so that pseudo-instructions turn up. */
function randomOperands(insn: Insn, random: SeededRandom): Operands {
  const operands: Record<string, number> = {};
  const favourite = random.below(32);
  for (const [name, field] of Object.entries((formats[insn.format] as Format).operands)) {
    operands[name] = random.u32() & field.valueMask;
    if (/^r/.test(name)) operands[name] = random.pick([0, 1, favourite, random.below(32)]);
    if (name === 'imm' && random.below(4) === 0) operands[name] = random.pick([0, 1, -1, 255]) & field.valueMask;
  }
  if (insn.syntax.includes('csr')) operands['imm'] = random.pick(csrs).number;
  // The upper four bits of a fence select variants: only 0 and tso have assembly.
  if (insn.format === 'Fence') operands['imm'] &= 0xff;
  if (insn.usesRm) operands['rm'] = insn.defaultRm === 0 ? 0 : random.pick(ROUNDING_MODES);
  return operands;
}

function randomWords(table: readonly Insn[]): number[] {
  const random = new SeededRandom(SEED);
  return table.flatMap((insn) => Array.from({ length: INSTANCES }, () => encode(insn, randomOperands(insn, random))));
}

const known = insns.filter((insn) => !unknownToBinutils.includes(insn.extension));

/** binutils 2.40 prefers the names without `i` (`sll a0,a1,0x3`), later versions those of the specification. */
const withoutI = new Map<string, string>(
  aliases
    .filter((alias) => alias.use === 'written' && /imm|shamt|uimm/.test(alias.syntax.at(-1) ?? ''))
    .map((alias) => [alias.of, alias.name]),
);
withoutI.set('csrwi', 'csrw').set('csrsi', 'csrs').set('csrci', 'csrc');

/** One spelling for what both sides write differently. */
function normalize(text: string): string {
  const [mnemonic, operands = ''] = text
    .replace(/ *#.*/, '')
    .replace(/([\t,])([0-9a-f]+) <.*>$/, '$10x$2')
    .split('\t');
  // A register number that the other side has no name for.
  const named = operands.replace(/0x[0-9a-f]+/g, (number) => {
    return /^csr/.test(mnemonic) ? (csrByNumber(Number(number))?.name ?? number) : number;
  });
  return `${withoutI.get(mnemonic) ?? mnemonic} ${named}`.trim();
}

describe('isa against GNU binutils', () => {
  before(function () {
    needBinutils(this);
  });

  it('disassembles random instances of every instruction as objdump does', () => {
    const words = randomWords(known);
    const theirs = gnuDisassemble(words);
    assert.equal(theirs.length, words.length);
    words.forEach((word, i) => {
      const ours = disassemble(word, BigInt(theirs[i].address));
      assert.equal(normalize(ours), normalize(theirs[i].text), `seed ${SEED}: 0x${word.toString(16)}`);
    });
  });

  it('prints what GNU as assembles to the same bytes', () => {
    const words = randomWords(known);
    const bytes = gnuAssemble(`.option norvc\n${words.map((word) => gnuSpelling(disassemble(word))).join('\n')}`);
    words.forEach((word, i) => {
      assert.equal(bytes.readUInt32LE(4 * i), word, `seed ${SEED}: ${disassemble(word)}`);
    });
  });

  it('decodes every halfword as objdump does', () => {
    const halfwords = Array.from({ length: 0x1_0000 }, (_, raw) => raw).filter((raw) => (raw & 3) !== 3);
    const theirs = gnuDisassemble(halfwords);
    assert.equal(theirs.length, halfwords.length);
    halfwords.forEach((raw, i) => {
      const ours = disassemble(raw, BigInt(theirs[i].address));
      if (isHint(raw) || raw === C_ADDI16SP_0) return;
      assert.equal(normalize(ours), normalize(theirs[i].text).replace('.2byte 0x0', '.2byte 0x'), raw.toString(16));
    });
  });

  it('assembles a program to the same bytes', () => {
    const ours = Buffer.from(assemble(program).bytes);
    assert.deepEqual(ours.toString('hex').match(/.{8}/g), gnuAssemble(program).toString('hex').match(/.{8}/g));
  });
});

/** objdump 2.40 prints this reserved encoding as an addition of 0. */
const C_ADDI16SP_0 = 0x6101;

/** Hints: objdump prints the compressed mnemonic or the raw operation, we print the expansion. */
function isHint(raw: number): boolean {
  const insn = decode(raw);
  if (insn === undefined) return false;
  const writesNothing = insn.rd === 0 && ['addi', 'lui', 'add', 'slli'].includes(insn.name);
  const changesNothing = insn.imm === 0 && insn.rd === insn.rs1 && ['addi', 'slli', 'srli', 'srai'].includes(insn.name);
  return (writesNothing || changesNothing) && raw !== 0x0001;
}

/** What GNU as cannot read: CSRs it has no name for, and empty fence sets. */
function gnuSpelling(text: string): string {
  const fence = /^fence\t.*unknown/.test(text);
  if (fence) return `.insn 0x${assembleOne(text).toString(16)}`;
  return text.replace(/\t(.*)$/, (operands) =>
    operands.replace(/[a-z]\w+/g, (word) => {
      const csr = newCsrs.has(word) ? csrs.find((c) => c.name === word) : undefined;
      return csr === undefined ? word : `0x${csr.number.toString(16)}`;
    }),
  );
}

/** Registers that binutils 2.40 knows under no name, or only with an extension that is not in its -march. */
const newCsrs = new Set<string>(
  csrs.map((csr) => csr.name).filter((name) => /^[ms]stateen|stimecmp|mseccfg|^[ms]envcfg/.test(name)),
);

function assembleOne(text: string): number {
  return Buffer.from(assemble(text).bytes).readUInt32LE(0);
}

/** Labels, relocation functions, pseudo-instructions and data; the constants are those where `li` has one best form. */
const program = `
        .option norvc
        .equ    SIZE, (4+3)*2|1 & 7
        limit = SIZE + 1
start:  la      a0, message
        lla     a1, message
        call    start
        tail    start
        lw      a0, word
        ld      a1, word
        sw      a0, word, t0
        flw     fa0, word, t1
        fsd     fa0, word, t1
1:      beq     a0, a1, 1b      # backwards
        bne     a0, a1, 1f
        j       1f
1:      j       1b; nop
        bgt     a0, a1, 1b
        bleu    a0, a1, end
        jal     end
        lui     a0, %hi(word)
        addi    a0, a0, %lo(word)
        lw      a0, %lo(word)(a0)
        sw      a0, %lo(word+4)(a0)
2:      auipc   a0, %pcrel_hi(word)
        addi    a0, a0, %pcrel_lo(2b)
        li      a0, 0x12345678
        li      a0, -1
        li      a0, 2047
        li      a0, -2048
        li      a0, 2048
        li      a0, -2049
        li      a0, 0x7fffffff
        li      a0, -0x80000000
        li      a0, SIZE
        addi    a0, a0, limit
        addi    a0, a0, 'a'
        add     a0, a1, -5
        sll     a0, a1, 5
        jalr    a0
        jalr    8(a0)
        jalr    t0, a0, 8
        jr      a0
        ret
        csrw    mstatus, a0
        csrwi   fcsr, limit - SIZE
        csrr    a0, time
        fence   rw, w
        sfence.vma
        amoadd.w.aqrl a0, a1, (a2)
        lr.d.aq a0, 0(a1)
        fadd.s  fa0, fa1, fa2, rtz
        fcvt.w.s a0, fa0, rup
        fcvt.d.w fa0, a0
        fmv.d   fa0, fa1
        fgt.s   a0, fa0, fa1
        .option rvc
        c.addi  a0, 1
        c.lwsp  a0, 8(sp)
        c.addi4spn a0, sp, 16
        c.addi16sp sp, -32
        c.lui   a0, 0xfffff
        c.fsd   fa0, 8(s0)
        c.beqz  a0, end
        c.nop
        .option norvc
        .balign 16
end:    .word   SIZE, 1+2<<3, -1, 'a', '\\n', 0x10, 017, 0b101, message, .-start, ~5 & 0xff, -7/2
        .dword  end - start, 1<<40
        .data
message: .string "hi\\n\\t\\"x\\"\\\\ \\101;#/*"
        .asciz  "a", "b"
        .ascii  "z"     /* no zero
                           behind it */
        .balign 4
word:   .word   5
        .dword  word, 0x1122334455667788
        .half   1, -1
        .byte   255, -128
        .zero   5
        .space  3, 0xff
        .align  3
        .2byte  7
`;
