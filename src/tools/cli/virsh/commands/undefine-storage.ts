import type { Domain, StorageVolume } from '../../../../virt/index.ts';
import { DomainXml } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { flag, type OptionDef, text } from '../definition.ts';
import { CommandFailure, linesOf } from '../failure.ts';
import type { Output } from '../output.ts';
import type { Session } from '../session.ts';
import { disksOf } from './disks.ts';

/** Of virStorageVolDeleteFlags. */
const DELETE_SNAPSHOTS = 2;

/** What `undefine` may do with a domain's disks. */
export const storageOptions: readonly OptionDef[] = [
  text('storage', 'remove these volumes too: targets or source paths, separated by commas (see domblklist)'),
  flag('remove-all-storage', 'remove all volumes of the domain too'),
  {
    ...flag('delete-storage-volume-snapshots', 'delete snapshots associated with the volumes too'),
    synonyms: ['delete-snapshots'],
  },
  flag('wipe-storage', 'wipe data on the removed volumes'),
];

/** A volume to remove, and what the domain calls it. */
interface Doomed {
  readonly target: string;
  readonly source: string;
  readonly volume: StorageVolume;
}

async function doomedVolumes(domain: Domain, args: CommandArgs, session: Session): Promise<Doomed[]> {
  const connection = await session.connection();
  const named = args.text('storage')?.split(',');
  const doomed: Doomed[] = [];
  for (const { target, source } of disksOf(await domain.getXMLDesc(DomainXml.INACTIVE))) {
    const wanted = named === undefined || named.includes(target) || (source !== undefined && named.includes(source));
    if (!wanted || source === undefined) continue;
    const volume = await connection.storageVolLookupByPath(source).catch(() => undefined);
    if (volume !== undefined) doomed.push({ target, source, volume });
    else session.note(`Storage volume '${target}'(${source}) is not managed by a pool. Remove it manually.`);
  }
  const missing = named?.find((name) => !doomed.some(({ target, source }) => name === target || name === source));
  if (missing !== undefined) throw new CommandFailure(`Volume '${missing}' was not found in domain's definition.`);
  return doomed;
}

/**
 * Finds the volumes that are to go with a domain, before it is undefined.
 * @returns what removes them afterwards; undefined when none were asked for
 */
export async function removeStorage(
  domain: Domain,
  args: CommandArgs,
  session: Session,
): Promise<((said: Output) => Promise<Output>) | undefined> {
  args.exclusive('storage', 'remove-all-storage');
  if (args.text('storage') === undefined && !args.flag('remove-all-storage')) {
    if (args.flag('wipe-storage'))
      throw new CommandFailure("'--wipe-storage' requires '--storage <string>' or '--remove-all-storage'");
    return undefined;
  }
  if (await domain.isActive()) {
    throw new CommandFailure('Storage volume deletion is supported only on stopped domains');
  }
  const doomed = await doomedVolumes(domain, args, session);
  return async (said) => {
    let text = said.text;
    const removed: string[] = [];
    for (const { target, source, volume } of doomed) {
      try {
        if (args.flag('wipe-storage')) await volume.wipe();
        await volume.delete(args.flag('delete-storage-volume-snapshots') ? DELETE_SNAPSHOTS : 0);
        removed.push(source);
        text += `Volume '${target}'(${source}) removed.\n`;
      } catch (error) {
        for (const line of [`Failed to remove storage volume '${target}'(${source})`, ...linesOf(error)]) {
          session.note(`error: ${line}`);
        }
      }
    }
    return { text, json: { ...(said.json as object), removed }, status: removed.length === doomed.length ? 0 : 1 };
  };
}
