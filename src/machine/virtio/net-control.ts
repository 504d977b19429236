import type { ReceiveFilter } from './net-filter.ts';
import { le16 } from './net-header.ts';
import { NetAck, NetControl, NetFeature } from './net-spec.ts';

/** What a command of the control queue may change. */
export interface ControlTarget {
  /** Negotiated features. */
  readonly features: bigint;
  readonly filter: ReceiveFilter;
  /** Most pairs of queues that the device has. */
  readonly pairsMax: number;
  setMac(mac: Uint8Array): void;
  setPairs(pairs: number): void;
}

/** Most bytes of a command: a table of addresses for each kind that is far beyond what any driver sends. */
export const COMMAND_BYTES_MAX = 64 * 1024;

/**
 * Carries out one command: class, command, data (5.1.6.5). Returns VIRTIO_NET_OK, or VIRTIO_NET_ERR for one that is
 * unknown, was not negotiated or is malformed; then nothing has changed.
 */
export function control(request: Uint8Array, target: ControlTarget): number {
  if (request.length < 2) return NetAck.ERR;
  const data = request.subarray(2);
  const done = classes[request[0]]?.(request[1], data, target) ?? false;
  return done ? NetAck.OK : NetAck.ERR;
}

type ClassHandler = (command: number, data: Uint8Array, target: ControlTarget) => boolean;

const classes: Readonly<Record<number, ClassHandler>> = {
  [NetControl.RX]: setMode,
  [NetControl.MAC]: (command, data, target) => {
    if (command === NetControl.MAC_TABLE_SET) return setTables(data, target);
    return command === NetControl.MAC_ADDR_SET && setAddress(data, target);
  },
  [NetControl.VLAN]: setVlan,
  [NetControl.MQ]: setPairs,
};

function has({ features }: ControlTarget, feature: bigint): boolean {
  return (features & feature) !== 0n;
}

/** 5.1.6.5.1. */
function setMode(command: number, data: Uint8Array, target: ControlTarget): boolean {
  const needed = command <= NetControl.RX_ALLMULTI ? NetFeature.CTRL_RX : NetFeature.CTRL_RX_EXTRA;
  if (command > NetControl.RX_NOBCAST || data.length !== 1 || data[0] > 1 || !has(target, needed)) return false;
  target.filter.modes[command] = data[0] === 1;
  return true;
}

/** 5.1.6.5.2: a count and addresses, first of single stations, then of groups. */
function setTables(data: Uint8Array, target: ControlTarget): boolean {
  const unicast = table(data, 0);
  const multicast = unicast === undefined ? undefined : table(data, 4 + unicast.length);
  if (unicast === undefined || multicast === undefined || !has(target, NetFeature.CTRL_RX)) return false;
  if (8 + unicast.length + multicast.length !== data.length) return false;
  target.filter.unicast.set(unicast);
  target.filter.multicast.set(multicast);
  return true;
}

/** The packed addresses of the table at `at`; undefined if it is not all there. */
function table(data: Uint8Array, at: number): Uint8Array | undefined {
  if (at + 4 > data.length) return undefined;
  const count = le16(data, at) + le16(data, at + 2) * 0x1_0000;
  return at + 4 + 6 * count > data.length ? undefined : data.subarray(at + 4, at + 4 + 6 * count);
}

/** 5.1.6.5.2: the device's own address. */
function setAddress(data: Uint8Array, target: ControlTarget): boolean {
  if (data.length !== 6 || !has(target, NetFeature.CTRL_MAC_ADDR)) return false;
  target.setMac(data.slice());
  return true;
}

/** 5.1.6.5.3. */
function setVlan(command: number, data: Uint8Array, target: ControlTarget): boolean {
  if (command > NetControl.VLAN_DEL || data.length !== 2 || !has(target, NetFeature.CTRL_VLAN)) return false;
  const vlan = le16(data, 0);
  if (vlan > 4095) return false;
  target.filter.setVlan(vlan, command === NetControl.VLAN_ADD);
  return true;
}

/** 5.1.6.5.5. */
function setPairs(command: number, data: Uint8Array, target: ControlTarget): boolean {
  if (command !== NetControl.MQ_VQ_PAIRS_SET || data.length !== 2 || !has(target, NetFeature.MQ)) return false;
  const pairs = le16(data, 0);
  if (pairs < 1 || pairs > target.pairsMax) return false;
  target.setPairs(pairs);
  return true;
}
