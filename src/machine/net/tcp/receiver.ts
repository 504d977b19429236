import { type SeqRange, seqAdd, seqDiff } from './segment.ts';

/** Pieces that are kept out of order; beyond them the peer has to send again. */
const PIECES_MAX = 1024;

interface Piece {
  start: number;
  data: Uint8Array;
}

/** What a segment brought. */
export interface Arrival {
  /** Data that are now in order, to be handed on. */
  readonly data: readonly Uint8Array[];
  /** The peer's end has come, after all of its data. */
  readonly ended: boolean;
  /** The segment left or met a gap, or was old: to be acknowledged at once (RFC 5681, 4.2). */
  readonly urgent: boolean;
}

/** The receiving half of a connection: puts the peer's data in order and says how much more there is room for. */
export class TcpReceiver {
  /** RCV.NXT: the next sequence number expected. */
  next: number;
  readonly #roomBytes: number;
  /** Data out of order, sorted, not overlapping. */
  #pieces: Piece[] = [];
  /** Bytes handed on that have not been consumed. */
  #held = 0;
  /** Right edge of the window as the peer knows it. */
  #edge: number;
  #finAt: number | undefined;
  /** Where data last came in out of order: reported first (RFC 2018, 4). */
  #latest = 0;

  /** @param first sequence number after the peer's SYN; `roomBytes`: most that is held here. */
  constructor(first: number, roomBytes: number) {
    this.next = first;
    this.#edge = first;
    this.#roomBytes = roomBytes;
  }

  /** The peer's end has been reached. */
  get ended(): boolean {
    return this.#finAt !== undefined && seqDiff(this.next, this.#finAt) > 0;
  }

  /** Bytes that may follow `next`. The right edge never moves back (RFC 9293, 3.8.6). */
  window(): number {
    const edge = seqAdd(this.next, Math.max(0, this.#roomBytes - this.#held));
    if (seqDiff(edge, this.#edge) > 0) this.#edge = edge;
    return Math.max(0, seqDiff(this.#edge, this.next));
  }

  /** Whether a segment that takes `length` sequence numbers is acceptable (RFC 9293, 3.10.7.4, first step). */
  acceptable(sequence: number, length: number): boolean {
    const window = this.window();
    const inside = (at: number) => seqDiff(at, this.next) >= 0 && seqDiff(at, this.next) < window;
    if (length === 0) return window === 0 ? sequence === this.next : inside(sequence);
    return window > 0 && (inside(sequence) || inside(seqAdd(sequence, length - 1)));
  }

  /** Takes data in, and `fin` after them. What is outside the window is cut off. */
  accept(sequence: number, data: Uint8Array, fin: boolean): Arrival {
    if (fin && this.#finAt === undefined) {
      const end = seqAdd(sequence, data.length);
      if (seqDiff(end, this.next) <= this.window()) this.#finAt = end;
    }
    const before = this.next;
    const gaps = this.#pieces.length > 0;
    const ordered = this.#insert(sequence, data);
    for (const { length } of ordered) this.#held += length;
    const wasEnded = this.ended;
    if (this.#finAt !== undefined && this.next === this.#finAt) this.next = seqAdd(this.next, 1);
    const came = data.length > 0 || fin;
    return {
      data: ordered,
      ended: this.ended && !wasEnded,
      urgent: came && (this.next === before || gaps || this.#pieces.length > 0),
    };
  }

  /** `bytes` of what was handed on have been taken: there is room again. */
  consumed(bytes: number): void {
    this.#held -= bytes;
  }

  /** What is here out of order, the latest first, for the peer to leave out when it repeats (RFC 2018). */
  sacks(): SeqRange[] {
    const ranges: { start: number; end: number }[] = [];
    for (const { start, data } of this.#pieces) {
      const end = seqAdd(start, data.length);
      const last = ranges.at(-1);
      if (last !== undefined && last.end === start) last.end = end;
      else ranges.push({ start, end });
    }
    const holdsLatest = ({ start, end }: SeqRange) =>
      seqDiff(this.#latest, start) >= 0 && seqDiff(this.#latest, end) < 0;
    const first = ranges.findIndex(holdsLatest);
    if (first > 0) ranges.unshift(...ranges.splice(first, 1));
    return ranges;
  }

  /** Puts data in its place; returns what is in order now. */
  #insert(sequence: number, bytes: Uint8Array): Uint8Array[] {
    let start = sequence;
    let data = bytes;
    const old = seqDiff(this.next, start);
    if (old > 0) {
      data = data.subarray(Math.min(old, data.length));
      start = this.next;
    }
    const room = this.window() - seqDiff(start, this.next);
    if (data.length > room) data = data.subarray(0, Math.max(0, room));
    if (data.length === 0) return [];
    if (start === this.next && this.#pieces.length === 0) {
      this.next = seqAdd(start, data.length);
      return [data];
    }
    this.#keep(start, data);
    return this.#takeOrdered();
  }

  /** Keeps those parts of `data` that are not here yet. */
  #keep(first: number, bytes: Uint8Array): void {
    this.#latest = first;
    let start = first;
    let data = bytes;
    const kept: Piece[] = [];
    for (const piece of this.#pieces) {
      const before = seqDiff(piece.start, start);
      if (data.length > 0 && before > 0) {
        kept.push({ start, data: data.slice(0, before) });
        if (before < data.length) {
          data = data.subarray(before);
          start = piece.start;
        } else data = data.subarray(data.length);
      }
      kept.push(piece);
      const covered = seqDiff(seqAdd(piece.start, piece.data.length), start);
      if (data.length > 0 && covered > 0) {
        data = data.subarray(Math.min(covered, data.length));
        start = seqAdd(start, covered);
      }
    }
    if (data.length > 0) kept.push({ start, data: data.slice() });
    // Those farthest ahead are given up: an acknowledgment has promised nothing of them that is final.
    this.#pieces = kept.slice(0, PIECES_MAX);
  }

  #takeOrdered(): Uint8Array[] {
    const ordered: Uint8Array[] = [];
    while (this.#pieces[0]?.start === this.next) {
      const { data } = this.#pieces.shift() as Piece;
      ordered.push(data);
      this.next = seqAdd(this.next, data.length);
    }
    return ordered;
  }
}
