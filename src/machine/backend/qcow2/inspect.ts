import type { HostFile } from '../host-file.ts';
import { listBitmaps, type Qcow2Bitmap } from './bitmaps.ts';
import { extensionText, type Qcow2Header } from './header.ts';
import { loadImage } from './load.ts';
import type { Qcow2Snapshot } from './snapshot-table.ts';
import { Autoclear, Compatible, Extension, Incompatible } from './spec.ts';

/** What an image tells of itself, without its backing and data files. */
export interface Qcow2Facts {
  readonly header: Qcow2Header;
  readonly clusterBytes: number;
  readonly refcountBits: number;
  readonly backingFormat: string | undefined;
  readonly dataFile: string | undefined;
  readonly rawDataFile: boolean;
  readonly lazyRefcounts: boolean;
  readonly extendedL2: boolean;
  readonly dirty: boolean;
  readonly corrupt: boolean;
  readonly snapshots: readonly Qcow2Snapshot[];
  readonly bitmaps: readonly Qcow2Bitmap[];
}

/** Reads what an image tells of itself. Throws INVALID_ARG as opening it does. */
export async function inspectQcow2(file: HostFile): Promise<Qcow2Facts> {
  const { header, geometry, snapshotTable } = await loadImage(file);
  const has = (bits: bigint, bit: bigint) => (bits & bit) !== 0n;
  return {
    header,
    clusterBytes: geometry.clusterBytes,
    refcountBits: geometry.refcountBits,
    backingFormat: extensionText(header, Extension.BACKING_FORMAT),
    dataFile: geometry.dataFile ? extensionText(header, Extension.DATA_FILE) : undefined,
    rawDataFile: has(header.autoclear, Autoclear.RAW_DATA_FILE),
    lazyRefcounts: has(header.compatible, Compatible.LAZY_REFCOUNTS),
    extendedL2: geometry.extended,
    dirty: has(header.incompatible, Incompatible.DIRTY),
    corrupt: has(header.incompatible, Incompatible.CORRUPT),
    snapshots: snapshotTable.snapshots,
    // A list that cannot be read is no reason to tell nothing else.
    bitmaps: await listBitmaps(file, header).catch(() => []),
  };
}
