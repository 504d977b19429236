import { basename, dirname, resolve } from 'node:path';
import { VirtError } from '../../util/index.ts';
import type { Connection, StoragePool } from '../../virt/index.ts';
import { attempt, CommandFailure } from '../cli/virsh/failure.ts';
import { poolCalled } from '../cli/virsh/lookup.ts';
import { element } from '../cli/virsh/xml.ts';
import type { DiskRequest } from './devices.ts';

/** What was made, so that it can be taken back. */
export type Undo = () => Promise<void>;

function isMissing(error: unknown): boolean {
  return error instanceof VirtError && (error.code === 'NO_STORAGE_POOL' || error.code === 'NO_STORAGE_VOL');
}

/** Undefined when it is not there. */
async function unlessMissing<T>(look: Promise<T>): Promise<T | undefined> {
  try {
    return await look;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Makes an image in a pool, unless it is there. */
async function ensureVolume(pool: StoragePool, name: string, disk: DiskRequest): Promise<Undo | undefined> {
  await pool.refresh();
  if ((await unlessMissing(pool.lookupVolumeByName(name))) !== undefined) return undefined;
  if (disk.sizeBytes === undefined) {
    throw new CommandFailure(`Size must be specified for non existent volume '${name}'`);
  }
  const sparse = disk.settings.text('sparse') === undefined || disk.settings.flag('sparse');
  const xml = element('volume', {}, [
    element('name', {}, name),
    element('capacity', { unit: 'bytes' }, String(disk.sizeBytes)),
    element('allocation', { unit: 'bytes' }, sparse ? '0' : String(disk.sizeBytes)),
    element('target', {}, [element('format', { type: disk.format })]),
  ]);
  const volume = await attempt(`Failed to create disk image '${name}'`, pool.createVolumeXML(xml));
  return () => volume.delete();
}

/** Uses a directory as a pool; one that is not defined as such is one only meanwhile. */
async function withDirectory<T>(connection: Connection, directory: string, use: (pool: StoragePool) => Promise<T>) {
  const found = await unlessMissing(connection.storagePoolLookupByTargetPath(directory));
  if (found !== undefined && (await found.isActive())) return use(found);
  const xml = element('pool', { type: 'dir' }, [
    element('name', {}, `install-${process.pid}-${Date.now()}`),
    element('target', {}, [element('path', {}, directory)]),
  ]);
  const pool = await attempt(`Failed to use directory ${directory}`, connection.storagePoolCreateXML(xml));
  try {
    return await use(pool);
  } finally {
    await pool.destroy();
  }
}

/** A disk as the domain gets it: the image is there. */
export interface ReadyDisk {
  readonly disk: DiskRequest;
  readonly undo?: Undo;
}

function ready(disk: DiskRequest, undo: Undo | undefined): ReadyDisk {
  return undo === undefined ? { disk } : { disk, undo };
}

/** Makes what a disk needs and is not there yet. */
export async function prepareDisk(connection: Connection, disk: DiskRequest, domain: string): Promise<ReadyDisk> {
  if (disk.pool !== undefined) {
    const pool = await poolCalled(connection, disk.pool);
    const extension = disk.format === 'raw' ? 'img' : disk.format;
    const volume = disk.volume ?? `${domain}.${extension}`;
    return ready({ ...disk, pool: pool.name, volume }, await ensureVolume(pool, volume, disk));
  }
  if (disk.path === undefined) return { disk };
  const path = resolve(disk.path);
  // Without a size the image is there, or starting the domain says that it is not.
  if (disk.sizeBytes === undefined) return { disk: { ...disk, path } };
  const made = await withDirectory(connection, dirname(path), async (pool) => {
    const undo = await ensureVolume(pool, basename(path), disk);
    return undo === undefined ? undefined : path;
  });
  if (made === undefined) return { disk: { ...disk, path } };
  const remove = () =>
    withDirectory(connection, dirname(path), async (pool) => {
      await (await pool.lookupVolumeByName(basename(path))).delete();
    });
  return { disk: { ...disk, path }, undo: remove };
}

/** A disk as `--print-xml` and `--dry-run` show it: nothing is made. */
export function plannedDisk(disk: DiskRequest, domain: string): DiskRequest {
  if (disk.pool !== undefined) return { ...disk, volume: disk.volume ?? `${domain}.img` };
  return disk.path === undefined ? disk : { ...disk, path: resolve(disk.path) };
}
