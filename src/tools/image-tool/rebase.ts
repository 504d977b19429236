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
import { isUnsafe, sourceCacheOption, targetCacheOption } from './cache-mode.ts';
import { CompressionThreads } from './compression-threads.ts';
import { withOpen } from './open.ts';
import { inPieces, PIECE_BYTES } from './pieces.ts';
import { showing } from './progress.ts';

/** Fills `into` with what a disk has there, and zeroes beyond its end, or without one. */
async function readPadded(disk: DiskImage | undefined, offset: number, into: Uint8Array): Promise<Uint8Array> {
  const there = disk === undefined ? 0 : Math.max(0, Math.min(into.length, diskBytes(disk) - offset));
  into.fill(0, there);
  if (disk !== undefined && there > 0) await disk.read(offset, into.subarray(0, there));
  return into;
}

/** What is to become of a cluster that shows what is below. */
type Fate = 'same' | 'zeroes' | 'data';

function fateOf(now: Uint8Array, next: Uint8Array): Fate {
  if (Buffer.compare(now, next) === 0) return 'same';
  return isZero(now) ? 'zeroes' : 'data';
}

/** Takes a range in, in whole clusters: else what is around a change would have to be read again for each. */
async function takeIn(disk: Qcow2Image, offset: number, now: Uint8Array, next: Uint8Array): Promise<void> {
  const unit = disk.clusterBytes;
  const fate = (at: number) => fateOf(now.subarray(at, at + unit), next.subarray(at, at + unit));
  for (let from = 0; from < now.length; ) {
    const what = fate(from);
    let to = from + unit;
    while (to < now.length && fate(to) === what) to += unit;
    const part = now.subarray(from, to);
    if (what === 'zeroes') await disk.markZeroes(offset + from, part.length);
    else if (what === 'data') await disk.write(offset + from, part);
    from = to;
  }
}

/** Takes what an image shows of what is below into the image, wherever it would show something else from now on. */
async function keepContent(
  disk: Qcow2Image,
  below: DiskImage | undefined,
  progress: (done: number) => void,
): Promise<void> {
  const makeJob = () => {
    const old = new Uint8Array(PIECE_BYTES);
    const other = new Uint8Array(PIECE_BYTES);
    return async (offset: number, bytes: number) => {
      for (let at = offset; at < offset + bytes; ) {
        const region = await regionAt(disk, at, offset + bytes - at);
        if (!region.own) {
          const [now, next] = await Promise.all([
            readPadded(disk, at, old.subarray(0, region.bytes)),
            readPadded(below, at, other.subarray(0, region.bytes)),
          ]);
          await takeIn(disk, at, now, next);
        }
        at += region.bytes;
      }
      return true;
    };
  };
  await inPieces(diskBytes(disk), makeJob, progress);
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
    targetCacheOption('writeback'),
    sourceCacheOption,
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
      const compressor = keep(new CompressionThreads());
      const backing = unsafe ? 'none' : 'read';
      const disk = keep(
        await openDiskImage(path, { format: 'qcow2', backing, unsafe: isUnsafe(args, 'writeback'), compressor }),
      );
      if (!(disk instanceof Qcow2Image)) throw usageError(`${path} is no qcow2 image`);
      if (!unsafe) {
        const file = name === '' ? '' : namedFile(path, 'backing file', name);
        const below =
          format === undefined || name === ''
            ? undefined
            : keep(await openDiskImage(file, { format, readOnly: true, compressor }));
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
