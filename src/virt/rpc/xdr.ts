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
/** Bytes of its buffer that a writer keeps for what it writes next. */
const KEPT_BYTES = 64 * 1024;
/** Text of so many characters at most is written here, not by a call into Node that costs more than its bytes. */
const SHORT_TEXT = 64;

/** Writes into a buffer that grows. What has been taken out of it, it can be used again. */
export class XdrWriter {
  #bytes: Buffer;
  #view: DataView;
  #at = 0;

  /** @param sizeHint bytes that will do for most */
  constructor(sizeHint = START_BYTES) {
    this.#bytes = Buffer.allocUnsafe(sizeHint);
    this.#view = viewOf(this.#bytes);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#at;
  }

  u32(value: number): void {
    const at = this.#take(4);
    this.#view.setUint32(at, value);
  }

  i32(value: number): void {
    const at = this.#take(4);
    this.#view.setInt32(at, value);
  }

  u64(value: bigint): void {
    const at = this.#take(8);
    this.#view.setBigUint64(at, value);
  }

  i64(value: bigint): void {
    const at = this.#take(8);
    this.#view.setBigInt64(at, value);
  }

  f64(value: number): void {
    const at = this.#take(8);
    this.#view.setFloat64(at, value);
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

  /**
   * Text with its length before it, if it is short and each of its characters is one byte and not zero; else nothing is
   * written, and false returned.
   */
  ascii(value: string): boolean {
    const { length } = value;
    if (length > SHORT_TEXT) return false;
    const start = this.#at;
    const at = this.#take(4 + ((length + 3) & ~3));
    const bytes = this.#bytes;
    // The padding is in the last word, which the text then writes over.
    if (length > 0) this.#view.setUint32(this.#at - 4, 0);
    this.#view.setUint32(at, length);
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code === 0 || code > 0x7f) {
        this.#at = start;
        return false;
      }
      bytes[at + 4 + i] = code;
    }
    return true;
  }

  /** Writes over what has been written at `at`. */
  patchU32(at: number, value: number): void {
    this.#view.setUint32(at, value);
  }

  /** What has been written. The writer is not to be used any more. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  /** A copy of what has been written. The writer is empty again. */
  take(): Buffer {
    const copy = Buffer.allocUnsafe(this.#at);
    copy.set(this.#bytes.subarray(0, this.#at));
    this.clear();
    return copy;
  }

  /** Forgets what has been written. */
  clear(): void {
    this.#at = 0;
    if (this.#bytes.length <= KEPT_BYTES) return;
    this.#bytes = Buffer.allocUnsafe(START_BYTES);
    this.#view = viewOf(this.#bytes);
  }

  #take(count: number): number {
    const at = this.#at;
    const end = at + count;
    if (end > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(end, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
      this.#view = viewOf(grown);
    }
    this.#at = end;
    return at;
  }
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
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
