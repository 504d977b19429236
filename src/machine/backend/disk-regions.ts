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

/** So few that they stay in the processor's nearest cache beside what they are compared with. */
const zeroes = new Uint8Array(16 * 1024);

/** Whether all bytes are zero. */
export function isZero(bytes: Uint8Array): boolean {
  const { length } = bytes;
  // Most data differs at once: that need not go through a comparison's set-up.
  if (length === 0) return true;
  if (bytes[0] !== 0 || bytes[length - 1] !== 0) return false;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, length);
  for (let at = 0; at < length; at += zeroes.length) {
    const end = Math.min(length, at + zeroes.length);
    if (buffer.compare(zeroes, 0, end - at, at, end) !== 0) return false;
  }
  return true;
}
