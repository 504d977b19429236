import type { DiskImage } from './disk-image.ts';

/** What a part of a disk is, all images of its chain considered. */
export interface Region {
  readonly kind: 'data' | 'zero';
  readonly bytes: number;
  /** It is the topmost image that has it, be it data or zeroes; or one that is above the base, where there is one. */
  readonly own: boolean;
}

const SECTOR_BYTES = 512;

/** Size of a disk in bytes. */
export function diskBytes(disk: DiskImage): number {
  return disk.sectors * SECTOR_BYTES;
}

/**
 * What is at byte `offset`, and for how far, at most `bytes`.
 *
 * @param base of the chain: what is in it or below is not `own`; the image right below unless given
 */
export async function regionAt(
  disk: DiskImage,
  offset: number,
  bytes: number,
  base: DiskImage | undefined = disk.backing,
  own = true,
): Promise<Region> {
  const extent = await disk.extent(offset, bytes);
  if (extent.kind !== 'none') return { kind: extent.kind, bytes: extent.bytes, own };
  const { backing } = disk;
  const left = backing === undefined ? 0 : diskBytes(backing) - offset;
  if (backing === undefined || left <= 0) return { kind: 'zero', bytes: extent.bytes, own: false };
  return regionAt(backing, offset, Math.min(extent.bytes, left), base, own && backing !== base);
}

const zeroes = new Uint8Array(2 * 2 ** 20);

/** Whether all bytes are zero. */
export function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += zeroes.length) {
    const part = bytes.subarray(at, at + zeroes.length);
    // Most data differs at once: that need not go through the whole comparison's set-up.
    if (part[0] !== 0 || Buffer.compare(part, zeroes.subarray(0, part.length)) !== 0) return false;
  }
  return true;
}
