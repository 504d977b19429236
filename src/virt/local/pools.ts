import type { PoolInfo, PoolRef, StoragePoolProcedures, VolumeRef } from '../backend.ts';
import { formatPoolCapabilities, formatStoragePool } from '../conf/index.ts';
import { PoolBuild, PoolDefine, PoolEvent, PoolStart, PoolState } from '../enums.ts';
import { virtError } from '../errors.ts';
import { checkFlags } from './impact.ts';
import { type LocalPool, type PoolTable, trimSlashes } from './pool-table.ts';
import type { PoolDef } from './storage-driver.ts';
import type { World } from './world.ts';

const buildFlags = PoolBuild.NO_OVERWRITE | PoolBuild.OVERWRITE;
const startFlags = PoolStart.WITH_BUILD | PoolStart.WITH_BUILD_OVERWRITE | PoolStart.WITH_BUILD_NO_OVERWRITE;
/** Bits of ListObjects, and behind them one for each type of pool. */
const listFlags = 0x1fffff;
const DIR_POOLS = 0x40;

/** Storage pools. */
export class LocalPools implements StoragePoolProcedures {
  readonly #world: World;
  readonly #table: PoolTable;

  constructor(world: World) {
    this.#world = world;
    this.#table = world.pools;
  }

  async connectListAllStoragePools(flags: number): Promise<PoolRef[]> {
    checkFlags(flags, listFlags, 'connectListAllStoragePools');
    const types = flags & ~0x3f;
    const asked = (pool: LocalPool) => types === 0 || (types & DIR_POOLS && pool.current.type === 'dir');
    return this.#table
      .list(flags)
      .filter(asked)
      .map(({ ref }) => ref);
  }

  async connectGetStoragePoolCapabilities(flags: number): Promise<string> {
    checkFlags(flags, 0, 'connectGetStoragePoolCapabilities');
    return formatPoolCapabilities();
  }

  async storagePoolLookupByName(name: string): Promise<PoolRef> {
    return this.#table.byName(name).ref;
  }

  async storagePoolLookupByUuid(uuid: string): Promise<PoolRef> {
    return this.#table.byUuid(uuid).ref;
  }

  async storagePoolLookupByVolume(volume: VolumeRef): Promise<PoolRef> {
    return this.#table.byName(volume.pool).ref;
  }

  async storagePoolLookupByTargetPath(path: string): Promise<PoolRef> {
    const wanted = trimSlashes(path);
    const pool = this.#table.all.find((one) => one.active && trimSlashes(one.current.target.path) === wanted);
    if (pool !== undefined) return pool.ref;
    throw virtError('NO_STORAGE_POOL', `no storage pool with matching target path '${path}'`);
  }

  async storagePoolCreateXml(xml: string, flags: number): Promise<PoolRef> {
    checkFlags(flags, startFlags | PoolStart.VALIDATE, 'storagePoolCreateXml');
    if ((flags & PoolStart.VALIDATE) !== 0) await this.#world.schemas.check('pool', xml);
    const def = this.#table.complete(xml);
    return this.#table.claimed(def.uuid, def.name, async (pool) => {
      if (pool.active) throw virtError('OPERATION_INVALID', `pool is already active as '${def.name}'`);
      this.#table.refuseConflict(def);
      await this.#start(pool, def, flags & startFlags);
      return pool.ref;
    });
  }

  async storagePoolDefineXml(xml: string, flags: number): Promise<PoolRef> {
    checkFlags(flags, PoolDefine.VALIDATE, 'storagePoolDefineXml');
    if (flags !== 0) await this.#world.schemas.check('pool', xml);
    const def = this.#table.complete(xml);
    return this.#table.claimed(def.uuid, def.name, async (pool) => {
      this.#table.refuseConflict(def);
      await this.#table.save(def);
      pool.config = def;
      this.#emit(pool, PoolEvent.DEFINED);
      return pool.ref;
    });
  }

  async storagePoolBuild(ref: PoolRef, flags: number): Promise<void> {
    checkFlags(flags, buildFlags, 'storagePoolBuild');
    return this.#table.job(ref, async (pool) => {
      if (pool.active) throw virtError('OPERATION_INVALID', `storage pool '${pool.name}' is already active`);
      await this.#table.driver.build(pool.current);
      this.#emit(pool, PoolEvent.CREATED);
    });
  }

  async storagePoolCreate(ref: PoolRef, flags: number): Promise<void> {
    checkFlags(flags, startFlags, 'storagePoolCreate');
    return this.#table.job(ref, async (pool) => {
      if (pool.active) throw virtError('OPERATION_INVALID', `storage pool '${pool.name}' is already active`);
      await this.#start(pool, pool.current, flags);
    });
  }

  async storagePoolDestroy(ref: PoolRef): Promise<void> {
    return this.#table.job(ref, async (pool) => {
      pool.activeDef();
      this.#refuseBusy(pool);
      pool.running = undefined;
      pool.volumes.clear();
      this.#emit(pool, PoolEvent.STOPPED);
      this.#table.settle(pool);
    });
  }

  async storagePoolDelete(ref: PoolRef, flags: number): Promise<void> {
    checkFlags(flags, 1, 'storagePoolDelete');
    return this.#table.job(ref, async (pool) => {
      if (pool.active) throw virtError('OPERATION_INVALID', `storage pool '${pool.name}' is still active`);
      await this.#table.driver.erase(pool.current);
      this.#emit(pool, PoolEvent.DELETED);
    });
  }

  async storagePoolUndefine(ref: PoolRef): Promise<void> {
    return this.#table.job(ref, async (pool) => {
      if (pool.active) throw virtError('OPERATION_INVALID', `storage pool '${pool.name}' is still active`);
      await this.#world.store.remove('pools', pool.uuid);
      pool.config = undefined;
      this.#emit(pool, PoolEvent.UNDEFINED);
      this.#table.settle(pool);
    });
  }

  async storagePoolRefresh(ref: PoolRef, flags: number): Promise<void> {
    checkFlags(flags, 0, 'storagePoolRefresh');
    return this.#table.job(ref, async (pool) => {
      await this.#table.refresh(pool, pool.activeDef());
      this.#world.emit('poolRefresh', pool.ref);
    });
  }

  async storagePoolGetInfo(ref: PoolRef): Promise<PoolInfo> {
    const { active, space } = this.#table.find(ref);
    if (!active) return { state: PoolState.INACTIVE, capacity: 0n, allocation: 0n, available: 0n };
    return {
      state: PoolState.RUNNING,
      capacity: BigInt(space.capacity),
      allocation: BigInt(space.allocation),
      available: BigInt(space.available),
    };
  }

  async storagePoolGetXmlDesc(ref: PoolRef, flags: number): Promise<string> {
    checkFlags(flags, 1, 'storagePoolGetXmlDesc');
    const pool = this.#table.find(ref);
    const def = (flags & 1) !== 0 ? (pool.config ?? pool.current) : pool.current;
    const space = pool.active ? pool.space : { capacity: 0, allocation: 0, available: 0 };
    return formatStoragePool({ ...def, ...space });
  }

  async storagePoolIsActive(ref: PoolRef): Promise<boolean> {
    return this.#table.find(ref).active;
  }

  async storagePoolIsPersistent(ref: PoolRef): Promise<boolean> {
    return this.#table.find(ref).persistent;
  }

  async storagePoolGetAutostart(ref: PoolRef): Promise<boolean> {
    return this.#table.find(ref).autostart;
  }

  async storagePoolSetAutostart(ref: PoolRef, autostart: boolean): Promise<void> {
    return this.#table.job(ref, async (pool) => {
      if (!pool.persistent) throw virtError('INVALID_ARG', 'pool has no config file');
      if (pool.autostart === autostart) return;
      await this.#world.store.setAutostart('pools', pool.uuid, autostart);
      pool.autostart = autostart;
    });
  }

  async #start(pool: LocalPool, def: PoolDef, flags: number): Promise<void> {
    if (flags !== 0) {
      await this.#table.driver.build(def);
      this.#emit(pool, PoolEvent.CREATED);
    }
    await this.#table.start(pool, def);
  }

  #refuseBusy(pool: LocalPool): void {
    for (const volume of pool.volumes.values()) {
      if (!this.#table.isBusy(volume)) continue;
      throw virtError('INTERNAL_ERROR', `pool '${pool.name}' has asynchronous jobs running.`);
    }
  }

  #emit(pool: LocalPool, event: number): void {
    this.#world.emit('pool', pool.ref, event, 0);
  }
}
