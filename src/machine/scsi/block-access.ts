import type { BlockBackend } from '../backend/block.ts';
import type { ScsiData } from './unit.ts';

/** Bytes moved between host and initiator in one piece. */
const PIECE_BYTES = 256 * 1024;

/** Moves blocks between a disk of the host and an initiator, in pieces with private buffers that are kept. */
export class BlockAccess {
  readonly #free: Uint8Array[] = [];

  /** Reads `bytes` bytes from byte `offset` of the disk; false: the initiator is gone. */
  read(backend: BlockBackend, offset: number, bytes: number, data: ScsiData): Promise<boolean> {
    return this.#pieces(bytes, async (at, piece) => {
      await backend.read(offset + at, piece);
      return data.give(at, piece);
    });
  }

  /** Writes `bytes` bytes at byte `offset` of the disk. */
  write(backend: BlockBackend, offset: number, bytes: number, data: ScsiData): Promise<boolean> {
    return this.#pieces(bytes, async (at, piece) => {
      if (!data.take(at, piece)) return false;
      await backend.write(offset + at, piece);
      return true;
    });
  }

  /** Compares what was sent with the disk; false: it differs. */
  compare(backend: BlockBackend, offset: number, bytes: number, data: ScsiData): Promise<boolean> {
    return this.#pieces(bytes, async (at, piece) => {
      const sent = new Uint8Array(piece.length);
      if (!data.take(at, sent)) return false;
      await backend.read(offset + at, piece);
      return sent.every((byte, i) => byte === piece[i]);
    });
  }

  /** Writes one block over and over. */
  fill(backend: BlockBackend, offset: number, bytes: number, block: Uint8Array): Promise<boolean> {
    return this.#pieces(bytes, async (at, piece) => {
      for (let i = 0; i < piece.length; i += block.length) piece.set(block, i);
      await backend.write(offset + at, piece);
      return true;
    });
  }

  async #pieces(total: number, move: (at: number, piece: Uint8Array) => Promise<boolean>): Promise<boolean> {
    const buffer = this.#free.pop() ?? new Uint8Array(PIECE_BYTES);
    try {
      for (let at = 0; at < total; at += PIECE_BYTES) {
        if (!(await move(at, buffer.subarray(0, Math.min(PIECE_BYTES, total - at))))) return false;
      }
      return true;
    } finally {
      this.#free.push(buffer);
    }
  }
}
