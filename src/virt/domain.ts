import type { Duplex } from 'node:stream';
import type {
  Backend,
  BlockInfo,
  BlockStats,
  DomainInfo,
  InterfaceAddresses,
  InterfaceStats,
  TypedParam,
  VcpuInfo,
} from './backend.ts';
import {
  type DeviceInput,
  type DomainDef,
  formatDevice,
  formatSnapshot,
  parseDomain,
  type SnapshotInput,
} from './conf/index.ts';
import { ForeignDomain } from './foreign-domain.ts';
import { migrate } from './migrate.ts';
import { fromPlain } from './plain.ts';
import { DomainSnapshot } from './snapshot.ts';

/**
 * A domain, wherever it is. The object is a name for it: it holds no state of it and may outlive it. `flags` are
 * libvirt's, by name in this package's constants (`Affect`, `DomainStart` …).
 */
export class Domain extends ForeignDomain {
  /** The id it has now; −1: it does not run. Throws NO_DOMAIN. */
  async getID(): Promise<number> {
    this.current = await this.backend.domainLookupByUuid(this.uuid);
    return this.ref.id;
  }

  /** Starts it. @param flags of DomainStart */
  async create(flags = 0): Promise<void> {
    this.current = await this.backend.domainCreateWithFlags(this.ref, flags);
  }

  /** Asks the guest to switch off; resolves when it has been asked. @param flags of ShutdownFlags */
  shutdown(flags = 0): Promise<void> {
    return this.backend.domainShutdownFlags(this.ref, flags);
  }

  /** Asks the guest to restart; resolves when it has been asked. @param flags of ShutdownFlags */
  reboot(flags = 0): Promise<void> {
    return this.backend.domainReboot(this.ref, flags);
  }

  /** The reset button. */
  reset(flags = 0): Promise<void> {
    return this.backend.domainReset(this.ref, flags);
  }

  suspend(): Promise<void> {
    return this.backend.domainSuspend(this.ref);
  }

  resume(): Promise<void> {
    return this.backend.domainResume(this.ref);
  }

  /** Pulls the plug; a transient domain is gone then. @param flags of DestroyFlags */
  destroy(flags = 0): Promise<void> {
    return this.backend.domainDestroyFlags(this.ref, flags);
  }

  /** Forgets the definition; a running domain becomes transient. @param flags of UndefineFlags */
  undefine(flags = 0): Promise<void> {
    return this.backend.domainUndefineFlags(this.ref, flags);
  }

  async rename(newName: string, flags = 0): Promise<void> {
    await this.backend.domainRename(this.ref, newName, flags);
    this.current = { ...this.ref, name: newName };
  }

  /**
   * Takes it to another host, over daemons of libvirt's. @param destination a connection to that host
   * @param params of virDomainMigrate3 @param flags of MigrateFlags
   */
  async migrate(
    destination: { readonly backend: Backend },
    params: readonly TypedParam[] = [],
    flags = 0,
  ): Promise<Domain> {
    const { backend } = destination;
    return new Domain(backend, await migrate(this.backend, this.ref, backend, params, flags));
  }

  /** @param flags of DomainXml */
  getXMLDesc(flags = 0): Promise<string> {
    return this.backend.domainGetXmlDesc(this.ref, flags);
  }

  /** The definition as a plain object. @param flags of DomainXml */
  async getDef(flags = 0): Promise<DomainDef> {
    return parseDomain(await this.getXMLDesc(flags));
  }

  getInfo(): Promise<DomainInfo> {
    return this.backend.domainGetInfo(this.ref);
  }

  /** `state` of DomainState, `reason` of RunningReason, PausedReason, ShutoffReason or CrashedReason. */
  getState(flags = 0): Promise<{ state: number; reason: number }> {
    return this.backend.domainGetState(this.ref, flags);
  }

  getOSType(): Promise<string> {
    return this.backend.domainGetOsType(this.ref);
  }

  isActive(): Promise<boolean> {
    return this.backend.domainIsActive(this.ref);
  }

  isPersistent(): Promise<boolean> {
    return this.backend.domainIsPersistent(this.ref);
  }

  /** The definition has changed since the domain started. */
  isUpdated(): Promise<boolean> {
    return this.backend.domainIsUpdated(this.ref);
  }

  getAutostart(): Promise<boolean> {
    return this.backend.domainGetAutostart(this.ref);
  }

  setAutostart(autostart: boolean): Promise<void> {
    return this.backend.domainSetAutostart(this.ref, autostart);
  }

  /** KiB. */
  getMaxMemory(): Promise<bigint> {
    return this.backend.domainGetMaxMemory(this.ref);
  }

  /** @param flags of MemoryFlags */
  setMemory(kib: bigint, flags = 0): Promise<void> {
    return this.backend.domainSetMemoryFlags(this.ref, kib, flags);
  }

  /** @param flags of VcpuFlags */
  getVcpus(flags = 0): Promise<number> {
    return this.backend.domainGetVcpusFlags(this.ref, flags);
  }

  /** @param flags of VcpuFlags */
  setVcpus(vcpus: number, flags = 0): Promise<void> {
    return this.backend.domainSetVcpusFlags(this.ref, vcpus, flags);
  }

  /** Of a running domain, one entry for each vCPU. */
  getVcpuInfo(): Promise<VcpuInfo[]> {
    return this.backend.domainGetVcpus(this.ref);
  }

  /** Host CPUs that each vCPU may run on, one bit each. @param flags of Affect */
  getVcpuPinInfo(flags = 0): Promise<Uint8Array[]> {
    return this.backend.domainGetVcpuPinInfo(this.ref, flags);
  }

  /** @param flags of Affect */
  pinVcpu(vcpu: number, cpumap: Uint8Array, flags = 0): Promise<void> {
    return this.backend.domainPinVcpuFlags(this.ref, vcpu, cpumap, flags);
  }

  getSchedulerType(): Promise<{ type: string; nparams: number }> {
    return this.backend.domainGetSchedulerType(this.ref);
  }

  getSchedulerParameters(flags = 0): Promise<TypedParam[]> {
    return this.backend.domainGetSchedulerParametersFlags(this.ref, flags);
  }

  setSchedulerParameters(params: readonly TypedParam[], flags = 0): Promise<void> {
    return this.backend.domainSetSchedulerParametersFlags(this.ref, params, flags);
  }

  /** @param device as XML or as a plain object @param flags of Affect */
  async attachDevice(device: string | DeviceInput, flags = 0): Promise<void> {
    await this.backend.domainAttachDeviceFlags(this.ref, deviceXml(device), flags);
  }

  /** @param device as XML or as a plain object @param flags of Affect */
  async detachDevice(device: string | DeviceInput, flags = 0): Promise<void> {
    await this.backend.domainDetachDeviceFlags(this.ref, deviceXml(device), flags);
  }

  /** @param device as XML or as a plain object @param flags of Affect */
  async updateDevice(device: string | DeviceInput, flags = 0): Promise<void> {
    await this.backend.domainUpdateDeviceFlags(this.ref, deviceXml(device), flags);
  }

  /** @param type of MetadataType @param uri namespace of an ELEMENT. Throws NO_DOMAIN_METADATA. */
  getMetadata(type: number, uri?: string, flags = 0): Promise<string> {
    return this.backend.domainGetMetadata(this.ref, type, uri, flags);
  }

  /** @param metadata undefined removes it @param key prefix of an ELEMENT's namespace */
  setMetadata(type: number, metadata: string | undefined, key?: string, uri?: string, flags = 0): Promise<void> {
    return this.backend.domainSetMetadata(this.ref, type, metadata, key, uri, flags);
  }

  /** @param disk its target (`vda`) or source */
  getBlockInfo(disk: string, flags = 0): Promise<BlockInfo> {
    return this.backend.domainGetBlockInfo(this.ref, disk, flags);
  }

  /** @param disk its target; '': all together */
  blockStats(disk: string): Promise<BlockStats> {
    return this.backend.domainBlockStats(this.ref, disk);
  }

  blockStatsFlags(disk: string, flags = 0): Promise<TypedParam[]> {
    return this.backend.domainBlockStatsFlags(this.ref, disk, flags);
  }

  /** @param size KiB, or with BlockResize.BYTES bytes */
  blockResize(disk: string, size: bigint, flags = 0): Promise<void> {
    return this.backend.domainBlockResize(this.ref, disk, size, flags);
  }

  interfaceStats(device: string): Promise<InterfaceStats> {
    return this.backend.domainInterfaceStats(this.ref, device);
  }

  interfaceAddresses(source = 0, flags = 0): Promise<InterfaceAddresses[]> {
    return this.backend.domainInterfaceAddresses(this.ref, source, flags);
  }

  memoryStats(flags = 0): Promise<{ tag: number; value: bigint }[]> {
    return this.backend.domainMemoryStats(this.ref, flags);
  }

  getControlInfo(flags = 0): Promise<{ state: number; details: number; stateTime: bigint }> {
    return this.backend.domainGetControlInfo(this.ref, flags);
  }

  /** What there is to know: why it crashed, for one. */
  getMessages(flags = 0): Promise<string[]> {
    return this.backend.domainGetMessages(this.ref, flags);
  }

  sendKey(codeset: number, holdtimeMs: number, keycodes: readonly number[]): Promise<void> {
    return this.backend.domainSendKey(this.ref, codeset, holdtimeMs, keycodes);
  }

  screenshot(screen = 0, flags = 0): Promise<{ mime: string; stream: Duplex }> {
    return this.backend.domainScreenshot(this.ref, screen, flags);
  }

  /** @param device alias (`serial0`); absent: the first console @param flags of ConsoleFlags */
  openConsole(device?: string, flags = 0): Promise<Duplex> {
    return this.backend.domainOpenConsole(this.ref, device, flags);
  }

  /**
   * What passes a network interface from now on, as a stream of pcapng; destroy it to stop. Throws NO_SUPPORT over
   * libvirt's own daemons. @param device host device or MAC address
   */
  captureInterface(device: string, flags = 0): Promise<Duplex> {
    return this.backend.domainCaptureInterface(this.ref, device, flags);
  }

  async listAllSnapshots(flags = 0): Promise<DomainSnapshot[]> {
    const refs = await this.backend.domainListAllSnapshots(this.ref, flags);
    return refs.map((ref) => new DomainSnapshot(this.backend, ref));
  }

  async snapshotCreateXML(xml: string, flags = 0): Promise<DomainSnapshot> {
    return new DomainSnapshot(this.backend, await this.backend.domainSnapshotCreateXml(this.ref, xml, flags));
  }

  /** `snapshotCreateXML` with a plain object. */
  async createSnapshot(def: SnapshotInput, flags = 0): Promise<DomainSnapshot> {
    return this.snapshotCreateXML(fromPlain(def, formatSnapshot), flags);
  }

  hasCurrentSnapshot(flags = 0): Promise<boolean> {
    return this.backend.domainHasCurrentSnapshot(this.ref, flags);
  }

  /** Throws NO_DOMAIN_SNAPSHOT. */
  async snapshotCurrent(flags = 0): Promise<DomainSnapshot> {
    return new DomainSnapshot(this.backend, await this.backend.domainSnapshotCurrent(this.ref, flags));
  }

  /** Throws NO_DOMAIN_SNAPSHOT. */
  async snapshotLookupByName(name: string, flags = 0): Promise<DomainSnapshot> {
    return new DomainSnapshot(this.backend, await this.backend.domainSnapshotLookupByName(this.ref, name, flags));
  }
}

function deviceXml(device: string | DeviceInput): string {
  return typeof device === 'string' ? device : fromPlain(device, (def) => formatDevice(def, { secure: true }));
}
