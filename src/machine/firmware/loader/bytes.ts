import { VirtError } from '../../../util/index.ts';
import type { Image } from '../../config.ts';

/** The error of a file that cannot be used: names it and says why. */
export function fileError(image: Pick<Image, 'name'>, why: string, cause?: unknown): VirtError {
  return new VirtError('INVALID_ARG', `${image.name}: ${why}`, {
    data: { file: image.name },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** `0x…` */
export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

/** A size in MiB for messages, to one decimal, rounded up so that it is always enough. */
export function mib(bytes: number): string {
  return `${Math.ceil((bytes / 2 ** 20) * 10) / 10} MiB`;
}

/** Far beyond every file and every RAM; a few of them still add up exactly. */
const OFFSET_MAX = 1n << 50n;

/** Little-endian reads from a file, each checked against its length: past the end is a VirtError, never a RangeError. */
export class ByteReader {
  readonly image: Image;
  readonly #view: DataView;
  readonly #fileBytes: number;

  /** @param fileBytes size of the file, when the image holds only its beginning */
  constructor(image: Image, fileBytes: number = image.bytes.length) {
    this.image = image;
    this.#fileBytes = fileBytes;
    this.#view = new DataView(image.bytes.buffer, image.bytes.byteOffset, image.bytes.byteLength);
  }

  get length(): number {
    return this.#view.byteLength;
  }

  /** Makes sure that a part is in the file, whether it is at hand or not. */
  checkInFile(at: number, bytes: number, what: string): void {
    this.#check(at, bytes, what, this.#fileBytes);
  }

  #check(at: number, bytes: number, what: string, end: number = this.length): void {
    if (at + bytes > end) {
      throw fileError(this.image, `truncated: ${what} ends at byte ${at + bytes}, the file at ${end}`);
    }
  }

  u16(at: number, what: string): number {
    this.#check(at, 2, what);
    return this.#view.getUint16(at, true);
  }

  u32(at: number, what: string): number {
    this.#check(at, 4, what);
    return this.#view.getUint32(at, true);
  }

  u64(at: number, what: string): bigint {
    this.#check(at, 8, what);
    return this.#view.getBigUint64(at, true);
  }

  /** A 64-bit offset or size in the file; absurd values are capped to one that no file has. */
  offset(at: number, what: string): number {
    const value = this.u64(at, what);
    return value > OFFSET_MAX ? Number(OFFSET_MAX) : Number(value);
  }

  /** A part of the file, without a copy. */
  slice(at: number, bytes: number, what: string): Uint8Array {
    this.#check(at, bytes, what);
    return this.image.bytes.subarray(at, at + bytes);
  }

  /** Whether `text` (Latin-1) is at `at`. */
  has(at: number, text: string): boolean {
    if (at + text.length > this.length) return false;
    for (let i = 0; i < text.length; i++) if (this.#view.getUint8(at + i) !== text.charCodeAt(i)) return false;
    return true;
  }
}
