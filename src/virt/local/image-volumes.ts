import { stat } from 'node:fs/promises';
import {
  copyDisk,
  createQcow2,
  DiskFile,
  type DiskImage,
  diskBytes,
  hasQcow2Magic,
  inspectQcow2,
  namedFile,
  openDiskImage,
  type Qcow2Facts,
  Qcow2Image,
} from '../../machine/index.ts';
import { virtError } from '../errors.ts';
import type { NewVolume, StoredVolume, VolumeImage } from './storage-driver.ts';

/** Pieces of a copy that are under way at a time. */
const PARALLEL = 4;

/** What an image's own header says of a file; a file that begins as qcow2 images do but is malformed is one all the same. */
export async function lookAtImage(path: string): Promise<{ capacity?: number; image: VolumeImage }> {
  const raw = { image: { format: 'raw' } } as const;
  // Machines may be writing it, and pools are looked through all the time.
  const file = await DiskFile.open(path, { readOnly: true, shared: true }).catch(() => undefined);
  if (file === undefined) return raw;
  try {
    const start = new Uint8Array(4);
    await file.read(0, start);
    if (!hasQcow2Magic(start)) return raw;
    const facts = await inspectQcow2(file);
    return { capacity: facts.header.size, image: describeImage(path, facts) };
  } catch {
    return { image: { format: 'qcow2' } };
  } finally {
    await file.close();
  }
}

function describeImage(path: string, facts: Qcow2Facts): VolumeImage {
  const { header, clusterBytes, lazyRefcounts, extendedL2, backingFormat } = facts;
  return {
    format: 'qcow2',
    compat: header.version === 2 ? '0.10' : '1.1',
    clusterBytes,
    lazyRefcounts,
    extendedL2,
    ...(header.backingFile === undefined
      ? {}
      : { backing: { path: plainPath(path, header.backingFile), format: backingFormat ?? 'raw' } }),
  };
}

/** A name that is none of a file's is told as it is. */
function plainPath(image: string, name: string): string {
  try {
    return namedFile(image, 'backing file', name);
  } catch {
    return name;
  }
}

/** Makes a qcow2 image in a new, empty file. */
export async function makeImage(path: string, volume: NewVolume): Promise<void> {
  const { image, capacity } = volume;
  const { backing } = image;
  const file = await DiskFile.open(path);
  try {
    await createQcow2(file, {
      size: Math.ceil(capacity / 512) * 512,
      version: image.compat === '0.10' ? 2 : 3,
      lazyRefcounts: image.lazyRefcounts ?? false,
      extendedL2: image.extendedL2 ?? false,
      ...(image.clusterBytes === undefined ? {} : { clusterBytes: image.clusterBytes }),
      ...(backing === undefined ? {} : { backingFile: backing.path, backingFormat: backing.format }),
    });
  } finally {
    await file.close();
  }
  if (volume.preallocate || volume.allocation >= capacity) await takePlace(path, volume);
}

/** Metadata alone, or the whole of the disk. */
async function takePlace(path: string, { image, capacity, allocation }: NewVolume): Promise<void> {
  if (image.backing !== undefined || capacity === 0) return;
  await withImage(path, { format: 'qcow2' }, async (disk) => {
    if (allocation < capacity) {
      if (disk instanceof Qcow2Image) await disk.preallocate();
    } else {
      const zeroes = new Uint8Array(1024 * 1024);
      const size = diskBytes(disk);
      for (let at = 0; at < size; at += zeroes.length)
        await disk.write(at, zeroes.subarray(0, Math.min(zeroes.length, size - at)));
    }
    await disk.flush();
  });
}

/** Copies what a volume's disk reads as to a new image, which is as large at least. */
export async function copyVolume(from: StoredVolume, path: string, format: 'raw' | 'qcow2'): Promise<void> {
  if (from.image.backing !== undefined) {
    // The header may be a guest's work, made to have another file read.
    throw virtError('OPERATION_UNSUPPORTED', `volume '${from.name}' is on top of another image, it cannot be cloned`);
  }
  await withImage(from.path, { format: from.image.format === 'qcow2' ? 'qcow2' : 'raw', readOnly: true }, (source) =>
    withImage(path, { format }, async (target) => {
      const bytes = Math.min(diskBytes(source), diskBytes(target));
      const write = (offset: number, part: Uint8Array) => target.write(offset, part);
      await copyDisk(source, { write }, { parallel: PARALLEL, sparseBytes: 4096, bytes });
      await target.flush();
    }),
  );
}

/** Gives an image's disk another size. What is new reads as zeroes, whatever the image is on top of. */
export async function resizeImage(path: string, capacity: number): Promise<void> {
  await withImage(path, { format: 'qcow2', backing: 'none' }, async (disk) => {
    await disk.resize(Math.ceil(capacity / 512) * 512);
    await disk.flush();
  });
}

/** Bytes of a file now. */
export async function fileBytes(path: string): Promise<number> {
  return (await stat(path)).size;
}

async function withImage<T>(
  path: string,
  options: Parameters<typeof openDiskImage>[1],
  use: (disk: DiskImage) => Promise<T>,
): Promise<T> {
  const disk = await openDiskImage(path, options);
  let result: T;
  try {
    result = await use(disk);
  } catch (error) {
    await disk.close().catch(() => undefined);
    throw error;
  }
  await disk.close();
  return result;
}
