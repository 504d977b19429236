import type { Element } from '@xmldom/xmldom';
import { Affect } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, flag, text } from '../definition.ts';
import { attempt, CommandFailure, UsageFailure } from '../failure.ts';
import { findDomain } from '../lookup.ts';
import { message } from '../output.ts';
import { affectOf, domainOption } from '../shared-options.ts';
import { childOf, serialize } from '../xml.ts';
import { type DiskEntry, disksOf } from './disks.ts';

const ACTIONS = ['eject', 'insert', 'update'] as const;
type Action = (typeof ACTIONS)[number];
const UPDATE_FORCE = 4;

/** What is to be done; with a source and no word about it the medium is changed. */
function actionOf(args: CommandArgs): Action {
  args.exclusive('eject', 'insert');
  args.exclusive('eject', 'update');
  args.exclusive('insert', 'update');
  args.exclusive('eject', 'block');
  const asked = ACTIONS.find((action) => args.flag(action));
  // An update to nothing.
  return asked === 'update' && args.text('source') === undefined ? 'eject' : (asked ?? 'update');
}

function setSource(disk: Element, source: string | undefined, block: boolean): void {
  const old = childOf(disk, 'source');
  if (old !== undefined) disk.removeChild(old);
  if (source === undefined) return;
  const made = disk.ownerDocument!.createElement('source');
  made.setAttribute(block ? 'dev' : 'file', source);
  disk.setAttribute('type', block ? 'block' : 'file');
  disk.insertBefore(made, childOf(disk, 'target') ?? null);
}

/** The drive with its new medium, or none. Throws UsageFailure where there is nothing to eject, or no room. */
function changed({ element, target, source }: DiskEntry, action: Action, args: CommandArgs): string {
  if (action !== 'eject' && args.text('source') === undefined) {
    throw new UsageFailure('New disk media source was not specified');
  }
  if (action === 'eject' && source === undefined) {
    throw new UsageFailure(`The disk device '${target}' doesn't have media`);
  }
  if (action === 'insert' && source !== undefined) {
    throw new UsageFailure(`The disk device '${target}' already has media`);
  }
  setSource(element, action === 'eject' ? undefined : args.text('source'), args.flag('block'));
  return serialize(element);
}

/** `change-media`: what is in a CD or floppy drive. */
export const changeMediaCommand: CommandDef = {
  name: 'change-media',
  summary: 'change media of CD or floppy drive',
  options: [
    domainOption(),
    text('path', 'target or source of the drive', { required: true }),
    text('source', 'file or device with the new medium', { complete: 'file' }),
    flag('eject', 'eject the media'),
    flag('insert', 'insert the media'),
    flag('update', 'update the media'),
    flag('current', 'can be either or both of --live and --config, depends on implementation of hypervisor driver'),
    flag('live', 'alter live configuration of running domain'),
    flag('config', 'alter persistent configuration, effect observed on next boot'),
    flag('force', 'force media changing'),
    flag('print-xml', 'print XML document rather than change media'),
    flag('block', 'source media is a block device'),
  ],
  async run(args, session) {
    const action = actionOf(args);
    const flags = affectOf(args);
    const called = args.need('path');
    const domain = await findDomain(args, session);
    const xml = await domain.getXMLDesc((flags & Affect.CONFIG) !== 0 && (flags & Affect.LIVE) === 0 ? 2 : 0);
    const drive = disksOf(xml).find(
      ({ device, target, source }) =>
        (device === 'cdrom' || device === 'floppy') && (target === called || source === called),
    );
    if (drive === undefined) throw new CommandFailure(`No disk found whose source path or target is ${called}`);
    const wanted = changed(drive, action, args);
    if (args.flag('print-xml')) return { text: wanted, json: { xml: wanted } };
    const done = { eject: 'ejected', insert: 'inserted', update: 'updated' }[action];
    const failed = `Failed to complete action ${action} on media`;
    await attempt(failed, domain.updateDevice(wanted, flags | (args.flag('force') ? UPDATE_FORCE : 0)));
    return message(`Successfully ${done} media.`, { domain: domain.name, drive: drive.target });
  },
};
