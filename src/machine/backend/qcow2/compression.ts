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

/** The one copy of the library in this process, once something needed it: it keeps nothing between two calls. */
let zstd: Promise<Zstd> | undefined;

function loadZstd(): Promise<Zstd> {
  zstd ??= import('@bokuweb/zstd-wasm').then(async (library) => {
    await library.init();
    return library;
  });
  return zstd;
}

/** The codec for an image's compression type. */
export function clusterCodec(type: 'zlib' | 'zstd'): ClusterCodec {
  return type === 'zstd' ? zstdCodec : zlibCodec;
}
