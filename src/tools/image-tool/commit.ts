import { copyDisk, type DiskImage, diskBytes, openDiskImage, Qcow2Image, sameFile } from '../../machine/index.ts';
import { type Args, type CommandDef, type Context, ExitCode, usageError } from '../cli/command.ts';
import { isUnsafe, targetCacheOption } from './cache-mode.ts';
import { CompressionThreads } from './compression-threads.ts';
import { withOpen } from './open.ts';
import { showing } from './progress.ts';
import { limited, rateLimitOption } from './rate-limit.ts';

const PARALLEL = 8;

/** The image of a file below another one. */
async function findBelow(disk: DiskImage, file: string): Promise<DiskImage> {
  for (let below = disk.backing; below !== undefined; below = below.backing) {
    if (await sameFile(below.path, file)) return below;
  }
  throw usageError(`-b: ${disk.path} is not on top of ${file}`);
}

/** `nodevisor image commit`. */
export const imageCommitCommand: CommandDef = {
  path: ['image', 'commit'],
  summary: 'write what an image has into the one that it is on top of',
  notes: 'Nothing else may be on top of that one: its content changes.',
  arguments: [{ usage: '<file>', help: 'the image' }],
  options: [
    { flags: '-f, --format <format>', help: 'format of the image: qcow2, the only one that is on top of others' },
    { flags: '-b, --base <file>', help: 'into this one further below, with what those between have; implies -d' },
    { flags: '-d, --keep', help: 'do not empty the image afterwards' },
    rateLimitOption,
    targetCacheOption('writeback'),
    { flags: '-p, --progress', help: 'show how far it is' },
    { flags: '-q, --quiet', help: 'say nothing' },
  ],
  async run(args: Args, context: Context): Promise<number> {
    const [path = ''] = args.positionals;
    if ((args.text('format') ?? 'qcow2') !== 'qcow2') throw usageError('only qcow2 images are on top of others');
    return withOpen(async (keep) => {
      const base = args.text('base');
      const chain = base === undefined ? ({ backing: 'write' } as const) : { writeTo: base };
      const compressor = keep(new CompressionThreads());
      const disk = keep(
        await openDiskImage(path, { format: 'qcow2', ...chain, unsafe: isUnsafe(args, 'writeback'), compressor }),
      );
      const backing = base === undefined ? disk.backing : await findBelow(disk, base);
      if (backing === undefined || !(disk instanceof Qcow2Image))
        throw usageError(`${path} is not on top of another image`);
      if (diskBytes(backing) < diskBytes(disk)) await backing.resize(diskBytes(disk));
      const target = {
        write: (offset: number, from: Uint8Array) => backing.write(offset, from),
        zero: (offset: number, bytes: number) => backing.writeZeroes(offset, bytes, true),
      };
      const options = { parallel: PARALLEL, sparseBytes: 4096, ownOnly: true, base: backing };
      await showing(context, args.flag('progress'), { name: path, bytes: diskBytes(disk) }, (progress) =>
        copyDisk(disk, limited(target, args), { ...options, progress }),
      );
      // Only what is below for good may go from above.
      await backing.flush();
      // What is between them shows through an image that is empty, and may be older than what the base has now.
      if (!args.flag('keep') && base === undefined) await disk.makeEmpty();
      if (!args.flag('quiet')) context.stdout.write('Image committed.\n');
      return ExitCode.OK;
    });
  },
};
