import { unusableImage } from '../host-file.ts';

/** A part of the file, in clusters, that holds something of the image's own. */
export interface MetadataRange {
  readonly what: string;
  readonly first: number;
  readonly clusters: number;
}

/** Changes to a sorted list that are kept beside it before it is made anew. */
const OVERLAY_MAX = 4096;

/** A set of numbers with eight bytes for each, however many. */
class NumberSet {
  #sorted: Float64Array;
  readonly #added = new Set<number>();
  readonly #removed = new Set<number>();

  constructor(numbers: readonly number[] | Float64Array) {
    this.#sorted = Float64Array.from(numbers).sort();
  }

  /** A number that was given twice. */
  get duplicate(): number | undefined {
    for (let i = 1; i < this.#sorted.length; i++) if (this.#sorted[i] === this.#sorted[i - 1]) return this.#sorted[i];
    return undefined;
  }

  has(value: number): boolean {
    if (this.#added.has(value)) return true;
    if (this.#removed.has(value)) return false;
    const at = this.firstFrom(value);
    return at < this.#sorted.length && this.#sorted[at] === value;
  }

  /** Whether a number from `first` to `last` was given when the set was made. */
  hasBetween(first: number, last: number): boolean {
    const at = this.firstFrom(first);
    return at < this.#sorted.length && this.#sorted[at] <= last;
  }

  add(value: number): void {
    if (!this.#removed.delete(value)) this.#added.add(value);
    this.#settle();
  }

  delete(value: number): void {
    if (!this.#added.delete(value)) this.#removed.add(value);
    this.#settle();
  }

  firstFrom(value: number): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sorted[middle] < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #settle(): void {
    if (this.#added.size + this.#removed.size <= OVERLAY_MAX) return;
    const kept = this.#sorted.filter((value) => !this.#removed.has(value));
    const merged = new Float64Array(kept.length + this.#added.size);
    merged.set(kept);
    merged.set([...this.#added], kept.length);
    this.#sorted = merged.sort();
    this.#added.clear();
    this.#removed.clear();
  }
}

/**
 * Where an image's own structures are, so that no guest data is ever written over them: an image made in bad faith
 * could let its guest rewrite the header and name any file of the host as its backing file.
 */
export class MetadataMap {
  readonly #ranges: MetadataRange[];
  readonly #tables: NumberSet;

  /**
   * @param ranges what is contiguous: header, L1 tables, refcount table, snapshot table
   * @param tables clusters of the L2 tables and refcount blocks
   */
  constructor(ranges: readonly MetadataRange[], tables: readonly number[] | Float64Array) {
    this.#ranges = [...ranges];
    this.#tables = new NumberSet(tables);
  }

  /** Throws INVALID_ARG, naming the image, if two of its structures are in the same place. */
  checkDisjoint(path: string): void {
    const twice = this.#tables.duplicate;
    if (twice !== undefined) throw unusableImage(path, `it is corrupt: two of its tables are both in cluster ${twice}`);
    const ranges = [...this.#ranges].sort((a, b) => a.first - b.first);
    for (const [i, range] of ranges.entries()) {
      const next = ranges[i + 1];
      if (next !== undefined && range.first + range.clusters > next.first) {
        throw unusableImage(path, `it is corrupt: its ${range.what} and its ${next.what} overlap`);
      }
      if (this.#tables.hasBetween(range.first, range.first + range.clusters - 1)) {
        throw unusableImage(path, `it is corrupt: a table of its is inside its ${range.what}`);
      }
    }
  }

  /** What of the image's own is in one of these clusters, in words; undefined: nothing. */
  overlap(first: number, clusters: number): string | undefined {
    for (const range of this.#ranges) {
      if (first < range.first + range.clusters && range.first < first + clusters) return range.what;
    }
    for (let cluster = first; cluster < first + clusters; cluster++) {
      if (this.#tables.has(cluster)) return 'L2 table or refcount block';
    }
    return undefined;
  }

  addTable(cluster: number): void {
    this.#tables.add(cluster);
  }

  removeTable(cluster: number): void {
    this.#tables.delete(cluster);
  }

  addRange(range: MetadataRange): void {
    this.#ranges.push(range);
  }

  removeRange(first: number): void {
    const at = this.#ranges.findIndex((range) => range.first === first);
    if (at >= 0) this.#ranges.splice(at, 1);
  }
}
