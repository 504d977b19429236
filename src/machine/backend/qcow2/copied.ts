import type { Qcow2Core } from './core.ts';
import type { Geometry } from './geometry.ts';
import { readEntry } from './l2-entry.ts';
import { COPIED_HI } from './spec.ts';
import type { CachedTable } from './table-cache.ts';

/** What an L2 entry says of its cluster's references; undefined if it has none of its own. */
export function hasFlagCopied(
  geometry: Geometry,
  table: CachedTable,
  index: number,
): { readonly copied: boolean; readonly cluster: number } | undefined {
  const entry = readEntry(geometry, table, index);
  if (entry.compressed || !entry.allocated || entry.host % geometry.clusterBytes !== 0) return undefined;
  return { copied: entry.copied, cluster: entry.host / geometry.clusterBytes };
}

/** Sets the flag COPIED of an L2 entry, or takes it away. */
export function setFlagCopied(geometry: Geometry, table: CachedTable, index: number, copied: boolean): void {
  const at = index * geometry.l2EntryBytes;
  const hi = table.view.getUint32(at);
  table.view.setUint32(at, (copied ? hi | COPIED_HI : hi & ~COPIED_HI) >>> 0);
}

/**
 * Makes the flags COPIED of the disk as it is now say what the reference counts say. Inside `exclusive`, with nothing
 * to commit before; what is changed is to be committed.
 */
export async function mendCopied(core: Qcow2Core): Promise<void> {
  const { geometry } = core;
  const { clusterBytes, l2Entries } = geometry;
  for (let l1Index = 0; l1Index < core.header.l1Entries; l1Index++) {
    const offset = core.l1.offset(l1Index);
    if (offset === 0) continue;
    const own = (await core.refcounts.get(offset / clusterBytes)) === 1;
    if (own !== core.l1.copied(l1Index)) core.setL1(l1Index, offset, own);
    const flags = await core.withL2(l1Index, (table) => {
      return Array.from({ length: l2Entries }, (_, i) => table && hasFlagCopied(geometry, table, i));
    });
    const wrong: number[] = [];
    for (const [i, flag] of flags.entries()) {
      if (flag === null || flag === undefined) continue;
      const single = geometry.dataFile || (await core.refcounts.get(flag.cluster)) === 1;
      if (single !== flag.copied) wrong.push(i);
    }
    if (wrong.length === 0) continue;
    await core.withL2(l1Index, (table) => {
      if (table === null) return;
      for (const i of wrong) {
        setFlagCopied(geometry, table, i, flags[i]?.copied === false);
        core.l2.touch(table, i * geometry.l2EntryBytes, 8);
      }
    });
    if (core.l2.crowded) await core.commit();
  }
}
