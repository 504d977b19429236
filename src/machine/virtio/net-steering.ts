import { IpProtocol, transportLayout } from '../net/ether.ts';

/** Flows that are told apart, a power of two. */
const FLOWS = 256;

/** Automatic receive steering (5.1.6.5.5): a flow's frames come in by the pair of queues that it last went out by. */
export class Steering {
  readonly #pairs = new Uint8Array(FLOWS);

  /** The guest sent a frame by pair `pair`. */
  sent(frame: Uint8Array, pair: number): void {
    const flow = flowOf(frame);
    if (flow !== undefined) this.#pairs[flow] = pair;
  }

  /** The pair for a frame to the guest, below `pairs`. */
  pairOf(frame: Uint8Array, pairs: number): number {
    const flow = pairs === 1 ? undefined : flowOf(frame);
    return flow === undefined ? 0 : this.#pairs[flow] % pairs;
  }
}

/** A number that is the same for both directions of a TCP or UDP flow; undefined for all other frames. */
function flowOf(frame: Uint8Array): number | undefined {
  const layout = transportLayout(frame);
  if (layout === undefined || layout.transport + 4 > layout.end) return undefined;
  const { ip, transport, protocol, version } = layout;
  if (protocol !== IpProtocol.TCP && protocol !== IpProtocol.UDP) return undefined;
  const [from, to] = version === 4 ? [ip + 12, ip + 20] : [ip + 8, ip + 40];
  let hash = protocol;
  // Bytes of the two addresses and ports at like places fall together, whichever comes first.
  const half = (to - from) / 2;
  for (let i = 0; i < half; i++) hash = (hash * 31 + (frame[from + i] ^ frame[from + half + i])) >>> 0;
  for (let i = 0; i < 2; i++) hash = (hash * 31 + (frame[transport + i] ^ frame[transport + 2 + i])) >>> 0;
  return (hash ^ (hash >>> 8) ^ (hash >>> 16)) & (FLOWS - 1);
}
