import { VirtioMmio as MmioReg, VIRTIO_MMIO_MAGIC, VIRTIO_MMIO_VERSION, VirtioStatus } from '../../isa/index.ts';
import { VirtError } from '../../util/index.ts';
import { type SavedState, savedU32, savedU32List, savedU64, savedU64List } from '../bus/saved.ts';
import { getU64, setU64 } from '../bus/words.ts';
import type { DescribeContext, DeviceRegion, Doorbell, IrqLine, MmioDevice, Width, Window } from '../device.ts';
import type { FdtNode } from '../firmware/fdt.ts';
import { Feature, VIRTIO_TYPE_NONE, VIRTIO_VENDOR } from './spec.ts';
import {
  configSpace,
  QueueWord,
  queueAt,
  resetRegisters,
  VIRTIO_CONFIG_BYTES,
  Word,
  writableConfig,
} from './transport-state.ts';

/** A shared memory region that does not exist has this length and base (4.2.2, SHMLenLow). */
const NO_SHM = 0xffff_ffff;

/** Registers of the selected queue, by offset: the word each is. Low halves; the high half is the next word. */
const queueRegisters: Readonly<Record<number, number>> = {
  [MmioReg.QUEUE_NUM]: QueueWord.num,
  [MmioReg.QUEUE_DESC_LOW]: QueueWord.desc,
  [MmioReg.QUEUE_DESC_HIGH]: QueueWord.desc + 1,
  [MmioReg.QUEUE_DRIVER_LOW]: QueueWord.driver,
  [MmioReg.QUEUE_DRIVER_HIGH]: QueueWord.driver + 1,
  [MmioReg.QUEUE_DEVICE_LOW]: QueueWord.device,
  [MmioReg.QUEUE_DEVICE_HIGH]: QueueWord.device + 1,
};

/** Saved fields that are one word each. */
const savedWords = [
  'status',
  'deviceFeaturesSel',
  'driverFeaturesSel',
  'queueSel',
  'shmSel',
  'interruptStatus',
  'configGeneration',
] as const;

/** Saved fields with one word per queue. */
const savedQueueWords = {
  queueNum: QueueWord.num,
  queueReady: QueueWord.ready,
  queueAvailNext: QueueWord.availNext,
  queueUsedNext: QueueWord.usedNext,
  queueUsedSignalled: QueueWord.usedSignalled,
  queuePartial: QueueWord.partial,
} as const;

/** Saved fields with one 64-bit number per queue. */
const savedQueueAddresses = {
  queueDesc: QueueWord.desc,
  queueDriver: QueueWord.driver,
  queueDevice: QueueWord.device,
} as const;

/**
 * The front half of a virtio device over MMIO, version 2 (4.2): registers and configuration space as the guest sees
 * them. It knows nothing of the device: identity, features and configuration space are in the region, put there by
 * `VirtioBack`; without one the slot is empty (DeviceID 0). Deviation from 4.2.2.2: notifications carry no queue data
 * (VIRTIO_F_NOTIFICATION_DATA is not offered) and no single queue can be reset (VIRTIO_F_RING_RESET is not either).
 *
 * `read` and `write` expect the region's lock to be held, as the bus does. `reset`, `save` and `restore` are for a
 * machine whose vCPUs stand still, on the thread of the back half, and for `save` with the back half paused.
 */
export class VirtioMmio implements MmioDevice {
  readonly id: string;
  readonly window: Window;
  readonly #words: Int32Array;
  readonly #config: Uint8Array;
  readonly #doorbell: Doorbell;
  readonly #irq: IrqLine;

  /** @param region VIRTIO_REGION_BYTES of shared memory, shared with the back half and with this slot on other threads. */
  constructor(window: Window, region: DeviceRegion, doorbell: Doorbell, irq: IrqLine) {
    this.id = `virtio_mmio@${window.gpa.toString(16)}`;
    this.window = window;
    this.#words = region.words;
    this.#config = configSpace(region);
    this.#doorbell = doorbell;
    this.#irq = irq;
  }

  read(off: number, width: Width): number {
    if (off >= MmioReg.CONFIG) return this.#readConfig(off - MmioReg.CONFIG, width);
    // 4.2.2.2: drivers use aligned 32-bit accesses only below the configuration space.
    if (width !== 4 || off % 4 !== 0) return 0;
    switch (off) {
      case MmioReg.MAGIC_VALUE:
        return VIRTIO_MMIO_MAGIC;
      case MmioReg.VERSION:
        return VIRTIO_MMIO_VERSION;
      case MmioReg.VENDOR_ID:
        return VIRTIO_VENDOR;
      default:
        return this.#absent ? 0 : this.#readRegister(off) >>> 0;
    }
  }

  #readRegister(off: number): number {
    const words = this.#words;
    switch (off) {
      case MmioReg.DEVICE_ID:
        return words[Word.deviceType];
      case MmioReg.DEVICE_FEATURES:
        return this.#half(Word.deviceFeatures, words[Word.deviceFeaturesSel]);
      case MmioReg.QUEUE_NUM_MAX:
        return this.#queueWord(QueueWord.max);
      case MmioReg.QUEUE_READY:
        return this.#queueWord(QueueWord.ready);
      case MmioReg.INTERRUPT_STATUS:
        return words[Word.interruptStatus];
      case MmioReg.STATUS:
        return words[Word.status];
      case MmioReg.SHM_LEN_LOW:
      case MmioReg.SHM_LEN_HIGH:
      case MmioReg.SHM_BASE_LOW:
      case MmioReg.SHM_BASE_HIGH:
        return NO_SHM;
      case MmioReg.CONFIG_GENERATION:
        return words[Word.configGeneration];
      default:
        // Unknown, write-only, or QueueReset, which is not offered.
        return 0;
    }
  }

  write(off: number, width: Width, value: number): void {
    if (off >= MmioReg.CONFIG) {
      this.#writeConfig(off - MmioReg.CONFIG, width, value);
      return;
    }
    if (width !== 4 || off % 4 !== 0 || this.#absent) return;
    const words = this.#words;
    switch (off) {
      case MmioReg.DEVICE_FEATURES_SEL:
        words[Word.deviceFeaturesSel] = value;
        return;
      case MmioReg.DRIVER_FEATURES_SEL:
        words[Word.driverFeaturesSel] = value;
        return;
      case MmioReg.DRIVER_FEATURES:
        this.#writeDriverFeatures(value);
        return;
      case MmioReg.QUEUE_SEL:
        words[Word.queueSel] = value;
        return;
      case MmioReg.QUEUE_READY:
        this.#writeQueueReady(value);
        return;
      case MmioReg.QUEUE_NOTIFY:
        this.#notify(value);
        return;
      case MmioReg.INTERRUPT_ACK:
        words[Word.interruptStatus] &= ~value;
        if (words[Word.interruptStatus] === 0) this.#irq.set(false);
        return;
      case MmioReg.STATUS:
        this.#writeStatus(value);
        return;
      case MmioReg.SHM_SEL:
        words[Word.shmSel] = value;
        return;
      default:
        this.#writeQueueRegister(off, value);
    }
  }

  /** Power-on state of the registers. The back half learns of it as of a reset by the driver. */
  reset(): void {
    resetRegisters(this.#words, this.#irq);
    this.#doorbell.ring();
  }

  save(): Record<string, unknown> {
    const words = this.#words;
    const queues = Array.from({ length: words[Word.queueCount] }, (_, q) => queueAt(q));
    const state: Record<string, unknown> = {
      deviceType: words[Word.deviceType],
      deviceFeatures: String(getU64(words, Word.deviceFeatures)),
      driverFeatures: String(getU64(words, Word.driverFeatures)),
    };
    for (const name of savedWords) state[name] = words[Word[name]] >>> 0;
    state['driverConfig'] = writableConfig(words).map((at) => words[at] >>> 0);
    for (const [name, at] of Object.entries(savedQueueWords)) state[name] = queues.map((q) => words[q + at] >>> 0);
    for (const [name, at] of Object.entries(savedQueueAddresses)) {
      state[name] = queues.map((q) => String(getU64(words, q + at)));
    }
    return state;
  }

  /** Throws INVALID_ARG for a state that is malformed or of a device with another type or other features. */
  restore(state: SavedState): void {
    const words = this.#words;
    const count = words[Word.queueCount];
    const deviceFeatures = savedU64(state, 'deviceFeatures');
    if (savedU32(state, 'deviceType') !== words[Word.deviceType]) {
      throw new VirtError('INVALID_ARG', `the saved state of ${this.id} is of another type of device`);
    }
    if (deviceFeatures !== getU64(words, Word.deviceFeatures)) {
      throw new VirtError('INVALID_ARG', `the saved state of ${this.id} is of a device with other features`);
    }
    // All is parsed before anything is changed: a malformed state leaves the device as it was.
    const single = savedWords.map((name) => savedU32(state, name));
    const driverFeatures = savedU64(state, 'driverFeatures');
    const writable = writableConfig(words);
    const driverConfig = savedU32List(state, 'driverConfig', writable.length);
    const lists = Object.entries(savedQueueWords).map(([name, at]) => ({ at, list: savedU32List(state, name, count) }));
    const addresses = Object.entries(savedQueueAddresses).map(([name, at]) => {
      return { at, list: savedU64List(state, name, count) };
    });
    resetRegisters(words, this.#irq);
    savedWords.forEach((name, i) => {
      words[Word[name]] = single[i];
    });
    setU64(words, Word.driverFeatures, driverFeatures);
    for (const [i, at] of writable.entries()) words[at] = driverConfig[i];
    for (let q = 0; q < count; q++) {
      for (const { at, list } of lists) words[queueAt(q) + at] = list[q];
      for (const { at, list } of addresses) setU64(words, queueAt(q) + at, list[q]);
    }
    this.#irq.set(words[Word.interruptStatus] !== 0);
    this.#doorbell.ring();
  }

  describe(soc: FdtNode, context: DescribeContext): void {
    soc
      .child(this.id)
      .set('compatible', 'virtio,mmio')
      .set64('reg', [this.window.gpa, this.window.size])
      .set('interrupts', [context.irq])
      .set('interrupt-parent', [context.plicPhandle]);
  }

  get #absent(): boolean {
    return this.#words[Word.deviceType] === VIRTIO_TYPE_NONE;
  }

  #readConfig(off: number, width: Width): number {
    let value = 0;
    for (let i = width - 1; i >= 0; i--) {
      const byte = off + i < VIRTIO_CONFIG_BYTES ? this.#config[off + i] : 0;
      value = value * 256 + byte;
    }
    return value;
  }

  /** Writes to fields that are not the driver's to write are ignored (2.5.2). */
  #writeConfig(off: number, width: Width, value: number): void {
    const writable = writableConfig(this.#words);
    if (writable.length === 0) return;
    const start = writable[0] * 4 - this.#configAt;
    for (let i = 0; i < width; i++) {
      const at = off + i - start;
      if (at >= 0 && at < writable.length * 4) this.#config[off + i] = (value >>> (8 * i)) & 0xff;
    }
  }

  /** Byte at which the configuration space begins in the region. */
  get #configAt(): number {
    return this.#config.byteOffset - this.#words.byteOffset;
  }

  /** Word 0 or 1 of a 64-bit field that is read through a selector; 0 beyond. */
  #half(at: number, selector: number): number {
    return selector === 0 || selector === 1 ? this.#words[at + selector] : 0;
  }

  /** First word of the selected queue, or undefined if the device has no such queue. */
  get #selected(): number | undefined {
    const q = this.#words[Word.queueSel] >>> 0;
    return q < this.#words[Word.queueCount] ? queueAt(q) : undefined;
  }

  #queueWord(at: number): number {
    const queue = this.#selected;
    return queue === undefined ? 0 : this.#words[queue + at];
  }

  #has(status: number): boolean {
    return (this.#words[Word.status] & status) !== 0;
  }

  #writeDriverFeatures(value: number): void {
    const selector = this.#words[Word.driverFeaturesSel];
    // 3.1.1: features are not accepted any more once FEATURES_OK is set.
    if (this.#has(VirtioStatus.FEATURES_OK) || (selector !== 0 && selector !== 1)) return;
    this.#words[Word.driverFeatures + selector] = value;
  }

  #writeQueueRegister(off: number, value: number): void {
    const at = queueRegisters[off];
    const queue = this.#selected;
    if (at === undefined || queue === undefined) return;
    // 4.2.2.2: a queue is configured while QueueReady is 0; and before DRIVER_OK, when the back half reads it.
    if (this.#words[queue + QueueWord.ready] !== 0 || this.#has(VirtioStatus.DRIVER_OK)) return;
    this.#words[queue + at] = value;
  }

  /** A queue that was stopped under a running device stays so until the reset: the device has let go of it. */
  #writeQueueReady(value: number): void {
    const queue = this.#selected;
    if (queue === undefined) return;
    if ((value & 1) === 0) this.#words[queue + QueueWord.ready] = 0;
    else if (!this.#has(VirtioStatus.DRIVER_OK)) this.#words[queue + QueueWord.ready] = 1;
  }

  #notify(value: number): void {
    const queue = value & 0xffff;
    if (queue >= this.#words[Word.queueCount] || !this.#has(VirtioStatus.DRIVER_OK)) return;
    this.#words[Word.notified] |= 1 << queue;
    this.#doorbell.ring();
  }

  /** 2.1.1: drivers set bits one after another, clear none but all at once, and never touch DEVICE_NEEDS_RESET. */
  #writeStatus(value: number): void {
    const words = this.#words;
    if ((value & 0xff) === 0) {
      const served = this.#has(VirtioStatus.DRIVER_OK);
      resetRegisters(words, this.#irq);
      if (served) this.#doorbell.ring();
      return;
    }
    let added = value & 0xff & ~VirtioStatus.DEVICE_NEEDS_RESET & ~words[Word.status];
    if ((added & VirtioStatus.FEATURES_OK) !== 0 && !this.#acceptable()) added &= ~VirtioStatus.FEATURES_OK;
    const featuresOk = ((words[Word.status] | added) & VirtioStatus.FEATURES_OK) !== 0;
    if (!featuresOk) added &= ~VirtioStatus.DRIVER_OK;
    words[Word.status] |= added;
    if ((added & VirtioStatus.DRIVER_OK) !== 0) this.#doorbell.ring();
  }

  /** 2.2.2, 6.2: the driver accepts nothing that was not offered, and does accept VERSION_1. */
  #acceptable(): boolean {
    const offered = getU64(this.#words, Word.deviceFeatures);
    const accepted = getU64(this.#words, Word.driverFeatures);
    return (accepted & ~offered) === 0n && (accepted & Feature.VERSION_1) !== 0n;
  }
}
