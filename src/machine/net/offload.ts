/** Does in software what a frame's sender has left to do: checksums and the cutting of large TCP frames. */
import type { Frame } from '../backend/net.ts';
import { addWords, checksum, fold, pseudoHeader, setU16, setU32, u16, u32 } from './checksum.ts';
import { IpProtocol, transportLayout } from './ether.ts';

/** Flags of the TCP header's byte 13 (RFC 9293, 3.1; CWR: RFC 3168). */
const FIN = 1;
const PSH = 8;
const CWR = 0x80;

/** Least size of a segment that is cut: below it one frame would become thousands, and no TCP goes that low. */
export const SEGMENT_BYTES_MIN = 48;

/**
 * The frame as complete frames, each no longer than the sender wanted them on the wire. A frame that says of itself
 * what it is not (no TCP where TCP was to be cut) gives none.
 */
export function completeFrames(frame: Frame): Uint8Array[] {
  if (frame.segmentation !== undefined) return cut(frame, frame.segmentation.size);
  return frame.checksum === undefined ? [frame.bytes] : [withChecksum(frame.bytes, frame.checksum)];
}

/** A copy with the checksum that was left out. */
function withChecksum(bytes: Uint8Array, { start, offset }: { start: number; offset: number }): Uint8Array {
  const out = bytes.slice();
  const sum = ~fold(addWords(out, start, out.length)) & 0xffff;
  // UDP: a sum of zero is sent as all ones (RFC 768); for TCP both are the same number.
  setU16(out, start + offset, sum === 0 ? 0xffff : sum);
  return out;
}

function cut({ bytes }: Frame, size: number): Uint8Array[] {
  const layout = transportLayout(bytes);
  if (layout === undefined || layout.protocol !== IpProtocol.TCP || size < SEGMENT_BYTES_MIN) return [];
  const { ip, transport, end, version } = layout;
  if (transport + 20 > end) return [];
  const data = transport + (bytes[transport + 12] >> 4) * 4;
  if (data < transport + 20 || data > end) return [];
  const frames: Uint8Array[] = [];
  for (let at = data; at < end || at === data; at += size) {
    const bytesHere = Math.min(size, end - at);
    const out = new Uint8Array(data + bytesHere);
    out.set(bytes.subarray(0, data));
    out.set(bytes.subarray(at, at + bytesHere), data);
    if (version === 4) setIpv4(out, ip, out.length - ip, frames.length);
    else setU16(out, ip + 4, out.length - transport);
    setTcp(out, { ip, transport, advance: at - data, first: at === data, last: at + bytesHere >= end });
    frames.push(out);
  }
  return frames;
}

/** Length, identification (one up with each segment) and checksum of an IPv4 header. */
function setIpv4(out: Uint8Array, ip: number, bytes: number, index: number): void {
  setU16(out, ip + 2, bytes);
  setU16(out, ip + 4, (u16(out, ip + 4) + index) & 0xffff);
  setU16(out, ip + 10, 0);
  setU16(out, ip + 10, checksum(out, ip, ip + (out[ip] & 15) * 4));
}

interface TcpSegment {
  readonly ip: number;
  readonly transport: number;
  /** Bytes of data before this segment. */
  readonly advance: number;
  readonly first: boolean;
  readonly last: boolean;
}

/** Sequence number, flags and checksum of one segment. */
function setTcp(out: Uint8Array, { ip, transport, advance, first, last }: TcpSegment): void {
  setU32(out, transport + 4, (u32(out, transport + 4) + advance) >>> 0);
  if (!last) out[transport + 13] &= ~(FIN | PSH);
  if (!first) out[transport + 13] &= ~CWR;
  setU16(out, transport + 16, 0);
  const sum = pseudoHeader(out, ip, IpProtocol.TCP, out.length - transport);
  setU16(out, transport + 16, checksum(out, transport, out.length, sum));
}
