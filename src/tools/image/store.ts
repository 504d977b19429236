import { createHash } from 'node:crypto';
import { link, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { homeDirectory, makeDirectory, VirtError } from '../../util/index.ts';
import { fileError } from './file-error.ts';

/** What is in an image directory: written last, so that what it names is there. */
export interface Manifest {
  readonly format: 1;
  readonly name: string;
  /** One line for people: distribution, version, kernel. */
  readonly title: string;
  /** File names in the directory. */
  readonly kernel: string;
  readonly initrd: string;
  /** Kernel command line to boot it with. */
  readonly append: string;
  /** Hashes of all that the files were made from: equal, and there is nothing to do. */
  readonly inputs: Readonly<Record<string, string>>;
}

const MANIFEST = 'manifest.json';
const LOCK = '.lock';
const DOWNLOADS = 'downloads';

/** Where images go unless told otherwise: below the XDG cache directory. */
export function defaultImageDirectory(name: string, env: NodeJS.ProcessEnv): string {
  const cache = env['XDG_CACHE_HOME'];
  return join(cache?.startsWith('/') ? cache : join(homeDirectory(env), '.cache'), 'nodevisor', 'images', name);
}

/** Writes a file so that it is either there whole or not at all: written beside, synced, renamed. */
export async function writeAtomically(path: string, bytes: Uint8Array): Promise<void> {
  const beside = `${path}.new`;
  try {
    const file = await open(beside, 'w');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw fileError(path, error);
  }
}

/** The manifest of an image directory; undefined when there is no image. @throws VirtError when it is damaged */
export async function readManifest(directory: string): Promise<Manifest | undefined> {
  const path = join(directory, MANIFEST);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
  try {
    const manifest = JSON.parse(text) as Manifest;
    if (manifest.format === 1 && typeof manifest.kernel === 'string' && typeof manifest.initrd === 'string') {
      return manifest;
    }
  } catch {
    // Not JSON: damaged as well.
  }
  throw new VirtError('INVALID_ARG', `${path}: damaged; run "nodevisor image pull debian" again`);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Whether the directory holds an image made from exactly these inputs. */
export async function isCurrent(directory: string, inputs: Manifest['inputs']): Promise<Manifest | undefined> {
  const manifest = await readManifest(directory).catch(() => undefined);
  if (manifest === undefined) return undefined;
  const names = new Set([...Object.keys(inputs), ...Object.keys(manifest.inputs ?? {})]);
  for (const name of names) if (manifest.inputs?.[name] !== inputs[name]) return undefined;
  const there = await Promise.all([manifest.kernel, manifest.initrd].map((name) => exists(join(directory, name))));
  return there.every(Boolean) ? manifest : undefined;
}

/** Names a file after its contents, so that a new one never overwrites one that a machine may be booting from. */
export function contentName(name: string, bytes: Uint8Array, extension = ''): string {
  return `${name}-${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}${extension}`;
}

/** Puts kernel and initramfs into the directory, then the manifest, then removes those of the manifest before it. */
export async function publish(
  directory: string,
  manifest: Manifest,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  const before = await readManifest(directory).catch(() => undefined);
  for (const [name, bytes] of files) await writeAtomically(join(directory, name), bytes);
  await writeAtomically(join(directory, MANIFEST), Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
  for (const old of [before?.kernel, before?.initrd]) {
    const ours = old !== undefined && old === basename(old) && old !== manifest.kernel && old !== manifest.initrd;
    if (ours) await rm(join(directory, old), { force: true });
  }
}

/** Where the archive's files are kept, named by their hashes. */
export function downloadPath(directory: string, sha256: string): string {
  return join(directory, DOWNLOADS, sha256);
}

/** Removes downloads, whole or partial, that are not among these hashes. */
export async function pruneDownloads(directory: string, keep: readonly string[]): Promise<void> {
  const downloads = join(directory, DOWNLOADS);
  for (const name of await readdir(downloads).catch(() => [])) {
    const hash = /^([0-9a-f]{64})(\.part)?$/.exec(name)?.[1];
    if (hash !== undefined && !keep.includes(hash)) await rm(join(downloads, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Makes the lock file, with our process id in it from its first moment; false: somebody has it. */
async function takeLock(path: string): Promise<boolean> {
  const mine = `${path}.${process.pid}`;
  await writeFile(mine, `${process.pid}\n`);
  try {
    await link(mine, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    await rm(mine, { force: true });
  }
}

/** Runs `work` while holding the directory's lock. @throws VirtError when another process has it */
export async function withLock<T>(directory: string, work: () => Promise<T>): Promise<T> {
  await makeDirectory(join(directory, DOWNLOADS)).catch((cause) => Promise.reject(fileError(directory, cause)));
  const path = join(directory, LOCK);
  while (!(await takeLock(path))) {
    const pid = Number(await readFile(path, 'utf8').catch(() => ''));
    if (pid > 0 && isAlive(pid)) {
      throw new VirtError('OPERATION_INVALID', `${directory}: process ${pid} is working on it; wait for it to end`);
    }
    // Left behind by a process that was killed.
    await rm(path, { force: true });
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}
