import { Transform, type TransformCallback } from 'node:stream';

/** Enhanced Packet Block (draft-ietf-opsawg-pcapng, 4.3). */
const PACKET = 6;
/** Type and length. */
const HEAD_BYTES = 8;
/** No block of ours comes near: a packet has 64 KiB at most. */
const BLOCK_BYTES_MAX = 1 << 20;

/** Lets a capture pass block by block, counts its packets, and ends behind so many of them. */
export class PcapngBlocks extends Transform {
  readonly #most: number;
  #rest: Buffer = Buffer.alloc(0);
  /** Packets that have passed, and bytes of all blocks. */
  packets = 0;
  bytes = 0;

  constructor(most = Number.POSITIVE_INFINITY) {
    super();
    this.#most = most;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    // What comes behind the last one is nobody's.
    if (this.packets >= this.#most) {
      done();
      return;
    }
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= HEAD_BYTES && this.packets < this.#most) {
      const length = this.#rest.readUInt32LE(4);
      if (length < HEAD_BYTES + 4 || length % 4 !== 0 || length > BLOCK_BYTES_MAX) {
        done(new Error(`a block of ${length} bytes is no part of a capture`));
        return;
      }
      if (this.#rest.length < length) break;
      const block = this.#rest.subarray(0, length);
      this.#rest = this.#rest.subarray(length);
      if (block.readUInt32LE(0) === PACKET) this.packets++;
      this.bytes += length;
      this.push(block);
    }
    if (this.packets >= this.#most) this.push(null);
    done();
  }
}
