/** libvirt's numbers, by libvirt's names without their prefixes (include/libvirt/*.h). */

/** virDomainState. */
export const DomainState = {
  NOSTATE: 0,
  RUNNING: 1,
  BLOCKED: 2,
  PAUSED: 3,
  SHUTDOWN: 4,
  SHUTOFF: 5,
  CRASHED: 6,
  PMSUSPENDED: 7,
} as const;
export type DomainState = (typeof DomainState)[keyof typeof DomainState];

/** virDomainRunningReason. */
export const RunningReason = {
  UNKNOWN: 0,
  BOOTED: 1,
  MIGRATED: 2,
  RESTORED: 3,
  FROM_SNAPSHOT: 4,
  UNPAUSED: 5,
} as const;
/** virDomainPausedReason. */
export const PausedReason = {
  UNKNOWN: 0,
  USER: 1,
  MIGRATION: 2,
  SAVE: 3,
  DUMP: 4,
  IOERROR: 5,
  WATCHDOG: 6,
  FROM_SNAPSHOT: 7,
  SHUTTING_DOWN: 8,
  SNAPSHOT: 9,
  CRASHED: 10,
  STARTING_UP: 11,
} as const;
/** virDomainShutoffReason. */
export const ShutoffReason = {
  UNKNOWN: 0,
  SHUTDOWN: 1,
  DESTROYED: 2,
  CRASHED: 3,
  MIGRATED: 4,
  SAVED: 5,
  FAILED: 6,
  FROM_SNAPSHOT: 7,
} as const;
/** virDomainCrashedReason. */
export const CrashedReason = { UNKNOWN: 0, PANICKED: 1 } as const;

/** virDomainEventIOErrorAction, by what a disk's policy comes to. */
export const IoErrorAction = { ignore: 0, stop: 1, report: 2 } as const;

/** virConnectDomainEventTrayChangeReason: what happened to the tray of a drive. */
export const TrayChange = { OPEN: 0, CLOSE: 1 } as const;

/** virDomainEventID. */
export const DomainEventId = {
  LIFECYCLE: 0,
  REBOOT: 1,
  RTC_CHANGE: 2,
  WATCHDOG: 3,
  IO_ERROR: 4,
  GRAPHICS: 5,
  IO_ERROR_REASON: 6,
  CONTROL_ERROR: 7,
  BLOCK_JOB: 8,
  DISK_CHANGE: 9,
  TRAY_CHANGE: 10,
  PMWAKEUP: 11,
  PMSUSPEND: 12,
  BALLOON_CHANGE: 13,
  PMSUSPEND_DISK: 14,
  DEVICE_REMOVED: 15,
  BLOCK_JOB_2: 16,
  TUNABLE: 17,
  AGENT_LIFECYCLE: 18,
  DEVICE_ADDED: 19,
  MIGRATION_ITERATION: 20,
  JOB_COMPLETED: 21,
  DEVICE_REMOVAL_FAILED: 22,
  METADATA_CHANGE: 23,
  BLOCK_THRESHOLD: 24,
  MEMORY_FAILURE: 25,
  MEMORY_DEVICE_SIZE_CHANGE: 26,
} as const;
export type DomainEventId = (typeof DomainEventId)[keyof typeof DomainEventId];

/** virDomainEventType and its details. */
export const DomainLifecycle = {
  DEFINED: { id: 0, ADDED: 0, UPDATED: 1, RENAMED: 2, FROM_SNAPSHOT: 3 },
  UNDEFINED: { id: 1, REMOVED: 0, RENAMED: 1 },
  STARTED: { id: 2, BOOTED: 0, MIGRATED: 1, RESTORED: 2, FROM_SNAPSHOT: 3, WAKEUP: 4 },
  SUSPENDED: { id: 3, PAUSED: 0, MIGRATED: 1, IOERROR: 2, WATCHDOG: 3, RESTORED: 4, FROM_SNAPSHOT: 5 },
  RESUMED: { id: 4, UNPAUSED: 0, MIGRATED: 1, FROM_SNAPSHOT: 2 },
  STOPPED: { id: 5, SHUTDOWN: 0, DESTROYED: 1, CRASHED: 2, MIGRATED: 3, SAVED: 4, FAILED: 5, FROM_SNAPSHOT: 6 },
  SHUTDOWN: { id: 6, FINISHED: 0, GUEST: 1, HOST: 2 },
  PMSUSPENDED: { id: 7, MEMORY: 0, DISK: 1 },
  CRASHED: { id: 8, PANICKED: 0 },
} as const;

/** virConnectListAllDomainsFlags; none set in a group means all of it. */
export const ListDomains = {
  ACTIVE: 1,
  INACTIVE: 2,
  PERSISTENT: 4,
  TRANSIENT: 8,
  RUNNING: 16,
  PAUSED: 32,
  SHUTOFF: 64,
  OTHER: 128,
  MANAGEDSAVE: 256,
  NO_MANAGEDSAVE: 512,
  AUTOSTART: 1024,
  NO_AUTOSTART: 2048,
  HAS_SNAPSHOT: 4096,
  NO_SNAPSHOT: 8192,
  HAS_CHECKPOINT: 16384,
  NO_CHECKPOINT: 32768,
} as const;

/** virDomainXMLFlags. */
export const DomainXml = { SECURE: 1, INACTIVE: 2, UPDATE_CPU: 4, MIGRATABLE: 8 } as const;
/** virDomainCreateFlags. */
export const DomainStart = {
  PAUSED: 1,
  AUTODESTROY: 2,
  BYPASS_CACHE: 4,
  FORCE_BOOT: 8,
  VALIDATE: 16,
  RESET_NVRAM: 32,
} as const;
/** virDomainDefineFlags. */
export const DomainDefine = { VALIDATE: 1 } as const;
/** virDomainModificationImpact (virDomainDeviceModifyFlags). */
export const Affect = { CURRENT: 0, LIVE: 1, CONFIG: 2 } as const;
/** virDomainVcpuFlags. */
export const VcpuFlags = { LIVE: 1, CONFIG: 2, MAXIMUM: 4, GUEST: 8, HOTPLUGGABLE: 16 } as const;
/** virDomainMemoryModFlags. */
export const MemoryFlags = { LIVE: 1, CONFIG: 2, MAXIMUM: 4 } as const;
/** virDomainConsoleFlags. */
export const ConsoleFlags = { FORCE: 1, SAFE: 2 } as const;
/** virDomainDestroyFlags. */
export const DestroyFlags = { GRACEFUL: 1, REMOVE_LOGS: 2 } as const;
/** virDomainUndefineFlagsValues. */
export const UndefineFlags = {
  MANAGED_SAVE: 1,
  SNAPSHOTS_METADATA: 2,
  NVRAM: 4,
  KEEP_NVRAM: 8,
  CHECKPOINTS_METADATA: 16,
  TPM: 32,
  KEEP_TPM: 64,
} as const;
/** virDomainLifecycle: what happens. */
export const DomainLifecycleWhen = { POWEROFF: 0, REBOOT: 1, CRASH: 2 } as const;
/** virDomainLifecycleAction: what that leads to. */
export const DomainLifecycleAction = {
  DESTROY: 0,
  RESTART: 1,
  RENAME_RESTART: 2,
  PRESERVE: 3,
  COREDUMP_DESTROY: 4,
  COREDUMP_RESTART: 5,
} as const;
/** virDomainMigrateFlags. */
export const MigrateFlags = {
  LIVE: 1,
  PEER2PEER: 2,
  TUNNELLED: 4,
  PERSIST_DEST: 8,
  UNDEFINE_SOURCE: 16,
  PAUSED: 32,
  NON_SHARED_DISK: 64,
  NON_SHARED_INC: 128,
  CHANGE_PROTECTION: 256,
  UNSAFE: 512,
  OFFLINE: 1024,
  COMPRESSED: 2048,
  ABORT_ON_ERROR: 4096,
  AUTO_CONVERGE: 8192,
  RDMA_PIN_ALL: 16_384,
  POSTCOPY: 32_768,
  TLS: 65_536,
  PARALLEL: 131_072,
  NON_SHARED_SYNCHRONOUS_WRITES: 262_144,
  POSTCOPY_RESUME: 524_288,
  ZEROCOPY: 1_048_576,
} as const;
/** virDomainMetadataType. */
export const MetadataType = { DESCRIPTION: 0, TITLE: 1, ELEMENT: 2 } as const;
/** virDomainStatsTypes. */
export const DomainStats = {
  STATE: 1,
  CPU_TOTAL: 2,
  BALLOON: 4,
  VCPU: 8,
  INTERFACE: 16,
  BLOCK: 32,
  PERF: 64,
  IOTHREAD: 128,
  MEMORY: 256,
  DIRTYRATE: 512,
  VM: 1024,
} as const;

/** virConnectListAllNetworksFlags and virConnectListAllStoragePoolsFlags: note that active and inactive are swapped. */
export const ListObjects = {
  INACTIVE: 1,
  ACTIVE: 2,
  PERSISTENT: 4,
  TRANSIENT: 8,
  AUTOSTART: 16,
  NO_AUTOSTART: 32,
} as const;
/** virConnectListAllInterfacesFlags. */
export const ListInterfaces = { INACTIVE: 1, ACTIVE: 2 } as const;
/** virConnectListAllNodeDeviceFlags, as far as there are such devices. */
export const ListNodeDevices = { SYSTEM: 1, NET: 16, INACTIVE: 2 ** 30, ACTIVE: 2 ** 31 } as const;
/** virConnectListAllSecretsFlags. */
export const ListSecrets = { EPHEMERAL: 1, NO_EPHEMERAL: 2, PRIVATE: 4, NO_PRIVATE: 8 } as const;
/** virNetworkEventLifecycleType. */
export const NetworkEvent = { DEFINED: 0, UNDEFINED: 1, STARTED: 2, STOPPED: 3 } as const;
/** virStoragePoolEventLifecycleType. */
export const PoolEvent = { DEFINED: 0, UNDEFINED: 1, STARTED: 2, STOPPED: 3, CREATED: 4, DELETED: 5 } as const;
/** virStoragePoolState. */
export const PoolState = { INACTIVE: 0, BUILDING: 1, RUNNING: 2, DEGRADED: 3, INACCESSIBLE: 4 } as const;
/** virStorageVolType. */
export const VolumeType = { FILE: 0, BLOCK: 1, DIR: 2, NETWORK: 3, NETDIR: 4, PLOOP: 5 } as const;
/** virDomainShutdownFlagValues and virDomainRebootFlagValues. */
export const ShutdownFlags = { ACPI_POWER_BTN: 1, GUEST_AGENT: 2, INITCTL: 4, SIGNAL: 8, PARAVIRT: 16 } as const;
/** virDomainBlockResizeFlags. */
export const BlockResize = { BYTES: 1, CAPACITY: 2 } as const;
/** virStorageVolResizeFlags. */
export const VolumeResize = { ALLOCATE: 1, DELTA: 2, SHRINK: 4 } as const;
/** virStorageVolWipeAlgorithm. */
export const VolumeWipe = {
  ZERO: 0,
  NNSA: 1,
  DOD: 2,
  BSI: 3,
  GUTMANN: 4,
  SCHNEIER: 5,
  PFITZNER7: 6,
  PFITZNER33: 7,
  RANDOM: 8,
  TRIM: 9,
} as const;
/** virStoragePoolBuildFlags. */
export const PoolBuild = { NEW: 0, REPAIR: 1, RESIZE: 2, NO_OVERWRITE: 4, OVERWRITE: 8 } as const;
/** virStoragePoolCreateFlags. */
export const PoolStart = {
  NORMAL: 0,
  WITH_BUILD: 1,
  WITH_BUILD_OVERWRITE: 2,
  WITH_BUILD_NO_OVERWRITE: 4,
  VALIDATE: 8,
} as const;
/** virStoragePoolDefineFlags. */
export const PoolDefine = { VALIDATE: 1 } as const;
/** virStorageVolCreateFlags; raw volumes have no metadata to allocate. */
export const VolumeCreate = { PREALLOC_METADATA: 1, REFLINK: 2, VALIDATE: 4 } as const;
/** virNetworkDefineFlags and virNetworkCreateFlags. */
export const NetworkDefine = { VALIDATE: 1 } as const;
/** virNetworkUpdateCommand. */
export const NetworkUpdateCommand = { NONE: 0, MODIFY: 1, DELETE: 2, ADD_LAST: 3, ADD_FIRST: 4 } as const;
/** virNetworkUpdateSection. */
export const NetworkSection = {
  NONE: 0,
  BRIDGE: 1,
  DOMAIN: 2,
  IP: 3,
  IP_DHCP_HOST: 4,
  IP_DHCP_RANGE: 5,
  FORWARD: 6,
  FORWARD_INTERFACE: 7,
  FORWARD_PF: 8,
  PORTGROUP: 9,
  DNS_HOST: 10,
  DNS_TXT: 11,
  DNS_SRV: 12,
} as const;
/** virConnectCloseReason. */
export const CloseReason = { ERROR: 0, EOF: 1, KEEPALIVE: 2, CLIENT: 3 } as const;
/** virDomainMemoryStatTags. */
export const MemoryStat = {
  SWAP_IN: 0,
  SWAP_OUT: 1,
  MAJOR_FAULT: 2,
  MINOR_FAULT: 3,
  UNUSED: 4,
  AVAILABLE: 5,
  ACTUAL_BALLOON: 6,
  RSS: 7,
  USABLE: 8,
  LAST_UPDATE: 9,
  DISK_CACHES: 10,
} as const;
