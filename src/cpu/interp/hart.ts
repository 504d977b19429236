import { Attention, Exception } from '../../isa/index.ts';
import type { Clock } from '../../util/index.ts';
import { type Hart, Stop } from '../engine.ts';
import { describeExit, finishMmio } from '../mmio.ts';
import { FAULT, NOT_RAM } from '../mmu.ts';
import { Access } from '../pmp.ts';
import { HartState, hartWord } from '../state.ts';
import { interruptToTake, takeException, takeInterrupt } from '../trap.ts';
import { ALONE, type Block, CodeCache, type CodePage, instructionsBefore, UNCACHED } from './code-cache.ts';
import { Core } from './core.ts';
import { JUMP_BIAS, type Op, Outcome } from './handler.ts';
import { OpFactory, singleOp } from './ops.ts';

const PC = hartWord.pc;
const ATTENTION = hartWord.attention;
const IN_GUEST = hartWord.inGuest;
const CODE_EPOCH = hartWord.codeEpoch;
const EXIT_WRITE = hartWord.exitWrite;
const EXIT_GVA = hartWord.exitGva;

/** Instructions between two looks at the host's clock: some tens of microseconds. */
const POLL_INSTRUCTIONS = 4096;

/** Results of ops from here up are jumps: JUMP_BIAS plus at most a megabyte forward or back. */
const JUMPS = JUMP_BIAS / 2;

/** What the loop's parts return when there is no Outcome to deal with. */
const BOUNDARY = -1;

/** One hart on the interpreter. */
export class InterpreterHart implements Hart {
  readonly id: number;
  readonly state: HartState;
  faultDetail = '';
  readonly #words: Int32Array;
  readonly #core: Core;
  readonly #code: CodeCache;
  readonly #ops: OpFactory;
  /** codeEpoch that the pages in the fetch TLB were verified at; -1: none. */
  #epoch = -1;
  /** Verification stamps for CodePage: grow with every change of codeEpoch or of memory slots. */
  #stamp = 0;
  /** Whether #page is the page that the cursor names, translated and allowed. */
  #located = false;
  #page: CodePage;
  /** Offset in the page of the next instruction. */
  #offset = 0;
  /** Budget that is left in this run. */
  #left = 0;
  /** Bits of the instruction that `#uncached` fetched. */
  #fetched = 0;
  #sincePoll = 0;

  constructor(id: number, buffer: SharedArrayBuffer, clock: Clock) {
    this.id = id;
    this.state = new HartState(buffer, id);
    this.#words = this.state.words;
    this.#core = new Core(this.state, buffer, clock);
    this.#ops = new OpFactory(this.state, this.#core);
    this.#code = new CodeCache(this.#core.ram, this.#ops, () => this.#core.mmu.fetches.flush());
    this.#page = this.#code.uncachedPage;
  }

  run(budget: number): Stop {
    Atomics.store(this.#words, IN_GUEST, 1);
    try {
      return this.#run(budget);
    } catch (error) {
      this.faultDetail = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return Stop.Fault;
    } finally {
      Atomics.store(this.#words, IN_GUEST, 0);
      // A remote fence waits for this.
      Atomics.notify(this.#words, IN_GUEST);
    }
  }

  completeMmio(lo: number, hi: number): void {
    finishMmio(this.state, lo, hi);
    this.#core.retire(1);
  }

  refuseMmio(): void {
    const words = this.#words;
    const cause = words[EXIT_WRITE] === 0 ? Exception.LOAD_ACCESS_FAULT : Exception.STORE_ACCESS_FAULT;
    this.#core.trap.raise(cause, words[EXIT_GVA], words[EXIT_GVA + 1]);
    takeException(this.state, this.#core.trap);
  }

  invalidate(): void {
    this.#core.mmu.pmp.reload();
    this.#core.mmu.addressSpaceChanged();
    this.#core.mmu.flush();
    this.#forgetCode();
  }

  #run(budget: number): Stop {
    this.#left = budget;
    this.#enter();
    while (this.#left > 0) {
      if (this.#words[ATTENTION] !== 0 && this.#attend()) return this.#leave(Stop.Kicked);
      if (this.#interrupted()) continue;
      let outcome: number = Outcome.TRAP;
      if (this.#located || this.#locate()) {
        outcome = this.#execute(Math.min(this.#left, POLL_INSTRUCTIONS));
        if (outcome === BOUNDARY) outcome = this.#boundary();
        if (outcome === BOUNDARY) continue;
      }
      if (this.#settle(outcome)) return this.#leave(this.#core.takeStop());
    }
    return this.#leave(Stop.Budget);
  }

  /** Takes the state block as it stands: someone else may have run the hart, or changed memory slots and code. */
  #enter(): void {
    const { ram, mmu, interrupts } = this.#core;
    if (ram.refresh()) this.invalidate();
    mmu.modeChanged();
    this.#checkEpoch();
    interrupts.pollTimers();
    this.#loadPc();
  }

  #leave(stop: Stop): Stop {
    this.#savePc();
    return stop;
  }

  /** Serves attention; true: leave the guest. */
  #attend(): boolean {
    const words = this.#words;
    const bits = Atomics.load(words, ATTENTION);
    if ((bits & Attention.FLUSH_TLB) !== 0) {
      // Before the work, though it is what a remote fence waits for: no instruction runs in between, and a fence that
      // is asked for after this is seen at the next boundary instead of being taken for this one.
      Atomics.and(words, ATTENTION, ~Attention.FLUSH_TLB);
      if (this.#core.ram.refresh()) this.invalidate();
      this.#core.mmu.flush();
      this.#located = false;
      this.#checkEpoch();
    }
    if ((bits & Attention.INTERRUPT) !== 0) {
      Atomics.and(words, ATTENTION, ~Attention.INTERRUPT);
      this.#core.interrupts.pollTimers();
    }
    if ((bits & Attention.KICK) === 0) return false;
    Atomics.and(words, ATTENTION, ~Attention.KICK);
    return true;
  }

  /** Enters the handler of an interrupt if one is to be taken. It uses up budget like an instruction. */
  #interrupted(): boolean {
    const interrupt = interruptToTake(this.state, this.#core.interrupts.pending());
    if (interrupt < 0) return false;
    this.#savePc();
    takeInterrupt(this.state, interrupt);
    this.#arrive();
    return true;
  }

  /** Goes on where a trap has put pc, in the mode it has set. */
  #arrive(): void {
    this.#core.mmu.modeChanged();
    this.#loadPc();
    this.#left--;
  }

  /** Counts retired instructions, against the budget too, and looks at the clock now and then. */
  #retire(n: number): void {
    this.#core.retire(n);
    this.#left -= n;
    this.#sincePoll += n;
    if (this.#sincePoll < POLL_INSTRUCTIONS / 2) return;
    this.#sincePoll = 0;
    this.#core.interrupts.pollTimers();
  }

  #checkEpoch(): void {
    const epoch = Atomics.load(this.#words, CODE_EPOCH);
    if (epoch === this.#epoch) return;
    this.#forgetCode();
    this.#epoch = epoch;
  }

  /** Makes every code page be compared with memory before it runs again. */
  #forgetCode(): void {
    this.#stamp++;
    this.#core.mmu.fetches.flush();
    this.#located = false;
  }

  #savePc(): void {
    this.#words[PC] = this.#core.cursor.pageLo | this.#offset;
    this.#words[PC + 1] = this.#core.cursor.pageHi;
  }

  #loadPc(): void {
    this.#moveTo(this.#words[PC], this.#words[PC + 1]);
  }

  #moveTo(lo: number, hi: number): void {
    const cursor = this.#core.cursor;
    cursor.pageLo = lo & ~0xfff;
    cursor.pageHi = hi;
    this.#offset = lo & 0xffe;
    this.#located = false;
  }

  /** Moves to an offset from the start of the current page, which may be outside it. */
  #moveBy(offset: number): void {
    if ((offset & ~0xfff) === 0) {
      this.#offset = offset;
      return;
    }
    const cursor = this.#core.cursor;
    const lo = (cursor.pageLo + offset) | 0;
    const carry = lo >>> 0 < cursor.pageLo >>> 0 ? 1 : 0;
    this.#moveTo(lo, (cursor.pageHi + (offset >> 31) + carry) | 0);
  }

  /** Translates the page that the cursor names and finds its code; false: the exception is recorded. */
  #locate(): boolean {
    const { mmu, cursor } = this.#core;
    const lo = cursor.pageLo;
    const hi = cursor.pageHi;
    let index = mmu.fetches.lookup(mmu.fetchBase, lo, hi);
    if (index < 0) {
      const page = mmu.resolve(lo | this.#offset, hi, 2, Access.FETCH);
      if (page === FAULT) return false;
      if (page === NOT_RAM) {
        mmu.fault(Exception.INSTRUCTION_ACCESS_FAULT, lo | this.#offset, hi);
        return false;
      }
      if (!mmu.cacheable) {
        this.#page = this.#code.uncachedPage;
        this.#located = true;
        return true;
      }
      index = this.#code.page(page, this.#stamp);
      mmu.fetches.fill(mmu.fetchBase, lo, hi, index, mmu.ppn, mmu.global);
    }
    this.#page = this.#code.list[index];
    this.#located = true;
    return true;
  }

  /**
   * The inner loop: runs blocks until one leaves it, attention is raised, or `limit` instructions would be exceeded.
   * Returns an Outcome that `#settle` deals with, with the offset at the instruction it belongs to, or BOUNDARY.
   */
  #execute(limit: number): number {
    const words = this.#words;
    let page = this.#page;
    let blocks = page.blocks;
    let offset = this.#offset;
    let left = limit;
    let outcome = BOUNDARY;
    for (;;) {
      const block = blocks[offset >> 1] ?? this.#code.build(page, offset);
      const count = block.count;
      if (count > left || words[ATTENTION] !== 0) break;
      const ops = block.ops;
      const length = block.length;
      let done = 0;
      let result = 0;
      do {
        // Called as a plain function: as ops[done]() it would get the array as its receiver.
        const op = ops[done];
        result = op();
        done++;
      } while (result === 0 && done < length);
      left -= count;
      const next = result === 0 ? block.end : result - JUMP_BIAS;
      if ((next & ~0xffe) === 0) {
        offset = next;
        continue;
      }
      if (result === 0 || result >= JUMPS) this.#moveBy(next);
      else if (result === Outcome.INDIRECT) this.#moveTo(this.#core.cursor.targetLo, this.#core.cursor.targetHi);
      else {
        const retired = instructionsBefore(block, done - 1) + this.#ops.runs.takeProgress();
        left += count - retired;
        offset = page.advance(offset, retired);
        outcome = result;
        break;
      }
      // What may fault is left to the outer loop, which knows whether the budget has room for a trap.
      this.#relocate();
      offset = this.#offset;
      if (!this.#located) break;
      page = this.#page;
      blocks = page.blocks;
    }
    this.#offset = offset;
    if (left !== limit) this.#retire(limit - left);
    return outcome;
  }

  /** Finds the current page if it is in the fetch TLB. */
  #relocate(): void {
    const { mmu, cursor } = this.#core;
    const index = mmu.fetches.lookup(mmu.fetchBase, cursor.pageLo, cursor.pageHi);
    if (index < 0) return;
    this.#page = this.#code.list[index];
    this.#located = true;
  }

  /**
   * Where the inner loop stopped without an outcome: runs what it does not, an instruction that stands alone or the
   * first instructions of a block that is longer than the budget.
   */
  #boundary(): number {
    if (this.#words[ATTENTION] !== 0 || this.#left <= 0 || !this.#located) return BOUNDARY;
    const page = this.#page;
    const block: Block = page.blocks[this.#offset >> 1] ?? this.#code.build(page, this.#offset);
    if (block === UNCACHED) return this.#uncached();
    if (block.count === ALONE) return this.#alone(block.ops[0], block.end);
    const count = this.#left;
    if (block.count <= count) return BOUNDARY;
    // One instruction at a time: an op of the block may stand for several.
    for (let i = 0; i < count; i++) {
      const entry = this.#ops.entry(page.raw(this.#offset), this.#offset);
      const outcome = singleOp(entry)();
      if (outcome !== 0) {
        this.#retire(i);
        return outcome;
      }
      this.#offset = page.advance(this.#offset, 1);
    }
    this.#retire(count);
    return BOUNDARY;
  }

  /** Runs one instruction with pc and counters up to date; `end` is the offset behind it. */
  #alone(op: Op, end: number): number {
    this.#savePc();
    const outcome = op();
    if (outcome === Outcome.TRAP || outcome === Outcome.ILLEGAL || outcome === Outcome.STOP) return outcome;
    this.#retire(1);
    if (outcome === Outcome.INDIRECT) this.#moveTo(this.#core.cursor.targetLo, this.#core.cursor.targetHi);
    else if (outcome >= JUMPS) this.#moveBy(outcome - JUMP_BIAS);
    else this.#moveBy(end);
    if (outcome === Outcome.RELOAD) {
      this.#located = false;
      this.#checkEpoch();
    }
    return outcome === Outcome.RETIRE_STOP ? outcome : BOUNDARY;
  }

  /** Fetches and runs one instruction halfword by halfword: each is checked on its own. */
  #uncached(): number {
    const cursor = this.#core.cursor;
    const lo = cursor.pageLo | this.#offset;
    const low = this.#fetch(lo, cursor.pageHi);
    if (low < 0) return Outcome.TRAP;
    let raw = low;
    if ((low & 3) === 3) {
      const nextLo = (lo + 2) | 0;
      const high = this.#fetch(nextLo, nextLo === 0 ? (cursor.pageHi + 1) | 0 : cursor.pageHi);
      if (high < 0) return Outcome.TRAP;
      raw = ((high << 16) | low) >>> 0;
    }
    this.#fetched = raw;
    const entry = this.#ops.entry(raw, this.#offset);
    return this.#alone(singleOp(entry), this.#offset + ((low & 3) === 3 ? 4 : 2));
  }

  /** Halfword of code at an address; -1: the exception is recorded. */
  #fetch(lo: number, hi: number): number {
    const { mmu } = this.#core;
    const index = mmu.fetches.lookup(mmu.fetchBase, lo, hi);
    if (index >= 0) return this.#code.list[index].liveHalf(lo & 0xffe);
    const page = mmu.resolve(lo, hi, 2, Access.FETCH);
    if (page >= 0) return mmu.ram.m16[page * 2048 + ((lo & 0xffe) >> 1)];
    if (page === NOT_RAM) mmu.fault(Exception.INSTRUCTION_ACCESS_FAULT, lo, hi);
    return -1;
  }

  /** Bits of the instruction at the current offset, which has just been run. */
  #raw(): number {
    return this.#page.blocks[this.#offset >> 1] === UNCACHED ? this.#fetched : this.#page.raw(this.#offset);
  }

  /** Takes the trap or prepares the exit that an instruction ended in, with pc at it; true: leave the guest. */
  #settle(outcome: number): boolean {
    if (outcome === Outcome.RETIRE_STOP) return true;
    const { trap } = this.#core;
    if (outcome === Outcome.STOP) {
      describeExit(this.state, this.#raw());
      return true;
    }
    if (outcome === Outcome.ILLEGAL) trap.raise(Exception.ILLEGAL_INSTRUCTION, this.#raw(), 0);
    else if (outcome !== Outcome.TRAP) throw new Error(`instruction ${this.#raw().toString(16)} returned ${outcome}`);
    this.#savePc();
    takeException(this.state, trap);
    this.#arrive();
    return false;
  }
}
