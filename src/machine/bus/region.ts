import { sharedMap } from '../../isa/index.ts';
import { VirtError } from '../../util/index.ts';
import type { DeviceRegion } from '../device.ts';

/** Regions start on their own cache line, so that two devices' locks do not share one. */
const REGION_ALIGN = 64;

/** Views on `bytes` bytes of shared memory from byte `offset` (a multiple of 64) on. */
export function deviceRegion(buffer: SharedArrayBuffer, offset: number, bytes: number): DeviceRegion {
  return {
    words: new Int32Array(buffer, offset, Math.ceil(bytes / 4)),
    bytes: new Uint8Array(buffer, offset, bytes),
    offset,
  };
}

/**
 * Hands out the machine's device regions one after another. Every thread that builds the same board in the same order
 * gets the same regions.
 */
export class RegionAllocator {
  readonly #buffer: SharedArrayBuffer;
  readonly #end: number;
  #at: number;

  /** @param start first byte of the area, `end`: the byte after it; by default the machine's area of device regions. */
  constructor(buffer: SharedArrayBuffer, start: number = sharedMap.devices, end: number = sharedMap.devicesEnd) {
    this.#buffer = buffer;
    this.#at = Math.ceil(start / REGION_ALIGN) * REGION_ALIGN;
    this.#end = Math.min(end, buffer.byteLength);
  }

  /** The next region of `bytes` bytes. Throws INTERNAL_ERROR when the area is used up: a board of ours too large. */
  take(bytes: number): DeviceRegion {
    const offset = this.#at;
    const next = offset + Math.ceil(bytes / REGION_ALIGN) * REGION_ALIGN;
    if (next > this.#end) {
      throw new VirtError('INTERNAL_ERROR', `no room for a device region of ${bytes} bytes in the shared memory`);
    }
    this.#at = next;
    return deviceRegion(this.#buffer, offset, bytes);
  }
}
