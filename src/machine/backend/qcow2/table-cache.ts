import type { HostFile } from '../host-file.ts';

/** Tables written at a time. */
const WRITES_MAX = 8;

/** Unit in which changed parts of a table are written: a sector is written as a whole or not at all. */
const WRITE_UNIT = 512;

/** One table (L2 table, refcount block) in memory. */
export class CachedTable {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** What was changed since it was last written: from byte `#from` up to byte `#to`. */
  #from = Number.POSITIVE_INFINITY;
  #to = 0;

  constructor(offset: number, bytes: Uint8Array) {
    this.offset = offset;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get dirty(): boolean {
    return this.#to > 0;
  }

  touch(at: number, bytes: number): void {
    this.#from = Math.min(this.#from, at);
    this.#to = Math.max(this.#to, at + bytes);
  }

  /** Takes the changed part out, as to be written now. */
  takeChanges(): { from: number; to: number } {
    const from = Math.floor(this.#from / WRITE_UNIT) * WRITE_UNIT;
    const to = Math.ceil(this.#to / WRITE_UNIT) * WRITE_UNIT;
    this.#from = Number.POSITIVE_INFINITY;
    this.#to = 0;
    return { from, to };
  }
}

/**
 * The tables of one kind that were used last, as many as fit into a budget. Changed ones stay until they are written,
 * which their owner does in time: `crowded` tells when.
 *
 * A table is only to be used between `peek` and the next await: afterwards it may have been given up.
 */
export class TableCache {
  readonly #file: HostFile;
  readonly #tableBytes: number;
  readonly #capacity: number;
  /** The least recently used first. */
  readonly #tables = new Map<number, CachedTable>();
  readonly #loading = new Map<number, Promise<void>>();
  readonly #dirty = new Set<CachedTable>();

  /** @param budget bytes that it may keep, though never fewer than 8 tables */
  constructor(file: HostFile, tableBytes: number, budget: number) {
    this.#file = file;
    this.#tableBytes = tableBytes;
    this.#capacity = Math.max(8, Math.floor(budget / tableBytes));
  }

  /** So many tables are changed that it is time to write them. */
  get crowded(): boolean {
    return this.#dirty.size > this.#capacity / 2;
  }

  get dirty(): boolean {
    return this.#dirty.size > 0;
  }

  /** The table at `offset` if it is in memory. */
  peek(offset: number): CachedTable | undefined {
    const table = this.#tables.get(offset);
    if (table === undefined) return undefined;
    this.#tables.delete(offset);
    this.#tables.set(offset, table);
    return table;
  }

  /** Reads the table at `offset`; afterwards `peek` finds it, unless others were faster: then call it again. */
  load(offset: number): Promise<void> {
    const under = this.#loading.get(offset);
    if (under !== undefined) return under;
    const loading = this.#read(offset).finally(() => this.#loading.delete(offset));
    this.#loading.set(offset, loading);
    return loading;
  }

  /** Takes in a new table, which is written as a whole in time. */
  add(offset: number, bytes: Uint8Array): CachedTable {
    const table = new CachedTable(offset, bytes);
    this.#insert(table);
    this.touch(table, 0, bytes.length);
    return table;
  }

  /** Notes that bytes of a table were changed. */
  touch(table: CachedTable, at: number, bytes: number): void {
    table.touch(at, bytes);
    this.#dirty.add(table);
  }

  /** Forgets a table: its place in the file is used for something else, or what is there was changed. */
  drop(offset: number): void {
    const table = this.#tables.get(offset);
    if (table === undefined) return;
    this.#dirty.delete(table);
    this.#tables.delete(offset);
  }

  /** Forgets all tables, changed ones included. */
  clear(): void {
    this.#tables.clear();
    this.#dirty.clear();
  }

  /** Writes what was changed, in any order. What could not be written stays changed. */
  async writeDirty(): Promise<void> {
    const tables = [...this.#dirty].sort((a, b) => a.offset - b.offset);
    let next = 0;
    const writer = async (): Promise<void> => {
      for (;;) {
        const table = tables[next++];
        if (table === undefined) return;
        await this.#write(table);
      }
    };
    const ends = await Promise.allSettled(Array.from({ length: Math.min(WRITES_MAX, tables.length) }, writer));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  /** Whatever was written since is not known to be there: it counts as changed again. */
  redirty(tables: Iterable<CachedTable>): void {
    for (const table of tables) this.touch(table, 0, table.bytes.length);
  }

  /** The changed tables as they are now. */
  dirtyTables(): CachedTable[] {
    return [...this.#dirty];
  }

  async #write(table: CachedTable): Promise<void> {
    const { from, to } = table.takeChanges();
    this.#dirty.delete(table);
    try {
      await this.#file.write(table.offset + from, table.bytes.subarray(from, to));
    } catch (error) {
      this.touch(table, from, to - from);
      throw error;
    }
  }

  async #read(offset: number): Promise<void> {
    const bytes = new Uint8Array(this.#tableBytes);
    await this.#file.read(offset, bytes);
    // Meanwhile a new table may have been put there.
    if (!this.#tables.has(offset)) this.#insert(new CachedTable(offset, bytes));
  }

  #insert(table: CachedTable): void {
    this.#tables.set(table.offset, table);
    if (this.#tables.size <= this.#capacity) return;
    for (const [offset, oldest] of this.#tables) {
      if (oldest === table) return;
      this.#tables.delete(offset);
      if (!oldest.dirty) return;
      // Changed ones go to the end of the queue.
      this.#tables.set(offset, oldest);
    }
  }
}
