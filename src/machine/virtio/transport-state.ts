import { VirtioStatus } from '../../isa/index.ts';
import type { DeviceRegion, IrqLine } from '../device.ts';

/** Highest number of queues a device can have behind this transport. */
export const VIRTIO_QUEUES_MAX = 16;

/** Room for a device's configuration space in bytes. */
export const VIRTIO_CONFIG_BYTES = 256;

/**
 * Words of the shared region. The first group is the device's identity, written once by the back half when the device
 * is plugged in; zeroes mean an empty slot. All others change only under the lock.
 */
export const Word = {
  lock: 0,
  deviceType: 1,
  queueCount: 2,
  /** Words of the configuration space that the driver may write: the first, the number of them, what a reset makes them. */
  writableAt: 3,
  deviceFeatures: 4,
  writableDefaults: 6,
  status: 8,
  /** Counts resets: whatever the back half began in an older epoch must not touch the guest any more. */
  epoch: 9,
  deviceFeaturesSel: 10,
  driverFeaturesSel: 11,
  driverFeatures: 12,
  queueSel: 14,
  shmSel: 15,
  interruptStatus: 16,
  configGeneration: 17,
  /** Bit n: queue n was notified and the back half has not looked yet. */
  notified: 18,
} as const;

/**
 * Words of one queue. What the driver configures, then how far the device has come: the latter is kept here rather than
 * in the back half, so that a saved front half is all there is to save.
 */
export const QueueWord = {
  max: 0,
  num: 1,
  ready: 2,
  desc: 4,
  driver: 6,
  device: 8,
  /** Index of the next entry of the available ring that the device has not taken. */
  availNext: 10,
  /** Index of the next entry of the used ring. */
  usedNext: 11,
  /** `usedNext` when the device last considered an interrupt. */
  usedSignalled: 12,
  /** Bytes of the chain at `availNext` that the device is done with. */
  partial: 13,
} as const;

const QUEUES_AT = 32;
const QUEUE_WORDS = 16;
const CONFIG_AT = QUEUES_AT + VIRTIO_QUEUES_MAX * QUEUE_WORDS;

/** Words of the configuration space that a driver may write, at most. */
export const WRITABLE_WORDS_MAX = 2;

/** Indexes of the words, in the region, of those of the configuration space that the driver may write. */
export function writableConfig(words: Int32Array): readonly number[] {
  const [at, count] = [words[Word.writableAt] & 0xffff, words[Word.writableAt] >>> 16];
  return Array.from({ length: count }, (_, i) => CONFIG_AT + at + i);
}

/** Size of a virtio transport's shared region in bytes. */
export const VIRTIO_REGION_BYTES = CONFIG_AT * 4 + VIRTIO_CONFIG_BYTES;

/** Index of a queue's first word. */
export function queueAt(queue: number): number {
  return QUEUES_AT + queue * QUEUE_WORDS;
}

/** The device's configuration space in its region. */
export function configSpace(region: DeviceRegion): Uint8Array {
  return region.bytes.subarray(CONFIG_AT * 4, CONFIG_AT * 4 + VIRTIO_CONFIG_BYTES);
}

/**
 * What a reset does to the registers (2.1, 4.2.2.1): all the driver has set is gone and the line is low. The new epoch
 * is what quiesces the device: its back half touches guest memory and interrupts only under the lock, in the epoch in
 * which it was activated. So when Status reads 0 the device is quiet, although requests may still be under way on the
 * host; drivers exist that do not wait for it. Identity, configuration space and its generation stay; what the driver
 * has written in it is gone.
 */
export function resetRegisters(words: Int32Array, irq: IrqLine): void {
  words[Word.epoch]++;
  const generation = words[Word.configGeneration];
  words.fill(0, Word.epoch + 1, QUEUES_AT);
  words[Word.configGeneration] = generation;
  words[Word.status] = 0;
  for (const [i, at] of writableConfig(words).entries()) words[at] = words[Word.writableDefaults + i];
  for (let q = 0; q < VIRTIO_QUEUES_MAX; q++) {
    words.fill(0, queueAt(q) + QueueWord.max + 1, queueAt(q) + QUEUE_WORDS);
  }
  irq.set(false);
}

/** Raises an interrupt: sets `bit` of InterruptStatus and the line. Under the lock. */
export function raiseInterrupt(words: Int32Array, irq: IrqLine, bit: number): void {
  words[Word.interruptStatus] |= bit;
  irq.set(true);
}

/** Whether a driver is served: DRIVER_OK, and the device has not given up on it. */
export function driverServed(words: Int32Array): boolean {
  return (words[Word.status] & (VirtioStatus.DRIVER_OK | VirtioStatus.DEVICE_NEEDS_RESET)) === VirtioStatus.DRIVER_OK;
}
