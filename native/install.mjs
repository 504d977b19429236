/**
 * Builds the native CPU backend at install. It is optional: without a compiler the package works with the other
 * backends, so this never fails the install but says in one line why the backend is missing.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const product = join(root, 'build', 'Release', 'hart.node');

/** Time of the newest file under a folder. */
function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function upToDate() {
  if (!existsSync(product)) return false;
  const sources = ['binding.gyp', 'native/binding', 'native/core'].map((name) => join(root, name));
  return Math.max(...sources.map(newest)) <= statSync(product).mtimeMs;
}

/** node-gyp: the one that npm names to its scripts, or the one that comes with npm. */
function nodeGyp() {
  const prefix = dirname(dirname(process.execPath));
  const npm = ['lib/node_modules/npm', 'node_modules/npm'].map((name) => join(prefix, name));
  const candidates = [
    process.env.npm_config_node_gyp,
    ...npm.map((folder) => join(folder, 'node_modules/node-gyp/bin/node-gyp.js')),
    join(dirname(process.execPath), 'node_modules/npm/node_modules/node-gyp/bin/node-gyp.js'),
  ];
  const found = candidates.find((path) => path !== undefined && existsSync(path));
  if (found !== undefined) return found;
  try {
    return createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  } catch {
    return undefined;
  }
}

/** Node's headers that lie beside its executable save downloading them. */
function headers() {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, 'include/node/node_api.h')) ? [`--nodedir=${prefix}`] : [];
}

function build() {
  const gyp = nodeGyp();
  if (gyp === undefined) return 'node-gyp is not here';
  const args = [gyp, 'configure', 'build', '--release', '-j', '2', ...headers()];
  const run = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  if (run.status === 0) return undefined;
  const output = `${run.stdout ?? ''}${run.stderr ?? ''}`;
  if (process.env.NODEVISOR_BUILD_LOG !== undefined) process.stderr.write(output);
  const errors = output.split('\n').filter((line) => /error|not found|ERR!.*(stack|find)/i.test(line));
  return (errors[0] ?? run.error?.message ?? `node-gyp ended with status ${run.status}`).trim();
}

if (!upToDate()) {
  const problem = build();
  if (problem !== undefined) {
    process.stderr.write(`nodevisor: no native CPU backend (${problem}); the other backends work without it\n`);
  }
}
