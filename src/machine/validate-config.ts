import { RAM_BYTES_MAX } from '../hypervisor/index.ts';
import { VirtError } from '../util/index.ts';
import { flashBytes } from './board.ts';
import type { MachineConfig } from './config.ts';
import { FLASH_BANKS, MAX_HARTS, memoryMap, VIRTIO_SLOTS } from './memory-map.ts';

const MIB = 2 ** 20;
/** Least RAM that a machine can have: room for a device tree and something to run. */
const RAM_BYTES_MIN = 4 * MIB;
/** Most RAM that a machine can have: the board's read-only memory has its place beside it. */
export const RAM_BYTES_LIMIT = RAM_BYTES_MAX - memoryMap.mrom.size;
/** Longest command line that kernels take (Linux on RISC-V: COMMAND_LINE_SIZE). */
const APPEND_BYTES_MAX = 2047;

/**
 * Checks what can be checked without looking into the images. Throws INVALID_ARG or CONFIG_UNSUPPORTED with one sentence
 * on the first thing that is wrong.
 */
export function validateMachineConfig(config: MachineConfig): void {
  checkRam(config.ramBytes, flashBytes(config));
  checkFlash(config);
  if (!Number.isInteger(config.vcpus) || config.vcpus < 1 || config.vcpus > MAX_HARTS) {
    throw new VirtError('CONFIG_UNSUPPORTED', `${config.vcpus} vCPUs: a machine has 1 to ${MAX_HARTS}`);
  }
  if (config.virtio.length > VIRTIO_SLOTS) {
    throw new VirtError(
      'CONFIG_UNSUPPORTED',
      `${config.virtio.length} virtio devices: the board has ${VIRTIO_SLOTS} slots`,
    );
  }
  checkAppend(config);
  if (config.firmware.kind !== 'file' && config.kernel === undefined && flashBytes(config) === 0) {
    throw new VirtError('INVALID_ARG', `nothing to run: firmware '${config.firmware.kind}' needs a kernel`);
  }
  if (config.initrd !== undefined && config.kernel === undefined) {
    throw new VirtError('INVALID_ARG', `initrd ${config.initrd.name}: there is no kernel to hand it to`);
  }
  if (config.seed !== undefined && !Number.isInteger(config.seed)) {
    throw new VirtError('INVALID_ARG', `seed ${config.seed}: it must be an integer`);
  }
}

function checkRam(ramBytes: number, flash: number): void {
  if (!Number.isInteger(ramBytes) || ramBytes % 4096 !== 0) {
    throw new VirtError('INVALID_ARG', `guest memory of ${ramBytes} bytes: it must be a multiple of 4096`);
  }
  if (ramBytes < RAM_BYTES_MIN) {
    throw new VirtError('CONFIG_UNSUPPORTED', `guest memory of ${ramBytes} bytes: a machine needs 4 MiB at least`);
  }
  const limit = RAM_BYTES_LIMIT - flash;
  if (ramBytes > limit) {
    throw new VirtError(
      'CONFIG_UNSUPPORTED',
      `guest memory of ${Math.ceil(ramBytes / MIB)} MiB: a machine can have ${Math.floor(limit / MIB)} MiB at most`,
    );
  }
}

function checkFlash({ flash = [] }: MachineConfig): void {
  if (flash.length > FLASH_BANKS) {
    throw new VirtError('CONFIG_UNSUPPORTED', `${flash.length} banks of flash: the board has ${FLASH_BANKS}`);
  }
  for (const { image } of flash) {
    if (image.bytes.length <= memoryMap.flash.size) continue;
    const most = `a bank of flash holds ${memoryMap.flash.size} at most`;
    throw new VirtError('CONFIG_UNSUPPORTED', `flash '${image.name}': it has ${image.bytes.length} bytes, ${most}`);
  }
}

function checkAppend({ append, kernel }: MachineConfig): void {
  if (append === undefined) return;
  if (append.includes('\0')) throw new VirtError('INVALID_ARG', 'the kernel command line has a NUL character in it');
  const bytes = new TextEncoder().encode(append).length;
  if (bytes > APPEND_BYTES_MAX) {
    throw new VirtError(
      'CONFIG_UNSUPPORTED',
      `the kernel command line has ${bytes} bytes: kernels take ${APPEND_BYTES_MAX} at most`,
    );
  }
  if (append !== '' && kernel === undefined) {
    throw new VirtError('INVALID_ARG', 'a kernel command line without a kernel');
  }
}
