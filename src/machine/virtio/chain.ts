import type { GuestMemory } from '../../hypervisor/index.ts';
import { VirtqDescFlag } from '../../isa/index.ts';
import { GuestFault } from './lease.ts';
import { CHAIN_BYTES_MAX, DESC_BYTES } from './spec.ts';

/** A piece of guest memory that the driver has lent to the device. */
export interface Segment {
  readonly gpa: number;
  readonly bytes: number;
}

/** A buffer: one descriptor chain, read once and checked. How it was cut into descriptors does not matter (2.7.4). */
export interface Chain {
  /** Index of its first descriptor, by which it is handed back. */
  readonly head: number;
  /** What the device may read, in order. */
  readonly readable: readonly Segment[];
  /** What the device may write, in order, after all of `readable`. */
  readonly writable: readonly Segment[];
  readonly readableBytes: number;
  readonly writableBytes: number;
}

/** Where a walk goes and how far. */
export interface ChainRules {
  /** Guest physical address of the descriptor table. */
  readonly table: number;
  /** Number of descriptors in it. */
  readonly size: number;
  /** Most descriptors that a chain may have, those in an indirect table included. */
  readonly limit: number;
  /** VIRTIO_F_INDIRECT_DESC was negotiated. */
  readonly indirect: boolean;
}

/** Reads the little-endian number of `bytes` bytes at `at`; above 2^53 it is not exact, and in no RAM either. */
function field(table: Uint8Array, at: number, bytes: number): number {
  let value = 0;
  for (let i = bytes - 1; i >= 0; i--) value = value * 256 + table[at + i];
  return value;
}

/** Collects the segments of one chain. */
class ChainWalk {
  readonly readable: Segment[] = [];
  readonly writable: Segment[] = [];
  readableBytes = 0;
  writableBytes = 0;
  #count = 0;
  readonly #memory: GuestMemory;
  readonly #rules: ChainRules;

  constructor(memory: GuestMemory, rules: ChainRules) {
    this.#memory = memory;
    this.#rules = rules;
  }

  /** Follows the chain that starts at `head` through a table of `size` descriptors. */
  follow(gpa: number, size: number, head: number, nested: boolean): void {
    const table = this.#memory.view(gpa, size * DESC_BYTES);
    let index = head;
    for (;;) {
      if (index >= size) throw new GuestFault(`descriptor ${index} in a table of ${size}`);
      // Every field is read exactly once: the guest may change it while it is being checked.
      const at = index * DESC_BYTES;
      const address = field(table, at, 8);
      const bytes = field(table, at + 8, 4);
      const flags = field(table, at + 12, 2);
      const next = field(table, at + 14, 2);
      if ((flags & VirtqDescFlag.INDIRECT) !== 0) {
        this.#enter(address, bytes, flags, nested);
        return;
      }
      this.#add(address, bytes, (flags & VirtqDescFlag.WRITE) !== 0);
      if ((flags & VirtqDescFlag.NEXT) === 0) return;
      index = next;
    }
  }

  /** 2.7.5.3: an indirect table ends the chain it hangs on, and holds no other. Its WRITE flag is ignored. */
  #enter(address: number, bytes: number, flags: number, nested: boolean): void {
    if (!this.#rules.indirect) throw new GuestFault('an indirect descriptor without VIRTIO_F_INDIRECT_DESC');
    if (nested) throw new GuestFault('an indirect descriptor in an indirect table');
    if ((flags & VirtqDescFlag.NEXT) !== 0) throw new GuestFault('an indirect descriptor with a next one');
    if (bytes === 0 || bytes % DESC_BYTES !== 0) throw new GuestFault(`an indirect table of ${bytes} bytes`);
    this.follow(address, bytes / DESC_BYTES, 0, true);
  }

  #add(gpa: number, bytes: number, writable: boolean): void {
    this.#count++;
    if (this.#count > this.#rules.limit) throw new GuestFault(`a chain of more than ${this.#rules.limit} descriptors`);
    // 2.7.4.2: device-writable elements come after device-readable ones.
    if (!writable && this.writable.length > 0) throw new GuestFault('a readable descriptor after a writable one');
    if (bytes > 0 && !this.#memory.contains(gpa, bytes, writable)) {
      throw new GuestFault(`a buffer of ${bytes} bytes at 0x${gpa.toString(16)}, outside RAM`);
    }
    (writable ? this.writable : this.readable).push({ gpa, bytes });
    if (writable) this.writableBytes += bytes;
    else this.readableBytes += bytes;
    if (this.readableBytes + this.writableBytes > CHAIN_BYTES_MAX) throw new GuestFault('a chain of more than 4 GiB');
  }
}

/**
 * Reads the descriptor chain at `head`. Bounded by `rules.limit`, which is what finds loops. Throws GuestFault or
 * GuestMemoryError for anything that 2.7.5 forbids.
 */
export function walkChain(memory: GuestMemory, rules: ChainRules, head: number): Chain {
  const walk = new ChainWalk(memory, rules);
  walk.follow(rules.table, rules.size, head, false);
  const { readable, writable, readableBytes, writableBytes } = walk;
  return { head, readable, writable, readableBytes, writableBytes };
}

/** Calls `visit` for the pieces of `segments` that make up bytes `offset` to `offset + bytes`. */
function eachPiece(
  segments: readonly Segment[],
  offset: number,
  bytes: number,
  visit: (gpa: number, at: number, bytes: number) => void,
): void {
  let skip = offset;
  let done = 0;
  for (const segment of segments) {
    if (done === bytes) return;
    if (skip >= segment.bytes) {
      skip -= segment.bytes;
      continue;
    }
    const n = Math.min(segment.bytes - skip, bytes - done);
    visit(segment.gpa + skip, done, n);
    done += n;
    skip = 0;
  }
  if (done !== bytes) throw new RangeError(`${bytes} bytes at ${offset} are not all inside the buffer`);
}

/** Fills `into` from a chain's segments, beginning at byte `offset` of them. */
export function gather(memory: GuestMemory, segments: readonly Segment[], offset: number, into: Uint8Array): void {
  eachPiece(segments, offset, into.length, (gpa, at, n) => memory.read(gpa, into.subarray(at, at + n)));
}

/** Writes `from` to a chain's segments, beginning at byte `offset` of them. */
export function scatter(memory: GuestMemory, segments: readonly Segment[], offset: number, from: Uint8Array): void {
  eachPiece(segments, offset, from.length, (gpa, at, n) => memory.write(gpa, from.subarray(at, at + n)));
}
