import type { LocalDomain } from './domain.ts';
import type { World } from './world.ts';

/** One connection to a world. */
export class Session {
  readonly world: World;
  readonly uri: string;
  /** Domains that end with this connection. */
  readonly autodestroy = new Set<LocalDomain>();

  constructor(world: World, uri: string) {
    this.world = world;
    this.uri = uri;
  }

  /** Ends what was to end with it. */
  async close(): Promise<void> {
    const { life } = this.world;
    await Promise.all(
      [...this.autodestroy].map((domain) => domain.jobs.run(() => (domain.active ? life.destroy(domain) : undefined))),
    );
  }
}
