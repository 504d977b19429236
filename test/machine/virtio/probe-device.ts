import type { Activated, Active, VirtioDevice } from '../../../src/machine/virtio/device.ts';
import type { VirtQueue } from '../../../src/machine/virtio/queue.ts';

/** A device that does nothing by itself: the test holds its queues in hand. */
export class ProbeDevice implements VirtioDevice {
  readonly type = 42;
  readonly features = 0n;
  readonly queues: readonly number[];
  content: Uint8Array<ArrayBuffer> = Uint8Array.of(1, 2, 3, 4);
  active: Active | undefined;
  notified: number[] = [];
  activations = 0;
  closed = false;
  changed: () => void = () => {};

  constructor(queues: readonly number[] = [8]) {
    this.queues = queues;
  }

  /** Queue 0 of the running device. */
  get queue(): VirtQueue {
    const queue = this.active?.queues[0];
    if (queue === undefined) throw new Error('the device is not active, or has no queue');
    return queue;
  }

  config(): Uint8Array {
    return this.content;
  }

  onConfigChange(callback: () => void): void {
    this.changed = callback;
  }

  activate(active: Active): Activated {
    this.active = active;
    this.activations++;
    return {
      notify: (queue) => this.notified.push(queue),
      idle: async () => {},
      stop: async () => {
        this.active = undefined;
      },
    };
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}
