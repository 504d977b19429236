/**
 * A thread that compresses and decompresses clusters. It is told of jobs in memory that it shares with who started it,
 * and puts there what comes out. As plain JavaScript it is the same in a checkout and in the package.
 */
import { createRequire } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';

const { windowBits, zstdLevel } = workerData;

let library;

/** Once, also for a batch that comes while it is under way: set up again, its code and its memory no longer belong together. */
let loading;

function loadZstd() {
  loading ??= (async () => {
    const loaded = createRequire(import.meta.url)('@bokuweb/zstd-wasm');
    await loaded.init();
    library = loaded;
  })();
  return loading;
}

const ways = {
  deflate: (data, bytes) => deflateRawSync(data, { windowBits, chunkSize: bytes }),
  inflate: (data, bytes) => {
    const finishFlush = constants.Z_SYNC_FLUSH;
    return inflateRawSync(data, { finishFlush, maxOutputLength: bytes, chunkSize: bytes });
  },
  zstdCompress: (data) => library.compress(data, zstdLevel),
  zstdDecompress: (data, bytes) => library.decompress(data, { defaultHeapSize: bytes }),
};

/** Does a job: `data` is at `at`, what comes out goes behind it if it has no more than `bytes` bytes. */
function run({ way, at, length, bytes }, memory) {
  try {
    const out = ways[way](memory.subarray(at, at + length), bytes);
    if (out.length <= bytes) memory.set(out, at + length);
    return { length: out.length };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

parentPort.on('message', async ({ slot, shared, jobs }) => {
  if (jobs.some(({ way }) => way.startsWith('zstd'))) await loadZstd();
  const memory = new Uint8Array(shared);
  parentPort.postMessage({ slot, results: jobs.map((job) => run(job, memory)) });
});
