/** Bytes that were written and are not acknowledged yet: a queue that can be read anywhere. */
export class SendBuffer {
  #chunks: Uint8Array[] = [];
  /** Bytes of the first chunk that are gone. */
  #skip = 0;
  #bytes = 0;

  /** How many bytes there are. */
  get bytes(): number {
    return this.#bytes;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** Drops the first `bytes` bytes. */
  drop(bytes: number): void {
    this.#bytes -= bytes;
    this.#skip += bytes;
    let whole = 0;
    for (const { length } of this.#chunks) {
      if (this.#skip < length) break;
      this.#skip -= length;
      whole++;
    }
    this.#chunks.splice(0, whole);
  }

  /** Up to `bytes` bytes from `offset` on; a view where they lie together, else a copy. */
  read(offset: number, bytes: number): Uint8Array {
    let at = offset + this.#skip;
    let index = 0;
    while (index < this.#chunks.length && at >= (this.#chunks[index] as Uint8Array).length) {
      at -= (this.#chunks[index] as Uint8Array).length;
      index++;
    }
    const first = this.#chunks[index];
    const total = Math.min(bytes, this.#bytes - offset);
    if (first === undefined || total <= 0) return new Uint8Array(0);
    if (at + total <= first.length) return first.subarray(at, at + total);
    const out = new Uint8Array(total);
    for (let done = 0; done < total; index++, at = 0) {
      const part = (this.#chunks[index] as Uint8Array).subarray(at, at + total - done);
      out.set(part, done);
      done += part.length;
    }
    return out;
  }
}
