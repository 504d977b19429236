import { VirtioType } from '../../isa/index.ts';
import type { RandomSource } from '../../util/index.ts';
import type { Activated, Active, VirtioDevice } from './device.ts';
import { InFlight, QueuePump, type Step } from './pump.ts';
import type { VirtQueue } from './queue.ts';

/** Most bytes for one buffer: a driver gets less than it asked for and knows by the length (5.4.6.2). */
const REQUEST_BYTES_MAX = 16 * 1024;

/** The entropy device (5.4): fills each buffer with random bytes. */
export class VirtioRng implements VirtioDevice {
  readonly type = VirtioType.ENTROPY;
  readonly features = 0n;
  readonly queues = [64];
  readonly #random: RandomSource;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  config(): Uint8Array {
    return new Uint8Array(0);
  }

  onConfigChange(): void {}

  activate(active: Active): Activated {
    const inFlight = new InFlight();
    const queue = active.queues[0];
    if (queue === undefined) return { notify() {}, idle: () => inFlight.idle(), stop: () => inFlight.idle() };
    const pump = new QueuePump(queue, inFlight, () => this.#fill(queue, active));
    return {
      notify: () => pump.kick(),
      idle: () => inFlight.idle(),
      stop: () => {
        pump.stop();
        return inFlight.idle();
      },
    };
  }

  async close(): Promise<void> {}

  #fill(queue: VirtQueue, active: Active): Step {
    const chain = queue.take();
    if (chain === undefined) return 'empty';
    // 5.4.6.1: the driver puts no readable buffers in this queue, and 5.4.6.2: the device writes at least one byte.
    if (chain.writableBytes === 0) {
      active.fail('an entropy request without room for a byte');
      return 'more';
    }
    const bytes = new Uint8Array(Math.min(chain.writableBytes, REQUEST_BYTES_MAX));
    this.#random.fill(bytes);
    if (queue.copyIn(chain, 0, bytes)) queue.put(chain, bytes.length);
    return 'more';
  }
}
