/** Layout of Ethernet frames (IEEE 802.3, 802.1Q) and of the IP headers in them. */
import { u16 } from './checksum.ts';

/** Bytes of destination, source and type. */
export const ETHER_HEADER = 14;

/** Most bytes of a frame here: an IP packet of 64 KiB behind a tagged header. */
export const FRAME_BYTES_MAX = 65_535 + ETHER_HEADER + 4;

/** Types of frames. */
export const EtherType = { IPV4: 0x0800, ARP: 0x0806, VLAN: 0x8100, IPV6: 0x86dd } as const;

/** Numbers of protocols over IP. */
export const IpProtocol = { ICMP: 1, TCP: 6, UDP: 17, FRAGMENT: 44, ICMPV6: 58 } as const;

/** A MAC address as text, `52:54:00:12:34:56`; `at`: where it stands. */
export function formatMac(bytes: Uint8Array, at = 0): string {
  return Array.from(bytes.subarray(at, at + 6), (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** The six bytes of a MAC address written with colons or hyphens; undefined if it is none. */
export function parseMac(text: string): Uint8Array | undefined {
  const parts = /^[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}$/i.test(text) ? text.split(/[:-]/) : undefined;
  return parts === undefined ? undefined : Uint8Array.from(parts, (part) => Number.parseInt(part, 16));
}

/** Whether bytes `at` to `at + 6` of `bytes` are the address `mac`. */
export function isMac(bytes: Uint8Array, at: number, mac: Uint8Array): boolean {
  for (let i = 0; i < 6; i++) if (bytes[at + i] !== mac[i]) return false;
  return true;
}

/** Group addresses have the lowest bit of the first byte set. */
export function isGroup(bytes: Uint8Array, at = 0): boolean {
  return (bytes[at] & 1) !== 0;
}

/** Whether the address at `at` is ff:ff:ff:ff:ff:ff. */
export function isBroadcast(bytes: Uint8Array, at = 0): boolean {
  for (let i = 0; i < 6; i++) if (bytes[at + i] !== 0xff) return false;
  return true;
}

/** Where the packet in a frame begins, its type, and the VLAN's number if there is a tag. */
export interface FrameLayout {
  readonly type: number;
  readonly packet: number;
  readonly vlan?: number;
}

/** Looks behind at most one tag. Undefined for a frame too short for its header. */
export function frameLayout(bytes: Uint8Array): FrameLayout | undefined {
  if (bytes.length < ETHER_HEADER) return undefined;
  const type = u16(bytes, 12);
  if (type !== EtherType.VLAN) return { type, packet: ETHER_HEADER };
  if (bytes.length < ETHER_HEADER + 4) return undefined;
  return { type: u16(bytes, 16), packet: ETHER_HEADER + 4, vlan: u16(bytes, 14) & 0xfff };
}

/** Where the parts of an IP packet with TCP or UDP in it are, checked to be inside the frame. */
export interface TransportLayout {
  readonly version: 4 | 6;
  /** Offset of the IP header. */
  readonly ip: number;
  readonly protocol: number;
  /** Offset of what the IP packet carries. */
  readonly transport: number;
  /** Where the IP packet ends; the frame may be longer. */
  readonly end: number;
}

/** Finds what an IP packet carries; undefined where it is no IP, a fragment, malformed, or has IPv6 extension headers. */
export function transportLayout(bytes: Uint8Array): TransportLayout | undefined {
  const layout = frameLayout(bytes);
  if (layout === undefined) return undefined;
  const { type, packet: ip } = layout;
  if (type === EtherType.IPV4) return ipv4Layout(bytes, ip);
  if (type !== EtherType.IPV6 || bytes.length < ip + 40 || bytes[ip] >> 4 !== 6) return undefined;
  const end = ip + 40 + u16(bytes, ip + 4);
  if (end > bytes.length) return undefined;
  return { version: 6, ip, protocol: bytes[ip + 6], transport: ip + 40, end };
}

function ipv4Layout(bytes: Uint8Array, ip: number): TransportLayout | undefined {
  if (bytes.length < ip + 20 || bytes[ip] >> 4 !== 4) return undefined;
  const headerBytes = (bytes[ip] & 15) * 4;
  const end = ip + u16(bytes, ip + 2);
  const fragment = (u16(bytes, ip + 6) & 0x3fff) !== 0;
  if (headerBytes < 20 || ip + headerBytes > end || end > bytes.length || fragment) return undefined;
  return { version: 4, ip, protocol: bytes[ip + 9], transport: ip + headerBytes, end };
}
