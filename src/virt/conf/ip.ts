/** IP addresses as text, checked and compared. */
import { isIPv4, isIPv6 } from 'node:net';
import type { Scalar } from './scalar.ts';

/** An IPv4 or IPv6 address, kept as it is written. */
export const ipAddress: Scalar<string> = {
  what: 'an IP address',
  read: (text) => (isIPv4(text) || isIPv6(text) ? text : undefined),
  write: (value) => value,
};

/** The 32 bits of an IPv4 address, undefined for any other text. */
export function ipv4Bits(text: string): number | undefined {
  if (!isIPv4(text)) return undefined;
  return text.split('.').reduce((bits, part) => bits * 256 + Number(part), 0);
}

/** Length of the prefix that a netmask stands for, undefined for one with holes. */
export function netmaskPrefix(netmask: string): number | undefined {
  const bits = ipv4Bits(netmask);
  if (bits === undefined) return undefined;
  const inverted = 0xffff_ffff - bits;
  return Number.isInteger(Math.log2(inverted + 1)) ? 32 - Math.log2(inverted + 1) : undefined;
}
