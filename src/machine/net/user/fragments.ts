/** Cuts IP packets that are too large for the wire (RFC 791, 3.2; RFC 8200, 4.5). */
import type { Frame } from '../../backend/net.ts';
import { checksum, setU16, setU32 } from '../checksum.ts';
import { ETHER_HEADER, IpProtocol } from '../ether.ts';
import { completeFrames } from '../offload.ts';

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const FRAGMENT_HEADER = 8;

/**
 * The frame itself if its packet has at most `mtu` bytes or is to be cut as TCP; else its fragments.
 * @param frame as `openPacket` makes them: no tag, no options, no extension headers
 * @param id tells this packet's fragments from those of others
 */
export function fragmentsOf(frame: Frame, mtu: number, id: number): Frame[] {
  if (frame.segmentation !== undefined || frame.bytes.length - ETHER_HEADER <= mtu) return [frame];
  const [bytes] = completeFrames(frame);
  if (bytes === undefined) return [];
  return bytes[ETHER_HEADER] >> 4 === 4 ? cutIpv4(bytes, mtu, id) : cutIpv6(bytes, mtu, id);
}

/** Payload in all fragments but the last. */
function step(mtu: number, header: number): number {
  return (mtu - header) & ~7;
}

function cutIpv4(bytes: Uint8Array, mtu: number, id: number): Frame[] {
  const ip = ETHER_HEADER;
  const data = ip + IPV4_HEADER;
  const frames: Frame[] = [];
  const most = step(mtu, IPV4_HEADER);
  for (let at = data; at < bytes.length; at += most) {
    const piece = bytes.subarray(at, at + most);
    const out = new Uint8Array(data + piece.length);
    out.set(bytes.subarray(0, data));
    out.set(piece, data);
    setU16(out, ip + 2, out.length - ip);
    setU16(out, ip + 4, id & 0xffff);
    setU16(out, ip + 6, ((at - data) >> 3) | (at + most < bytes.length ? 0x2000 : 0));
    setU16(out, ip + 10, 0);
    setU16(out, ip + 10, checksum(out, ip, data));
    frames.push({ bytes: out });
  }
  return frames;
}

function cutIpv6(bytes: Uint8Array, mtu: number, id: number): Frame[] {
  const ip = ETHER_HEADER;
  const data = ip + IPV6_HEADER;
  const frames: Frame[] = [];
  const most = step(mtu, IPV6_HEADER + FRAGMENT_HEADER);
  for (let at = data; at < bytes.length; at += most) {
    const piece = bytes.subarray(at, at + most);
    const out = new Uint8Array(data + FRAGMENT_HEADER + piece.length);
    out.set(bytes.subarray(0, data));
    out[data] = bytes[ip + 6] as number;
    out[ip + 6] = IpProtocol.FRAGMENT;
    setU16(out, ip + 4, FRAGMENT_HEADER + piece.length);
    setU16(out, data + 2, (at - data) | (at + most < bytes.length ? 1 : 0));
    setU32(out, data + 4, id >>> 0);
    out.set(piece, data + FRAGMENT_HEADER);
    frames.push({ bytes: out });
  }
  return frames;
}
