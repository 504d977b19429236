import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lockFile } from '../../util/index.ts';
import { virtError } from '../errors.ts';
import { removeFile, removeUnfinished, writeFileAtomically } from './atomic-file.ts';

/** Kinds of objects whose definitions are kept; also the names of their folders. */
export const storedKinds = ['domains', 'networks', 'pools'] as const;
export type StoredKind = (typeof storedKinds)[number];

/** A definition as it is kept. */
export interface StoredObject {
  readonly uuid: string;
  readonly xml: string;
  readonly autostart: boolean;
}

/** Where definitions are kept. Calls about one object must not overlap. */
export interface StateStore {
  load(kind: StoredKind): Promise<StoredObject[]>;
  /** Keeps a definition, in place of the one of the same UUID. */
  save(kind: StoredKind, uuid: string, xml: string): Promise<void>;
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
  readonly #path: string;
  readonly #release: () => Promise<void>;

  private constructor(path: string, release: () => Promise<void>) {
    this.#path = path;
    this.#release = release;
  }

  /** Throws RESOURCE_BUSY if a process uses the directory. */
  static async open(path: string): Promise<DirectoryStore> {
    for (const kind of storedKinds) await mkdir(join(path, kind), { recursive: true, mode: 0o700 });
    const release = await lockDirectory(path);
    try {
      for (const kind of storedKinds) await removeUnfinished(join(path, kind));
      return new DirectoryStore(path, release);
    } catch (error) {
      await release();
      throw error;
    }
  }

  async load(kind: StoredKind): Promise<StoredObject[]> {
    const directory = join(this.#path, kind);
    const names = await readdir(directory);
    const all = new Set(names);
    const objects: StoredObject[] = [];
    for (const name of names.sort()) {
      const uuid = uuidFile.exec(name)?.[1];
      if (uuid === undefined) continue;
      const xml = await readFile(join(directory, name), 'utf8');
      objects.push({ uuid, xml, autostart: all.has(`${uuid}.autostart`) });
    }
    return objects;
  }

  save(kind: StoredKind, uuid: string, xml: string): Promise<void> {
    return writeFileAtomically(this.#file(kind, uuid, 'xml'), xml);
  }

  setAutostart(kind: StoredKind, uuid: string, autostart: boolean): Promise<void> {
    const marker = this.#file(kind, uuid, 'autostart');
    return autostart ? writeFileAtomically(marker, '') : removeFile(marker);
  }

  async remove(kind: StoredKind, uuid: string): Promise<void> {
    // The marker last: alone it means nothing.
    await removeFile(this.#file(kind, uuid, 'xml'), this.#file(kind, uuid, 'autostart'));
  }

  close(): Promise<void> {
    return this.#release();
  }

  #file(kind: StoredKind, uuid: string, extension: string): string {
    return join(this.#path, kind, `${uuid}.${extension}`);
  }
}

/** Takes the lock of a state directory; returns what gives it back. */
async function lockDirectory(path: string): Promise<() => Promise<void>> {
  const lock = await lockFile(join(path, 'lock'));
  if (lock === undefined) throw virtError('RESOURCE_BUSY', `state directory '${path}' is in use by another process`);
  return () => lock.release();
}
