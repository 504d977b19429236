/** As much of the Zstandard format (RFC 8878, section 3.1.1) as it takes to find a frame's end and what it asks for. */

const ZSTD_MAGIC = 0xfd2fb528;

/** Largest window that is decoded; a frame of one cluster needs no larger one. */
const WINDOW_BYTES_MAX = 8 * 2 ** 20;

const BLOCK_HEADER_BYTES = 3;

/** Types of blocks (3.1.1.2.2). */
const BlockType = { RAW: 0, RLE: 1, COMPRESSED: 2 } as const;

/** Reads little-endian numbers, and throws at the end of the data. */
class Reader {
  readonly #data: Uint8Array;
  at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  take(bytes: number): number {
    if (this.at + bytes > this.#data.length) throw new Error('a compressed cluster ends early');
    let value = 0;
    for (let i = bytes - 1; i >= 0; i--) value = value * 256 + this.#data[this.at + i];
    this.at += bytes;
    return value;
  }

  skip(bytes: number): void {
    if (this.at + bytes > this.#data.length) throw new Error('a compressed cluster ends early');
    this.at += bytes;
  }
}

/** Bytes of the content size and of the dictionary's number, by the descriptor's fields (3.1.1.1.1). */
const contentSizeBytes = [0, 2, 4, 8];
const dictionaryBytes = [0, 1, 2, 4];

/**
 * The one frame that `data` begins with, without what follows it. Throws for what is no frame, for one that says that
 * it is not `bytes` bytes long, and for one that wants more memory than that is worth.
 */
export function zstdFrame(data: Uint8Array, bytes: number): Uint8Array {
  const reader = new Reader(data);
  if (reader.take(4) !== ZSTD_MAGIC) throw new Error('a compressed cluster is no zstd frame');
  const descriptor = reader.take(1);
  const singleSegment = (descriptor & 0x20) !== 0;
  if ((descriptor & 0x08) !== 0) throw new Error('a compressed cluster has a reserved bit set');
  if (!singleSegment) {
    const window = reader.take(1);
    const base = 2 ** (10 + (window >>> 3));
    if (base + (base / 8) * (window & 7) > WINDOW_BYTES_MAX)
      throw new Error('a compressed cluster needs a vast window');
  }
  if (reader.take(dictionaryBytes[descriptor & 3]) !== 0) throw new Error('a compressed cluster needs a dictionary');
  const sizeBytes = contentSizeBytes[descriptor >>> 6] || (singleSegment ? 1 : 0);
  if (sizeBytes > 0) {
    const content = reader.take(sizeBytes) + (sizeBytes === 2 ? 256 : 0);
    if (content !== bytes) throw new Error(`a compressed cluster says that it has ${content} bytes`);
  }
  skipBlocks(reader);
  // A checksum of the content.
  if ((descriptor & 0x04) !== 0) reader.skip(4);
  return data.subarray(0, reader.at);
}

function skipBlocks(reader: Reader): void {
  for (;;) {
    const header = reader.take(BLOCK_HEADER_BYTES);
    const type = (header >>> 1) & 3;
    if (type > BlockType.COMPRESSED) throw new Error('a compressed cluster has a block of an unknown type');
    reader.skip(type === BlockType.RLE ? 1 : header >>> 3);
    if ((header & 1) !== 0) return;
  }
}
