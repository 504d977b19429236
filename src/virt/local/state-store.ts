import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lockFile, makeDirectory } from '../../util/index.ts';
import { virtError } from '../errors.ts';
import { DurableDirectory, removeUnfinished } from './atomic-file.ts';

/** Kinds of objects whose definitions are kept; also the names of their folders. */
export const storedKinds = ['domains', 'networks', 'pools'] as const;
export type StoredKind = (typeof storedKinds)[number];

/** A definition as it is kept. */
export interface StoredObject {
  readonly uuid: string;
  readonly xml: string;
  readonly autostart: boolean;
}

/**
 * Where definitions are kept. Calls about one object must not overlap. What a promise that has resolved stands for, see
 * `DurableDirectory`.
 */
export interface StateStore {
  load(kind: StoredKind): Promise<StoredObject[]>;
  /** Keeps a definition, in place of the one of the same UUID. @param format gives it; not called by who needs no text */
  save(kind: StoredKind, uuid: string, format: () => string): Promise<void>;
  setAutostart(kind: StoredKind, uuid: string, autostart: boolean): Promise<void>;
  remove(kind: StoredKind, uuid: string): Promise<void>;
  close(): Promise<void>;
}

/** Keeps nothing: the objects themselves are what there is. */
export class MemoryStore implements StateStore {
  async load(): Promise<StoredObject[]> {
    return [];
  }

  async save(): Promise<void> {}

  async setAutostart(): Promise<void> {}

  async remove(): Promise<void> {}

  async close(): Promise<void> {}
}

const uuidFile = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.xml$/;

/**
 * Keeps definitions in a directory: `domains/UUID.xml`, and beside it an empty `UUID.autostart` for one that starts by
 * itself. Each file is replaced as a whole, so a process killed at any moment leaves the old or the new one. One
 * process at a time may use the directory; the system takes its lock back however the process ends.
 */
export class DirectoryStore implements StateStore {
  readonly #directories: ReadonlyMap<StoredKind, DurableDirectory>;
  readonly #release: () => Promise<void>;
  /** Files that say that an object starts by itself. */
  readonly #markers = new Set<string>();

  private constructor(directories: ReadonlyMap<StoredKind, DurableDirectory>, release: () => Promise<void>) {
    this.#directories = directories;
    this.#release = release;
  }

  /** Throws RESOURCE_BUSY if a process uses the directory. */
  static async open(path: string): Promise<DirectoryStore> {
    for (const kind of storedKinds) await makeDirectory(join(path, kind), 0o700);
    const release = await lockDirectory(path);
    const directories = new Map<StoredKind, DurableDirectory>();
    try {
      for (const kind of storedKinds) {
        await removeUnfinished(join(path, kind));
        directories.set(kind, await DurableDirectory.open(join(path, kind)));
      }
      return new DirectoryStore(directories, release);
    } catch (error) {
      for (const directory of directories.values()) await directory.close();
      await release();
      throw error;
    }
  }

  async load(kind: StoredKind): Promise<StoredObject[]> {
    const { path } = this.#directory(kind);
    const names = await readdir(path);
    for (const name of names) if (name.endsWith('.autostart')) this.#markers.add(name);
    const objects: StoredObject[] = [];
    for (const name of names.sort()) {
      const uuid = uuidFile.exec(name)?.[1];
      if (uuid === undefined) continue;
      const xml = await readFile(join(path, name), 'utf8');
      objects.push({ uuid, xml, autostart: this.#markers.has(`${uuid}.autostart`) });
    }
    return objects;
  }

  async save(kind: StoredKind, uuid: string, format: () => string): Promise<void> {
    await this.#directory(kind).write(`${uuid}.xml`, format());
  }

  async setAutostart(kind: StoredKind, uuid: string, autostart: boolean): Promise<void> {
    const marker = `${uuid}.autostart`;
    if (autostart) this.#markers.add(marker);
    else this.#markers.delete(marker);
    await (autostart ? this.#directory(kind).write(marker, '') : this.#directory(kind).remove(marker));
  }

  async remove(kind: StoredKind, uuid: string): Promise<void> {
    const marker = `${uuid}.autostart`;
    // The marker last: alone it means nothing.
    await this.#directory(kind).remove(`${uuid}.xml`, ...(this.#markers.delete(marker) ? [marker] : []));
  }

  async close(): Promise<void> {
    for (const directory of this.#directories.values()) await directory.close();
    await this.#release();
  }

  #directory(kind: StoredKind): DurableDirectory {
    return this.#directories.get(kind)!;
  }
}

/** Takes the lock of a state directory; returns what gives it back. */
async function lockDirectory(path: string): Promise<() => Promise<void>> {
  const lock = await lockFile(join(path, 'lock'));
  if (lock === undefined) throw virtError('RESOURCE_BUSY', `state directory '${path}' is in use by another process`);
  return () => lock.release();
}
