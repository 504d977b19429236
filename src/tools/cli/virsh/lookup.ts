/** From what the user calls a thing to the thing. */

import { type VirErrorName, VirtError } from '../../../util/index.ts';
import type { Connection, Domain, Network, StoragePool, StorageVolume } from '../../../virt/index.ts';
import type { CommandArgs } from './arguments.ts';
import { CommandFailure } from './failure.ts';
import { LogLevel } from './log.ts';
import type { Session } from './session.ts';

/** Ways to call a domain; a number is an id before it is a name. */
export type DomainBy = 'id' | 'uuid' | 'name';

/** True for a UUID in any of the forms that libvirt reads. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{32}$/i.test(text.replaceAll('-', ''));
}

/** The UUID with hyphens, in lower case. */
export function normalUuid(text: string): string {
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

/** Is told what a thing is looked up as. */
type Tell = (how: string) => void;

/** Tells those who want to see it (`--debug`) what an option's value is looked up as. */
function teller(option: string, called: string, session: Session): Tell {
  const { log, command } = session;
  log.debug(LogLevel.INFO, `${command}: found option <${option}>: ${called}`);
  return (how) => log.debug(LogLevel.DEBUG, `${command}: <${option}> ${how}`);
}

/** The domain that a name, an id or a UUID means. */
export async function domainCalled(
  connection: Connection,
  called: string,
  by: readonly DomainBy[] = ['id', 'uuid', 'name'],
  tell: Tell = () => {},
): Promise<Domain> {
  const tries: (() => Promise<Domain>)[] = [];
  const attemptAs = (how: string, look: () => Promise<Domain>) =>
    tries.push(() => {
      tell(how);
      return look();
    });
  if (by.includes('id') && /^\d{1,9}$/.test(called)) {
    attemptAs('looks like ID', () => connection.lookupByID(Number(called)));
  }
  if (by.includes('uuid') && isUuid(called)) {
    attemptAs('trying as domain UUID', () => connection.lookupByUUID(normalUuid(called)));
  }
  if (by.includes('name')) attemptAs('trying as domain NAME', () => connection.lookupByName(called));
  const domain = await firstOf('NO_DOMAIN', tries);
  if (domain === undefined) throw new CommandFailure(`failed to get domain '${called}'`);
  return domain;
}

/** The domain of `--domain`. */
export async function findDomain(args: CommandArgs, session: Session, by?: readonly DomainBy[]): Promise<Domain> {
  const connection = await session.connection();
  const called = args.need('domain');
  return domainCalled(connection, called, by, teller('domain', called, session));
}

/** The network of `--network`. */
export async function findNetwork(args: CommandArgs, session: Session, by?: 'uuid' | 'name'): Promise<Network> {
  const connection = await session.connection();
  const called = args.need('network');
  const tell = teller('network', called, session);
  return either(`failed to get network '${called}'`, 'NO_NETWORK', called, by, {
    uuid(uuid) {
      tell('trying as network UUID');
      return connection.networkLookupByUUID(uuid);
    },
    name(name) {
      tell('trying as network NAME');
      return connection.networkLookupByName(name);
    },
  });
}

/** What is called by its UUID or its name, or by only one of them. */
async function either<T>(
  failed: string,
  absent: VirErrorName,
  called: string,
  by: 'uuid' | 'name' | undefined,
  find: { uuid(uuid: string): Promise<T>; name(name: string): Promise<T> },
): Promise<T> {
  try {
    const uuid = by !== 'name' && isUuid(called) ? normalUuid(called) : undefined;
    const byUuid = uuid === undefined ? undefined : await firstOf(absent, [() => find.uuid(uuid)]);
    if (byUuid !== undefined) return byUuid;
    if (by !== 'uuid') return await find.name(called);
  } catch (cause) {
    throw new CommandFailure(failed, cause);
  }
  throw new CommandFailure(failed);
}

/** The pool that a name or a UUID means. */
export async function poolCalled(
  connection: Connection,
  called: string,
  by?: 'uuid' | 'name',
  tell: Tell = () => {},
): Promise<StoragePool> {
  return either(`failed to get pool '${called}'`, 'NO_STORAGE_POOL', called, by, {
    uuid(uuid) {
      tell('trying as pool UUID');
      return connection.storagePoolLookupByUUID(uuid);
    },
    name(name) {
      tell('trying as pool NAME');
      return connection.storagePoolLookupByName(name);
    },
  });
}

/** The pool of `--pool`. */
export async function findPool(args: CommandArgs, session: Session, by?: 'uuid' | 'name'): Promise<StoragePool> {
  const connection = await session.connection();
  const called = args.need('pool');
  return poolCalled(connection, called, by, teller('pool', called, session));
}

/** The volume that a name (with its pool), a key or a path means. @param poolOption what would give the pool */
export async function volumeCalled(
  connection: Connection,
  called: string,
  poolName: string | undefined,
  poolOption = '',
): Promise<StorageVolume> {
  const pool = poolName === undefined ? undefined : await poolCalled(connection, poolName);
  if (pool !== undefined && !(await pool.isActive())) throw new CommandFailure(`pool '${pool.name}' is not active`);
  const hint = pool === undefined && poolOption !== '' ? `, specifying --${poolOption} might help` : '';
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
    throw new CommandFailure(`failed to get vol '${called}'${hint}`, cause);
  }
  throw new CommandFailure(`Requested volume '${called}' is not in pool '${poolName}'`);
}

/** The volume of `--vol`, in `--pool` if that is given. @param poolOption empty: there is no such option */
export async function findVolume(args: CommandArgs, session: Session, poolOption = 'pool'): Promise<StorageVolume> {
  return volumeCalled(await session.connection(), args.need('vol'), args.text('pool'), poolOption);
}
