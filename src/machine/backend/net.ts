/** What of a TCP stream one large frame stands for: to be cut into segments of `size` bytes of data each. */
export interface Segmentation {
  readonly type: 'tcp4' | 'tcp6';
  /** Bytes of TCP payload in each segment but the last: the maximum segment size. */
  readonly size: number;
}

/**
 * An Ethernet frame without its check sequence, with what its sender left for others to do: as struct virtio_net_hdr
 * says it (virtio 1.2, 5.1.6). Whoever takes frames may hand them on as they are or finish them (net/offload.ts).
 */
export interface Frame {
  /** From the destination address on. Not to be changed by whoever takes it. */
  readonly bytes: Uint8Array;
  /**
   * The checksum of bytes `start` to the end is still to be put at `start + offset`, where the sum of the pseudo-header
   * is now. Both inside the frame. Absent: the frame is complete.
   */
  readonly checksum?: { readonly start: number; readonly offset: number };
  /** Present only together with `checksum`. */
  readonly segmentation?: Segmentation;
  /** The checksums were right when the frame came, or it never crossed a wire. */
  readonly verified?: boolean;
}

/** The device's end of the cable. */
export interface NetPort {
  /** Takes a frame for the guest. False: no room now; it is to be offered again after `resume`, or may be dropped. */
  receive(frame: Frame): boolean;
  /** `send` takes frames again. */
  drained(): void;
}

/** The host side of a network interface (QEMU: netdev). */
export interface NetBackend {
  /** Name of the host's interface that it is, where it is one. */
  readonly hostName?: string | undefined;
  /** Takes a frame from the guest; the bytes are its own from then on. False: the device is to hold back until `drained`. */
  send(frame: Frame): boolean;
  /** Called by the device once, before anything else. */
  connect(port: NetPort): void;
  /** The device has room again after `receive` returned false. */
  resume(): void;
  close(): Promise<void>;
}
