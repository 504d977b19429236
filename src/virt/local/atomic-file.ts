import { randomUUID } from 'node:crypto';
import { closeSync, fsync, openSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { type FileHandle, open, readdir, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** What a file is called until it is whole. */
const unfinished = /^\..+\.new$/;

/**
 * Writes a file so that whoever reads it finds the old one or the new one whole, even if this process is killed: it is
 * written beside, and renamed. `sync` brings it to the disk first, for when the host may stop.
 */
export async function writeFileAtomically(path: string, text: string, { sync = false } = {}): Promise<void> {
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
    await removeFile(temporary);
    throw error;
  }
}

/** Removes a file; one that is not there is no error. */
export async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function removeNow(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Removes what writers that were killed have left in a directory. */
export async function removeUnfinished(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (unfinished.test(name)) await removeFile(join(directory, name));
  }
}

/** How long, in milliseconds, changed names may wait to be brought to the disk together. */
const NAMES_MS = 50;

/** Waits until what was written to a file is on the disk: the one step here that takes its time. */
function synced(file: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fsync(file, (error) => (error === null ? resolve() : reject(error)));
  });
}

/**
 * A directory of files that are whole, whenever this process or the host stops. One object at a time may write to it,
 * after `removeUnfinished`. What each step is safe against, once its promise has resolved:
 *
 * - `write`: the content is on the disk before the file has its name, so whoever reads it finds the old content or the
 *   new, whole. Of a process that is killed, the new. Of a host that loses its power before the names have followed, a
 *   moment later and together, the old; libvirt's daemon, which never syncs its directories, leaves the same.
 * - `remove`: of a process that is killed, the file is gone. Of a host that loses its power in that moment it may be
 *   there again, whole.
 *
 * Only the disk is waited for in a thread of its own: all else happens in the system's memory, and going to another
 * thread and back takes several times as long.
 */
export class DurableDirectory {
  readonly path: string;
  /** Absent on systems where a directory cannot be opened: there a rename is as safe as it gets. */
  readonly #handle: FileHandle | undefined;
  #syncing: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #written = 0;

  private constructor(path: string, handle: FileHandle | undefined) {
    this.path = path;
    this.#handle = handle;
  }

  static async open(path: string): Promise<DurableDirectory> {
    return new DurableDirectory(path, await open(path, 'r').catch(() => undefined));
  }

  /** Writes a file, in place of the one that is there. Throws the system's error; then the one that was there stays. */
  async write(name: string, text: string): Promise<void> {
    const temporary = join(this.path, `.${this.#written++}.new`);
    try {
      const file = openSync(temporary, 'wx', 0o600);
      try {
        writeFileSync(file, text);
        await synced(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, join(this.path, name));
    } catch (error) {
      removeNow(temporary);
      throw error;
    }
    this.#syncSoon();
  }

  /** Removes files, in this order; one that is not there is no error. */
  async remove(...names: readonly string[]): Promise<void> {
    for (const name of names) removeNow(join(this.path, name));
    this.#syncSoon();
  }

  /** Waits for the disk. No change may be under way. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#sync();
    await this.#handle?.close();
  }

  #syncSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#sync();
    }, NAMES_MS).unref();
  }

  #sync(): Promise<void> {
    // Some file systems do not sync directories.
    this.#syncing = this.#syncing.then(() => this.#handle?.sync()).catch(() => {});
    return this.#syncing;
  }
}
