/** Procedures of domains that are called less often: resources, saving, and what needs the guest's help. */
import type { Duplex } from 'node:stream';
import type {
  BlockJobInfo,
  DiskError,
  DomainRef,
  FsInfo,
  IothreadInfo,
  JobInfo,
  SecurityLabel,
  TypedParam,
} from './backend-data.ts';

/** Domains: limits on the host's resources, and what there is to know of them. */
export interface DomainResourceProcedures {
  /** Host CPUs that all but the vCPUs may run on, one bit each. */
  domainGetEmulatorPinInfo(domain: DomainRef, flags: number): Promise<Uint8Array>;
  domainPinEmulator(domain: DomainRef, cpumap: Uint8Array, flags: number): Promise<void>;
  domainGetIothreadInfo(domain: DomainRef, flags: number): Promise<IothreadInfo[]>;
  /** Seconds between two reports of the balloon, 0 for none. */
  domainSetMemoryStatsPeriod(domain: DomainRef, period: number, flags: number): Promise<void>;
  domainGetBlkioParameters(domain: DomainRef, flags: number): Promise<TypedParam[]>;
  domainSetBlkioParameters(domain: DomainRef, params: readonly TypedParam[], flags: number): Promise<void>;
  domainGetMemoryParameters(domain: DomainRef, flags: number): Promise<TypedParam[]>;
  domainSetMemoryParameters(domain: DomainRef, params: readonly TypedParam[], flags: number): Promise<void>;
  domainGetNumaParameters(domain: DomainRef, flags: number): Promise<TypedParam[]>;
  domainSetNumaParameters(domain: DomainRef, params: readonly TypedParam[], flags: number): Promise<void>;
  domainGetBlockIoTune(domain: DomainRef, disk: string | undefined, flags: number): Promise<TypedParam[]>;
  domainSetBlockIoTune(domain: DomainRef, disk: string, params: readonly TypedParam[], flags: number): Promise<void>;
  domainGetInterfaceParameters(domain: DomainRef, device: string, flags: number): Promise<TypedParam[]>;
  domainSetInterfaceParameters(
    domain: DomainRef,
    device: string,
    params: readonly TypedParam[],
    flags: number,
  ): Promise<void>;
  /** `startCpu` −1: all together, `cpu_time`, `user_time`, `system_time`; else `cpu_time` of each host CPU from it on. */
  domainGetCpuStats(domain: DomainRef, startCpu: number, ncpus: number, flags: number): Promise<TypedParam[][]>;
  domainGetDiskErrors(domain: DomainRef, flags: number): Promise<DiskError[]>;
  /** `type` of DomainLifecycleWhen, `action` of DomainLifecycleAction. */
  domainSetLifecycleAction(domain: DomainRef, type: number, action: number, flags: number): Promise<void>;
  domainDetachDeviceAlias(domain: DomainRef, alias: string, flags: number): Promise<void>;
}

/** Domains: their state in files, and jobs that take their time. */
export interface DomainSaveProcedures {
  domainSaveFlags(domain: DomainRef, to: string, dxml: string | undefined, flags: number): Promise<void>;
  domainRestoreFlags(from: string, dxml: string | undefined, flags: number): Promise<void>;
  domainSaveImageGetXmlDesc(file: string, flags: number): Promise<string>;
  domainSaveImageDefineXml(file: string, dxml: string, flags: number): Promise<void>;
  domainManagedSave(domain: DomainRef, flags: number): Promise<void>;
  domainManagedSaveRemove(domain: DomainRef, flags: number): Promise<void>;
  domainManagedSaveGetXmlDesc(domain: DomainRef, flags: number): Promise<string>;
  /** `format` of virDomainCoreDumpFormat. */
  domainCoreDumpWithFormat(domain: DomainRef, to: string, format: number, flags: number): Promise<void>;
  domainGetJobInfo(domain: DomainRef): Promise<JobInfo>;
  domainAbortJobFlags(domain: DomainRef, flags: number): Promise<void>;
  /** Undefined: there is no job on the disk. */
  domainGetBlockJobInfo(domain: DomainRef, disk: string, flags: number): Promise<BlockJobInfo | undefined>;
  domainBlockJobAbort(domain: DomainRef, disk: string, flags: number): Promise<void>;
}

/** Domains: what an agent in the guest would tell or do, and other ways in. */
export interface DomainGuestProcedures {
  domainGetSecurityLabel(domain: DomainRef): Promise<SecurityLabel>;
  domainGetSecurityLabelList(domain: DomainRef): Promise<SecurityLabel[]>;
  domainGetHostname(domain: DomainRef, flags: number): Promise<string>;
  domainGetGuestInfo(domain: DomainRef, types: number, flags: number): Promise<TypedParam[]>;
  domainGetGuestVcpus(domain: DomainRef, flags: number): Promise<TypedParam[]>;
  domainGetFsInfo(domain: DomainRef, flags: number): Promise<FsInfo[]>;
  domainFsFreeze(domain: DomainRef, mountpoints: readonly string[], flags: number): Promise<number>;
  domainFsThaw(domain: DomainRef, mountpoints: readonly string[], flags: number): Promise<number>;
  domainFsTrim(domain: DomainRef, mountPoint: string | undefined, minimum: bigint, flags: number): Promise<void>;
  domainSetTime(domain: DomainRef, seconds: bigint, nseconds: number, flags: number): Promise<void>;
  domainSetUserPassword(domain: DomainRef, user: string, password: string, flags: number): Promise<void>;
  domainInjectNmi(domain: DomainRef, flags: number): Promise<void>;
  /** `target` of virNodeSuspendTarget, `duration` in seconds. */
  domainPmSuspendForDuration(domain: DomainRef, target: number, duration: bigint, flags: number): Promise<void>;
  domainPmWakeup(domain: DomainRef, flags: number): Promise<void>;
  /** `name` of a virtio channel or its alias; undefined: the first one. */
  domainOpenChannel(domain: DomainRef, name: string | undefined, flags: number): Promise<Duplex>;
}
