import { type HostFile, unusableImage } from '../host-file.ts';
import { type CheckedImage, type CheckResult, checkImage } from './check.ts';
import { mendCopied } from './copied.ts';
import { Qcow2Core } from './core.ts';
import type { CountMap } from './count-map.ts';
import { EntryTable } from './entry-table.ts';
import { CorruptImage } from './errors.ts';
import type { Geometry } from './geometry.ts';
import { formatFields } from './header.ts';
import { type LoadedImage, loadImage } from './load.ts';
import { refcountCodec } from './refcount-width.ts';
import { Incompatible, Limit } from './spec.ts';
import { ImageWalker } from './walk.ts';

/** What to mend: clusters that count as in use and are not, or everything that can be. */
export type Repair = 'none' | 'leaks' | 'all';

/** A check's result after what could be mended was. */
export interface RepairResult extends CheckResult {
  readonly corruptionsFixed: number;
  readonly leaksFixed: number;
}

/** Checks an image, mends what is asked for, and checks what is left. Nobody else may use the image meanwhile. */
export async function checkQcow2(
  file: HostFile,
  repair: Repair = 'none',
  progress?: (done: number) => void,
): Promise<RepairResult> {
  const before = await checkImage(file, await loadImage(file), progress);
  const { corruptions, leaks } = before.result;
  if (repair === 'none' || (corruptions === 0 && leaks === 0)) {
    if (repair === 'all' && corruptions === 0) await clearMarks(file);
    return { ...before.result, corruptionsFixed: 0, leaksFixed: 0 };
  }
  if (repair === 'all' && corruptions > 0) await repairRefcounts(file, await loadImage(file));
  else await dropLeaks(file, await loadImage(file), before);
  const after = await checkImage(file, await loadImage(file), progress);
  if (repair === 'all' && after.result.corruptions === 0) await clearMarks(file);
  return {
    ...after.result,
    corruptionsFixed: Math.max(0, corruptions - after.result.corruptions),
    leaksFixed: Math.max(0, leaks - after.result.leaks),
  };
}

/**
 * Puts the reference counts, and the flags that go with them, right in an image that was not closed in order, and takes
 * the mark of that away. What the image's tables refer to is taken to be right.
 */
export async function repairRefcounts(file: HostFile, image: LoadedImage): Promise<void> {
  const walker = new ImageWalker(file, image);
  const { counts } = await walker.run();
  await rebuild(file, image, counts);
  const mended = await loadImage(file);
  const core = new Qcow2Core(file, undefined, mended, true);
  await core.exclusive(async () => {
    await mendCopied(core);
    await core.commit();
    await core.updateHeader({ incompatible: core.header.incompatible & ~Incompatible.DIRTY });
  });
}

/** Takes the marks "dirty" and "corrupt" away. */
async function clearMarks(file: HostFile): Promise<void> {
  const { header } = await loadImage(file);
  const incompatible = header.incompatible & ~(Incompatible.DIRTY | Incompatible.CORRUPT);
  if (incompatible === header.incompatible) return;
  await file.write(0, formatFields({ ...header, incompatible }));
  await file.flush();
}

/** Lowers counts that are too high, where they stand. */
async function dropLeaks(file: HostFile, image: LoadedImage, { walk }: CheckedImage): Promise<void> {
  const { refTable, geometry } = image;
  const { refblockEntries, clusterBytes } = geometry;
  const codec = refcountCodec(geometry.refcountBits);
  for (let region = 0; region < refTable.length; region++) {
    const offset = refTable.offset(region);
    if (offset === 0 || offset % clusterBytes !== 0 || offset >= file.bytes) continue;
    const block = new Uint8Array(clusterBytes);
    await file.read(offset, block);
    let changed = false;
    for (let i = 0; i < refblockEntries; i++) {
      const references = walk.counts.get(region * refblockEntries + i);
      if (codec.get(block, i) <= references) continue;
      codec.set(block, i, references);
      changed = true;
    }
    if (changed) await file.write(offset, block);
  }
  await file.flush();
}

/** Where a new set of reference counts goes. */
interface Placement {
  readonly first: number;
  readonly tableClusters: number;
  /** Regions that need a block, in order. */
  readonly regions: readonly number[];
}

/** Clusters that the present reference counts take: not to be overwritten before the new ones are in their place. */
function presentRefcounts(image: LoadedImage): Set<number> {
  const { header, geometry, refTable } = image;
  const clusters = new Set<number>();
  for (let i = 0; i < header.refTableClusters; i++) clusters.add(header.refTableOffset / geometry.clusterBytes + i);
  for (let i = 0; i < refTable.length; i++) {
    const offset = refTable.offset(i);
    if (offset !== 0) clusters.add(Math.floor(offset / geometry.clusterBytes));
  }
  return clusters;
}

function findRow(counts: CountMap, present: ReadonlySet<number>, length: number): number {
  let free = 0;
  for (let cluster = 1; ; cluster++) {
    free = counts.get(cluster) > 0 || present.has(cluster) ? 0 : free + 1;
    if (free === length) return cluster - length + 1;
  }
}

function place(image: LoadedImage, counts: CountMap): Placement {
  const { geometry, header } = image;
  const { refblockEntries } = geometry;
  const present = presentRefcounts(image);
  const used = new Set<number>();
  for (const [cluster] of counts.entries()) used.add(Math.floor(cluster / refblockEntries));
  for (;;) {
    const highest = [...used].reduce((max, region) => Math.max(max, region), 0);
    const tableClusters = Math.max(geometry.clusters((highest + 1) * 8), header.refTableClusters);
    const length = tableClusters + used.size;
    const first = findRow(counts, present, length);
    const before = used.size;
    const last = Math.floor((first + length - 1) / refblockEntries);
    for (let region = Math.floor(first / refblockEntries); region <= last; region++) used.add(region);
    if (used.size === before) return { first, tableClusters, regions: [...used].sort((a, b) => a - b) };
  }
}

function countOf(file: HostFile, geometry: Geometry, count: number, cluster: number): number {
  if (count <= geometry.refcountMax) return count;
  throw new CorruptImage(file.path, `cluster ${cluster} has ${count} references, more than can be counted`);
}

/** Writes the reference counts anew, in a free place, and then lets the header refer to them. */
async function rebuild(file: HostFile, image: LoadedImage, counts: CountMap): Promise<void> {
  const { geometry } = image;
  const { clusterBytes, refblockEntries, refcountBits } = geometry;
  const { first, tableClusters, regions } = place(image, counts);
  if (tableClusters * clusterBytes > Limit.refTableBytes)
    throw unusableImage(file.path, 'it is too large to be mended');
  const codec = refcountCodec(refcountBits);
  const table = new EntryTable(new Uint8Array(tableClusters * clusterBytes));
  const end = first + tableClusters + regions.length;
  for (const [i, region] of regions.entries()) {
    const block = new Uint8Array(clusterBytes);
    for (let entry = 0; entry < refblockEntries; entry++) {
      const cluster = region * refblockEntries + entry;
      const own = cluster >= first && cluster < end ? 1 : 0;
      const count = countOf(file, geometry, counts.get(cluster) + own, cluster);
      if (count > 0) codec.set(block, entry, count);
    }
    const offset = (first + tableClusters + i) * clusterBytes;
    table.set(region, offset, false);
    await file.write(offset, block);
  }
  await file.write(first * clusterBytes, table.bytes);
  await file.flush();
  const header = { ...image.header, refTableOffset: first * clusterBytes, refTableClusters: tableClusters };
  await file.write(0, formatFields(header));
  await file.flush();
}
