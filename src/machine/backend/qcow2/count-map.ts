/** Counts in one piece of memory. */
const CHUNK = 1024;

/** Pieces at most: 1 GiB. An image in good faith that needs more has some 17 TiB in clusters of 64 KiB. */
const CHUNKS_MAX = 2 ** 18;

/** A count for each cluster of a file; memory is used only where clusters are counted. */
export class CountMap {
  readonly #chunks = new Map<number, Uint32Array>();

  get(cluster: number): number {
    return this.#chunks.get(Math.floor(cluster / CHUNK))?.[cluster % CHUNK] ?? 0;
  }

  /** Throws RangeError if the clusters that are counted are too many to keep. */
  add(cluster: number, count: number): void {
    const index = Math.floor(cluster / CHUNK);
    let chunk = this.#chunks.get(index);
    if (chunk === undefined) {
      if (this.#chunks.size === CHUNKS_MAX) throw new RangeError('the image is too large to be checked');
      chunk = new Uint32Array(CHUNK);
      this.#chunks.set(index, chunk);
    }
    chunk[cluster % CHUNK] += count;
  }

  /** The clusters that were counted, from the lowest, with their counts. */
  *entries(): Generator<readonly [cluster: number, count: number]> {
    for (const index of [...this.#chunks.keys()].sort((a, b) => a - b)) {
      const chunk = this.#chunks.get(index) ?? [];
      for (const [i, count] of chunk.entries()) if (count > 0) yield [index * CHUNK + i, count];
    }
  }

  /** The highest cluster that was counted; −1: none. */
  get highest(): number {
    let top = -1;
    for (const [index, chunk] of this.#chunks) {
      if ((index + 1) * CHUNK <= top) continue;
      for (let i = CHUNK - 1; i >= 0; i--) {
        if (chunk[i] === 0) continue;
        top = Math.max(top, index * CHUNK + i);
        break;
      }
    }
    return top;
  }
}
