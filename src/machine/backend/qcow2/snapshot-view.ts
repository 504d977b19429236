import { VirtError } from '../../../util/index.ts';
import type { DiskImage, Extent } from '../disk-image.ts';
import type { Compressor } from './compression.ts';
import { Qcow2Core } from './core.ts';
import type { EntryTable } from './entry-table.ts';
import { Qcow2Reader } from './reader.ts';
import type { Qcow2Snapshot } from './snapshot-table.ts';
import { SECTOR_BYTES } from './spec.ts';

/** The disk as an internal snapshot has it, read-only, on an image that stays open. Closing it closes nothing. */
export class SnapshotView implements DiskImage {
  readonly format = 'qcow2';
  readonly readOnly = true;
  readonly path: string;
  readonly sectors: number;
  readonly backing: DiskImage | undefined;
  readonly #reader: Qcow2Reader;

  constructor(
    core: Qcow2Core,
    { backing, compressor }: { readonly backing: DiskImage | undefined; readonly compressor?: Compressor | undefined },
    snapshot: Qcow2Snapshot,
    l1: EntryTable,
  ) {
    const { l1Offset, l1Entries, diskBytes } = snapshot;
    const { file, geometry, snapshotTable } = core;
    const header = { ...core.header, l1Offset, l1Entries, size: diskBytes };
    // Nothing is allocated through it, so that it needs no reference counts.
    const image = { header, geometry, l1, refTable: l1, snapshotTable };
    this.path = `${file.path}, snapshot '${snapshot.name}'`;
    this.sectors = Math.floor(diskBytes / SECTOR_BYTES);
    this.backing = backing;
    this.#reader = new Qcow2Reader(new Qcow2Core(file, undefined, image, false), backing, compressor);
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    this.#check(offset, into.length);
    await this.#reader.read(offset, into);
  }

  async extent(offset: number, bytes: number): Promise<Extent> {
    this.#check(offset, bytes);
    return this.#reader.extent(offset, bytes);
  }

  write(): Promise<void> {
    return this.#refuse();
  }

  discard(): Promise<void> {
    return this.#refuse();
  }

  writeZeroes(): Promise<void> {
    return this.#refuse();
  }

  resize(): Promise<void> {
    return this.#refuse();
  }

  async flush(): Promise<void> {}

  onResize(): void {}

  async close(): Promise<void> {}

  #check(offset: number, bytes: number): void {
    if (offset + bytes <= this.sectors * SECTOR_BYTES) return;
    throw new RangeError(`${bytes} bytes at ${offset} are beyond the end of ${this.path}`);
  }

  async #refuse(): Promise<never> {
    throw new VirtError('OPERATION_INVALID', `cannot change ${this.path}: it is a snapshot`);
  }
}
