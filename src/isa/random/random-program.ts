/** Random programs for comparing CPUs: straight lines with forward branches, safe to run on a bare hart. */
import { SeededRandom } from '../../util/index.ts';
import { aqrlSuffixes, fNames, xNames } from '../asm/registers.ts';
import { csrs } from '../csr.ts';
import type { Insn } from '../insn.ts';
import type { InsnName } from '../table.ts';
import { defaultWeights, type ItemClass, insnsByClass, usableCompressed, type Weights } from './choices.ts';
import {
  ADDRESS_REGISTER,
  baseRegisters,
  compressedOperand,
  freeRegisters,
  type OperandScope,
  randomFloat,
  randomInteger,
  randomOperand,
  SCRATCH_BYTES,
} from './operands.ts';

/** What to generate. */
export interface RandomProgramOptions {
  readonly seed: number;
  /** Number of items: groups of one to three instructions. */
  readonly length: number;
  /** Frequencies that differ from the default ones. `classes.trap` above 0 asks for traps: see `ProgramItem`. */
  readonly classes?: Partial<Weights['classes']>;
  readonly extensions?: Weights['extensions'];
}

/**
 * A part of a program that can be left out without touching the rest. Traps (illegal and reserved instructions, ecall,
 * ebreak, misaligned atomics, accesses to CSRs that do not exist) leave registers as they are; whoever runs them must
 * install a handler that goes on behind the instruction.
 */
export interface ProgramItem {
  readonly index: number;
  readonly class: ItemClass;
  /** Lines of assembly. */
  readonly lines: readonly string[];
}

/** A generated program. */
export interface RandomProgram {
  readonly seed: number;
  readonly items: readonly ProgramItem[];
  /** Start values of x1 … x31 and f0 … f31; the reserved ones are set to their addresses instead. */
  readonly x: readonly bigint[];
  readonly f: readonly bigint[];
}

/** Items that a branch may skip: the reach of the shortest branch is 256 bytes and an item has at most 12. */
const SKIP_MAX = 16;

/** Generates a program; the same options give the same program. */
export function randomProgram(options: RandomProgramOptions): RandomProgram {
  const random = new SeededRandom(options.seed);
  const weights: Weights = {
    classes: { ...defaultWeights.classes, ...options.classes },
    extensions: { ...defaultWeights.extensions, ...options.extensions },
  };
  const x = xNames.map(() => randomInteger(random));
  const f = fNames.map(() => randomFloat(random));
  const generator = new Generator(random, weights, options.length);
  const items = Array.from({ length: options.length }, (_, index) => generator.item(index));
  return { seed: options.seed, items, x, f };
}

/** How to lay a program out. */
export interface SourceOptions {
  /** The items to include; default all. Branches to others go to what follows them. */
  readonly items?: readonly ProgramItem[];
  /** Assembly that runs first, to enable floating point or install a trap handler. */
  readonly before?: string;
  /** Assembly that runs last, at the label `done`: the registers are as the program left them. */
  readonly after?: string;
}

/** Turns floating point on, in M-mode (mstatus.FS, 3.1.6.6): for `SourceOptions.before`. */
export const enableFloat = 'li t0, 0x6000\ncsrs mstatus, t0';

/**
 * The program as assembly. Labels: `start`, `item<n>` for every item, `done`; in the data `initial` (start values) and
 * `scratch`, the area of SCRATCH_BYTES bytes that all loads and stores stay in.
 */
export function programSource(program: RandomProgram, options: SourceOptions = {}): string {
  const kept = new Set((options.items ?? program.items).map((item) => item.index));
  const body = program.items.flatMap((item) => [`item${item.index}:`, ...(kept.has(item.index) ? item.lines : [])]);
  return [
    '.text',
    'start:',
    options.before ?? '',
    ...prologue(),
    ...body,
    'done:',
    options.after ?? '',
    ...initialData(program),
    '.balign 64',
    'scratch:',
    `.space ${SCRATCH_BYTES}`,
    '',
  ].join('\n');
}

function prologue(): string[] {
  const base = baseRegisters.wide;
  const integers = freeRegisters.filter((name) => name !== 'zero');
  return [
    `la ${base}, initial`,
    ...fNames.map((name, i) => `fld ${name}, ${8 * (32 + i)}(${base})`),
    ...integers.map((name) => `ld ${name}, ${8 * xNames.indexOf(name)}(${base})`),
    'fscsr zero',
    `la ${base}, scratch + ${SCRATCH_BYTES / 2}`,
    `mv ${baseRegisters.short}, ${base}`,
    `mv ${baseRegisters.stack}, ${base}`,
    `mv ${ADDRESS_REGISTER}, ${base}`,
  ];
}

function initialData({ x, f }: RandomProgram): string[] {
  const value = (v: bigint): string => `.dword 0x${v.toString(16)}`;
  return ['.data', '.balign 8', 'initial:', ...x.map(value), ...f.map(value)];
}

/** Accumulated weights of the things to choose from. */
function pickWeighted<T>(random: SeededRandom, things: readonly T[], weight: (thing: T) => number): T | undefined {
  const total = things.reduce((sum, thing) => sum + weight(thing), 0);
  if (total <= 0) return undefined;
  let at = (random.u32() / 2 ** 32) * total;
  for (const thing of things) {
    at -= weight(thing);
    if (at < 0) return thing;
  }
  return things.findLast((thing) => weight(thing) > 0);
}

class Generator {
  readonly #random: SeededRandom;
  readonly #weights: Weights;
  readonly #length: number;
  #index = 0;

  constructor(random: SeededRandom, weights: Weights, length: number) {
    this.#random = random;
    this.#weights = weights;
    this.#length = length;
  }

  item(index: number): ProgramItem {
    this.#index = index;
    const classes = Object.keys(this.#weights.classes) as ItemClass[];
    const usable = classes.filter((c) => c === 'compressed' || c === 'trap' || this.#candidates(c).length > 0);
    const chosen = pickWeighted(this.#random, usable, (c) => this.#weights.classes[c]) ?? 'integer';
    return { index, class: chosen, lines: this.#lines(chosen) };
  }

  #weightOf(insn: Insn): number {
    return this.#weights.extensions[insn.extension] ?? 1;
  }

  #candidates(itemClass: ItemClass): readonly Insn<InsnName>[] {
    return (insnsByClass.get(itemClass) ?? []).filter((insn) => this.#weightOf(insn) > 0);
  }

  #pick(itemClass: ItemClass): Insn<InsnName> {
    const insn = pickWeighted(this.#random, this.#candidates(itemClass), (i) => this.#weightOf(i));
    if (insn === undefined) throw new RangeError(`no instruction of class ${itemClass} is left to choose from`);
    return insn;
  }

  #lines(itemClass: ItemClass): string[] {
    switch (itemClass) {
      case 'atomic':
        return this.#atomic();
      case 'reserve':
        return this.#reserve();
      case 'jump':
        return this.#jump();
      case 'csr':
        return this.#csr();
      case 'block':
        return this.#block();
      case 'compressed':
        return this.#compressed();
      case 'trap':
        return this.#trap();
      default:
        return [this.#plain(this.#pick(itemClass))];
    }
  }

  /** A label up to SKIP_MAX items further on. */
  #target(): string {
    const target = this.#index + 1 + this.#random.below(SKIP_MAX);
    return target < this.#length ? `item${target}` : 'done';
  }

  #scope(short: boolean): OperandScope {
    return { random: this.#random, target: () => this.#target(), short };
  }

  #plain(insn: Insn<InsnName>): string {
    const shiftBits = insn.format === 'Shift5' ? 5 : 6;
    const operands = insn.syntax.map((operand) => randomOperand(operand, this.#scope(false), shiftBits) ?? '0');
    return `${insn.name} ${operands.join(', ')}`;
  }

  #setAddress(alignment: number, misalignment = 0): string {
    const slots = SCRATCH_BYTES / alignment - 1;
    const offset = this.#random.below(slots) * alignment - SCRATCH_BYTES / 2 + misalignment;
    return `addi ${ADDRESS_REGISTER}, ${baseRegisters.wide}, ${offset}`;
  }

  #withOrdering(line: string): string {
    return line.replace(/^\S+/, (name) => name + this.#random.pick(aqrlSuffixes));
  }

  #atomic(): string[] {
    const insn = this.#pick('atomic');
    return [this.#setAddress(insn.memory?.bytes || 8), this.#withOrdering(this.#plain(insn))];
  }

  /** A reservation is used at once, sometimes by two stores: the second must fail. */
  #reserve(): string[] {
    const size = this.#random.pick(['w', 'd']);
    const store = (): string => {
      const value = this.#random.pick(xNames);
      return this.#withOrdering(`sc.${size} ${this.#random.pick(freeRegisters)}, ${value}, (${ADDRESS_REGISTER})`);
    };
    const loaded = this.#random.pick(freeRegisters);
    const pair = [this.#withOrdering(`lr.${size} ${loaded}, (${ADDRESS_REGISTER})`), store()];
    return [this.#setAddress(8), ...pair, ...(this.#random.below(4) === 0 ? [store()] : [])];
  }

  #jump(): string[] {
    const link = this.#random.pick(freeRegisters);
    if (this.#random.below(2) === 0) return [`jal ${link}, ${this.#target()}`];
    return [
      `auipc ${ADDRESS_REGISTER}, %pcrel_hi(${this.#target()})`,
      `jalr ${link}, %pcrel_lo(.-4)(${ADDRESS_REGISTER})`,
    ];
  }

  /** Floating-point state only: values of other CSRs are the machine's business. frm never becomes reserved. */
  #csr(): string[] {
    const random = this.#random;
    const rd = random.pick(freeRegisters);
    switch (random.below(4)) {
      case 0:
        return [`csrrwi ${rd}, frm, ${random.below(5)}`];
      case 1:
        return [
          `li ${ADDRESS_REGISTER}, ${(random.below(5) << 5) | random.below(32)}`,
          `fscsr ${rd}, ${ADDRESS_REGISTER}`,
        ];
      case 2:
        return [`${random.pick(['csrrw', 'csrrs', 'csrrc'])} ${rd}, fflags, ${random.pick(xNames)}`];
      default:
        return [`${random.pick(['csrrwi', 'csrrsi', 'csrrci'])} ${rd}, fflags, ${random.below(32)}`];
    }
  }

  #block(): string[] {
    return [this.#setAddress(8), this.#plain(this.#pick('block'))];
  }

  #compressed(): string[] {
    const insn = this.#random.pick(usableCompressed);
    const line = (): string => {
      const operands = insn.syntax.map((operand) => {
        const wide = operand.endsWith('rd') || operand.endsWith('rs2') || operand === 'rs1';
        return compressedOperand(operand, insn.name, this.#scope(wide && hasShortRegisters(insn.format)));
      });
      return `${insn.name} ${operands.join(', ')}`;
    };
    let text = line();
    // x0 as rd or rs2 is reserved or another instruction for many forms.
    while (/\bzero\b/.test(text)) text = line();
    return [text];
  }

  #trap(): string[] {
    const random = this.#random;
    switch (random.below(6)) {
      case 0:
        return ['ecall'];
      case 1:
        return ['ebreak'];
      case 2:
        return [`.insn ${random.pick(['0x0000', '0x8000', '0x9c41', '0xffffffff', '0x0000707b', '0x02a5d553'])}`];
      case 3: {
        const insn = this.#pick('atomic');
        return [this.#setAddress(8, 1 + random.below(3)), this.#plain(insn)];
      }
      case 4:
        return [`csrrw ${random.pick(freeRegisters)}, 0x${unusedCsr(random).toString(16)}, ${random.pick(xNames)}`];
      default:
        return [`csrrwi ${random.pick(freeRegisters)}, cycle, 1`];
    }
  }
}

/** Formats whose register fields have three bits. */
function hasShortRegisters(format: string): boolean {
  return /^C(IW|L[wd]|S[wd]|A|B|Bimm|Bshift)$/.test(format);
}

const usedNumbers = new Set(csrs.map((csr) => csr.number));

/** A number that no CSR has, in the range for custom machine-mode registers. */
function unusedCsr(random: SeededRandom): number {
  const number = 0x7c0 + random.below(0x40);
  return usedNumbers.has(number) ? 0x7c0 : number;
}
