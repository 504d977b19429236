import type { Backend, DhcpLease, NetworkPortRef, NetworkRef, TypedParam } from './backend.ts';
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

  /** What is plugged in; over daemons of libvirt's. */
  async listAllPorts(flags = 0): Promise<NetworkPort[]> {
    const refs = await this.#backend.networkListAllPorts(this.ref, flags);
    return refs.map((ref) => new NetworkPort(this.#backend, ref));
  }

  async portLookupByUUID(uuid: string): Promise<NetworkPort> {
    return new NetworkPort(this.#backend, await this.#backend.networkPortLookupByUuid(this.ref, uuid));
  }

  async portCreateXML(xml: string, flags = 0): Promise<NetworkPort> {
    return new NetworkPort(this.#backend, await this.#backend.networkPortCreateXml(this.ref, xml, flags));
  }
}

/** A port of a network. */
export class NetworkPort {
  readonly ref: NetworkPortRef;
  readonly #backend: Backend;

  constructor(backend: Backend, ref: NetworkPortRef) {
    this.#backend = backend;
    this.ref = ref;
  }

  get uuid(): string {
    return this.ref.uuid;
  }

  getXMLDesc(flags = 0): Promise<string> {
    return this.#backend.networkPortGetXmlDesc(this.ref, flags);
  }

  /** Limits of what passes it. */
  getParameters(flags = 0): Promise<TypedParam[]> {
    return this.#backend.networkPortGetParameters(this.ref, flags);
  }

  setParameters(params: readonly TypedParam[], flags = 0): Promise<void> {
    return this.#backend.networkPortSetParameters(this.ref, params, flags);
  }

  delete(flags = 0): Promise<void> {
    return this.#backend.networkPortDelete(this.ref, flags);
  }
}
