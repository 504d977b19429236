import type { Ram } from '../ram.ts';
import { type AccessRuns, RUN_MAX, RUN_MIN } from './access-run.ts';
import type { Op } from './handler.ts';
import { type Entry, type OpFactory, OpKind } from './ops.ts';

/** Longest block in instructions. */
const BLOCK_MAX = 64;

/** Beyond this many pages, ops in blocks, or distinct ops, everything is dropped: a guest cannot fill our memory. */
const PAGES_MAX = 4096;
const BLOCK_OPS_MAX = 2_000_000;
const OPS_MAX = 400_000;

/** `Block.count` of blocks that are not run in the inner loop: larger than any budget there. */
export const ALONE = 2 ** 30;

/** A run of instructions that is entered at its start alone. A class: the inner loop wants one shape of object. */
export class Block {
  readonly ops: readonly Op[];
  /** Number of ops. */
  readonly length: number;
  /** Number of instructions, or ALONE. */
  readonly count: number;
  /** Offset in the page behind the last instruction. */
  readonly end: number;
  /** Number of instructions each op stands for, or null if it is one for all. */
  readonly weights: readonly number[] | null;

  constructor(ops: readonly Op[], weights: readonly number[] | null, count: number, end: number) {
    this.ops = ops;
    this.length = ops.length;
    this.count = count;
    this.end = end;
    this.weights = weights;
  }
}

/**
 * An instruction that the cache does not hold: its second half is on the next page, or the page is one that PMP splits.
 * It is fetched anew each time.
 */
export const UNCACHED = new Block([], null, ALONE, 0);

/** Number of instructions of a block before those of its n-th op. */
export function instructionsBefore(block: Block, n: number): number {
  if (block.weights === null) return n;
  return block.weights.slice(0, n).reduce((sum, weight) => sum + weight, 0);
}

const SLOTS = 2048;

/** Words of a page that are compared at a time. */
const GROUP = 4;
const PAGE_WORDS = 1024;

/** The blocks that start in one page of memory, with a copy of the code they were made from. */
export class CodePage {
  /** Block at offset 2n, or null. */
  readonly blocks: (Block | null)[] = new Array<Block | null>(SLOTS).fill(null);
  /** Stamp of the code fence after which the copy was last compared with memory. */
  epoch: number;
  readonly #memory: Int32Array;
  readonly #live: Uint16Array;
  /** Words from #first to #end of the page as they were when blocks were made of them: multiples of GROUP. */
  readonly #copy = new Int32Array(PAGE_WORDS);
  readonly #halves = new Uint16Array(this.#copy.buffer);
  #first = PAGE_WORDS;
  #end = 0;

  constructor(ram: Ram, page: number, epoch: number) {
    this.#memory = ram.m32.subarray(page * PAGE_WORDS, (page + 1) * PAGE_WORDS);
    this.#live = ram.m16.subarray(page * SLOTS, (page + 1) * SLOTS);
    this.epoch = epoch;
  }

  /** Halfword at an even offset, as it is in memory now. */
  liveHalf(offset: number): number {
    return this.#live[offset >> 1];
  }

  /** Halfword at an even offset that `cover` has reached. */
  half(offset: number): number {
    return this.#halves[offset >> 1];
  }

  /** Instruction bits at an offset, for an instruction that a block holds. */
  raw(offset: number): number {
    const low = this.#halves[offset >> 1];
    return (low & 3) === 3 ? ((this.#halves[(offset >> 1) + 1] << 16) | low) >>> 0 : low;
  }

  /** Offset of the n-th instruction behind the one at `offset` in its block. */
  advance(offset: number, n: number): number {
    let at = offset;
    for (let i = 0; i < n; i++) at += (this.#halves[at >> 1] & 3) === 3 ? 4 : 2;
    return at;
  }

  /** Extends the copy so that a block can be made from `offset` on. */
  cover(offset: number): void {
    const first = (offset >> 2) & -GROUP;
    const end = Math.min(PAGE_WORDS, first + BLOCK_MAX + 2 * GROUP);
    if (this.#end === 0) this.#first = this.#end = first;
    if (first < this.#first) {
      this.#copy.set(this.#memory.subarray(first, this.#first), first);
      this.#first = first;
    }
    if (end > this.#end) {
      this.#copy.set(this.#memory.subarray(this.#end, end), this.#end);
      this.#end = end;
    }
  }

  /**
   * Compares the copy with memory, and if they differ drops the blocks between the first and the last difference.
   * Operating systems that patch themselves fence code tens of thousands of times while they start.
   */
  verify(epoch: number): void {
    this.epoch = epoch;
    const memory = this.#memory;
    const copy = this.#copy;
    const end = this.#end;
    let first = this.#first;
    while (
      first < end &&
      ((copy[first] ^ memory[first]) |
        (copy[first + 1] ^ memory[first + 1]) |
        (copy[first + 2] ^ memory[first + 2]) |
        (copy[first + 3] ^ memory[first + 3])) ===
        0
    ) {
      first += GROUP;
    }
    if (first < end) this.#drop(first);
  }

  #drop(first: number): void {
    let last = this.#end - 1;
    while (last > first && this.#copy[last] === this.#memory[last]) last--;
    this.#copy.set(this.#memory.subarray(first, last + 1), first);
    for (let slot = 0; slot < SLOTS; slot++) {
      const block = this.blocks[slot];
      if (block === null || slot * 2 >= (last + 1) * 4) continue;
      // An uncached instruction has no end of its own: it is at the page's.
      if (block === UNCACHED || block.end > first * 4) this.blocks[slot] = null;
    }
  }
}

/** Decoded code of one hart, by page of the shared memory. */
export class CodeCache {
  /** Pages by the index that the fetch TLB holds. */
  readonly list: CodePage[] = [];
  /** Stands in for pages that must not be cached. */
  readonly uncachedPage: CodePage;
  readonly #ram: Ram;
  readonly #ops: OpFactory;
  readonly #pages = new Map<number, number>();
  readonly #forgotten: () => void;
  #blockOps = 0;

  /** @param forgotten called when everything was dropped: indices in `list` are void. */
  constructor(ram: Ram, ops: OpFactory, forgotten: () => void) {
    this.#ram = ram;
    this.#ops = ops;
    this.#forgotten = forgotten;
    this.uncachedPage = new CodePage(ram, 0, 0);
    this.uncachedPage.blocks.fill(UNCACHED);
  }

  /** Index in `list` of a page, verified at `epoch`. */
  page(page: number, epoch: number): number {
    const known = this.#pages.get(page);
    if (known !== undefined) {
      const codePage = this.list[known];
      if (codePage.epoch !== epoch) codePage.verify(epoch);
      return known;
    }
    if (this.list.length >= PAGES_MAX || this.#blockOps >= BLOCK_OPS_MAX || this.#ops.size >= OPS_MAX) this.#drop();
    this.#pages.set(page, this.list.length);
    return this.list.push(new CodePage(this.#ram, page, epoch)) - 1;
  }

  #drop(): void {
    this.list.length = 0;
    this.#pages.clear();
    this.#ops.clear();
    this.#blockOps = 0;
    this.#forgotten();
  }

  /** Makes the block at `start` and enters it in the page. */
  build(page: CodePage, start: number): Block {
    page.cover(start);
    const block = this.#decode(page, start);
    this.#blockOps += block.ops.length;
    page.blocks[start >> 1] = block;
    return block;
  }

  #decode(page: CodePage, start: number): Block {
    const ops: Op[] = [];
    const fs = { checked: false, dirty: false };
    const runs = new RunFinder(page, this.#ops.runs, ops);
    let count = 0;
    let at = start;
    while (count < BLOCK_MAX && at < 4096) {
      const long = (page.half(at) & 3) === 3;
      if (long && at === 4094) break;
      const entry = this.#ops.entry(page.raw(at), at);
      if (entry.kind === OpKind.ALONE) {
        if (count > 0) break;
        return new Block([entry.op], null, ALONE, at + (long ? 4 : 2));
      }
      runs.before(entry.run, at);
      ops.push(guarded(entry, fs));
      count++;
      at += long ? 4 : 2;
      if (entry.kind === OpKind.LAST) break;
    }
    runs.before(0, at);
    return count === 0 ? UNCACHED : new Block(ops, runs.weights, count, at);
  }
}

/** Replaces runs of accesses among the ops of a block under construction by one op each. */
class RunFinder {
  /** As `Block.weights`. */
  weights: number[] | null = null;
  readonly #page: CodePage;
  readonly #runs: AccessRuns;
  readonly #ops: Op[];
  /** The run under way: what its members have in common, index of its first op and offset of its first instruction. */
  #key = 0;
  #first = 0;
  #offset = 0;

  constructor(page: CodePage, runs: AccessRuns, ops: Op[]) {
    this.#page = page;
    this.#runs = runs;
    this.#ops = ops;
  }

  /** An op with this run key, of an instruction at this offset, is about to be added. */
  before(key: number, offset: number): void {
    const ops = this.#ops;
    if (key !== this.#key || (key !== 0 && ops.length - this.#first === RUN_MAX)) {
      if (this.#key !== 0 && ops.length - this.#first >= RUN_MIN) this.#replace();
      this.#key = key;
      this.#first = ops.length;
      this.#offset = offset;
    }
    if (this.weights !== null) this.weights[ops.length] = 1;
  }

  #replace(): void {
    const members = this.#ops.splice(this.#first);
    const raws: number[] = [];
    for (let i = 0, at = this.#offset; i < members.length; i++, at = this.#page.advance(at, 1))
      raws.push(this.#page.raw(at));
    this.weights ??= new Array<number>(this.#first).fill(1);
    this.weights.length = this.#first;
    this.weights.push(members.length);
    this.#ops.push(this.#runs.make(raws, members));
  }
}

/** The form of an op that a block needs: mstatus.FS cannot change inside one, so the first check serves all. */
function guarded(entry: Entry, fs: { checked: boolean; dirty: boolean }): Op {
  if (entry.checked === null || fs.dirty) return entry.op;
  if (entry.dirtying !== null) {
    fs.dirty = true;
    fs.checked = true;
    return entry.dirtying;
  }
  if (fs.checked) return entry.op;
  fs.checked = true;
  return entry.checked;
}
