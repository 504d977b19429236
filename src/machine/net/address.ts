/** IPv4 and IPv6 addresses as bytes and as text. */
import { isIP } from 'node:net';

/** Four or sixteen bytes. */
export type IpAddress = Uint8Array;

/** The address written in `text`. Throws RangeError if it is none, or has a zone. */
export function parseIp(text: string): IpAddress {
  const version = text.includes('%') ? 0 : isIP(text);
  if (version === 4) return Uint8Array.from(text.split('.'), Number);
  if (version !== 6) throw new RangeError(`'${text}' is no IP address`);
  return parseIpv6(text);
}

function parseIpv6(text: string): IpAddress {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const [, front = '', ...bytes] = dotted ?? [];
  const pair = (at: number) => (Number(bytes[at]) * 256 + Number(bytes[at + 1])).toString(16);
  const full = dotted === null ? text : `${front}${pair(0)}:${pair(2)}`;
  const [head = '', tail] = full.split('::');
  const groups = (part: string | undefined) => (part ? part.split(':').map((group) => Number.parseInt(group, 16)) : []);
  const first = groups(head);
  const last = groups(tail);
  const words = [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
  return Uint8Array.from(words.flatMap((word) => [word >> 8, word & 0xff]));
}

/** As text; IPv6 as RFC 5952 wants it, but for addresses with an IPv4 one inside. */
export function formatIp(address: IpAddress): string {
  if (address.length === 4) return address.join('.');
  const words = Array.from({ length: 8 }, (_, i) => (address[2 * i] << 8) | address[2 * i + 1]);
  const { at, length } = longestZeroes(words);
  const text = (part: number[]) => part.map((word) => word.toString(16)).join(':');
  return length < 2 ? text(words) : `${text(words.slice(0, at))}::${text(words.slice(at + length))}`;
}

function longestZeroes(words: readonly number[]): { at: number; length: number } {
  let best = { at: 0, length: 0 };
  for (let at = 0; at < words.length; at++) {
    let length = 0;
    while (at + length < words.length && words[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
  }
  return best;
}

/** Whether two addresses are the same. */
export function sameIp(a: IpAddress, b: IpAddress): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Addresses whose first `bits` bits are those of `address`. */
export interface Subnet {
  readonly address: IpAddress;
  readonly bits: number;
}

/** Reads `10.0.2.0/24`; without a length it is one address. Throws RangeError. */
export function parseSubnet(text: string): Subnet {
  const [ip = '', length, ...rest] = text.split('/');
  const address = parseIp(ip);
  const bits = length === undefined ? address.length * 8 : Number(length);
  const valid = rest.length === 0 && length !== '' && Number.isInteger(bits) && bits >= 0 && bits <= address.length * 8;
  if (!valid) throw new RangeError(`'${text}' is no range of addresses: write it like 10.0.2.0/24`);
  return { address, bits };
}

/** Whether an address is in a range. */
export function inSubnet(address: IpAddress, subnet: Subnet): boolean {
  if (address.length !== subnet.address.length) return false;
  for (let bit = 0; bit < subnet.bits; bit += 8) {
    const mask = subnet.bits - bit >= 8 ? 0xff : 0xff & (0xff00 >> (subnet.bits - bit));
    if (((address[bit >> 3] ^ subnet.address[bit >> 3]) & mask) !== 0) return false;
  }
  return true;
}

/** The address `n` above the first of a range of IPv4 addresses, or in the last four bytes of an IPv6 one. */
export function hostOf({ address, bits }: Subnet, n: number): IpAddress {
  const out = address.slice();
  for (let bit = bits; bit < out.length * 8; bit++) out[bit >> 3] &= ~(0x80 >> (bit & 7));
  const last = out.length - 4;
  const view = new DataView(out.buffer);
  view.setUint32(last, (view.getUint32(last) + n) >>> 0);
  return out;
}
