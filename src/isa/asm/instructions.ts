/** From a mnemonic and operands as written to the bits of one instruction. */
import { type BitField, fits, insert } from '../bits.ts';
import {
  type CompressedFormat,
  type CompressedInsn,
  type CompressedOperand,
  compressedFormats,
} from '../compressed.ts';
import { compressedField } from '../decode.ts';
import { compressedInsns } from '../extensions/rv64c.ts';
import { type Format, formats, type OperandName } from '../formats.ts';
import type { Insn, Syntax } from '../insn.ts';
import { insnByName, insns } from '../table.ts';
import { type AliasWhen, aliases } from './aliases.ts';
import { complain } from './errors.ts';
import { type ParsedOperands, type Pending, parseOperands } from './operands.ts';
import { aqrlSuffixes } from './registers.ts';

/** One way to read a mnemonic: an instruction with operands in some order, some of them fixed. */
type Reading =
  | { readonly kind: 'full'; readonly insn: Insn; readonly syntax: readonly Syntax[]; readonly when: AliasWhen }
  | { readonly kind: 'compressed'; readonly insn: CompressedInsn; readonly syntax: readonly Syntax[] };

/** An instruction whose operands have been read, but whose expressions have no value yet. */
export interface ParsedInsn {
  readonly reading: Reading;
  readonly operands: ParsedOperands;
  readonly bytes: 2 | 4;
}

const readings = new Map<string, Reading[]>();

function add(name: string, reading: Reading): void {
  readings.set(name, [...(readings.get(name) ?? []), reading]);
}

for (const insn of insns) {
  const ordered = formats[insn.format].operands as Format['operands'];
  const suffixes = ordered.aqrl === undefined ? [''] : aqrlSuffixes;
  suffixes.forEach((suffix, aqrl) => {
    add(insn.name + suffix, { kind: 'full', insn, syntax: insn.syntax, when: aqrl === 0 ? {} : { aqrl } });
  });
}
for (const alias of aliases) {
  if (alias.use === 'compressed') continue;
  add(alias.name, { kind: 'full', insn: insnByName[alias.of], syntax: alias.syntax, when: alias.when });
}
for (const insn of compressedInsns) add(insn.name, { kind: 'compressed', insn, syntax: insn.syntax });

/** Whether any instruction or alias has this name. */
export function isInsnName(name: string): boolean {
  return readings.has(name);
}

/** Reads one instruction; throws a Complaint when no form of it has such operands. */
export function parseInsn(name: string, texts: readonly string[]): ParsedInsn {
  const forms = readings.get(name) ?? complain(`unknown instruction '${name}'`);
  for (const reading of forms) {
    const operands = parseOperands(reading.syntax, texts);
    if (operands === undefined) continue;
    return { reading, operands, bytes: reading.kind === 'full' ? 4 : 2 };
  }
  const shapes = forms.map((form) => form.syntax.join(',') || 'nothing').join(' or ');
  return complain(`${name} takes ${shapes}, not '${texts.join(',')}'`);
}

/** Value of an operand's expression: for a target the distance from the instruction. */
export type ComputePending = (pending: Pending) => number;

/** The bits of an instruction once every expression has a value. */
export function encodeInsn(parsed: ParsedInsn, compute: ComputePending): number {
  const fields = { ...parsed.operands.fields };
  for (const pending of parsed.operands.pending) {
    fields[pending.meaning === 'uimm' ? 'rs1' : 'imm'] = compute(pending);
  }
  const { reading } = parsed;
  return reading.kind === 'full' ? encodeFull(reading, fields) : encodeCompressed(reading.insn, fields);
}

function encodeFull(reading: Reading & { kind: 'full' }, given: ParsedOperands['fields']): number {
  const { insn } = reading;
  const operands: Format['operands'] = formats[insn.format].operands;
  const fields: ParsedOperands['fields'] = insn.usesRm ? { rm: insn.defaultRm, ...given } : given;
  let raw = insn.match;
  for (const [name, field] of Object.entries(operands) as [OperandName, BitField][]) {
    const fixed = reading.when[name];
    const value = fixed === 'rs1' ? fields.rs1 : (fixed ?? fields[name]);
    raw |= place(insn.name, field, value ?? 0);
  }
  return raw >>> 0;
}

function encodeCompressed(insn: CompressedInsn, fields: ParsedOperands['fields']): number {
  const format: CompressedFormat = compressedFormats[insn.format];
  let raw = insn.match;
  for (const [name, field] of Object.entries(format.operands) as [CompressedOperand, BitField][]) {
    const value = fields[name] ?? 0;
    const isShortRegister = name !== 'imm' && field.width === 3;
    if (isShortRegister && (value < 8 || value > 15)) complain(`${insn.name} reaches only registers 8 to 15`);
    raw |= place(insn.name, field, isShortRegister ? value - 8 : value);
  }
  for (const [name, values] of Object.entries(insn.except) as [CompressedOperand, readonly number[]][]) {
    const value = compressedField(format, name, raw);
    if (values.includes(value)) complain(`${insn.name} cannot have ${name} = ${value}`);
  }
  return raw;
}

function place(name: string, field: BitField, value: number): number {
  if (!fits(field, value)) complain(`${value} does not fit in ${name} (${describeRange(field)})`);
  return insert(field, value);
}

function describeRange(field: BitField): string {
  const step = field.valueMask & -field.valueMask;
  const low = field.signed ? -(2 ** (field.width - 1)) : 0;
  const high = 2 ** (field.signed ? field.width - 1 : field.width) - step;
  return `${low} … ${high}${step === 1 ? '' : `, a multiple of ${step}`}`;
}
