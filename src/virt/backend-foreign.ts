/**
 * Procedures that the hypervisors of this package do not carry out, and those behind libvirt's daemons do: our clients
 * call them, our own backends refuse each by the name of its function (NO_SUPPORT).
 */
import type {
  CheckpointRef,
  DomainRef,
  FilterBindingRef,
  InterfaceRef,
  NetworkPortRef,
  NetworkRef,
  NodeDeviceRef,
  NwfilterRef,
  SecretRef,
  TypedParam,
} from './backend-data.ts';

/** Domains: jobs on their disks. Bandwidths are in MiB/s unless flags say bytes, 0 for no limit. */
export interface ForeignDiskProcedures {
  domainBlockPull(domain: DomainRef, disk: string, bandwidth: bigint, flags: number): Promise<void>;
  domainBlockRebase(
    domain: DomainRef,
    disk: string,
    base: string | undefined,
    bandwidth: bigint,
    flags: number,
  ): Promise<void>;
  domainBlockCommit(
    domain: DomainRef,
    disk: string,
    base: string | undefined,
    top: string | undefined,
    bandwidth: bigint,
    flags: number,
  ): Promise<void>;
  /** `destXml` is a `<disk>`. */
  domainBlockCopy(
    domain: DomainRef,
    disk: string,
    destXml: string,
    params: readonly TypedParam[],
    flags: number,
  ): Promise<void>;
  domainBlockJobSetSpeed(domain: DomainRef, disk: string, bandwidth: bigint, flags: number): Promise<void>;
  /** `threshold` in bytes from the start of the image. */
  domainSetBlockThreshold(domain: DomainRef, device: string, threshold: bigint, flags: number): Promise<void>;
  domainBlockPeek(domain: DomainRef, path: string, offset: bigint, size: number, flags: number): Promise<Uint8Array>;
  domainMemoryPeek(domain: DomainRef, offset: bigint, size: number, flags: number): Promise<Uint8Array>;
  /** `checkpointXml` asks for a checkpoint with it. */
  domainBackupBegin(
    domain: DomainRef,
    backupXml: string,
    checkpointXml: string | undefined,
    flags: number,
  ): Promise<void>;
  domainBackupGetXmlDesc(domain: DomainRef, flags: number): Promise<string>;
}

/** Checkpoints: what of a domain's disks has changed since. */
export interface ForeignCheckpointProcedures {
  domainCheckpointCreateXml(domain: DomainRef, xml: string, flags: number): Promise<CheckpointRef>;
  domainListAllCheckpoints(domain: DomainRef, flags: number): Promise<CheckpointRef[]>;
  domainCheckpointLookupByName(domain: DomainRef, name: string, flags: number): Promise<CheckpointRef>;
  domainCheckpointGetXmlDesc(checkpoint: CheckpointRef, flags: number): Promise<string>;
  domainCheckpointListAllChildren(checkpoint: CheckpointRef, flags: number): Promise<CheckpointRef[]>;
  /** Throws NO_DOMAIN_CHECKPOINT for one that has no parent. */
  domainCheckpointGetParent(checkpoint: CheckpointRef, flags: number): Promise<CheckpointRef>;
  domainCheckpointDelete(checkpoint: CheckpointRef, flags: number): Promise<void>;
}

/** Domains: what is tuned of them while they run. */
export interface ForeignTuningProcedures {
  domainAddIothread(domain: DomainRef, iothreadId: number, flags: number): Promise<void>;
  domainDelIothread(domain: DomainRef, iothreadId: number, flags: number): Promise<void>;
  /** One bit for each of the host's CPUs. */
  domainPinIothread(domain: DomainRef, iothreadId: number, cpumap: Uint8Array, flags: number): Promise<void>;
  domainSetIothreadParams(
    domain: DomainRef,
    iothreadId: number,
    params: readonly TypedParam[],
    flags: number,
  ): Promise<void>;
  /** `vcpus` as `0-3,^2`; `state` 1 enables them, 0 disables. */
  domainSetVcpu(domain: DomainRef, vcpus: string, state: number, flags: number): Promise<void>;
  /** The same of the guest's own, through its agent. */
  domainSetGuestVcpus(domain: DomainRef, vcpus: string, state: number, flags: number): Promise<void>;
  domainGetPerfEvents(domain: DomainRef, flags: number): Promise<TypedParam[]>;
  domainSetPerfEvents(domain: DomainRef, params: readonly TypedParam[], flags: number): Promise<void>;
  /** What it finds is among the domain's statistics (DIRTYRATE). */
  domainStartDirtyRateCalc(domain: DomainRef, seconds: number, flags: number): Promise<void>;
  domainGetLaunchSecurityInfo(domain: DomainRef, flags: number): Promise<TypedParam[]>;
  domainSetLaunchSecurityState(domain: DomainRef, params: readonly TypedParam[], flags: number): Promise<void>;
  domainManagedSaveDefineXml(domain: DomainRef, dxml: string | undefined, flags: number): Promise<void>;
}

/** Domains: their guests' processes and agents, and the monitor of QEMU's. */
export interface ForeignGuestProcedures {
  domainSendProcessSignal(domain: DomainRef, pid: bigint, signal: number, flags: number): Promise<void>;
  /** `timeout` in seconds; −2: as long as it takes, −1: the default, 0: not at all. */
  domainAgentSetResponseTimeout(domain: DomainRef, timeout: number, flags: number): Promise<number>;
  domainAuthorizedSshKeysGet(domain: DomainRef, user: string, flags: number): Promise<string[]>;
  domainAuthorizedSshKeysSet(domain: DomainRef, user: string, keys: readonly string[], flags: number): Promise<void>;
  qemuDomainMonitorCommand(domain: DomainRef, command: string, flags: number): Promise<string>;
  qemuDomainAttach(pid: number, flags: number): Promise<DomainRef>;
  /** `timeout` in seconds, or as of `domainAgentSetResponseTimeout`. */
  qemuDomainAgentCommand(
    domain: DomainRef,
    command: string,
    timeout: number,
    flags: number,
  ): Promise<string | undefined>;
  /** From now on `qemuMonitorEvent` comes. Returns the number that ends it. */
  qemuConnectDomainMonitorEventRegister(
    domain: DomainRef | undefined,
    event: string | undefined,
    flags: number,
  ): Promise<number>;
  qemuConnectDomainMonitorEventDeregister(callbackId: number): Promise<void>;
}

/** Domains: going to another host. Cookies are what the two hosts tell each other; flags of MigrateFlags. */
export interface ForeignMigrationProcedures {
  domainMigrateGetMaxDowntime(domain: DomainRef, flags: number): Promise<bigint>;
  /** `downtime` in ms. */
  domainMigrateSetMaxDowntime(domain: DomainRef, downtime: bigint, flags: number): Promise<void>;
  /** MiB/s. */
  domainMigrateGetMaxSpeed(domain: DomainRef, flags: number): Promise<bigint>;
  domainMigrateSetMaxSpeed(domain: DomainRef, bandwidth: bigint, flags: number): Promise<void>;
  /** Bytes. */
  domainMigrateGetCompressionCache(domain: DomainRef, flags: number): Promise<bigint>;
  domainMigrateSetCompressionCache(domain: DomainRef, cacheSize: bigint, flags: number): Promise<void>;
  domainMigrateStartPostCopy(domain: DomainRef, flags: number): Promise<void>;
  domainMigrateBegin3Params(
    domain: DomainRef,
    params: readonly TypedParam[],
    flags: number,
  ): Promise<{ cookie: Uint8Array; xml: string }>;
  domainMigratePrepare3Params(
    params: readonly TypedParam[],
    cookie: Uint8Array,
    flags: number,
  ): Promise<{ cookie: Uint8Array; uri?: string }>;
  /** With `destination` the host goes to the other by itself. */
  domainMigratePerform3Params(
    domain: DomainRef,
    destination: string | undefined,
    params: readonly TypedParam[],
    cookie: Uint8Array,
    flags: number,
  ): Promise<Uint8Array>;
  domainMigrateFinish3Params(
    params: readonly TypedParam[],
    cookie: Uint8Array,
    flags: number,
    cancelled: number,
  ): Promise<{ domain: DomainRef; cookie: Uint8Array }>;
  domainMigrateConfirm3Params(
    domain: DomainRef,
    params: readonly TypedParam[],
    cookie: Uint8Array,
    flags: number,
    cancelled: number,
  ): Promise<void>;
}

/** The host: its memory, sleep, and what can be found on it. */
export interface ForeignHostProcedures {
  /** Free pages of each size (KiB) in each of `cellCount` cells from `startCell` on. */
  nodeGetFreePages(pages: readonly number[], startCell: number, cellCount: number, flags: number): Promise<bigint[]>;
  /** Returns how many cells were changed. */
  nodeAllocPages(
    pageSizes: readonly number[],
    pageCounts: readonly bigint[],
    startCell: number,
    cellCount: number,
    flags: number,
  ): Promise<number>;
  nodeSetMemoryParameters(params: readonly TypedParam[], flags: number): Promise<void>;
  /** `target` of virNodeSuspendTarget, `duration` in seconds. */
  nodeSuspendForDuration(target: number, duration: bigint, flags: number): Promise<void>;
  nodeGetSevInfo(flags: number): Promise<TypedParam[]>;
  connectFindStoragePoolSources(type: string, spec: string | undefined, flags: number): Promise<string>;
}

/** What the host has, as far as it is changed. */
export interface ForeignObjectProcedures {
  interfaceDefineXml(xml: string, flags: number): Promise<InterfaceRef>;
  interfaceUndefine(iface: InterfaceRef): Promise<void>;
  interfaceCreate(iface: InterfaceRef, flags: number): Promise<void>;
  interfaceDestroy(iface: InterfaceRef, flags: number): Promise<void>;
  interfaceChangeBegin(flags: number): Promise<void>;
  interfaceChangeCommit(flags: number): Promise<void>;
  interfaceChangeRollback(flags: number): Promise<void>;
  nodeDeviceCreateXml(xml: string, flags: number): Promise<NodeDeviceRef>;
  nodeDeviceDefineXml(xml: string, flags: number): Promise<NodeDeviceRef>;
  nodeDeviceLookupScsiHostByWwn(wwnn: string, wwpn: string, flags: number): Promise<NodeDeviceRef>;
  nodeDeviceDestroy(device: NodeDeviceRef): Promise<void>;
  nodeDeviceUndefine(device: NodeDeviceRef, flags: number): Promise<void>;
  nodeDeviceCreate(device: NodeDeviceRef, flags: number): Promise<void>;
  nodeDeviceSetAutostart(device: NodeDeviceRef, autostart: boolean): Promise<void>;
  nodeDeviceDettach(device: NodeDeviceRef): Promise<void>;
  nodeDeviceDetachFlags(device: NodeDeviceRef, driver: string | undefined, flags: number): Promise<void>;
  nodeDeviceReAttach(device: NodeDeviceRef): Promise<void>;
  nodeDeviceReset(device: NodeDeviceRef): Promise<void>;
  secretGetXmlDesc(secret: SecretRef, flags: number): Promise<string>;
  secretSetValue(secret: SecretRef, value: Uint8Array, flags: number): Promise<void>;
  secretGetValue(secret: SecretRef, flags: number): Promise<Uint8Array>;
  secretUndefine(secret: SecretRef): Promise<void>;
  nwfilterDefineXmlFlags(xml: string, flags: number): Promise<NwfilterRef>;
  nwfilterGetXmlDesc(filter: NwfilterRef, flags: number): Promise<string>;
  nwfilterUndefine(filter: NwfilterRef): Promise<void>;
  connectListAllNwfilterBindings(flags: number): Promise<FilterBindingRef[]>;
  nwfilterBindingLookupByPortDev(portDev: string): Promise<FilterBindingRef>;
  nwfilterBindingGetXmlDesc(binding: FilterBindingRef, flags: number): Promise<string>;
  nwfilterBindingCreateXml(xml: string, flags: number): Promise<FilterBindingRef>;
  nwfilterBindingDelete(binding: FilterBindingRef): Promise<void>;
}

/** Networks: what is plugged into them. */
export interface ForeignPortProcedures {
  networkListAllPorts(network: NetworkRef, flags: number): Promise<NetworkPortRef[]>;
  networkPortLookupByUuid(network: NetworkRef, uuid: string): Promise<NetworkPortRef>;
  networkPortCreateXml(network: NetworkRef, xml: string, flags: number): Promise<NetworkPortRef>;
  networkPortGetParameters(port: NetworkPortRef, flags: number): Promise<TypedParam[]>;
  networkPortSetParameters(port: NetworkPortRef, params: readonly TypedParam[], flags: number): Promise<void>;
  networkPortGetXmlDesc(port: NetworkPortRef, flags: number): Promise<string>;
  networkPortDelete(port: NetworkPortRef, flags: number): Promise<void>;
}

/** All of them. */
export interface ForeignProcedures
  extends ForeignDiskProcedures,
    ForeignCheckpointProcedures,
    ForeignTuningProcedures,
    ForeignGuestProcedures,
    ForeignMigrationProcedures,
    ForeignHostProcedures,
    ForeignObjectProcedures,
    ForeignPortProcedures {}
