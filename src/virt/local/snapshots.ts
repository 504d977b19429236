import type { DomainRef, SnapshotProcedures, SnapshotRef } from '../backend.ts';
import { virtError } from '../errors.ts';
import { checkFlags } from './impact.ts';
import type { World } from './world.ts';

/** VIR_DOMAIN_SNAPSHOT_LIST_*. */
const listFlags = 0x7ff;
/** VIR_DOMAIN_SNAPSHOT_CREATE_*. */
const createFlags = 0x3ff;
/** VIR_DOMAIN_SNAPSHOT_REVERT_*. */
const revertFlags = 0xf;
/** VIR_DOMAIN_SNAPSHOT_DELETE_*. */
const deleteFlags = 7;

/** Snapshots: no domain has one, as machines cannot be saved; so every name is unknown. */
export class LocalSnapshots implements SnapshotProcedures {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async domainListAllSnapshots(ref: DomainRef, flags: number): Promise<SnapshotRef[]> {
    checkFlags(flags, listFlags, 'domainListAllSnapshots');
    this.#world.domains.find(ref);
    return [];
  }

  async domainSnapshotCreateXml(ref: DomainRef, _xml: string, flags: number): Promise<SnapshotRef> {
    checkFlags(flags, createFlags, 'domainSnapshotCreateXml');
    this.#world.domains.find(ref);
    throw virtError('OPERATION_UNSUPPORTED', 'snapshots are not supported: the state of machines cannot be saved');
  }

  async domainSnapshotLookupByName(ref: DomainRef, name: string, flags: number): Promise<SnapshotRef> {
    checkFlags(flags, 0, 'domainSnapshotLookupByName');
    return this.#missing({ domain: ref, name });
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

  async domainSnapshotGetXmlDesc(ref: SnapshotRef, flags: number): Promise<string> {
    // VIR_DOMAIN_SNAPSHOT_XML_SECURE.
    checkFlags(flags, 1, 'domainSnapshotGetXmlDesc');
    return this.#missing(ref);
  }

  async domainRevertToSnapshot(ref: SnapshotRef, flags: number): Promise<void> {
    checkFlags(flags, revertFlags, 'domainRevertToSnapshot');
    return this.#missing(ref);
  }

  async domainSnapshotDelete(ref: SnapshotRef, flags: number): Promise<void> {
    checkFlags(flags, deleteFlags, 'domainSnapshotDelete');
    return this.#missing(ref);
  }

  async domainSnapshotListAllChildren(ref: SnapshotRef, flags: number): Promise<SnapshotRef[]> {
    checkFlags(flags, listFlags, 'domainSnapshotListAllChildren');
    return this.#missing(ref);
  }

  async domainSnapshotNumChildren(ref: SnapshotRef, flags: number): Promise<number> {
    checkFlags(flags, listFlags, 'domainSnapshotNumChildren');
    return this.#missing(ref);
  }

  async domainSnapshotGetParent(ref: SnapshotRef, flags: number): Promise<SnapshotRef> {
    checkFlags(flags, 0, 'domainSnapshotGetParent');
    return this.#missing(ref);
  }

  async domainSnapshotIsCurrent(ref: SnapshotRef, flags: number): Promise<boolean> {
    checkFlags(flags, 0, 'domainSnapshotIsCurrent');
    return this.#missing(ref);
  }

  async domainSnapshotHasMetadata(ref: SnapshotRef, flags: number): Promise<boolean> {
    checkFlags(flags, 0, 'domainSnapshotHasMetadata');
    return this.#missing(ref);
  }

  #missing({ domain, name }: SnapshotRef): never {
    this.#world.domains.find(domain);
    throw virtError('NO_DOMAIN_SNAPSHOT', `no domain snapshot with matching name '${name}'`, {
      domain: 'DOMAIN_SNAPSHOT',
    });
  }
}
