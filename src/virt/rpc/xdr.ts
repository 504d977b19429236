/**
 * XDR (RFC 4506) as libvirt uses it: big-endian, every item on a boundary of 4 bytes. A writer and a reader of bytes, and
 * the error of either. What is put together of them is in xdr-types.ts.
 */

/** Bytes that are not what they should be, or a value that cannot be put into bytes. */
export class XdrError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'XdrError';
  }
}

const START_BYTES = 256;

/** Writes into a buffer that grows. */
export class XdrWriter {
  #bytes: Buffer;
  #at = 0;

  /** @param sizeHint bytes that will do for most */
  constructor(sizeHint = START_BYTES) {
    this.#bytes = Buffer.allocUnsafe(sizeHint);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#at;
  }

  u32(value: number): void {
    const at = this.#take(4);
    this.#bytes.writeUInt32BE(value, at);
  }

  i32(value: number): void {
    const at = this.#take(4);
    this.#bytes.writeInt32BE(value, at);
  }

  u64(value: bigint): void {
    const at = this.#take(8);
    this.#bytes.writeBigUInt64BE(value, at);
  }

  i64(value: bigint): void {
    const at = this.#take(8);
    this.#bytes.writeBigInt64BE(value, at);
  }

  f64(value: number): void {
    const at = this.#take(8);
    this.#bytes.writeDoubleBE(value, at);
  }

  /** Bytes, and zeroes up to the next boundary. */
  raw(bytes: Uint8Array): void {
    const padded = (bytes.length + 3) & ~3;
    const at = this.#take(padded);
    this.#bytes.set(bytes, at);
    this.#bytes.fill(0, at + bytes.length, at + padded);
  }

  /** Bytes as they are, for what is no XDR: the data of streams. */
  unpadded(bytes: Uint8Array): void {
    const at = this.#take(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Text with its length in bytes before it. @param max bytes it may have */
  text(value: string, max: number): void {
    const bytes = Buffer.byteLength(value);
    if (bytes > max) throw new XdrError(`text of ${bytes} bytes where ${max} are the most`);
    this.u32(bytes);
    const padded = (bytes + 3) & ~3;
    const at = this.#take(padded);
    this.#bytes.write(value, at, 'utf8');
    this.#bytes.fill(0, at + bytes, at + padded);
  }

  /** Writes over what has been written at `at`. */
  patchU32(at: number, value: number): void {
    this.#bytes.writeUInt32BE(value, at);
  }

  /** What has been written. The writer is not to be used any more. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  #take(count: number): number {
    const at = this.#at;
    const end = at + count;
    if (end > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(end, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
    }
    this.#at = end;
    return at;
  }
}

/** Reads from a buffer; each read throws XdrError where the bytes do not suffice. */
export class XdrReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Bytes that are left. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  i32(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  u64(): bigint {
    return this.#bytes.readBigUInt64BE(this.#take(8));
  }

  i64(): bigint {
    return this.#bytes.readBigInt64BE(this.#take(8));
  }

  f64(): number {
    return this.#bytes.readDoubleBE(this.#take(8));
  }

  /** `count` bytes, copied, and past the padding behind them. */
  raw(count: number): Uint8Array {
    const at = this.#take((count + 3) & ~3);
    const copy = new Uint8Array(count);
    copy.set(this.#bytes.subarray(at, at + count));
    return copy;
  }

  /** Text with its length before it. @param max bytes it may have */
  text(max: number): string {
    const bytes = this.count(max, 'text');
    const at = this.#take((bytes + 3) & ~3);
    return this.#bytes.toString('utf8', at, at + bytes);
  }

  /** A length or count, which may not exceed `max`. */
  count(max: number, what: string): number {
    const count = this.u32();
    if (count > max) throw new XdrError(`${what} of ${count} where ${max} are the most`);
    return count;
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) throw new XdrError(`${count} bytes wanted, ${this.#bytes.length - at} left`);
    this.#at = at + count;
    return at;
  }
}
