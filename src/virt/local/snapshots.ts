import type { DomainRef, SnapshotProcedures, SnapshotRef } from '../backend.ts';
import { virtError } from '../errors.ts';
import { checkFlags } from './impact.ts';
import type { World } from './world.ts';

/** Snapshots: no domain has one, as machines cannot be saved; so every name is unknown. */
export class LocalSnapshots implements SnapshotProcedures {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async domainListAllSnapshots(ref: DomainRef): Promise<SnapshotRef[]> {
    this.#world.domains.find(ref);
    return [];
  }

  async domainSnapshotCreateXml(ref: DomainRef): Promise<SnapshotRef> {
    this.#world.domains.find(ref);
    throw virtError('OPERATION_UNSUPPORTED', 'snapshots are not supported: the state of machines cannot be saved');
  }

  async domainSnapshotLookupByName(ref: DomainRef, name: string): Promise<SnapshotRef> {
    this.#world.domains.find(ref);
    return this.#missing(name);
  }

  async domainSnapshotGetXmlDesc({ name }: SnapshotRef): Promise<string> {
    return this.#missing(name);
  }

  async domainRevertToSnapshot({ name }: SnapshotRef): Promise<void> {
    return this.#missing(name);
  }

  async domainSnapshotDelete({ name }: SnapshotRef): Promise<void> {
    return this.#missing(name);
  }

  async domainSnapshotListAllChildren({ name }: SnapshotRef): Promise<SnapshotRef[]> {
    return this.#missing(name);
  }

  async domainSnapshotNumChildren({ name }: SnapshotRef): Promise<number> {
    return this.#missing(name);
  }

  async domainSnapshotGetParent({ name }: SnapshotRef): Promise<SnapshotRef> {
    return this.#missing(name);
  }

  async domainHasCurrentSnapshot(ref: DomainRef, flags: number): Promise<boolean> {
    checkFlags(flags, 0, 'domainHasCurrentSnapshot');
    this.#world.domains.find(ref);
    return false;
  }

  async domainSnapshotCurrent(ref: DomainRef, flags: number): Promise<SnapshotRef> {
    checkFlags(flags, 0, 'domainSnapshotCurrent');
    this.#world.domains.find(ref);
    throw virtError('NO_DOMAIN_SNAPSHOT', 'the domain does not have a current snapshot', { domain: 'DOMAIN_SNAPSHOT' });
  }

  async domainSnapshotIsCurrent({ name }: SnapshotRef): Promise<boolean> {
    return this.#missing(name);
  }

  async domainSnapshotHasMetadata({ name }: SnapshotRef): Promise<boolean> {
    return this.#missing(name);
  }

  #missing(name: string): never {
    throw virtError('NO_DOMAIN_SNAPSHOT', `no domain snapshot with matching name '${name}'`);
  }
}
