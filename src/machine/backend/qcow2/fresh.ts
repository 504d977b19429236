import type { Qcow2Core } from './core.ts';
import { offsetHi } from './entry-table.ts';
import type { ClusterRun } from './refcounts.ts';
import { COPIED_HI } from './spec.ts';

/** Bytes of an entry that is not extended. */
const ENTRY_BYTES = 8;

/** Inside `exclusive`: takes that many clusters, in as few runs as can be. What was taken is in `taken`, even if it fails. */
export async function takeClusters(core: Qcow2Core, count: number, taken: ClusterRun[]): Promise<void> {
  for (let left = count; left > 0; ) {
    const run = await core.refcounts.allocate(left);
    taken.push(run);
    left -= run.count;
  }
}

/** Makes clusters free again at once to which nothing refers. */
export async function giveBack(core: Qcow2Core, taken: readonly ClusterRun[]): Promise<void> {
  await core
    .exclusive(async () => {
      for (const run of taken) await core.refcounts.change(run, -1);
    })
    .catch(() => undefined);
}

/**
 * Whether a range is made of whole clusters in one L2 table, which the image has nothing in, as far as is known without
 * reading its tables: so it is with nearly all that is written to a new image, and that needs no plan for each cluster.
 */
export function isFresh(core: Qcow2Core, offset: number, bytes: number): boolean {
  const { clusterBytes, l2Span, extended, dataFile } = core.geometry;
  if (extended || dataFile || offset % clusterBytes !== 0 || bytes % clusterBytes !== 0) return false;
  const table = core.peekL2(Math.floor(offset / l2Span));
  if (table === undefined || table === null) return table === null;
  const start = ((offset % l2Span) / clusterBytes) * ENTRY_BYTES;
  const end = start + (bytes / clusterBytes) * ENTRY_BYTES;
  for (let at = start; at < end; at += 4) if (table.view.getUint32(at) !== 0) return false;
  return true;
}

/** Writes a range that is fresh; the caller holds its clusters alone. */
export async function writeFresh(core: Qcow2Core, offset: number, from: Uint8Array): Promise<void> {
  const { clusterBytes } = core.geometry;
  const taken: ClusterRun[] = [];
  try {
    await core.exclusive(() => takeClusters(core, from.length / clusterBytes, taken));
    let at = 0;
    const writes = taken.map(({ cluster, count }) => {
      const part = from.subarray(at, at + count * clusterBytes);
      at += part.length;
      return core.data.write(cluster * clusterBytes, part);
    });
    // None may be under way when its place is given back.
    const ends = await Promise.allSettled(writes);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    await core.exclusive(() => link(core, offset, taken));
  } catch (error) {
    await giveBack(core, taken);
    throw error;
  }
}

/** Makes the L2 table refer to the clusters, one after another. */
function link(core: Qcow2Core, offset: number, taken: readonly ClusterRun[]): Promise<void> {
  const { clusterBytes, l2Span } = core.geometry;
  return core.withOwnL2(Math.floor(offset / l2Span), (table) => {
    const start = ((offset % l2Span) / clusterBytes) * ENTRY_BYTES;
    let at = start;
    for (const { cluster, count } of taken) {
      for (let host = cluster * clusterBytes; host < (cluster + count) * clusterBytes; host += clusterBytes) {
        table.view.setUint32(at, (offsetHi(host) | COPIED_HI) >>> 0);
        table.view.setUint32(at + 4, host >>> 0);
        at += ENTRY_BYTES;
      }
    }
    core.l2.touch(table, start, at - start);
  });
}
