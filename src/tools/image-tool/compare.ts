import { type DiskImage, diskBytes, isZero, regionAt } from '../../machine/index.ts';
import { type Args, type CommandDef, type Context, ExitCode } from '../cli/command.ts';
import { openForTool, withOpen } from './open.ts';
import { showing } from './progress.ts';

const PIECE_BYTES = 2 * 2 ** 20;

/** qemu-img's exit statuses of `compare`. */
const CompareStatus = { DIFFERENT: 1, FAILED: 2 } as const;

async function readAll(disk: DiskImage, offset: number, buffer: Uint8Array): Promise<Uint8Array> {
  await disk.read(offset, buffer);
  return buffer;
}

/** The first byte in which two disks differ, where the shorter one counts as if it went on with zeroes; −1: none. */
export async function firstDifference(
  one: DiskImage,
  two: DiskImage,
  progress: (done: number) => void,
): Promise<number> {
  const [short, long] = diskBytes(one) <= diskBytes(two) ? [one, two] : [two, one];
  const both = diskBytes(short);
  const end = diskBytes(long);
  const a = new Uint8Array(PIECE_BYTES);
  const b = new Uint8Array(PIECE_BYTES);
  for (let at = 0; at < end; ) {
    const there = await regionAt(long, at, Math.min(PIECE_BYTES, (at < both ? both : end) - at));
    const here = at < both ? await regionAt(short, at, there.bytes) : { kind: 'zero', bytes: there.bytes };
    const bytes = Math.min(there.bytes, here.bytes);
    if (there.kind === 'data' || here.kind === 'data') {
      const x = there.kind === 'data' ? await readAll(long, at, a.subarray(0, bytes)) : a.subarray(0, bytes).fill(0);
      const y = here.kind === 'data' ? await readAll(short, at, b.subarray(0, bytes)) : b.subarray(0, bytes).fill(0);
      if (Buffer.compare(x, y) !== 0) return at + x.findIndex((byte, i) => byte !== y[i]);
    }
    at += bytes;
    progress(at);
  }
  return -1;
}

/** Whether a disk has anything but zeroes from `offset` on. */
export async function hasDataBehind(disk: DiskImage, offset: number): Promise<boolean> {
  const buffer = new Uint8Array(PIECE_BYTES);
  for (let at = offset; at < diskBytes(disk); ) {
    const region = await regionAt(disk, at, Math.min(PIECE_BYTES, diskBytes(disk) - at));
    if (region.kind === 'data' && !isZero(await readAll(disk, at, buffer.subarray(0, region.bytes)))) return true;
    at += region.bytes;
  }
  return false;
}

async function compare(args: Args, context: Context): Promise<number> {
  const [first = '', second = ''] = args.positionals;
  const shared = args.flag('forceShare');
  const say = (line: string) => {
    if (!args.flag('quiet')) context.stdout.write(`${line}\n`);
  };
  return withOpen(async (keep) => {
    const open = (path: string, format: string | undefined, option: string) =>
      openForTool(path, { format, option, readOnly: true, shared });
    const one = keep(await open(first, args.text('format'), '-f'));
    const two = keep(await open(second, args.text('secondFormat'), '-F'));
    if (one.sectors !== two.sectors) {
      if (args.flag('strict')) {
        say('Strict mode: Image size mismatch!');
        return CompareStatus.DIFFERENT;
      }
      say('Warning: Image size mismatch!');
    }
    const bytes = Math.max(diskBytes(one), diskBytes(two));
    const at = await showing(context, args.flag('progress'), { name: first, bytes }, (progress) =>
      firstDifference(one, two, progress),
    );
    say(at < 0 ? 'Images are identical.' : `Content mismatch at offset ${Math.floor(at / 512) * 512}!`);
    return at < 0 ? ExitCode.OK : CompareStatus.DIFFERENT;
  });
}

/** `nodevisor image compare`. */
export const imageCompareCommand: CommandDef = {
  path: ['image', 'compare'],
  summary: 'tell whether two disk images have the same disk',
  notes: 'Exit status: 0 the same, 1 different, 2 not compared.',
  arguments: [
    { usage: '<first>', help: 'an image' },
    { usage: '<second>', help: 'another image' },
  ],
  options: [
    { flags: '-f, --format <format>', help: 'format of the first (default: as it looks)' },
    { flags: '-F, --second-format <format>', help: 'format of the second (default: as it looks)' },
    { flags: '-s, --strict', help: 'disks of different sizes are different' },
    { flags: '-U, --force-share', help: 'look at them even while machines write them' },
    { flags: '-p, --progress', help: 'show how far it is' },
    { flags: '-q, --quiet', help: 'say nothing' },
  ],
  async run(args: Args, context: Context): Promise<number> {
    try {
      return await compare(args, context);
    } catch (error) {
      context.stderr.write(`nodevisor: ${error instanceof Error ? error.message : String(error)}\n`);
      return CompareStatus.FAILED;
    }
  },
};
