import { randomUUID } from 'node:crypto';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** What a file is called until it is whole. */
const unfinished = /^\..+\.new$/;

/**
 * Writes a file so that, whatever happens meanwhile, there is the old one or the new one whole: it is written beside,
 * brought to the disk, and renamed. `sync` false: it need only be whole as long as the host runs, and is written sooner.
 */
export async function writeFileAtomically(path: string, text: string, { sync = true } = {}): Promise<void> {
  const temporary = join(dirname(path), `.${randomUUID()}.new`);
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(text);
      if (sync) await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  if (sync) await syncDirectory(dirname(path));
}

/** Removes files of one directory for good, in this order; one that is not there is no error. */
export async function removeFile(path: string, ...more: readonly string[]): Promise<void> {
  for (const one of [path, ...more]) await rm(one, { force: true });
  await syncDirectory(dirname(path));
}

/** Removes what writers that were killed have left in a directory. */
export async function removeUnfinished(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (unfinished.test(name)) await rm(join(directory, name), { force: true });
  }
}

/** Brings a directory's entries to the disk, on systems where a directory can be opened. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r').catch(() => undefined);
  // Some file systems do not sync directories: then the rename is as safe as it gets.
  await directory?.sync().catch(() => undefined);
  await directory?.close();
}
