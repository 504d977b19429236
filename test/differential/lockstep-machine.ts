/** Two or more CPU backends on memories of their own, run in step and compared field by field. */
import { type CpuEngine, type EngineConfig, type Hart, hartWord, Stop } from '../../src/cpu/index.ts';
import { assemble, type HartField, hartLayout, Priv, sharedMap } from '../../src/isa/index.ts';
import { ManualClock } from '../../src/util/index.ts';
import { PageTables, Pte } from '../cpu/support/page-tables.ts';
import { makeMemory, powerOn, RAM_GPA, setSlot } from '../cpu/support/rig.ts';

/** A backend under comparison. */
export interface Contender {
  readonly name: string;
  readonly make: (config: EngineConfig) => CpuEngine;
}

/** Where and how a program runs. */
export type Privilege = 'machine' | 'supervisor' | 'user';

export const BASE = BigInt(RAM_GPA);
export const RAM_BYTES = 1 << 20;
const TABLES = BASE + 0x8_0000n;

/** Fields that say how a backend got where it is, not where it is. */
const private_: readonly string[] = ['attention', 'inGuest', 'exitKinds', 'cpuTimeNs'];
const compared = hartLayout.fields.filter((f) => !private_.includes(f.name) && !f.name.startsWith('exit'));

/** Goes on behind the instruction that trapped, all registers as they were. Assembly for the label `handler`. */
export const skippingHandler = `
  .balign 4
handler:
  csrw mscratch, t0
  csrw sscratch, t1
  csrr t0, mepc
  lhu t1, 0(t0)
  andi t1, t1, 3
  addi t1, t1, -3
  seqz t1, t1
  slli t1, t1, 1
  addi t1, t1, 2
  add t0, t0, t1
  csrw mepc, t0
  csrr t0, mscratch
  csrr t1, sscratch
  mret`;

/** The same, and interrupts are counted. */
export const countingHandler = `
  .balign 8
interrupted: .dword 0
  .balign 4
handler:
  csrw mscratch, t0
  csrw sscratch, t1
  csrr t0, mcause
  bgez t0, exception
  la t0, interrupted
  ld t1, 0(t0)
  addi t1, t1, 1
  sd t1, 0(t0)
  csrr t0, mscratch
  csrr t1, sscratch
  mret
exception:
  csrr t0, mscratch
  csrr t1, sscratch
  ${skippingHandler.replace('handler:', '')}`;

/** One contender with its memory and harts. */
export class Side {
  readonly name: string;
  readonly harts: readonly Hart[];
  readonly engine: CpuEngine;
  readonly ram: Uint8Array;

  constructor(contender: Contender, image: Uint8Array, handler: bigint | undefined, setup: Setup) {
    const { privilege, scatteredFrom, readOnlyBelow: below = 0, harts = 1 } = setup;
    const buffer = makeMemory(RAM_BYTES);
    if (below > 0) {
      setSlot(buffer, 1, { gpa: RAM_GPA - below, bytes: below, offset: sharedMap.ram + RAM_BYTES - below, flags: 1 });
    }
    this.name = contender.name;
    this.engine = contender.make({ buffer, clock: new ManualClock() });
    this.harts = Array.from({ length: harts }, (_, id) => this.engine.createHart(id));
    this.ram = new Uint8Array(buffer, sharedMap.ram, RAM_BYTES);
    this.ram.set(image);
    const view = new DataView(buffer, sharedMap.ram, RAM_BYTES);
    setup.prepare?.(view);
    for (const { state } of this.harts) {
      powerOn(state, BASE);
      state.set('mstatus', state.get('mstatus') | 0x2000n);
      if (handler !== undefined) state.set('mtvec', handler);
      state.set('menvcfg', 0xf0n);
      state.set('senvcfg', 0xf0n);
      state.set('x', BigInt(state.id), 10);
    }
    if (privilege !== 'machine') this.#lower(view, privilege, scatteredFrom);
    for (const hart of this.harts) hart.invalidate();
  }

  get hart(): Hart {
    return this.harts[0] as Hart;
  }

  /** Puts the program below M-mode, behind page tables that map all memory to itself, or from somewhere on scattered. */
  #lower(view: DataView, privilege: Privilege, scatteredFrom: bigint | undefined): void {
    const tables = new PageTables(view, TABLES, 3);
    const user = privilege === 'user' ? Pte.U : 0n;
    const bits = Pte.V | Pte.R | Pte.W | Pte.X | Pte.A | Pte.D | user;
    for (let at = 0n; at < 0x8_0000n; at += 4096n) {
      const scattered = scatteredFrom !== undefined && at >= scatteredFrom;
      // Neighbours are apart, and some pages cannot be written.
      const readOnly = scattered && (at >> 12n) % 11n === 0n;
      tables.map(BASE + at, BASE + (scattered ? at ^ 0x3000n : at), readOnly ? bits & ~Pte.W : bits);
    }
    for (const { state } of this.harts) {
      state.set('satp', tables.satp);
      state.set32('priv', privilege === 'user' ? Priv.U : Priv.S);
      // A region that is all of memory, for everyone.
      state.set('pmpcfg', 0x1fn);
      state.set('pmpaddr', (1n << 54n) - 1n);
    }
  }
}

/** Indices of the compared words of a state block. */
const comparedWords = compared.flatMap((field) =>
  Array.from({ length: field.count * (field.type === 'u64' ? 2 : 1) }, (_, i) => hartWord[field.name as HartField] + i),
);

/** What differs between a hart of two sides, in words; undefined: nothing. */
function difference(a: Side, b: Side, id: number): string | undefined {
  const left = (a.harts[id] as Hart).state.words;
  const right = (b.harts[id] as Hart).state.words;
  if (comparedWords.every((at) => left[at] === right[at])) return undefined;
  const hex = (words: Int32Array, at: number, wide: boolean): string => {
    const low = (words[at]! >>> 0).toString(16);
    return wide ? `${(words[at + 1]! >>> 0).toString(16)}_${low.padStart(8, '0')}` : low;
  };
  const lines: string[] = [];
  for (const field of compared) {
    const wide = field.type === 'u64';
    for (let i = 0; i < field.count; i++) {
      const at = hartWord[field.name as HartField] + (wide ? 2 * i : i);
      const [l, r] = [hex(left, at, wide), hex(right, at, wide)];
      if (l !== r) lines.push(`${field.name}[${i}]: ${a.name} ${l}, ${b.name} ${r}`);
    }
  }
  return lines.join('\n');
}

/** What an exit for a device says. */
function mmioExit({ state }: Hart): string {
  const value = state.get32('exitWrite') === 1 ? state.get('exitValue').toString(16) : 'none';
  const fields = (['exitGpa', 'exitGva'] as const).map((f) => state.get(f).toString(16));
  const small = (['exitSize', 'exitWrite', 'exitInsn', 'exitLength'] as const).map((f) => state.get32(f).toString(16));
  return `gpa, gva ${fields.join(', ')}; size, write, instruction, length ${small.join(', ')}; value ${value}`;
}

/** The first byte of memory that differs. */
function memoryDifference([first, ...others]: readonly Side[]): string | undefined {
  for (const { name, ram } of others) {
    if (first === undefined || Buffer.compare(first.ram, ram) === 0) continue;
    const at = first.ram.findIndex((byte, i) => byte !== ram[i]);
    return `memory differs at offset 0x${at.toString(16)}: ${first.name} ${first.ram[at]}, ${name} ${ram[at]}`;
  }
  return undefined;
}

/** What contenders run, and where. */
export interface Setup {
  /** Assembly with the labels `start`, which is first, `finish`, where it loops, and `handler` if it may trap. */
  readonly source: string;
  readonly privilege: Privilege;
  /** Below M-mode: the offset (a multiple of 16 KiB) from which on pages are not mapped to themselves, some read-only. */
  readonly scatteredFrom?: bigint;
  /** Fills in memory beyond the program. */
  readonly prepare?: (ram: DataView) => void;
  /** Bytes right below memory that show its end, read-only. */
  readonly readOnlyBelow?: number;
  /** Harts (default 1); all start at the program's beginning with their number in a0. */
  readonly harts?: number;
}

/** Contenders that do the same, step by step, and are compared at each. */
export class Lockstep {
  readonly symbols: ReadonlyMap<string, bigint>;
  readonly sides: readonly Side[];
  /** Why the last run ended. */
  stop: Stop = Stop.Budget;

  constructor(contenders: readonly Contender[], setup: Setup) {
    const program = assemble(setup.source, { base: BASE });
    this.symbols = program.symbols;
    const handler = program.symbols.get('handler');
    this.sides = contenders.map((contender) => new Side(contender, program.bytes, handler, setup));
  }

  /** Where a hart is. */
  pc(id = 0): bigint {
    return (this.sides[0]!.harts[id] as Hart).state.get('pc');
  }

  /** Runs a hart; what differs afterwards, memory left out, or undefined. */
  run(budget: number, id = 0): string | undefined {
    const stops = this.sides.map((side) => (side.harts[id] as Hart).run(budget));
    const [first, ...others] = this.sides as [Side, ...Side[]];
    for (const side of others) {
      const differs = difference(first, side, id);
      if (differs !== undefined) return differs;
    }
    if (new Set(stops).size > 1) return `stops ${stops.join(', ')}`;
    this.stop = stops[0] as Stop;
    if (this.stop !== Stop.Mmio) return undefined;
    const exits = this.sides.map((side) => mmioExit(side.harts[id] as Hart));
    return new Set(exits).size > 1 ? exits.join('\n') : undefined;
  }

  /** The first byte of memory that differs, or undefined. */
  memory(): string | undefined {
    return memoryDifference(this.sides);
  }

  /** Does the same to all sides. */
  each(action: (side: Side) => void): void {
    for (const side of this.sides) action(side);
  }

  close(): void {
    for (const side of this.sides) side.engine.close();
  }
}

/** What a comparison needs besides the contenders. */
export interface Comparison extends Setup {
  /** Instructions between two comparisons. */
  readonly every: number;
  /** How often the program is run from its start. */
  readonly rounds: number;
  /** Most instructions of a round. */
  readonly limit?: number;
}

const LIMIT = 200_000;
/** From so many instructions between comparisons on, memory is compared at each, not only at a round's end. */
const RARE = 50;

/** Runs the program on all contenders; the first difference in words, or undefined. */
export function compare(contenders: readonly Contender[], comparison: Comparison): string | undefined {
  const { every, rounds, limit = LIMIT } = comparison;
  const lockstep = new Lockstep(contenders, comparison);
  const finish = lockstep.symbols.get('finish');
  try {
    for (let round = 0; round < rounds; round++) {
      for (let at = 0; at < limit; at += every) {
        const differs = lockstep.run(every) ?? (every < RARE ? undefined : lockstep.memory());
        if (differs !== undefined) return `round ${round}, within ${at + every} instructions:\n${differs}`;
        if (lockstep.pc() === finish || lockstep.stop !== Stop.Budget) break;
      }
      const memory = lockstep.memory();
      if (memory !== undefined) return `round ${round}: ${memory}`;
      lockstep.each(({ hart }) => hart.state.set('pc', BASE));
    }
    return undefined;
  } finally {
    lockstep.close();
  }
}
