/** Every procedure of `Backend` that is not foreign, with arguments to call it with: what the suites that hold for all of them run over. */
import type {
  Backend,
  DomainRef,
  ForeignProcedures,
  NetworkRef,
  PoolRef,
  SnapshotRef,
  VolumeRef,
} from '../../../src/index.ts';

/** Name of a procedure that backends of ours carry out. */
export type Procedure = Exclude<keyof Backend, 'events' | keyof ForeignProcedures>;

/** The objects that a call is about. */
export interface Refs {
  readonly domain: DomainRef;
  readonly network: NetworkRef;
  readonly pool: PoolRef;
  readonly volume: VolumeRef;
  readonly snapshot: SnapshotRef;
  readonly iface: { readonly name: string; readonly mac: string };
  readonly device: { readonly name: string };
}

/** How to call a procedure. */
export interface Call<P extends Procedure> {
  /** Whether a connection that only reads may. */
  readonly access: 'read' | 'write';
  /** Its last argument is of flags. */
  readonly flags: boolean;
  readonly args: (refs: Refs) => Parameters<Backend[P]>;
}

type Args<P extends Procedure> = (refs: Refs) => Parameters<Backend[P]>;

const reads = <P extends Procedure>(args: Args<P>): Call<P> => ({ access: 'read', flags: false, args });
const readsWithFlags = <P extends Procedure>(args: Args<P>): Call<P> => ({ access: 'read', flags: true, args });
const writes = <P extends Procedure>(args: Args<P>): Call<P> => ({ access: 'write', flags: false, args });
const writesWithFlags = <P extends Procedure>(args: Args<P>): Call<P> => ({ access: 'write', flags: true, args });

const uuid = '99999999-9999-4999-8999-999999999999';
const xml = '<none/>';
const map = Uint8Array.of(1);

const host: { readonly [P in Extract<Procedure, `${'connect' | 'node' | 'secret' | 'nwfilter'}${string}`>]: Call<P> } =
  {
    connectClose: reads(() => []),
    connectGetType: reads(() => []),
    connectGetVersion: reads(() => []),
    connectGetLibVersion: reads(() => []),
    connectGetHostname: reads(() => []),
    connectGetUri: reads(() => []),
    connectIsSecure: reads(() => []),
    connectGetMaxVcpus: reads(() => [undefined]),
    connectGetCapabilities: reads(() => []),
    connectGetDomainCapabilities: readsWithFlags(() => [undefined, undefined, undefined, undefined, 0]),
    connectGetSysinfo: readsWithFlags(() => [0]),
    connectGetCpuModelNames: readsWithFlags(() => ['riscv64', 0]),
    connectCompareCpu: readsWithFlags(() => ['<cpu/>', 0]),
    connectBaselineCpu: readsWithFlags(() => [['<cpu/>'], 0]),
    connectCompareHypervisorCpu: readsWithFlags(() => [undefined, 'riscv64', undefined, undefined, '<cpu/>', 0]),
    connectBaselineHypervisorCpu: readsWithFlags(() => [undefined, 'riscv64', undefined, undefined, ['<cpu/>'], 0]),
    connectDomainXmlFromNative: writesWithFlags(() => ['qemu-argv', 'qemu', 0]),
    connectDomainXmlToNative: writesWithFlags(() => ['qemu-argv', xml, 0]),
    connectListAllDomains: readsWithFlags(() => [0]),
    connectListAllNetworks: readsWithFlags(() => [0]),
    connectListAllStoragePools: readsWithFlags(() => [0]),
    connectListAllInterfaces: readsWithFlags(() => [0]),
    connectListAllNodeDevices: readsWithFlags(() => [0]),
    connectListAllSecrets: readsWithFlags(() => [0]),
    connectListAllNwfilters: readsWithFlags(() => [0]),
    connectGetStoragePoolCapabilities: readsWithFlags(() => [0]),
    connectGetAllDomainStats: readsWithFlags(() => [[], 0, 0]),
    nodeGetInfo: reads(() => []),
    nodeGetFreeMemory: reads(() => []),
    nodeGetCpuMap: readsWithFlags(() => [0]),
    nodeGetCpuStats: readsWithFlags(() => [-1, 0]),
    nodeGetMemoryStats: readsWithFlags(() => [-1, 0]),
    nodeGetCellsFreeMemory: reads(() => [0, 1]),
    nodeGetMemoryParameters: readsWithFlags(() => [0]),
    nodeGetSecurityModel: reads(() => []),
    nodeDeviceLookupByName: reads(({ device }) => [device.name]),
    nodeDeviceGetXmlDesc: readsWithFlags(({ device }) => [device, 0]),
    nodeDeviceGetParent: reads(({ device }) => [device]),
    nodeDeviceListCaps: reads(({ device }) => [device]),
    nodeDeviceIsActive: reads(({ device }) => [device]),
    nodeDeviceIsPersistent: reads(({ device }) => [device]),
    nodeDeviceGetAutostart: reads(({ device }) => [device]),
    secretLookupByUuid: reads(() => [uuid]),
    secretLookupByUsage: reads(() => [1, 'none']),
    secretDefineXml: writesWithFlags(() => ['<secret/>', 0]),
    nwfilterLookupByName: reads(() => ['none']),
    nwfilterLookupByUuid: reads(() => [uuid]),
    nwfilterDefineXml: writes(() => ['<filter/>']),
  };

const lifeCycle = {
  domainLookupById: reads(() => [9_999]),
  domainLookupByUuid: reads(({ domain }) => [domain.uuid]),
  domainLookupByName: reads(({ domain }) => [domain.name]),
  domainCreateXml: writesWithFlags(() => [xml, 0]),
  domainDefineXmlFlags: writesWithFlags(() => [xml, 0]),
  domainCreateWithFlags: writesWithFlags(({ domain }) => [domain, 0]),
  domainUndefineFlags: writesWithFlags(({ domain }) => [domain, 0]),
  domainShutdownFlags: writesWithFlags(({ domain }) => [domain, 0]),
  domainReboot: writesWithFlags(({ domain }) => [domain, 0]),
  domainReset: writesWithFlags(({ domain }) => [domain, 0]),
  domainSuspend: writes(({ domain }) => [domain]),
  domainResume: writes(({ domain }) => [domain]),
  domainDestroyFlags: writesWithFlags(({ domain }) => [domain, 0]),
  domainRename: writesWithFlags(({ domain }) => [domain, 'another', 0]),
  domainGetAutostart: reads(({ domain }) => [domain]),
  domainSetAutostart: writes(({ domain }) => [domain, false]),
} satisfies { readonly [P in Procedure]?: Call<P> };

const seen = {
  domainGetXmlDesc: readsWithFlags(({ domain }) => [domain, 0]),
  domainGetInfo: reads(({ domain }) => [domain]),
  domainGetState: readsWithFlags(({ domain }) => [domain, 0]),
  domainGetOsType: reads(({ domain }) => [domain]),
  domainIsActive: reads(({ domain }) => [domain]),
  domainIsPersistent: reads(({ domain }) => [domain]),
  domainIsUpdated: reads(({ domain }) => [domain]),
  domainGetMaxMemory: reads(({ domain }) => [domain]),
  domainGetControlInfo: readsWithFlags(({ domain }) => [domain, 0]),
  domainGetJobStats: readsWithFlags(({ domain }) => [domain, 0]),
  domainGetJobInfo: reads(({ domain }) => [domain]),
  domainGetMessages: readsWithFlags(({ domain }) => [domain, 0]),
  domainGetTime: writesWithFlags(({ domain }) => [domain, 0]),
  domainHasManagedSaveImage: readsWithFlags(({ domain }) => [domain, 0]),
  domainGetBlockInfo: readsWithFlags(({ domain }) => [domain, 'vda', 0]),
  domainBlockStats: reads(({ domain }) => [domain, 'vda']),
  domainBlockStatsFlags: readsWithFlags(({ domain }) => [domain, 'vda', 0]),
  domainInterfaceStats: reads(({ domain }) => [domain, 'vnet0']),
  domainInterfaceAddresses: readsWithFlags(({ domain }) => [domain, 0, 0]),
  domainMemoryStats: readsWithFlags(({ domain }) => [domain, 0]),
  domainGetCpuStats: readsWithFlags(({ domain }) => [domain, -1, 1, 0]),
  domainGetDiskErrors: readsWithFlags(({ domain }) => [domain, 0]),
  domainGetBlockJobInfo: readsWithFlags(({ domain }) => [domain, 'vda', 0]),
  domainGetIothreadInfo: readsWithFlags(({ domain }) => [domain, 0]),
  domainGetSecurityLabel: reads(({ domain }) => [domain]),
  domainGetSecurityLabelList: reads(({ domain }) => [domain]),
} satisfies { readonly [P in Procedure]?: Call<P> };

const tuning = {
  domainSetMemoryFlags: writesWithFlags(({ domain }) => [domain, 1024n, 0]),
  domainGetVcpusFlags: readsWithFlags(({ domain }) => [domain, 0]),
  domainSetVcpusFlags: writesWithFlags(({ domain }) => [domain, 1, 0]),
  domainGetVcpus: reads(({ domain }) => [domain]),
  domainGetVcpuPinInfo: readsWithFlags(({ domain }) => [domain, 0]),
  domainPinVcpuFlags: writesWithFlags(({ domain }) => [domain, 0, map, 0]),
  domainGetEmulatorPinInfo: readsWithFlags(({ domain }) => [domain, 0]),
  domainPinEmulator: writesWithFlags(({ domain }) => [domain, map, 0]),
  domainGetSchedulerType: reads(({ domain }) => [domain]),
  domainGetSchedulerParametersFlags: readsWithFlags(({ domain }) => [domain, 0]),
  domainSetSchedulerParametersFlags: writesWithFlags(({ domain }) => [domain, [], 0]),
  domainAttachDeviceFlags: writesWithFlags(({ domain }) => [domain, '<sound model="ich9"/>', 0]),
  domainDetachDeviceFlags: writesWithFlags(({ domain }) => [domain, '<sound model="ich9"/>', 0]),
  domainUpdateDeviceFlags: writesWithFlags(({ domain }) => [domain, '<sound model="ich9"/>', 0]),
  domainDetachDeviceAlias: writesWithFlags(({ domain }) => [domain, 'ua-none', 0]),
  domainGetMetadata: readsWithFlags(({ domain }) => [domain, 0, undefined, 0]),
  domainSetMetadata: writesWithFlags(({ domain }) => [domain, 0, 'text', undefined, undefined, 0]),
  domainSetLifecycleAction: writesWithFlags(({ domain }) => [domain, 0, 0, 0]),
  domainSetMemoryStatsPeriod: writesWithFlags(({ domain }) => [domain, 1, 0]),
  domainGetBlkioParameters: readsWithFlags(({ domain }) => [domain, 0]),
  domainSetBlkioParameters: writesWithFlags(({ domain }) => [domain, [], 0]),
  domainGetMemoryParameters: readsWithFlags(({ domain }) => [domain, 0]),
  domainSetMemoryParameters: writesWithFlags(({ domain }) => [domain, [], 0]),
  domainGetNumaParameters: readsWithFlags(({ domain }) => [domain, 0]),
  domainSetNumaParameters: writesWithFlags(({ domain }) => [domain, [], 0]),
  domainGetBlockIoTune: readsWithFlags(({ domain }) => [domain, undefined, 0]),
  domainSetBlockIoTune: writesWithFlags(({ domain }) => [domain, 'vda', [], 0]),
  domainGetInterfaceParameters: readsWithFlags(({ domain }) => [domain, 'vnet0', 0]),
  domainSetInterfaceParameters: writesWithFlags(({ domain }) => [domain, 'vnet0', [], 0]),
} satisfies { readonly [P in Procedure]?: Call<P> };

const doing = {
  domainBlockResize: writesWithFlags(({ domain }) => [domain, 'vda', 1024n, 0]),
  domainSendKey: writes(({ domain }) => [domain, 0, 0, [30]]),
  domainScreenshot: writesWithFlags(({ domain }) => [domain, 0, 0]),
  domainCaptureInterface: writesWithFlags(({ domain }) => [domain, 'vnet0', 0]),
  domainOpenConsole: writesWithFlags(({ domain }) => [domain, undefined, 0]),
  domainOpenChannel: writesWithFlags(({ domain }) => [domain, undefined, 0]),
  domainSaveFlags: writesWithFlags(({ domain }) => [domain, '/none', undefined, 0]),
  domainRestoreFlags: writesWithFlags(() => ['/none', undefined, 0]),
  domainSaveImageGetXmlDesc: writesWithFlags(() => ['/none', 0]),
  domainSaveImageDefineXml: writesWithFlags(() => ['/none', xml, 0]),
  domainManagedSave: writesWithFlags(({ domain }) => [domain, 0]),
  domainManagedSaveRemove: writesWithFlags(({ domain }) => [domain, 0]),
  domainManagedSaveGetXmlDesc: readsWithFlags(({ domain }) => [domain, 0]),
  domainCoreDumpWithFormat: writesWithFlags(({ domain }) => [domain, '/none', 0, 0]),
  domainAbortJobFlags: writesWithFlags(({ domain }) => [domain, 0]),
  domainBlockJobAbort: writesWithFlags(({ domain }) => [domain, 'vda', 0]),
  domainGetHostname: writesWithFlags(({ domain }) => [domain, 0]),
  domainGetGuestInfo: writesWithFlags(({ domain }) => [domain, 0, 0]),
  domainGetGuestVcpus: writesWithFlags(({ domain }) => [domain, 0]),
  domainGetFsInfo: writesWithFlags(({ domain }) => [domain, 0]),
  domainFsFreeze: writesWithFlags(({ domain }) => [domain, [], 0]),
  domainFsThaw: writesWithFlags(({ domain }) => [domain, [], 0]),
  domainFsTrim: writesWithFlags(({ domain }) => [domain, undefined, 0n, 0]),
  domainSetTime: writesWithFlags(({ domain }) => [domain, 1n, 0, 0]),
  domainSetUserPassword: writesWithFlags(({ domain }) => [domain, 'user', 'word', 0]),
  domainInjectNmi: writesWithFlags(({ domain }) => [domain, 0]),
  domainPmSuspendForDuration: writesWithFlags(({ domain }) => [domain, 0, 0n, 0]),
  domainPmWakeup: writesWithFlags(({ domain }) => [domain, 0]),
} satisfies { readonly [P in Procedure]?: Call<P> };

const snapshots = {
  domainListAllSnapshots: readsWithFlags(({ domain }) => [domain, 0]),
  domainSnapshotCreateXml: writesWithFlags(({ domain }) => [domain, '<domainsnapshot/>', 0]),
  domainSnapshotLookupByName: readsWithFlags(({ domain }) => [domain, 'none', 0]),
  domainHasCurrentSnapshot: readsWithFlags(({ domain }) => [domain, 0]),
  domainSnapshotCurrent: readsWithFlags(({ domain }) => [domain, 0]),
  domainSnapshotGetXmlDesc: readsWithFlags(({ snapshot }) => [snapshot, 0]),
  domainSnapshotListAllChildren: readsWithFlags(({ snapshot }) => [snapshot, 0]),
  domainSnapshotNumChildren: readsWithFlags(({ snapshot }) => [snapshot, 0]),
  domainSnapshotGetParent: readsWithFlags(({ snapshot }) => [snapshot, 0]),
  domainSnapshotIsCurrent: readsWithFlags(({ snapshot }) => [snapshot, 0]),
  domainSnapshotHasMetadata: readsWithFlags(({ snapshot }) => [snapshot, 0]),
  domainRevertToSnapshot: writesWithFlags(({ snapshot }) => [snapshot, 0]),
  domainSnapshotDelete: writesWithFlags(({ snapshot }) => [snapshot, 0]),
} satisfies { readonly [P in Procedure]?: Call<P> };

const interfaces: { readonly [P in Extract<Procedure, `interface${string}`>]: Call<P> } = {
  interfaceLookupByName: reads(({ iface }) => [iface.name]),
  interfaceLookupByMacString: reads(() => ['02:00:00:00:00:99']),
  interfaceGetXmlDesc: readsWithFlags(({ iface }) => [iface, 0]),
  interfaceIsActive: reads(({ iface }) => [iface]),
};

const networks: { readonly [P in Extract<Procedure, `network${string}`>]: Call<P> } = {
  networkLookupByName: reads(({ network }) => [network.name]),
  networkLookupByUuid: reads(({ network }) => [network.uuid]),
  networkCreateXmlFlags: writesWithFlags(() => [xml, 0]),
  networkDefineXmlFlags: writesWithFlags(() => [xml, 0]),
  networkCreate: writes(({ network }) => [network]),
  networkDestroy: writes(({ network }) => [network]),
  networkUndefine: writes(({ network }) => [network]),
  networkUpdate: writesWithFlags(({ network }) => [network, 3, 10, -1, '<host ip="10.0.0.1"/>', 0]),
  networkGetXmlDesc: readsWithFlags(({ network }) => [network, 0]),
  networkGetBridgeName: reads(({ network }) => [network]),
  networkIsActive: reads(({ network }) => [network]),
  networkIsPersistent: reads(({ network }) => [network]),
  networkGetAutostart: reads(({ network }) => [network]),
  networkSetAutostart: writes(({ network }) => [network, false]),
  networkGetDhcpLeases: readsWithFlags(({ network }) => [network, undefined, 0]),
};

const storage: { readonly [P in Extract<Procedure, `storage${string}`>]: Call<P> } = {
  storagePoolLookupByName: reads(({ pool }) => [pool.name]),
  storagePoolLookupByUuid: reads(({ pool }) => [pool.uuid]),
  storagePoolLookupByVolume: reads(({ volume }) => [volume]),
  storagePoolLookupByTargetPath: reads(() => ['/nowhere']),
  storagePoolCreateXml: writesWithFlags(() => [xml, 0]),
  storagePoolDefineXml: writesWithFlags(() => [xml, 0]),
  storagePoolBuild: writesWithFlags(({ pool }) => [pool, 0]),
  storagePoolCreate: writesWithFlags(({ pool }) => [pool, 0]),
  storagePoolDestroy: writes(({ pool }) => [pool]),
  storagePoolDelete: writesWithFlags(({ pool }) => [pool, 0]),
  storagePoolUndefine: writes(({ pool }) => [pool]),
  storagePoolRefresh: writesWithFlags(({ pool }) => [pool, 0]),
  storagePoolGetInfo: reads(({ pool }) => [pool]),
  storagePoolGetXmlDesc: readsWithFlags(({ pool }) => [pool, 0]),
  storagePoolIsActive: reads(({ pool }) => [pool]),
  storagePoolIsPersistent: reads(({ pool }) => [pool]),
  storagePoolGetAutostart: reads(({ pool }) => [pool]),
  storagePoolSetAutostart: writes(({ pool }) => [pool, false]),
  storagePoolListAllVolumes: readsWithFlags(({ pool }) => [pool, 0]),
  storageVolLookupByName: reads(({ pool }) => [pool, 'none']),
  storageVolLookupByKey: reads(({ volume }) => [volume.key]),
  storageVolLookupByPath: reads(({ volume }) => [volume.key]),
  storageVolCreateXml: writesWithFlags(({ pool }) => [
    pool,
    '<volume><name>n</name><capacity>1</capacity></volume>',
    0,
  ]),
  storageVolCreateXmlFrom: writesWithFlags(({ pool, volume }) => [pool, '<volume><name>n</name></volume>', volume, 0]),
  storageVolDelete: writesWithFlags(({ volume }) => [volume, 0]),
  storageVolWipe: writesWithFlags(({ volume }) => [volume, 0]),
  storageVolWipePattern: writesWithFlags(({ volume }) => [volume, 0, 0]),
  storageVolResize: writesWithFlags(({ volume }) => [volume, 1n, 0]),
  storageVolGetInfo: reads(({ volume }) => [volume]),
  storageVolGetXmlDesc: readsWithFlags(({ volume }) => [volume, 0]),
  storageVolGetPath: reads(({ volume }) => [volume]),
  storageVolUpload: writesWithFlags(({ volume }) => [volume, 0n, 0n, 0]),
  storageVolDownload: writesWithFlags(({ volume }) => [volume, 0n, 0n, 0]),
};

/** All of them: a procedure without a line here does not compile. */
export const calls: { readonly [P in Procedure]: Call<P> } = {
  ...host,
  ...lifeCycle,
  ...seen,
  ...tuning,
  ...doing,
  ...snapshots,
  ...interfaces,
  ...networks,
  ...storage,
};

/** Their names. */
export const procedures = Object.keys(calls) as readonly Procedure[];

/** Calls a procedure by its line; `flags` in place of those that it has. */
export function callOf(backend: Backend, name: Procedure, refs: Refs, flags?: number): Promise<unknown> {
  const call = calls[name] as Call<Procedure>;
  const args: unknown[] = [...call.args(refs)];
  if (flags !== undefined) args[args.length - 1] = flags;
  return (backend[name] as (...all: unknown[]) => Promise<unknown>).apply(backend, args);
}
