import { strict as assert } from 'node:assert';
import { createCipheriv } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { clusterCodec, compressionSettings } from '../../../src/machine/backend/qcow2/compression.ts';
import { assetPath } from '../../../src/tools/assets.ts';
import { CompressionThreads } from '../../../src/tools/image-tool/compression-threads.ts';

const CLUSTER = 65_536;

/** Clusters that pack well, all of them different. */
const clusters = Array.from({ length: 100 }, (_, n) => new Uint8Array(CLUSTER).map((_, i) => (i >> 5) + n));

/** What cannot be made smaller. */
const noise = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(CLUSTER));

async function withThreads(job: (threads: CompressionThreads) => Promise<void>): Promise<void> {
  const threads = new CompressionThreads(2);
  try {
    await job(threads);
  } finally {
    await threads.close();
  }
}

describe('threads for compression', () => {
  for (const type of ['zlib', 'zstd'] as const) {
    it(`make of clusters what is made without them, and back (${type})`, () =>
      withThreads(async (threads) => {
        const there = clusterCodec(type, threads);
        const here = clusterCodec(type);
        const packed = await Promise.all(clusters.map((cluster) => there.compress(cluster)));
        for (const [n, cluster] of clusters.entries()) {
          assert.ok(Buffer.from(packed[n] ?? []).equals((await here.compress(cluster)) ?? cluster), `cluster ${n}`);
        }
        const unpacked = packed.map((data) => there.decompress(data ?? new Uint8Array(0), CLUSTER));
        assert.deepEqual(await Promise.all(unpacked), clusters);
      }));

    it(`leave what does not get smaller as it is, and take clusters of any size (${type})`, () =>
      withThreads(async (threads) => {
        const codec = clusterCodec(type, threads);
        assert.equal(await codec.compress(noise.subarray(0, CLUSTER)), undefined);
        const vast = new Uint8Array(4 * 2 ** 20).map((_, i) => i >> 9);
        const packed = await codec.compress(vast);
        assert.ok(packed !== undefined && packed.length < vast.length / 10);
        assert.deepEqual(await codec.decompress(packed, vast.length), vast);
      }));

    it(`tell what is wrong with data, and go on (${type})`, () =>
      withThreads(async (threads) => {
        const codec = clusterCodec(type, threads);
        const packed = (await codec.compress(clusters[1])) ?? new Uint8Array(0);
        const results = await Promise.allSettled([
          codec.decompress(noise.subarray(0, 1000), CLUSTER),
          codec.decompress(packed, CLUSTER / 2),
          codec.decompress(packed, CLUSTER * 2),
          codec.decompress(packed, CLUSTER),
        ]);
        assert.deepEqual(
          results.map(({ status }) => status),
          ['rejected', 'rejected', 'rejected', 'fulfilled'],
        );
      }));
  }

  it('set up their library once, for what comes while that goes on too', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'nodevisor-threads-'));
    const library = join(directory, 'library.cjs');
    const path = createRequire(import.meta.url).resolve('@bokuweb/zstd-wasm');
    // In the library's place: what tells how often it has been set up.
    writeFileSync(
      library,
      `let times = 0;
       const init = () => new Promise((resolve) => { times++; setTimeout(resolve, 50); });
       const library = { init, decompress: () => Uint8Array.of(times) };
       require.cache[${JSON.stringify(path)}] = { id: 'library', loaded: true, exports: library };`,
    );
    const script = pathToFileURL(assetPath('tools/image-tool/compression-worker.mjs'));
    const worker = new Worker(script, { workerData: compressionSettings, execArgv: ['--require', library] });
    try {
      const memories = [0, 1].map(() => new Uint8Array(new SharedArrayBuffer(2)));
      for (const [slot, { buffer }] of memories.entries()) {
        worker.postMessage({ slot, shared: buffer, jobs: [{ way: 'zstdDecompress', at: 0, length: 1, bytes: 1 }] });
      }
      for (const _ of memories) await once(worker, 'message');
      assert.deepEqual(
        memories.map((memory) => memory[1]),
        [1, 1],
      );
    } finally {
      await worker.terminate();
      rmSync(directory, { recursive: true });
    }
  });

  it('fail what is still to be done when they are ended, and all that comes later', async () => {
    const threads = new CompressionThreads(1);
    const waiting = clusters.map((cluster) => threads.deflate(cluster));
    const ended = Promise.allSettled(waiting);
    await Promise.resolve();
    await threads.close();
    for (const { status } of await ended) assert.equal(status, 'rejected');
    await assert.rejects(threads.deflate(clusters[0]), /have ended/);
  });
});
