import type { Frame } from '../backend/net.ts';
import { ETHER_HEADER } from '../net/ether.ts';
import { NET_HEADER, NetFeature, NetGso, NetHeaderFlag } from './net-spec.ts';

/** Reads a 16-bit number of the header or of a command: little-endian, unlike everything in a frame. */
export function le16(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8);
}

function setLe16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >> 8;
}

/**
 * The frame in a buffer that the driver sent: header, then frame (5.1.6.2). Undefined if the header asks for what was
 * not negotiated or points outside the frame.
 */
export function frameOfBuffer(buffer: Uint8Array, features: bigint): Frame | undefined {
  const bytes = buffer.subarray(NET_HEADER);
  if (bytes.length < ETHER_HEADER) return undefined;
  const [flags, gso] = buffer;
  if ((flags & NetHeaderFlag.NEEDS_CSUM) === 0) return gso === NetGso.NONE ? { bytes } : undefined;
  const checksum = { start: le16(buffer, 6), offset: le16(buffer, 8) };
  if ((features & NetFeature.CSUM) === 0n || checksum.start + checksum.offset + 2 > bytes.length) return undefined;
  if (gso === NetGso.NONE) return { bytes, checksum };
  const type = gso & ~NetGso.ECN;
  const size = le16(buffer, 4);
  if (size === 0) return undefined;
  if (type === NetGso.TCPV4 && (features & NetFeature.HOST_TSO4) !== 0n) {
    return { bytes, checksum, segmentation: { type: 'tcp4', size } };
  }
  if (type === NetGso.TCPV6 && (features & NetFeature.HOST_TSO6) !== 0n) {
    return { bytes, checksum, segmentation: { type: 'tcp6', size } };
  }
  return undefined;
}

/** Whether the driver takes the frame as it is, with what its sender left to do. */
export function takesAsIs({ checksum, segmentation }: Frame, features: bigint): boolean {
  if (checksum !== undefined && (features & NetFeature.GUEST_CSUM) === 0n) return false;
  if (segmentation === undefined) return true;
  const needed = segmentation.type === 'tcp4' ? NetFeature.GUEST_TSO4 : NetFeature.GUEST_TSO6;
  return (features & needed) !== 0n;
}

/** The header of a frame for the driver, which has negotiated what the frame needs (5.1.6.4). */
export function headerOf(frame: Frame, features: bigint, buffers: number): Uint8Array {
  const header = new Uint8Array(NET_HEADER);
  const { bytes, checksum, segmentation, verified } = frame;
  if (checksum !== undefined) {
    header[0] = NetHeaderFlag.NEEDS_CSUM;
    setLe16(header, 6, checksum.start);
    setLe16(header, 8, checksum.offset);
  } else if (verified === true && (features & NetFeature.GUEST_CSUM) !== 0n) {
    header[0] = NetHeaderFlag.DATA_VALID;
  }
  if (segmentation !== undefined && checksum !== undefined) {
    header[1] = segmentation.type === 'tcp4' ? NetGso.TCPV4 : NetGso.TCPV6;
    // hdr_len: a hint, all headers up to the data where the TCP header is inside the frame.
    const tcp = checksum.start + 12 < bytes.length ? (bytes[checksum.start + 12] >> 4) * 4 : 20;
    setLe16(header, 2, Math.min(checksum.start + tcp, bytes.length));
    setLe16(header, 4, segmentation.size);
  }
  setLe16(header, 10, buffers);
  return header;
}
