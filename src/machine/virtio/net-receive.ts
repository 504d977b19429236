import type { Frame } from '../backend/net.ts';
import type { Chain } from './chain.ts';
import { headerOf } from './net-header.ts';
import { NET_HEADER, NetFeature } from './net-spec.ts';
import type { VirtQueue } from './queue.ts';

/** What became of a frame: `full` may find room later, `dropped` never does. */
export type Received = 'done' | 'full' | 'dropped';

/** Buffers that a frame is spread over at the most. */
const BUFFERS_MAX = 64;

/**
 * Puts a frame that the driver takes as it is in its receive buffers (5.1.6.4): in one of them, or with
 * VIRTIO_NET_F_MRG_RXBUF in as many as it needs.
 */
export function receiveFrame(queue: VirtQueue, frame: Frame, features: bigint): Received {
  const bytes = NET_HEADER + frame.bytes.length;
  const mergeable = (features & NetFeature.MRG_RXBUF) !== 0n;
  const chains = gatherBuffers(queue, bytes, mergeable ? BUFFERS_MAX : 1);
  if (chains === undefined) return 'full';
  const room = chains.reduce((sum, { writableBytes }) => sum + writableBytes, 0);
  const [first] = chains;
  // A header in two pieces would be the driver's breach: 5.1.6.3.1 has it give room for one whole.
  if (first === undefined || first.writableBytes < NET_HEADER) {
    queue.advance(chains.length);
    queue.putAll(chains.map((chain) => ({ chain, written: 0 })));
    return 'dropped';
  }
  if (room < bytes) return 'dropped';
  fill(queue, chains, frame, headerOf(frame, features, chains.length));
  return 'done';
}

/** The next buffers that `bytes` bytes fit in, not taken yet; fewer if `most` do not do; undefined: there are not enough. */
function gatherBuffers(queue: VirtQueue, bytes: number, most: number): Chain[] | undefined {
  const chains: Chain[] = [];
  for (let room = 0; room < bytes && chains.length < most; ) {
    const chain = queue.peek(chains.length);
    if (chain === undefined) return undefined;
    chains.push(chain);
    room += chain.writableBytes;
    if (chains.length === 1 && room < NET_HEADER) return chains;
  }
  return chains;
}

function fill(queue: VirtQueue, chains: readonly Chain[], { bytes }: Frame, header: Uint8Array): void {
  let done = 0;
  const used = chains.map((chain, index) => {
    const at = index === 0 ? NET_HEADER : 0;
    if (index === 0) queue.copyIn(chain, 0, header);
    const n = Math.min(chain.writableBytes - at, bytes.length - done);
    queue.copyIn(chain, at, bytes.subarray(done, done + n));
    done += n;
    return { chain, written: at + n };
  });
  queue.advance(chains.length);
  queue.putAll(used);
}
