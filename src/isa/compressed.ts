/** The shape of the table of compressed instructions: formats and their lines (Unprivileged spec 26). */
import { type BitField, bits, insert } from './bits.ts';
import { parseSyntax, type Syntax } from './insn.ts';
import type { InsnName } from './table.ts';

/** Operands of a compressed instruction. Register fields of three bits stand for x8 … x15 (or f8 … f15). */
export interface CompressedOperands {
  readonly rd?: BitField;
  readonly rs1?: BitField;
  readonly rs2?: BitField;
  readonly imm?: BitField;
}
/** Names of the operand fields. */
export type CompressedOperand = keyof CompressedOperands;

/** One format: together its parts cover all 16 bits, once. */
export interface CompressedFormat {
  readonly fixed: Readonly<Record<string, BitField>>;
  readonly operands: CompressedOperands;
  /** Operands as GNU assembly writes them; a line of the table may override it (see `Syntax`). */
  readonly syntax: string;
}

const op = bits('1:0');
const funct3 = bits('15:13');
const funct4 = bits('15:12');
const funct6 = bits('15:10');
const aluFunct2 = bits('11:10');
const rd = bits('11:7');
const rs1 = bits('11:7');
const rs2 = bits('6:2');
const shortRd = bits('4:2');
const shortRs2 = bits('4:2');
const shortRs1 = bits('9:7');
const shortRdRs1 = bits('9:7');
const imm6 = bits('12=5 6:2=4:0', 'signed');
const shamt = bits('12=5 6:2=4:0');
const scaledWord = bits('12:10=5:3 6=2 5=6');
const scaledDouble = bits('12:10=5:3 6:5=7:6');

/**
 * All formats by name: those of the specification, divided by how they place the immediate. An instruction whose
 * destination is also its first source has that register as `rd`.
 */
export const compressedFormats = {
  CR: { fixed: { op, funct4 }, operands: { rd, rs2 }, syntax: 'rd,rs2' },
  CRjump: { fixed: { op, funct4, rs2 }, operands: { rs1 }, syntax: 'rs1' },
  CRnone: { fixed: { op, funct4, rs1, rs2 }, operands: {}, syntax: '' },
  CI: { fixed: { op, funct3 }, operands: { rd, imm: imm6 }, syntax: 'rd,imm' },
  CInop: { fixed: { op, funct3, rd }, operands: { imm: imm6 }, syntax: '' },
  CIshift: { fixed: { op, funct3 }, operands: { rd, imm: shamt }, syntax: 'rd,shamt' },
  CIlui: { fixed: { op, funct3 }, operands: { rd, imm: bits('12=17 6:2=16:12', 'signed') }, syntax: 'rd,upper' },
  CI16sp: {
    fixed: { op, funct3, rd },
    operands: { imm: bits('12=9 6=4 5=6 4:3=8:7 2=5', 'signed') },
    syntax: 'sp,imm',
  },
  CIlwsp: { fixed: { op, funct3 }, operands: { rd, imm: bits('12=5 6:4=4:2 3:2=7:6') }, syntax: 'rd,memsp' },
  CIldsp: { fixed: { op, funct3 }, operands: { rd, imm: bits('12=5 6:5=4:3 4:2=8:6') }, syntax: 'rd,memsp' },
  CSSw: { fixed: { op, funct3 }, operands: { rs2, imm: bits('12:9=5:2 8:7=7:6') }, syntax: 'rs2,memsp' },
  CSSd: { fixed: { op, funct3 }, operands: { rs2, imm: bits('12:10=5:3 9:7=8:6') }, syntax: 'rs2,memsp' },
  CIW: {
    fixed: { op, funct3 },
    operands: { rd: shortRd, imm: bits('12:11=5:4 10:7=9:6 6=2 5=3') },
    syntax: 'rd,sp,imm',
  },
  CLw: { fixed: { op, funct3 }, operands: { rd: shortRd, rs1: shortRs1, imm: scaledWord }, syntax: 'rd,mem' },
  CLd: { fixed: { op, funct3 }, operands: { rd: shortRd, rs1: shortRs1, imm: scaledDouble }, syntax: 'rd,mem' },
  CSw: { fixed: { op, funct3 }, operands: { rs2: shortRs2, rs1: shortRs1, imm: scaledWord }, syntax: 'rs2,mem' },
  CSd: { fixed: { op, funct3 }, operands: { rs2: shortRs2, rs1: shortRs1, imm: scaledDouble }, syntax: 'rs2,mem' },
  CA: { fixed: { op, funct6, funct2: bits('6:5') }, operands: { rd: shortRdRs1, rs2: shortRs2 }, syntax: 'rd,rs2' },
  CB: {
    fixed: { op, funct3 },
    operands: { rs1: shortRs1, imm: bits('12=8 11:10=4:3 6:5=7:6 4:3=2:1 2=5', 'signed') },
    syntax: 'rs1,target',
  },
  CBimm: { fixed: { op, funct3, funct2: aluFunct2 }, operands: { rd: shortRdRs1, imm: imm6 }, syntax: 'rd,imm' },
  CBshift: { fixed: { op, funct3, funct2: aluFunct2 }, operands: { rd: shortRdRs1, imm: shamt }, syntax: 'rd,shamt' },
  CJ: {
    fixed: { op, funct3 },
    operands: { imm: bits('12=11 11=4 10:9=9:8 8=10 7=6 6=7 5:3=3:1 2=5', 'signed') },
    syntax: 'target',
  },
} as const satisfies Record<string, CompressedFormat>;

/** Name of a format. */
export type CompressedFormatName = keyof typeof compressedFormats;

/**
 * The 32-bit instruction that a compressed one stands for. Each of its fields is a constant, the value of the named
 * field, or when left out the value of the field of the same name (0 if there is none).
 */
export interface Expansion {
  readonly to: InsnName;
  readonly rd?: number | CompressedOperand;
  readonly rs1?: number | CompressedOperand;
  readonly rs2?: number | CompressedOperand;
  readonly imm?: number;
}

/** Values of operands (registers by number) that are another instruction or a reserved encoding. */
export type Except = Readonly<Partial<Record<CompressedOperand, readonly number[]>>>;

/** One compressed instruction of the table. */
export interface CompressedInsn<Name extends string = string> {
  readonly name: Name;
  readonly format: CompressedFormatName;
  readonly mask: number;
  readonly match: number;
  readonly expansion: Expansion;
  readonly except: Except;
  readonly syntax: readonly Syntax[];
}

/** One line of the table. */
export function compressed<const Name extends string, F extends CompressedFormatName>(
  name: Name,
  format: F,
  fixed: Readonly<Record<keyof (typeof compressedFormats)[F]['fixed'], number>>,
  expansion: Expansion,
  except: Except = {},
  syntax?: string,
): CompressedInsn<Name> {
  let mask = 0;
  let match = 0;
  const layout: CompressedFormat = compressedFormats[format];
  for (const [part, field] of Object.entries(layout.fixed)) {
    mask |= field.mask;
    match |= insert(field, (fixed as Readonly<Record<string, number>>)[part]);
  }
  return { name, format, mask, match, expansion, except, syntax: parseSyntax(syntax ?? layout.syntax) };
}
