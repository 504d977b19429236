import { VirtioType } from '../../isa/index.ts';
import type { Frame, NetBackend } from '../backend/net.ts';
import { FRAME_BYTES_MAX } from '../net/ether.ts';
import { completeFrames } from '../net/offload.ts';
import { TappedNet } from '../net/tapped-net.ts';
import type { Activated, Active, VirtioDevice } from './device.ts';
import { COMMAND_BYTES_MAX, control } from './net-control.ts';
import { ReceiveFilter } from './net-filter.ts';
import { frameOfBuffer, takesAsIs } from './net-header.ts';
import { receiveFrame } from './net-receive.ts';
import { NET_HEADER, NetFeature, VIRTIO_NET_S_LINK_UP } from './net-spec.ts';
import { Steering } from './net-steering.ts';
import { InFlight, QueuePump, type Step } from './pump.ts';
import type { UsedBuffer, VirtQueue } from './queue.ts';

/** Descriptors of a receive or transmit queue, and of the control queue. */
const DATA_QUEUE_SIZE = 256;
const CONTROL_QUEUE_SIZE = 64;

/** Most pairs of queues: with the control queue they fit in a slot of the transport. */
export const NET_QUEUE_PAIRS_MAX = 7;

/** Sent buffers that are handed back together at the most: the driver may be waiting for room. */
const GIVE_BACK_MAX = 16;

/** Configuration space (5.1.4): mac, status, max_virtqueue_pairs, mtu. */
const CONFIG_BYTES = 12;

/** What passed an interface; `rx` is what the guest received. */
export interface NetCounts {
  rxBytes: number;
  rxPackets: number;
  /** Frames that had no place in the guest, or came when it was not listening. */
  rxDrop: number;
  txBytes: number;
  txPackets: number;
  /** Buffers of the guest that held no frame. */
  txErrors: number;
  /** Frames sent while the link was down. */
  txDrop: number;
}

/** How a network device is made. */
export interface VirtioNetOptions {
  /** Its address, six bytes; a driver may take another. */
  readonly mac: Uint8Array;
  /** Pairs of queues, 1 to NET_QUEUE_PAIRS_MAX; default 1. */
  readonly pairs?: number;
  /** Default true. */
  readonly linkUp?: boolean;
  /** Largest packet that the driver is told to send, 68 to 65535; absent: it is not told. */
  readonly mtu?: number;
}

/** The network device (5.1). */
export class VirtioNet implements VirtioDevice {
  readonly type = VirtioType.NET;
  readonly features: bigint;
  readonly queues: readonly number[];
  readonly counts: NetCounts = {
    rxBytes: 0,
    rxPackets: 0,
    rxDrop: 0,
    txBytes: 0,
    txPackets: 0,
    txErrors: 0,
    txDrop: 0,
  };
  /** The cable, where what passes can be listened to. */
  readonly cable: TappedNet;
  readonly #pairs: number;
  readonly #mtu: number | undefined;
  #mac: Uint8Array;
  #linkUp: boolean;
  #configChanged: () => void = () => {};
  #port: ActivePort | undefined;

  constructor(backend: NetBackend, { mac, pairs = 1, linkUp = true, mtu }: VirtioNetOptions) {
    this.cable = new TappedNet(backend);
    this.#pairs = pairs;
    this.#mtu = mtu;
    this.#mac = mac.slice();
    this.#linkUp = linkUp;
    const { MQ, MTU, ...always } = NetFeature;
    const wanted = (pairs > 1 ? MQ : 0n) | (mtu === undefined ? 0n : MTU);
    this.features = Object.values(always).reduce((all, bit) => all | bit, wanted);
    this.queues = [...new Array<number>(2 * pairs).fill(DATA_QUEUE_SIZE), CONTROL_QUEUE_SIZE];
    this.cable.connect({
      receive: (frame) => this.#receive(frame),
      drained: () => this.#port?.drained(),
    });
  }

  get mac(): Uint8Array {
    return this.#mac.slice();
  }

  get linkUp(): boolean {
    return this.#linkUp;
  }

  /** Plugs the cable in or out. The driver is told; frames are lost while it is out. */
  setLink(up: boolean): void {
    if (this.#linkUp === up) return;
    this.#linkUp = up;
    this.#configChanged();
    if (up) this.cable.resume();
  }

  config(): Uint8Array {
    const bytes = new Uint8Array(CONFIG_BYTES);
    bytes.set(this.#mac);
    bytes[6] = this.#linkUp ? VIRTIO_NET_S_LINK_UP : 0;
    bytes[8] = this.#pairs;
    if (this.#mtu !== undefined) bytes.set([this.#mtu & 0xff, this.#mtu >> 8], 10);
    return bytes;
  }

  onConfigChange(callback: () => void): void {
    this.#configChanged = callback;
  }

  activate(active: Active): Activated {
    const port = new ActivePort(active, {
      backend: this.cable,
      counts: this.counts,
      pairsMax: this.#pairs,
      linkUp: () => this.#linkUp,
      mac: () => this.#mac,
      setMac: (mac) => {
        this.#mac = mac;
        this.#configChanged();
      },
    });
    this.#port = port;
    return {
      notify: (queue) => port.notify(queue),
      idle: () => port.idle(),
      stop: () => {
        this.#port = undefined;
        return port.stop();
      },
    };
  }

  close(): Promise<void> {
    return this.cable.close();
  }

  /** Without a driver, or with the cable out, frames are lost as on any wire. */
  #receive(frame: Frame): boolean {
    if (this.#port !== undefined && this.#linkUp) return this.#port.receive(frame);
    this.counts.rxDrop++;
    return true;
  }
}

function giveBack(queue: VirtQueue, sent: UsedBuffer[]): void {
  if (sent.length > 0) queue.putAll(sent.splice(0));
}

/** What an activated port has of its device. */
interface PortHost {
  readonly backend: NetBackend;
  readonly counts: NetCounts;
  readonly pairsMax: number;
  linkUp(): boolean;
  mac(): Uint8Array;
  setMac(mac: Uint8Array): void;
}

/** The device at work. No frame is kept here: each is in the guest's buffers or the backend's. */
class ActivePort {
  readonly #host: PortHost;
  readonly #active: Active;
  readonly #filter: ReceiveFilter;
  readonly #steering = new Steering();
  readonly #inFlight = new InFlight();
  readonly #tx: (QueuePump | undefined)[] = [];
  readonly #controlPump: QueuePump | undefined;
  readonly #controlQueue: number;
  #pairs = 1;
  /** The backend asked to hold frames back. */
  #blocked = false;
  /** A frame was refused for want of buffers. */
  #starving = true;

  constructor(active: Active, host: PortHost) {
    this.#host = host;
    this.#active = active;
    const { features, queues } = active;
    this.#filter = new ReceiveFilter((features & NetFeature.CTRL_VLAN) !== 0n);
    for (let pair = 0; pair < host.pairsMax; pair++) {
      const queue = queues[2 * pair + 1];
      const sent: UsedBuffer[] = [];
      const step = () => this.#transmit(queue as VirtQueue, pair, sent);
      this.#tx.push(queue && new QueuePump(queue, this.#inFlight, step, () => giveBack(queue, sent)));
    }
    // 5.1.2: with one pair of queues the control queue is the third, whatever the device could have.
    this.#controlQueue = (features & NetFeature.MQ) === 0n ? 2 : 2 * host.pairsMax;
    const queue = (features & NetFeature.CTRL_VQ) === 0n ? undefined : queues[this.#controlQueue];
    if (queue !== undefined) this.#controlPump = new QueuePump(queue, this.#inFlight, () => this.#control(queue));
  }

  notify(queue: number): void {
    if (queue === this.#controlQueue) this.#controlPump?.kick();
    else if (queue % 2 === 1) this.#tx[queue >> 1]?.kick();
    else if (this.#starving) {
      this.#starving = false;
      this.#host.backend.resume();
    }
  }

  drained(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    for (const pump of this.#tx) pump?.wake();
  }

  /** Frames on their way to the guest are lost when a driver is too slow for longer than the backend can wait. */
  receive(frame: Frame): boolean {
    const { counts } = this.#host;
    const { features } = this.#active;
    if (!this.#filter.accepts(frame.bytes, this.#host.mac())) return true;
    const queue = this.#active.queues[2 * this.#steering.pairOf(frame.bytes, this.#pairs)];
    if (queue === undefined) {
      counts.rxDrop++;
      return true;
    }
    const asIs = takesAsIs(frame, features);
    const frames: Frame[] = asIs ? [frame] : completeFrames(frame).map((bytes) => ({ bytes, verified: true }));
    for (const [index, piece] of frames.entries()) {
      if (this.#deliver(queue, piece)) continue;
      // What is left of a frame that was cut cannot be offered again: TCP repeats it.
      if (index > 0) counts.rxDrop += frames.length - index;
      return index > 0;
    }
    return true;
  }

  idle(): Promise<void> {
    return this.#inFlight.idle();
  }

  stop(): Promise<void> {
    for (const pump of this.#tx) pump?.stop();
    this.#controlPump?.stop();
    return this.#inFlight.idle();
  }

  /** False: there is no room now, and the driver's next buffers are waited for. */
  #deliver(queue: VirtQueue, frame: Frame): boolean {
    const { counts } = this.#host;
    for (;;) {
      const known = queue.available;
      const outcome = receiveFrame(queue, frame, this.#active.features);
      if (outcome === 'done') {
        counts.rxPackets++;
        counts.rxBytes += frame.bytes.length;
        queue.quiet();
        return true;
      }
      if (outcome === 'dropped') {
        counts.rxDrop++;
        return true;
      }
      // Some buffers may be there, and not enough: it is those after them that are waited for.
      if (queue.listen(known)) continue;
      this.#starving = true;
      return false;
    }
  }

  /**
   * Sends one frame. Its buffer goes back behind it, with those of the same turn: what comes in answer interrupts the
   * driver first, and once for both.
   */
  #transmit(queue: VirtQueue, pair: number, sent: UsedBuffer[]): Step {
    if (this.#blocked) return 'hold';
    const chain = queue.take();
    if (chain === undefined) return 'empty';
    const { counts, backend } = this.#host;
    const fits = chain.readableBytes <= NET_HEADER + FRAME_BYTES_MAX;
    const buffer = new Uint8Array(fits ? chain.readableBytes : 0);
    const read = fits && queue.copyOut(chain, 0, buffer);
    sent.push({ chain, written: 0 });
    if (sent.length >= GIVE_BACK_MAX) giveBack(queue, sent);
    const frame = read ? frameOfBuffer(buffer, this.#active.features) : undefined;
    if (frame === undefined) {
      counts.txErrors++;
      return 'more';
    }
    if (!this.#host.linkUp()) {
      counts.txDrop++;
      return 'more';
    }
    if (this.#pairs > 1) this.#steering.sent(frame.bytes, pair);
    counts.txPackets++;
    counts.txBytes += frame.bytes.length;
    // Before the call, as the backend may drain even before it returns.
    this.#blocked = true;
    if (backend.send(frame)) this.#blocked = false;
    return this.#blocked ? 'hold' : 'more';
  }

  #control(queue: VirtQueue): Step {
    const chain = queue.take();
    if (chain === undefined) return 'empty';
    const request = new Uint8Array(Math.min(chain.readableBytes, COMMAND_BYTES_MAX));
    if (chain.writableBytes === 0 || !queue.copyOut(chain, 0, request)) {
      this.#active.fail('a command to the network device without room for its answer');
      return 'more';
    }
    const ack = control(request, {
      features: this.#active.features,
      filter: this.#filter,
      pairsMax: this.#host.pairsMax,
      setMac: (mac) => this.#host.setMac(mac),
      setPairs: (pairs) => {
        this.#pairs = pairs;
      },
    });
    queue.copyIn(chain, 0, Uint8Array.of(ack));
    queue.put(chain, 1);
    return 'more';
  }
}
