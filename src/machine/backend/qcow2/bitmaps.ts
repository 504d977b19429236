import type { HostFile } from '../host-file.ts';
import { entryOffset } from './entry-table.ts';
import type { Qcow2Header } from './header.ts';
import type { LoadedImage } from './load.ts';
import { Autoclear, Extension } from './spec.ts';

/** Limits of the bitmaps extension, as QEMU has them. */
const BITMAPS_MAX = 65535;
const DIRECTORY_BYTES_MAX = BITMAPS_MAX * 1024;
const TABLE_ENTRIES_MAX = 2 ** 22;

const ENTRY_BYTES = 24;

/** A dirty bitmap, as far as an image tells of it in its directory. */
export interface Qcow2Bitmap {
  readonly name: string;
  readonly granularityBytes: number;
  /** It was not saved in order. */
  readonly inUse: boolean;
  /** It follows all changes. */
  readonly auto: boolean;
}

/** An image's dirty bitmaps; none if the image says that they are out of date. Throws for what is malformed. */
export async function listBitmaps(file: HostFile, header: Qcow2Header): Promise<Qcow2Bitmap[]> {
  if ((header.autoclear & Autoclear.BITMAPS) === 0n) return [];
  const { count, offset, bytes } = directoryOf(header);
  const directory = new Uint8Array(bytes);
  await file.read(offset, directory);
  const view = new DataView(directory.buffer);
  const bitmaps: Qcow2Bitmap[] = [];
  for (let at = 0; bitmaps.length < count; ) {
    if (at + ENTRY_BYTES > bytes) throw new Error('the bitmap directory ends early');
    const flags = view.getUint32(at + 12);
    const name = view.getUint16(at + 18);
    const extra = view.getUint32(at + 20);
    const nameAt = at + ENTRY_BYTES + extra;
    bitmaps.push({
      name: new TextDecoder().decode(directory.subarray(nameAt, nameAt + name)),
      granularityBytes: 2 ** (view.getUint8(at + 17) & 63),
      inUse: (flags & 1) !== 0,
      auto: (flags & 2) !== 0,
    });
    at += Math.ceil((ENTRY_BYTES + extra + name) / 8) * 8;
  }
  return bitmaps;
}

/** Where the directory of bitmaps is. */
function directoryOf(header: Qcow2Header): { count: number; offset: number; bytes: number } {
  const extension = header.extensions.find(({ type }) => type === Extension.BITMAPS)?.data;
  if (extension === undefined || extension.length < 24) throw new Error('the bitmaps extension is missing');
  const view = new DataView(extension.buffer, extension.byteOffset, extension.length);
  const count = view.getUint32(0);
  const bytes = Number(view.getBigUint64(8));
  if (count > BITMAPS_MAX || bytes > DIRECTORY_BYTES_MAX) throw new Error('the bitmap directory is too large');
  return { count, offset: Number(view.getBigUint64(16)), bytes };
}

/**
 * Tells `count` of everything that an image's dirty bitmaps take in the file: directory, tables, data. Bitmaps are not
 * kept up here, so this only matters to images that others have written last. Throws for what is malformed.
 */
export async function countBitmaps(
  file: HostFile,
  { header, geometry }: LoadedImage,
  count: (what: string, offset: number, bytes: number) => boolean,
): Promise<void> {
  const { count: bitmaps, offset, bytes } = directoryOf(header);
  if (!count('bitmap directory', offset, bytes)) return;
  const directory = new Uint8Array(bytes);
  await file.read(offset, directory);
  const entries = new DataView(directory.buffer);
  let at = 0;
  for (let i = 0; i < bitmaps; i++) {
    if (at + ENTRY_BYTES > bytes) throw new Error('the bitmap directory ends early');
    const table = { offset: Number(entries.getBigUint64(at)), entries: entries.getUint32(at + 8) };
    const variable = entries.getUint16(at + 18) + entries.getUint32(at + 20);
    at += Math.ceil((ENTRY_BYTES + variable) / 8) * 8;
    if (table.entries > TABLE_ENTRIES_MAX) throw new Error(`the table of bitmap ${i} is too large`);
    if (!count(`table of bitmap ${i}`, table.offset, table.entries * 8)) continue;
    const data = new Uint8Array(table.entries * 8);
    await file.read(table.offset, data);
    const tableView = new DataView(data.buffer);
    for (let j = 0; j < table.entries; j++) {
      const place = entryOffset(tableView.getUint32(j * 8), tableView.getUint32(j * 8 + 4));
      if (place !== 0) count(`data of bitmap ${i}`, place, geometry.clusterBytes);
    }
  }
}
