import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type Compressor, compressionSettings } from '../../machine/index.ts';
import { assetPath } from '../assets.ts';

/** Threads at most: one thread reads and writes for them all. */
const THREADS_MAX = 4;

/** Batches that a thread has at a time: it goes on with one while the other's results are taken away. */
const SLOTS_PER_THREAD = 2;

/** Bytes of data and of room for what comes out in one batch, if it has more than one job. */
const SLOT_BYTES = 2 * 2 ** 20;

interface Job {
  readonly way: keyof Compressor;
  readonly data: Uint8Array;
  /** Room for what comes out. */
  readonly bytes: number;
  readonly done: (out: Uint8Array) => void;
  readonly failed: (error: Error) => void;
}

type Result = { readonly length: number } | { readonly error: string };

/** Bytes that a job takes in a slot. */
const jobBytes = ({ data, bytes }: Job) => data.length + bytes;

/** Memory shared with a thread, for one batch of jobs at a time. */
class Slot {
  readonly #worker: Worker;
  readonly #id: number;
  #memory = new Uint8Array(new SharedArrayBuffer(SLOT_BYTES));
  #jobs: readonly Job[] = [];

  constructor(worker: Worker, id: number) {
    this.#worker = worker;
    this.#id = id;
  }

  start(jobs: readonly Job[]): void {
    this.#jobs = jobs;
    const needed = jobs.reduce((sum, job) => sum + jobBytes(job), 0);
    if (needed > this.#memory.length) this.#memory = new Uint8Array(new SharedArrayBuffer(needed));
    let at = 0;
    const placed = jobs.map((job) => {
      const { way, data, bytes } = job;
      this.#memory.set(data, at);
      const place = { way, at, length: data.length, bytes };
      at += jobBytes(job);
      return place;
    });
    this.#worker.postMessage({ slot: this.#id, shared: this.#memory.buffer, jobs: placed });
  }

  finish(results: readonly Result[]): void {
    let at = 0;
    for (const [i, job] of this.#jobs.entries()) {
      const result = results[i];
      const out = at + job.data.length;
      if ('error' in result) job.failed(new Error(result.error));
      else if (result.length <= job.bytes) job.done(this.#memory.slice(out, out + result.length));
      else job.failed(new Error(`a compressed cluster has ${result.length} bytes`));
      at += jobBytes(job);
    }
    this.#jobs = [];
  }

  /** Ends what it was given with an error. */
  fail(error: Error): void {
    for (const job of this.#jobs) job.failed(error);
    this.#jobs = [];
  }
}

/**
 * Threads that compress and decompress clusters, as many as the host has processors. They are started when the first
 * cluster comes, and take what has come meanwhile in batches.
 */
export class CompressionThreads implements Compressor {
  readonly #count: number;
  readonly #workers: Worker[] = [];
  readonly #slots: Slot[] = [];
  readonly #free: Slot[] = [];
  #waiting: Job[] = [];
  #dispatching = false;
  #broken: Error | undefined;

  constructor(count = Math.min(THREADS_MAX, availableParallelism())) {
    this.#count = count;
  }

  deflate(data: Uint8Array): Promise<Uint8Array> {
    return this.#run('deflate', data, compressedBound(data.length));
  }

  inflate(data: Uint8Array, bytes: number): Promise<Uint8Array> {
    return this.#run('inflate', data, bytes);
  }

  zstdCompress(data: Uint8Array): Promise<Uint8Array> {
    return this.#run('zstdCompress', data, compressedBound(data.length));
  }

  zstdDecompress(frame: Uint8Array, bytes: number): Promise<Uint8Array> {
    return this.#run('zstdDecompress', frame, bytes);
  }

  /** Ends the threads; what they were still to do fails. */
  async close(): Promise<void> {
    this.#break(new Error('the threads for compression have ended'));
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #run(way: keyof Compressor, data: Uint8Array, bytes: number): Promise<Uint8Array> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    return new Promise((done, failed) => {
      this.#waiting.push({ way, data, bytes, done, failed });
      if (this.#dispatching) return;
      this.#dispatching = true;
      // Whoever has one job has more: they go together.
      queueMicrotask(() => {
        this.#dispatching = false;
        this.#dispatch();
      });
    });
  }

  #dispatch(): void {
    if (this.#workers.length === 0 && this.#broken === undefined) this.#startThreads();
    while (this.#waiting.length > 0) {
      const slot = this.#free.shift();
      if (slot === undefined) return;
      slot.start(this.#takeBatch());
    }
  }

  /** As many jobs as leave the same for each slot, and as have room in one. */
  #takeBatch(): Job[] {
    const most = Math.ceil(this.#waiting.length / this.#slots.length);
    let count = 1;
    let bytes = jobBytes(this.#waiting[0]);
    while (count < most && bytes + jobBytes(this.#waiting[count]) <= SLOT_BYTES)
      bytes += jobBytes(this.#waiting[count++]);
    return this.#waiting.splice(0, count);
  }

  #startThreads(): void {
    const script = pathToFileURL(assetPath('tools/image-tool/compression-worker.mjs'));
    for (let i = 0; i < this.#count; i++) {
      const worker = new Worker(script, { workerData: compressionSettings, execArgv: [] });
      worker.on('message', ({ slot, results }: { slot: number; results: readonly Result[] }) => {
        this.#slots[slot].finish(results);
        this.#free.push(this.#slots[slot]);
        this.#dispatch();
      });
      worker.on('error', (error) => this.#break(error));
      this.#workers.push(worker);
    }
    for (let id = 0; id < this.#count * SLOTS_PER_THREAD; id++) {
      this.#slots.push(new Slot(this.#workers[id % this.#count], id));
    }
    this.#free.push(...this.#slots);
  }

  #break(error: Error): void {
    this.#broken ??= error;
    for (const job of this.#waiting) job.failed(error);
    this.#waiting = [];
    for (const slot of this.#slots) slot.fail(error);
  }
}

/** Bytes that data that cannot be compressed may become, at most. */
function compressedBound(bytes: number): number {
  return bytes + Math.ceil(bytes / 64) + 1024;
}
