import { VirtError } from '../../../util/index.ts';
import type { Image, ImageFile } from '../../config.ts';
import { fileError, mib } from './bytes.ts';
import type { RamMap } from './plan.ts';

const PAGE = 4096;
const MEGAPAGE = 2 * 1024 * 1024;

/** Room left behind the device tree: firmware (OpenSBI, U-Boot) adds to it in place. */
export const DTB_SLACK_BYTES = 64 * 1024;

/** The initrd goes no further than this above the kernel's start when there is room (as QEMU's virt board). */
const INITRD_OFFSET_MAX = 128 * 1024 * 1024;

function alignDown(value: number, to: number): number {
  return Math.floor(value / to) * to;
}

function alignUp(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}

/**
 * Claims the device tree's place: as high in RAM as it goes, on a 2 MiB boundary when that is free (Linux maps it with
 * 2 MiB pages), else on a 4 KiB one.
 * @param bytes size of the blob
 * @throws VirtError when nothing is free there: too little memory.
 */
export function placeDtb(map: RamMap, bytes: number): number {
  const room = bytes + DTB_SLACK_BYTES;
  for (const align of [MEGAPAGE, PAGE]) {
    const gpa = alignDown(map.end - room, align);
    if (gpa < map.ram.gpa || map.overlap(gpa, gpa + room) !== undefined) continue;
    map.claim('the device tree', gpa, gpa + room);
    return gpa;
  }
  throw new VirtError('INVALID_ARG', `too little memory: ${mib(map.ram.bytes)} leave no room for the device tree`);
}

/**
 * Claims the initrd's place, after kernel and device tree have theirs: half of RAM above the kernel, at most 128 MiB
 * (as QEMU), lower when it would run into the device tree, never below the end of the kernel.
 * @throws VirtError naming the file when it does not fit.
 */
export function placeInitrd(
  map: RamMap,
  image: Image | ImageFile,
  kernel: { start: number; end: number },
  dtb: number,
): number {
  const bytes = 'read' in image ? image.length : image.bytes.length;
  if (bytes === 0) throw fileError(image, 'the initrd is empty');
  const lowest = alignUp(kernel.end, PAGE);
  const preferred = kernel.start + Math.min(alignDown(map.ram.bytes / 2, PAGE), INITRD_OFFSET_MAX);
  const highest = alignDown(dtb - bytes, PAGE);
  if (highest < lowest) {
    const needed = alignUp(lowest - map.ram.gpa + bytes + (map.end - dtb) + MEGAPAGE, MEGAPAGE);
    throw fileError(
      image,
      `initrd of ${mib(bytes)} does not fit in ${mib(map.ram.bytes)} of RAM beside the kernel: ${mib(needed)} are enough`,
    );
  }
  const gpa = alignDown(Math.min(Math.max(preferred, alignUp(kernel.end, MEGAPAGE)), highest), PAGE);
  map.claim(image.name, gpa, gpa + bytes);
  return gpa;
}
