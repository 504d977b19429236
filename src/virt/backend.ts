/**
 * What a connection stands on: one method for each procedure of libvirt's remote protocol that we know, under the
 * procedure's name in camelCase, with its arguments in its order. A local backend carries them out, a remote one
 * puts them on the wire; the objects of the API (`Connection`, `Domain` …) know only this.
 *
 * Everything is plain data. Sizes of memory are in KiB, of storage in bytes, times in nanoseconds, all bigint where
 * libvirt has 64 bits. A method rejects with VirtError and nothing else.
 */
import type { Duplex } from 'node:stream';
import type { Emitter } from '../util/index.ts';
import type {
  BackendEvents,
  BlockInfo,
  BlockStats,
  DhcpLease,
  DomainInfo,
  DomainRef,
  InterfaceAddresses,
  InterfaceStats,
  NetworkRef,
  NodeInfo,
  NodeStat,
  PoolInfo,
  PoolRef,
  SnapshotRef,
  TypedParam,
  VcpuInfo,
  VolumeInfo,
  VolumeRef,
} from './backend-data.ts';
import type { DomainGuestProcedures, DomainResourceProcedures, DomainSaveProcedures } from './backend-domain.ts';
import type { ForeignProcedures } from './backend-foreign.ts';
import type { InterfaceProcedures, NodeDeviceProcedures, NodeProcedures, SecretProcedures } from './backend-host.ts';

export type * from './backend-data.ts';
export type * from './backend-domain.ts';
export type * from './backend-foreign.ts';
export type * from './backend-host.ts';

/** Connection and host. */
export interface ConnectProcedures {
  connectClose(): Promise<void>;
  connectGetType(): Promise<string>;
  /** major · 1000000 + minor · 1000 + release. */
  connectGetVersion(): Promise<bigint>;
  connectGetLibVersion(): Promise<bigint>;
  connectGetHostname(): Promise<string>;
  connectGetUri(): Promise<string>;
  connectIsSecure(): Promise<boolean>;
  connectGetMaxVcpus(type: string | undefined): Promise<number>;
  connectGetCapabilities(): Promise<string>;
  connectGetDomainCapabilities(
    emulatorbin: string | undefined,
    arch: string | undefined,
    machine: string | undefined,
    virttype: string | undefined,
    flags: number,
  ): Promise<string>;
  connectGetSysinfo(flags: number): Promise<string>;
  nodeGetInfo(): Promise<NodeInfo>;
  nodeGetFreeMemory(): Promise<bigint>;
  nodeGetCpuMap(flags: number): Promise<{ cpumap: Uint8Array; online: number; cpus: number }>;
  /** `cpuNum` −1: all together. Nanoseconds in `kernel`, `user`, `idle`, `iowait`. */
  nodeGetCpuStats(cpuNum: number, flags: number): Promise<NodeStat[]>;
  /** `cellNum` −1: all together. KiB in `total`, `free`, `buffers`, `cached`. */
  nodeGetMemoryStats(cellNum: number, flags: number): Promise<NodeStat[]>;
}

/** Domains: finding them, and their life cycle. */
export interface DomainLifecycleProcedures {
  connectListAllDomains(flags: number): Promise<DomainRef[]>;
  domainLookupById(id: number): Promise<DomainRef>;
  domainLookupByUuid(uuid: string): Promise<DomainRef>;
  domainLookupByName(name: string): Promise<DomainRef>;
  domainCreateXml(xml: string, flags: number): Promise<DomainRef>;
  domainDefineXmlFlags(xml: string, flags: number): Promise<DomainRef>;
  domainCreateWithFlags(domain: DomainRef, flags: number): Promise<DomainRef>;
  domainUndefineFlags(domain: DomainRef, flags: number): Promise<void>;
  domainShutdownFlags(domain: DomainRef, flags: number): Promise<void>;
  domainReboot(domain: DomainRef, flags: number): Promise<void>;
  domainReset(domain: DomainRef, flags: number): Promise<void>;
  domainSuspend(domain: DomainRef): Promise<void>;
  domainResume(domain: DomainRef): Promise<void>;
  domainDestroyFlags(domain: DomainRef, flags: number): Promise<void>;
  domainRename(domain: DomainRef, newName: string, flags: number): Promise<void>;
  domainGetAutostart(domain: DomainRef): Promise<boolean>;
  domainSetAutostart(domain: DomainRef, autostart: boolean): Promise<void>;
}

/** Domains: what they are and how they do. */
export interface DomainReadProcedures {
  domainGetXmlDesc(domain: DomainRef, flags: number): Promise<string>;
  domainGetInfo(domain: DomainRef): Promise<DomainInfo>;
  domainGetState(domain: DomainRef, flags: number): Promise<{ state: number; reason: number }>;
  domainGetOsType(domain: DomainRef): Promise<string>;
  domainIsActive(domain: DomainRef): Promise<boolean>;
  domainIsPersistent(domain: DomainRef): Promise<boolean>;
  domainIsUpdated(domain: DomainRef): Promise<boolean>;
  domainGetMaxMemory(domain: DomainRef): Promise<bigint>;
  domainGetControlInfo(
    domain: DomainRef,
    flags: number,
  ): Promise<{ state: number; details: number; stateTime: bigint }>;
  /** `type` of virDomainJobType: 0, none, unless a job is under way. */
  domainGetJobStats(domain: DomainRef, flags: number): Promise<{ type: number; params: TypedParam[] }>;
  domainGetMessages(domain: DomainRef, flags: number): Promise<string[]>;
  domainGetTime(domain: DomainRef, flags: number): Promise<{ seconds: bigint; nseconds: number }>;
  domainHasManagedSaveImage(domain: DomainRef, flags: number): Promise<boolean>;
}

/** Domains: memory, vCPUs, devices and descriptions. */
export interface DomainTuningProcedures {
  domainSetMemoryFlags(domain: DomainRef, kib: bigint, flags: number): Promise<void>;
  domainGetVcpusFlags(domain: DomainRef, flags: number): Promise<number>;
  domainSetVcpusFlags(domain: DomainRef, vcpus: number, flags: number): Promise<void>;
  domainGetVcpus(domain: DomainRef): Promise<VcpuInfo[]>;
  domainGetVcpuPinInfo(domain: DomainRef, flags: number): Promise<Uint8Array[]>;
  domainPinVcpuFlags(domain: DomainRef, vcpu: number, cpumap: Uint8Array, flags: number): Promise<void>;
  domainGetSchedulerType(domain: DomainRef): Promise<{ type: string; nparams: number }>;
  domainGetSchedulerParametersFlags(domain: DomainRef, flags: number): Promise<TypedParam[]>;
  domainSetSchedulerParametersFlags(domain: DomainRef, params: readonly TypedParam[], flags: number): Promise<void>;
  domainAttachDeviceFlags(domain: DomainRef, xml: string, flags: number): Promise<void>;
  domainDetachDeviceFlags(domain: DomainRef, xml: string, flags: number): Promise<void>;
  domainUpdateDeviceFlags(domain: DomainRef, xml: string, flags: number): Promise<void>;
  domainGetMetadata(domain: DomainRef, type: number, uri: string | undefined, flags: number): Promise<string>;
  domainSetMetadata(
    domain: DomainRef,
    type: number,
    metadata: string | undefined,
    key: string | undefined,
    uri: string | undefined,
    flags: number,
  ): Promise<void>;
}

/** Domains: their numbers, and what goes in and out of them. */
export interface DomainIoProcedures {
  domainGetBlockInfo(domain: DomainRef, path: string, flags: number): Promise<BlockInfo>;
  domainBlockStats(domain: DomainRef, path: string): Promise<BlockStats>;
  domainBlockStatsFlags(domain: DomainRef, path: string, flags: number): Promise<TypedParam[]>;
  domainBlockResize(domain: DomainRef, path: string, size: bigint, flags: number): Promise<void>;
  domainInterfaceStats(domain: DomainRef, device: string): Promise<InterfaceStats>;
  domainInterfaceAddresses(domain: DomainRef, source: number, flags: number): Promise<InterfaceAddresses[]>;
  /** Pairs of virDomainMemoryStatTags and value. */
  domainMemoryStats(domain: DomainRef, flags: number): Promise<{ tag: number; value: bigint }[]>;
  connectGetAllDomainStats(
    domains: readonly DomainRef[],
    stats: number,
    flags: number,
  ): Promise<{ domain: DomainRef; params: TypedParam[] }[]>;
  domainSendKey(domain: DomainRef, codeset: number, holdtimeMs: number, keycodes: readonly number[]): Promise<void>;
  /** `mime` and the picture's bytes as a stream. */
  domainScreenshot(domain: DomainRef, screen: number, flags: number): Promise<{ mime: string; stream: Duplex }>;
  domainOpenConsole(domain: DomainRef, device: string | undefined, flags: number): Promise<Duplex>;
  /** What passes an interface from now on, as pcapng. libvirt has no such call. */
  domainCaptureInterface(domain: DomainRef, device: string, flags: number): Promise<Duplex>;
}

/** Domains. */
export interface DomainProcedures
  extends DomainLifecycleProcedures,
    DomainReadProcedures,
    DomainTuningProcedures,
    DomainIoProcedures,
    DomainResourceProcedures,
    DomainSaveProcedures,
    DomainGuestProcedures {}

/** Snapshots. */
export interface SnapshotProcedures {
  domainListAllSnapshots(domain: DomainRef, flags: number): Promise<SnapshotRef[]>;
  domainSnapshotCreateXml(domain: DomainRef, xml: string, flags: number): Promise<SnapshotRef>;
  domainSnapshotLookupByName(domain: DomainRef, name: string, flags: number): Promise<SnapshotRef>;
  domainSnapshotGetXmlDesc(snapshot: SnapshotRef, flags: number): Promise<string>;
  domainRevertToSnapshot(snapshot: SnapshotRef, flags: number): Promise<void>;
  domainSnapshotDelete(snapshot: SnapshotRef, flags: number): Promise<void>;
  domainSnapshotListAllChildren(snapshot: SnapshotRef, flags: number): Promise<SnapshotRef[]>;
  domainSnapshotNumChildren(snapshot: SnapshotRef, flags: number): Promise<number>;
  /** Throws NO_DOMAIN_SNAPSHOT for one that has no parent. */
  domainSnapshotGetParent(snapshot: SnapshotRef, flags: number): Promise<SnapshotRef>;
  domainHasCurrentSnapshot(domain: DomainRef, flags: number): Promise<boolean>;
  /** Throws NO_DOMAIN_SNAPSHOT. */
  domainSnapshotCurrent(domain: DomainRef, flags: number): Promise<SnapshotRef>;
  domainSnapshotIsCurrent(snapshot: SnapshotRef, flags: number): Promise<boolean>;
  domainSnapshotHasMetadata(snapshot: SnapshotRef, flags: number): Promise<boolean>;
}

/** Networks. */
export interface NetworkProcedures {
  connectListAllNetworks(flags: number): Promise<NetworkRef[]>;
  networkLookupByName(name: string): Promise<NetworkRef>;
  networkLookupByUuid(uuid: string): Promise<NetworkRef>;
  networkCreateXmlFlags(xml: string, flags: number): Promise<NetworkRef>;
  networkDefineXmlFlags(xml: string, flags: number): Promise<NetworkRef>;
  networkCreate(network: NetworkRef): Promise<void>;
  networkDestroy(network: NetworkRef): Promise<void>;
  networkUndefine(network: NetworkRef): Promise<void>;
  networkUpdate(
    network: NetworkRef,
    command: number,
    section: number,
    parentIndex: number,
    xml: string,
    flags: number,
  ): Promise<void>;
  networkGetXmlDesc(network: NetworkRef, flags: number): Promise<string>;
  networkGetBridgeName(network: NetworkRef): Promise<string>;
  networkIsActive(network: NetworkRef): Promise<boolean>;
  networkIsPersistent(network: NetworkRef): Promise<boolean>;
  networkGetAutostart(network: NetworkRef): Promise<boolean>;
  networkSetAutostart(network: NetworkRef, autostart: boolean): Promise<void>;
  networkGetDhcpLeases(network: NetworkRef, mac: string | undefined, flags: number): Promise<DhcpLease[]>;
}

/** Storage pools. */
export interface StoragePoolProcedures {
  connectListAllStoragePools(flags: number): Promise<PoolRef[]>;
  connectGetStoragePoolCapabilities(flags: number): Promise<string>;
  storagePoolLookupByName(name: string): Promise<PoolRef>;
  storagePoolLookupByUuid(uuid: string): Promise<PoolRef>;
  storagePoolLookupByVolume(volume: VolumeRef): Promise<PoolRef>;
  storagePoolLookupByTargetPath(path: string): Promise<PoolRef>;
  storagePoolCreateXml(xml: string, flags: number): Promise<PoolRef>;
  storagePoolDefineXml(xml: string, flags: number): Promise<PoolRef>;
  storagePoolBuild(pool: PoolRef, flags: number): Promise<void>;
  storagePoolCreate(pool: PoolRef, flags: number): Promise<void>;
  storagePoolDestroy(pool: PoolRef): Promise<void>;
  storagePoolDelete(pool: PoolRef, flags: number): Promise<void>;
  storagePoolUndefine(pool: PoolRef): Promise<void>;
  storagePoolRefresh(pool: PoolRef, flags: number): Promise<void>;
  storagePoolGetInfo(pool: PoolRef): Promise<PoolInfo>;
  storagePoolGetXmlDesc(pool: PoolRef, flags: number): Promise<string>;
  storagePoolIsActive(pool: PoolRef): Promise<boolean>;
  storagePoolIsPersistent(pool: PoolRef): Promise<boolean>;
  storagePoolGetAutostart(pool: PoolRef): Promise<boolean>;
  storagePoolSetAutostart(pool: PoolRef, autostart: boolean): Promise<void>;
}

/** Storage volumes. */
export interface StorageVolumeProcedures {
  storagePoolListAllVolumes(pool: PoolRef, flags: number): Promise<VolumeRef[]>;
  storageVolLookupByName(pool: PoolRef, name: string): Promise<VolumeRef>;
  storageVolLookupByKey(key: string): Promise<VolumeRef>;
  storageVolLookupByPath(path: string): Promise<VolumeRef>;
  storageVolCreateXml(pool: PoolRef, xml: string, flags: number): Promise<VolumeRef>;
  storageVolCreateXmlFrom(pool: PoolRef, xml: string, clone: VolumeRef, flags: number): Promise<VolumeRef>;
  storageVolDelete(volume: VolumeRef, flags: number): Promise<void>;
  storageVolWipe(volume: VolumeRef, flags: number): Promise<void>;
  /** `algorithm` of VolumeWipe. */
  storageVolWipePattern(volume: VolumeRef, algorithm: number, flags: number): Promise<void>;
  storageVolResize(volume: VolumeRef, capacity: bigint, flags: number): Promise<void>;
  storageVolGetInfo(volume: VolumeRef): Promise<VolumeInfo>;
  storageVolGetXmlDesc(volume: VolumeRef, flags: number): Promise<string>;
  storageVolGetPath(volume: VolumeRef): Promise<string>;
  storageVolUpload(volume: VolumeRef, offset: bigint, length: bigint, flags: number): Promise<Duplex>;
  storageVolDownload(volume: VolumeRef, offset: bigint, length: bigint, flags: number): Promise<Duplex>;
}

/** All of it. */
export interface Backend
  extends ConnectProcedures,
    NodeProcedures,
    InterfaceProcedures,
    NodeDeviceProcedures,
    SecretProcedures,
    DomainProcedures,
    SnapshotProcedures,
    NetworkProcedures,
    StoragePoolProcedures,
    StorageVolumeProcedures,
    ForeignProcedures {
  readonly events: Emitter<BackendEvents>;
}
