/**
 * Frames between a daemon and the process of a machine: a length of 4 bytes, big-endian, which counts what follows; a
 * byte of kind; the rest by kind. Messages are JSON; what goes over consoles is bytes as they are.
 */

/** Version of the protocol; both sides must have the same one. */
export const PROTOCOL_VERSION = 1;

/** Kinds of frames, and what follows the byte of kind. */
export const FrameKind = {
  /** A message as JSON. */
  MESSAGE: 0,
  /** The number of a console, and bytes that go over it. */
  DATA: 1,
  /** The number of a console, and how many bytes of data the sender of this has used up, in 4 bytes. */
  TAKEN: 2,
  /** The number of a console that somebody begins to read. */
  ATTACH: 3,
  /** The number of a console that nobody reads any more. */
  DETACH: 4,
} as const;
/** Number of one kind. */
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

/** Most bytes of a frame after its length. Either side ends the connection over a longer one. */
export const FRAME_MAX = 1 << 20;

/** Most bytes of a console's data in one frame. */
export const DATA_MAX = 16 * 1024;

/** Data of a console that its receiver has not said to have used up, in bytes: more is not sent. */
export const WINDOW_BYTES = 64 * 1024;

/** A frame without its length. */
export interface Frame {
  readonly kind: number;
  readonly payload: Buffer;
}

/** Puts a frame together. Throws RangeError for one that is too long. */
export function encodeFrame(kind: FrameKind, payload: Uint8Array): Buffer {
  const length = 1 + payload.length;
  if (length > FRAME_MAX) throw new RangeError(`a frame of ${length} bytes is longer than ${FRAME_MAX}`);
  const frame = Buffer.allocUnsafe(4 + length);
  frame.writeUInt32BE(length, 0);
  frame[4] = kind;
  frame.set(payload, 5);
  return frame;
}

/** Takes a stream of bytes apart into frames; holds one unfinished frame at most. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #bytes = 0;

  /** Frames that are complete with these bytes. Throws RangeError when the stream is no stream of frames. */
  *push(chunk: Buffer): Generator<Frame> {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    for (;;) {
      if (this.#bytes < 5) return;
      const length = this.#head(4).readUInt32BE(0);
      if (length < 1 || length > FRAME_MAX) throw new RangeError(`a frame cannot have ${length} bytes`);
      if (this.#bytes < 4 + length) return;
      const frame = this.#take(4 + length);
      yield { kind: frame[4] ?? 0, payload: frame.subarray(5) };
    }
  }

  /** The next bytes, left where they are. */
  #head(bytes: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= bytes) return first;
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }

  #take(bytes: number): Buffer {
    const head = this.#head(bytes);
    this.#bytes -= bytes;
    if (head.length === bytes) this.#chunks.shift();
    else this.#chunks[0] = head.subarray(bytes);
    return head.subarray(0, bytes);
  }
}
