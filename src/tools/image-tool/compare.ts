import { type DiskImage, diskBytes, isZero, regionAt } from '../../machine/index.ts';
import { type Args, type CommandDef, type Context, ExitCode } from '../cli/command.ts';
import { isUnsafe, sourceCacheOption } from './cache-mode.ts';
import { CompressionThreads } from './compression-threads.ts';
import { openForTool, withOpen } from './open.ts';
import { inPieces, PIECE_BYTES } from './pieces.ts';
import { showing } from './progress.ts';

/** qemu-img's exit statuses of `compare`. */
const CompareStatus = { DIFFERENT: 1, FAILED: 2 } as const;

async function readAll(disk: DiskImage, offset: number, buffer: Uint8Array): Promise<Uint8Array> {
  await disk.read(offset, buffer);
  return buffer;
}

/** Two disks that are compared: where the shorter one ends, the longer one is to have zeroes. */
interface Pair {
  readonly short: DiskImage;
  readonly long: DiskImage;
}

/** Where two disks differ within a range, first; −1: nowhere. */
async function differenceIn(
  { short, long }: Pair,
  [offset, end]: readonly [number, number],
  [a, b]: readonly [Uint8Array, Uint8Array],
): Promise<number> {
  const both = diskBytes(short);
  for (let at = offset; at < end; ) {
    const there = await regionAt(long, at, (at < both ? Math.min(both, end) : end) - at);
    const here = at < both ? await regionAt(short, at, there.bytes) : { kind: 'zero', bytes: there.bytes };
    const bytes = Math.min(there.bytes, here.bytes);
    const [x, y] = await Promise.all([
      there.kind === 'data' ? readAll(long, at, a.subarray(0, bytes)) : undefined,
      here.kind === 'data' ? readAll(short, at, b.subarray(0, bytes)) : undefined,
    ]);
    const within = firstByte(x, y);
    if (within >= 0) return at + within;
    at += bytes;
  }
  return -1;
}

/** Where two pieces of one length differ, of which one or both may be all zeroes and not be there. */
function firstByte(x: Uint8Array | undefined, y: Uint8Array | undefined): number {
  if (x !== undefined && y !== undefined) {
    return Buffer.compare(x, y) === 0 ? -1 : x.findIndex((byte, i) => byte !== y[i]);
  }
  const some = x ?? y;
  return some === undefined || isZero(some) ? -1 : some.findIndex((byte) => byte !== 0);
}

/** The first byte in which two disks differ, where the shorter one counts as if it went on with zeroes; −1: none. */
export async function firstDifference(
  one: DiskImage,
  two: DiskImage,
  progress: (done: number) => void,
): Promise<number> {
  const pair = diskBytes(one) <= diskBytes(two) ? { short: one, long: two } : { short: two, long: one };
  let first = -1;
  const makeJob = () => {
    const buffers = [new Uint8Array(PIECE_BYTES), new Uint8Array(PIECE_BYTES)] as const;
    return async (offset: number, bytes: number) => {
      const at = await differenceIn(pair, [offset, offset + bytes], buffers);
      if (at >= 0 && (first < 0 || at < first)) first = at;
      return at < 0;
    };
  };
  await inPieces(diskBytes(pair.long), makeJob, progress);
  return first;
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
  isUnsafe(args, 'writeback');
  const say = (line: string) => {
    if (!args.flag('quiet')) context.stdout.write(`${line}\n`);
  };
  return withOpen(async (keep) => {
    const compressor = keep(new CompressionThreads());
    const open = (path: string, format: string | undefined, option: string) =>
      openForTool(path, { format, option, readOnly: true, shared, compressor });
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
    sourceCacheOption,
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
