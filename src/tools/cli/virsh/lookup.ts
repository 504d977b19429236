/** From what the user calls a thing to the thing. */

import { type VirErrorName, VirtError } from '../../../util/index.ts';
import type { Connection, Domain, Network, StoragePool, StorageVolume } from '../../../virt/index.ts';
import type { CommandArgs } from './arguments.ts';
import { CommandFailure } from './failure.ts';
import type { Session } from './session.ts';

/** Ways to call a domain; a number is an id before it is a name. */
export type DomainBy = 'id' | 'uuid' | 'name';

/** True for a UUID in any of the forms that libvirt reads. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{32}$/i.test(text.replaceAll('-', ''));
}

/** The UUID with hyphens, in lower case. */
function normalUuid(text: string): string {
  const digits = text.replaceAll('-', '').toLowerCase();
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The first that exists; undefined when all say `absent`. */
async function firstOf<T>(absent: VirErrorName, tries: readonly (() => Promise<T>)[]): Promise<T | undefined> {
  for (const look of tries) {
    try {
      return await look();
    } catch (error) {
      if (!(error instanceof VirtError && error.code === absent)) throw error;
    }
  }
  return undefined;
}

/** The domain that a name, an id or a UUID means. */
export async function domainCalled(
  connection: Connection,
  called: string,
  by: readonly DomainBy[] = ['id', 'uuid', 'name'],
): Promise<Domain> {
  const tries: (() => Promise<Domain>)[] = [];
  if (by.includes('id') && /^\d{1,9}$/.test(called)) tries.push(() => connection.lookupByID(Number(called)));
  if (by.includes('uuid') && isUuid(called)) tries.push(() => connection.lookupByUUID(normalUuid(called)));
  if (by.includes('name')) tries.push(() => connection.lookupByName(called));
  const domain = await firstOf('NO_DOMAIN', tries);
  if (domain === undefined) throw new CommandFailure(`failed to get domain '${called}'`);
  return domain;
}

/** The domain of `--domain`. */
export async function findDomain(args: CommandArgs, session: Session, by?: readonly DomainBy[]): Promise<Domain> {
  return domainCalled(await session.connection(), args.need('domain'), by);
}

/** The network of `--network`. */
export async function findNetwork(args: CommandArgs, session: Session): Promise<Network> {
  const connection = await session.connection();
  const called = args.need('network');
  try {
    const byUuid = isUuid(called)
      ? await firstOf('NO_NETWORK', [() => connection.networkLookupByUUID(normalUuid(called))])
      : undefined;
    return byUuid ?? (await connection.networkLookupByName(called));
  } catch (cause) {
    throw new CommandFailure(`failed to get network '${called}'`, cause);
  }
}

/** The pool that a name or a UUID means. */
export async function poolCalled(connection: Connection, called: string): Promise<StoragePool> {
  try {
    const byUuid = isUuid(called)
      ? await firstOf('NO_STORAGE_POOL', [() => connection.storagePoolLookupByUUID(normalUuid(called))])
      : undefined;
    return byUuid ?? (await connection.storagePoolLookupByName(called));
  } catch (cause) {
    throw new CommandFailure(`failed to get pool '${called}'`, cause);
  }
}

/** The pool of `--pool`. */
export async function findPool(args: CommandArgs, session: Session): Promise<StoragePool> {
  return poolCalled(await session.connection(), args.need('pool'));
}

/** The volume that a name (with its pool), a key or a path means. */
export async function volumeCalled(
  connection: Connection,
  called: string,
  poolName: string | undefined,
): Promise<StorageVolume> {
  const pool = poolName === undefined ? undefined : await poolCalled(connection, poolName);
  const tries: (() => Promise<StorageVolume>)[] = [
    ...(pool === undefined ? [] : [() => pool.lookupVolumeByName(called)]),
    () => connection.storageVolLookupByKey(called),
  ];
  const volume = await firstOf('NO_STORAGE_VOL', tries);
  if (volume !== undefined && (pool === undefined || volume.pool === pool.name)) return volume;
  try {
    const byPath = volume ?? (await connection.storageVolLookupByPath(called));
    if (pool === undefined || byPath.pool === pool.name) return byPath;
  } catch (cause) {
    throw new CommandFailure(`failed to get vol '${called}'`, cause);
  }
  throw new CommandFailure(`Requested volume '${called}' is not in pool '${poolName}'`);
}

/** The volume of `--vol`, in `--pool` if that is given. */
export async function findVolume(args: CommandArgs, session: Session): Promise<StorageVolume> {
  return volumeCalled(await session.connection(), args.need('vol'), args.text('pool'));
}
