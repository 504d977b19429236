/**
 * Bundles the program of a machine's process, main.mjs, and of its vCPU threads, worker.js: for the package when that is
 * built (`node program-bundle.mjs DIRECTORY`), for a checkout when it is first asked for. Both look for the native addon
 * three folders up.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const sourcePath = (name) => fileURLToPath(new URL(name, import.meta.url));

async function bundle(entry, path) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: true,
    write: false,
    logLevel: 'silent',
  });
  const text = outputFiles[0].text;
  const before = await readFile(path, 'utf8').catch(() => undefined);
  if (before === text) return;
  // Whole at any moment: others may be starting it.
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, text);
  await rename(temporary, path);
}

async function bundleInto(directory) {
  await mkdir(directory, { recursive: true });
  await bundle(sourcePath('./domain-main.ts'), join(directory, 'main.mjs'));
  await bundle(sourcePath('../../drivers/kvm/worker.ts'), join(directory, 'worker.js'));
  // Bundles are modules wherever they lie.
  await writeFile(join(directory, 'package.json'), '{"type":"module"}\n');
  return join(directory, 'main.mjs');
}

let bundled;

/** Path of the program in a checkout: made once per process. */
export function bundleDomainProgram() {
  bundled ??= bundleInto(sourcePath('../../../build/domain-program/source'));
  return bundled;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundleInto(resolve(process.argv[2] ?? ''));
