import { SharedLock, VirtError } from '../../util/index.ts';
import type { DeviceRegion, MmioDevice, Width } from '../device.ts';

/** Size of an access as the CPU makes it, in bytes. */
export type BusWidth = Width | 8;

interface Mapping {
  readonly device: MmioDevice;
  readonly lock: SharedLock;
  readonly gpa: number;
  readonly end: number;
}

/**
 * Routes guest physical accesses to devices, each under its device's lock. One bus per thread, with the same devices
 * over the same shared regions. Naturally aligned accesses inside one window only: anything else is not found, and
 * the caller gives the guest an access fault.
 */
export class MmioBus {
  /** Result of the last `read` that found a device, as unsigned halves; `hi` is 0 unless 8 bytes were read. */
  lo = 0;
  hi = 0;
  /** Statistics: accesses that found nothing. */
  unmapped = 0;

  /** Sorted by address, disjoint. */
  readonly #mappings: Mapping[] = [];
  #last: Mapping | undefined;

  /**
   * Wires a device: its window and its region, whose word 0 is the lock. Throws INTERNAL_ERROR if the window is empty,
   * not a safe integer range or overlaps another, or if the device's id is taken.
   */
  attach(device: MmioDevice, region: DeviceRegion): void {
    const { gpa, size } = device.window;
    const end = gpa + size;
    const name = `window of ${device.id} at 0x${gpa.toString(16)} (${size} bytes)`;
    if (!Number.isSafeInteger(gpa) || !Number.isSafeInteger(end) || gpa < 0 || size <= 0) {
      throw new VirtError('INTERNAL_ERROR', `${name} is no range of addresses`);
    }
    for (const other of this.#mappings) {
      if (gpa < other.end && other.gpa < end) {
        throw new VirtError('INTERNAL_ERROR', `${name} overlaps that of ${other.device.id}`);
      }
      if (other.device.id === device.id) throw new VirtError('INTERNAL_ERROR', `two devices are called ${device.id}`);
    }
    this.#mappings.push({ device, lock: new SharedLock(region.words, 0), gpa, end });
    this.#mappings.sort((a, b) => a.gpa - b.gpa);
  }

  /** All devices, by address. */
  get devices(): readonly MmioDevice[] {
    return this.#mappings.map((m) => m.device);
  }

  /** Reads `size` bytes; the value is then in `lo` and `hi`. False: nothing there. */
  read(gpa: number, size: BusWidth): boolean {
    const mapping = this.#find(gpa, size);
    if (mapping === undefined) return false;
    const { device, lock } = mapping;
    const off = gpa - mapping.gpa;
    lock.lock();
    try {
      if (size !== 8) {
        this.lo = device.read(off, size) >>> 0;
        this.hi = 0;
      } else if (device.wide !== undefined) {
        device.wide.read64(off, this);
      } else {
        this.lo = device.read(off, 4) >>> 0;
        this.hi = device.read(off + 4, 4) >>> 0;
      }
    } finally {
      lock.unlock();
    }
    return true;
  }

  /** Writes the low `size` bytes of `hi`:`lo`. False: nothing there. */
  write(gpa: number, size: BusWidth, lo: number, hi: number): boolean {
    const mapping = this.#find(gpa, size);
    if (mapping === undefined) return false;
    const { device, lock } = mapping;
    const off = gpa - mapping.gpa;
    lock.lock();
    try {
      if (size === 1) device.write(off, 1, lo & 0xff);
      else if (size === 2) device.write(off, 2, lo & 0xffff);
      else if (size === 4) device.write(off, 4, lo >>> 0);
      else if (device.wide !== undefined) device.wide.write64(off, lo >>> 0, hi >>> 0);
      else {
        device.write(off, 4, lo >>> 0);
        device.write(off + 4, 4, hi >>> 0);
      }
    } finally {
      lock.unlock();
    }
    return true;
  }

  /** The mapping that holds the whole access, or undefined (and counted). A guest mostly stays with one device. */
  #find(gpa: number, size: number): Mapping | undefined {
    let mapping = this.#last;
    if (mapping === undefined || gpa < mapping.gpa || gpa >= mapping.end) {
      mapping = this.#search(gpa);
      if (mapping !== undefined) this.#last = mapping;
    }
    if (mapping === undefined || gpa + size > mapping.end || gpa % size !== 0) {
      this.unmapped++;
      return undefined;
    }
    return mapping;
  }

  #search(gpa: number): Mapping | undefined {
    let low = 0;
    let high = this.#mappings.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const mapping = this.#mappings[middle] as Mapping;
      if (gpa < mapping.gpa) high = middle;
      else if (gpa >= mapping.end) low = middle + 1;
      else return mapping;
    }
    return undefined;
  }
}
