import type { DiskImage, Extent } from '../disk-image.ts';
import { type ClusterCodec, type Compressor, clusterCodec } from './compression.ts';
import type { Qcow2Core } from './core.ts';
import { entryOffset } from './entry-table.ts';
import { CorruptImage } from './errors.ts';
import { compressedPlace, readEntry, type SubclusterKind, subclusterKind } from './l2-entry.ts';
import { COMPRESSED_HI, SECTOR_BYTES, ZERO_LO } from './spec.ts';
import type { CachedTable } from './table-cache.ts';

/** Bytes of decompressed clusters that are kept: neighbours are often read one after another. */
const DECOMPRESSED_BUDGET = 4 * 2 ** 20;

/** Bytes of compressed clusters that are read at once. */
const ROW_BYTES = 2 * 2 ** 20;

/** What a part of the disk is in this image, and where. */
export interface Piece {
  readonly kind: SubclusterKind;
  readonly bytes: number;
  /** Of `data`: the place in the data file. Of `compressed`: the place of the cluster's compressed data. */
  readonly host: number;
  /** Of `compressed`: bytes there. */
  readonly hostBytes: number;
}

/** A part of a compressed cluster that is to be read. */
interface CompressedRead {
  readonly offset: number;
  readonly piece: Piece;
  readonly into: Uint8Array;
}

/** What there is from some byte of the disk on, and where to look for more of the same. */
interface ClusterRunSoFar {
  readonly kind: SubclusterKind;
  readonly host: number;
  readonly from: number;
  readonly most: number;
}

/** Reads an image's guest data. Callers hold the clusters. */
export class Qcow2Reader {
  readonly #core: Qcow2Core;
  readonly #backing: DiskImage | undefined;
  readonly #codec: ClusterCodec;
  readonly #decompressed = new Map<number, Promise<Uint8Array>>();
  readonly #decompressedMax: number;

  constructor(core: Qcow2Core, backing: DiskImage | undefined, compressor?: Compressor) {
    this.#core = core;
    this.#backing = backing;
    this.#codec = clusterCodec(core.header.compression, compressor);
    this.#decompressedMax = Math.max(2, Math.min(64, DECOMPRESSED_BUDGET / core.geometry.clusterBytes));
    core.onFreed(() => this.#decompressed.clear());
  }

  get codec(): ClusterCodec {
    return this.#codec;
  }

  /** Fills `into` from byte `offset` of the disk. */
  async read(offset: number, into: Uint8Array): Promise<void> {
    const reads: Promise<void>[] = [];
    const compressed: CompressedRead[] = [];
    try {
      for (let at = 0; at < into.length; ) {
        const piece = this.peek(offset + at, into.length - at) ?? (await this.locate(offset + at, into.length - at));
        const part = into.subarray(at, at + piece.bytes);
        if (piece.kind === 'compressed') compressed.push({ offset: offset + at, piece, into: part });
        else reads.push(...this.#readPiece(offset + at, piece, part));
        at += piece.bytes;
      }
      if (compressed.length > 0) reads.push(...this.#readCompressed(compressed));
    } finally {
      // Nothing may still write to the buffer when the caller hears of an error.
      await Promise.allSettled(reads);
    }
    await Promise.all(reads);
  }

  /** Fills `into` where all of it is in one place of one file, and tells what is zero: see DiskImage. */
  async readBlocks(offset: number, blockBytes: number, into: Uint8Array, runs: Uint32Array): Promise<number> {
    const piece = this.peek(offset, into.length) ?? (await this.locate(offset, into.length));
    if (piece.bytes < into.length) return 0;
    if (piece.kind === 'data') return (await this.#core.data.readBlocks?.(piece.host, blockBytes, into, runs)) ?? 0;
    if (piece.kind !== 'none' || offset + into.length > this.#backingBytes) return 0;
    return (await this.#backing?.readBlocks?.(offset, blockBytes, into, runs)) ?? 0;
  }

  /** What is at byte `offset`: as much of it, up to `bytes`, as is of one kind and in one place. */
  async locate(offset: number, bytes: number): Promise<Piece> {
    for (;;) {
      const piece = this.peek(offset, bytes);
      if (piece !== undefined) return piece;
      await this.#core.loadL2(Math.floor(offset / this.#core.geometry.l2Span));
    }
  }

  /** The same, if that is in memory. */
  peek(offset: number, bytes: number): Piece | undefined {
    const { l2Span } = this.#core.geometry;
    const table = this.#core.peekL2(Math.floor(offset / l2Span));
    if (table === undefined) return undefined;
    const most = Math.min(bytes, l2Span - (offset % l2Span));
    return table === null ? { kind: 'none', bytes: most, host: 0, hostBytes: 0 } : this.#inTable(table, offset, most);
  }

  /** As tools see it. */
  async extent(offset: number, bytes: number): Promise<Extent> {
    const piece = await this.locate(offset, bytes);
    switch (piece.kind) {
      case 'data':
        return { kind: 'data', bytes: piece.bytes, host: piece.host };
      case 'compressed':
        return { kind: 'data', bytes: piece.bytes, compressed: true };
      case 'zero':
        return { kind: 'zero', bytes: piece.bytes };
      case 'none': {
        const left = this.#backingBytes - offset;
        return { kind: 'none', bytes: left > 0 ? Math.min(piece.bytes, left) : piece.bytes };
      }
    }
  }

  /** Whether a range surely reads as zeroes, as far as can be told without reading it. */
  knownZero(offset: number, bytes: number): boolean {
    for (let at = 0; at < bytes; ) {
      const piece = this.peek(offset + at, bytes - at);
      if (piece === undefined) return false;
      if (!this.isZero(piece, offset + at)) return false;
      at += piece.bytes;
    }
    return true;
  }

  /** Whether what was found at `offset` reads as zeroes, all of it. */
  isZero({ kind }: Pick<Extent, 'kind'> | Piece, offset: number): boolean {
    return kind === 'zero' || (kind === 'none' && this.#seesNothing(offset));
  }

  get #backingBytes(): number {
    return (this.#backing?.sectors ?? 0) * SECTOR_BYTES;
  }

  /** Whether there is nothing below, so that what is not allocated reads as zeroes. */
  #seesNothing(offset: number): boolean {
    return offset >= this.#backingBytes;
  }

  #inTable(table: CachedTable, offset: number, most: number): Piece {
    const { geometry } = this.#core;
    const { clusterBytes, subclusterBytes } = geometry;
    let piece: Piece | undefined;
    let at = 0;
    while (at < most) {
      const inSpan = (offset + at) % geometry.l2Span;
      const entry = readEntry(geometry, table, Math.floor(inSpan / clusterBytes));
      const inCluster = inSpan % clusterBytes;
      if (entry.compressed) {
        if (piece !== undefined) break;
        const { offset: host, bytes: hostBytes } = compressedPlace(geometry, entry);
        return { kind: 'compressed', bytes: Math.min(most, clusterBytes - inCluster), host, hostBytes };
      }
      const sub = Math.floor(inCluster / subclusterBytes);
      const kind = subclusterKind(entry, sub);
      const host = kind === 'data' ? entry.host + inCluster : 0;
      if (piece !== undefined && (piece.kind !== kind || (kind === 'data' && host !== piece.host + at))) break;
      if (kind === 'data') this.#core.checkHost(entry.host, Math.floor((offset + at) / clusterBytes));
      at = Math.min(most, at + (sub + 1) * subclusterBytes - inCluster);
      const start = piece?.host ?? host;
      if (!geometry.extended) at = this.#sameUntil(table, offset, { kind, host: start, from: at, most });
      piece = { kind, bytes: at, host: start, hostBytes: 0 };
    }
    return piece ?? { kind: 'none', bytes: most, host: 0, hostBytes: 0 };
  }

  /**
   * How far, from byte `from` to `most` behind `offset`, clusters go on as those before: of one kind, in one place. Where
   * an entry looks different this ends, though it may mean the same. Not for extended entries.
   */
  #sameUntil(table: CachedTable, offset: number, run: ClusterRunSoFar): number {
    const { clusterBytes, l2Span } = this.#core.geometry;
    const { kind, host, from, most } = run;
    let at = from;
    for (let word = ((offset + from) % l2Span) / (clusterBytes / 8); at < most; word += 8, at += clusterBytes) {
      const hi = table.view.getUint32(word);
      const lo = table.view.getUint32(word + 4);
      if (kind !== 'data') {
        if (hi !== 0 || lo !== (kind === 'zero' ? ZERO_LO : 0)) break;
      } else if ((hi & COMPRESSED_HI) !== 0 || (lo & ZERO_LO) !== 0 || entryOffset(hi, lo) !== host + at) {
        break;
      }
    }
    // What goes for the last one's place goes for those before.
    const last = Math.floor((offset + at - 1) / clusterBytes) * clusterBytes;
    if (kind === 'data' && at > from) this.#core.checkHost(host + last - offset, last / clusterBytes);
    return Math.min(at, most);
  }

  #readPiece(offset: number, piece: Piece, into: Uint8Array): Promise<void>[] {
    if (piece.kind === 'data') return [this.#core.data.read(piece.host, into)];
    if (piece.kind === 'none') return this.#readBacking(offset, into);
    into.fill(0);
    return [];
  }

  #readBacking(offset: number, into: Uint8Array): Promise<void>[] {
    const there = Math.max(0, Math.min(into.length, this.#backingBytes - offset));
    into.fill(0, there);
    return there === 0 || this.#backing === undefined ? [] : [this.#backing.read(offset, into.subarray(0, there))];
  }

  /** What lies together in the file is read at once. */
  #readCompressed(reads: readonly CompressedRead[]): Promise<void>[] {
    const rows: Piece[][] = [];
    for (const { piece } of reads) {
      if (this.#decompressed.has(piece.host)) continue;
      const row = rows[rows.length - 1];
      const last = row?.[row.length - 1];
      const follows =
        last !== undefined &&
        piece.host > last.host &&
        piece.host <= last.host + last.hostBytes &&
        piece.host + piece.hostBytes - row[0].host <= ROW_BYTES;
      if (follows) row.push(piece);
      else rows.push([piece]);
    }
    const fresh = new Map(rows.flatMap((row) => this.#loadRow(row)));
    return reads.map(async ({ offset, piece, into }) => {
      const cluster = await (fresh.get(piece.host) ?? this.#decompressed.get(piece.host) ?? this.#loadAlone(piece));
      const from = offset % this.#core.geometry.clusterBytes;
      into.set(cluster.subarray(from, from + into.length));
    });
  }

  #loadAlone(piece: Piece): Promise<Uint8Array> {
    const [[, cluster]] = this.#loadRow([piece]);
    return cluster;
  }

  /** Reads and decompresses clusters that follow each other in the file, by their places there. */
  #loadRow(row: readonly Piece[]): [host: number, cluster: Promise<Uint8Array>][] {
    const start = row[0].host;
    const end = Math.max(...row.map(({ host, hostBytes }) => host + hostBytes));
    const { file } = this.#core;
    // What a cluster is compressed to is smaller than the cluster, but for the sectors that it begins and ends in.
    const wrong = row.find((one) => one.host >= file.bytes || one.hostBytes > 2 * this.#core.geometry.clusterBytes);
    const data = new Uint8Array(wrong === undefined ? Math.min(end, file.bytes) - start : 0);
    const reading = wrong === undefined ? file.read(start, data) : Promise.reject(misplaced(file.path, wrong));
    return row.map((piece) => {
      const from = piece.host - start;
      const cluster = reading.then(() => this.#decompress(piece, data.subarray(from, from + piece.hostBytes)));
      this.#keep(piece.host, cluster);
      return [piece.host, cluster];
    });
  }

  #keep(host: number, cluster: Promise<Uint8Array>): void {
    for (const oldest of this.#decompressed.keys()) {
      if (this.#decompressed.size < this.#decompressedMax) break;
      this.#decompressed.delete(oldest);
    }
    this.#decompressed.set(host, cluster);
    cluster.catch(() => this.#decompressed.delete(host));
  }

  #decompress({ host }: Piece, data: Uint8Array): Promise<Uint8Array> {
    const { file, geometry } = this.#core;
    return this.#codec.decompress(data, geometry.clusterBytes).catch((error: unknown) => {
      throw new CorruptImage(file.path, `at byte ${host}: ${error instanceof Error ? error.message : String(error)}`);
    });
  }
}

function misplaced(path: string, { host, hostBytes }: Piece): CorruptImage {
  return new CorruptImage(path, `a compressed cluster of ${hostBytes} bytes is said to be at byte ${host}`);
}
