import type { World } from './world.ts';

interface Entry {
  readonly world: Promise<World>;
  users: number;
}

/** Worlds that connections share: made for the first, closed after the last. */
export class SharedWorlds {
  readonly #entries = new Map<string, Entry>();
  /** Worlds that are being closed: a new one of that key waits. */
  readonly #closing = new Map<string, Promise<void>>();

  /** The world of a key, with what gives it back; `make` makes it if there is none. */
  async take(key: string, make: () => Promise<World>): Promise<{ world: World; release(): Promise<void> }> {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      const closed = this.#closing.get(key) ?? Promise.resolve();
      entry = { world: closed.then(make), users: 0 };
      this.#entries.set(key, entry);
    }
    entry.users++;
    const mine = entry;
    try {
      const world = await mine.world;
      return { world, release: () => this.#release(key, mine) };
    } catch (error) {
      if (this.#entries.get(key) === mine) this.#entries.delete(key);
      throw error;
    }
  }

  async #release(key: string, entry: Entry): Promise<void> {
    if (--entry.users > 0) return;
    this.#entries.delete(key);
    const closing = entry.world.then((world) => world.close());
    const settled = closing.catch(() => undefined);
    this.#closing.set(key, settled);
    try {
      await closing;
    } finally {
      if (this.#closing.get(key) === settled) this.#closing.delete(key);
    }
  }
}
