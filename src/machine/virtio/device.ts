import type { VirtQueue } from './queue.ts';

/** What a device gets when the driver is ready (DRIVER_OK). */
export interface Active {
  /** Negotiated features, the device-independent ones included. */
  readonly features: bigint;
  /** The device's queues; undefined where the driver did not set one up. */
  readonly queues: readonly (VirtQueue | undefined)[];
  /** The configuration space, with what the driver has written in it by now. */
  readonly config: Uint8Array;
  /** Requests must be finished in the order in which they came: a deterministic machine. */
  readonly inOrder: boolean;
  /** Gives up on the driver: DEVICE_NEEDS_RESET. For breaches of the device's own rules; never an exception. */
  fail(reason: string): void;
}

/** A device at work. */
export interface Activated {
  /** Buffers may have been made available in queue `queue`. Must not block; what takes time goes on by itself. */
  notify(queue: number): void;
  /**
   * Resolves when no request is under way that guest-visible state will change by. Input that may come is none, nor is
   * output that the host does not take: a machine can be stopped although nobody reads what it prints.
   */
  idle(): Promise<void>;
  /** Present if something would be lost: deals with what the driver has made available so far, before the last `stop`. */
  finish?(): void;
  /** Takes no more buffers, and resolves when the host's side of all that is under way has ended. */
  stop(): Promise<void>;
}

/**
 * A virtio device, on the I/O thread. It knows nothing of the transport: queues come with `activate`, whatever it keeps
 * between two of them is the host's, and how far a queue has been served is the queue's to remember. So there is no
 * state of a device to save beside its transport's.
 */
export interface VirtioDevice {
  /** Device type (VirtioType). */
  readonly type: number;
  /** Device-specific features offered; the transport adds its own. */
  readonly features: bigint;
  /** Largest size of each queue, powers of two. */
  readonly queues: readonly number[];
  /** The configuration space as it is now. */
  config(): Uint8Array;
  /** What of the configuration space the driver may write: multiples of 4 bytes, 8 at most. */
  readonly writableConfig?: { readonly at: number; readonly bytes: number };
  /** Calls back when `config()` has changed. Called once, by the transport. */
  onConfigChange(callback: () => void): void;
  activate(active: Active): Activated;
  /** Releases the host's resources, after `stop`. */
  close(): Promise<void>;
}
