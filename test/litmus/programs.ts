/** Guest programs of the litmus tests. Every hart runs the same text and goes to the part with its number. */
import { at, place } from './hart-pool.ts';

/**
 * Rounds between two meetings of all harts: else the first would be through before the last has begun. More harts than
 * cores meet at the price of several of the host's time slices.
 */
const CHUNK = { two: 256, more: 4096 } as const;

/**
 * A program of one part for each hart. Within a part: a0 is the hart's number, s0 points at the variables, s1 is
 * `rounds`, s2 at the hart's records. A part that finds something wrong jumps to `bad` with values in a1 and a2.
 */
export function program(rounds: number, parts: readonly string[]): string {
  const dispatch = parts.map((_, i) => `li t0, ${i}\n beq a0, t0, part${i}`).join('\n');
  return `
    li s0, ${place.data}
    li s1, ${rounds}
    li s2, ${place.records}
    li t0, ${place.recordBytes}
    mul t0, t0, a0
    add s2, s2, t0
    li s10, ${parts.length}
    li s11, 0
    li s9, ${(parts.length > 2 ? CHUNK.more : CHUNK.two) - 1}
    call meet
    ${dispatch}
  bad:
    sd a1, ${at.bad + 8}(s0)
    sd a2, ${at.bad + 16}(s0)
    li t0, 1
    sd t0, ${at.bad}(s0)
    ebreak
  meet:
    # Each hart comes here as often as the others.
    add s11, s11, s10
    li t0, 1
    amoadd.d zero, t0, (s0)
  wait: ld t1, (s0)
    bltu t1, s11, wait
    ret
  ${parts.map((part, i) => `part${i}:\n${part}\n ebreak`).join('\n')}
    .balign 4
  trap: ebreak`;
}

/** Stores a register as the next record. */
export const record = (register: string): string => `sd ${register}, (s2)\n addi s2, s2, 8`;

/** Numbers 1 … rounds in s3, around a body. All harts meet every so often. */
export const counting = (body: string): string => `
    li s3, 1
  1: ${body}
    and t0, s3, s9
    bnez t0, 6f
    call meet
  6: addi s3, s3, 1
    bleu s3, s1, 1b`;

/** Message passing: how the writer publishes s3, and how the reader gets y into a1 and x, later, into a2. */
export interface Passing {
  readonly write: string;
  readonly read: string;
}

const X = `${at.x}(s0)`;
const Y = `${at.y}(s0)`;

export const passings: Readonly<Record<string, Passing>> = {
  'fence w,w and fence r,r': {
    write: `sd s3, ${X}\n fence w, w\n sd s3, ${Y}`,
    read: `ld a1, ${Y}\n fence r, r\n ld a2, ${X}`,
  },
  'fence.tso on both sides': {
    write: `sd s3, ${X}\n fence.tso\n sd s3, ${Y}`,
    read: `ld a1, ${Y}\n fence.tso\n ld a2, ${X}`,
  },
  'a releasing and an acquiring AMO': {
    write: `sd s3, ${X}\n addi t1, s0, ${at.y}\n amoswap.d.rl zero, s3, (t1)`,
    read: `addi t1, s0, ${at.y}\n amoor.d.aq a1, zero, (t1)\n ld a2, ${X}`,
  },
  'a releasing SC and an acquiring LR': {
    write: `sd s3, ${X}\n addi t1, s0, ${at.y}\n 5: lr.d t2, (t1)\n sc.d.rl t3, s3, (t1)\n bnez t3, 5b`,
    read: `addi t1, s0, ${at.y}\n lr.d.aq a1, (t1)\n ld a2, ${X}`,
  },
  'an address that depends on what was read': {
    write: `sd s3, ${X}\n fence w, w\n sd s3, ${Y}`,
    read: `ld a1, ${Y}\n xor t1, a1, a1\n add t1, t1, s0\n ld a2, ${at.x}(t1)`,
  },
  'fences within one cache line': {
    write: `sd s3, ${at.x + 8}(s0)\n fence w, w\n sd s3, ${X}`,
    read: `ld a1, ${X}\n fence r, r\n ld a2, ${at.x + 8}(s0)`,
  },
};

/** One hart publishes numbers; the other must find x as far as y says. */
export function messagePassing(rounds: number, { write, read }: Passing): string {
  return program(rounds, [counting(write), counting(`${read}\n bltu a2, a1, bad`)]);
}

/** Each of two harts writes its number and then reads the other's. */
export function storeThenLoad(rounds: number, write: (variable: number) => string, between: string): string {
  const part = (mine: number, other: number) =>
    counting(`${write(mine)}\n ${between}\n ld a1, ${other}(s0)\n ${record('a1')}`);
  return program(rounds, [part(at.x, at.y), part(at.y, at.x)]);
}

/** Each of two harts reads the other's number and then writes its own; `between` may use a1, what was read. */
export function loadThenStore(rounds: number, between: string, value = 's3'): string {
  const part = (mine: number, other: number) =>
    counting(`ld a1, ${other}(s0)\n ${between}\n sd ${value}, ${mine}(s0)\n ${record('a1')}`);
  return program(rounds, [part(at.x, at.y), part(at.y, at.x)]);
}

/** One hart counts; two read, in loads of both widths, what must not go back. */
export function coherence(rounds: number): string {
  const reader = `li s4, 0\n ${counting(`
    ld a1, ${X}
    mv a2, s4
    bltu a1, a2, bad
    lwu a2, ${X}
    bltu a2, a1, bad
    mv s4, a2`)}`;
  return program(rounds, [counting(`sd s3, ${X}`), reader, reader]);
}

/** One hart counts in x, the next hands on in y what it read of x, the third must find x as far as y says. */
export function writeToRead(rounds: number): string {
  return program(rounds, [
    counting(`sd s3, ${X}`),
    counting(`ld a1, ${X}\n fence r, w\n sd a1, ${Y}`),
    counting(`ld a1, ${Y}\n fence r, r\n ld a2, ${X}\n bltu a2, a1, bad`),
  ]);
}

/** Two harts count, two read both counters in opposite orders and record pairs. */
export function independentReaders(rounds: number): string {
  const reader = (first: string, second: string) =>
    counting(`ld a1, ${first}\n fence r, r\n ld a2, ${second}\n fence r, r\n ${record('a1')}\n ${record('a2')}`);
  const writer = (variable: string) => counting(`sd s3, ${variable}`);
  return program(rounds, [writer(X), writer(Y), reader(X, Y), reader(Y, X)]);
}

/** All harts draw numbers from one counter by AMO and record what they got. */
export function amoTickets(rounds: number, harts: number, width: 'w' | 'd'): string {
  const part = counting(`li t0, 1\n addi t1, s0, ${at.x}\n amoadd.${width} a1, t0, (t1)\n ${record('a1')}`);
  return program(rounds, Array<string>(harts).fill(part));
}

/** The same by LR/SC. */
export function reservedTickets(rounds: number, harts: number, width: 'w' | 'd'): string {
  const part = counting(
    `addi t1, s0, ${at.x}
    2: lr.${width} a1, (t1)
    addi t2, a1, 1
    sc.${width} t3, t2, (t1)
    bnez t3, 2b
    ${record('a1')}`,
  );
  return program(rounds, Array<string>(harts).fill(part));
}

/** Some harts draw by LR/SC what others draw by AMO. */
export function mixedTickets(rounds: number): string {
  const amo = `li t0, 1\n addi t1, s0, ${at.x}\n amoadd.d.aqrl a1, t0, (t1)\n ${record('a1')}`;
  const reserved = `addi t1, s0, ${at.x}\n 2: lr.d a1, (t1)\n addi t2, a1, 1\n sc.d t3, t2, (t1)\n bnez t3, 2b\n ${record('a1')}`;
  return program(rounds, [counting(amo), counting(reserved)]);
}

/** All harts swap numbers of their own (hart · rounds + i) into one place and record what they take out. */
export function swaps(rounds: number, harts: number): string {
  const part = `
    mul s4, a0, s1
    addi s7, s0, ${at.x}
    ${counting(`add t0, s4, s3\n amoswap.d a1, t0, (s7)\n ${record('a1')}`)}`;
  return program(rounds, Array<string>(harts).fill(part));
}

/** Each hart flips a bit of its own by AMO in a common word, and must find the bit as it left it; maxima only grow. */
export function bitsAndMaxima(rounds: number, harts: number): string {
  const part = `
    li s4, 1
    sll s4, s4, a0
    li s5, 0
    li s6, 0
    addi s7, s0, ${at.x}
    addi s8, s0, ${at.y}
    ${counting(
      `amoxor.w a1, s4, (s7)
       and a1, a1, s4
       mv a2, s5
       bne a1, s5, bad
       xor s5, s5, s4
       amomaxu.d a1, s3, (s8)
       mv a2, s6
       bltu a1, s6, bad
       mv s6, a1
       bgeu s6, s3, 3f
       mv s6, s3
     3:`,
    )}`;
  return program(rounds, Array<string>(harts).fill(part));
}

/** The least and the most significant half of a doubleword, each one hart's by LR/SC of words: neither disturbs the other's value. */
export function neighbours(rounds: number): string {
  const part = `
    slli t1, a0, 2
    add s4, s0, t1
    addi s4, s4, ${at.x}
    ${counting('2: lr.w a1, (s4)\n addiw t2, a1, 1\n sc.w t3, t2, (s4)\n bnez t3, 2b')}
    lwu a1, (s4)
    mv a2, s1
    bne a1, a2, bad`;
  return program(rounds, [part, part]);
}

/** Numbers 1 … rounds in s3, around a body that waits for the other hart by itself. */
const alone = (body: string): string => `\n li s3, 1\n 1: ${body}\n addi s3, s3, 1\n bleu s3, s1, 1b`;

/** Waits until the other hart has seen s3, in every fourth round: in the others it runs while the code changes. */
const letIn = `andi t0, s3, 3\n bnez t0, 5f\n 4: ld t0, ${at.seen}(s0)\n bltu t0, s3, 4b\n 5:`;

/** Asks the host for a remote fence of all other harts. */
const remote = (what: number): string => `li a0, ${what}\n ecall`;

/** What follows the programs: a function that returns the number in its LUI, in a1. */
const patched = `
    .balign 64
  patched: lui a1, 0
    srli a1, a1, 12
    ret`;

/**
 * One hart writes a number into an instruction and then into y; the other calls it and must get the number that y said, or
 * a later one. `sync` is what the caller does in between; `fenced`: the writer asks for a remote fence before y.
 */
export function patching(rounds: number, sync: string, fenced: boolean): string {
  const writer = `
    la s4, patched
    li s5, 0x5b7 # lui a1
    ${alone(`slli t0, s3, 12\n or t0, t0, s5\n sw t0, (s4)\n ${fenced ? remote(2) : 'fence w, w'}\n sd s3, ${Y}\n ${letIn}`)}`;
  const caller = `
  1: ld s4, ${Y}
    fence r, r
    ${sync}
    call patched
    mv a2, s4
    bltu a1, a2, bad
    sd s4, ${at.seen}(s0)
    bltu s4, s1, 1b`;
  return `${program(rounds, [writer, caller])}\n${patched}`;
}

/** Pages that take turns in one mapping. */
export const FRAMES = 64;
/** Where frames are, from the start of RAM, and the virtual address that they take turns at. */
export const frames = { offset: 0xc0_0000, va: 0x4000_0000n } as const;

/** Bytes of RAM, all mapped to itself where there is paging. */
export const ramBytes = 0x100_0000n;

/**
 * One hart writes a number into the next frame, maps it, has the others fenced and then writes the number into y; the
 * other must find that number, or a later one, through the mapping. `entry`: address of the page-table entry.
 */
export function remapping(rounds: number, entry: bigint, frame: bigint): string {
  const writer = `
    li s4, ${entry}
    li s5, ${frame}
    ${alone(
      `andi t0, s3, ${FRAMES - 1}
       slli t0, t0, 12
       add t0, t0, s5
       sd s3, (t0)
       srli t0, t0, 2
       ori t0, t0, 0xc7
       fence w, w
       sd t0, (s4)
       ${remote(1)}
       sd s3, ${Y}
       ${letIn}`,
    )}`;
  const reader = `
    li s5, ${frames.va}
  1: ld a2, ${Y}
    fence r, r
    ld a1, (s5)
    bltu a1, a2, bad
    sd a2, ${at.seen}(s0)
    bltu a2, s1, 1b`;
  return program(rounds, [writer, reader]);
}
