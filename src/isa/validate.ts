/** Proves the tables sound: what is wrong with them, as sentences; none for sound tables. */
import type { BitField } from './bits.ts';
import {
  type CompressedFormat,
  type CompressedInsn,
  type CompressedOperand,
  compressedFormats,
  type Expansion,
} from './compressed.ts';
import type { Csr } from './csr-def.ts';
import { compressedField } from './decode.ts';
import { type Format, formats } from './formats.ts';
import type { Insn, Syntax } from './insn.ts';
import { insnByName } from './table.ts';

/** Checks the table of 32-bit instructions: every bit has one meaning, no word is two instructions. */
export function validateInsns(table: readonly Insn[]): string[] {
  const problems = duplicates('instruction', table);
  for (const insn of table) {
    const format: Format = formats[insn.format];
    problems.push(...validateEncoding(insn, 0xffff_ffff, [...Object.values(format.operands), format.ignored]));
    if ((insn.match & 3) !== 3) problems.push(`${insn.name}: the low two bits of a 32-bit instruction are 11`);
    problems.push(...validateSyntax(insn.name, insn.syntax, Object.keys(format.operands)));
  }
  table.forEach((a, i) => {
    for (const b of table.slice(i + 1)) {
      if (((a.match ^ b.match) & a.mask & b.mask) === 0) problems.push(`${a.name} and ${b.name} overlap`);
    }
  });
  return problems;
}

/** Checks the table of compressed instructions, halfword by halfword. */
export function validateCompressed(table: readonly CompressedInsn[]): string[] {
  const problems = duplicates('compressed instruction', table);
  for (const insn of table) {
    const format: CompressedFormat = compressedFormats[insn.format];
    problems.push(...validateEncoding(insn, 0xffff, Object.values(format.operands)));
    if ((insn.match & 3) === 3) problems.push(`${insn.name}: the low two bits 11 belong to 32-bit instructions`);
    problems.push(...validateExpansion(insn, format));
  }
  for (let raw = 0; raw < 0x1_0000; raw++) {
    const owners = table.filter((insn) => (raw & insn.mask) === insn.match && !isExcepted(insn, raw));
    if (owners.length > 1) problems.push(`0x${raw.toString(16)} is ${owners.map((o) => o.name).join(' and ')}`);
  }
  return problems;
}

/** Checks the CSR table: numbers, fields, and the registers that views are of. */
export function validateCsrs(table: readonly Csr[]): string[] {
  const problems = duplicates('CSR', table);
  const names = new Map(table.map((csr) => [csr.name, csr]));
  if (new Set(table.map((csr) => csr.number)).size !== table.length) problems.push('a CSR number occurs twice');
  for (const csr of table) {
    let seen = 0n;
    for (const [name, field] of Object.entries(csr.fields)) {
      if ((seen & field.mask) !== 0n) problems.push(`${csr.name}.${name} overlaps another field`);
      seen |= field.mask;
    }
    if (csr.number < 0 || csr.number > 0xfff) problems.push(`${csr.name}: a CSR number has 12 bits`);
    if (csr.readOnly && csr.writeMask !== 0n)
      problems.push(`${csr.name} is read-only by its number but has writable fields`);
    if (csr.storage.kind !== 'view') continue;
    const base = names.get(csr.storage.of);
    if (base === undefined) problems.push(`${csr.name} is a view of ${csr.storage.of}, which does not exist`);
    const shown = csr.storage.mask >> BigInt(csr.storage.shift);
    if ((csr.writeMask & ~shown) !== 0n) problems.push(`${csr.name} has writable bits outside its view`);
  }
  return problems;
}

function duplicates(what: string, table: readonly { readonly name: string }[]): string[] {
  const names = table.map((row) => row.name);
  return names.filter((name, i) => names.indexOf(name) !== i).map((name) => `${what} ${name} occurs twice`);
}

interface Encoding {
  readonly name: string;
  readonly mask: number;
  readonly match: number;
}

/** Fixed bits and fields together cover the instruction's bits, none twice. */
function validateEncoding(insn: Encoding, all: number, fields: readonly (BitField | undefined)[]): string[] {
  const problems: string[] = [];
  if ((insn.match & ~insn.mask) !== 0) problems.push(`${insn.name}: match has bits outside mask`);
  let covered = insn.mask;
  for (const field of fields) {
    if (field === undefined) continue;
    if ((covered & field.mask) !== 0) problems.push(`${insn.name}: a bit has two meanings`);
    covered = (covered | field.mask) >>> 0;
  }
  if (covered !== all) problems.push(`${insn.name}: bits 0x${((all & ~covered) >>> 0).toString(16)} have no meaning`);
  return problems;
}

/** Which operand fields a piece of syntax writes. */
const fieldsOf: Readonly<Record<Syntax, readonly string[]>> = {
  rd: ['rd'],
  rs1: ['rs1'],
  rs2: ['rs2'],
  frd: ['rd'],
  frs1: ['rs1'],
  frs2: ['rs2'],
  frs3: ['rs3'],
  imm: ['imm'],
  shamt: ['imm'],
  upper: ['imm'],
  mem: ['imm', 'rs1'],
  memsp: ['imm'],
  addr: ['rs1'],
  target: ['imm'],
  csr: ['imm'],
  uimm: ['rs1'],
  pred: ['imm'],
  succ: ['imm'],
  rm: ['rm'],
  rtz: [],
  fconst: ['imm'],
  sp: [],
};

/** Assembly names every operand; aq and rl are suffixes of the mnemonic. */
function validateSyntax(name: string, syntax: readonly Syntax[], operands: readonly string[]): string[] {
  const written = new Set(syntax.flatMap((operand) => fieldsOf[operand]));
  const missing = operands.filter((operand) => operand !== 'aqrl' && !written.has(operand));
  const extra = [...written].filter((field) => !operands.includes(field));
  return [
    ...missing.map((operand) => `${name}: assembly does not write ${operand}`),
    ...extra.map((operand) => `${name}: assembly writes ${operand}, which it does not have`),
  ];
}

/** An expansion gives values only to fields that its 32-bit instruction has, out of fields that the format has. */
function validateExpansion(insn: CompressedInsn, format: CompressedFormat): string[] {
  const target: Format = formats[insnByName[insn.expansion.to].format];
  const { to: _, ...given } = insn.expansion;
  const problems: string[] = [];
  for (const [field, source] of Object.entries(given) as [keyof Omit<Expansion, 'to'>, number | string][]) {
    if (target.operands[field] === undefined) problems.push(`${insn.name}: ${insn.expansion.to} has no ${field}`);
    if (typeof source === 'string' && format.operands[source as CompressedOperand] === undefined) {
      problems.push(`${insn.name} has no ${source}`);
    }
  }
  for (const name of Object.keys(format.operands)) {
    const used =
      Object.values<number | string>(given).includes(name) || target.operands[name as CompressedOperand] !== undefined;
    if (!used) problems.push(`${insn.name}: ${name} has no place in ${insn.expansion.to}`);
  }
  return problems;
}

function isExcepted(insn: CompressedInsn, raw: number): boolean {
  return Object.entries(insn.except).some(([name, values]) =>
    values.includes(compressedField(compressedFormats[insn.format], name as CompressedOperand, raw)),
  );
}
