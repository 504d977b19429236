/** Other names for one instruction with some operands fixed: what the disassembler prefers and the assembler accepts. */
import type { OperandName } from '../formats.ts';
import { parseSyntax, type Syntax } from '../insn.ts';
import type { InsnName } from '../table.ts';

/** Operands that an alias fixes: to a number, or to the same register as another operand. */
export type AliasWhen = Readonly<Partial<Record<OperandName, number | 'rs1'>>>;

/** One alias. */
export interface Alias {
  readonly name: string;
  readonly of: InsnName;
  readonly when: AliasWhen;
  readonly syntax: readonly Syntax[];
  /** Who uses it: disassembler and assembler, the assembler alone, or the disassembler for compressed instructions. */
  readonly use: 'both' | 'written' | 'compressed';
}

function alias(name: string, of: InsnName, when: AliasWhen, syntax: string): Alias {
  return { name, of, when, syntax: parseSyntax(syntax), use: 'both' };
}

/** An alias that only the assembler knows. */
function written(name: string, of: InsnName, when: AliasWhen, syntax: string): Alias {
  return { ...alias(name, of, when, syntax), use: 'written' };
}

/** An alias that only stands for compressed instructions. */
function compressed(name: string, of: InsnName, when: AliasWhen, syntax: string): Alias {
  return { ...alias(name, of, when, syntax), use: 'compressed' };
}

const integer = [
  alias('nop', 'addi', { rd: 0, rs1: 0, imm: 0 }, ''),
  alias('li', 'addi', { rs1: 0 }, 'rd,imm'),
  alias('mv', 'addi', { imm: 0 }, 'rd,rs1'),
  compressed('mv', 'add', { rs1: 0 }, 'rd,rs2'),
  alias('not', 'xori', { imm: -1 }, 'rd,rs1'),
  alias('neg', 'sub', { rs1: 0 }, 'rd,rs2'),
  alias('negw', 'subw', { rs1: 0 }, 'rd,rs2'),
  alias('sext.w', 'addiw', { imm: 0 }, 'rd,rs1'),
  alias('zext.b', 'andi', { imm: 255 }, 'rd,rs1'),
  alias('zext.w', 'add.uw', { rs2: 0 }, 'rd,rs1'),
  alias('seqz', 'sltiu', { imm: 1 }, 'rd,rs1'),
  alias('snez', 'sltu', { rs1: 0 }, 'rd,rs2'),
  alias('sltz', 'slt', { rs2: 0 }, 'rd,rs1'),
  alias('sgtz', 'slt', { rs1: 0 }, 'rd,rs2'),
  written('sgt', 'slt', {}, 'rd,rs2,rs1'),
  written('sgtu', 'sltu', {}, 'rd,rs2,rs1'),
];

/** A register operation written with a constant is the one with an immediate. */
const immediates = (
  [
    ['add', 'addi'],
    ['addw', 'addiw'],
    ['and', 'andi'],
    ['or', 'ori'],
    ['xor', 'xori'],
    ['slt', 'slti'],
    ['sltu', 'sltiu'],
  ] as const
).map(([name, of]) => written(name, of, {}, 'rd,rs1,imm'));
const shifts = (
  [
    ['sll', 'slli'],
    ['srl', 'srli'],
    ['sra', 'srai'],
    ['sllw', 'slliw'],
    ['srlw', 'srliw'],
    ['sraw', 'sraiw'],
    ['ror', 'rori'],
    ['rorw', 'roriw'],
    ['bclr', 'bclri'],
    ['bext', 'bexti'],
    ['binv', 'binvi'],
    ['bset', 'bseti'],
  ] as const
).map(([name, of]) => written(name, of, {}, 'rd,rs1,shamt'));

const control = [
  alias('beqz', 'beq', { rs2: 0 }, 'rs1,target'),
  alias('bnez', 'bne', { rs2: 0 }, 'rs1,target'),
  alias('blez', 'bge', { rs1: 0 }, 'rs2,target'),
  alias('bgez', 'bge', { rs2: 0 }, 'rs1,target'),
  alias('bltz', 'blt', { rs2: 0 }, 'rs1,target'),
  alias('bgtz', 'blt', { rs1: 0 }, 'rs2,target'),
  written('bgt', 'blt', {}, 'rs2,rs1,target'),
  written('ble', 'bge', {}, 'rs2,rs1,target'),
  written('bgtu', 'bltu', {}, 'rs2,rs1,target'),
  written('bleu', 'bgeu', {}, 'rs2,rs1,target'),
  alias('j', 'jal', { rd: 0 }, 'target'),
  alias('jal', 'jal', { rd: 1 }, 'target'),
  alias('ret', 'jalr', { rd: 0, rs1: 1, imm: 0 }, ''),
  alias('jr', 'jalr', { rd: 0, imm: 0 }, 'rs1'),
  alias('jr', 'jalr', { rd: 0 }, 'mem'),
  alias('jalr', 'jalr', { rd: 1, imm: 0 }, 'rs1'),
  alias('jalr', 'jalr', { rd: 1 }, 'mem'),
  alias('jalr', 'jalr', { imm: 0 }, 'rd,rs1'),
  written('jalr', 'jalr', {}, 'rd,rs1,imm'),
  alias('fence', 'fence', { imm: 0x0ff }, ''),
  alias('fence.tso', 'fence', { imm: 0x833 }, ''),
  alias('pause', 'fence', { imm: 0x010 }, ''),
  alias('sfence.vma', 'sfence.vma', { rs1: 0, rs2: 0 }, ''),
  alias('sfence.vma', 'sfence.vma', { rs2: 0 }, 'rs1'),
];

/** Counters and floating-point state have reading and swapping names of their own (Unprivileged spec 8.1, 21.2). */
const CYCLE = 0xc00;
const TIME = 0xc01;
const INSTRET = 0xc02;
const FFLAGS = 1;
const FRM = 2;
const FCSR = 3;
const csr = [
  alias('unimp', 'csrrw', { rd: 0, rs1: 0, imm: CYCLE }, ''),
  alias('rdcycle', 'csrrs', { rs1: 0, imm: CYCLE }, 'rd'),
  alias('rdtime', 'csrrs', { rs1: 0, imm: TIME }, 'rd'),
  alias('rdinstret', 'csrrs', { rs1: 0, imm: INSTRET }, 'rd'),
  alias('frflags', 'csrrs', { rs1: 0, imm: FFLAGS }, 'rd'),
  alias('frrm', 'csrrs', { rs1: 0, imm: FRM }, 'rd'),
  alias('frcsr', 'csrrs', { rs1: 0, imm: FCSR }, 'rd'),
  alias('fsflags', 'csrrw', { rd: 0, imm: FFLAGS }, 'rs1'),
  alias('fsrm', 'csrrw', { rd: 0, imm: FRM }, 'rs1'),
  alias('fscsr', 'csrrw', { rd: 0, imm: FCSR }, 'rs1'),
  alias('fsflags', 'csrrw', { imm: FFLAGS }, 'rd,rs1'),
  alias('fsrm', 'csrrw', { imm: FRM }, 'rd,rs1'),
  alias('fscsr', 'csrrw', { imm: FCSR }, 'rd,rs1'),
  alias('fsflagsi', 'csrrwi', { imm: FFLAGS }, 'rd,uimm'),
  alias('fsrmi', 'csrrwi', { imm: FRM }, 'rd,uimm'),
  written('fsflagsi', 'csrrwi', { rd: 0, imm: FFLAGS }, 'uimm'),
  written('fsrmi', 'csrrwi', { rd: 0, imm: FRM }, 'uimm'),
  alias('csrw', 'csrrw', { rd: 0 }, 'csr,rs1'),
  alias('csrr', 'csrrs', { rs1: 0 }, 'rd,csr'),
  alias('csrs', 'csrrs', { rd: 0 }, 'csr,rs1'),
  alias('csrc', 'csrrc', { rd: 0 }, 'csr,rs1'),
  alias('csrwi', 'csrrwi', { rd: 0 }, 'csr,uimm'),
  alias('csrsi', 'csrrsi', { rd: 0 }, 'csr,uimm'),
  alias('csrci', 'csrrci', { rd: 0 }, 'csr,uimm'),
  written('csrw', 'csrrwi', { rd: 0 }, 'csr,uimm'),
  written('csrs', 'csrrsi', { rd: 0 }, 'csr,uimm'),
  written('csrc', 'csrrci', { rd: 0 }, 'csr,uimm'),
  written('csrrw', 'csrrwi', {}, 'rd,csr,uimm'),
  written('csrrs', 'csrrsi', {}, 'rd,csr,uimm'),
  written('csrrc', 'csrrci', {}, 'rd,csr,uimm'),
];

const float = (['s', 'd'] as const).flatMap((size) => [
  alias(`fmv.${size}`, `fsgnj.${size}`, { rs2: 'rs1' }, 'frd,frs1'),
  alias(`fneg.${size}`, `fsgnjn.${size}`, { rs2: 'rs1' }, 'frd,frs1'),
  alias(`fabs.${size}`, `fsgnjx.${size}`, { rs2: 'rs1' }, 'frd,frs1'),
  written(`fgt.${size}`, `flt.${size}`, {}, 'rd,frs2,frs1'),
  written(`fge.${size}`, `fle.${size}`, {}, 'rd,frs2,frs1'),
]);

/** All aliases; of those that fit an instruction the disassembler prints the first. */
export const aliases: readonly Alias[] = [...integer, ...immediates, ...shifts, ...control, ...csr, ...float];
