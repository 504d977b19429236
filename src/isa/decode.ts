/** Table-driven decoding of 16-bit and 32-bit instructions, and its inverse. */
import { type BitField, extract, insert } from './bits.ts';
import { type CompressedFormat, type CompressedInsn, type CompressedOperand, compressedFormats } from './compressed.ts';
import { type CompressedName, compressedInsns } from './extensions/rv64c.ts';
import { type Format, formats, type OperandName } from './formats.ts';
import type { DecodedInsn, Insn } from './insn.ts';
import { MatchTree } from './match-tree.ts';
import { type InsnName, insns } from './table.ts';

const tree = new MatchTree(insns);
const compressedTree = new MatchTree(compressedInsns);

/**
 * Decodes an instruction; undefined: an illegal or reserved encoding. When the low two bits are not 11 it is a
 * compressed one and only the low 16 bits count; its expansion is returned.
 */
export function decode(raw: number): DecodedInsn<InsnName> | undefined {
  if ((raw & 3) !== 3) return decodeCompressed(raw & 0xffff);
  const insn = tree.find(raw);
  if (insn === undefined) return undefined;
  const { rd, rs1, rs2, rs3, imm, rm, aqrl }: Format['operands'] = formats[insn.format].operands;
  const rounding = extract(rm, raw);
  if (isReservedRm(rounding)) return undefined;
  return {
    name: insn.name,
    length: 4,
    raw: raw >>> 0,
    rd: extract(rd, raw),
    rs1: extract(rs1, raw),
    rs2: extract(rs2, raw),
    rs3: extract(rs3, raw),
    imm: extract(imm, raw),
    rm: rounding,
    aqrl: extract(aqrl, raw),
  };
}

/** Rounding modes 5 and 6 are reserved (Unprivileged spec, table 25); 7 is dynamic. */
function isReservedRm(rm: number): boolean {
  return rm === 5 || rm === 6;
}

/** The line of the compressed table that a halfword belongs to. */
export function findCompressed(raw: number): CompressedInsn<CompressedName> | undefined {
  return compressedTree.find(raw, isAllowed);
}

/** The value of a compressed instruction's field: registers by number, three-bit register fields from x8 up. */
export function compressedField(format: CompressedFormat, name: CompressedOperand, raw: number): number {
  const field: BitField | undefined = format.operands[name];
  const value = extract(field, raw);
  return name !== 'imm' && field?.width === 3 ? value + 8 : value;
}

function isAllowed(row: CompressedInsn, raw: number): boolean {
  const format = compressedFormats[row.format];
  for (const name in row.except) {
    const operand = name as CompressedOperand;
    if (row.except[operand]?.includes(compressedField(format, operand, raw))) return false;
  }
  return true;
}

function decodeCompressed(raw: number): DecodedInsn<InsnName> | undefined {
  const row = findCompressed(raw);
  if (row === undefined) return undefined;
  const { to, rd = 'rd', rs1 = 'rs1', rs2 = 'rs2', imm = 'imm' } = row.expansion;
  const format = compressedFormats[row.format];
  return {
    name: to,
    length: 2,
    raw,
    rd: typeof rd === 'number' ? rd : compressedField(format, rd, raw),
    rs1: typeof rs1 === 'number' ? rs1 : compressedField(format, rs1, raw),
    rs2: typeof rs2 === 'number' ? rs2 : compressedField(format, rs2, raw),
    rs3: 0,
    imm: typeof imm === 'number' ? imm : compressedField(format, imm, raw),
    rm: 0,
    aqrl: 0,
  };
}

/** Operand values by name, for `encode`; those left out are 0. */
export type Operands = Readonly<Partial<Record<OperandName, number>>>;

/** The 32-bit word (unsigned) of an instruction. Values that do not fit are cut: check with `fits` before. */
export function encode(insn: Insn, operands: Operands): number {
  const layout: Format = formats[insn.format];
  let raw = insn.match;
  for (const [name, field] of Object.entries(layout.operands)) {
    raw |= insert(field, operands[name as OperandName] ?? 0);
  }
  return raw >>> 0;
}
