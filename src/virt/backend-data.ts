/**
 * The plain data that procedures take and give. Sizes of memory are in KiB, of storage in bytes, times in nanoseconds,
 * all bigint where libvirt has 64 bits.
 */

/** A domain as libvirt names it on the wire. It may be stale: find by `uuid` only. */
export interface DomainRef {
  readonly name: string;
  /** Lower case, with hyphens. */
  readonly uuid: string;
  /** −1 when not active. */
  readonly id: number;
}

export interface NetworkRef {
  readonly name: string;
  readonly uuid: string;
}

export interface PoolRef {
  readonly name: string;
  readonly uuid: string;
}

export interface VolumeRef {
  readonly pool: string;
  readonly name: string;
  /** Unique on the host; of a file its path. */
  readonly key: string;
}

export interface SnapshotRef {
  readonly name: string;
  readonly domain: DomainRef;
}

/** virTypedParameter. */
export type TypedParam = { readonly field: string } & (
  | { readonly type: 'int' | 'uint' | 'double'; readonly value: number }
  | { readonly type: 'llong' | 'ullong'; readonly value: bigint }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
);

/** virDomainInfo. */
export interface DomainInfo {
  readonly state: number;
  readonly maxMem: bigint;
  readonly memory: bigint;
  readonly nrVirtCpu: number;
  readonly cpuTime: bigint;
}

/** virNodeInfo; `memory` in KiB. */
export interface NodeInfo {
  readonly model: string;
  readonly memory: bigint;
  readonly cpus: number;
  readonly mhz: number;
  readonly nodes: number;
  readonly sockets: number;
  readonly cores: number;
  readonly threads: number;
}

/** One number about the host. */
export interface NodeStat {
  readonly field: string;
  readonly value: bigint;
}

/** virVcpuInfo; `state` 0 offline, 1 running, 2 blocked; `cpu` the host CPU it ran on last, −1 unknown. */
export interface VcpuInfo {
  readonly number: number;
  readonly state: number;
  readonly cpuTime: bigint;
  readonly cpu: number;
  /** One bit per host CPU, least significant bit first. */
  readonly cpumap: Uint8Array;
}

export interface BlockInfo {
  readonly allocation: bigint;
  readonly capacity: bigint;
  readonly physical: bigint;
}

export interface BlockStats {
  readonly rdReq: bigint;
  readonly rdBytes: bigint;
  readonly wrReq: bigint;
  readonly wrBytes: bigint;
  readonly errs: bigint;
}

export interface InterfaceStats {
  readonly rxBytes: bigint;
  readonly rxPackets: bigint;
  readonly rxErrs: bigint;
  readonly rxDrop: bigint;
  readonly txBytes: bigint;
  readonly txPackets: bigint;
  readonly txErrs: bigint;
  readonly txDrop: bigint;
}

export interface InterfaceAddresses {
  readonly name: string;
  readonly hwaddr?: string;
  /** `type` 0 IPv4, 1 IPv6. */
  readonly addrs: readonly { readonly type: number; readonly addr: string; readonly prefix: number }[];
}

export interface DhcpLease {
  readonly iface: string;
  readonly expirytime: bigint;
  readonly type: number;
  readonly mac?: string;
  readonly ipaddr: string;
  readonly prefix: number;
  readonly hostname?: string;
  readonly clientid?: string;
}

export interface PoolInfo {
  readonly state: number;
  readonly capacity: bigint;
  readonly allocation: bigint;
  readonly available: bigint;
}

export interface VolumeInfo {
  readonly type: number;
  readonly capacity: bigint;
  readonly allocation: bigint;
}

/** virDomainJobInfo; `type` of virDomainJobType, 0 when no job is under way and all else is 0 then; times in ms. */
export interface JobInfo {
  readonly type: number;
  readonly timeElapsed: bigint;
  readonly timeRemaining: bigint;
  readonly dataTotal: bigint;
  readonly dataProcessed: bigint;
  readonly dataRemaining: bigint;
  readonly memTotal: bigint;
  readonly memProcessed: bigint;
  readonly memRemaining: bigint;
  readonly fileTotal: bigint;
  readonly fileProcessed: bigint;
  readonly fileRemaining: bigint;
}

/** virDomainBlockJobInfo; `type` of virDomainBlockJobType, `bandwidth` in bytes/s. */
export interface BlockJobInfo {
  readonly type: number;
  readonly bandwidth: bigint;
  readonly cur: bigint;
  readonly end: bigint;
}

/** A disk that had an error: `error` of virDomainDiskErrorCode. */
export interface DiskError {
  readonly disk: string;
  readonly error: number;
}

/** virDomainIOThreadInfo. */
export interface IothreadInfo {
  readonly iothreadId: number;
  readonly cpumap: Uint8Array;
}

/** virSecurityLabel. */
export interface SecurityLabel {
  readonly label: string;
  readonly enforcing: boolean;
}

/** A file system of a guest, as its agent sees it. */
export interface FsInfo {
  readonly mountpoint: string;
  readonly name: string;
  readonly fstype: string;
  /** Targets of the disks it is on. */
  readonly devAliases: readonly string[];
}

/** A network interface of the host. */
export interface InterfaceRef {
  readonly name: string;
  readonly mac: string;
}

/** A device of the host. */
export interface NodeDeviceRef {
  readonly name: string;
}

/** A secret; `usageType` of virSecretUsageType. */
export interface SecretRef {
  readonly uuid: string;
  readonly usageType: number;
  readonly usageId: string;
}

/** A network filter. */
export interface NwfilterRef {
  readonly name: string;
  readonly uuid: string;
}

/** What a network filter is bound to. */
export interface FilterBindingRef {
  /** The interface's device on the host. */
  readonly portDev: string;
  readonly filterName: string;
}

/** A port of a network. */
export interface NetworkPortRef {
  readonly network: NetworkRef;
  readonly uuid: string;
}

/** A checkpoint of a domain's disks. */
export interface CheckpointRef {
  readonly name: string;
  readonly domain: DomainRef;
}

/** One end of a connection to a domain's screen; `family` of virDomainEventGraphicsAddressType. */
export interface GraphicsAddress {
  readonly family: number;
  readonly node: string;
  readonly service: string;
}

/** Who a viewer of a domain's screen has shown to be. */
export interface GraphicsIdentity {
  readonly type: string;
  readonly name: string;
}

/** What happened, as libvirt reports it. `event` and `detail` are numbers of enums.ts. */
export interface BackendEvents {
  lifecycle: [domain: DomainRef, event: number, detail: number];
  reboot: [domain: DomainRef];
  rtcChange: [domain: DomainRef, offsetSeconds: bigint];
  ioError: [domain: DomainRef, srcPath: string, devAlias: string, action: number, reason: string];
  balloonChange: [domain: DomainRef, actualKib: bigint];
  /** The tray of a drive was opened or closed: see TrayChange. */
  trayChange: [domain: DomainRef, devAlias: string, reason: number];
  deviceAdded: [domain: DomainRef, devAlias: string];
  deviceRemoved: [domain: DomainRef, devAlias: string];
  /** Limits of a running domain were changed: what was set, as `blkdeviotune.disk`, `blkdeviotune.total_bytes_sec` …. */
  tunable: [domain: DomainRef, params: TypedParam[]];
  metadataChange: [domain: DomainRef, type: number, nsuri: string | undefined];
  /** `action` of virDomainEventWatchdogAction. */
  watchdog: [domain: DomainRef, action: number];
  /** A viewer comes or goes; `phase` of virDomainEventGraphicsPhase. */
  graphics: [
    domain: DomainRef,
    phase: number,
    local: GraphicsAddress,
    remote: GraphicsAddress,
    authScheme: string,
    subject: GraphicsIdentity[],
  ];
  /** What controls the domain has failed. */
  controlError: [domain: DomainRef];
  /** A job of a disk, which is named by its source, has come to `status` of virConnectDomainEventBlockJobStatus. */
  blockJob: [domain: DomainRef, disk: string, type: number, status: number];
  /** The same of a disk by its target. */
  blockJob2: [domain: DomainRef, disk: string, type: number, status: number];
  /** Another medium; `reason` of virConnectDomainEventDiskChangeReason. */
  diskChange: [
    domain: DomainRef,
    oldSrcPath: string | undefined,
    newSrcPath: string | undefined,
    devAlias: string,
    reason: number,
  ];
  pmWakeup: [domain: DomainRef, reason: number];
  pmSuspend: [domain: DomainRef, reason: number];
  pmSuspendDisk: [domain: DomainRef, reason: number];
  /** `state` of virConnectDomainEventAgentLifecycleState: 1 connected, 2 not. */
  agentLifecycle: [domain: DomainRef, state: number, reason: number];
  /** Migration goes over the memory once more. */
  migrationIteration: [domain: DomainRef, iteration: number];
  jobCompleted: [domain: DomainRef, params: TypedParam[]];
  deviceRemovalFailed: [domain: DomainRef, devAlias: string];
  /** An image is filled beyond what `domainSetBlockThreshold` has set. Bytes. */
  blockThreshold: [domain: DomainRef, device: string, path: string | undefined, threshold: bigint, excess: bigint];
  /** `recipient` and `action` of virDomainMemoryFailure…Type. */
  memoryFailure: [domain: DomainRef, recipient: number, action: number, flags: number];
  /** Bytes. */
  memoryDeviceSizeChange: [domain: DomainRef, alias: string, size: bigint];
  /** An event of QEMU's monitor, to those who have asked for it; `details` in JSON. */
  qemuMonitorEvent: [domain: DomainRef, event: string, seconds: bigint, micros: number, details: string | undefined];
  /** `event` of virNodeDeviceEventLifecycleType. */
  nodeDevice: [device: NodeDeviceRef, event: number, detail: number];
  nodeDeviceUpdate: [device: NodeDeviceRef];
  /** `event` of virSecretEventLifecycleType. */
  secret: [secret: SecretRef, event: number, detail: number];
  secretValueChanged: [secret: SecretRef];
  network: [network: NetworkRef, event: number, detail: number];
  pool: [pool: PoolRef, event: number, detail: number];
  poolRefresh: [pool: PoolRef];
  /** The connection is gone; `reason` of virConnectCloseReason (0 error, 1 EOF, 2 keepalive, 3 client). */
  close: [reason: number];
}
