import { realpath } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { type Logger, makeDirectory } from '../../util/index.ts';
import type { Backend } from '../backend.ts';
import { DomainState } from '../enums.ts';
import { virtError } from '../errors.ts';
import { installDefaultNetwork } from '../local/default-network.ts';
import { DirectoryStorage } from '../local/directory-storage.ts';
import type { LocalDomain } from '../local/domain.ts';
import { openLocalBackend } from '../local/local-backend.ts';
import { openTest } from '../local/open.ts';
import { DirectoryStore } from '../local/state-store.ts';
import { World } from '../local/world.ts';
import { parseConnectionUri } from '../uri.ts';
import { ProcessHypervisor } from './process-hypervisor.ts';

/** What a host of machines is opened with. */
export interface MachineHostOptions {
  /** Directory of definitions and of what runs; made if it is not there. One process at a time may use it. */
  readonly state: string;
  readonly logger: Logger;
  /** Keep a process ready for the next machine, so that it starts sooner. */
  readonly keepSpare: boolean;
  /** A directory that never had networks gets libvirt's `default`. Absent: it stays empty. */
  readonly defaultNetwork?: boolean;
}

/** URI of a connection that names none. */
const DEFAULT_URI = 'nodevisor:///session';

/** Paths of URIs that lead to the machines, whatever the scheme. */
const machinePaths: readonly string[] = ['/', '/session', '/system'];

/** How often, in milliseconds, guests that are to end are looked after. */
const LOOK_MS = 20;

/**
 * Machines in processes of their own with all that a libvirt driver has around them: what a daemon serves. It may be
 * killed at any moment: the next one on the same directory takes the machines over.
 */
export class MachineHost {
  readonly #world: World;
  readonly #logger: Logger;
  #connections = 0;

  private constructor(world: World, logger: Logger) {
    this.#world = world;
    this.#logger = logger;
  }

  /**
   * Opens the directory: takes over what runs, starts what starts by itself. Throws RESOURCE_BUSY when another process
   * has it.
   */
  static async open({ state, logger, keepSpare, defaultNetwork }: MachineHostOptions): Promise<MachineHost> {
    await makeDirectory(state, 0o700).catch((cause: Error) => {
      throw virtError('SYSTEM_ERROR', `state directory ${state}: ${cause.message}`);
    });
    const directory = await realpath(state);
    const store = await DirectoryStore.open(directory);
    try {
      if (defaultNetwork === true) await installDefaultNetwork(directory, store);
      const hypervisor = await ProcessHypervisor.open(directory, { logger, keepSpare });
      const world = new World({ hypervisor, store, storage: new DirectoryStorage() });
      await world.load();
      return new MachineHost(world, logger);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** Domains that are active. */
  get active(): number {
    return this.#active().length;
  }

  /** Connections to the machines that are open. */
  get connections(): number {
    return this.#connections;
  }

  /**
   * Opens a connection: to the machines, or with `test:///default` to a world to test against. Throws NO_CONNECT for
   * another URI.
   */
  async open(uri: string, readOnly: boolean): Promise<Backend> {
    const parsed = parseConnectionUri(uri === '' ? DEFAULT_URI : uri);
    const { driver, host, path, text } = parsed;
    if (driver === 'test' && path === '/default') return openTest(parsed, { readOnly, logger: this.#logger });
    if (driver === 'test' || host !== '' || !machinePaths.includes(path)) {
      throw virtError('NO_CONNECT', `no connection driver available for ${text}`);
    }
    this.#connections++;
    return openLocalBackend({
      world: this.#world,
      uri: text,
      readOnly,
      onClose: async () => {
        this.#connections--;
      },
    });
  }

  /** Asks all guests to switch off, and waits until they have, so many milliseconds at most. */
  async shutDownGuests(timeoutMs: number): Promise<void> {
    const { life } = this.#world;
    for (const domain of this.#active()) {
      const { name } = domain;
      const asked = domain.jobs.run(async () => {
        // One that stands does not hear.
        if (domain.state.state === DomainState.PAUSED) await life.resume(domain);
        if (domain.state.state === DomainState.RUNNING) await life.shutDown(domain);
      });
      asked.catch((error: unknown) => this.#logger.log('warn', `domain '${name}' cannot be asked: ${String(error)}`));
    }
    for (let waited = 0; waited < timeoutMs && this.#active().length > 0; waited += LOOK_MS) await setTimeout(LOOK_MS);
  }

  /** Destroys the guests that still run. */
  destroyGuests(): Promise<void> {
    return this.#world.destroyDomains();
  }

  /** Ends what still runs, and closes. */
  close(): Promise<void> {
    return this.#world.close();
  }

  /** Closes; the machines go on. */
  leave(): Promise<void> {
    return this.#world.leave();
  }

  #active(): LocalDomain[] {
    return this.#world.domains.all.filter(({ active }) => active);
  }
}
