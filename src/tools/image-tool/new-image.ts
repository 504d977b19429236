import {
  createQcow2,
  DiskFile,
  type DiskFormat,
  type DiskImage,
  diskBytes,
  namedFile,
  openDiskImage,
  Qcow2Image,
} from '../../machine/index.ts';
import { usageError } from '../cli/command.ts';
import type { NewImageOptions, Preallocation } from './image-options.ts';

/** A new image as it is to be. */
export interface NewImage {
  readonly path: string;
  readonly format: DiskFormat;
  /** Bytes of the disk. */
  readonly size: number;
  readonly options: NewImageOptions;
}

const PIECE_BYTES = 2 * 2 ** 20;

/** Makes an image, over what there may be under its name. Throws INVALID_ARG for options that cannot be. */
export async function makeImage({ path, format, size, options }: NewImage): Promise<void> {
  const { qcow2, preallocation } = options;
  if (preallocation !== 'off' && qcow2.backingFile !== undefined) {
    throw usageError('a backing file and preallocation cannot be used together');
  }
  if (qcow2.dataFile !== undefined) await makeDataFile(namedFile(path, 'external data file', qcow2.dataFile), path);
  const file = await DiskFile.open(path, { create: true });
  try {
    if (format === 'raw') await file.truncate(size);
    else await createQcow2(file, { ...qcow2, size });
  } finally {
    await file.close();
  }
  if (preallocation !== 'off' && size > 0) await preallocate(path, format, preallocation);
}

/** The data file is emptied as the image is, unless it is the image. */
async function makeDataFile(path: string, image: string): Promise<void> {
  if (path === image) throw usageError(`${image} cannot be its own data file`);
  await (await DiskFile.open(path, { create: true })).close();
}

async function preallocate(path: string, format: DiskFormat, how: Preallocation): Promise<void> {
  const disk = await openDiskImage(path, { format });
  try {
    await preallocateFrom(disk, 0, how);
    await disk.flush();
  } finally {
    await disk.close();
  }
}

/** Gives what is behind `from`, and reads as zeroes, its place in the file. */
export async function preallocateFrom(disk: DiskImage, from: number, how: Preallocation): Promise<void> {
  if (how === 'off') return;
  if (how === 'metadata') {
    if (disk instanceof Qcow2Image) await disk.preallocate(from);
    return;
  }
  // Node has no fallocate: the place is taken by writing zeroes to all of it.
  const zeroes = new Uint8Array(PIECE_BYTES);
  const size = diskBytes(disk);
  for (let at = from; at < size; at += PIECE_BYTES)
    await disk.write(at, zeroes.subarray(0, Math.min(PIECE_BYTES, size - at)));
}
