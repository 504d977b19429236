/** What of ICMP (RFC 792) and ICMPv6 (RFC 4443) a router says. */
import type { Frame } from '../../backend/net.ts';
import type { IpAddress } from '../address.ts';
import { icmpFrame } from './packet.ts';

/** Types of echo messages. */
export const Echo = {
  4: { REQUEST: 8, REPLY: 0 },
  6: { REQUEST: 128, REPLY: 129 },
} as const;

/** Why a packet does not arrive: type and code over IPv4, then over IPv6. */
const reasons = {
  host: { 4: [3, 1], 6: [1, 3] },
  port: { 4: [3, 3], 6: [1, 4] },
  prohibited: { 4: [3, 13], 6: [1, 1] },
} as const;

/** Bytes of the packet that are sent back after its IP header. */
const QUOTED_BYTES = 8;

/** Tells a guest that its packet, from `ip` on in `bytes`, was not delivered. */
export function unreachable(
  reason: keyof typeof reasons,
  from: IpAddress,
  to: IpAddress,
  packet: { bytes: Uint8Array; ip: number; transport: number },
): Frame {
  const [type, code] = reasons[reason][to.length === 4 ? 4 : 6];
  const quoted = packet.bytes.subarray(packet.ip, packet.transport + QUOTED_BYTES);
  return icmpFrame({ from, to }, type, code, Uint8Array.from([0, 0, 0, 0, ...quoted]));
}

/** The answer to an echo request: identifier, number and data come back. */
export function echoReply(from: IpAddress, to: IpAddress, request: Uint8Array): Frame {
  return icmpFrame({ from, to }, Echo[to.length === 4 ? 4 : 6].REPLY, 0, request.subarray(4));
}
