import type { DomainRef } from '../backend.ts';
import { virtError } from '../errors.ts';
import { LocalDomain } from './domain.ts';

/** All domains of a world: names and UUIDs are unique, ids count up from 1. */
export class DomainTable {
  readonly #byUuid = new Map<string, LocalDomain>();
  readonly #byName = new Map<string, LocalDomain>();
  #lastId = 0;

  /** In the order they came. */
  get all(): LocalDomain[] {
    return [...this.#byUuid.values()].filter(({ visible }) => visible);
  }

  /** Resolves when no domain has a job under way. */
  async idle(): Promise<void> {
    await Promise.all([...this.#byUuid.values()].map(({ jobs }) => jobs.idle()));
  }

  nextId(): number {
    return ++this.#lastId;
  }

  /** An id that was given before: no other domain gets it. */
  reserveId(id: number): void {
    this.#lastId = Math.max(this.#lastId, id);
  }

  /** Throws NO_DOMAIN. */
  find({ uuid, name }: DomainRef): LocalDomain {
    const domain = this.#byUuid.get(uuid);
    if (domain?.visible) return domain;
    throw virtError('NO_DOMAIN', `no domain with matching uuid '${uuid}' (${name})`);
  }

  /** Throws NO_DOMAIN. */
  byUuid(uuid: string): LocalDomain {
    const domain = this.#byUuid.get(uuid.toLowerCase());
    if (domain?.visible) return domain;
    throw virtError('NO_DOMAIN', `no domain with matching uuid '${uuid}'`);
  }

  /** Throws NO_DOMAIN. */
  byName(name: string): LocalDomain {
    const domain = this.#byName.get(name);
    if (domain?.visible) return domain;
    throw virtError('NO_DOMAIN', `no domain with matching name '${name}'`);
  }

  /** Throws NO_DOMAIN. */
  byId(id: number): LocalDomain {
    const domain = this.all.find((one) => one.active && one.id === id);
    if (domain !== undefined) return domain;
    throw virtError('NO_DOMAIN', `no domain with matching id ${id}`);
  }

  /**
   * The domain that a definition is about: the one of its UUID and name, or a new one, which nobody sees yet. Throws
   * OPERATION_FAILED when only one of the two fits.
   */
  claim(uuid: string, name: string): LocalDomain {
    const known = this.#byUuid.get(uuid);
    if (known !== undefined) {
      if (known.name === name) return known;
      throw virtError('OPERATION_FAILED', `domain '${known.name}' is already defined with uuid ${uuid}`);
    }
    const namesake = this.#byName.get(name);
    if (namesake !== undefined) {
      throw virtError('OPERATION_FAILED', `domain '${name}' already exists with uuid ${namesake.uuid}`);
    }
    const domain = new LocalDomain(uuid, name);
    this.#byUuid.set(uuid, domain);
    this.#byName.set(name, domain);
    return domain;
  }

  /** Throws OPERATION_INVALID if the name is taken. */
  rename(domain: LocalDomain, name: string): void {
    if (this.#byName.has(name)) throw virtError('OPERATION_INVALID', `domain with name '${name}' already exists`);
    this.#byName.delete(domain.name);
    domain.name = name;
    this.#byName.set(name, domain);
  }

  /** Takes away a domain that is neither kept nor running. */
  settle(domain: LocalDomain): void {
    if (domain.persistent || domain.active || domain.removed) return;
    domain.removed = true;
    this.#byUuid.delete(domain.uuid);
    this.#byName.delete(domain.name);
  }
}
