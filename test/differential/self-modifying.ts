/**
 * Random programs that change themselves: the block that runs, ahead of it and behind; the body of the current loop; runs
 * that other pages lead to; instructions that lie on two pages; through another mapping of the same memory. Every change
 * is fenced by the time it runs, so all backends must show it.
 */
import { assemble, type ProgramItem } from '../../src/isa/index.ts';
import { SeededRandom } from '../../src/util/index.ts';

/** Where memory is mapped a second time. */
const ALIAS = 0x4000_0000n;
const HOME = 0x8000_0000n;
/** Functions that are changed; each begins in a page of its own, and may go on in the next. */
const VICTIMS = 6;
const VICTIM_BYTES = 8192;
const OPERATIONS = 24;

/** What a place of four bytes may hold. */
const whole = [
  ...['addi a0, a0, 1', 'addi a0, a0, -7', 'xori a1, a0, 0x55', 'add a1, a1, a0', 'mul a2, a0, a1', 'sub a3, a0, a2'],
  ...['ld a2, 0(sp)', 'sd a0, 8(sp)', 'lw a4, 8(sp)', 'fadd.d fa0, fa0, fa1', 'fcvt.d.l fa1, a0', 'fmv.x.d a5, fa0'],
  ...['amoadd.d a6, a0, (sp)', 'jal zero, . + 8', 'beq zero, zero, . + 8', 'bne a0, zero, . + 8', 'jal zero, . + 4'],
  ...['c.addi a0, 3\nc.addi a1, 5', 'c.nop\nc.add a0, a1', 'c.beqz a0, . + 6\nc.addi a2, 1', '.word 0x7b', 'ecall'],
  ...['csrr a3, instret', 'csrrs a4, fflags, zero', 'fence.i', 'sfence.vma', 'lr.d a5, (sp)', 'sltu a6, a0, a1'],
  ...['addiw a0, a0, 9', 'slli a1, a0, 3', 'fsd fa0, 16(sp)', 'fld fa1, 16(sp)', 'div a7, a1, a2'],
];
/** And one of two bytes. */
const halves = [
  'c.addi a0, 1',
  'c.addi a1, -3',
  'c.nop',
  'c.add a2, a0',
  'c.sub a1, a0',
  'c.sdsp a0, 0(sp)',
  'c.ldsp a3, 8(sp)',
];

const encoded = new Map<string, bigint>();
/** Bytes of a choice as a number. */
function bitsOf(source: string): bigint {
  let bits = encoded.get(source);
  if (bits === undefined) {
    const { bytes } = assemble(source, { base: 0 });
    bits = [...bytes].reduceRight((all, byte) => (all << 8n) | BigInt(byte), 0n);
    encoded.set(source, bits);
  }
  return bits;
}

/** A place that may be changed. */
interface Place {
  readonly label: string;
  readonly bytes: 2 | 4;
  /** On two pages: only reached by stores of half-words. */
  readonly crosses: boolean;
}

class Maker {
  readonly #random: SeededRandom;
  readonly places: Place[] = [];
  #labels = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  #place(bytes: 2 | 4, crosses = false): string {
    const label = `place${this.places.length}`;
    this.places.push({ label, bytes, crosses });
    const initial = crosses ? 'addi a0, a0, 1' : this.#random.pick(bytes === 2 ? halves : whole.slice(0, 8));
    // What a place of four bytes may jump over.
    return `${label}: ${initial}${bytes === 4 ? '\nc.nop\nc.nop' : ''}`;
  }

  #filler(): string {
    return this.#random.pick(['addi a0, a0, 3', 'c.addi a1, 1', 'xor a2, a2, a0', 'add a3, a3, a2', 'c.mv a4, a3']);
  }

  /** A function of its own page: a loop with places in it, then the next page, or back. */
  victim(n: number): string[] {
    const random = this.#random;
    const body = Array.from({ length: 3 + random.below(10) }, () =>
      random.below(3) ? this.#filler() : this.#place(random.below(3) ? 4 : 2),
    );
    // The loop, or what comes behind it, may go over the page's end, or lie on it.
    const start = 4096 + n * VICTIM_BYTES;
    const far = random.below(3) === 0;
    const leave = random.below(2) || n === VICTIMS - 1 ? 'ret' : `j victim${n + 1}`;
    const crossing = far ? [`.org ${start + 4094}`, `${this.#place(4, true)}`, this.#filler()] : [];
    return [
      `.org ${start}`,
      `victim${n}:`,
      `li s1, ${1 + random.below(5)}`,
      ...(far
        ? [`j far${n}`, `.org ${start + 4094 - 8}`, `far${n}: add a5, a5, a0`, 'c.addi a5, 1', 'c.nop', ...crossing]
        : [`far${n}:`]),
      ...body,
      'addi s1, s1, -1',
      `bgtz s1, far${n}`,
      this.#place(4),
      leave,
    ];
  }

  /** Stores a choice into a place, through either mapping. */
  #change(place: Place): string[] {
    const random = this.#random;
    const base = random.below(3) ? [`la t0, ${place.label}`] : [`la t0, ${place.label}`, 'xor t0, t0, s9'];
    if (place.crosses) {
      // By halves, and whatever mixture of two choices may be met is one: OP-IMM on a0.
      const bits = (random.below(4096) << 20) | (10 << 15) | (random.pick([0, 4, 6, 7]) << 12) | 0x513;
      return [...base, `li t1, ${bits & 0xffff}`, 'sh t1, 0(t0)', `li t1, ${bits >>> 16}`, 'sh t1, 2(t0)'];
    }
    const bits = bitsOf(random.pick(place.bytes === 2 ? halves : whole));
    if (place.bytes === 2) return [...base, `li t1, ${bits}`, 'sh t1, 0(t0)'];
    return [...base, `li t1, ${bits}`, 'sw t1, 0(t0)'];
  }

  #call(): string[] {
    const random = this.#random;
    const at = `la t0, victim${random.below(VICTIMS)}`;
    const alias = random.below(3) === 0 ? ['xor t0, t0, s9'] : [];
    return [at, ...alias, 'jalr ra, t0'];
  }

  /** A loop that changes an instruction further on in its own body with every pass. */
  #ownLoop(): string[] {
    const random = this.#random;
    const n = this.#labels++;
    const choices = Array.from({ length: 4 }, () => bitsOf(random.pick(whole.slice(0, 18))));
    const store = [
      `la t0, own${n}`,
      ...(random.below(2) ? ['xor t0, t0, s9'] : []),
      'andi t1, s3, 3',
      'slli t1, t1, 2',
      `la t2, own${n}t`,
      'add t2, t2, t1',
      'lwu t1, 0(t2)',
      'sw t1, 0(t0)',
    ];
    const target = [`own${n}: addi a0, a0, 1`, 'c.nop', 'c.nop'];
    const around = (at: number) => Array.from({ length: random.below(at) }, () => this.#filler());
    // Behind the store, or before it, where the next pass comes by.
    const parts = random.below(2) ? [store, ['fence.i'], around(6), target] : [target, around(6), store, ['fence.i']];
    return [
      `li s3, ${4 + random.below(9)}`,
      `own${n}l:`,
      ...parts.flat(),
      'addi s3, s3, -1',
      `bgtz s3, own${n}l`,
      `j own${n}e`,
      '.balign 4',
      `own${n}t:`,
      ...choices.map((bits) => `.word ${bits}`),
      `own${n}e:`,
    ];
  }

  operation(): string[] {
    const random = this.#random;
    if (random.below(4) === 0) return this.#ownLoop();
    const changes = Array.from({ length: random.below(4) }, () => this.#change(random.pick(this.places)));
    const fence = changes.length > 0 ? ['fence.i'] : [];
    return [...changes.flat(), ...fence, ...Array.from({ length: 1 + random.below(3) }, () => this.#call()).flat()];
  }
}

/** A program of a seed: operations that may be left out, and what they change. */
export interface SelfModifying {
  readonly items: readonly ProgramItem[];
  readonly victims: readonly string[];
  /** Labels of places of four bytes within one page. */
  readonly places: readonly string[];
  /** Of all places of four bytes. */
  readonly allPlaces: readonly string[];
}

export function selfModifying(seed: number): SelfModifying {
  const maker = new Maker(new SeededRandom(seed ^ 0x5e1f));
  const victims = Array.from({ length: VICTIMS }, (_, n) => maker.victim(n)).flat();
  const items = Array.from({ length: OPERATIONS }, (_, index) => {
    return { index, class: 'integer' as const, lines: maker.operation() };
  });
  const wide = maker.places.filter(({ bytes }) => bytes === 4);
  const places = wide.filter(({ crosses }) => !crosses).map(({ label }) => label);
  return { items, victims, places, allPlaces: wide.map(({ label }) => label) };
}

/** Offset in memory of the root of the page tables. */
const ROOT = 0x8_0000;

/** Memory mapped to itself and a second time, in gigabytes. */
export function mapTwice(ram: DataView): void {
  const leaf = ((HOME >> 12n) << 10n) | 0xcfn;
  ram.setBigUint64(ROOT + 8, leaf, true);
  ram.setBigUint64(ROOT + 16, leaf, true);
}

/** A number of four bytes that a place may hold, for those who change it from outside. */
export function someInsn(random: SeededRandom): number {
  return Number(bitsOf(random.pick(whole)));
}

/** The program: victims first, which pages are for, then the way into S-mode, traps, and the operations. */
export function selfModifyingSource(victims: readonly string[], items: readonly ProgramItem[]): string {
  return [
    'start: j begin',
    ...victims,
    '.balign 4096',
    'begin:',
    'csrw satp, zero',
    'li t0, -1\nsrli t0, t0, 10\ncsrw pmpaddr0, t0\nli t0, 0x1f\ncsrw pmpcfg0, t0',
    `li t0, ${(8n << 60n) | ((HOME + BigInt(ROOT)) >> 12n)}\ncsrw satp, t0\nsfence.vma`,
    'la t0, supervisor\ncsrw mepc, t0\nli t0, 0x1800\ncsrc mstatus, t0\nli t0, 0x6800\ncsrs mstatus, t0',
    'li t0, -1\ncsrw mcounteren, t0',
    `li s9, ${ALIAS ^ HOME}`,
    'la sp, stack',
    'li a1, 11\nli a2, 22\nli a3, 33',
    'mret',
    // Behind the instruction that trapped, wherever memory was mapped when it did; out of the program if it asks for that.
    `.balign 4
    handler:
      li t5, 93
      beq s2, t5, leave
      csrr t5, mepc
      slli t5, t5, 34
      srli t5, t5, 34
      li t6, ${HOME}
      or t5, t5, t6
      lhu t5, 0(t5)
      andi t5, t5, 3
      addi t5, t5, -3
      seqz t5, t5
      slli t5, t5, 1
      addi t5, t5, 2
      csrr t6, mepc
      add t6, t6, t5
      csrw mepc, t6
      mret
    leave:
      li s2, 0
      j finish`,
    'supervisor: li s4, 3',
    'again:',
    ...items.flatMap((item) => item.lines),
    'addi s4, s4, -1',
    'beqz s4, enough',
    'j again',
    'enough: li s2, 93',
    'ecall',
    '.balign 4',
    'finish: j finish',
    '.balign 64',
    'stack: .space 128',
  ].join('\n');
}
