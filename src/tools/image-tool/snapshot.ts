import { openDiskImage, Qcow2Image } from '../../machine/index.ts';
import { type Args, type CommandDef, type Context, ExitCode, usageError } from '../cli/command.ts';
import { withOpen } from './open.ts';
import { snapshotTable } from './snapshot-list.ts';

/** The one thing that was asked for. */
function action(args: Args): { readonly what: 'apply' | 'create' | 'delete' | 'list'; readonly name: string } {
  const asked = (['apply', 'create', 'delete'] as const).filter((what) => args.text(what) !== undefined);
  if (asked.length + (args.flag('list') ? 1 : 0) > 1) throw usageError('give one of -a, -c, -d and -l');
  const [what = 'list'] = asked;
  return { what, name: what === 'list' ? '' : (args.text(what) ?? '') };
}

/** `nodevisor image snapshot`. */
export const imageSnapshotCommand: CommandDef = {
  path: ['image', 'snapshot'],
  summary: "list, take, apply or delete a qcow2 image's internal snapshots",
  arguments: [{ usage: '<file>', help: 'the image' }],
  options: [
    { flags: '-l, --list', help: 'list them (what is done when nothing else is asked for)' },
    { flags: '-c, --create <name>', help: 'keep the disk as it is now' },
    { flags: '-a, --apply <name>', help: 'bring the disk back to what it was then' },
    { flags: '-d, --delete <name>', help: 'forget a snapshot' },
    { flags: '-U, --force-share', help: 'list them even while a machine writes the image' },
    { flags: '-q, --quiet', help: 'say nothing' },
  ],
  async run(args: Args, context: Context): Promise<number> {
    const [path = ''] = args.positionals;
    const { what, name } = action(args);
    const list = what === 'list';
    return withOpen(async (keep) => {
      const options = {
        format: 'qcow2',
        readOnly: list,
        shared: list && args.flag('forceShare'),
        backing: 'none',
      } as const;
      const disk = keep(await openDiskImage(path, options));
      if (!(disk instanceof Qcow2Image)) throw usageError(`${path} is no qcow2 image`);
      const now = Date.now();
      if (what === 'create') {
        const seconds = Math.floor(now / 1000);
        await disk.createSnapshot({ name, seconds, nanoseconds: (now % 1000) * 1_000_000 });
      } else if (what === 'apply') await disk.applySnapshot(name);
      else if (what === 'delete') await disk.deleteSnapshot(name);
      else if (disk.snapshots.length > 0) context.stdout.write(`${snapshotTable(disk.snapshots).join('\n')}\n`);
      return ExitCode.OK;
    });
  },
};
