import type { Frame } from '../../backend/net.ts';
import { setU16 } from '../checksum.ts';
import { IpProtocol } from '../ether.ts';
import { headerBytes, type TcpSegment, writeSegment } from '../tcp/segment.ts';
import type { Flow } from './context.ts';
import { envelopeBytes, openPacket, withPartialSum } from './packet.ts';

/** Largest segment that fits in a packet of `mtu` bytes to or from a guest. */
export function mssFor({ guest }: Pick<Flow, 'guest'>, mtu: number): number {
  return mtu - 20 - (guest.length === 4 ? 20 : 40);
}

/** A segment to a guest; one with more data than `mss` is for the device or the guest to cut. */
export function tcpFrame({ guest, guestPort, remote, remotePort }: Flow, segment: TcpSegment, mss: number): Frame {
  const envelope = { from: remote, to: guest, protocol: IpProtocol.TCP };
  const start = envelopeBytes(envelope);
  const bytes = openPacket(envelope, headerBytes(segment.options) + segment.data.length);
  setU16(bytes, start, remotePort);
  setU16(bytes, start + 2, guestPort);
  writeSegment(bytes, start, segment);
  const frame = withPartialSum(bytes, envelope, 16);
  if (segment.data.length <= mss) return frame;
  return { ...frame, segmentation: { type: guest.length === 4 ? 'tcp4' : 'tcp6', size: mss } };
}
