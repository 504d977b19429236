import type { Qcow2Header } from './header.ts';
import { Autoclear, Incompatible, SUBCLUSTERS } from './spec.ts';

/** What follows from an image's header, once and for all. */
export class Geometry {
  readonly version: 2 | 3;
  readonly clusterBytes: number;
  /** The unit in which clusters are allocated in part: the cluster itself without extended L2 entries. */
  readonly subclusterBytes: number;
  readonly subclusters: number;
  /** Entries have a second word, the subclusters' bitmap. */
  readonly extended: boolean;
  readonly l2EntryBytes: number;
  readonly l2Entries: number;
  /** Bytes of the disk behind one L2 table. */
  readonly l2Span: number;
  readonly refcountBits: number;
  /** Reference counts in a refcount block. */
  readonly refblockEntries: number;
  /** Highest reference count that can be written, as far as numbers go. */
  readonly refcountMax: number;
  /** Guest data is in another file, at the guest's own offsets. */
  readonly dataFile: boolean;
  /** That file is a raw image by itself. */
  readonly rawDataFile: boolean;

  constructor(header: Qcow2Header) {
    this.version = header.version;
    this.clusterBytes = 2 ** header.clusterBits;
    this.extended = (header.incompatible & Incompatible.EXTENDED_L2) !== 0n;
    this.subclusters = this.extended ? SUBCLUSTERS : 1;
    this.subclusterBytes = this.clusterBytes / this.subclusters;
    this.l2EntryBytes = this.extended ? 16 : 8;
    this.l2Entries = this.clusterBytes / this.l2EntryBytes;
    this.l2Span = this.l2Entries * this.clusterBytes;
    this.refcountBits = 2 ** header.refcountOrder;
    this.refblockEntries = (this.clusterBytes * 8) / this.refcountBits;
    this.refcountMax = Math.min(2 ** this.refcountBits - 1, Number.MAX_SAFE_INTEGER);
    this.dataFile = (header.incompatible & Incompatible.DATA_FILE) !== 0n;
    this.rawDataFile = (header.autoclear & Autoclear.RAW_DATA_FILE) !== 0n;
  }

  /** Clusters that so many bytes take. */
  clusters(bytes: number): number {
    return Math.ceil(bytes / this.clusterBytes);
  }

  /** Entries that an L1 table needs for a disk of so many bytes. */
  l1EntriesFor(bytes: number): number {
    return Math.ceil(bytes / this.l2Span);
  }
}
