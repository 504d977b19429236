/** Assembler directives: data, alignment and symbols. */
import { complain } from './errors.ts';
import { type Expression, parseExpression } from './expression.ts';
import { stringBytes } from './scanner.ts';

/** What directives do to the program under assembly. */
export interface DirectiveTarget {
  /** Switches to a section. */
  enterSection(name: 'text' | 'data'): void;
  /** Appends bytes. */
  emitBytes(bytes: readonly number[]): void;
  /** Appends one number of `width` bytes, computed when all labels are known. */
  emitNumber(width: 1 | 2 | 4 | 8, expression: Expression): void;
  /** Fills up to a multiple of `bytes`; with no-ops in text unless `fill` is given. */
  align(bytes: number, fill: number | undefined): void;
  /** Appends `fill` until the section is `offset` bytes long. */
  growTo(offset: number, fill: number): void;
  defineSymbol(name: string, expression: Expression): void;
  /** A number that must be known here. */
  constant(text: string): bigint;
  /** Bytes in the current section so far. */
  readonly offset: number;
}

type Directive = (target: DirectiveTarget, operands: readonly string[]) => void;

/** More than any test or example needs; a typing error should not eat the host's memory. */
const SIZE_MAX = 64 * 1024 * 1024;

function size(target: DirectiveTarget, text: string | undefined, what: string): number {
  if (text === undefined) complain(`${what} is missing`);
  const value = target.constant(text);
  return value >= 0n && value <= SIZE_MAX ? Number(value) : complain(`${what} ${value} is not in 0 … ${SIZE_MAX}`);
}

function fillByte(target: DirectiveTarget, text: string | undefined): number | undefined {
  return text === undefined || text === '' ? undefined : Number(BigInt.asUintN(8, target.constant(text)));
}

function numbers(width: 1 | 2 | 4 | 8): Directive {
  return (target, operands) => {
    for (const operand of operands) target.emitNumber(width, parseExpression(operand));
  };
}

function strings(end: readonly number[]): Directive {
  return (target, operands) => {
    for (const operand of operands) {
      const text = /^"((?:[^"\\]|\\.)*)"$/s.exec(operand);
      if (text === null) complain(`${operand} is not a string in double quotes`);
      target.emitBytes([...stringBytes(text[1]), ...end]);
    }
  };
}

const powerOfTwo: Directive = (target, [power, fill]) => {
  const exponent = size(target, power, 'alignment');
  if (exponent > 20) complain(`alignment 2^${exponent} is more than 2^20`);
  target.align(2 ** exponent, fillByte(target, fill));
};

const alignment: Directive = (target, [bytes, fill]) => {
  const multiple = size(target, bytes, 'alignment');
  if ((multiple & (multiple - 1)) !== 0) complain(`alignment ${multiple} is not a power of two`);
  if (multiple > 0) target.align(multiple, fillByte(target, fill));
};

const space: Directive = (target, [bytes, fill]) => {
  target.growTo(target.offset + size(target, bytes, 'size'), fillByte(target, fill) ?? 0);
};

const organize: Directive = (target, [offset, fill]) => {
  const end = size(target, offset, 'offset');
  if (end < target.offset) complain(`.org ${end} goes back: the section already has ${target.offset} bytes`);
  target.growTo(end, fillByte(target, fill) ?? 0);
};

const define: Directive = (target, [name, value]) => {
  if (value === undefined) complain('a name and a value are needed');
  target.defineSymbol(name, parseExpression(value));
};

const enter =
  (name: 'text' | 'data'): Directive =>
  (target) =>
    target.enterSection(name);

const section: Directive = (target, [name = '']) => {
  target.enterSection(name.startsWith('.text') || name.startsWith('.init') ? 'text' : 'data');
};

/** `.insn value` or `.insn length, value`. */
const insn: Directive = (target, operands) => {
  const value = target.constant(operands.at(-1) ?? '');
  const length = (value & 3n) === 3n ? 4 : 2;
  if (operands.length === 2 && target.constant(operands[0]) !== BigInt(length)) {
    complain(`an instruction that starts with these bits has ${length} bytes`);
  }
  target.emitNumber(length, { kind: 'number', value });
};

/** Tells a linker or a debugger something; no effect on a flat program. */
const nothing: Directive = () => {};

const directives: Readonly<Record<string, Directive>> = {
  '.text': enter('text'),
  '.data': enter('data'),
  '.rodata': enter('data'),
  '.bss': enter('data'),
  '.section': section,
  '.align': powerOfTwo,
  '.p2align': powerOfTwo,
  '.balign': alignment,
  '.byte': numbers(1),
  '.half': numbers(2),
  '.short': numbers(2),
  '.2byte': numbers(2),
  '.word': numbers(4),
  '.long': numbers(4),
  '.4byte': numbers(4),
  '.dword': numbers(8),
  '.quad': numbers(8),
  '.8byte': numbers(8),
  '.ascii': strings([]),
  '.asciz': strings([0]),
  '.string': strings([0]),
  '.space': space,
  '.skip': space,
  '.zero': space,
  '.equ': define,
  '.set': define,
  '.org': organize,
  '.insn': insn,
  '.globl': nothing,
  '.global': nothing,
  '.local': nothing,
  '.type': nothing,
  '.size': nothing,
  '.option': nothing,
  '.attribute': nothing,
};

/** Carries out a directive; throws a Complaint if there is no such. */
export function runDirective(name: string, operands: readonly string[], target: DirectiveTarget): void {
  const directive = directives[name] ?? complain(`unknown directive '${name}'`);
  directive(target, operands);
}
