import type { Duplex } from 'node:stream';
import type {
  Backend,
  BlockJobInfo,
  DiskError,
  DomainRef,
  FsInfo,
  IothreadInfo,
  JobInfo,
  SecurityLabel,
  TypedParam,
} from './backend.ts';

/** What `Domain` stands on: the name for a domain, and the verbs about resources, saving and the guest's agent. */
export class DomainHandle {
  protected readonly backend: Backend;
  protected current: DomainRef;

  constructor(backend: Backend, ref: DomainRef) {
    this.backend = backend;
    this.current = ref;
  }

  get ref(): DomainRef {
    return this.current;
  }

  get name(): string {
    return this.current.name;
  }

  get uuid(): string {
    return this.current.uuid;
  }

  /** Host CPUs that all but the vCPUs may run on, one bit each. @param flags of Affect */
  getEmulatorPinInfo(flags = 0): Promise<Uint8Array> {
    return this.backend.domainGetEmulatorPinInfo(this.ref, flags);
  }

  /** @param flags of Affect */
  pinEmulator(cpumap: Uint8Array, flags = 0): Promise<void> {
    return this.backend.domainPinEmulator(this.ref, cpumap, flags);
  }

  /** @param flags of Affect */
  getIOThreadInfo(flags = 0): Promise<IothreadInfo[]> {
    return this.backend.domainGetIothreadInfo(this.ref, flags);
  }

  /** @param period seconds between two reports of the balloon, 0 for none @param flags of Affect */
  setMemoryStatsPeriod(period: number, flags = 0): Promise<void> {
    return this.backend.domainSetMemoryStatsPeriod(this.ref, period, flags);
  }

  getBlkioParameters(flags = 0): Promise<TypedParam[]> {
    return this.backend.domainGetBlkioParameters(this.ref, flags);
  }

  setBlkioParameters(params: readonly TypedParam[], flags = 0): Promise<void> {
    return this.backend.domainSetBlkioParameters(this.ref, params, flags);
  }

  getMemoryParameters(flags = 0): Promise<TypedParam[]> {
    return this.backend.domainGetMemoryParameters(this.ref, flags);
  }

  setMemoryParameters(params: readonly TypedParam[], flags = 0): Promise<void> {
    return this.backend.domainSetMemoryParameters(this.ref, params, flags);
  }

  getNumaParameters(flags = 0): Promise<TypedParam[]> {
    return this.backend.domainGetNumaParameters(this.ref, flags);
  }

  setNumaParameters(params: readonly TypedParam[], flags = 0): Promise<void> {
    return this.backend.domainSetNumaParameters(this.ref, params, flags);
  }

  /** @param disk its target or source */
  getBlockIoTune(disk: string, flags = 0): Promise<TypedParam[]> {
    return this.backend.domainGetBlockIoTune(this.ref, disk, flags);
  }

  setBlockIoTune(disk: string, params: readonly TypedParam[], flags = 0): Promise<void> {
    return this.backend.domainSetBlockIoTune(this.ref, disk, params, flags);
  }

  /** @param device its host device or MAC address */
  getInterfaceParameters(device: string, flags = 0): Promise<TypedParam[]> {
    return this.backend.domainGetInterfaceParameters(this.ref, device, flags);
  }

  setInterfaceParameters(device: string, params: readonly TypedParam[], flags = 0): Promise<void> {
    return this.backend.domainSetInterfaceParameters(this.ref, device, params, flags);
  }

  /** @param startCpu −1: all CPUs together, in one list; else a list for each host CPU from it on */
  getCPUStats(startCpu = -1, ncpus = 1, flags = 0): Promise<TypedParam[][]> {
    return this.backend.domainGetCpuStats(this.ref, startCpu, ncpus, flags);
  }

  getDiskErrors(flags = 0): Promise<DiskError[]> {
    return this.backend.domainGetDiskErrors(this.ref, flags);
  }

  /** @param type of DomainLifecycleWhen @param action of DomainLifecycleAction @param flags of Affect */
  setLifecycleAction(type: number, action: number, flags = 0): Promise<void> {
    return this.backend.domainSetLifecycleAction(this.ref, type, action, flags);
  }

  /** @param alias as in the live XML @param flags of Affect */
  detachDeviceAlias(alias: string, flags = 0): Promise<void> {
    return this.backend.domainDetachDeviceAlias(this.ref, alias, flags);
  }

  save(to: string, dxml?: string, flags = 0): Promise<void> {
    return this.backend.domainSaveFlags(this.ref, to, dxml, flags);
  }

  managedSave(flags = 0): Promise<void> {
    return this.backend.domainManagedSave(this.ref, flags);
  }

  hasManagedSaveImage(flags = 0): Promise<boolean> {
    return this.backend.domainHasManagedSaveImage(this.ref, flags);
  }

  managedSaveRemove(flags = 0): Promise<void> {
    return this.backend.domainManagedSaveRemove(this.ref, flags);
  }

  managedSaveGetXMLDesc(flags = 0): Promise<string> {
    return this.backend.domainManagedSaveGetXmlDesc(this.ref, flags);
  }

  /** @param format of virDomainCoreDumpFormat, 0 raw */
  coreDump(to: string, format = 0, flags = 0): Promise<void> {
    return this.backend.domainCoreDumpWithFormat(this.ref, to, format, flags);
  }

  getJobInfo(): Promise<JobInfo> {
    return this.backend.domainGetJobInfo(this.ref);
  }

  getJobStats(flags = 0): Promise<{ type: number; params: TypedParam[] }> {
    return this.backend.domainGetJobStats(this.ref, flags);
  }

  abortJob(flags = 0): Promise<void> {
    return this.backend.domainAbortJobFlags(this.ref, flags);
  }

  /** The job on a disk; undefined: there is none. */
  getBlockJobInfo(disk: string, flags = 0): Promise<BlockJobInfo | undefined> {
    return this.backend.domainGetBlockJobInfo(this.ref, disk, flags);
  }

  blockJobAbort(disk: string, flags = 0): Promise<void> {
    return this.backend.domainBlockJobAbort(this.ref, disk, flags);
  }

  getSecurityLabel(): Promise<SecurityLabel> {
    return this.backend.domainGetSecurityLabel(this.ref);
  }

  getSecurityLabelList(): Promise<SecurityLabel[]> {
    return this.backend.domainGetSecurityLabelList(this.ref);
  }

  /** The guest's own name, from its agent. */
  getHostname(flags = 0): Promise<string> {
    return this.backend.domainGetHostname(this.ref, flags);
  }

  /** @param types of virDomainGuestInfoTypes, 0 all */
  getGuestInfo(types = 0, flags = 0): Promise<TypedParam[]> {
    return this.backend.domainGetGuestInfo(this.ref, types, flags);
  }

  getGuestVcpus(flags = 0): Promise<TypedParam[]> {
    return this.backend.domainGetGuestVcpus(this.ref, flags);
  }

  getFSInfo(flags = 0): Promise<FsInfo[]> {
    return this.backend.domainGetFsInfo(this.ref, flags);
  }

  /** Resolves to how many file systems stand still. */
  fsFreeze(mountpoints: readonly string[] = [], flags = 0): Promise<number> {
    return this.backend.domainFsFreeze(this.ref, mountpoints, flags);
  }

  fsThaw(mountpoints: readonly string[] = [], flags = 0): Promise<number> {
    return this.backend.domainFsThaw(this.ref, mountpoints, flags);
  }

  /** @param minimum bytes of a free range that is worth telling the disk of */
  fsTrim(mountPoint?: string, minimum = 0n, flags = 0): Promise<void> {
    return this.backend.domainFsTrim(this.ref, mountPoint, minimum, flags);
  }

  /** The guest's clock. */
  getTime(flags = 0): Promise<{ seconds: bigint; nseconds: number }> {
    return this.backend.domainGetTime(this.ref, flags);
  }

  setTime({ seconds, nseconds }: { seconds: bigint; nseconds: number }, flags = 0): Promise<void> {
    return this.backend.domainSetTime(this.ref, seconds, nseconds, flags);
  }

  setUserPassword(user: string, password: string, flags = 0): Promise<void> {
    return this.backend.domainSetUserPassword(this.ref, user, password, flags);
  }

  injectNMI(flags = 0): Promise<void> {
    return this.backend.domainInjectNmi(this.ref, flags);
  }

  /** @param target of virNodeSuspendTarget @param duration seconds, 0 until it is woken */
  pmSuspendForDuration(target: number, duration = 0n, flags = 0): Promise<void> {
    return this.backend.domainPmSuspendForDuration(this.ref, target, duration, flags);
  }

  pmWakeup(flags = 0): Promise<void> {
    return this.backend.domainPmWakeup(this.ref, flags);
  }

  /** @param name of a virtio channel or its alias; absent: the first one */
  openChannel(name?: string, flags = 0): Promise<Duplex> {
    return this.backend.domainOpenChannel(this.ref, name, flags);
  }
}
