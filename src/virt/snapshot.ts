import type { Backend, SnapshotRef } from './backend.ts';
import { type DomainSnapshotDef, parseSnapshot } from './conf/index.ts';

/** A snapshot of a domain. */
export class DomainSnapshot {
  readonly ref: SnapshotRef;
  readonly #backend: Backend;

  constructor(backend: Backend, ref: SnapshotRef) {
    this.#backend = backend;
    this.ref = ref;
  }

  get name(): string {
    return this.ref.name;
  }

  getXMLDesc(flags = 0): Promise<string> {
    return this.#backend.domainSnapshotGetXmlDesc(this.ref, flags);
  }

  /** The definition as a plain object. */
  async getDef(flags = 0): Promise<DomainSnapshotDef> {
    return parseSnapshot(await this.getXMLDesc(flags));
  }

  async listAllChildren(flags = 0): Promise<DomainSnapshot[]> {
    const refs = await this.#backend.domainSnapshotListAllChildren(this.ref, flags);
    return refs.map((ref) => new DomainSnapshot(this.#backend, ref));
  }

  numChildren(flags = 0): Promise<number> {
    return this.#backend.domainSnapshotNumChildren(this.ref, flags);
  }

  /** Throws NO_DOMAIN_SNAPSHOT for one that has no parent. */
  async getParent(flags = 0): Promise<DomainSnapshot> {
    return new DomainSnapshot(this.#backend, await this.#backend.domainSnapshotGetParent(this.ref, flags));
  }

  /** It is the one that the domain was last taken to, or that was last made. */
  isCurrent(flags = 0): Promise<boolean> {
    return this.#backend.domainSnapshotIsCurrent(this.ref, flags);
  }

  /** There is a record of it beside what is in the disks. */
  hasMetadata(flags = 0): Promise<boolean> {
    return this.#backend.domainSnapshotHasMetadata(this.ref, flags);
  }

  /** Takes the domain back to this snapshot. */
  revert(flags = 0): Promise<void> {
    return this.#backend.domainRevertToSnapshot(this.ref, flags);
  }

  delete(flags = 0): Promise<void> {
    return this.#backend.domainSnapshotDelete(this.ref, flags);
  }
}
