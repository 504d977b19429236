import { Worker } from 'node:worker_threads';

/**
 * A worker thread that runs a TypeScript module. tsx does not hand its loader down to workers by itself, so the worker
 * starts with a line of JavaScript that registers it. The module finds `data` in `workerData.data`.
 */
export function startTsWorker(module: URL, data: unknown): Worker {
  const bootstrap = `import('tsx/esm/api').then(({ register }) => {
    register();
    return import(require('node:worker_threads').workerData.module);
  });`;
  return new Worker(bootstrap, { eval: true, workerData: { module: module.href, data } });
}

/** Resolves when the worker has ended by itself, rejects with its error. */
export function workerEnd(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`worker ended with ${code}`))));
  });
}
