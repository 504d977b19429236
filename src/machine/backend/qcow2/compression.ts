import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw, constants as zlibConstants } from 'node:zlib';
import { zstdFrame } from './zstd-frame.ts';

const inflate = promisify(inflateRaw);
const deflate = promisify(deflateRaw);

/** A way to compress clusters. */
export interface ClusterCodec {
  /** The compressed form; undefined if that is not smaller. */
  compress(cluster: Uint8Array): Promise<Uint8Array | undefined>;
  /** The first `bytes` bytes that `data` stands for; what follows in `data` is ignored. Throws for anything else. */
  decompress(data: Uint8Array, bytes: number): Promise<Uint8Array>;
}

/** What compresses and decompresses: here, or in threads made for it. */
export interface Compressor {
  /** Raw deflate with a window of 4 KiB. */
  deflate(data: Uint8Array): Promise<Uint8Array>;
  /** Up to `bytes` bytes of what a raw deflate stream stands for, whose end may be missing. Throws for what is none. */
  inflate(data: Uint8Array, bytes: number): Promise<Uint8Array>;
  /** A zstd frame. */
  zstdCompress(data: Uint8Array): Promise<Uint8Array>;
  /** What one whole zstd frame stands for, which ought to be `bytes` bytes. */
  zstdDecompress(frame: Uint8Array, bytes: number): Promise<Uint8Array>;
}

/** How clusters are compressed: as QEMU does it, which reads with that window, and no larger one. */
export const compressionSettings = { windowBits: 12, zstdLevel: 3 } as const;

/** Compresses in Node's threads what is zlib's, and zstd in the one that calls. */
const ownCompressor: Compressor = {
  deflate: (data) => deflate(data, { windowBits: compressionSettings.windowBits }),
  inflate: (data, bytes) =>
    inflate(data, {
      finishFlush: zlibConstants.Z_SYNC_FLUSH,
      maxOutputLength: bytes,
      // All in one step, or each 16 KiB would be waited for.
      chunkSize: Math.max(zlibConstants.Z_MIN_CHUNK, bytes),
    }),
  async zstdCompress(data) {
    const { compress } = await loadZstd();
    return compress(data, compressionSettings.zstdLevel);
  },
  async zstdDecompress(frame, bytes) {
    const { decompress } = await loadZstd();
    return decompress(frame, { defaultHeapSize: bytes });
  },
};

function smaller(out: Uint8Array, cluster: Uint8Array): Uint8Array | undefined {
  return out.length < cluster.length ? out : undefined;
}

function whole(out: Uint8Array, bytes: number): Uint8Array {
  if (out.length !== bytes) throw new Error(`a compressed cluster has ${out.length} bytes`);
  return out;
}

type Zstd = typeof import('@bokuweb/zstd-wasm');

/** Where the library itself keeps that it has been set up: whoever else in this process uses it finds it there. */
const READY = Symbol.for('nodevisor.zstd');

/**
 * The library, set up once for each copy of it and not once for each copy of this module: when it is set up a second
 * time, its code and its memory do not belong together any more.
 */
async function loadZstd(): Promise<Zstd> {
  const library = createRequire(import.meta.url)('@bokuweb/zstd-wasm') as Zstd & { [READY]?: Promise<void> };
  library[READY] ??= library.init();
  await library[READY];
  return library;
}

/** The codec for an image's compression type. */
export function clusterCodec(type: 'zlib' | 'zstd', compressor: Compressor = ownCompressor): ClusterCodec {
  if (type === 'zstd') {
    return {
      compress: async (cluster) => smaller(await compressor.zstdCompress(cluster), cluster),
      decompress: async (data, bytes) => whole(await compressor.zstdDecompress(zstdFrame(data, bytes), bytes), bytes),
    };
  }
  return {
    compress: async (cluster) => smaller(await compressor.deflate(cluster), cluster),
    // The stream's end may be missing: what counts is that a whole cluster comes out.
    decompress: async (data, bytes) => whole(await compressor.inflate(data, bytes), bytes),
  };
}
