import { type Sense, Senses } from '../scsi/spec.ts';
import type { VirtQueue } from './queue.ts';
import { type BusNotice, lunField, type ScsiAddress } from './scsi-bus.ts';
import { EVENT_BYTES, ResetReason, ScsiEvent, VirtioScsiFeature } from './scsi-spec.ts';

/** Whether events were dropped since the driver was told of one. */
export interface MissedEvents {
  events: boolean;
}

/** The device's end of the event queue (5.6.6.3). */
export class ScsiEvents {
  readonly #queue: VirtQueue | undefined;
  readonly #features: bigint;
  readonly #missed: MissedEvents;

  constructor(queue: VirtQueue | undefined, features: bigint, missed: MissedEvents) {
    this.#queue = queue;
    this.#features = features;
    this.#missed = missed;
  }

  /** Tells the driver, if it wants to know; false: its buffer is too short for an event. */
  tell(address: ScsiAddress, notice: BusNotice): boolean {
    const plugging = notice === 'plugged' || notice === 'unplugged';
    const wanted = plugging ? VirtioScsiFeature.HOTPLUG : VirtioScsiFeature.CHANGE;
    if ((this.#features & wanted) === 0n) return true;
    if (plugging) {
      return this.#put(
        ScsiEvent.TRANSPORT_RESET,
        address,
        notice === 'plugged' ? ResetReason.RESCAN : ResetReason.REMOVED,
      );
    }
    const { asc, ascq } = notices[notice];
    return this.#put(ScsiEvent.PARAM_CHANGE, address, asc | (ascq << 8));
  }

  /** The driver has added buffers: it is told at once that it has missed something. */
  refilled(): boolean {
    return this.#missed.events ? this.#put(ScsiEvent.NO_EVENT, undefined, 0) : true;
  }

  #put(event: number, address: ScsiAddress | undefined, reason: number): boolean {
    const queue = this.#queue;
    const chain = queue?.take();
    if (queue === undefined || chain === undefined) {
      this.#missed.events = true;
      return true;
    }
    if (chain.writableBytes < EVENT_BYTES) return false;
    const bytes = new Uint8Array(EVENT_BYTES);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, (event | (this.#missed.events ? ScsiEvent.MISSED : 0)) >>> 0, true);
    if (address !== undefined) bytes.set(lunField(address), 4);
    view.setUint32(12, reason, true);
    if (queue.copyIn(chain, 0, bytes)) queue.put(chain, EVENT_BYTES);
    this.#missed.events = false;
    return true;
  }
}

const notices: Readonly<Record<'capacity' | 'medium', Sense>> = {
  capacity: Senses.CAPACITY_CHANGED,
  medium: Senses.MEDIUM_CHANGED,
};
