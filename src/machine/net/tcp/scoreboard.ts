import { type SeqRange, seqDiff } from './segment.ts';

/** Ranges that are remembered; a peer that reports more has the last ones sent again. */
const RANGES_MAX = 256;

/** What the peer has said it has beyond its cumulative acknowledgment (RFC 6675, 3). */
export class Scoreboard {
  /** Sorted, apart from each other. */
  #ranges: { start: number; end: number }[] = [];

  /** Bytes that the peer has out of order. */
  get bytes(): number {
    return this.#ranges.reduce((sum, { start, end }) => sum + seqDiff(end, start), 0);
  }

  /** End of the highest range; undefined if there is none. */
  get highest(): number | undefined {
    return this.#ranges.at(-1)?.end;
  }

  clear(): void {
    this.#ranges = [];
  }

  /** Takes in what the peer reports; ranges that are not inside `acknowledged` to `sent` are made up and left out. */
  add(ranges: readonly SeqRange[], acknowledged: number, sent: number): void {
    for (const { start, end } of ranges) {
      const real = seqDiff(start, acknowledged) > 0 && seqDiff(end, start) > 0 && seqDiff(sent, end) >= 0;
      if (real) this.#merge(start, end);
    }
    this.#ranges.splice(RANGES_MAX);
  }

  /** All before `acknowledged` is settled. */
  settle(acknowledged: number): void {
    this.#ranges = this.#ranges.filter(({ end }) => seqDiff(end, acknowledged) > 0);
    const [first] = this.#ranges;
    if (first !== undefined && seqDiff(first.start, acknowledged) < 0) first.start = acknowledged;
  }

  /** The first part of `from` to `to` that the peer has not reported; undefined if it has it all. */
  hole(from: number, to: number): SeqRange | undefined {
    let start = from;
    for (const range of this.#ranges) {
      if (seqDiff(range.end, start) <= 0) continue;
      if (seqDiff(range.start, start) > 0) {
        const end = seqDiff(range.start, to) < 0 ? range.start : to;
        return seqDiff(end, start) > 0 ? { start, end } : undefined;
      }
      start = range.end;
    }
    return seqDiff(to, start) > 0 ? { start, end: to } : undefined;
  }

  #merge(from: number, to: number): void {
    let start = from;
    let end = to;
    const apart = this.#ranges.filter((range) => {
      if (seqDiff(range.end, start) < 0 || seqDiff(range.start, end) > 0) return true;
      if (seqDiff(range.start, start) < 0) start = range.start;
      if (seqDiff(range.end, end) > 0) end = range.end;
      return false;
    });
    const at = apart.findIndex((range) => seqDiff(range.start, start) > 0);
    apart.splice(at < 0 ? apart.length : at, 0, { start, end });
    this.#ranges = apart;
  }
}
