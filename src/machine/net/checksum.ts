/** The Internet checksum (RFC 1071). */

/** Adds the big-endian 16-bit words of bytes `start` to `end` to `sum`; an odd last byte counts as if a zero followed. */
export function addWords(bytes: Uint8Array, start: number, end: number, sum = 0): number {
  let total = sum;
  let at = start;
  // 64 KiB of words of 0xffff stay below 2^53 by far: folding can wait.
  for (; at + 1 < end; at += 2) total += (bytes[at] << 8) | bytes[at + 1];
  if (at < end) total += bytes[at] << 8;
  return total;
}

/** The 16-bit one's complement sum that `total`, a sum of 16-bit words, comes to. */
export function fold(total: number): number {
  let sum = total;
  while (sum > 0xffff) sum = (sum % 0x1_0000) + Math.floor(sum / 0x1_0000);
  return sum;
}

/** What goes in a checksum field over bytes `start` to `end` and `sum` before them. */
export function checksum(bytes: Uint8Array, start: number, end: number, sum = 0): number {
  return ~fold(addWords(bytes, start, end, sum)) & 0xffff;
}

/** Sum of the pseudo-header (RFC 9293, 3.1; RFC 8200, 8.1) of an IPv4 or IPv6 packet whose header is at `ip`. */
export function pseudoHeader(bytes: Uint8Array, ip: number, protocol: number, payloadBytes: number): number {
  const [from, to] = bytes[ip] >> 4 === 4 ? [ip + 12, ip + 20] : [ip + 8, ip + 40];
  return addWords(bytes, from, to, protocol + (payloadBytes >>> 16) + (payloadBytes & 0xffff));
}

/** Reads a big-endian 16-bit number. */
export function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

/** Writes a big-endian 16-bit number. */
export function setU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value;
}

/** Reads a big-endian 32-bit number, unsigned. */
export function u32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

/** Writes a big-endian 32-bit number. */
export function setU32(bytes: Uint8Array, at: number, value: number): void {
  setU16(bytes, at, (value >>> 16) & 0xffff);
  setU16(bytes, at + 2, value & 0xffff);
}
