import { sharedMap } from '../isa/index.ts';
import { VirtError } from '../util/index.ts';

/** A shared WebAssembly.Memory: what all threads and all CPU backends of one machine have in common. It never grows. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}

interface WasmMemoryConstructor {
  new (descriptor: { initial: number; maximum: number; shared: true }): SharedMemory;
}

const WASM_PAGE = 65536;
/** Pages of the largest 32-bit memory. */
const WASM_PAGES_MAX = 65536;

/** Most guest memory, in bytes, that one machine can have: the rest of the 4 GiB holds its state. */
export const RAM_BYTES_MAX = WASM_PAGES_MAX * WASM_PAGE - sharedMap.ram;

// TypeScript has WebAssembly's types in its browser library only.
const { WebAssembly } = globalThis as unknown as { WebAssembly: { Memory: WasmMemoryConstructor } };

/**
 * Reserves the shared memory of a machine: the blocks of `sharedMap` and `ramBytes` for memory slots, all zero. The host
 * gives pages as they are touched. Throws INVALID_ARG for a size that cannot be, NO_MEMORY when the host has no room.
 */
export function createSharedMemory(options: { ramBytes: number }): SharedMemory {
  const { ramBytes } = options;
  if (!Number.isSafeInteger(ramBytes) || ramBytes <= 0 || ramBytes % 4096 !== 0) {
    throw new VirtError('INVALID_ARG', `guest memory of ${ramBytes} bytes: it must be a positive multiple of 4096`);
  }
  if (ramBytes > RAM_BYTES_MAX) {
    throw new VirtError(
      'CONFIG_UNSUPPORTED',
      `guest memory of ${ramBytes} bytes is more than the ${RAM_BYTES_MAX} (4 GiB less ${sharedMap.ram / 2 ** 20} MiB) that one machine can have`,
    );
  }
  const pages = Math.ceil((sharedMap.ram + ramBytes) / WASM_PAGE);
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  } catch (cause) {
    throw new VirtError('NO_MEMORY', `the host has no room for ${ramBytes} bytes of guest memory`, { cause });
  }
}
