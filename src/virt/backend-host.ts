/** Procedures about the host: its CPUs and memory beyond the daily ones, and what it has besides domains. */
import type { InterfaceRef, NodeDeviceRef, NwfilterRef, SecretRef, TypedParam } from './backend-data.ts';

/** The host: what CPUs it can make, its memory cell by cell, its security, other hypervisors' configurations. */
export interface NodeProcedures {
  /** Bytes free in each NUMA cell from `startCell` on. */
  nodeGetCellsFreeMemory(startCell: number, maxCells: number): Promise<bigint[]>;
  nodeGetMemoryParameters(flags: number): Promise<TypedParam[]>;
  /** `model` 'none': nothing confines domains beyond the process they run in. */
  nodeGetSecurityModel(): Promise<{ model: string; doi: string }>;
  /** Models of `<cpu>` for an architecture. Throws INVALID_ARG for one that there is none of. */
  connectGetCpuModelNames(arch: string, flags: number): Promise<string[]>;
  /** virCPUCompareResult. */
  connectCompareCpu(xml: string, flags: number): Promise<number>;
  connectBaselineCpu(xmlCpus: readonly string[], flags: number): Promise<string>;
  connectCompareHypervisorCpu(
    emulator: string | undefined,
    arch: string | undefined,
    machine: string | undefined,
    virttype: string | undefined,
    xmlCpu: string,
    flags: number,
  ): Promise<number>;
  connectBaselineHypervisorCpu(
    emulator: string | undefined,
    arch: string | undefined,
    machine: string | undefined,
    virttype: string | undefined,
    xmlCpus: readonly string[],
    flags: number,
  ): Promise<string>;
  connectDomainXmlFromNative(format: string, config: string, flags: number): Promise<string>;
  connectDomainXmlToNative(format: string, xml: string, flags: number): Promise<string>;
}

/** Network interfaces of the host: they are shown, not configured. */
export interface InterfaceProcedures {
  /** `flags` of ListInterfaces. */
  connectListAllInterfaces(flags: number): Promise<InterfaceRef[]>;
  /** Throws NO_INTERFACE. */
  interfaceLookupByName(name: string): Promise<InterfaceRef>;
  /** Throws NO_INTERFACE, and MULTIPLE_INTERFACES when several have the address. */
  interfaceLookupByMacString(mac: string): Promise<InterfaceRef>;
  interfaceGetXmlDesc(iface: InterfaceRef, flags: number): Promise<string>;
  interfaceIsActive(iface: InterfaceRef): Promise<boolean>;
}

/** Devices of the host: the computer itself and its network interfaces. */
export interface NodeDeviceProcedures {
  /** `flags` of ListNodeDevices. */
  connectListAllNodeDevices(flags: number): Promise<NodeDeviceRef[]>;
  /** Throws NO_NODE_DEVICE. */
  nodeDeviceLookupByName(name: string): Promise<NodeDeviceRef>;
  nodeDeviceGetXmlDesc(device: NodeDeviceRef, flags: number): Promise<string>;
  nodeDeviceGetParent(device: NodeDeviceRef): Promise<string | undefined>;
  nodeDeviceListCaps(device: NodeDeviceRef): Promise<string[]>;
  nodeDeviceIsActive(device: NodeDeviceRef): Promise<boolean>;
  nodeDeviceIsPersistent(device: NodeDeviceRef): Promise<boolean>;
  nodeDeviceGetAutostart(device: NodeDeviceRef): Promise<boolean>;
}

/** Secrets and network filters: none are kept, so each look-up fails with the code for what is missing. */
export interface SecretProcedures {
  connectListAllSecrets(flags: number): Promise<SecretRef[]>;
  /** Throws NO_SECRET. */
  secretLookupByUuid(uuid: string): Promise<SecretRef>;
  /** Throws NO_SECRET. */
  secretLookupByUsage(usageType: number, usageId: string): Promise<SecretRef>;
  secretDefineXml(xml: string, flags: number): Promise<SecretRef>;
  connectListAllNwfilters(flags: number): Promise<NwfilterRef[]>;
  /** Throws NO_NWFILTER. */
  nwfilterLookupByName(name: string): Promise<NwfilterRef>;
  /** Throws NO_NWFILTER. */
  nwfilterLookupByUuid(uuid: string): Promise<NwfilterRef>;
  nwfilterDefineXml(xml: string): Promise<NwfilterRef>;
}
