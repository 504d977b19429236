import type { Backend, NodeInfo, NodeStat, NwfilterRef, SecretRef, TypedParam } from './backend.ts';
import { Interface, NodeDevice } from './host.ts';

/** What `Connection` stands on: the verbs about the hypervisor and its host. */
export class HostConnection {
  /** What this connection stands on. */
  readonly backend: Backend;

  constructor(backend: Backend) {
    this.backend = backend;
  }

  getType(): Promise<string> {
    return this.backend.connectGetType();
  }

  /** Of the hypervisor: major · 1000000 + minor · 1000 + release. */
  getVersion(): Promise<bigint> {
    return this.backend.connectGetVersion();
  }

  getLibVersion(): Promise<bigint> {
    return this.backend.connectGetLibVersion();
  }

  getHostname(): Promise<string> {
    return this.backend.connectGetHostname();
  }

  getURI(): Promise<string> {
    return this.backend.connectGetUri();
  }

  isSecure(): Promise<boolean> {
    return this.backend.connectIsSecure();
  }

  getMaxVcpus(type?: string): Promise<number> {
    return this.backend.connectGetMaxVcpus(type);
  }

  getCapabilities(): Promise<string> {
    return this.backend.connectGetCapabilities();
  }

  getDomainCapabilities(
    emulator?: string,
    arch?: string,
    machine?: string,
    virtType?: string,
    flags = 0,
  ): Promise<string> {
    return this.backend.connectGetDomainCapabilities(emulator, arch, machine, virtType, flags);
  }

  getSysinfo(flags = 0): Promise<string> {
    return this.backend.connectGetSysinfo(flags);
  }

  getNodeInfo(): Promise<NodeInfo> {
    return this.backend.nodeGetInfo();
  }

  /** Bytes. */
  getFreeMemory(): Promise<bigint> {
    return this.backend.nodeGetFreeMemory();
  }

  getCPUMap(flags = 0): Promise<{ cpumap: Uint8Array; online: number; cpus: number }> {
    return this.backend.nodeGetCpuMap(flags);
  }

  getCPUStats(cpuNum = -1, flags = 0): Promise<NodeStat[]> {
    return this.backend.nodeGetCpuStats(cpuNum, flags);
  }

  getMemoryStats(cellNum = -1, flags = 0): Promise<NodeStat[]> {
    return this.backend.nodeGetMemoryStats(cellNum, flags);
  }

  /** Bytes free in each NUMA cell from `startCell` on. */
  getCellsFreeMemory(startCell = 0, maxCells = 1): Promise<bigint[]> {
    return this.backend.nodeGetCellsFreeMemory(startCell, maxCells);
  }

  getMemoryParameters(flags = 0): Promise<TypedParam[]> {
    return this.backend.nodeGetMemoryParameters(flags);
  }

  getSecurityModel(): Promise<{ model: string; doi: string }> {
    return this.backend.nodeGetSecurityModel();
  }

  /** Models of `<cpu>` for an architecture of guests. */
  getCPUModelNames(arch: string, flags = 0): Promise<string[]> {
    return this.backend.connectGetCpuModelNames(arch, flags);
  }

  compareCPU(xml: string, flags = 0): Promise<number> {
    return this.backend.connectCompareCpu(xml, flags);
  }

  baselineCPU(xmlCpus: readonly string[], flags = 0): Promise<string> {
    return this.backend.connectBaselineCpu(xmlCpus, flags);
  }

  compareHypervisorCPU(xml: string, of: HypervisorCpu = {}, flags = 0): Promise<number> {
    const { emulator, arch, machine, virtType } = of;
    return this.backend.connectCompareHypervisorCpu(emulator, arch, machine, virtType, xml, flags);
  }

  baselineHypervisorCPU(xmlCpus: readonly string[], of: HypervisorCpu = {}, flags = 0): Promise<string> {
    const { emulator, arch, machine, virtType } = of;
    return this.backend.connectBaselineHypervisorCpu(emulator, arch, machine, virtType, xmlCpus, flags);
  }

  domainXMLFromNative(format: string, config: string, flags = 0): Promise<string> {
    return this.backend.connectDomainXmlFromNative(format, config, flags);
  }

  domainXMLToNative(format: string, xml: string, flags = 0): Promise<string> {
    return this.backend.connectDomainXmlToNative(format, xml, flags);
  }

  /** @param flags of ListInterfaces */
  async listAllInterfaces(flags = 0): Promise<Interface[]> {
    return (await this.backend.connectListAllInterfaces(flags)).map((ref) => new Interface(this.backend, ref));
  }

  /** Throws NO_INTERFACE. */
  async interfaceLookupByName(name: string): Promise<Interface> {
    return new Interface(this.backend, await this.backend.interfaceLookupByName(name));
  }

  /** Throws NO_INTERFACE, MULTIPLE_INTERFACES. */
  async interfaceLookupByMACString(mac: string): Promise<Interface> {
    return new Interface(this.backend, await this.backend.interfaceLookupByMacString(mac));
  }

  /** @param flags of ListNodeDevices */
  async listAllNodeDevices(flags = 0): Promise<NodeDevice[]> {
    return (await this.backend.connectListAllNodeDevices(flags)).map((ref) => new NodeDevice(this.backend, ref));
  }

  /** Throws NO_NODE_DEVICE. */
  async nodeDeviceLookupByName(name: string): Promise<NodeDevice> {
    return new NodeDevice(this.backend, await this.backend.nodeDeviceLookupByName(name));
  }

  /** @param flags of ListSecrets */
  listAllSecrets(flags = 0): Promise<SecretRef[]> {
    return this.backend.connectListAllSecrets(flags);
  }

  /** Throws NO_SECRET. */
  secretLookupByUUID(uuid: string): Promise<SecretRef> {
    return this.backend.secretLookupByUuid(uuid);
  }

  /** Throws NO_SECRET. */
  secretLookupByUsage(usageType: number, usageId: string): Promise<SecretRef> {
    return this.backend.secretLookupByUsage(usageType, usageId);
  }

  secretDefineXML(xml: string, flags = 0): Promise<SecretRef> {
    return this.backend.secretDefineXml(xml, flags);
  }

  listAllNWFilters(flags = 0): Promise<NwfilterRef[]> {
    return this.backend.connectListAllNwfilters(flags);
  }

  /** Throws NO_NWFILTER. */
  nwfilterLookupByName(name: string): Promise<NwfilterRef> {
    return this.backend.nwfilterLookupByName(name);
  }

  /** Throws NO_NWFILTER. */
  nwfilterLookupByUUID(uuid: string): Promise<NwfilterRef> {
    return this.backend.nwfilterLookupByUuid(uuid);
  }

  nwfilterDefineXML(xml: string): Promise<NwfilterRef> {
    return this.backend.nwfilterDefineXml(xml);
  }
}

/** What a CPU is asked of; what is absent is the hypervisor's to choose. */
export interface HypervisorCpu {
  readonly emulator?: string;
  readonly arch?: string;
  readonly machine?: string;
  readonly virtType?: string;
}
