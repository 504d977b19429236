/** Disassembly in GNU syntax, with the pseudo-instructions that objdump prefers. */
import { type Alias, aliases } from './asm/aliases.ts';
import { fliText } from './asm/fli-constant.ts';
import { aqrlSuffixes, fenceSetName, fNames, rmNames, xNames } from './asm/registers.ts';
import { csrByNumber } from './csr.ts';
import { decode } from './decode.ts';
import type { OperandName } from './formats.ts';
import type { DecodedInsn, Syntax } from './insn.ts';
import { type InsnName, insnByName } from './table.ts';

const printed = new Map<InsnName, Alias[]>();
for (const alias of aliases) {
  if (alias.use !== 'written') printed.set(alias.of, [...(printed.get(alias.of) ?? []), alias]);
}

/**
 * The text of one instruction, as mnemonic, tab, operands; compressed ones as their expansion. Branch targets are
 * absolute if `pc` is given, else relative to `.`. An illegal encoding gives `unimp` (all zeros), `.2byte` or `.insn`.
 */
export function disassemble(raw: number, pc?: bigint): string {
  const insn = decode(raw);
  if (insn === undefined) return illegal(raw);
  const alias = printed.get(insn.name)?.find((a) => fitsAlias(a, insn));
  const mnemonic = (alias?.name ?? insn.name) + aqrlSuffixes[insn.aqrl];
  const operands = (alias?.syntax ?? insnByName[insn.name].syntax)
    .map((operand) => operandText(operand, insn, pc))
    .filter((text) => text !== '');
  return operands.length === 0 ? mnemonic : `${mnemonic}\t${operands.join(',')}`;
}

function illegal(raw: number): string {
  if ((raw & 0xffff) === 0) return 'unimp';
  if ((raw & 3) !== 3) return `.2byte\t${hex(raw & 0xffff)}`;
  return `.insn\t4, ${hex(raw >>> 0)}`;
}

function fitsAlias(alias: Alias, insn: DecodedInsn): boolean {
  if (alias.use === 'compressed' && insn.length !== 2) return false;
  for (const name in alias.when) {
    const wanted = alias.when[name as OperandName];
    if (insn[name as OperandName] !== (wanted === 'rs1' ? insn.rs1 : wanted)) return false;
  }
  return true;
}

function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

function operandText(operand: Syntax, insn: DecodedInsn<InsnName>, pc: bigint | undefined): string {
  switch (operand) {
    case 'rd':
    case 'rs1':
    case 'rs2':
      return xNames[insn[operand]];
    case 'frd':
    case 'frs1':
    case 'frs2':
    case 'frs3':
      return fNames[insn[operand.slice(1) as 'rd' | 'rs1' | 'rs2' | 'rs3']];
    case 'imm':
      return String(insn.imm);
    case 'shamt':
      return hex(insn.imm);
    case 'upper':
      return hex(insn.imm >>> 12);
    case 'mem':
      return `${insn.imm}(${xNames[insn.rs1]})`;
    case 'addr':
      return `(${xNames[insn.rs1]})`;
    case 'target':
      return targetText(insn.imm, pc);
    case 'csr':
      return csrByNumber(insn.imm)?.name ?? hex(insn.imm);
    case 'uimm':
      return String(insn.rs1);
    case 'pred':
      return fenceSetName((insn.imm >> 4) & 15);
    case 'succ':
      return fenceSetName(insn.imm & 15);
    case 'rm':
      return insn.rm === insnByName[insn.name].defaultRm ? '' : (rmNames[insn.rm] ?? '');
    case 'rtz':
      return 'rtz';
    case 'fconst':
      return fliText(insn.imm);
    case 'sp':
    case 'memsp':
      // Only compressed instructions have these, and they are printed as their expansions.
      return '';
  }
}

function targetText(offset: number, pc: bigint | undefined): string {
  if (pc === undefined) return offset < 0 ? `.${offset}` : `.+${offset}`;
  return hex(BigInt.asUintN(64, pc + BigInt(offset)));
}
