import type { GuestMemory } from '../../hypervisor/index.ts';
import { VIRTQ_AVAIL_F_NO_INTERRUPT, VIRTQ_USED_F_NO_NOTIFY } from '../../isa/index.ts';
import { getU64 } from '../bus/words.ts';
import { type Chain, type ChainRules, gather, scatter, walkChain } from './chain.ts';
import { GuestFault, type Lease } from './lease.ts';
import { DESC_BYTES, Feature } from './spec.ts';
import { QueueWord, queueAt } from './transport-state.ts';

/** Bytes of a ring's header (flags, idx) and of its entries (2.7.6, 2.7.8). */
const RING_HEADER = 4;
const AVAIL_ENTRY = 2;
const USED_ENTRY = 8;

/** A buffer to hand back, its first `written` writable bytes written. */
export interface UsedBuffer {
  readonly chain: Chain;
  readonly written: number;
}

/** What a queue is made over. */
export interface QueueContext {
  readonly words: Int32Array;
  readonly memory: GuestMemory;
  readonly lease: Lease;
  /** Negotiated features. */
  readonly features: bigint;
}

/** Address of a ring, checked for alignment and for lying in RAM as a whole. */
function ring(context: QueueContext, at: number, align: number, bytes: number, writable: boolean): number {
  const gpa = Number(getU64(context.words, at));
  if (gpa % align !== 0 || !context.memory.contains(gpa, bytes, writable)) {
    throw new GuestFault(`a ring of ${bytes} bytes at 0x${gpa.toString(16)}`);
  }
  return gpa;
}

/**
 * The device's end of a split virtqueue (2.7). Where it stands is in the shared region. Every method does nothing (and
 * returns undefined or false) once the lease is over or the driver has taken the queue out of service; every breach of
 * the specification ends the lease.
 */
export class VirtQueue {
  readonly index: number;
  /** Number of descriptors, a power of two. */
  readonly size: number;
  readonly #context: QueueContext;
  readonly #base: number;
  readonly #rules: ChainRules;
  readonly #avail: number;
  readonly #used: number;
  readonly #eventIdx: boolean;

  /** Reads the configuration of queue `index`. Inside `Lease.hold`; throws GuestFault if the driver got it wrong. */
  constructor(index: number, context: QueueContext) {
    const { words, features } = context;
    const base = queueAt(index);
    const size = words[base + QueueWord.num] >>> 0;
    const max = words[base + QueueWord.max];
    // 2.7: the queue size is always a power of two.
    if (size === 0 || size > max || (size & (size - 1)) !== 0) throw new GuestFault(`queue ${index} of size ${size}`);
    this.index = index;
    this.size = size;
    this.#context = context;
    this.#base = base;
    this.#eventIdx = (features & Feature.EVENT_IDX) !== 0n;
    const event = this.#eventIdx ? 2 : 0;
    this.#avail = ring(context, base + QueueWord.driver, 2, RING_HEADER + size * AVAIL_ENTRY + event, false);
    this.#used = ring(context, base + QueueWord.device, 4, RING_HEADER + size * USED_ENTRY + event, true);
    this.#rules = {
      table: ring(context, base + QueueWord.desc, 16, size * DESC_BYTES, false),
      size,
      // A chain is not longer than the device's queue size (2.7.5.3.1); a chain without an indirect table that has
      // more descriptors than the table loops.
      limit: max,
      indirect: (features & Feature.INDIRECT_DESC) !== 0n,
    };
  }

  /**
   * The next buffer, or the one `ahead` buffers behind it, still the driver's to count on as not taken; undefined if
   * there is none.
   */
  peek(ahead = 0): Chain | undefined {
    return this.#hold(() => this.#look(ahead));
  }

  /** Takes the next buffer; undefined if there is none. */
  take(): Chain | undefined {
    return this.#hold(() => {
      const chain = this.#look();
      if (chain !== undefined) this.#advance();
      return chain;
    });
  }

  /** Takes the buffer that `peek` returned, or the next `count` of them. */
  advance(count = 1): void {
    this.#hold(() => this.#advance(count));
  }

  /** Bytes of the buffer at hand that an earlier turn, perhaps of an earlier process, has dealt with. */
  get partial(): number {
    return this.#context.words[this.#base + QueueWord.partial] >>> 0;
  }

  /** Notes how far the buffer that `peek` returned has been dealt with. */
  setPartial(bytes: number): void {
    this.#hold(() => {
      this.#context.words[this.#base + QueueWord.partial] = bytes;
    });
  }

  /** Fills `into` from byte `offset` of what the buffer lets the device read. */
  copyOut(chain: Chain, offset: number, into: Uint8Array): boolean {
    return this.#hold(() => {
      gather(this.#context.memory, chain.readable, offset, into);
      return true;
    }, false);
  }

  /** Writes `from` at byte `offset` of what the buffer lets the device write. */
  copyIn(chain: Chain, offset: number, from: Uint8Array): boolean {
    return this.#hold(() => {
      scatter(this.#context.memory, chain.writable, offset, from);
      return true;
    }, false);
  }

  /** Hands a buffer back, its first `written` writable bytes written, and interrupts the driver if it wants that. */
  put(chain: Chain, written: number): boolean {
    return this.putAll([{ chain, written }]);
  }

  /** Hands several buffers back, which the driver sees all at once. */
  putAll(buffers: readonly UsedBuffer[]): boolean {
    return this.#hold(() => {
      const { memory, lease } = this.#context;
      const first = this.#get(QueueWord.usedNext);
      for (const [index, { chain, written }] of buffers.entries()) {
        const entry = this.#used + RING_HEADER + (((first + index) & 0xffff) % this.size) * USED_ENTRY;
        memory.setU32(entry, chain.head);
        memory.setU32(entry + 4, written);
      }
      this.#set(QueueWord.usedNext, first + buffers.length);
      // Sequentially consistent stores: the entries are visible before the index (2.7.8.2).
      memory.setU16(this.#used + 2, (first + buffers.length) & 0xffff);
      if (this.#wantsInterrupt()) lease.interrupt();
      return true;
    }, false);
  }

  /** Asks the driver not to notify while the device looks by itself. A hint, which needs nothing with event indexes. */
  quiet(): void {
    if (this.#eventIdx) return;
    this.#hold(() => this.#context.memory.setU16(this.#used, VIRTQ_USED_F_NO_NOTIFY));
  }

  /** How many buffers could be taken now. */
  get available(): number {
    return this.#hold(() => this.#waiting(), 0);
  }

  /**
   * Asks for notifications again, for when there are more than `known` buffers to take. True: there are already, as
   * they came before the driver could know, so look once more.
   */
  listen(known = 0): boolean {
    return this.#hold(() => {
      const { memory } = this.#context;
      const next = (this.#get(QueueWord.availNext) + known) & 0xffff;
      if (this.#eventIdx) memory.setU16(this.#used + RING_HEADER + this.size * USED_ENTRY, next);
      else memory.setU16(this.#used, 0);
      return memory.u16(this.#avail + 2) !== next;
    }, false);
  }

  #look(ahead = 0): Chain | undefined {
    if (this.#waiting() <= ahead) return undefined;
    const { memory } = this.#context;
    const next = (this.#get(QueueWord.availNext) + ahead) & 0xffff;
    const head = memory.u16(this.#avail + RING_HEADER + (next % this.size) * AVAIL_ENTRY);
    return walkChain(memory, this.#rules, head);
  }

  #waiting(): number {
    const waiting = (this.#context.memory.u16(this.#avail + 2) - this.#get(QueueWord.availNext)) & 0xffff;
    if (waiting > this.size) throw new GuestFault(`${waiting} buffers available in a queue of ${this.size}`);
    return waiting;
  }

  #advance(count = 1): void {
    this.#set(QueueWord.availNext, this.#get(QueueWord.availNext) + count);
    this.#context.words[this.#base + QueueWord.partial] = 0;
  }

  /** 2.7.7.2 and 2.7.10.1: whether the driver wants to hear of what was put since this was last asked. */
  #wantsInterrupt(): boolean {
    const { memory } = this.#context;
    const now = this.#get(QueueWord.usedNext);
    const before = this.#get(QueueWord.usedSignalled);
    this.#set(QueueWord.usedSignalled, now);
    if (!this.#eventIdx) return (memory.u16(this.#avail) & VIRTQ_AVAIL_F_NO_INTERRUPT) === 0;
    const event = memory.u16(this.#avail + RING_HEADER + this.size * AVAIL_ENTRY);
    return ((now - event - 1) & 0xffff) < ((now - before) & 0xffff);
  }

  #get(at: number): number {
    return this.#context.words[this.#base + at] & 0xffff;
  }

  #set(at: number, value: number): void {
    this.#context.words[this.#base + at] = value & 0xffff;
  }

  #hold<T>(touch: () => T): T | undefined;
  #hold<T>(touch: () => T, over: T): T;
  #hold<T>(touch: () => T, over?: T): T | undefined {
    const { lease, words } = this.#context;
    return lease.hold(() => (words[this.#base + QueueWord.ready] === 1 ? touch() : over)) ?? over;
  }
}
