import { open } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { homeDirectory, VirtError } from '../../util/index.ts';
import type { Connection, StoragePool, StorageVolume } from '../../virt/index.ts';
import { attempt, CommandFailure } from '../cli/virsh/failure.ts';
import { poolCalled } from '../cli/virsh/lookup.ts';
import { attributeOf, childOf, element, parseXml } from '../cli/virsh/xml.ts';
import { checkRoom } from './checks.ts';
import type { DiskRequest } from './devices.ts';

/** What was made, so that it can be taken back. */
export type Undo = () => Promise<void>;

/** What disks are made with. */
export interface StorageContext {
  readonly connection: Connection;
  readonly env: NodeJS.ProcessEnv;
  /** Name of the domain: volumes without a name are called after it. */
  readonly domain: string;
  /** Nothing is made: the domain is only to be described. */
  readonly plan: boolean;
  /** Room on the host is looked at. */
  readonly checkSize: boolean;
  /** Paths that earlier disks of the same command will have. */
  readonly taken: Set<string>;
  /** Says what the user should know. */
  note(text: string): void;
}

/** The pool of disks that no place is named for. */
const DEFAULT_POOL = 'default';

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

async function createVolume(pool: StoragePool, name: string, disk: DiskRequest): Promise<StorageVolume> {
  if (disk.sizeBytes === undefined) {
    throw new CommandFailure(`Size must be specified for non existent volume '${name}'`);
  }
  const sparse = disk.settings.text('sparse') === undefined || disk.settings.flag('sparse');
  const xml = element('volume', {}, [
    element('name', {}, name),
    element('capacity', { unit: 'bytes' }, String(disk.sizeBytes)),
    element('allocation', { unit: 'bytes' }, sparse ? '0' : String(disk.sizeBytes)),
    element('target', {}, [element('format', { type: disk.format ?? 'qcow2' })]),
  ]);
  return attempt(`Failed to create disk image '${name}'`, pool.createVolumeXML(xml));
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

/** A disk as the domain gets it: the image is there, or will be. */
export interface ReadyDisk {
  readonly disk: DiskRequest;
  readonly undo?: Undo;
}

/** Where images of the user's are kept when nothing else is said. */
function imageDirectory(env: NodeJS.ProcessEnv): string {
  const data = env['XDG_DATA_HOME'];
  return join(data?.startsWith('/') ? data : join(homeDirectory(env), '.local', 'share'), 'nodevisor', 'images');
}

/** The pool for disks without a place, made when it is first needed; undefined: it would be, and this is a plan. */
async function defaultPool({ connection, env, plan }: StorageContext): Promise<StoragePool | string> {
  const found = await unlessMissing(connection.storagePoolLookupByName(DEFAULT_POOL));
  if (found !== undefined) return found;
  const directory = imageDirectory(env);
  const uri = await connection.getURI();
  if (!/^(nodevisor:\/\/\/(session|embed)|test:)/.test(uri)) {
    throw new CommandFailure(`--disk: there is no pool '${DEFAULT_POOL}' here; give path=FILE or pool=NAME`);
  }
  if (plan) return directory;
  const xml = element('pool', { type: 'dir' }, [
    element('name', {}, DEFAULT_POOL),
    element('target', {}, [element('path', {}, directory)]),
  ]);
  const pool = await attempt(`Failed to define pool '${DEFAULT_POOL}'`, connection.storagePoolDefineXML(xml));
  try {
    await pool.build();
    await attempt(`Failed to start pool '${DEFAULT_POOL}'`, pool.create());
    await pool.setAutostart(true);
  } catch (error) {
    await pool.undefine().catch(() => {});
    throw error;
  }
  return pool;
}

/** A name for a new volume that no other has: `box.qcow2`, `box-1.qcow2` … */
async function freeName(pool: StoragePool | undefined, directory: string, disk: DiskRequest, context: StorageContext) {
  const format = disk.format ?? 'qcow2';
  const extension = format === 'raw' ? 'img' : format;
  for (let n = 0; ; n++) {
    const name = `${context.domain}${n === 0 ? '' : `-${n}`}.${extension}`;
    if (context.taken.has(join(directory, name))) continue;
    if (pool === undefined || (await unlessMissing(pool.lookupVolumeByName(name))) === undefined) return name;
  }
}

/** An image that is there, with the format that its pool knows it has. */
async function existing(volume: StorageVolume, disk: DiskRequest): Promise<ReadyDisk> {
  const target = childOf(parseXml(await volume.getXMLDesc()), 'target');
  const format = disk.format ?? attributeOf(childOf(target, 'format'), 'type') ?? 'raw';
  return { disk: { ...disk, path: await volume.getPath(), format } };
}

/** A disk in a pool, the default one if it names none. */
async function inPool(disk: DiskRequest, context: StorageContext): Promise<ReadyDisk> {
  const { connection, plan } = context;
  const pool = disk.pool === undefined ? await defaultPool(context) : await poolCalled(connection, disk.pool);
  const opened = typeof pool === 'string' ? undefined : pool;
  if (opened !== undefined && !(await opened.isActive())) {
    throw new CommandFailure(`--disk: pool '${opened.name}' is not active`);
  }
  if (!plan) await opened?.refresh();
  const directory =
    typeof pool === 'string'
      ? pool
      : (childOf(parseXml(await pool.getXMLDesc()), 'target', 'path')?.textContent ?? '/');
  if (opened !== undefined && disk.volume !== undefined) {
    const volume = await unlessMissing(opened.lookupVolumeByName(disk.volume));
    if (volume !== undefined) return existing(volume, disk);
  }
  const name = disk.volume ?? (await freeName(opened, directory, disk, context));
  if (disk.sizeBytes === undefined) {
    throw new CommandFailure(`--disk: Size must be specified for non existent volume '${name}'`);
  }
  if (opened !== undefined && context.checkSize) await checkRoom(opened, disk, context.note);
  const made: DiskRequest = { ...disk, path: join(directory, name), format: disk.format ?? 'qcow2', isNew: true };
  context.taken.add(join(directory, name));
  if (plan || opened === undefined) return { disk: made };
  const volume = await createVolume(opened, name, disk);
  return { disk: { ...made, path: await volume.getPath() }, undo: () => volume.delete() };
}

const QCOW2_MAGIC = 0x514649fb;

/** Says what an image that is there without a format being given seems to be: guessing is for the user to confirm. */
async function looksLikeQcow2(path: string): Promise<boolean> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return false;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return bytesRead === 4 && buffer.readUInt32BE(0) === QCOW2_MAGIC;
  } finally {
    await file.close();
  }
}

async function asImage(disk: DiskRequest, path: string): Promise<ReadyDisk> {
  if (disk.format === undefined && (await looksLikeQcow2(path))) {
    throw disk.settings.wrong('the image looks like qcow2: add format=qcow2, or format=raw to use it as it is');
  }
  return { disk: { ...disk, path, format: disk.format ?? 'raw' } };
}

/** A disk at a path. */
async function atPath(disk: DiskRequest, given: string, context: StorageContext): Promise<ReadyDisk> {
  const { connection } = context;
  const path = resolve(given);
  // Without a size the image is there, or starting the domain says that it is not.
  if (disk.sizeBytes === undefined) return asImage(disk, path);
  const made: DiskRequest = { ...disk, path, format: disk.format ?? 'qcow2', isNew: true };
  if (context.plan) return { disk: made };
  const isNew = await withDirectory(connection, dirname(path), async (pool) => {
    await pool.refresh();
    if ((await unlessMissing(pool.lookupVolumeByName(basename(path)))) !== undefined) return false;
    if (context.checkSize) await checkRoom(pool, disk, context.note);
    await createVolume(pool, basename(path), disk);
    return true;
  });
  if (!isNew) return asImage(disk, path);
  const undo = () =>
    withDirectory(connection, dirname(path), async (pool) => {
      await (await pool.lookupVolumeByName(basename(path))).delete();
    });
  return { disk: made, undo };
}

/** Makes what a disk needs and is not there yet, or only says what it will be. */
export async function prepareDisk(disk: DiskRequest, context: StorageContext): Promise<ReadyDisk> {
  if (disk.path !== undefined) return atPath(disk, disk.path, context);
  if (disk.pool === undefined && disk.sizeBytes === undefined) return { disk };
  return inPool(disk, context);
}
