/**
 * Bundles the program of a machine's process, main.js, and of its vCPU threads, worker.js: for the package when that is
 * built (`node program-bundle.mjs DIRECTORY`), for a checkout when it is first asked for. Both look for the native addon
 * three folders up. Each loads its bundle with what V8 has compiled of it before, which the build keeps beside it: a
 * machine starts in two thirds of the time. Without that, or in a Node.js of another version, it compiles as always.
 */
import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const sourcePath = (name) => fileURLToPath(new URL(name, import.meta.url));

/** What comes before the program of a process: its thread starts while that is loaded, and has as long to be ready. */
const STARTER = `const { Worker } = require('node:worker_threads');
const thread = new Worker(join(__dirname, 'worker.js'));
`;

/** Programs by the names of the files that run them: where they come from, and the names of their bundles. */
const programs = {
  main: { entry: sourcePath('./domain-main.ts'), bundle: 'domain', before: STARTER },
  worker: { entry: sourcePath('../../drivers/kvm/worker.ts'), bundle: 'vcpu' },
};

/** The bundle of a program: a function of what a module has around it. */
async function bundled(entry) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: true,
    write: false,
    logLevel: 'silent',
    define: { 'import.meta.url': '__moduleUrl', 'import.meta.vcpuThread': '__vcpuThread' },
    // V8 forgets who imports for code that it has from a cache: all becomes require().
    supported: { 'dynamic-import': false },
  });
  return `(function (require, module, exports, __moduleUrl, __vcpuThread) {${outputFiles[0].text}\n})`;
}

const hashOf = (text) => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** Name of the file with what V8 has compiled of a bundle; V8 itself knows a bundle by its length alone. */
const cacheOf = (bundle, text) => `${bundle}.${hashOf(text)}.cache`;

/** Bytes of the checksum at the end of such a file. */
const SUM_BYTES = 20;

/**
 * Text of the module that loads a bundle. V8 is given a cache with the right checksum only: it looks at the length itself,
 * and a cache that is damaged otherwise brings the process down. `before`: what it does first, with `join`; that it calls
 * `thread` is the program's. `after`: what it does in the end, with `script`, `sumOf`, `cachePath` and `writeFileSync`.
 */
function loader(bundle, cache, { before = 'const thread = undefined;\n', after = '' }) {
  return `'use strict';
const { createHash } = require('node:crypto');
const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { Script } = require('node:vm');
${before}const path = join(__dirname, '${bundle}.js');
const cachePath = join(__dirname, '${cache}');
const sumOf = (bytes) => createHash('sha1').update(bytes).digest();
let cachedData;
try {
  const kept = readFileSync(cachePath);
  const compiled = kept.subarray(0, -${SUM_BYTES});
  if (sumOf(compiled).equals(kept.subarray(-${SUM_BYTES}))) cachedData = compiled;
} catch {}
const script = new Script(readFileSync(path, 'utf8'), {
  filename: path,
  cachedData,
});
script.runInThisContext()(require, module, exports, pathToFileURL(path).href, thread);
${after}`;
}

/** Writes a file that is not so already, whole at any moment: others may be starting it. */
async function put(path, text) {
  const before = await readFile(path, 'utf8').catch(() => undefined);
  if (before === text) return;
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, text);
  await rename(temporary, path);
}

/** What comes after a program, so that its cache is kept in the end, when V8 has compiled all that was needed. */
const KEEPER = `process.on('exit', () => {
  const compiled = script.createCachedData();
  writeFileSync(cachePath, Buffer.concat([compiled, sumOf(compiled)]));
});
`;

async function bundleInto(directory, { keeps = false } = {}) {
  await mkdir(directory, { recursive: true });
  const caches = new Set();
  for (const [name, { entry, bundle, before }] of Object.entries(programs)) {
    const text = await bundled(entry);
    const cache = cacheOf(bundle, text);
    caches.add(cache);
    await put(join(directory, `${bundle}.js`), text);
    await put(join(directory, `${name}.js`), loader(bundle, cache, { before, after: keeps ? KEEPER : '' }));
  }
  // Bundles are no modules wherever they lie.
  await writeFile(join(directory, 'package.json'), '{"type":"commonjs"}\n');
  return caches;
}

/** Runs a machine until it has ended, so that V8 compiles what machines need; then their programs write their caches. */
async function runMachine(directory) {
  const { MachineLink } = await import(pathToFileURL(join(directory, '../process/machine-link.js')).href);
  const child = spawn(process.execPath, [join(directory, 'main.js'), directory, 'warm-up'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = new Promise((done) => child.once('exit', done));
  await Promise.race([new Promise((ready) => child.stdout.once('data', ready)), exit]);
  const link = await MachineLink.open(join(directory, 'warm-up.sock'));
  const options = { kernel: sourcePath('../../guest/guest.elf'), memory: '64M', append: 'shell' };
  const { consoles } = await link.call('make', { options, disks: [], title: 'nodevisor-domain warm-up' });
  const [console] = link.consoles(consoles);
  const booted = new Promise((heard) => console.on('data', heard));
  console.attach();
  await link.call('start', { outlive: false });
  await Promise.race([booted, exit]);
  await link.call('destroy', {});
  await link.call('quit', {}).catch(() => {});
  await exit;
}

/** Makes the caches of the bundles in a directory, in another beside it. */
async function cacheInto(directory, caches) {
  const trial = join(dirname(directory), `domain-program-${randomUUID()}`);
  try {
    await bundleInto(trial, { keeps: true });
    await runMachine(trial);
    for (const cache of caches) {
      // The program makes its files for its user alone; this one is for whoever runs the package.
      await chmod(join(trial, cache), 0o644);
      await rename(join(trial, cache), join(directory, cache));
    }
  } finally {
    await rm(trial, { recursive: true, force: true });
  }
  const past = (await readdir(directory)).filter((name) => name.endsWith('.cache') && !caches.has(name));
  await Promise.all(past.map((name) => rm(join(directory, name))));
}

let checkout;

/** Path of the program in a checkout: made once per process. */
export function bundleDomainProgram() {
  const directory = sourcePath('../../../build/domain-program/source');
  checkout ??= bundleInto(directory).then(() => join(directory, 'main.js'));
  return checkout;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const directory = resolve(process.argv[2] ?? '');
  const caches = await bundleInto(directory);
  // Slower starts are no reason not to build.
  await cacheInto(directory, caches).catch((error) => {
    process.stderr.write(`what V8 compiles of the domain program is not kept: ${error.message}\n`);
  });
}
