import { diskBytes, Qcow2Image } from '../../machine/index.ts';
import { type Args, type CommandDef, type Context, ExitCode, usageError } from '../cli/command.ts';
import { parsePreallocation } from './image-options.ts';
import { preallocateFrom } from './new-image.ts';
import { openForTool, withOpen } from './open.ts';
import { parseDiskBytes } from './sizes.ts';

/** A size, or a change of one: `+1G`, `-1G`. */
function target(text: string, now: number): number {
  const relative = /^[+-]/.test(text);
  const bytes = parseDiskBytes(relative ? text.slice(1) : text);
  if (!relative) return bytes;
  return text.startsWith('+') ? now + bytes : now - bytes;
}

/** `nodevisor image resize`. */
export const imageResizeCommand: CommandDef = {
  path: ['image', 'resize'],
  summary: "change the size of a disk image's disk",
  notes: 'What is new reads as zeroes. What is beyond a smaller end is lost: that needs --shrink.',
  arguments: [
    { usage: '<file>', help: 'the image' },
    { usage: '<size>', help: 'the new size, or +SIZE or -SIZE' },
  ],
  options: [
    { flags: '-f, --format <format>', help: 'raw or qcow2 (default: as it looks)' },
    {
      flags: '--preallocation <how>',
      help: 'give what is new its place in the file: metadata, falloc, full (default: off)',
    },
    { flags: '--shrink', help: 'allow it to become smaller' },
    { flags: '-q, --quiet', help: 'say nothing' },
  ],
  // A size to subtract is no option.
  rewrite: (words) => (/^-\d/.test(words.at(-1) ?? '') ? [...words.slice(0, -1), '--', words.at(-1) ?? ''] : words),
  async run(args: Args, context: Context): Promise<number> {
    const [path = '', size = ''] = args.positionals;
    return withOpen(async (keep) => {
      const disk = keep(await openForTool(path, { format: args.text('format'), option: '-f', readOnly: false }));
      const now = diskBytes(disk);
      const bytes = target(size, now);
      if (bytes <= 0) throw usageError(`${size}: the disk would have nothing left`);
      if (bytes < now && !args.flag('shrink')) {
        throw usageError(
          `${path} has ${now} bytes; what is beyond ${bytes} would be lost: say --shrink if that is meant`,
        );
      }
      const format = disk instanceof Qcow2Image ? 'qcow2' : 'raw';
      const preallocation = parsePreallocation(format, args.text('preallocation') ?? 'off', '--preallocation');
      if (bytes < now && preallocation !== 'off') throw usageError('--preallocation: only for a disk that grows');
      await disk.resize(bytes);
      await preallocateFrom(disk, now, preallocation);
      await disk.flush();
      if (!args.flag('quiet')) context.stdout.write('Image resized.\n');
      return ExitCode.OK;
    });
  },
};
