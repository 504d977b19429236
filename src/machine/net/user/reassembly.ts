/** Puts IP packets together that their sender has cut (RFC 791, 3.2; RFC 8200, 4.5). */
import type { Clock } from '../../../util/index.ts';
import type { Frame } from '../../backend/net.ts';
import { addWords, checksum, fold, setU16, u16, u32 } from '../checksum.ts';
import { EtherType, frameLayout, IpProtocol } from '../ether.ts';
import { completeFrames } from '../offload.ts';

/** Packets that are waited for at a time; the one begun first makes room. */
const PACKETS_MAX = 64;

/** Pieces of one packet, and bytes of all that wait: 64 KiB in Ethernet's frames are 46. */
const PIECES_MAX = 128;
const BYTES_MAX = 2 ** 20;

/** How long the rest of a packet is waited for (RFC 8200: 60 seconds; on this wire nothing takes as long). */
const WAIT_NS = 30e9;

/** Bytes that an IP packet may carry behind its header. */
const PAYLOAD_MAX = 65_535;

/** IPv6's fixed header and the header of a fragment. */
const IPV6_HEADER = 40;
const FRAGMENT_HEADER = 8;

/** One fragment, its place checked. */
interface Fragment {
  readonly key: string;
  /** Frame up to where the packet's payload begins, without a fragment header. */
  readonly head: Uint8Array;
  /** Offset of the IP header in it. */
  readonly ip: number;
  readonly start: number;
  readonly data: Uint8Array;
  readonly last: boolean;
}

interface Packet {
  readonly pieces: Fragment[];
  readonly sinceNs: number;
  bytes: number;
  /** Length of the payload, known from the last fragment. */
  total: number | undefined;
}

/** Keeps fragments until their packet is whole. What a guest can make it keep is bounded. */
export class Reassembler {
  readonly #clock: Clock;
  readonly #packets = new Map<string, Packet>();
  #bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The frame itself if its packet is whole, the whole packet in one frame with its last fragment, else undefined. */
  take(frame: Frame): Frame | undefined {
    if (!isFragment(frame.bytes)) return frame;
    const [bytes] = completeFrames(frame);
    const fragment = bytes === undefined ? undefined : parseFragment(bytes);
    return fragment === undefined ? undefined : this.#add(fragment);
  }

  #add(fragment: Fragment): Frame | undefined {
    const { key, start, data, last } = fragment;
    const packet = this.#packet(key);
    const end = start + data.length;
    const same = packet.pieces.some((piece) => piece.start === start && piece.data.length === data.length);
    // A repetition is nothing new; two that overlap in any other way are an attack (RFC 5722, 4).
    if (same) return undefined;
    const overlaps = packet.pieces.some((piece) => start < piece.start + piece.data.length && piece.start < end);
    if (last) packet.total ??= end;
    const total = packet.total ?? PAYLOAD_MAX;
    const beyond = end > total || packet.pieces.some((piece) => piece.start + piece.data.length > total);
    const contradicts = last && end !== total;
    if (overlaps || beyond || contradicts || packet.pieces.length >= PIECES_MAX) {
      this.#forget(key, packet);
      return undefined;
    }
    packet.pieces.push(fragment);
    packet.bytes += data.length;
    this.#bytes += data.length;
    if (packet.bytes !== packet.total) {
      while (this.#bytes > BYTES_MAX) this.#forgetOldest();
      return undefined;
    }
    this.#forget(key, packet);
    return { bytes: joined(packet) };
  }

  #packet(key: string): Packet {
    const nowNs = this.#clock.nowNs();
    const known = this.#packets.get(key);
    if (known !== undefined && nowNs - known.sinceNs < WAIT_NS) return known;
    if (known !== undefined) this.#forget(key, known);
    if (this.#packets.size >= PACKETS_MAX) this.#forgetOldest();
    const packet: Packet = { pieces: [], sinceNs: nowNs, bytes: 0, total: undefined };
    this.#packets.set(key, packet);
    return packet;
  }

  #forgetOldest(): void {
    const [oldest] = this.#packets;
    if (oldest !== undefined) this.#forget(...oldest);
  }

  #forget(key: string, packet: Packet): void {
    if (this.#packets.delete(key)) this.#bytes -= packet.bytes;
  }
}

function isFragment(bytes: Uint8Array): boolean {
  const layout = frameLayout(bytes);
  if (layout === undefined) return false;
  const { type, packet: ip } = layout;
  if (type === EtherType.IPV4) return bytes.length >= ip + 20 && (u16(bytes, ip + 6) & 0x3fff) !== 0;
  return type === EtherType.IPV6 && bytes.length >= ip + IPV6_HEADER && bytes[ip + 6] === IpProtocol.FRAGMENT;
}

/** Undefined for what is malformed. The data are a copy: the frame may be large, and its piece wait for long. */
function parseFragment(bytes: Uint8Array): Fragment | undefined {
  const ip = frameLayout(bytes)?.packet ?? 0;
  const fragment = bytes[ip] >> 4 === 4 ? parseIpv4(bytes, ip) : parseIpv6(bytes, ip);
  if (fragment === undefined) return undefined;
  const { start, data, last } = fragment;
  // All but the last are of eights of bytes.
  const sized = data.length > 0 && (last || data.length % 8 === 0);
  return sized && start + data.length <= PAYLOAD_MAX ? fragment : undefined;
}

function parseIpv4(bytes: Uint8Array, ip: number): Fragment | undefined {
  const header = (bytes[ip] & 15) * 4;
  const end = ip + u16(bytes, ip + 2);
  if (header < 20 || ip + header > end || end > bytes.length) return undefined;
  if (fold(addWords(bytes, ip, ip + header)) !== 0xffff) return undefined;
  const field = u16(bytes, ip + 6);
  return {
    key: `${u16(bytes, ip + 4)} ${bytes[ip + 9]} ${bytes.subarray(ip + 12, ip + 20).join()}`,
    head: bytes.slice(0, ip + header),
    ip,
    start: (field & 0x1fff) * 8,
    data: bytes.slice(ip + header, end),
    last: (field & 0x2000) === 0,
  };
}

function parseIpv6(bytes: Uint8Array, ip: number): Fragment | undefined {
  const at = ip + IPV6_HEADER;
  const end = at + u16(bytes, ip + 4);
  if (bytes[ip] >> 4 !== 6 || at + FRAGMENT_HEADER > end || end > bytes.length) return undefined;
  const field = u16(bytes, at + 2);
  const head = bytes.slice(0, at);
  head[ip + 6] = bytes[at];
  return {
    key: `${u32(bytes, at + 4)} ${bytes.subarray(ip + 8, ip + 40).join()}`,
    head,
    ip,
    start: field & 0xfff8,
    data: bytes.slice(at + FRAGMENT_HEADER, end),
    last: (field & 1) === 0,
  };
}

/** The header is the first fragment's. */
function joined({ pieces, bytes: payload }: Packet): Uint8Array {
  const { head, ip } = pieces.find(({ start }) => start === 0) as Fragment;
  const bytes = new Uint8Array(head.length + payload);
  bytes.set(head);
  for (const { start, data } of pieces) bytes.set(data, head.length + start);
  if (bytes[ip] >> 4 === 6) setU16(bytes, ip + 4, payload);
  else {
    // A packet whose length does not fit its header is too short for it: whoever reads it drops it.
    setU16(bytes, ip + 2, Math.min(bytes.length - ip, 0xffff));
    setU16(bytes, ip + 6, 0);
    setU16(bytes, ip + 10, 0);
    setU16(bytes, ip + 10, checksum(bytes, ip, head.length));
  }
  return bytes;
}
