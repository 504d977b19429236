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

/** Raw deflate with a window of 4 KiB: QEMU reads with that window, and no larger one. */
const zlibCodec: ClusterCodec = {
  async compress(cluster) {
    const out = await deflate(cluster, { windowBits: 12 });
    return out.length < cluster.length ? out : undefined;
  },
  async decompress(data, bytes) {
    // The stream's end may be missing: what counts is that a whole cluster comes out.
    const out = await inflate(data, { finishFlush: zlibConstants.Z_SYNC_FLUSH, maxOutputLength: bytes });
    if (out.length !== bytes) throw new Error(`a compressed cluster has ${out.length} bytes`);
    return out;
  },
};

/** QEMU's level too. */
const ZSTD_LEVEL = 3;

const zstdCodec: ClusterCodec = {
  async compress(cluster) {
    const { compress } = await loadZstd();
    const out = compress(cluster, ZSTD_LEVEL);
    return out.length < cluster.length ? out : undefined;
  },
  async decompress(data, bytes) {
    const frame = zstdFrame(data, bytes);
    const { decompress } = await loadZstd();
    const out = decompress(frame, { defaultHeapSize: bytes });
    if (out.length !== bytes) throw new Error(`a compressed cluster has ${out.length} bytes`);
    return out;
  },
};

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
export function clusterCodec(type: 'zlib' | 'zstd'): ClusterCodec {
  return type === 'zstd' ? zstdCodec : zlibCodec;
}
