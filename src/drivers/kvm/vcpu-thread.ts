import { Worker } from 'node:worker_threads';
import type { VcpuThreadData } from './protocol.ts';

declare global {
  interface ImportMeta {
    /** A thread that what loads this bundle has started before it, which runs the program of a vCPU. */
    readonly vcpuThread?: Worker;
  }
}

/** The thread that was there before this module, until somebody takes it. */
let first = import.meta.vcpuThread;

/** A thread that has no vCPU yet. Of the process, as threads are. */
let prepared: Worker | undefined;

/**
 * Starts a thread ahead of its vCPU, since loading its program takes longer than all else; the next vCPU of this process
 * gets it. It keeps the process from nothing. If it dies there is none, and the vCPU gets a thread of its own.
 */
export async function prepareVcpuThread(): Promise<void> {
  if (prepared !== undefined) return;
  const worker = first ?? (await startWorker(undefined));
  first = undefined;
  const lost = () => {
    if (prepared === worker) prepared = undefined;
  };
  worker.once('error', lost);
  worker.once('exit', lost);
  worker.unref();
  prepared = worker;
}

/** A thread that runs a vCPU: the one that was prepared, or a new one. */
export async function startVcpuThread(data: VcpuThreadData): Promise<Worker> {
  const worker = prepared;
  if (worker === undefined) return startWorker(data);
  prepared = undefined;
  worker.removeAllListeners();
  worker.ref();
  worker.postMessage(data);
  return worker;
}

/**
 * Starts a thread. It runs a bundle, because every thread loads its modules anew and two hundred files take longer
 * than one: made by the build in the package, where it is this file's neighbour, at the first use in a checkout.
 */
async function startWorker(data: VcpuThreadData | undefined): Promise<Worker> {
  if (!import.meta.url.endsWith('.ts')) {
    return new Worker(new URL('./worker.js', import.meta.url), { workerData: data });
  }
  const source: { workerBundle(): Promise<string> } = await import(
    new URL('./worker-from-source.mjs', import.meta.url).href
  );
  return new Worker(await source.workerBundle(), { eval: true, workerData: data });
}
