import type { Backend, CheckpointRef } from './backend.ts';

/** A checkpoint of a domain: from it on, what changes of its disks is known, for backups of that alone. */
export class DomainCheckpoint {
  readonly ref: CheckpointRef;
  readonly #backend: Backend;

  constructor(backend: Backend, ref: CheckpointRef) {
    this.#backend = backend;
    this.ref = ref;
  }

  get name(): string {
    return this.ref.name;
  }

  getXMLDesc(flags = 0): Promise<string> {
    return this.#backend.domainCheckpointGetXmlDesc(this.ref, flags);
  }

  async listAllChildren(flags = 0): Promise<DomainCheckpoint[]> {
    const refs = await this.#backend.domainCheckpointListAllChildren(this.ref, flags);
    return refs.map((ref) => new DomainCheckpoint(this.#backend, ref));
  }

  /** Throws NO_DOMAIN_CHECKPOINT for one that has no parent. */
  async getParent(flags = 0): Promise<DomainCheckpoint> {
    return new DomainCheckpoint(this.#backend, await this.#backend.domainCheckpointGetParent(this.ref, flags));
  }

  delete(flags = 0): Promise<void> {
    return this.#backend.domainCheckpointDelete(this.ref, flags);
  }
}
