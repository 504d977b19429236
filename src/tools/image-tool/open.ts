import {
  type Compressor,
  DiskFile,
  type DiskFormat,
  type DiskImage,
  diskFormat,
  hasQcow2Magic,
  inspectQcow2,
  openDiskImage,
} from '../../machine/index.ts';
import { usageError } from '../cli/command.ts';

/** How a LUKS container begins. */
const LUKS_MAGIC = Buffer.from('LUKS\xba\xbe', 'latin1');

/**
 * Whether a file begins as qcow2 images do. One that is encrypted is refused by that name, rather than taken for a raw
 * disk of noise.
 */
export async function looksLikeQcow2(path: string, shared: boolean): Promise<boolean> {
  const file = await DiskFile.open(path, { readOnly: true, shared });
  try {
    const start = new Uint8Array(LUKS_MAGIC.length);
    await file.read(0, start);
    if (!LUKS_MAGIC.equals(start)) return hasQcow2Magic(start);
  } finally {
    await file.close();
  }
  throw usageError(`${path} is encrypted (LUKS), which is not supported; said to be raw, it is taken as it is`);
}

/**
 * The format of an image for which none was given. A qcow2 image that names other files is not taken for one without
 * being told: it may be a raw disk, whose guest wrote that header to have a file of the host read.
 */
export async function guessFormat(path: string, option: string): Promise<DiskFormat> {
  if (!(await looksLikeQcow2(path, true))) return 'raw';
  const file = await DiskFile.open(path, { readOnly: true, shared: true });
  try {
    const { header, dataFile } = await inspectQcow2(file);
    if (header.backingFile === undefined && dataFile === undefined) return 'qcow2';
  } finally {
    await file.close();
  }
  throw usageError(
    `${path} looks like a qcow2 image on top of another file; say so with ${option} qcow2, or ${option} raw`,
  );
}

/** How a command opens an image. */
export interface ToolOpenOptions {
  /** As given on the command line. */
  readonly format: string | undefined;
  /** The option that would give it, for messages. */
  readonly option: string;
  readonly readOnly: boolean;
  readonly shared?: boolean;
  readonly backing?: 'read' | 'write' | 'none';
  readonly compressor?: Compressor;
}

/** Opens an image in the format that was given, or that it seems to have. */
export async function openForTool(path: string, options: ToolOpenOptions): Promise<DiskImage> {
  const { format, option, readOnly, shared = false, backing = 'read', compressor } = options;
  const known = format === undefined ? await guessFormat(path, option) : diskFormat(path, format);
  return openDiskImage(path, { format: known, readOnly, shared, backing, compressor });
}

/** Runs a job with things that are closed afterwards, the last one first, whatever happens. */
export async function withOpen<T>(
  job: (keep: <C extends { close(): Promise<void> }>(one: C) => C) => Promise<T>,
): Promise<T> {
  const kept: { close(): Promise<void> }[] = [];
  const closeAll = async () => {
    const errors: unknown[] = [];
    for (const one of kept.splice(0).reverse()) await one.close().catch((error: unknown) => errors.push(error));
    if (errors.length > 0) throw errors[0];
  };
  let result: T;
  try {
    result = await job((one) => {
      kept.push(one);
      return one;
    });
  } catch (error) {
    // What went wrong first is what to tell.
    await closeAll().catch(() => undefined);
    throw error;
  }
  await closeAll();
  return result;
}
