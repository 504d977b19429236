import type { Geometry } from './geometry.ts';
import { allSubclusters, type ClusterEntry, subclusterBits } from './l2-entry.ts';

/** A part of a cluster, in bytes from its start. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** What has to be done to write a part of one guest cluster. */
export interface ClusterPlan {
  /** Number of the guest cluster. */
  readonly cluster: number;
  readonly entry: ClusterEntry;
  /** What is written. */
  readonly part: ByteRange;
  /** What has to be filled with what the guest sees there now, before and after `part`; in order. */
  readonly fills: readonly ByteRange[];
  /** The data goes where the cluster is already. */
  readonly inPlace: boolean;
  /** The entry has to be changed. */
  readonly relink: boolean;
  /** Subclusters' bits afterwards. */
  readonly data: number;
  readonly zero: number;
}

/** Runs of subclusters that have data in the host cluster, other than those in `except`. */
function otherData(geometry: Geometry, entry: ClusterEntry, except: number): ByteRange[] {
  const { subclusters, subclusterBytes } = geometry;
  const ranges: ByteRange[] = [];
  for (let sub = 0; sub < subclusters; sub++) {
    if ((((entry.data & ~except) >>> sub) & 1) === 0) continue;
    const from = sub * subclusterBytes;
    const last = ranges[ranges.length - 1];
    if (last?.to === from) ranges[ranges.length - 1] = { from: last.from, to: from + subclusterBytes };
    else ranges.push({ from, to: from + subclusterBytes });
  }
  return ranges;
}

/** Plans to write `part` of a guest cluster. In a data file a cluster's place is given by the guest's, so it is always in place. */
export function planCluster(geometry: Geometry, cluster: number, entry: ClusterEntry, part: ByteRange): ClusterPlan {
  const { subclusterBytes, clusterBytes, dataFile } = geometry;
  if (entry.compressed) {
    const fills = [
      { from: 0, to: part.from },
      { from: part.to, to: clusterBytes },
    ].filter(({ from, to }) => from < to);
    const data = allSubclusters(geometry);
    return { cluster, entry, part, fills, inPlace: false, relink: true, data, zero: 0 };
  }
  const first = Math.floor(part.from / subclusterBytes);
  const last = Math.ceil(part.to / subclusterBytes) - 1;
  const bits = subclusterBits(first, last);
  const inPlace = dataFile || (entry.allocated && entry.copied);
  const holds = (sub: number) => inPlace && ((entry.data >>> sub) & 1) !== 0;
  const fills: ByteRange[] = [];
  if (part.from > first * subclusterBytes && !holds(first))
    fills.push({ from: first * subclusterBytes, to: part.from });
  if (part.to < (last + 1) * subclusterBytes && !holds(last)) {
    fills.push({ from: part.to, to: (last + 1) * subclusterBytes });
  }
  if (!inPlace && entry.allocated) fills.push(...otherData(geometry, entry, bits));
  if (fills.length > 1) fills.sort((a, b) => a.from - b.from);
  const data = (entry.data | bits) >>> 0;
  return {
    cluster,
    entry,
    part,
    fills,
    inPlace,
    relink: !inPlace || data !== entry.data || !entry.copied,
    data,
    zero: (entry.zero & ~bits) >>> 0,
  };
}
