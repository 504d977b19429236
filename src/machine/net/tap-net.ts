import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import type { FdWatch } from '../../cpu/index.ts';
import type { Logger } from '../../util/index.ts';
import type { Frame, NetBackend, NetPort } from '../backend/net.ts';
import { frameOfBuffer, headerOf } from '../virtio/net-header.ts';
import { NET_HEADER, NetFeature, NetHeaderFlag } from '../virtio/net-spec.ts';
import { ETHER_HEADER, FRAME_BYTES_MAX } from './ether.ts';
import { SEGMENT_BYTES_MIN } from './offload.ts';
import { openTap, type TapDevice, type TapOptions } from './tap-device.ts';

/** Room for one frame; a byte more than the longest shows those that are longer. */
const FRAME_ROOM = NET_HEADER + FRAME_BYTES_MAX + 1;

/** Frames are read into pieces of memory of this size, and are parts of them. */
const CHUNK_BYTES = 8 * FRAME_ROOM;

/** What the kernel says of a device that has been removed; Node has no name for it. */
const EBADFD = 77;

/** Frames of one call, and calls until others have their turn. */
const FRAMES_AT_ONCE = 64;
const CALLS_AT_ONCE = 4;

/** What the kernel may leave to the guest, or to the device. */
const OFFLOADS = NetFeature.CSUM | NetFeature.HOST_TSO4 | NetFeature.HOST_TSO6;

/**
 * A tap device of the host's: what the guest sends, an interface of the host receives, and the other way round.
 * Checksums and the cutting of large TCP frames are left to the other side, which does them or hands them on.
 */
export class TapNet implements NetBackend {
  readonly hostName: string;
  /** Of the host's interface when it was opened. */
  readonly mtu: number;
  readonly #device: TapDevice;
  readonly #logger: Logger;
  readonly #watch: FdWatch;
  readonly #lengths = new Uint32Array(FRAMES_AT_ONCE);
  /** What the guest has no room for; as long as there is some the device is not read. */
  readonly #backlog: Frame[] = [];
  #chunk = new Uint8Array(0);
  #used = 0;
  /** A frame that the host has no room for. */
  #pending: { readonly header: Uint8Array; readonly bytes: Uint8Array } | undefined;
  #port: NetPort | undefined;
  #watched = '';
  #gone = false;
  #closed = false;

  private constructor(device: TapDevice, logger: Logger) {
    this.#device = device;
    this.#logger = logger;
    this.hostName = device.name;
    this.mtu = device.mtu;
    const { fd, calls } = device;
    this.#watch = new calls.FdWatch(fd, (readable, writable, failed) => this.#ready(readable, writable, failed));
  }

  /** Throws what `openTap` throws. */
  static async open(options: TapOptions, logger: Logger): Promise<TapNet> {
    return new TapNet(await openTap(options, logger), logger);
  }

  send(frame: Frame): boolean {
    if (this.#pending !== undefined) return false;
    const { segmentation, bytes } = frame;
    // The kernel would make thousands of frames of it.
    if (segmentation !== undefined && segmentation.size < SEGMENT_BYTES_MIN) return true;
    this.#write(headerOf(frame, 0n, 0), bytes);
    return this.#pending === undefined;
  }

  connect(port: NetPort): void {
    this.#port = port;
    this.#look();
  }

  resume(): void {
    let taken = 0;
    while (taken < this.#backlog.length && this.#port?.receive(this.#backlog[taken] as Frame)) taken++;
    this.#backlog.splice(0, taken);
    this.#look();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch.close();
    closeSync(this.#device.fd);
  }

  #ready(readable: boolean, writable: boolean, failed: boolean): void {
    if (failed) {
      this.#lose(EBADFD);
      return;
    }
    if (writable && this.#pending !== undefined) {
      const { header, bytes } = this.#pending;
      this.#pending = undefined;
      this.#write(header, bytes);
      if (this.#pending === undefined) this.#port?.drained();
    }
    if (readable) this.#read();
    this.#look();
  }

  #write(header: Uint8Array, bytes: Uint8Array): void {
    if (this.#gone || this.#closed) return;
    const { fd, calls } = this.#device;
    const status = calls.tapWrite(fd, header, bytes);
    if (status === 0) return;
    if (-status === constants.errno.EAGAIN) {
      this.#pending = { header, bytes };
      this.#look();
    } else if (-status === EBADFD) this.#lose(EBADFD);
    // Else it is lost, as on any wire: the host's end is down, or the guest lied about what is in the frame.
  }

  #read(): void {
    const { fd, calls } = this.#device;
    for (let i = 0; i < CALLS_AT_ONCE && this.#backlog.length === 0 && !this.#closed; i++) {
      if (this.#chunk.length - this.#used < FRAME_ROOM) {
        this.#chunk = new Uint8Array(Buffer.allocUnsafeSlow(CHUNK_BYTES).buffer);
        this.#used = 0;
      }
      const count = calls.tapRead(fd, this.#chunk, this.#used, FRAME_ROOM, this.#lengths);
      if (count < 0) {
        if (-count !== constants.errno.EAGAIN) this.#lose(-count);
        return;
      }
      // Those after one that the guest has no room for wait behind it.
      const chunk = this.#chunk;
      for (let n = 0; n < count; n++) {
        const end = this.#used + (this.#lengths[n] as number);
        this.#deliver(chunk.subarray(this.#used, end));
        this.#used = end;
      }
      if (count < FRAMES_AT_ONCE && chunk.length - this.#used >= FRAME_ROOM) return;
    }
  }

  #deliver(buffer: Uint8Array): void {
    const length = buffer.length - NET_HEADER;
    if (length < ETHER_HEADER || length > FRAME_BYTES_MAX) return;
    const frame = frameOfBuffer(buffer, OFFLOADS);
    if (frame === undefined) return;
    const verified = ((buffer[0] as number) & NetHeaderFlag.DATA_VALID) !== 0;
    const known = verified ? { ...frame, verified } : frame;
    if (this.#backlog.length > 0 || !(this.#port?.receive(known) ?? true)) this.#backlog.push(known);
  }

  /** Waits for what can be dealt with now. */
  #look(): void {
    if (this.#closed || this.#gone) return;
    const readable = this.#port !== undefined && this.#backlog.length === 0;
    const writable = this.#pending !== undefined;
    const wanted = `${readable}${writable}`;
    if (wanted === this.#watched) return;
    this.#watched = wanted;
    const error = this.#watch.start(readable, writable);
    if (error !== 0) this.#lose(error);
  }

  /** Somebody has removed the device: what is sent from now on is lost. */
  #lose(errno: number): void {
    if (this.#gone || this.#closed) return;
    this.#gone = true;
    this.#watch.start(false, false);
    this.#logger.log('error', `the tap device '${this.hostName}' has gone (errno ${errno}): its guest is cut off`);
    if (this.#pending === undefined) return;
    this.#pending = undefined;
    this.#port?.drained();
  }
}
