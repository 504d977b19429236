import { type Logger, SharedLock } from '../../util/index.ts';
import type { FlashPage, FlashStore } from '../backend/flash-file.ts';
import type { BackHalf, DeviceRegion } from '../device.ts';
import { FLASH_PAGE_BYTES, type Pflash } from './pflash.ts';

/**
 * The back half of a bank whose contents are kept: what has changed by one moment goes to the host in one piece, so that
 * what is there after a crash is what the guest had at some moment.
 */
export class PflashBack implements BackHalf {
  readonly #front: Pflash;
  readonly #lock: SharedLock;
  readonly #store: FlashStore;
  readonly #logger: Logger;
  #tail: Promise<void> = Promise.resolve();

  constructor(front: Pflash, region: DeviceRegion, store: FlashStore, logger: Logger) {
    this.#front = front;
    this.#lock = new SharedLock(region.words, 0);
    this.#store = store;
    this.#logger = logger;
  }

  service(): Promise<void> {
    this.#tail = this.#tail.then(() => this.#keep());
    return this.#tail;
  }

  async close(): Promise<void> {
    await this.service();
    await this.#store.close();
  }

  async #keep(): Promise<void> {
    const pages = this.#take();
    if (pages.length === 0) return;
    try {
      await this.#store.save(pages);
    } catch (error) {
      this.#logger.log('error', `the contents of ${this.#front.id} could not be kept: ${(error as Error).message}`);
    }
  }

  #take(): FlashPage[] {
    this.#lock.lock();
    try {
      const { storage } = this.#front;
      return this.#front.takeDirty().map((number) => {
        const at = number * FLASH_PAGE_BYTES;
        return { at, bytes: storage.slice(at, at + FLASH_PAGE_BYTES) };
      });
    } finally {
      this.#lock.unlock();
    }
  }
}
