/** Makes IP packets in Ethernet frames. */
import type { Frame } from '../../backend/net.ts';
import type { IpAddress } from '../address.ts';
import { checksum, fold, pseudoHeader, setU16 } from '../checksum.ts';
import { ETHER_HEADER, EtherType, IpProtocol } from '../ether.ts';

/** Time to live of what is sent. */
const HOPS = 64;

/** Where a packet goes. */
export interface Envelope {
  readonly from: IpAddress;
  readonly to: IpAddress;
  readonly protocol: number;
  /** For neighbour discovery, which counts hops. Default 64. */
  readonly hops?: number;
}

/** Bytes before what a packet carries. */
export function envelopeBytes({ to }: Pick<Envelope, 'to'>): number {
  return ETHER_HEADER + (to.length === 4 ? 20 : 40);
}

/** A frame with both headers and room for `payloadBytes`; the Ethernet addresses are put in when it is sent. */
export function openPacket(envelope: Envelope, payloadBytes: number): Uint8Array {
  const { from, to, protocol, hops = HOPS } = envelope;
  const start = envelopeBytes(envelope);
  const bytes = new Uint8Array(start + payloadBytes);
  const ip = ETHER_HEADER;
  if (to.length === 4) {
    setU16(bytes, 12, EtherType.IPV4);
    bytes[ip] = 0x45;
    setU16(bytes, ip + 2, 20 + payloadBytes);
    // Don't fragment: nothing on this wire would.
    bytes[ip + 6] = 0x40;
    bytes[ip + 8] = hops;
    bytes[ip + 9] = protocol;
    bytes.set(from, ip + 12);
    bytes.set(to, ip + 16);
    setU16(bytes, ip + 10, checksum(bytes, ip, ip + 20));
  } else {
    setU16(bytes, 12, EtherType.IPV6);
    bytes[ip] = 0x60;
    setU16(bytes, ip + 4, payloadBytes);
    bytes[ip + 6] = protocol;
    bytes[ip + 7] = hops;
    bytes.set(from, ip + 8);
    bytes.set(to, ip + 24);
  }
  return bytes;
}

/** The frame with the checksum at `offset` of its payload left to be done by whoever receives it. */
export function withPartialSum(bytes: Uint8Array, envelope: Envelope, offset: number): Frame {
  const start = envelopeBytes(envelope);
  setU16(bytes, start + offset, fold(pseudoHeader(bytes, ETHER_HEADER, envelope.protocol, bytes.length - start)));
  return { bytes, checksum: { start, offset } };
}

/** A UDP datagram. */
export function udpFrame(envelope: Envelope, ports: { from: number; to: number }, data: Uint8Array): Frame {
  const start = envelopeBytes(envelope);
  const bytes = openPacket(envelope, 8 + data.length);
  setU16(bytes, start, ports.from);
  setU16(bytes, start + 2, ports.to);
  setU16(bytes, start + 4, 8 + data.length);
  bytes.set(data, start + 8);
  return withPartialSum(bytes, envelope, 6);
}

/** An ICMP or ICMPv6 message: type, code, then `rest` from the fifth byte on. */
export function icmpFrame(envelope: Omit<Envelope, 'protocol'>, type: number, code: number, rest: Uint8Array): Frame {
  const v4 = envelope.to.length === 4;
  const protocol = v4 ? IpProtocol.ICMP : IpProtocol.ICMPV6;
  const start = envelopeBytes(envelope);
  const bytes = openPacket({ ...envelope, protocol }, 4 + rest.length);
  bytes[start] = type;
  bytes[start + 1] = code;
  bytes.set(rest, start + 4);
  const sum = v4 ? 0 : pseudoHeader(bytes, ETHER_HEADER, protocol, bytes.length - start);
  setU16(bytes, start + 2, checksum(bytes, start, bytes.length, sum));
  return { bytes, verified: true };
}
