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

  /** Takes the domain back to this snapshot. */
  revert(flags = 0): Promise<void> {
    return this.#backend.domainRevertToSnapshot(this.ref, flags);
  }

  delete(flags = 0): Promise<void> {
    return this.#backend.domainSnapshotDelete(this.ref, flags);
  }
}
