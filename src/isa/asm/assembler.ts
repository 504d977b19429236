/** An assembler for tests and examples: GNU syntax, one source, a flat program at a fixed address. */
import { runDirective } from './directives.ts';
import { AssemblerError, Complaint, complain } from './errors.ts';
import { absolute, type Expression, evaluate, parseExpression, type Value } from './expression.ts';
import { encodeInsn, isInsnName, type ParsedInsn, parseInsn } from './instructions.ts';
import { expandPseudo } from './pseudo.ts';
import { relocate } from './relocate.ts';
import { type Statement, scan } from './scanner.ts';
import { Symbols } from './symbols.ts';

/** How to assemble. */
export interface AssembleOptions {
  /** Address of the first byte of text; data follows text. Default 0. */
  readonly base?: bigint | number;
  /** Symbols that the source may use. */
  readonly symbols?: Readonly<Record<string, bigint | number>>;
}

/** A program: text, then data, as one run of bytes. */
export interface Assembled {
  readonly bytes: Uint8Array;
  /** Every label and symbol with its value, as an unsigned 64-bit number. */
  readonly symbols: ReadonlyMap<string, bigint>;
}

type SectionName = 'text' | 'data';

type Content =
  | { readonly kind: 'bytes'; readonly bytes: readonly number[] }
  | { readonly kind: 'fill'; readonly length: number; readonly byte: number }
  | { readonly kind: 'number'; readonly width: 1 | 2 | 4 | 8; readonly expression: Expression }
  | { readonly kind: 'insn'; readonly insn: ParsedInsn };

interface Piece {
  readonly line: number;
  readonly offset: number;
  readonly content: Content;
}

class Section {
  readonly pieces: Piece[] = [];
  length = 0;
  alignment = 16;
}

/**
 * Assembles a source: instructions, pseudo-instructions (pseudo.ts, aliases.ts), directives (directives.ts), labels,
 * `name = value`. Nothing is relaxed and nothing compressed unless written as `c.…`; a branch out of reach is an error.
 * Throws AssemblerError with the line of the first mistake.
 */
export function assemble(source: string, options: AssembleOptions = {}): Assembled {
  return new Assembler(options).run(scan(source));
}

/** Makes complaints errors that name the line. */
function located<T>(line: number, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof Complaint) throw new AssemblerError(line, error.message);
    throw error;
  }
}

const NOP = [0x13, 0, 0, 0];
const COMPRESSED_NOP = [0x01, 0];

class Assembler {
  readonly #base: bigint;
  readonly #symbols = new Symbols();
  readonly #sections: Record<SectionName, Section> = { text: new Section(), data: new Section() };
  #current: SectionName = 'text';
  #line = 0;

  constructor(options: AssembleOptions) {
    this.#base = BigInt(options.base ?? 0);
    for (const [name, value] of Object.entries(options.symbols ?? {})) {
      this.#symbols.defineNumber(name, BigInt(value));
    }
  }

  run(statements: readonly Statement[]): Assembled {
    for (const statement of statements) {
      this.#line = statement.line;
      located(statement.line, () => this.#take(statement));
    }
    return this.#link();
  }

  /** First pass: everything gets its size and its place in its section. */
  #take(statement: Statement): void {
    if (statement.kind === 'label') {
      this.#symbols.defineLabel(statement.name, this.#here());
      return;
    }
    const { name, operands } = statement;
    if (name.startsWith('.')) runDirective(name, operands, this);
    else this.#takeInsn(name.toLowerCase(), operands);
  }

  #takeInsn(name: string, operands: readonly string[]): void {
    const expansion = expandPseudo(name, operands, (text) => this.constant(text));
    if (expansion === undefined && !isInsnName(name)) complain(`unknown instruction '${name}'`);
    for (const [mnemonic, ...texts] of expansion ?? [[name, ...operands]]) {
      const insn = parseInsn(mnemonic, texts);
      const pending = insn.operands.pending.map((p) => ({
        ...p,
        immediate: { ...p.immediate, expression: this.#symbols.bind(p.immediate.expression) },
      }));
      this.#append(insn.bytes, { kind: 'insn', insn: { ...insn, operands: { ...insn.operands, pending } } });
    }
  }

  get #section(): Section {
    return this.#sections[this.#current];
  }

  #here(): Value {
    return { value: BigInt(this.#section.length), section: this.#current };
  }

  #append(length: number, content: Content): void {
    if (length === 0) return;
    this.#section.pieces.push({ line: this.#line, offset: this.#section.length, content });
    this.#section.length += length;
  }

  // What directives do.

  get offset(): number {
    return this.#section.length;
  }

  enterSection(name: SectionName): void {
    this.#current = name;
  }

  emitBytes(bytes: readonly number[]): void {
    this.#append(bytes.length, { kind: 'bytes', bytes });
  }

  emitNumber(width: 1 | 2 | 4 | 8, expression: Expression): void {
    this.#append(width, { kind: 'number', width, expression: this.#symbols.bind(expression) });
  }

  align(bytes: number, fill: number | undefined): void {
    // The base is the caller's choice; data is placed by us, at a multiple of its largest alignment.
    const start = this.#current === 'text' ? Number(this.#base % BigInt(bytes)) : 0;
    this.#section.alignment = Math.max(this.#section.alignment, bytes);
    let gap = (bytes - ((start + this.offset) % bytes)) % bytes;
    if (fill !== undefined || this.#current === 'data') {
      this.growTo(this.offset + gap, fill ?? 0);
      return;
    }
    if (gap % 2 === 1) this.growTo(this.offset + 1, 0);
    gap -= gap % 2;
    if (gap % 4 === 2) this.emitBytes(COMPRESSED_NOP);
    for (let i = 4; i <= gap; i += 4) this.emitBytes(NOP);
  }

  growTo(offset: number, fill: number): void {
    const length = offset - this.offset;
    this.#append(length, { kind: 'fill', length, byte: fill });
  }

  defineSymbol(name: string, expression: Expression): void {
    this.#symbols.defineExpression(name, expression, this.#here());
  }

  constant(text: string): bigint {
    const here = this.#here();
    const expression = this.#symbols.bind(parseExpression(text));
    const value = evaluate(expression, (name) => this.#symbols.resolve(name, here));
    // `.org` and `.space` may name a place in the section they are in.
    return value.section === this.#current ? value.value : absolute(value);
  }

  /** Second pass: sections get their addresses, and expressions their values. */
  #link(): Assembled {
    const { text, data } = this.#sections;
    const alignment = BigInt(data.alignment);
    const textEnd = this.#base + BigInt(text.length);
    const dataBase = data.length === 0 ? textEnd : ((textEnd + alignment - 1n) / alignment) * alignment;
    const addresses = { text: this.#base, data: dataBase };
    this.#symbols.place(addresses);
    const bytes = new Uint8Array(Number(dataBase - this.#base) + data.length);
    const pcrel = new Map<bigint, bigint>();
    for (const write of [false, true]) {
      for (const name of ['text', 'data'] as const) {
        for (const piece of this.#sections[name].pieces) {
          const address = addresses[name] + BigInt(piece.offset);
          located(piece.line, () => {
            if (write) this.#write(piece.content, address, pcrel, bytes);
            else this.#collectPcrel(piece.content, address, pcrel);
          });
        }
      }
    }
    const symbols = located(0, () => this.#symbols.entries());
    return { bytes, symbols: new Map([...symbols].map(([name, value]) => [name, BigInt.asUintN(64, value)])) };
  }

  #evaluate(expression: Expression, address: bigint): bigint {
    const here = { value: address, section: undefined };
    return absolute(evaluate(expression, (name) => this.#symbols.resolve(name, here)));
  }

  /** %pcrel_lo names the instruction with its %pcrel_hi, which may come later: all are collected first. */
  #collectPcrel(content: Content, address: bigint, into: Map<bigint, bigint>): void {
    if (content.kind !== 'insn') return;
    for (const { immediate } of content.insn.operands.pending) {
      if (immediate.modifier !== '%pcrel_hi') continue;
      into.set(address, this.#evaluate(immediate.expression, address) - address);
    }
  }

  #write(content: Content, address: bigint, pcrel: ReadonlyMap<bigint, bigint>, into: Uint8Array): void {
    const at = Number(address - this.#base);
    switch (content.kind) {
      case 'bytes':
        into.set(content.bytes, at);
        return;
      case 'fill':
        into.fill(content.byte, at, at + content.length);
        return;
      case 'number':
        writeNumber(into, at, content.width, this.#evaluate(content.expression, address));
        return;
      case 'insn': {
        const raw = encodeInsn(content.insn, (pending) =>
          relocate(pending, this.#evaluate(pending.immediate.expression, address), address, pcrel),
        );
        writeNumber(into, at, content.insn.bytes, BigInt(raw));
      }
    }
  }
}

function writeNumber(into: Uint8Array, at: number, width: number, value: bigint): void {
  const bits = BigInt(width * 8);
  if (value < -(1n << (bits - 1n)) || value >= 1n << bits) complain(`${value} does not fit in ${width} bytes`);
  for (let i = 0; i < width; i++) into[at + i] = Number((value >> BigInt(8 * i)) & 0xffn);
}
