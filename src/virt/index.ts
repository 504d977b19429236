export type * from './backend.ts';
export { DomainCheckpoint } from './checkpoint.ts';
export type * from './conf/device-def.ts';
export type * from './conf/domain-def.ts';
export {
  type DeviceDef,
  type DeviceInput,
  type DeviceKind,
  type DomainFormatOptions,
  type DomainInput,
  type DomainSnapshotDef,
  formatDevice,
  formatDomain,
  formatNetwork,
  formatSnapshot,
  formatStoragePool,
  formatStorageVolume,
  type Input,
  type NetworkInput,
  parseDevice,
  parseDomain,
  parseNetwork,
  parseSnapshot,
  parseStoragePool,
  parseStorageVolume,
  poolTypes,
  type SnapshotInput,
} from './conf/index.ts';
export type * from './conf/network-def.ts';
export type * from './conf/storage-def.ts';
export { type ConnectOptions, connect } from './connect.ts';
export { Connection } from './connection.ts';
export { Domain } from './domain.ts';
export * from './enums.ts';
export type { ConnectionEvent, ConnectionEventName, ConnectionEvents } from './events.ts';
export { Interface, NodeDevice } from './host.ts';
export type { HypervisorCpu } from './host-connection.ts';
export { Network, NetworkPort } from './network.ts';
export { MachineHost, type MachineHostOptions } from './process/machine-host.ts';
export * from './rpc/index.ts';
export { readOnlySocket } from './rpc/sockets.ts';
export { type SessionPaths, sessionPaths } from './session-paths.ts';
export { DomainSnapshot } from './snapshot.ts';
export { StoragePool, StorageVolume } from './storage.ts';
export { type ConnectionUri, defaultUri, parseConnectionUri } from './uri.ts';
