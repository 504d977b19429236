import type { GuestMemory } from '../../hypervisor/index.ts';
import { VirtioInterrupt, VirtioStatus } from '../../isa/index.ts';
import { type Logger, SharedLock, silentLogger, VirtError } from '../../util/index.ts';
import { getU64, setU64 } from '../bus/words.ts';
import type { BackHalf, DeviceRegion, IrqLine } from '../device.ts';
import type { Activated, VirtioDevice } from './device.ts';
import { Lease } from './lease.ts';
import { VirtQueue } from './queue.ts';
import { Feature, QUEUE_SIZE_MAX } from './spec.ts';
import {
  configSpace,
  driverServed,
  QueueWord,
  queueAt,
  raiseInterrupt,
  VIRTIO_CONFIG_BYTES,
  VIRTIO_QUEUES_MAX,
  Word,
  WRITABLE_WORDS_MAX,
  writableConfig,
} from './transport-state.ts';

/** What the transport offers for every device. */
const TRANSPORT_FEATURES = Feature.VERSION_1 | Feature.INDIRECT_DESC | Feature.EVENT_IDX;

/** What a back half is made from. */
export interface VirtioBackOptions {
  /** The region of the slot's front halves. */
  readonly region: DeviceRegion;
  readonly memory: GuestMemory;
  readonly irq: IrqLine;
  readonly device: VirtioDevice;
  readonly logger?: Logger;
  /**
   * `service()` resolves only when the device is idle, and requests end in the order in which they came: for the
   * one-thread machine, which thereby is deterministic. Else the host's I/O goes on behind `service()`'s back, and as
   * much of it at a time as the device is good for.
   */
  readonly settle?: boolean;
}

interface Run {
  readonly lease: Lease;
  readonly activated: Activated;
}

/**
 * The back half of the transport, on the I/O thread: plugs a device into a slot, activates it when the driver is ready,
 * passes notifications on, and stops it after a reset.
 */
export class VirtioBack implements BackHalf {
  readonly #region: DeviceRegion;
  readonly #lock: SharedLock;
  readonly #memory: GuestMemory;
  readonly #irq: IrqLine;
  readonly #device: VirtioDevice;
  readonly #logger: Logger;
  readonly #settle: boolean;
  #run: Run | undefined;
  #paused = false;
  #closed = false;
  #faults = 0;
  /** Ends when the last job on the device's life cycle that was begun has ended, of `#jobs` of them. */
  #tail: Promise<void> = Promise.resolve();
  #jobs = 0;

  /** To be done before the vCPUs run: it writes the device's identity. Throws INTERNAL_ERROR for a device too large. */
  constructor(options: VirtioBackOptions) {
    this.#region = options.region;
    this.#lock = new SharedLock(options.region.words, Word.lock);
    this.#memory = options.memory;
    this.#irq = options.irq;
    this.#device = options.device;
    this.#logger = options.logger ?? silentLogger;
    this.#settle = options.settle ?? false;
    this.#plug();
    this.#device.onConfigChange(() => this.#configChanged());
  }

  service(): Promise<void> {
    return this.#exclusive(() => this.#serve());
  }

  /** Stops taking buffers and lets what is under way finish; then the front half's `save` is complete. */
  pause(): Promise<void> {
    this.#paused = true;
    return this.#exclusive(() => this.#stop());
  }

  /** Goes on from where the queues stand, be it after `pause` or after the front half's `restore`. */
  resume(): Promise<void> {
    this.#paused = false;
    return this.service();
  }

  close(): Promise<void> {
    this.#closed = true;
    // A `service` that waits for a device to become idle must not keep it from ending: stopped, it becomes so.
    void this.#run?.activated.stop();
    return this.#exclusive(async () => {
      this.#run?.activated.finish?.();
      await this.#stop();
      await this.#device.close();
    });
  }

  #plug(): void {
    const { words } = this.#region;
    const { type, features, queues, writableConfig: writable = { at: 0, bytes: 0 } } = this.#device;
    const config = this.#device.config();
    const fits =
      queues.length <= VIRTIO_QUEUES_MAX &&
      config.length <= VIRTIO_CONFIG_BYTES &&
      writable.bytes <= WRITABLE_WORDS_MAX * 4;
    const sized = queues.every((max) => max > 0 && max <= QUEUE_SIZE_MAX && (max & (max - 1)) === 0);
    if (!fits || !sized) throw new VirtError('INTERNAL_ERROR', `a virtio device of type ${type} that no slot can hold`);
    this.#locked(() => {
      words[Word.queueCount] = queues.length;
      setU64(words, Word.deviceFeatures, features | TRANSPORT_FEATURES);
      for (const [q, max] of queues.entries()) words[queueAt(q) + QueueWord.max] = max;
      configSpace(this.#region).set(config);
      words[Word.writableAt] = (writable.at / 4) | ((writable.bytes / 4) << 16);
      for (const [i, at] of writableConfig(words).entries()) words[Word.writableDefaults + i] = words[at];
      words[Word.deviceType] = type;
    });
  }

  async #serve(): Promise<void> {
    const { words } = this.#region;
    const run = this.#run;
    const held = this.#paused || this.#closed;
    const notified = run?.lease.hold(() => {
      const bits = words[Word.notified];
      if (!held) words[Word.notified] = 0;
      return bits;
    });
    if (run !== undefined && notified === undefined) await this.#stop();
    if (this.#paused || this.#closed) return;
    if (this.#run === undefined) this.#activate();
    else this.#passOn(this.#run, notified ?? 0);
    if (this.#settle) await this.#run?.activated.idle();
  }

  #passOn(run: Run, notified: number): void {
    for (let q = 0, bits = notified; bits !== 0; q++, bits >>>= 1) if ((bits & 1) !== 0) run.activated.notify(q);
  }

  #activate(): void {
    const { words } = this.#region;
    const lease = new Lease(this.#region, this.#irq, words[Word.epoch], (reason) => this.#faulted(reason));
    const opened = lease.hold(() => {
      // All queues are looked at below: earlier notifications are dealt with by that.
      words[Word.notified] = 0;
      const features = getU64(words, Word.driverFeatures);
      const context = { words, memory: this.#memory, lease, features };
      const queues = this.#device.queues.map((_, q) => {
        return words[queueAt(q) + QueueWord.ready] === 1 ? new VirtQueue(q, context) : undefined;
      });
      return { features, queues, config: configSpace(this.#region).slice() };
    });
    if (opened === undefined) return;
    const { features, queues, config } = opened;
    const activated = this.#device.activate({
      features,
      queues,
      config,
      inOrder: this.#settle,
      fail: (reason) => lease.fail(reason),
    });
    this.#run = { lease, activated };
    // A driver may fill its queues before DRIVER_OK and need not notify of that after it; nor after a pause.
    for (const queue of queues) if (queue !== undefined) activated.notify(queue.index);
  }

  async #stop(): Promise<void> {
    const run = this.#run;
    if (run === undefined) return;
    this.#run = undefined;
    await run.activated.stop();
    run.lease.end();
  }

  #configChanged(): void {
    const { words } = this.#region;
    const config = this.#device.config();
    this.#locked(() => {
      const written = writableConfig(words).map((at) => ({ at, value: words[at] }));
      configSpace(this.#region).set(config);
      for (const { at, value } of written) words[at] = value;
      words[Word.configGeneration]++;
      if (driverServed(words)) raiseInterrupt(words, this.#irq, VirtioInterrupt.CONFIG_CHANGE);
    });
  }

  /** The first fault is worth a warning, more of them only noise that a guest could make without end. */
  #faulted(reason: string): void {
    const level = this.#faults++ === 0 ? 'warn' : 'debug';
    this.#logger.log(level, `a virtio device needs a reset, its driver supplied ${reason}`, {
      type: this.#device.type,
      status: VirtioStatus.DEVICE_NEEDS_RESET,
    });
  }

  #locked<T>(job: () => T): T {
    this.#lock.lock();
    try {
      return job();
    } finally {
      this.#lock.unlock();
    }
  }

  /** One job after the other. The first begins at once: a guest waits for its notification to be seen. */
  #exclusive(job: () => Promise<void>): Promise<void> {
    const mine = this.#jobs++ === 0 ? job() : this.#tail.then(job);
    const end = () => {
      this.#jobs--;
    };
    this.#tail = mine.then(end, end);
    return mine;
  }
}
