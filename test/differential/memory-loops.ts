/** Random tight loops over memory: what translators make special code of, and where it has to let go. */
import type { ProgramItem } from '../../src/isa/index.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { BASE, skippingHandler } from './lockstep-machine.ts';

/** Where loops read and write, as an offset into RAM: from here to what is mapped, and a little beyond it. */
export const DATA_OFFSET = 0x1_0000n;
const DATA = Number(BASE + DATA_OFFSET);
const DATA_END = 0x8008_0000;
const LOOPS = 6;
const BODY_MAX = 14;
const TRIPS = [0, 1, 2, 3, 4, 5, 7, 9, 40, 300, 1500];
const STRIDES = [
  0, 1, -1, 2, 4, -4, 8, 8, 8, -8, 12, 16, -16, 24, 56, 64, 120, -120, 248, 256, -256, 264, 512, 1024, 2047,
];

/** All registers but those that the frame below needs: ra, sp, t0 and t1 (the handler's), s11. */
const pool = Array.from({ length: 32 }, (_, r) => r).filter((r) => ![0, 1, 2, 5, 6, 27].includes(r));

const loads = ['lb', 'lbu', 'lh', 'lhu', 'lw', 'lwu', 'ld'];
const stores = ['sb', 'sh', 'sw', 'sd'];
const wide = [
  'add',
  'sub',
  'xor',
  'and',
  'or',
  'mul',
  'sltu',
  'slt',
  'sh2add',
  'add.uw',
  'min',
  'max',
  'mulhu',
  'andn',
];
const narrow = ['addw', 'subw', 'mulw', 'sllw', 'srlw', 'sraw', 'divw', 'remuw', 'rolw'];
const shifts = ['slli', 'srli', 'srai', 'slliw', 'srliw', 'sraiw'];
const immediates = ['addi', 'addiw', 'xori', 'andi', 'ori', 'sltiu'];
const atomics = ['amoadd.w', 'amoswap.d', 'amoxor.d', 'amomaxu.w'];
const floats = ['fadd.d', 'fmul.d', 'fsub.s', 'fmul.s', 'fsgnjx.d', 'fmin.s', 'fdiv.d'];

class LoopMaker {
  readonly #random: SeededRandom;
  readonly #name: string;
  /** Registers that step, and what by. */
  readonly #steps = new Map<number, number>();
  readonly #fixed: number[];
  readonly #counter: number;
  readonly #trips: number;
  /** Steps too, from where it stays small: what sums add to addresses. */
  readonly #index: number;
  readonly #indexStride: number;
  readonly #others: number[];

  constructor(random: SeededRandom, name: string) {
    this.#random = random;
    this.#name = name;
    const registers = [...pool];
    const take = (): number => registers.splice(random.below(registers.length), 1)[0] as number;
    this.#counter = take();
    this.#trips = this.#of(TRIPS);
    this.#index = take();
    this.#indexStride = this.#of(STRIDES);
    for (let n = 1 + random.below(4); n > 0; n--) this.#steps.set(take(), this.#of(STRIDES));
    this.#fixed = Array.from({ length: random.below(3) }, take);
    this.#others = Array.from({ length: 2 + random.below(12) }, take);
  }

  #of<T>(from: readonly T[]): T {
    return from[this.#random.below(from.length)] as T;
  }

  #any(): number {
    return this.#of([...this.#others, ...this.#others, ...this.#fixed, ...this.#steps.keys()]);
  }

  #base(): string {
    const base = this.#of([...this.#steps.keys(), ...this.#steps.keys(), ...this.#fixed, 2]);
    return `${this.#random.below(4) === 0 ? this.#random.below(400) - 200 : 8 * this.#random.below(6)}(x${base})`;
  }

  /** One line of the loop, or some that belong together. */
  #body(label: string): string[] {
    const to = this.#of(this.#others);
    const f = () => `f${this.#random.below(20)}`;
    switch (this.#random.below(16)) {
      case 0:
      case 1:
      case 2:
        return [`${this.#of(loads)} x${to}, ${this.#base()}`];
      case 3:
      case 4:
        return [`${this.#of(stores)} x${this.#any()}, ${this.#base()}`];
      case 5: {
        // An address that is a sum, as indexed accesses have it. Sums of anything might hit the program itself.
        const a = this.#of([...this.#steps.keys()]);
        const access = this.#random.below(2) ? `${this.#of(loads)} x${to}` : `${this.#of(stores)} x${this.#any()}`;
        if (this.#random.below(2)) return [`add x${to}, x${a}, x${this.#index}`, `${access}, 0(x${to})`];
        return [`andi x${to}, x${this.#any()}, 2040`, `add x${to}, x${to}, x${a}`, `${access}, 16(x${to})`];
      }
      case 6:
      case 7:
        return [`${this.#of(wide)} x${to}, x${this.#any()}, x${this.#any()}`];
      case 8:
      case 9:
        return [`${this.#of(narrow)} x${to}, x${this.#any()}, x${this.#any()}`];
      case 10:
        return [`${this.#of(shifts)} x${to}, x${this.#any()}, ${1 + this.#random.below(31)}`];
      case 11:
        return [`${this.#of(immediates)} x${to}, x${this.#any()}, ${this.#random.below(4000) - 2000}`];
      case 12: {
        // Hardly ever or nearly always taken: out of the loop, or back to its beginning.
        const where = this.#random.below(3) ? `${this.#name}out` : this.#name;
        return [`andi x${to}, x${this.#counter}, ${this.#of([7, 63, 255])}`, `beqz x${to}, ${label}`, `j ${label}more`]
          .concat(`${label}: addi x${this.#counter}, x${this.#counter}, -1`, `bgtz x${this.#counter}, ${where}`)
          .concat(`${label}more:`);
      }
      case 13:
        return this.#random.below(3)
          ? []
          : [`${this.#of(atomics)} x${to}, x${this.#any()}, (x${this.#of([...this.#steps.keys()])})`];
      case 14:
        return this.#random.below(2)
          ? [`${this.#of(floats)} ${f()}, ${f()}, ${f()}`]
          : [`${this.#of(['fld', 'fsd', 'flw', 'fsw'])} ${f()}, ${this.#base()}`];
      default:
        return [`mv x${to}, x${this.#any()}`];
    }
  }

  /** The close of the loop: a branch back, or a jump back that a branch passes over. */
  #close(): string[] {
    const count = `addi x${this.#counter}, x${this.#counter}, -1`;
    if (this.#random.below(4) === 0) return [count, `blez x${this.#counter}, ${this.#name}out`, `j ${this.#name}`];
    return [count, `bgtz x${this.#counter}, ${this.#name}`];
  }

  /** Items: the frame of the loop, which stays together, in one; of the body each line that can be left out in its own. */
  make(from: number): { readonly items: ProgramItem[]; readonly frame: readonly [ProgramItem, ProgramItem] } {
    const random = this.#random;
    const start: string[] = [`li x${this.#counter}, ${this.#trips}`];
    start.push(`li x${this.#index}, ${Math.max(0, -this.#indexStride * this.#trips)}`);
    for (const register of [...this.#steps.keys(), ...this.#fixed]) {
      // Now and then close to the end of what is mapped; never so low that it gets to the program.
      const back = Math.max(0, -(this.#steps.get(register) ?? 0) * this.#trips);
      const near = Math.max(DATA_END - random.below(8192), DATA + back);
      const at = random.below(12) === 0 ? near : DATA + back + random.below(0x3_0000);
      start.push(`li x${register}, ${at - (random.below(3) ? at % 8 : 0)}`);
    }
    for (const register of this.#others)
      if (random.below(3) === 0) start.push(`li x${register}, ${random.below(1 << 20)}`);
    const items: ProgramItem[] = [];
    const item = (lines: string[]): void => {
      items.push({ index: from + items.length, class: 'integer', lines });
    };
    for (let n = 1 + random.below(BODY_MAX); n > 0; n--) item(this.#body(`${this.#name}b${n}`));
    // The steps lie anywhere in the body; some are in two halves.
    for (const [register, stride] of [...this.#steps, [this.#index, this.#indexStride] as const]) {
      const first = random.below(4) === 0 ? stride >> 1 : stride;
      for (const part of first === stride ? [stride] : [first, stride - first]) {
        const at = random.below(items.length + 1);
        items.splice(at, 0, { index: from, class: 'integer', lines: [`addi x${register}, x${register}, ${part}`] });
      }
    }
    return {
      items,
      frame: [
        { index: from, class: 'jump', lines: [...start, '.balign 4', `${this.#name}:`] },
        { index: from, class: 'jump', lines: [...this.#close(), `${this.#name}out:`] },
      ],
    };
  }
}

/** Loops of a seed. `frames` are the items that must stay, by identity. */
export interface MemoryLoops {
  readonly items: readonly ProgramItem[];
  readonly frames: ReadonlySet<ProgramItem>;
}

export function memoryLoops(seed: number): MemoryLoops {
  const random = new SeededRandom(seed ^ 0x6c6f_6f70);
  const items: ProgramItem[] = [];
  const frames = new Set<ProgramItem>();
  for (let n = 0; n < LOOPS; n++) {
    const loop = new LoopMaker(random, `loop${n}`).make(items.length);
    items.push(loop.frame[0], ...loop.items, loop.frame[1]);
    for (const frame of loop.frame) frames.add(frame);
  }
  return { items, frames };
}

/** The program as `compare` takes it: ends at `finish`, skips what traps, unless another handler is given. */
export function memoryLoopsSource(items: readonly ProgramItem[], handler: string = skippingHandler): string {
  return [
    'start:',
    `li sp, ${DATA}`,
    'li s11, 3',
    'again:',
    ...items.flatMap((item) => item.lines),
    'addi s11, s11, -1',
    'bnez s11, again0',
    'j finish',
    'again0: la ra, again',
    'jr ra',
    '.balign 4',
    'finish: j finish',
    handler,
  ].join('\n');
}
