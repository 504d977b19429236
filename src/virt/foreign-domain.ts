import type { TypedParam } from './backend.ts';
import { DomainCheckpoint } from './checkpoint.ts';
import { DomainHandle } from './domain-handle.ts';

/**
 * What `Domain` stands on, and can do where its hypervisor is behind a daemon of libvirt's: the hypervisors of this
 * package refuse all of it (NO_SUPPORT). Bandwidths are in MiB/s unless flags say bytes, 0 for no limit; flags are those
 * of the functions in libvirt's API.
 */
export class ForeignDomain extends DomainHandle {
  blockPull(disk: string, bandwidth = 0n, flags = 0): Promise<void> {
    return this.backend.domainBlockPull(this.ref, disk, bandwidth, flags);
  }

  /** @param base undefined: all of the chain */
  blockRebase(disk: string, base?: string, bandwidth = 0n, flags = 0): Promise<void> {
    return this.backend.domainBlockRebase(this.ref, disk, base, bandwidth, flags);
  }

  blockCommit(disk: string, base?: string, top?: string, bandwidth = 0n, flags = 0): Promise<void> {
    return this.backend.domainBlockCommit(this.ref, disk, base, top, bandwidth, flags);
  }

  /** @param destXml a `<disk>` */
  blockCopy(disk: string, destXml: string, params: readonly TypedParam[] = [], flags = 0): Promise<void> {
    return this.backend.domainBlockCopy(this.ref, disk, destXml, params, flags);
  }

  blockJobSetSpeed(disk: string, bandwidth: bigint, flags = 0): Promise<void> {
    return this.backend.domainBlockJobSetSpeed(this.ref, disk, bandwidth, flags);
  }

  /** The event `blockThreshold` comes once the image is written beyond so many bytes. */
  setBlockThreshold(device: string, threshold: bigint, flags = 0): Promise<void> {
    return this.backend.domainSetBlockThreshold(this.ref, device, threshold, flags);
  }

  blockPeek(path: string, offset: bigint, size: number, flags = 0): Promise<Uint8Array> {
    return this.backend.domainBlockPeek(this.ref, path, offset, size, flags);
  }

  memoryPeek(offset: bigint, size: number, flags = 0): Promise<Uint8Array> {
    return this.backend.domainMemoryPeek(this.ref, offset, size, flags);
  }

  backupBegin(backupXml: string, checkpointXml?: string, flags = 0): Promise<void> {
    return this.backend.domainBackupBegin(this.ref, backupXml, checkpointXml, flags);
  }

  backupGetXMLDesc(flags = 0): Promise<string> {
    return this.backend.domainBackupGetXmlDesc(this.ref, flags);
  }

  async checkpointCreateXML(xml: string, flags = 0): Promise<DomainCheckpoint> {
    return new DomainCheckpoint(this.backend, await this.backend.domainCheckpointCreateXml(this.ref, xml, flags));
  }

  async listAllCheckpoints(flags = 0): Promise<DomainCheckpoint[]> {
    const refs = await this.backend.domainListAllCheckpoints(this.ref, flags);
    return refs.map((ref) => new DomainCheckpoint(this.backend, ref));
  }

  /** Throws NO_DOMAIN_CHECKPOINT. */
  async checkpointLookupByName(name: string, flags = 0): Promise<DomainCheckpoint> {
    return new DomainCheckpoint(this.backend, await this.backend.domainCheckpointLookupByName(this.ref, name, flags));
  }

  addIOThread(id: number, flags = 0): Promise<void> {
    return this.backend.domainAddIothread(this.ref, id, flags);
  }

  delIOThread(id: number, flags = 0): Promise<void> {
    return this.backend.domainDelIothread(this.ref, id, flags);
  }

  /** @param cpumap one bit for each of the host's CPUs */
  pinIOThread(id: number, cpumap: Uint8Array, flags = 0): Promise<void> {
    return this.backend.domainPinIothread(this.ref, id, cpumap, flags);
  }

  setIOThreadParams(id: number, params: readonly TypedParam[], flags = 0): Promise<void> {
    return this.backend.domainSetIothreadParams(this.ref, id, params, flags);
  }

  /** @param vcpus as `0-3,^2` */
  setVcpu(vcpus: string, enabled: boolean, flags = 0): Promise<void> {
    return this.backend.domainSetVcpu(this.ref, vcpus, enabled ? 1 : 0, flags);
  }

  /** The same of the guest's own, through its agent. */
  setGuestVcpus(vcpus: string, enabled: boolean, flags = 0): Promise<void> {
    return this.backend.domainSetGuestVcpus(this.ref, vcpus, enabled ? 1 : 0, flags);
  }

  getPerfEvents(flags = 0): Promise<TypedParam[]> {
    return this.backend.domainGetPerfEvents(this.ref, flags);
  }

  setPerfEvents(params: readonly TypedParam[], flags = 0): Promise<void> {
    return this.backend.domainSetPerfEvents(this.ref, params, flags);
  }

  /** What it finds is among the domain's statistics (DomainStats.DIRTYRATE). */
  startDirtyRateCalc(seconds: number, flags = 0): Promise<void> {
    return this.backend.domainStartDirtyRateCalc(this.ref, seconds, flags);
  }

  getLaunchSecurityInfo(flags = 0): Promise<TypedParam[]> {
    return this.backend.domainGetLaunchSecurityInfo(this.ref, flags);
  }

  setLaunchSecurityState(params: readonly TypedParam[], flags = 0): Promise<void> {
    return this.backend.domainSetLaunchSecurityState(this.ref, params, flags);
  }

  managedSaveDefineXML(dxml: string, flags = 0): Promise<void> {
    return this.backend.domainManagedSaveDefineXml(this.ref, dxml, flags);
  }

  /** @param signal of virDomainProcessSignal */
  sendProcessSignal(pid: bigint, signal: number, flags = 0): Promise<void> {
    return this.backend.domainSendProcessSignal(this.ref, pid, signal, flags);
  }

  /** @param timeout seconds; −2: as long as it takes, −1: the default, 0: not at all */
  agentSetResponseTimeout(timeout: number, flags = 0): Promise<number> {
    return this.backend.domainAgentSetResponseTimeout(this.ref, timeout, flags);
  }

  authorizedSSHKeysGet(user: string, flags = 0): Promise<string[]> {
    return this.backend.domainAuthorizedSshKeysGet(this.ref, user, flags);
  }

  authorizedSSHKeysSet(user: string, keys: readonly string[], flags = 0): Promise<void> {
    return this.backend.domainAuthorizedSshKeysSet(this.ref, user, keys, flags);
  }

  qemuMonitorCommand(command: string, flags = 0): Promise<string> {
    return this.backend.qemuDomainMonitorCommand(this.ref, command, flags);
  }

  /** @param timeout as of `agentSetResponseTimeout` */
  qemuAgentCommand(command: string, timeout = -2, flags = 0): Promise<string | undefined> {
    return this.backend.qemuDomainAgentCommand(this.ref, command, timeout, flags);
  }

  /** Milliseconds. */
  migrateGetMaxDowntime(flags = 0): Promise<bigint> {
    return this.backend.domainMigrateGetMaxDowntime(this.ref, flags);
  }

  migrateSetMaxDowntime(downtime: bigint, flags = 0): Promise<void> {
    return this.backend.domainMigrateSetMaxDowntime(this.ref, downtime, flags);
  }

  migrateGetMaxSpeed(flags = 0): Promise<bigint> {
    return this.backend.domainMigrateGetMaxSpeed(this.ref, flags);
  }

  migrateSetMaxSpeed(bandwidth: bigint, flags = 0): Promise<void> {
    return this.backend.domainMigrateSetMaxSpeed(this.ref, bandwidth, flags);
  }

  /** Bytes. */
  migrateGetCompressionCache(flags = 0): Promise<bigint> {
    return this.backend.domainMigrateGetCompressionCache(this.ref, flags);
  }

  migrateSetCompressionCache(cacheSize: bigint, flags = 0): Promise<void> {
    return this.backend.domainMigrateSetCompressionCache(this.ref, cacheSize, flags);
  }

  migrateStartPostCopy(flags = 0): Promise<void> {
    return this.backend.domainMigrateStartPostCopy(this.ref, flags);
  }

  /**
   * Has the domain's host take it to another by itself. @param destination URI as that host sees it; undefined: it
   * goes to the address among the parameters without a connection @param flags of MigrateFlags
   */
  async migrateToURI3(destination: string | undefined, params: readonly TypedParam[], flags: number): Promise<void> {
    await this.backend.domainMigratePerform3Params(this.ref, destination, params, new Uint8Array(), flags);
  }
}
