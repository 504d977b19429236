/**
 * vCPU threads in a checkout. Loaders such as tsx do not pass from a thread to its workers, and registering one in each
 * takes half a second; so they run a bundle of worker.ts, made once per process. The package runs worker.js.
 */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

let bundle;

/** The program of a vCPU thread, as CommonJS text. */
export function workerBundle() {
  bundle ??= build({
    entryPoints: [fileURLToPath(new URL('./worker.ts', import.meta.url))],
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    write: false,
    sourcemap: 'inline',
    logLevel: 'silent',
    // In CommonJS nothing says where a module lies; the native addon is found from there.
    define: { 'import.meta.url': JSON.stringify(new URL('./worker.ts', import.meta.url).href) },
  }).then(({ outputFiles }) => outputFiles[0].text);
  return bundle;
}
