import type { BackendEvents } from '../backend.ts';
import { parseDomain } from '../conf/index.ts';
import type { LocalDomain } from './domain.ts';
import { DomainLife } from './domain-life.ts';
import { DomainTable } from './domain-table.ts';
import type { Hypervisor, Survivor } from './hypervisor.ts';
import { keepInterfaceNames } from './interface-names.ts';
import { NetworkTable } from './network-table.ts';
import { PoolTable } from './pool-table.ts';
import { Schemas } from './schemas.ts';
import type { StateStore } from './state-store.ts';
import type { StorageDriver } from './storage-driver.ts';

/** One event with its arguments. */
export type WorldEvent = { [K in keyof BackendEvents]: { name: K; args: BackendEvents[K] } }[keyof BackendEvents];

/** What a world is made of. */
export interface WorldParts {
  readonly hypervisor: Hypervisor;
  readonly store: StateStore;
  readonly storage: StorageDriver;
}

/** Everything that the connections to one URI share: domains, networks, pools, and what happens to them. */
export class World {
  readonly hypervisor: Hypervisor;
  readonly store: StateStore;
  readonly domains = new DomainTable();
  readonly life: DomainLife;
  readonly networks: NetworkTable;
  readonly pools: PoolTable;
  readonly schemas = new Schemas();
  readonly #listeners = new Set<(event: WorldEvent) => void>();

  constructor({ hypervisor, store, storage }: WorldParts) {
    this.hypervisor = hypervisor;
    this.store = store;
    this.life = new DomainLife(this);
    this.networks = new NetworkTable(this);
    this.pools = new PoolTable(this, storage);
  }

  /** Calls back with each event until the returned function is called. */
  subscribe(listener: (event: WorldEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit<K extends keyof BackendEvents>(name: K, ...args: BackendEvents[K]): void {
    const event = { name, args } as WorldEvent;
    for (const listener of [...this.#listeners]) listener(event);
  }

  emitLifecycle(domain: LocalDomain, event: number, detail: number): void {
    this.emit('lifecycle', domain.ref, event, detail);
  }

  /** Takes up what the store has, and starts what starts by itself: a failure there is logged and stops nothing. */
  async load(): Promise<void> {
    await this.networks.load();
    await this.pools.load();
    const { logger } = this.hypervisor;
    for (const { uuid, xml, autostart } of await this.store.load('domains')) {
      try {
        const def = this.hypervisor.complete(xml);
        const domain = this.domains.claim(def.uuid, def.name);
        domain.config = def;
        domain.autostart = autostart;
      } catch (error) {
        logger.log('error', `the kept definition of domain ${uuid} cannot be read: ${String(error)}`);
      }
    }
    for (const survivor of (await this.hypervisor.runs?.find()) ?? []) await this.#adopt(survivor);
    await Promise.all(
      this.domains.all.filter(({ autostart, active }) => autostart && !active).map((domain) => this.#autostart(domain)),
    );
  }

  /** Ends all that runs and lets go of the store. */
  async close(): Promise<void> {
    await this.destroyDomains();
    await this.#idle();
    await Promise.all(this.networks.all.filter(({ active }) => active).map((network) => this.networks.stop(network)));
    await this.hypervisor.runs?.close();
    this.schemas.close();
    await this.store.close();
  }

  /** Destroys what runs. */
  async destroyDomains(): Promise<void> {
    await Promise.all(
      this.domains.all.map((domain) => domain.jobs.run(() => (domain.active ? this.life.destroy(domain) : undefined))),
    );
  }

  /** Lets go of the store, and of machines that outlive this process. */
  async leave(): Promise<void> {
    await this.#idle();
    await this.hypervisor.networks.release();
    await this.hypervisor.runs?.release();
    this.schemas.close();
    await this.store.close();
  }

  async #idle(): Promise<void> {
    await Promise.all([this.domains.idle(), this.networks.idle(), this.pools.idle()]);
  }

  async #adopt(survivor: Survivor): Promise<void> {
    const { record, made } = survivor;
    try {
      const { interfaces } = parseDomain(record.xml).devices;
      const def = keepInterfaceNames(this.hypervisor.live(this.hypervisor.complete(record.xml)), interfaces);
      const domain = this.domains.claim(record.uuid, record.name);
      await domain.jobs.run(() => this.life.adopt(domain, def, survivor));
    } catch (error) {
      await made.guest.destroy();
      await this.hypervisor.runs?.forget(record.uuid);
      this.hypervisor.logger.log('error', `running domain '${record.name}' cannot be taken over: ${String(error)}`);
    }
  }

  async #autostart(domain: LocalDomain): Promise<void> {
    try {
      await domain.jobs.run(() => this.life.start(domain, domain.current, { paused: false }));
    } catch (error) {
      domain.messages.push(`autostart failed: ${error instanceof Error ? error.message : String(error)}`);
      this.hypervisor.logger.log('error', `cannot start domain '${domain.name}': ${String(error)}`);
    }
  }
}
