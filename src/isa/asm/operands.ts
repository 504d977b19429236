/** Reads the operands of one instruction by its syntax. */
import { csrs } from '../csr.ts';
import type { OperandName } from '../formats.ts';
import type { Syntax } from '../insn.ts';
import { type Immediate, parseImmediate } from './expression.ts';
import { fliIndex } from './fli-constant.ts';
import { fenceSet, fNumber, rmNames, xNumber } from './registers.ts';

/** An operand whose number is an expression. */
export interface Pending {
  /** What the number means: an immediate, a pc-relative target, bits 31:12, a CSR or the constant in rs1. */
  readonly meaning: Syntax;
  readonly immediate: Immediate;
}

/** What the operands of an instruction say: fields with their values, and expressions still to be computed. */
export interface ParsedOperands {
  readonly fields: Partial<Record<OperandName, number>>;
  readonly pending: Pending[];
}

const csrNumbers = new Map<string, number>(csrs.map((csr) => [csr.name, csr.number]));

/** Reads operands as `syntax` wants them, or returns undefined when they are of another shape. */
export function parseOperands(syntax: readonly Syntax[], texts: readonly string[]): ParsedOperands | undefined {
  const optional = syntax.at(-1) === 'rm' || syntax.at(-1) === 'rtz' ? 1 : 0;
  if (texts.length > syntax.length || texts.length < syntax.length - optional) return undefined;
  const parsed: ParsedOperands = { fields: {}, pending: [] };
  for (let i = 0; i < texts.length; i++) {
    if (!parseOperand(syntax[i], texts[i], parsed)) return undefined;
  }
  return parsed;
}

function parseOperand(operand: Syntax, text: string, into: ParsedOperands): boolean {
  const { fields } = into;
  switch (operand) {
    case 'rd':
    case 'rs1':
    case 'rs2':
      return setField(fields, operand, xNumber(text));
    case 'frd':
    case 'frs1':
    case 'frs2':
    case 'frs3':
      return setField(fields, operand.slice(1) as OperandName, fNumber(text));
    case 'mem':
      return parseMemory(text, into);
    case 'addr':
      // GNU as takes an offset of 0 as well.
      return setField(fields, 'rs1', xNumber(/^0?\s*\(\s*(\w+)\s*\)$/.exec(text)?.[1] ?? ''));
    case 'memsp':
      return parseMemory(text, into) && fields.rs1 === 2 && delete fields.rs1;
    case 'sp':
      return xNumber(text) === 2;
    case 'pred':
      return setField(fields, 'imm', fenceSet(text), (set) => set << 4);
    case 'succ':
      return setField(fields, 'imm', fenceSet(text), (set) => (fields.imm ?? 0) | set);
    case 'rm':
      return setField(fields, 'rm', rmNumber(text));
    case 'rtz':
      return text === 'rtz';
    case 'fconst':
      return setField(fields, 'imm', fliIndex(text));
    default:
      return parseNumber(operand, text, into);
  }
}

function setField(
  fields: ParsedOperands['fields'],
  name: OperandName,
  value: number | undefined,
  place = (v: number) => v,
): boolean {
  if (value === undefined) return false;
  fields[name] = place(value);
  return true;
}

function rmNumber(text: string): number | undefined {
  const index = rmNames.indexOf(text);
  return index < 0 ? undefined : index;
}

/** `imm(rs1)`, where the immediate may be left out. */
function parseMemory(text: string, into: ParsedOperands): boolean {
  const parts = /^(.*?)\(\s*(\w+)\s*\)$/s.exec(text);
  const base = xNumber(parts?.[2] ?? '');
  if (parts === null || base === undefined) return false;
  into.fields.rs1 = base;
  const offset = parts[1].trim();
  return offset === '' || parseNumber('imm', offset, into);
}

function parseNumber(meaning: Syntax, text: string, into: ParsedOperands): boolean {
  if (xNumber(text) !== undefined || fNumber(text) !== undefined || text.startsWith('"')) return false;
  const csr = meaning === 'csr' ? csrNumbers.get(text) : undefined;
  if (csr !== undefined) return setField(into.fields, 'imm', csr);
  into.pending.push({ meaning, immediate: parseImmediate(text) });
  return true;
}
