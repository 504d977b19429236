import type { BlockBackend } from '../backend/block.ts';
import {
  BLK_HEADER_BYTES,
  BLK_ID_BYTES,
  BLK_RANGE_BYTES,
  BLK_RANGE_UNMAP,
  BlkFeature,
  BlkStatus,
  BlkType,
  SECTOR_BYTES,
} from './blk-spec.ts';
import type { Chain } from './chain.ts';
import type { VirtQueue } from './queue.ts';

/** Bytes moved between host and guest in one piece. With the limit on requests, the bound on a device's buffers. */
const PIECE_BYTES = 256 * 1024;

/** Limits on discard and write zeroes requests, as in the configuration space. */
export const RangeLimits = {
  [BlkType.DISCARD]: { sectors: 0x40_0000, segments: 32 },
  // Zeroes may have to be written one by one: one request should not take minutes.
  [BlkType.WRITE_ZEROES]: { sectors: 0x1_0000, segments: 8 },
} as const;

/** Private buffers of PIECE_BYTES for data between host and guest; used ones are kept for the next request. */
class Buffers {
  readonly #free: Uint8Array[] = [];

  /** Runs `job` with a buffer of its own. */
  async lend<T>(job: (buffer: Uint8Array) => Promise<T>): Promise<T> {
    const buffer = this.#free.pop() ?? new Uint8Array(PIECE_BYTES);
    try {
      return await job(buffer);
    } finally {
      this.#free.push(buffer);
    }
  }
}

/** What an activated block device's requests are served with. */
export interface BlkRequestsOptions {
  readonly backend: BlockBackend;
  /** Answer to GET_ID, at most 20 bytes of it. */
  readonly serial: string;
  /** Negotiated features. */
  readonly features: bigint;
  /** Flushes reach the backend. */
  readonly flushes: boolean;
  /** Told of the host's errors; the guest sees IOERR. */
  readonly onError: (error: unknown) => void;
}

/** What the requests of an activated block device have in common. */
export class BlkRequests {
  readonly backend: BlockBackend;
  readonly #id: Uint8Array;
  readonly #features: bigint;
  readonly #flushes: boolean;
  readonly #onError: (error: unknown) => void;
  readonly #buffers = new Buffers();
  /** Requests under way that change the disk. */
  readonly #changes = new Set<Promise<unknown>>();

  constructor({ backend, serial, features, flushes, onError }: BlkRequestsOptions) {
    this.backend = backend;
    this.#id = new Uint8Array(BLK_ID_BYTES);
    this.#id.set(new TextEncoder().encode(serial).subarray(0, BLK_ID_BYTES));
    this.#features = features;
    this.#flushes = flushes;
    this.#onError = onError;
  }

  /**
   * Serves one request until its buffer is back with the driver. A flush waits for the changes that were begun before
   * it; all else goes on side by side. Returns false, having done nothing, for a buffer that is no request at all.
   */
  async serve(queue: VirtQueue, chain: Chain): Promise<boolean> {
    if (chain.readableBytes < BLK_HEADER_BYTES || chain.writableBytes < 1) return false;
    const header = new Uint8Array(BLK_HEADER_BYTES);
    if (!queue.copyOut(chain, 0, header)) return true;
    const view = new DataView(header.buffer);
    const request = new Request(this, queue, chain, view.getUint32(0, true), Number(view.getBigUint64(8, true)));
    const done = this.#run(request);
    if (request.changesDisk) {
      this.#changes.add(done);
      await done;
      this.#changes.delete(done);
    }
    request.finish(await done);
    return true;
  }

  has(feature: bigint): boolean {
    return (this.#features & feature) !== 0n;
  }

  get id(): Uint8Array {
    return this.#id;
  }

  lend<T>(job: (buffer: Uint8Array) => Promise<T>): Promise<T> {
    return this.#buffers.lend(job);
  }

  /** Makes all changes stable that have been begun so far. */
  async flush(): Promise<BlkStatus> {
    await Promise.all(this.#changes);
    await this.#stabilize();
    return BlkStatus.OK;
  }

  async #stabilize(): Promise<void> {
    if (this.#flushes) await this.backend.flush();
  }

  async #run(request: Request): Promise<BlkStatus> {
    try {
      const status = await request.run();
      // 5.2.6.2: without FLUSH the driver has no other way to make a write stable.
      if (request.changesDisk && status === BlkStatus.OK && !this.has(BlkFeature.FLUSH)) await this.#stabilize();
      return status;
    } catch (error) {
      this.#onError(error);
      return BlkStatus.IOERR;
    }
  }
}

/** One request: header, data, and the status byte at the very end of what the device may write. */
class Request {
  readonly #common: BlkRequests;
  readonly #queue: VirtQueue;
  readonly #chain: Chain;
  readonly #type: number;
  readonly #sector: number;
  /** Bytes written to the start of the writable data. */
  #written = 0;

  constructor(common: BlkRequests, queue: VirtQueue, chain: Chain, type: number, sector: number) {
    this.#common = common;
    this.#queue = queue;
    this.#chain = chain;
    this.#type = type;
    this.#sector = sector;
  }

  get changesDisk(): boolean {
    return this.#type === BlkType.OUT || this.#type === BlkType.DISCARD || this.#type === BlkType.WRITE_ZEROES;
  }

  async run(): Promise<BlkStatus> {
    const { backend } = this.#common;
    switch (this.#type) {
      case BlkType.IN:
        return this.#read();
      case BlkType.OUT:
        // 5.2.6.2: writes to a read-only device fail and change nothing.
        return backend.readOnly ? BlkStatus.IOERR : this.#write();
      case BlkType.FLUSH:
        return this.#common.flush();
      case BlkType.GET_ID:
        return this.#getId();
      case BlkType.DISCARD:
        return this.#changeRanges(this.#type, BlkFeature.DISCARD, 0);
      case BlkType.WRITE_ZEROES:
        return this.#changeRanges(this.#type, BlkFeature.WRITE_ZEROES, BLK_RANGE_UNMAP);
      default:
        return BlkStatus.UNSUPP;
    }
  }

  /** Hands the buffer back. The length covers what was written without a gap from the start (2.7.8.2). */
  finish(status: BlkStatus): void {
    if (!this.#queue.copyIn(this.#chain, this.#dataIn, Uint8Array.of(status))) return;
    this.#queue.put(this.#chain, this.#written === this.#dataIn ? this.#written + 1 : this.#written);
  }

  /** Bytes of data that the device may write: all but the status. */
  get #dataIn(): number {
    return this.#chain.writableBytes - 1;
  }

  /** Bytes of data that the device may read: all but the header. */
  get #dataOut(): number {
    return this.#chain.readableBytes - BLK_HEADER_BYTES;
  }

  #inside(sector: number, bytes: number): boolean {
    const { sectors } = this.#common.backend;
    return bytes % SECTOR_BYTES === 0 && sector <= sectors && bytes / SECTOR_BYTES <= sectors - sector;
  }

  async #read(): Promise<BlkStatus> {
    const total = this.#dataIn;
    if (!this.#inside(this.#sector, total)) return BlkStatus.IOERR;
    return this.#pieces(total, async (at, piece) => {
      await this.#common.backend.read(this.#sector * SECTOR_BYTES + at, piece);
      if (!this.#queue.copyIn(this.#chain, at, piece)) return false;
      this.#written = at + piece.length;
      return true;
    });
  }

  async #write(): Promise<BlkStatus> {
    const total = this.#dataOut;
    if (!this.#inside(this.#sector, total)) return BlkStatus.IOERR;
    return this.#pieces(total, async (at, piece) => {
      if (!this.#queue.copyOut(this.#chain, BLK_HEADER_BYTES + at, piece)) return false;
      await this.#common.backend.write(this.#sector * SECTOR_BYTES + at, piece);
      return true;
    });
  }

  /** Moves `total` bytes piece by piece, until `move` says that the driver is gone. */
  #pieces(total: number, move: (at: number, piece: Uint8Array) => Promise<boolean>): Promise<BlkStatus> {
    return this.#common.lend(async (buffer) => {
      for (let at = 0; at < total; at += PIECE_BYTES) {
        if (!(await move(at, buffer.subarray(0, Math.min(PIECE_BYTES, total - at))))) return BlkStatus.IOERR;
      }
      return BlkStatus.OK;
    });
  }

  #getId(): BlkStatus {
    const id = this.#common.id.subarray(0, Math.min(BLK_ID_BYTES, this.#dataIn));
    if (this.#queue.copyIn(this.#chain, 0, id)) this.#written = id.length;
    return BlkStatus.OK;
  }

  /** 5.2.6.2: unknown flags, and unmap with a discard, are unsupported; every range is checked before one is changed. */
  async #changeRanges(type: keyof typeof RangeLimits, feature: bigint, flagsAllowed: number): Promise<BlkStatus> {
    const { backend } = this.#common;
    if (!this.#common.has(feature)) return BlkStatus.UNSUPP;
    const bytes = this.#dataOut;
    const limits = RangeLimits[type];
    const count = bytes / BLK_RANGE_BYTES;
    if (backend.readOnly || count === 0 || !Number.isInteger(count) || count > limits.segments) return BlkStatus.IOERR;
    const data = new Uint8Array(bytes);
    if (!this.#queue.copyOut(this.#chain, BLK_HEADER_BYTES, data)) return BlkStatus.IOERR;
    const view = new DataView(data.buffer);
    const ranges = Array.from({ length: count }, (_, i) => ({
      sector: Number(view.getBigUint64(i * BLK_RANGE_BYTES, true)),
      sectors: view.getUint32(i * BLK_RANGE_BYTES + 8, true),
      flags: view.getUint32(i * BLK_RANGE_BYTES + 12, true),
    }));
    if (ranges.some((r) => (r.flags & ~flagsAllowed) !== 0)) return BlkStatus.UNSUPP;
    for (const { sector, sectors } of ranges) {
      if (sectors > limits.sectors || !this.#inside(sector, sectors * SECTOR_BYTES)) return BlkStatus.IOERR;
    }
    for (const { sector, sectors, flags } of ranges) {
      const offset = sector * SECTOR_BYTES;
      const length = sectors * SECTOR_BYTES;
      if (type === BlkType.DISCARD) await backend.discard(offset, length);
      else await backend.writeZeroes(offset, length, (flags & BLK_RANGE_UNMAP) !== 0);
    }
    return BlkStatus.OK;
  }
}
