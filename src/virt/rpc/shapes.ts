/** The structures that many procedures share (libvirt's remote_protocol.x), with the backend's types. */
import type {
  CheckpointRef,
  DomainRef,
  FilterBindingRef,
  InterfaceRef,
  NetworkPortRef,
  NetworkRef,
  NodeDeviceRef,
  NwfilterRef,
  PoolRef,
  SecretRef,
  SnapshotRef,
  TypedParam,
  VolumeRef,
} from '../backend.ts';
import { XdrError } from './xdr.ts';
import {
  type AnyXdr,
  double,
  flag,
  hyper,
  int,
  list,
  struct,
  text,
  uhyper,
  uint,
  uuid,
  type XdrType,
} from './xdr-types.ts';

/** Most names, or objects, in an answer. */
export const LIST_MAX = 16_384;
/** Most node devices in an answer. */
export const NODE_DEVICES_MAX = 65_536;
/** Bytes of the map of a host's CPUs. */
export const CPUMAP_MAX_BYTES = 2048;
/** Bytes of the maps of all vCPUs of a domain. */
export const CPUMAPS_MAX_BYTES = 8 * 1024 * 1024;

/** remote_nonnull_domain. */
export const domain: XdrType<DomainRef> = struct({ name: text, uuid, id: int });
/** remote_nonnull_network. */
export const network: XdrType<NetworkRef> = struct({ name: text, uuid });
/** remote_nonnull_storage_pool. */
export const pool: XdrType<PoolRef> = struct({ name: text, uuid });
/** remote_nonnull_storage_vol. */
export const volume: XdrType<VolumeRef> = struct({ pool: text, name: text, key: text });
/** remote_nonnull_domain_snapshot. */
export const snapshot: XdrType<SnapshotRef> = struct({ name: text, domain });

/** remote_nonnull_interface. */
export const iface: XdrType<InterfaceRef> = struct({ name: text, mac: text });
/** remote_nonnull_node_device: where it is named, also its name alone, which is the same bytes. */
export const nodeDevice: XdrType<NodeDeviceRef> = struct({ name: text });
/** remote_nonnull_secret. */
export const secret: XdrType<SecretRef> = struct({ uuid, usageType: int, usageId: text });
/** remote_nonnull_nwfilter. */
export const nwfilter: XdrType<NwfilterRef> = struct({ name: text, uuid });
/** remote_nonnull_nwfilter_binding. */
export const filterBinding: XdrType<FilterBindingRef> = struct({ portDev: text, filterName: text });
/** remote_nonnull_network_port. */
export const networkPort: XdrType<NetworkPortRef> = struct({ network, uuid });
/** remote_nonnull_domain_checkpoint. */
export const checkpoint: XdrType<CheckpointRef> = struct({ name: text, domain });

/** Kinds of typed parameters by their numbers (virTypedParameterType). */
const paramTypes = ['', 'int', 'uint', 'llong', 'ullong', 'double', 'boolean', 'string'] as const;
const paramNumbers = { int: 1, uint: 2, llong: 3, ullong: 4, double: 5, boolean: 6, string: 7 } as const;
const paramValues = { int, uint, llong: hyper, ullong: uhyper, double, boolean: flag, string: text } as const;

/** remote_typed_param. */
export const typedParam: XdrType<TypedParam> = {
  minBytes: 12,
  write(to, param) {
    text.write(to, param.field);
    to.i32(paramNumbers[param.type]);
    const type: AnyXdr = paramValues[param.type];
    type.write(to, param.value as never);
  },
  read(from) {
    const field = text.read(from);
    const number = from.i32();
    const type = paramTypes[number];
    if (type === undefined || type === '') throw new XdrError(`${number} is no kind of typed parameter`);
    return { field, type, value: paramValues[type].read(from) } as TypedParam;
  },
};

/** Typed parameters, so many at most. */
export function typedParams(max: number): XdrType<TypedParam[], readonly TypedParam[]> {
  return list(typedParam, max);
}

/** virNodeGetCPUStats' and virNodeGetMemoryStats' numbers. */
export const nodeStats = list(struct({ field: text, value: uhyper }), 16);
