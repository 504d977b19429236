import { hostRandom } from '../../util/index.ts';
import type { VolumeRef } from '../backend.ts';
import { fillStoragePoolDefaults, formatStoragePool, parseStoragePool, validateStoragePool } from '../conf/index.ts';
import { PoolEvent } from '../enums.ts';
import { virtError } from '../errors.ts';
import { NamedObject, NamedTable } from './named-table.ts';
import type { PoolDef, PoolSpace, StorageDriver, StoredVolume } from './storage-driver.ts';
import type { World } from './world.ts';

/** A pool of a world. */
export class LocalPool extends NamedObject<PoolDef> {
  /** Of a running pool, as of the last look. */
  space: PoolSpace = { capacity: 0, allocation: 0, available: 0 };
  readonly volumes = new Map<string, StoredVolume>();

  /** Throws OPERATION_INVALID if it does not run. */
  activeDef(): PoolDef {
    if (this.running !== undefined) return this.running;
    throw virtError('OPERATION_INVALID', `storage pool '${this.name}' is not active`);
  }

  /** Throws NO_STORAGE_VOL. */
  volume(name: string): StoredVolume {
    const volume = this.volumes.get(name);
    if (volume !== undefined) return volume;
    throw virtError('NO_STORAGE_VOL', `no storage vol with matching name '${name}'`);
  }
}

/** The storage pools of a world, and their volumes. */
export class PoolTable extends NamedTable<LocalPool> {
  readonly driver: StorageDriver;
  readonly #world: World;
  /** Paths of volumes that are being read or written, and how often. */
  readonly #busy = new Map<string, number>();

  constructor(world: World, driver: StorageDriver) {
    const names = { missing: 'NO_STORAGE_POOL', what: 'storage pool', short: 'pool' } as const;
    super(names, (uuid, name) => new LocalPool(uuid, name));
    this.#world = world;
    this.driver = driver;
  }

  /** Reads a definition, fills in its UUID and checks it. Throws XML_ERROR, CONFIG_UNSUPPORTED. */
  complete(xml: string): PoolDef {
    const parsed = parseStoragePool(xml);
    const def = fillStoragePoolDefaults(parsed, hostRandom);
    validateStoragePool(def);
    const { target } = def;
    const path = target?.path;
    if (path === undefined) throw virtError('XML_ERROR', 'missing storage pool target path');
    return { ...def, target: { ...target, path: trimSlashes(path) } };
  }

  /** Throws OPERATION_FAILED if another pool is at the same place. */
  refuseConflict(def: PoolDef): void {
    const other = this.all.find((one) => one.uuid !== def.uuid && one.current.target.path === def.target.path);
    if (other === undefined) return;
    throw virtError('OPERATION_FAILED', `Storage source conflict with pool: '${other.name}'`);
  }

  async load(): Promise<void> {
    const { logger } = this.#world.hypervisor;
    for (const { uuid, xml, autostart } of await this.#world.store.load('pools')) {
      try {
        const def = this.complete(xml);
        const pool = this.claim(def.uuid, def.name);
        pool.config = def;
        pool.autostart = autostart;
        if (autostart) await pool.jobs.run(() => this.start(pool, def));
      } catch (error) {
        logger.log('error', `the kept storage pool ${uuid} cannot be taken up: ${String(error)}`);
      }
    }
  }

  save(def: PoolDef): Promise<void> {
    return this.#world.store.save('pools', def.uuid, () => formatStoragePool(def));
  }

  /** Within a job of the pool. */
  async start(pool: LocalPool, def: PoolDef): Promise<void> {
    await this.refresh(pool, def);
    pool.running = def;
    this.#world.emit('pool', pool.ref, PoolEvent.STARTED, 0);
  }

  /** Within a job of the pool: looks anew what is in it. */
  async refresh(pool: LocalPool, def: PoolDef): Promise<void> {
    const { space, volumes } = await this.driver.scan(def);
    pool.space = space;
    pool.volumes.clear();
    for (const volume of volumes) pool.volumes.set(volume.name, volume);
  }

  /** The pool and the volume of a reference. Throws NO_STORAGE_POOL, NO_STORAGE_VOL, OPERATION_INVALID. */
  volumeOf(ref: VolumeRef): { pool: LocalPool; volume: StoredVolume } {
    const pool = this.byName(ref.pool);
    pool.activeDef();
    return { pool, volume: pool.volume(ref.name) };
  }

  /** The volume at a path, in whichever running pool. */
  volumeAt(path: string): { pool: LocalPool; volume: StoredVolume } | undefined {
    for (const pool of this.all) {
      if (!pool.active) continue;
      for (const volume of pool.volumes.values()) if (volume.path === path) return { pool, volume };
    }
    return undefined;
  }

  isBusy({ path }: StoredVolume): boolean {
    return (this.#busy.get(path) ?? 0) > 0;
  }

  /** Marks a volume as in use until the returned function is called. */
  use({ path }: StoredVolume): () => void {
    this.#busy.set(path, (this.#busy.get(path) ?? 0) + 1);
    let used = true;
    return () => {
      if (!used) return;
      used = false;
      const left = (this.#busy.get(path) ?? 1) - 1;
      if (left === 0) this.#busy.delete(path);
      else this.#busy.set(path, left);
    };
  }

  /** Path of a volume, for disks that name it. */
  volumePath(pool: string, name: string): string {
    return this.volumeOf({ pool, name, key: '' }).volume.path;
  }
}

/** A path without repeated slashes, and without one at its end. */
export function trimSlashes(path: string): string {
  const single = path.replace(/\/+/g, '/');
  return single.length > 1 ? single.replace(/\/$/, '') : single;
}
