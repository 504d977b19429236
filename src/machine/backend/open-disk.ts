import { stat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { type Logger, silentLogger } from '../../util/index.ts';
import { type DiskFormat, type DiskImage, diskFormats } from './disk-image.ts';
import { FileBlock } from './file-block.ts';
import { DiskFile, unusableImage } from './host-file.ts';
import type { Compressor } from './qcow2/compression.ts';
import { extensionText, hasMagic, type Qcow2Header } from './qcow2/header.ts';
import { Qcow2Image } from './qcow2/image.ts';
import { loadHeader } from './qcow2/load.ts';
import { Extension, Incompatible } from './qcow2/spec.ts';

/** Images in a chain at most. */
const CHAIN_MAX = 200;

/** How to open a disk image. */
export interface OpenDiskOptions {
  /** Never guessed from what is in the file: that is the guest's to choose. */
  readonly format: DiskFormat;
  readonly readOnly?: boolean;
  /** `none`: without what it is on top of; `write`: the image right below is opened to be written too. */
  readonly backing?: 'read' | 'write' | 'none';
  /** The file of an image in its chain that is opened to be written, too. */
  readonly writeTo?: string;
  /** Takes no locks; read-only. */
  readonly shared?: boolean;
  /** Flushing the image and its data file does nothing: for what can be made anew if the host fails meanwhile. */
  readonly unsafe?: boolean;
  /** Writes to the image's file go to the host one after another. */
  readonly inTurn?: boolean;
  readonly logger?: Logger;
  /** What compresses and decompresses clusters, if not the thread that calls and Node's own. */
  readonly compressor?: Compressor | undefined;
}

/** The name of a format as one that is known here. Throws INVALID_ARG with `what` in it. */
export function diskFormat(what: string, name: string): DiskFormat {
  const found = diskFormats.find((format) => format === name);
  if (found === undefined) throw unusableImage(what, `its format '${name}' is not supported; raw and qcow2 are`);
  return found;
}

/**
 * The file that an image means by a name in its header, relative to its own directory. Throws INVALID_ARG for names of
 * other things than files.
 */
export function namedFile(image: string, what: string, name: string): string {
  const plain = name.startsWith('file:') ? name.slice('file:'.length) : name;
  // As QEMU tells protocols from files: a colon before any slash.
  if (/^[^/]*:/.test(plain)) throw unusableImage(image, `its ${what} '${name}' is not a file, which is not supported`);
  return isAbsolute(plain) ? plain : join(dirname(image), plain);
}

/** Tells images apart, before they are opened. */
async function identityOf(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found === undefined ? undefined : `${found.dev}:${found.ino}`;
}

/** Whether two names are of one file, both of them there. */
export async function sameFile(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([identityOf(a), identityOf(b)]);
  return one !== undefined && one === other;
}

/** What has been opened on the way down a chain. */
class Chain {
  readonly #identities = new Set<string>();
  readonly #logger: Logger;
  readonly #writeTo: string | undefined;

  /** @param writeTo identity of an image that is to be written */
  constructor(logger: Logger, writeTo: string | undefined) {
    this.#logger = logger;
    this.#writeTo = writeTo;
  }

  async open(path: string, options: OpenDiskOptions): Promise<DiskImage> {
    const {
      format,
      readOnly = false,
      backing = 'read',
      shared = false,
      unsafe = false,
      inTurn = false,
      compressor,
    } = options;
    if (this.#identities.size >= CHAIN_MAX) throw unusableImage(path, `it is below ${CHAIN_MAX} others`);
    const identity = await identityOf(path);
    if (identity !== undefined) this.#identities.add(identity);
    if (format === 'raw') return FileBlock.open(path, { readOnly, shared, unsafe, inTurn });
    const file = await DiskFile.open(path, { readOnly, shared, unsafe, inTurn });
    const opened: { close(): Promise<void> }[] = [file];
    try {
      const header = await loadHeader(file);
      const dataFile = await this.#openData(file, header, { shared, unsafe });
      if (dataFile !== undefined) opened.push(dataFile);
      const below =
        backing === 'none'
          ? undefined
          : await this.#openBacking(path, header, { readOnly: backing === 'read', shared, compressor });
      if (below !== undefined) opened.push(below);
      return await Qcow2Image.open(file, { readOnly, backing: below, dataFile, logger: this.#logger, compressor });
    } catch (error) {
      await Promise.allSettled(opened.map((one) => one.close()));
      throw error;
    }
  }

  async #openBacking(
    path: string,
    header: Qcow2Header,
    options: Omit<OpenDiskOptions, 'format'>,
  ): Promise<DiskImage | undefined> {
    if (header.backingFile === undefined) return undefined;
    const below = namedFile(path, 'backing file', header.backingFile);
    await this.#mustBeNew(path, 'backing file', below);
    const isWritten = this.#writeTo !== undefined && (await identityOf(below)) === this.#writeTo;
    const format = await backingFormat(path, below, extensionText(header, Extension.BACKING_FORMAT));
    try {
      return await this.open(below, { format, ...options, ...(isWritten ? { readOnly: false } : {}) });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw unusableImage(path, `its backing file cannot be opened: ${reason}`, error);
    }
  }

  async #openData(
    file: DiskFile,
    header: Qcow2Header,
    options: Pick<OpenDiskOptions, 'shared' | 'unsafe'>,
  ): Promise<DiskFile | undefined> {
    if ((header.incompatible & Incompatible.DATA_FILE) === 0n) return undefined;
    const name = extensionText(header, Extension.DATA_FILE);
    if (name === undefined) throw unusableImage(file.path, 'it does not say what its external data file is');
    const path = namedFile(file.path, 'external data file', name);
    await this.#mustBeNew(file.path, 'external data file', path);
    const identity = await identityOf(path);
    if (identity !== undefined) this.#identities.add(identity);
    return DiskFile.open(path, { ...options, readOnly: file.readOnly });
  }

  async #mustBeNew(path: string, what: string, named: string): Promise<void> {
    const identity = await identityOf(named);
    if (identity === undefined || !this.#identities.has(identity)) return;
    throw unusableImage(path, `its ${what} '${named}' is in its own chain already`);
  }
}

/**
 * The format of a backing image. One that is not named in the header is raw, and if it does not look as if it were, the
 * image is refused: its guest may have written that header to get at other files of the host.
 */
async function backingFormat(path: string, below: string, name: string | undefined): Promise<DiskFormat> {
  if (name !== undefined) return diskFormat(below, name);
  const start = new Uint8Array(4);
  const file = await DiskFile.open(below, { readOnly: true, shared: true }).catch((error: Error) => {
    throw unusableImage(path, `its backing file cannot be opened: ${error.message}`, error);
  });
  try {
    await file.read(0, start);
  } finally {
    await file.close();
  }
  if (!hasMagic(start)) return 'raw';
  const advice = `say which it is: nodevisor image rebase -u -F qcow2 -b '${below}' '${path}'`;
  throw unusableImage(path, `it does not name the format of its backing file, which looks like qcow2; ${advice}`);
}

/**
 * Opens a disk image and all that it is on top of, and locks them. Throws INVALID_ARG, naming the file and what is wrong
 * with it; then nothing is left open.
 */
export async function openDiskImage(path: string, options: OpenDiskOptions): Promise<DiskImage> {
  const writeTo = options.writeTo === undefined ? undefined : await identityOf(options.writeTo);
  return new Chain(options.logger ?? silentLogger, writeTo).open(path, options);
}
