/** Definitions of domains, networks, storage and snapshots: XML to plain data and back, defaults, checks. */
export {
  type DomainCapabilitiesQuery,
  formatCapabilities,
  formatDomainCapabilities,
  formatPoolCapabilities,
} from './capabilities.ts';
export type * from './device-def.ts';
export { sourceOf, tuneOf } from './device-validate.ts';
export { type DeviceDef, type DeviceKind, deviceKinds, deviceTypes, noDevices } from './devices.ts';
export { isDrive, mediumOptions } from './disk-plan.ts';
export type * from './domain-def.ts';
export { type DomainFormatOptions, formatDevice, formatDomain, hasChosenName } from './domain-format.ts';
export { assignAliases, makeLive, withTray, withTraysOf } from './domain-live.ts';
export { parseDevice, parseDomain } from './domain-parse.ts';
export { type DefaultsContext, diskIndex, fillDomainDefaults, randomMac, randomUuid } from './domain-postparse.ts';
export { checkNames, parseCpuSet, validateDomain } from './domain-validate.ts';
export type { HostCapabilities } from './host-capabilities.ts';
export type { DeviceInput, DomainInput, Input, NetworkInput, SnapshotInput } from './input.ts';
export { getMetadata, NODEVISOR_NAMESPACE, setMetadata } from './metadata.ts';
export { fillNetworkDefaults, formatNetwork, ipPrefix, parseNetwork, validateNetwork } from './network.ts';
export { dhcpHost, dhcpRange, dnsHost, dnsSrv, dnsTxt } from './network-codec.ts';
export type * from './network-def.ts';
export { type DomainSnapshotDef, formatSnapshot, parseSnapshot, type SnapshotDiskDef } from './snapshot.ts';
export {
  fillStoragePoolDefaults,
  formatStoragePool,
  formatStorageVolume,
  parseStoragePool,
  parseStorageVolume,
  validateStoragePool,
  validateStorageVolume,
} from './storage.ts';
export { poolTypes } from './storage-codec.ts';
export type * from './storage-def.ts';
export { type HostBridge, hostBridge, type NetworkPlan, networkPlan } from './to-network.ts';
export { type MachinePlan, type PlanContext, toMachineOptions } from './to-options.ts';
export { parseXml } from './xml.ts';
export { formatXml } from './xml-format.ts';
export type { Extensible, Extra, XmlElement, XmlNode } from './xml-node.ts';
