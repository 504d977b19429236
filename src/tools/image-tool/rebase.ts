import {
  type DiskImage,
  diskBytes,
  diskFormat,
  isZero,
  namedFile,
  openDiskImage,
  Qcow2Image,
  regionAt,
} from '../../machine/index.ts';
import { type Args, type CommandDef, type Context, ExitCode, usageError } from '../cli/command.ts';
import { withOpen } from './open.ts';
import { showing } from './progress.ts';

const PIECE_BYTES = 2 * 2 ** 20;

/** Fills `into` with what a disk has there, and zeroes beyond its end, or without one. */
async function readPadded(disk: DiskImage | undefined, offset: number, into: Uint8Array): Promise<Uint8Array> {
  const there = disk === undefined ? 0 : Math.max(0, Math.min(into.length, diskBytes(disk) - offset));
  into.fill(0, there);
  if (disk !== undefined && there > 0) await disk.read(offset, into.subarray(0, there));
  return into;
}

/** Takes what an image shows of what is below into the image, wherever it would show something else from now on. */
async function keepContent(
  disk: Qcow2Image,
  below: DiskImage | undefined,
  progress: (done: number) => void,
): Promise<void> {
  const old = new Uint8Array(PIECE_BYTES);
  const next = new Uint8Array(PIECE_BYTES);
  // Clusters are taken in whole: else what is around a change would have to be read again for each.
  const unit = disk.clusterBytes;
  for (let at = 0; at < diskBytes(disk); ) {
    const region = await regionAt(disk, at, Math.min(PIECE_BYTES, diskBytes(disk) - at));
    if (!region.own) {
      for (let from = 0; from < region.bytes; from += unit) {
        const bytes = Math.min(unit, region.bytes - from);
        const now = await readPadded(disk, at + from, old.subarray(0, bytes));
        if (Buffer.compare(now, await readPadded(below, at + from, next.subarray(0, bytes))) === 0) continue;
        if (isZero(now)) await disk.markZeroes(at + from, bytes);
        else await disk.write(at + from, now);
      }
    }
    at += region.bytes;
    progress(at);
  }
}

/** `nodevisor image rebase`. */
export const imageRebaseCommand: CommandDef = {
  path: ['image', 'rebase'],
  summary: 'put an image on top of another one, its content staying the same',
  notes: [
    'Where the new one differs from the old one, the image takes in what it showed. With an empty name it takes in all',
    'and stands alone. With -u only the name in its header changes: right when the same content has moved.',
  ].join('\n'),
  arguments: [{ usage: '<file>', help: 'the image' }],
  options: [
    {
      flags: '-b, --backing <file>',
      help: 'what it is to be on top of, relative to where the image is; "" for nothing',
    },
    { flags: '-F, --backing-format <format>', help: 'format of that: raw or qcow2' },
    { flags: '-f, --format <format>', help: 'format of the image: qcow2, the only one that is on top of others' },
    { flags: '-u, --unsafe', help: 'change the name alone' },
    { flags: '-p, --progress', help: 'show how far it is' },
    { flags: '-q, --quiet', help: 'say nothing' },
  ],
  async run(args: Args, context: Context): Promise<number> {
    const [path = ''] = args.positionals;
    if ((args.text('format') ?? 'qcow2') !== 'qcow2') throw usageError('only qcow2 images are on top of others');
    const name = args.text('backing');
    if (name === undefined) throw usageError('-b: what is it to be on top of?');
    const backingFormat = args.text('backingFormat');
    if (name !== '' && backingFormat === undefined) {
      throw usageError(`backing file ${name}: say which format it has, with -F raw or -F qcow2; it is never guessed`);
    }
    const format = backingFormat === undefined ? undefined : diskFormat(name, backingFormat);
    const unsafe = args.flag('unsafe');
    return withOpen(async (keep) => {
      const disk = keep(await openDiskImage(path, { format: 'qcow2', backing: unsafe ? 'none' : 'read' }));
      if (!(disk instanceof Qcow2Image)) throw usageError(`${path} is no qcow2 image`);
      if (!unsafe) {
        const file = name === '' ? '' : namedFile(path, 'backing file', name);
        const below =
          format === undefined || name === '' ? undefined : keep(await openDiskImage(file, { format, readOnly: true }));
        await showing(context, args.flag('progress'), { name: path, bytes: diskBytes(disk) }, (progress) =>
          keepContent(disk, below, progress),
        );
        await disk.flush();
      }
      await disk.renameBacking(name === '' ? undefined : name, name === '' ? undefined : format);
      return ExitCode.OK;
    });
  },
};
