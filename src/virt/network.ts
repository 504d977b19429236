import type { Backend, DhcpLease, NetworkRef } from './backend.ts';
import { type NetworkDef, parseNetwork } from './conf/index.ts';

/** A virtual network, wherever it is defined. */
export class Network {
  readonly ref: NetworkRef;
  readonly #backend: Backend;

  constructor(backend: Backend, ref: NetworkRef) {
    this.#backend = backend;
    this.ref = ref;
  }

  get name(): string {
    return this.ref.name;
  }

  get uuid(): string {
    return this.ref.uuid;
  }

  /** Starts it. */
  create(): Promise<void> {
    return this.#backend.networkCreate(this.ref);
  }

  /** Stops it; a transient one is gone then. */
  destroy(): Promise<void> {
    return this.#backend.networkDestroy(this.ref);
  }

  undefine(): Promise<void> {
    return this.#backend.networkUndefine(this.ref);
  }

  /** @param command of NetworkUpdateCommand @param section of NetworkSection @param flags of Affect */
  update(command: number, section: number, parentIndex: number, xml: string, flags = 0): Promise<void> {
    return this.#backend.networkUpdate(this.ref, command, section, parentIndex, xml, flags);
  }

  getXMLDesc(flags = 0): Promise<string> {
    return this.#backend.networkGetXmlDesc(this.ref, flags);
  }

  /** The definition as a plain object. */
  async getDef(flags = 0): Promise<NetworkDef> {
    return parseNetwork(await this.getXMLDesc(flags));
  }

  getBridgeName(): Promise<string> {
    return this.#backend.networkGetBridgeName(this.ref);
  }

  isActive(): Promise<boolean> {
    return this.#backend.networkIsActive(this.ref);
  }

  isPersistent(): Promise<boolean> {
    return this.#backend.networkIsPersistent(this.ref);
  }

  getAutostart(): Promise<boolean> {
    return this.#backend.networkGetAutostart(this.ref);
  }

  setAutostart(autostart: boolean): Promise<void> {
    return this.#backend.networkSetAutostart(this.ref, autostart);
  }

  getDHCPLeases(mac?: string, flags = 0): Promise<DhcpLease[]> {
    return this.#backend.networkGetDhcpLeases(this.ref, mac, flags);
  }
}
