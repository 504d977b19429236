/** Neighbour discovery and router advertisements of IPv6 (RFC 4861, RFC 4862; name servers: RFC 8106). */
import type { Frame } from '../../backend/net.ts';
import { type IpAddress, parseIp, type Subnet } from '../address.ts';
import { setU16, setU32 } from '../checksum.ts';
import { icmpFrame } from './packet.ts';

/** Types of messages. */
export const NdType = {
  ROUTER_SOLICITATION: 133,
  ROUTER_ADVERTISEMENT: 134,
  NEIGHBOUR_SOLICITATION: 135,
  NEIGHBOUR_ADVERTISEMENT: 136,
} as const;

/** Types of options. */
const Option = { SOURCE_LINK: 1, TARGET_LINK: 2, PREFIX: 3, MTU: 5, RDNSS: 25 } as const;

/** Neighbour discovery must not have crossed a router: it has all its hops left (RFC 4861, 6.1 and 7.1). */
export const ND_HOPS = 255;

/** All nodes on the link. */
export const ALL_NODES = parseIp('ff02::1');

/** How long a router, a prefix and a name server hold, in seconds. */
const ROUTER_SECONDS = 1800;
const PREFIX_SECONDS = 86_400;

function linkOption(type: number, mac: Uint8Array): number[] {
  return [type, 1, ...mac];
}

/** Tells guests how to make addresses of their own, and of the router and the name server. */
export function routerAdvertisement(
  from: { ip: IpAddress; mac: Uint8Array },
  network: Subnet,
  { dns, mtu, routed }: { dns: IpAddress | undefined; mtu: number; routed: boolean },
): Frame {
  const head = new Uint8Array(12);
  head[0] = 64;
  // A router that leads nowhere is none (RFC 4861, 4.2); the prefix holds all the same.
  setU16(head, 2, routed ? ROUTER_SECONDS : 0);
  const prefix = new Uint8Array(32);
  // On-link, and for autonomous configuration.
  prefix.set([Option.PREFIX, 4, network.bits, 0xc0]);
  setU32(prefix, 4, PREFIX_SECONDS);
  setU32(prefix, 8, PREFIX_SECONDS);
  prefix.set(network.address.subarray(0, network.bits >> 3), 16);
  const mtuOption = new Uint8Array(8);
  mtuOption.set([Option.MTU, 1]);
  setU32(mtuOption, 4, mtu);
  const rdnss = new Uint8Array(dns === undefined ? 0 : 24);
  if (dns !== undefined) {
    rdnss.set([Option.RDNSS, 3]);
    setU32(rdnss, 4, ROUTER_SECONDS);
    rdnss.set(dns, 8);
  }
  const rest = Uint8Array.from([
    ...head,
    ...linkOption(Option.SOURCE_LINK, from.mac),
    ...mtuOption,
    ...prefix,
    ...rdnss,
  ]);
  return icmpFrame({ from: from.ip, to: ALL_NODES, hops: ND_HOPS }, NdType.ROUTER_ADVERTISEMENT, 0, rest);
}

/** Asks who has `target`. */
export function neighbourSolicitation(from: { ip: IpAddress; mac: Uint8Array }, target: IpAddress): Frame {
  const to = parseIp('ff02::1:ff00:0');
  to.set(target.subarray(13), 13);
  const rest = Uint8Array.from([0, 0, 0, 0, ...target, ...linkOption(Option.SOURCE_LINK, from.mac)]);
  return icmpFrame({ from: from.ip, to, hops: ND_HOPS }, NdType.NEIGHBOUR_SOLICITATION, 0, rest);
}

/** Says that `target` is here: router, solicited, override. */
export function neighbourAdvertisement(mac: Uint8Array, target: IpAddress, to: IpAddress): Frame {
  const rest = Uint8Array.from([0xe0, 0, 0, 0, ...target, ...linkOption(Option.TARGET_LINK, mac)]);
  return icmpFrame({ from: target, to, hops: ND_HOPS }, NdType.NEIGHBOUR_ADVERTISEMENT, 0, rest);
}
