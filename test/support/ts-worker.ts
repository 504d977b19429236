import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { buildSync } from 'esbuild';

/**
 * Modules that lie two folders deep in src or dist find the native addon by their place; in a bundle they have that of
 * any such module.
 */
const PLACE = new URL('../../src/drivers/kvm/worker.ts', import.meta.url);

const bundles = new Map<string, string>();

/** A module with all it imports as one CommonJS text, made once per process. */
function bundle(module: URL): string {
  const known = bundles.get(module.href);
  if (known !== undefined) return known;
  const { outputFiles } = buildSync({
    entryPoints: [fileURLToPath(module)],
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    write: false,
    sourcemap: 'inline',
    define: { 'import.meta.url': JSON.stringify(PLACE.href) },
  });
  const text = outputFiles[0]?.text ?? '';
  bundles.set(module.href, text);
  return text;
}

/**
 * A worker thread that runs a TypeScript module, as a bundle: tsx does not hand its loader down to workers by itself, and
 * registering it in each takes half a second. The module finds `data` in `workerData.data`.
 */
export function startTsWorker(module: URL, data: unknown): Worker {
  return new Worker(bundle(module), { eval: true, workerData: { data } });
}

/** Resolves when the worker has ended by itself, rejects with its error. */
export function workerEnd(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`worker ended with ${code}`))));
  });
}
