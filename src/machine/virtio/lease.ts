import { GuestMemoryError } from '../../hypervisor/index.ts';
import { VirtioInterrupt, VirtioStatus } from '../../isa/index.ts';
import { SharedLock } from '../../util/index.ts';
import type { DeviceRegion, IrqLine } from '../device.ts';
import { driverServed, raiseInterrupt, Word } from './transport-state.ts';

/** The guest broke a rule of the specification from which its device cannot recover. Thrown inside `Lease.hold` alone. */
export class GuestFault extends Error {}

/**
 * A back half's right to touch the guest's memory and its interrupt line, from DRIVER_OK until the driver resets the
 * device, the device gives up on the driver, or the back half itself ends it.
 */
export class Lease {
  readonly #words: Int32Array;
  readonly #lock: SharedLock;
  readonly #irq: IrqLine;
  readonly #epoch: number;
  readonly #onFault: (reason: string) => void;
  #ended = false;

  /**
   * @param epoch the region's epoch in which the device was activated
   * @param onFault told why, when the guest's fault ends the lease
   */
  constructor(region: DeviceRegion, irq: IrqLine, epoch: number, onFault: (reason: string) => void) {
    this.#words = region.words;
    this.#lock = new SharedLock(region.words, Word.lock);
    this.#irq = irq;
    this.#epoch = epoch;
    this.#onFault = onFault;
  }

  /** Ends the lease from the host's side: a pause or the end of the machine. */
  end(): void {
    this.#ended = true;
  }

  /** Whether the lease still holds at this moment. */
  get live(): boolean {
    return this.hold(() => true) ?? false;
  }

  /**
   * Runs `touch` with the device's lock held, so that no reset comes in between; returns undefined without running it
   * when the lease is over. A GuestFault or GuestMemoryError out of it sets DEVICE_NEEDS_RESET and ends the lease.
   * Not reentrant, and to be kept short: vCPUs that touch the device wait meanwhile.
   */
  hold<T>(touch: () => T): T | undefined {
    this.#lock.lock();
    let fault: string;
    try {
      const over = this.#ended || this.#words[Word.epoch] !== this.#epoch || !driverServed(this.#words);
      return over ? undefined : touch();
    } catch (error) {
      if (!(error instanceof GuestFault) && !(error instanceof GuestMemoryError)) throw error;
      this.#needsReset();
      fault = error.message;
    } finally {
      this.#lock.unlock();
    }
    this.#onFault(fault);
    return undefined;
  }

  /** Gives up on the driver, as a GuestFault inside `hold` does. */
  fail(reason: string): void {
    this.hold(() => {
      throw new GuestFault(reason);
    });
  }

  /** Raises the used buffer notification. Inside `hold`. */
  interrupt(): void {
    raiseInterrupt(this.#words, this.#irq, VirtioInterrupt.USED_BUFFER);
  }

  /** 2.1.2: an error state, and a configuration change notification, as DRIVER_OK is set. */
  #needsReset(): void {
    this.#words[Word.status] |= VirtioStatus.DEVICE_NEEDS_RESET;
    raiseInterrupt(this.#words, this.#irq, VirtioInterrupt.CONFIG_CHANGE);
  }
}
