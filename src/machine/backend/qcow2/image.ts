import { type Logger, silentLogger, VirtError } from '../../../util/index.ts';
import type { DiskImage, Extent } from '../disk-image.ts';
import { type HostFile, unusableImage } from '../host-file.ts';
import { Qcow2Clearer } from './clearer.ts';
import type { Compressor } from './compression.ts';
import { Qcow2Core } from './core.ts';
import { extensionText, type Qcow2Header } from './header.ts';
import { loadImage } from './load.ts';
import { Qcow2Reader } from './reader.ts';
import { repairRefcounts } from './repair.ts';
import { growDisk, shrinkDisk } from './resize.ts';
import type { Qcow2Snapshot } from './snapshot-table.ts';
import { applySnapshot, createSnapshot, deleteSnapshot, type NewSnapshot, readSnapshotData } from './snapshots.ts';
import { Extension, Incompatible, Limit, SECTOR_BYTES } from './spec.ts';
import { Qcow2Writer } from './writer.ts';

/** What an image is opened with besides its file. */
export interface Qcow2Options {
  /** Nothing is written, neither guest data nor metadata. */
  readonly readOnly?: boolean;
  /** What it is on top of; closed with it. Without one, what the image does not have reads as zeroes. */
  readonly backing?: DiskImage | undefined;
  /** Its external data file, if its header says that it has one; closed with it. */
  readonly dataFile?: HostFile | undefined;
  readonly logger?: Logger;
  /** What compresses and decompresses clusters, if not the thread that calls and Node's own. */
  readonly compressor?: Compressor | undefined;
}

/** An image in the format qcow2, version 2 or 3. */
export class Qcow2Image implements DiskImage {
  readonly format = 'qcow2';
  readonly readOnly: boolean;
  readonly #core: Qcow2Core;
  readonly #reader: Qcow2Reader;
  readonly #writer: Qcow2Writer;
  readonly #clearer: Qcow2Clearer;
  readonly #dataFile: HostFile | undefined;
  readonly #compressor: Compressor | undefined;
  #backing: DiskImage | undefined;
  #resized: () => void = () => {};

  private constructor(core: Qcow2Core, options: Qcow2Options) {
    this.readOnly = !core.writable;
    this.#core = core;
    this.#backing = options.backing;
    this.#dataFile = options.dataFile;
    this.#compressor = options.compressor;
    this.#reader = new Qcow2Reader(core, options.backing, options.compressor);
    this.#writer = new Qcow2Writer(core, this.#reader);
    this.#clearer = new Qcow2Clearer(core, this.#reader, this.#writer, options.backing !== undefined);
  }

  /**
   * Opens the image in `file`, which is closed with it; when this fails, `file` stays open. One that was not closed in
   * order has its reference counts put right first. Throws INVALID_ARG, naming the image, for one that is malformed,
   * not supported, or to be written although it is marked as corrupt.
   */
  static async open(file: HostFile, options: Qcow2Options = {}): Promise<Qcow2Image> {
    const { readOnly = false, dataFile, logger = silentLogger } = options;
    let loaded = await loadImage(file);
    const { incompatible } = loaded.header;
    if (((incompatible & Incompatible.DATA_FILE) !== 0n) !== (dataFile !== undefined)) {
      throw unusableImage(file.path, dataFile === undefined ? 'its data file is not given' : 'it has no data file');
    }
    if (!readOnly && (incompatible & Incompatible.CORRUPT) !== 0n) {
      throw unusableImage(file.path, 'it is marked as corrupt; "nodevisor image check -r all" may mend it');
    }
    if (!readOnly && (incompatible & Incompatible.DIRTY) !== 0n) {
      logger.log('info', `disk image '${file.path}' was not closed in order: its reference counts are put right`);
      await repairRefcounts(file, loaded);
      loaded = await loadImage(file);
    }
    const core = new Qcow2Core(file, dataFile, loaded, !readOnly);
    if (!readOnly) await core.beginWriting();
    return new Qcow2Image(core, options);
  }

  get path(): string {
    return this.#core.file.path;
  }

  get sectors(): number {
    return Math.floor(this.#core.header.size / SECTOR_BYTES);
  }

  get header(): Qcow2Header {
    return this.#core.header;
  }

  get backing(): DiskImage | undefined {
    return this.#backing;
  }

  /** Bytes of a cluster. */
  get clusterBytes(): number {
    return this.#core.geometry.clusterBytes;
  }

  /** The internal snapshots, oldest first. */
  get snapshots(): readonly Qcow2Snapshot[] {
    return this.#core.snapshotTable.snapshots;
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    this.#check(offset, into.length);
    await this.#holding(offset, into.length, () => this.#reader.read(offset, into));
  }

  readBlocks(offset: number, blockBytes: number, into: Uint8Array, runs: Uint32Array): Promise<number> {
    this.#check(offset, into.length);
    return this.#holding(offset, into.length, () => this.#reader.readBlocks(offset, blockBytes, into, runs));
  }

  async write(offset: number, from: Uint8Array): Promise<void> {
    this.#checkWrite(offset, from.length);
    await this.#writer.write(offset, from);
  }

  /** Writes whole clusters in compressed form. Not for images with an external data file. */
  async writeCompressed(offset: number, from: Uint8Array): Promise<void> {
    this.#checkWrite(offset, from.length);
    await this.#writer.writeCompressed(offset, from);
  }

  /** Gives places to all clusters from byte `from` on, where nothing has been written yet: they read as zeroes still. */
  async preallocate(from = 0): Promise<void> {
    this.#requireWritable('preallocate');
    await this.#writer.preallocate(from);
  }

  flush(): Promise<void> {
    return this.#core.flush();
  }

  async discard(offset: number, bytes: number): Promise<void> {
    this.#checkWrite(offset, bytes);
    await this.#clearer.discard(offset, bytes);
  }

  async writeZeroes(offset: number, bytes: number, unmap: boolean): Promise<void> {
    this.#checkWrite(offset, bytes);
    await this.#clearer.writeZeroes(offset, bytes, unmap);
  }

  /** The range reads as zeroes, whatever the image is put on top of later. */
  async markZeroes(offset: number, bytes: number): Promise<void> {
    this.#checkWrite(offset, bytes);
    await this.#clearer.writeZeroes(offset, bytes, true, true);
  }

  /** Takes everything out of the image, so that it shows what is below. */
  async makeEmpty(): Promise<void> {
    this.#requireWritable('empty');
    await this.#clearer.empty();
  }

  extent(offset: number, bytes: number): Promise<Extent> {
    this.#check(offset, bytes);
    return this.#holding(offset, bytes, () => this.#reader.extent(offset, bytes));
  }

  onResize(callback: () => void): void {
    this.#resized = callback;
  }

  async resize(bytes: number): Promise<void> {
    if (!Number.isSafeInteger(bytes) || bytes <= 0 || bytes % SECTOR_BYTES !== 0 || bytes > Limit.diskBytes) {
      throw new VirtError('INVALID_ARG', `a disk of ${bytes} bytes: its size must be a positive multiple of 512`);
    }
    this.#requireWritable('resize');
    const { size } = this.#core.header;
    if (bytes > size) await growDisk(this.#core, this.#clearer, this.#backing, bytes);
    else if (bytes < size) await shrinkDisk(this.#core, this.#clearer, bytes);
    this.#resized();
  }

  /** Keeps the disk's contents as they are now as an internal snapshot. Throws OPERATION_INVALID for a name in use. */
  async createSnapshot(snapshot: NewSnapshot): Promise<void> {
    this.#requireWritable('snapshot');
    await this.#alone(() => createSnapshot(this.#core, snapshot));
  }

  /** Brings the disk's contents back to those of a snapshot, its size included. */
  async applySnapshot(name: string): Promise<void> {
    this.#requireWritable('revert');
    await this.#alone(() => applySnapshot(this.#core, name));
    this.#resized();
  }

  async deleteSnapshot(name: string): Promise<void> {
    this.#requireWritable('delete a snapshot of');
    await this.#alone(() => deleteSnapshot(this.#core, name));
  }

  /** A snapshot's disk, to be read; valid until this image is changed or closed. */
  openSnapshot(name: string): Promise<DiskImage> {
    return readSnapshotData(this.#core, { backing: this.#backing, compressor: this.#compressor }, name);
  }

  /** Changes the name of the backing image in the header, and nothing else: whoever calls knows what that means. */
  async renameBacking(name: string | undefined, format: string | undefined): Promise<void> {
    this.#requireWritable('rebase');
    const others = this.#core.header.extensions.filter(({ type }) => type !== Extension.BACKING_FORMAT);
    const data = new TextEncoder().encode(format ?? '');
    const extensions = format === undefined ? others : [{ type: Extension.BACKING_FORMAT, data }, ...others];
    await this.#core.exclusive(() => this.#core.rewriteHeader({ backingFile: name, extensions }));
  }

  /** The format that the header says its backing image has. */
  get backingFormat(): string | undefined {
    return extensionText(this.#core.header, Extension.BACKING_FORMAT);
  }

  async close(): Promise<void> {
    const steps = [
      () => this.#core.finish(),
      () => this.#dataFile?.close(),
      () => this.#backing?.close(),
      () => this.#core.file.close(),
    ];
    // Everything is closed, whatever goes wrong with a part of it; the first error is the one to tell.
    const errors: unknown[] = [];
    for (const step of steps) await Promise.resolve(step()).catch((error: unknown) => errors.push(error));
    if (errors.length > 0) throw errors[0];
  }

  async #holding<T>(offset: number, bytes: number, job: () => Promise<T>): Promise<T> {
    const { locks, geometry } = this.#core;
    const first = Math.floor(offset / geometry.clusterBytes);
    const last = Math.floor((offset + Math.max(bytes, 1) - 1) / geometry.clusterBytes);
    const taken = locks.take(first, last, false);
    const hold = taken instanceof Promise ? await taken : taken;
    try {
      return await job();
    } finally {
      locks.release(hold);
    }
  }

  /** Runs a job while nobody reads or writes. */
  async #alone<T>(job: () => Promise<T>): Promise<T> {
    const hold = await this.#core.locks.take(0, Number.MAX_SAFE_INTEGER, true);
    try {
      return await this.#core.exclusive(job);
    } finally {
      this.#core.locks.release(hold);
    }
  }

  #check(offset: number, bytes: number): void {
    if (offset + bytes <= this.sectors * SECTOR_BYTES) return;
    throw new RangeError(`${bytes} bytes at ${offset} are beyond the end of disk image '${this.path}'`);
  }

  #checkWrite(offset: number, bytes: number): void {
    this.#requireWritable('write');
    this.#check(offset, bytes);
  }

  #requireWritable(what: string): void {
    if (!this.readOnly) return;
    throw new VirtError('OPERATION_INVALID', `cannot ${what} disk image '${this.path}': it is read-only`);
  }
}
