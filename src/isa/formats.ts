/** Formats of 32-bit instructions (Unprivileged spec 2.2, 2.3 and each extension's chapter). */
import { type BitField, bits } from './bits.ts';

/** Operands of a decoded instruction that have a field of their own. */
export interface OperandFields {
  readonly rd?: BitField;
  readonly rs1?: BitField;
  readonly rs2?: BitField;
  readonly rs3?: BitField;
  readonly imm?: BitField;
  readonly rm?: BitField;
  readonly aqrl?: BitField;
}

/** Names of the operand fields. */
export type OperandName = keyof OperandFields;

/** One format: together its parts cover all 32 bits, once. */
export interface Format {
  /** Fields that each instruction of the format fixes to a value. */
  readonly fixed: Readonly<Record<string, BitField>>;
  readonly operands: OperandFields;
  /** Bits that must be zero. */
  readonly zero?: BitField;
  /** Bits that hardware ignores and software writes as zero. */
  readonly ignored?: BitField;
  /** Operands as GNU assembly writes them; a line of the table may override it (see `Syntax`). */
  readonly syntax: string;
}

const opcode = bits('6:0');
const funct3 = bits('14:12');
const funct7 = bits('31:25');
const funct12 = bits('31:20');
const rd = bits('11:7');
const rs1 = bits('19:15');
const rs2 = bits('24:20');
const rs3 = bits('31:27');
const rm = bits('14:12');
const immI = bits('31:20=11:0', 'signed');
const immUnsigned = bits('31:20=11:0');

/** All formats by name. */
export const formats = {
  R: { fixed: { opcode, funct3, funct7 }, operands: { rd, rs1, rs2 }, syntax: 'rd,rs1,rs2' },
  /** R with one source: what would be rs2 belongs to the function code. */
  R1: { fixed: { opcode, funct3, funct12 }, operands: { rd, rs1 }, syntax: 'rd,rs1' },
  /** R with a rounding mode in place of funct3. */
  Rrm: { fixed: { opcode, funct7 }, operands: { rd, rs1, rs2, rm }, syntax: 'frd,frs1,frs2,rm' },
  R1rm: { fixed: { opcode, funct12 }, operands: { rd, rs1, rm }, syntax: 'frd,frs1,rm' },
  R4: {
    fixed: { opcode, fmt: bits('26:25') },
    operands: { rd, rs1, rs2, rs3, rm },
    syntax: 'frd,frs1,frs2,frs3,rm',
  },
  /** Loads a constant: rs1 holds its index (Zfa). */
  Fli: {
    fixed: { opcode, funct3, funct12 },
    operands: { rd, imm: bits('19:15=4:0') },
    syntax: 'frd,fconst',
  },
  I: { fixed: { opcode, funct3 }, operands: { rd, rs1, imm: immI }, syntax: 'rd,rs1,imm' },
  /** I written as base and offset: loads and jalr. */
  L: { fixed: { opcode, funct3 }, operands: { rd, rs1, imm: immI }, syntax: 'rd,mem' },
  Shift6: {
    fixed: { opcode, funct3, funct6: bits('31:26') },
    operands: { rd, rs1, imm: bits('25:20=5:0') },
    syntax: 'rd,rs1,shamt',
  },
  Shift5: {
    fixed: { opcode, funct3, funct7 },
    operands: { rd, rs1, imm: bits('24:20=4:0') },
    syntax: 'rd,rs1,shamt',
  },
  S: {
    fixed: { opcode, funct3 },
    operands: { rs1, rs2, imm: bits('31:25=11:5 11:7=4:0', 'signed') },
    syntax: 'rs2,mem',
  },
  B: {
    fixed: { opcode, funct3 },
    operands: { rs1, rs2, imm: bits('31=12 30:25=10:5 11:8=4:1 7=11', 'signed') },
    syntax: 'rs1,rs2,target',
  },
  U: { fixed: { opcode }, operands: { rd, imm: bits('31:12=31:12', 'signed') }, syntax: 'rd,upper' },
  J: {
    fixed: { opcode },
    operands: { rd, imm: bits('31=20 30:21=10:1 20=11 19:12=19:12', 'signed') },
    syntax: 'rd,target',
  },
  /** fm, pred and succ together are the immediate; a reserved fm acts as 0 (2.7). */
  Fence: {
    fixed: { opcode, funct3 },
    operands: { imm: immUnsigned },
    ignored: bits('19:15 11:7'),
    syntax: 'pred,succ',
  },
  FenceI: { fixed: { opcode, funct3 }, operands: {}, ignored: bits('31:20 19:15 11:7'), syntax: '' },
  Csr: { fixed: { opcode, funct3 }, operands: { rd, rs1, imm: immUnsigned }, syntax: 'rd,csr,rs1' },
  /** The rs1 field holds a 5-bit constant. */
  CsrI: { fixed: { opcode, funct3 }, operands: { rd, rs1, imm: immUnsigned }, syntax: 'rd,csr,uimm' },
  Amo: {
    fixed: { opcode, funct3, funct5: bits('31:27') },
    operands: { rd, rs1, rs2, aqrl: bits('26:25=1:0') },
    syntax: 'rd,rs2,addr',
  },
  Lr: {
    fixed: { opcode, funct3, funct5: bits('31:27') },
    operands: { rd, rs1, aqrl: bits('26:25=1:0') },
    zero: rs2,
    syntax: 'rd,addr',
  },
  /** Cache-block operations: an address and nothing else. */
  Cbo: { fixed: { opcode, funct3, funct12 }, operands: { rs1 }, zero: rd, syntax: 'addr' },
  /** Translation fences: address and address space. */
  Vma: { fixed: { opcode, funct3, funct7 }, operands: { rs1, rs2 }, zero: rd, syntax: 'rs1,rs2' },
  /** No operands at all. */
  None: { fixed: { word: bits('31:0') }, operands: {}, syntax: '' },
} as const satisfies Record<string, Format>;

/** Name of a format. */
export type FormatName = keyof typeof formats;

/** Major opcodes (Unprivileged spec, table 70), low two bits included. */
export const Opcode = {
  LOAD: 0x03,
  LOAD_FP: 0x07,
  MISC_MEM: 0x0f,
  OP_IMM: 0x13,
  AUIPC: 0x17,
  OP_IMM_32: 0x1b,
  STORE: 0x23,
  STORE_FP: 0x27,
  AMO: 0x2f,
  OP: 0x33,
  LUI: 0x37,
  OP_32: 0x3b,
  MADD: 0x43,
  MSUB: 0x47,
  NMSUB: 0x4b,
  NMADD: 0x4f,
  OP_FP: 0x53,
  BRANCH: 0x63,
  JALR: 0x67,
  JAL: 0x6f,
  SYSTEM: 0x73,
} as const;
