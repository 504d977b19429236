import { VirtioType } from '../../isa/index.ts';
import { type Logger, silentLogger } from '../../util/index.ts';
import type { Activated, Active, VirtioDevice } from './device.ts';
import { InFlight, QueuePump, type Step } from './pump.ts';
import type { VirtQueue } from './queue.ts';
import { type PlacedUnit, ScsiBus } from './scsi-bus.ts';
import { serveControl } from './scsi-control.ts';
import { type MissedEvents, ScsiEvents } from './scsi-events.ts';
import {
  EVENT_BYTES,
  LUN_MAX,
  ScsiQueue,
  ScsiSize,
  TARGET_MAX,
  VirtioScsiConfig,
  VirtioScsiFeature,
} from './scsi-spec.ts';
import { ScsiTask, type TaskSizes } from './scsi-task.ts';
import { TaskSet } from './scsi-tasks.ts';
import { VIRTIO_QUEUES_MAX } from './transport-state.ts';

/** Tasks that are under way at a time; the others wait. */
const TASKS_MAX = 32;

/** Request queues at most. */
export const SCSI_QUEUES_MAX = VIRTIO_QUEUES_MAX - ScsiQueue.REQUEST;

/** Sizes of the control and event queues. */
const CONTROL_QUEUE_SIZE = 64;
const EVENT_QUEUE_SIZE = 64;

/** What a SCSI host may be given besides its units. */
export interface VirtioScsiOptions {
  /** Number of request queues, 1 unless given, SCSI_QUEUES_MAX at most. */
  readonly queues?: number;
  /** Descriptors per request queue, a power of two, 256 unless given. */
  readonly queueSize?: number;
  readonly logger?: Logger;
}

/** The SCSI host device (5.6). Tasks are served side by side and end in any order. */
export class VirtioScsi implements VirtioDevice {
  readonly type = VirtioType.SCSI;
  readonly features = VirtioScsiFeature.HOTPLUG | VirtioScsiFeature.CHANGE;
  readonly queues: readonly number[];
  readonly writableConfig = { at: VirtioScsiConfig.sense_size, bytes: 8 };
  /** Its targets and units. */
  readonly bus: ScsiBus;
  readonly #logger: Logger;
  /** Outlives an activation: what happens while the machine is paused is to be told, too. */
  readonly #missed = { events: false };

  constructor(units: readonly PlacedUnit[], options: VirtioScsiOptions = {}) {
    const { queues = 1, queueSize = 256, logger = silentLogger } = options;
    this.bus = new ScsiBus(units);
    this.queues = [CONTROL_QUEUE_SIZE, EVENT_QUEUE_SIZE, ...new Array<number>(queues).fill(queueSize)];
    this.#logger = logger;
  }

  config(): Uint8Array {
    const bytes = new Uint8Array(VirtioScsiConfig.bytes);
    const view = new DataView(bytes.buffer);
    const queueSize = this.queues[ScsiQueue.REQUEST];
    view.setUint32(VirtioScsiConfig.num_queues, this.queues.length - ScsiQueue.REQUEST, true);
    // A task has a request and a response header beside its data.
    view.setUint32(VirtioScsiConfig.seg_max, queueSize - 2, true);
    view.setUint32(VirtioScsiConfig.max_sectors, 0xffff, true);
    view.setUint32(VirtioScsiConfig.cmd_per_lun, Math.min(128, queueSize), true);
    view.setUint32(VirtioScsiConfig.event_info_size, EVENT_BYTES, true);
    view.setUint32(VirtioScsiConfig.sense_size, ScsiSize.sense, true);
    view.setUint32(VirtioScsiConfig.cdb_size, ScsiSize.cdb, true);
    view.setUint16(VirtioScsiConfig.max_channel, 0, true);
    view.setUint16(VirtioScsiConfig.max_target, TARGET_MAX, true);
    view.setUint32(VirtioScsiConfig.max_lun, LUN_MAX, true);
    return bytes;
  }

  /** It does not change: what does is told as an event. */
  onConfigChange(): void {}

  activate(active: Active): Activated {
    const view = new DataView(active.config.buffer, active.config.byteOffset);
    const cdb = view.getUint32(VirtioScsiConfig.cdb_size, true);
    const sense = view.getUint32(VirtioScsiConfig.sense_size, true);
    if (cdb > ScsiSize.cdbMax || sense > ScsiSize.senseMax) {
      active.fail(`a CDB size of ${cdb} and a sense size of ${sense}`);
    }
    return new ActiveScsi({ bus: this.bus, sizes: { cdb, sense }, missed: this.#missed, logger: this.#logger }, active);
  }

  async close(): Promise<void> {
    await Promise.all(this.bus.units.map((unit) => unit.close()));
  }
}

interface Context {
  readonly bus: ScsiBus;
  readonly sizes: TaskSizes;
  readonly missed: MissedEvents;
  readonly logger: Logger;
}

class ActiveScsi implements Activated {
  readonly #context: Context;
  readonly #active: Active;
  readonly #tasks: TaskSet;
  readonly #events: ScsiEvents;
  readonly #pumps: readonly (QueuePump | undefined)[];
  readonly #inFlight = new InFlight();

  constructor(context: Context, active: Active) {
    this.#context = context;
    this.#active = active;
    this.#tasks = new TaskSet(context.bus, active.inOrder ? 1 : TASKS_MAX, (error) => this.#failed(error));
    this.#events = new ScsiEvents(active.queues[ScsiQueue.EVENT], active.features, context.missed);
    this.#pumps = active.queues.map((queue, index) => {
      if (queue === undefined || index === ScsiQueue.EVENT) return undefined;
      const step = index === ScsiQueue.CONTROL ? () => this.#control(queue) : () => this.#take(queue);
      return new QueuePump(queue, this.#inFlight, step);
    });
    context.bus.onNotice((address, notice) => this.#event(() => this.#events.tell(address, notice)));
  }

  notify(queue: number): void {
    if (queue === ScsiQueue.EVENT) this.#event(() => this.#events.refilled());
    else this.#pumps[queue]?.kick();
  }

  idle(): Promise<void> {
    return this.#inFlight.idle();
  }

  stop(): Promise<void> {
    for (const pump of this.#pumps) pump?.stop();
    return this.#inFlight.idle();
  }

  #event(tell: () => boolean): void {
    if (!tell()) this.#active.fail('a buffer too short for an event');
  }

  /** Every task is taken as it comes, for a management function to find it; a queue's size is the bound on them. */
  #take(queue: VirtQueue): Step {
    const chain = queue.take();
    if (chain === undefined) return 'empty';
    const task = ScsiTask.read(queue, chain, this.#context.sizes);
    if (task === 'gone') return 'empty';
    if (task === 'malformed') {
      this.#active.fail('a SCSI request without header or room for a response');
      return 'empty';
    }
    this.#inFlight.enter();
    void task.ended.then(() => this.#inFlight.leave());
    this.#tasks.add(task);
    return 'more';
  }

  #control(queue: VirtQueue): Step {
    const chain = queue.take();
    if (chain === undefined) return 'empty';
    this.#inFlight.enter();
    const { bus } = this.#context;
    const context = { bus, tasks: this.#tasks, collect: () => this.#collect() };
    void serveControl(queue, chain, context)
      .then((served) => {
        if (!served) this.#active.fail('a SCSI control request too short for its type');
      })
      .catch((error: unknown) => this.#failed(error))
      .finally(() => this.#inFlight.leave());
    return 'more';
  }

  #collect(): void {
    for (const queue of this.#active.queues.slice(ScsiQueue.REQUEST)) {
      if (queue === undefined) continue;
      // The driver may add more all the while: those are after the request that asks for this.
      for (let left = queue.size; left > 0 && this.#take(queue) === 'more'; left--);
    }
  }

  /** A unit threw, which none should. */
  #failed(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#context.logger.log('error', `a SCSI unit failed: ${reason}`);
  }
}
