import {
  type Compressor,
  type CopyOptions,
  type CopyTarget,
  copyDisk,
  type DiskImage,
  diskBytes,
  diskFormat,
  openDiskImage,
  Qcow2Image,
} from '../../machine/index.ts';
import { type Args, type CommandDef, type Context, ExitCode, usageError } from '../cli/command.ts';
import { fileError } from '../image/file-error.ts';
import { isUnsafe, sourceCacheOption, targetCacheOption } from './cache-mode.ts';
import { CompressionThreads } from './compression-threads.ts';
import { withBacking } from './create.ts';
import { parseImageOptions } from './image-options.ts';
import { makeImage } from './new-image.ts';
import { openForTool, withOpen } from './open.ts';
import { showing } from './progress.ts';
import { limited, rateLimitOption } from './rate-limit.ts';
import { parseBytes } from './sizes.ts';

/** Pieces under way at a time, unless `-m` says otherwise: as many as Node has threads for files. */
const PARALLEL = 4;

/** Zeroes that are worth not being written, unless `-S` says otherwise. */
const SPARSE_BYTES = 4096;

/** What is to be converted into what. */
interface Conversion {
  readonly sources: readonly string[];
  readonly out: string;
  readonly format: 'raw' | 'qcow2';
  readonly existing: boolean;
  /** What is there reads as zeroes. */
  readonly zeroed: boolean;
  readonly compress: boolean;
  readonly backed: boolean;
}

function parseConversion(args: Args): Conversion {
  const files = args.positionals.filter((file) => file !== undefined);
  const out = files.at(-1) ?? '';
  const sources = files.slice(0, -1);
  if (sources.length === 0) throw usageError('give the image to convert and the one to make of it');
  if (sources.includes(out)) throw usageError(`${out} cannot be converted into itself`);
  if (args.flag('targetIsZero') && !args.flag('skipCreate'))
    throw usageError('--target-is-zero: only together with -n');
  if (args.flag('targetIsZero') && args.text('backing') !== undefined) {
    throw usageError('--target-is-zero: not together with -B');
  }
  if (args.flag('copyOffloading') && args.text('sparse') !== undefined) throw usageError('-C: not together with -S');
  if (args.flag('copyOffloading') && args.flag('compress')) throw usageError('-C: not together with -c');
  if (args.text('snapshot') !== undefined && sources.length > 1) throw usageError('-l: with one image alone');
  return {
    sources,
    out,
    format: diskFormat(out, args.text('outputFormat') ?? 'raw'),
    existing: args.flag('skipCreate'),
    zeroed: args.flag('targetIsZero'),
    compress: args.flag('compress'),
    backed: args.text('backing') !== undefined,
  };
}

/** The images to read, or a snapshot of the one. */
async function openSources(
  args: Args,
  { sources }: Conversion,
  compressor: Compressor,
  keep: <C extends DiskImage>(disk: C) => C,
): Promise<DiskImage[]> {
  const disks: DiskImage[] = [];
  for (const path of sources) {
    const options = {
      format: args.text('format'),
      option: '-f',
      readOnly: true,
      shared: args.flag('forceShare'),
      compressor,
    };
    disks.push(keep(await openForTool(path, options)));
  }
  const [disk] = disks;
  const snapshot = args.text('snapshot')?.replace(/^snapshot\.(id|name)=/, '');
  if (snapshot === undefined) return disks;
  if (!(disk instanceof Qcow2Image)) throw usageError(`-l: ${sources[0]} is no qcow2 image, it has no snapshots`);
  return [await disk.openSnapshot(snapshot)];
}

/** Makes the image to write, unless it is there, and opens it. */
async function openTarget(
  args: Args,
  conversion: Conversion,
  size: number,
  compressor: Compressor,
): Promise<DiskImage> {
  const { out, format, existing } = conversion;
  if (!existing) {
    const parsed = parseImageOptions(format, args.list('options'));
    const options = withBacking(parsed, args.text('backing'), args.text('backingFormat'));
    if (format === 'raw' && conversion.backed) throw usageError('a raw image cannot be on top of another');
    await makeImage({ path: out, format, size: options.size ?? size, options });
  }
  const unsafe = isUnsafe(args, 'unsafe');
  const target = await openDiskImage(out, { format, unsafe, inTurn: true, compressor });
  if (diskBytes(target) >= size) return target;
  await target.close();
  throw usageError(`${out} has ${diskBytes(target)} bytes, the images have ${size}`);
}

function writerOf(target: DiskImage, { existing, zeroed, compress, backed }: Conversion): CopyTarget {
  const compressed = compress && target instanceof Qcow2Image;
  const write = compressed
    ? (offset: number, from: Uint8Array) => target.writeCompressed(offset, from)
    : (offset: number, from: Uint8Array) => target.write(offset, from);
  // A new image with nothing below reads as zeroes already.
  if ((zeroed || !existing) && !backed && target.backing === undefined) return { write };
  return { write, zero: (offset, bytes) => target.writeZeroes(offset, bytes, true) };
}

function copyOptions(args: Args, conversion: Conversion, target: DiskImage): Omit<CopyOptions, 'at' | 'progress'> {
  const parallel = Number(args.text('parallel') ?? PARALLEL);
  if (!Number.isInteger(parallel) || parallel < 1 || parallel > 16) throw usageError('-m: from 1 to 16');
  const sparseBytes = Math.ceil(parseBytes(args.text('sparse') ?? String(SPARSE_BYTES)) / 512) * 512;
  const common = { parallel, sparseBytes, ownOnly: conversion.backed };
  if (!conversion.compress) return common;
  if (!(target instanceof Qcow2Image)) throw usageError('-c: only qcow2 images can be compressed');
  if (conversion.backed) throw usageError('-c: not together with -B');
  return { ...common, unitBytes: target.clusterBytes };
}

async function convert(args: Args, context: Context): Promise<void> {
  const conversion = parseConversion(args);
  await withOpen(async (keep) => {
    const threads = keep(new CompressionThreads());
    const sources = await openSources(args, conversion, threads, keep);
    const size = sources.reduce((sum, disk) => sum + diskBytes(disk), 0);
    const target = keep(await openTarget(args, conversion, size, threads));
    const options = copyOptions(args, conversion, target);
    const writer = limited(writerOf(target, conversion), args);
    await showing(context, args.flag('progress'), { name: conversion.out, bytes: size }, async (progress) => {
      let at = 0;
      for (const source of sources) {
        const before = at;
        if (options.unitBytes !== undefined && before % options.unitBytes !== 0) {
          throw usageError('-c: all images but the last must have whole clusters');
        }
        await copyDisk(source, writer, {
          ...options,
          at,
          progress: (done) => progress(before + done),
        });
        at += diskBytes(source);
      }
    });
    await target.flush();
  });
}

/** `nodevisor image convert`. */
export const imageConvertCommand: CommandDef = {
  path: ['image', 'convert'],
  summary: 'copy disk images into one of another format',
  notes: 'Several images are put one behind the other. See "image create" for the options of -o.',
  arguments: [{ usage: '<files...>', help: 'the images to copy, and last the one to make' }],
  options: [
    { flags: '-f, --format <format>', help: 'format of the images to copy (default: as they look)' },
    { flags: '-O, --output-format <format>', help: 'format of the one to make: raw or qcow2 (default: raw)' },
    { flags: '-o, --options <list>', help: 'options of that format: name=value,name=value', repeat: true },
    { flags: '-c, --compress', help: 'compress it (qcow2)' },
    { flags: '-B, --backing <file>', help: 'make it on top of this, with what the image itself has alone' },
    { flags: '-F, --backing-format <format>', help: 'format of that' },
    { flags: '-l, --snapshot <name>', help: 'copy what an internal snapshot has' },
    { flags: '-n, --skip-create', help: 'write an image that is there already' },
    { flags: '-S, --sparse <size>', help: 'zeroes worth leaving out; 0: all are written (default: 4k)' },
    { flags: '-m, --parallel <n>', help: `pieces under way at a time (default: ${PARALLEL})` },
    { flags: '--target-is-zero', help: 'with -n: what is there reads as zeroes, which need not be written' },
    rateLimitOption,
    targetCacheOption('unsafe'),
    sourceCacheOption,
    { flags: '-C, --copy-offloading', help: 'leave the copying to the host where it can; as is done anyway' },
    { flags: '-W, --unordered', help: 'write in any order, as is done anyway' },
    { flags: '-U, --force-share', help: 'read them even while machines write them' },
    { flags: '-p, --progress', help: 'show how far it is' },
    { flags: '-q, --quiet', help: 'say nothing' },
  ],
  async run(args: Args, context: Context): Promise<number> {
    await convert(args, context).catch((error: NodeJS.ErrnoException) => {
      // Only what is written can want room.
      const full = error.code === 'ENOSPC' || error.code === 'EDQUOT';
      throw full ? fileError(args.positionals.at(-1) ?? '', error) : error;
    });
    return ExitCode.OK;
  },
};
