import { Emitter } from '../util/index.ts';
import type { Backend, BackendEvents, DomainRef, NetworkRef, PoolRef, TypedParam } from './backend.ts';
import {
  type DomainInput,
  formatDomain,
  formatNetwork,
  formatStoragePool,
  type NetworkInput,
  type StoragePoolDef,
} from './conf/index.ts';
import { Domain } from './domain.ts';
import { type ConnectionEvent, type ConnectionEventName, type ConnectionEvents, EventQueue } from './events.ts';
import { ForeignConnection } from './foreign-connection.ts';
import { NodeDevice } from './host.ts';
import { Network } from './network.ts';
import { fromPlain } from './plain.ts';
import { StoragePool, StorageVolume } from './storage.ts';

/**
 * A connection to what runs domains: the root of the API. Get one from `connect()`, and `close()` it. All methods reject
 * with VirtError.
 */
export class Connection extends ForeignConnection {
  /** What happens to domains, networks and pools, whoever caused it. */
  readonly events = new Emitter<ConnectionEvents>();
  readonly #queues = new Set<EventQueue<ConnectionEvent>>();

  constructor(backend: Backend) {
    super(backend);
    this.#forward();
  }

  /** Ends the connection and lets go of all it holds. Harmless the second time. */
  close(): Promise<void> {
    return this.backend.connectClose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  on<K extends ConnectionEventName>(event: K, listener: (...args: ConnectionEvents[K]) => void): this {
    this.events.on(event, listener);
    return this;
  }

  once<K extends ConnectionEventName>(event: K, listener: (...args: ConnectionEvents[K]) => void): this {
    this.events.once(event, listener);
    return this;
  }

  off<K extends ConnectionEventName>(event: K, listener: (...args: ConnectionEvents[K]) => void): this {
    this.events.off(event, listener);
    return this;
  }

  /** All events from now on, in order, until the connection closes: `for await (const { name, args } of …)`. */
  eventStream(): AsyncIterableIterator<ConnectionEvent> {
    const queue = new EventQueue<ConnectionEvent>(() => this.#queues.delete(queue));
    this.#queues.add(queue);
    return queue;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<ConnectionEvent> {
    return this.eventStream();
  }

  /** @param flags of ListDomains */
  async listAllDomains(flags = 0): Promise<Domain[]> {
    return (await this.backend.connectListAllDomains(flags)).map((ref) => this.#domain(ref));
  }

  /** Throws NO_DOMAIN. */
  async lookupByID(id: number): Promise<Domain> {
    return this.#domain(await this.backend.domainLookupById(id));
  }

  /** Throws NO_DOMAIN. */
  async lookupByUUID(uuid: string): Promise<Domain> {
    return this.#domain(await this.backend.domainLookupByUuid(uuid));
  }

  /** Throws NO_DOMAIN. */
  async lookupByName(name: string): Promise<Domain> {
    return this.#domain(await this.backend.domainLookupByName(name));
  }

  /** Keeps a definition, or changes the one of that name and UUID. @param flags of DomainDefine */
  async defineXML(xml: string, flags = 0): Promise<Domain> {
    return this.#domain(await this.backend.domainDefineXmlFlags(xml, flags));
  }

  /** `defineXML` with a plain object. */
  async defineDomain(def: DomainInput, flags = 0): Promise<Domain> {
    return this.defineXML(fromPlain(def, formatWhole), flags);
  }

  /** `createXML` with a plain object. */
  async createDomain(def: DomainInput, flags = 0): Promise<Domain> {
    return this.createXML(fromPlain(def, formatWhole), flags);
  }

  /** Starts a domain that is gone when it ends. @param flags of DomainStart */
  async createXML(xml: string, flags = 0): Promise<Domain> {
    return this.#domain(await this.backend.domainCreateXml(xml, flags));
  }

  /** Starts a domain from what `save` has written. */
  restore(from: string, dxml?: string, flags = 0): Promise<void> {
    return this.backend.domainRestoreFlags(from, dxml, flags);
  }

  /** The definition in a file that `save` has written. */
  saveImageGetXMLDesc(file: string, flags = 0): Promise<string> {
    return this.backend.domainSaveImageGetXmlDesc(file, flags);
  }

  saveImageDefineXML(file: string, dxml: string, flags = 0): Promise<void> {
    return this.backend.domainSaveImageDefineXml(file, dxml, flags);
  }

  /** @param stats of DomainStats, 0 all @param domains absent: those that `flags` of ListDomains select */
  async getAllDomainStats(
    stats = 0,
    flags = 0,
    domains: readonly Domain[] = [],
  ): Promise<{ domain: Domain; params: TypedParam[] }[]> {
    const refs = domains.map(({ ref }) => ref);
    const records = await this.backend.connectGetAllDomainStats(refs, stats, flags);
    return records.map(({ domain, params }) => ({ domain: this.#domain(domain), params }));
  }

  /** @param flags of ListObjects */
  async listAllNetworks(flags = 0): Promise<Network[]> {
    return (await this.backend.connectListAllNetworks(flags)).map((ref) => this.#network(ref));
  }

  /** Throws NO_NETWORK. */
  async networkLookupByName(name: string): Promise<Network> {
    return this.#network(await this.backend.networkLookupByName(name));
  }

  /** Throws NO_NETWORK. */
  async networkLookupByUUID(uuid: string): Promise<Network> {
    return this.#network(await this.backend.networkLookupByUuid(uuid));
  }

  async networkDefineXML(xml: string, flags = 0): Promise<Network> {
    return this.#network(await this.backend.networkDefineXmlFlags(xml, flags));
  }

  /** `networkDefineXML` with a plain object. */
  async defineNetwork(def: NetworkInput, flags = 0): Promise<Network> {
    return this.networkDefineXML(fromPlain(def, formatNetwork), flags);
  }

  async networkCreateXML(xml: string, flags = 0): Promise<Network> {
    return this.#network(await this.backend.networkCreateXmlFlags(xml, flags));
  }

  /** @param flags of ListObjects */
  async listAllStoragePools(flags = 0): Promise<StoragePool[]> {
    return (await this.backend.connectListAllStoragePools(flags)).map((ref) => this.#pool(ref));
  }

  /** Throws NO_STORAGE_POOL. */
  async storagePoolLookupByName(name: string): Promise<StoragePool> {
    return this.#pool(await this.backend.storagePoolLookupByName(name));
  }

  /** Throws NO_STORAGE_POOL. */
  async storagePoolLookupByUUID(uuid: string): Promise<StoragePool> {
    return this.#pool(await this.backend.storagePoolLookupByUuid(uuid));
  }

  /** Throws NO_STORAGE_POOL. */
  async storagePoolLookupByTargetPath(path: string): Promise<StoragePool> {
    return this.#pool(await this.backend.storagePoolLookupByTargetPath(path));
  }

  async storagePoolLookupByVolume(volume: StorageVolume): Promise<StoragePool> {
    return this.#pool(await this.backend.storagePoolLookupByVolume(volume.ref));
  }

  async storagePoolDefineXML(xml: string, flags = 0): Promise<StoragePool> {
    return this.#pool(await this.backend.storagePoolDefineXml(xml, flags));
  }

  /** `storagePoolDefineXML` with a plain object. */
  async defineStoragePool(def: StoragePoolDef, flags = 0): Promise<StoragePool> {
    return this.storagePoolDefineXML(fromPlain(def, formatStoragePool), flags);
  }

  async storagePoolCreateXML(xml: string, flags = 0): Promise<StoragePool> {
    return this.#pool(await this.backend.storagePoolCreateXml(xml, flags));
  }

  getStoragePoolCapabilities(flags = 0): Promise<string> {
    return this.backend.connectGetStoragePoolCapabilities(flags);
  }

  /** Throws NO_STORAGE_VOL. */
  async storageVolLookupByPath(path: string): Promise<StorageVolume> {
    return new StorageVolume(this.backend, await this.backend.storageVolLookupByPath(path));
  }

  /** Throws NO_STORAGE_VOL. */
  async storageVolLookupByKey(key: string): Promise<StorageVolume> {
    return new StorageVolume(this.backend, await this.backend.storageVolLookupByKey(key));
  }

  #domain(ref: DomainRef): Domain {
    return new Domain(this.backend, ref);
  }

  #network(ref: NetworkRef): Network {
    return new Network(this.backend, ref);
  }

  #pool(ref: PoolRef): StoragePool {
    return new StoragePool(this.backend, ref);
  }

  #forward(): void {
    const domainEvents = [
      'lifecycle',
      'reboot',
      'rtcChange',
      'ioError',
      'balloonChange',
      'trayChange',
      'deviceAdded',
      'deviceRemoved',
      'tunable',
      'metadataChange',
      'watchdog',
      'graphics',
      'controlError',
      'blockJob',
      'blockJob2',
      'diskChange',
      'pmWakeup',
      'pmSuspend',
      'pmSuspendDisk',
      'agentLifecycle',
      'migrationIteration',
      'jobCompleted',
      'deviceRemovalFailed',
      'blockThreshold',
      'memoryFailure',
      'memoryDeviceSizeChange',
      'qemuMonitorEvent',
    ] as const;
    for (const name of domainEvents) {
      this.backend.events.on(name, (...[ref, ...rest]: BackendEvents[typeof name]) => {
        this.#emit({ name, args: [this.#domain(ref), ...rest] } as ConnectionEvent);
      });
    }
    const { events } = this.backend;
    events.on('network', (ref, event, detail) =>
      this.#emit({ name: 'network', args: [this.#network(ref), event, detail] }),
    );
    events.on('pool', (ref, event, detail) => this.#emit({ name: 'pool', args: [this.#pool(ref), event, detail] }));
    events.on('poolRefresh', (ref) => this.#emit({ name: 'poolRefresh', args: [this.#pool(ref)] }));
    events.on('nodeDevice', (ref, event, detail) =>
      this.#emit({ name: 'nodeDevice', args: [new NodeDevice(this.backend, ref), event, detail] }),
    );
    events.on('nodeDeviceUpdate', (ref) =>
      this.#emit({ name: 'nodeDeviceUpdate', args: [new NodeDevice(this.backend, ref)] }),
    );
    events.on('secret', (...args) => this.#emit({ name: 'secret', args }));
    events.on('secretValueChanged', (...args) => this.#emit({ name: 'secretValueChanged', args }));
    events.on('close', (reason) => {
      this.#emit({ name: 'close', args: [reason] });
      for (const queue of [...this.#queues]) queue.end();
    });
  }

  #emit(event: ConnectionEvent): void {
    for (const queue of this.#queues) queue.push(event);
    (this.events as Emitter<Record<string, unknown[]>>).emit(event.name, ...event.args);
  }
}

/** With passwords, which are to be kept, and without what only a running domain has. */
function formatWhole(def: DomainInput): string {
  return formatDomain(def, { secure: true, inactive: true });
}
