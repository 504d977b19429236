import { type DecodedInsn, decode, type InsnName, insnByName } from '../../isa/index.ts';
import { type HartState, hartWord } from '../state.ts';
import { Mstatus } from '../trap.ts';
import { AccessRuns, runKey } from './access-run.ts';
import { aluHandlers } from './alu.ts';
import { atomicHandlers } from './atomic.ts';
import { bitmanipHandlers } from './bitmanip.ts';
import { type BranchName, branchHandlers, type PlacedFactory } from './branch.ts';
import { cacheBlockHandlers } from './cache-block.ts';
import type { Core } from './core.ts';
import { floatHandlers } from './float.ts';
import { type HandlerTable, type Op, Outcome, type Registers } from './handler.ts';
import { memoryHandlers } from './memory.ts';
import { mulDivHandlers } from './muldiv.ts';
import { systemHandlers } from './system.ts';

const MSTATUS = hartWord.mstatus;

/** Every instruction has a handler: a name that is missing here or there does not compile. */
type PlainHandlers = HandlerTable<Exclude<InsnName, BranchName>>;

/** How a block takes an op. */
export const OpKind = {
  /** Any number in a block. */
  PLAIN: 0,
  /** Ends its block. */
  LAST: 1,
  /** A block of its own, run with pc and counters up to date. */
  ALONE: 2,
} as const;
export type OpKind = (typeof OpKind)[keyof typeof OpKind];

/** A specialised instruction. */
export interface Entry {
  readonly op: Op;
  readonly kind: OpKind;
  /** Floating-point: checks mstatus.FS before the op. */
  readonly checked: Op | null;
  /** Floating-point that makes FS dirty: checks, and sets it behind the op. */
  readonly dirtying: Op | null;
  /** See runKey. */
  readonly run: number;
}

/** The form of an op that stands by itself: floating-point checks what it needs. */
export function singleOp(entry: Entry): Op {
  return entry.dirtying ?? entry.checked ?? entry.op;
}

const branches: ReadonlySet<string> = new Set<BranchName>([
  'auipc',
  'jal',
  'jalr',
  'beq',
  'bne',
  'blt',
  'bge',
  'bltu',
  'bgeu',
]);

/** Makes ops of instruction words, one for each distinct word (and place, where that matters), for one hart. */
export class OpFactory {
  readonly #plain: PlainHandlers;
  readonly #placed: Readonly<Record<BranchName, PlacedFactory>>;
  readonly #x: Int32Array;
  readonly #words: Int32Array;
  readonly #entries = new Map<number, Entry>();
  readonly #placedEntries = new Map<number, Entry>();
  readonly runs: AccessRuns;

  constructor(state: HartState, core: Core) {
    const { x, x64, f, f64, fDouble, words } = state;
    const registers: Registers = { state, x, x64, f, f64, fDouble, words };
    this.#x = x;
    this.#words = words;
    this.runs = new AccessRuns(registers, core.mmu);
    this.#placed = branchHandlers(registers, core.cursor);
    this.#plain = {
      ...aluHandlers(registers),
      ...mulDivHandlers(registers),
      ...bitmanipHandlers(registers),
      ...memoryHandlers(registers, core.mmu, core.access),
      ...atomicHandlers(registers, core.mmu),
      ...floatHandlers(registers),
      ...cacheBlockHandlers(registers, core.mmu),
      ...systemHandlers(registers, core),
    };
  }

  /** Number of distinct ops made since the last `clear`. */
  get size(): number {
    return this.#entries.size + this.#placedEntries.size + this.runs.size;
  }

  /** Forgets all ops. */
  clear(): void {
    this.#entries.clear();
    this.#placedEntries.clear();
    this.runs.clear();
  }

  /** The op of an instruction word `offset` bytes into its page; `raw` as in DecodedInsn. */
  entry(raw: number, offset: number): Entry {
    const known = this.#entries.get(raw) ?? this.#placedEntries.get(raw * 4096 + offset);
    if (known !== undefined) return known;
    const insn = decode(raw);
    if (insn !== undefined && isPlaced(insn.name)) {
      const placed = this.#placedEntry(insn, this.#placed[insn.name](insn, offset));
      this.#placedEntries.set(raw * 4096 + offset, placed);
      return placed;
    }
    const plain = insn === undefined ? illegal : this.#plainEntry(insn as typeof insn & { name: keyof PlainHandlers });
    this.#entries.set(raw, plain);
    return plain;
  }

  #placedEntry(insn: DecodedInsn, op: Op): Entry {
    if (insn.name !== 'auipc') return entry(op, OpKind.LAST);
    return entry(insn.rd === 0 ? nop : op, OpKind.PLAIN);
  }

  #plainEntry(insn: NonNullable<ReturnType<typeof decode>> & { name: keyof PlainHandlers }): Entry {
    const { endsBlock, mayTrap, writes, memory, needsFs, dirtiesFs, extension } = insnByName[insn.name];
    const toX0 = insn.rd === 0 && writes.some((use) => use.file === 'x');
    const pure = !mayTrap && !needsFs && memory === undefined && !endsBlock;
    if (toX0 && pure) return entry(nop, OpKind.PLAIN);
    const made = this.#plain[insn.name](insn);
    // CSR instructions see to x0 themselves: whether they read depends on it.
    const op = toX0 && extension !== 'zicsr' ? this.#discarding(made) : made;
    if (!needsFs) return entry(op, endsBlock ? OpKind.ALONE : OpKind.PLAIN, runKey(insn));
    const dirtying = dirtiesFs ? this.#dirtyingFs(op) : null;
    return { op, kind: OpKind.PLAIN, checked: this.#checkingFs(op), dirtying, run: 0 };
  }

  /** An op that writes x0: cleared behind it. */
  #discarding(op: Op): Op {
    const x = this.#x;
    return () => {
      const outcome = op();
      x[0] = 0;
      x[1] = 0;
      return outcome;
    };
  }

  /** Floating-point instructions are illegal while mstatus.FS is off (Privileged spec 3.1.6.6). */
  #checkingFs(op: Op): Op {
    const words = this.#words;
    return () => ((words[MSTATUS] & Mstatus.FS) === 0 ? Outcome.ILLEGAL : op());
  }

  #dirtyingFs(op: Op): Op {
    const words = this.#words;
    return () => {
      if ((words[MSTATUS] & Mstatus.FS) === 0) return Outcome.ILLEGAL;
      const outcome = op();
      if (outcome === Outcome.NEXT) words[MSTATUS] |= Mstatus.FS;
      return outcome;
    };
  }
}

const nop: Op = () => Outcome.NEXT;

function entry(op: Op, kind: OpKind, run = 0): Entry {
  return { op, kind, checked: null, dirtying: null, run };
}

const illegal = entry(() => Outcome.ILLEGAL, OpKind.LAST);

function isPlaced(name: InsnName): name is BranchName {
  return branches.has(name);
}
