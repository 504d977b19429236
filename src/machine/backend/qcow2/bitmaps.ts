import type { HostFile } from '../host-file.ts';
import { entryOffset } from './entry-table.ts';
import type { LoadedImage } from './load.ts';
import { Extension } from './spec.ts';

/** Limits of the bitmaps extension, as QEMU has them. */
const BITMAPS_MAX = 65535;
const DIRECTORY_BYTES_MAX = BITMAPS_MAX * 1024;
const TABLE_ENTRIES_MAX = 2 ** 22;

const ENTRY_BYTES = 24;

/**
 * Tells `count` of everything that an image's dirty bitmaps take in the file: directory, tables, data. Bitmaps are not
 * kept up here, so this only matters to images that others have written last. Throws for what is malformed.
 */
export async function countBitmaps(
  file: HostFile,
  { header, geometry }: LoadedImage,
  count: (what: string, offset: number, bytes: number) => boolean,
): Promise<void> {
  const extension = header.extensions.find(({ type }) => type === Extension.BITMAPS)?.data;
  if (extension === undefined || extension.length < 24) throw new Error('the bitmaps extension is missing');
  const view = new DataView(extension.buffer, extension.byteOffset, extension.length);
  const bitmaps = view.getUint32(0);
  const bytes = Number(view.getBigUint64(8));
  const offset = Number(view.getBigUint64(16));
  if (bitmaps > BITMAPS_MAX || bytes > DIRECTORY_BYTES_MAX) throw new Error('the bitmap directory is too large');
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
