import { diskBytes, diskFormat, namedFile, openDiskImage } from '../../machine/index.ts';
import { type Args, type CommandDef, type Context, ExitCode, usageError } from '../cli/command.ts';
import { type NewImageOptions, parseImageOptions } from './image-options.ts';
import { makeImage } from './new-image.ts';
import { parseDiskBytes } from './sizes.ts';

/** What `-b` and `-F` say, added to what `-o` says. */
export function withBacking(
  options: NewImageOptions,
  file: string | undefined,
  format: string | undefined,
): NewImageOptions {
  const backingFile = file ?? options.qcow2.backingFile;
  const backingFormat = format ?? options.qcow2.backingFormat;
  if (backingFile === undefined) {
    if (backingFormat !== undefined) throw usageError('a backing format without a backing file');
    return options;
  }
  if (backingFormat === undefined) {
    throw usageError(
      `backing file ${backingFile}: say which format it has, with -F raw or -F qcow2; it is never guessed`,
    );
  }
  return { ...options, qcow2: { ...options.qcow2, backingFile, backingFormat } };
}

/** Size of the disk that a new image is to be on top of. */
async function backingSize(path: string, { qcow2 }: NewImageOptions): Promise<number | undefined> {
  if (qcow2.backingFile === undefined || qcow2.backingFormat === undefined) return undefined;
  const file = namedFile(path, 'backing file', qcow2.backingFile);
  const disk = await openDiskImage(file, { format: diskFormat(file, qcow2.backingFormat), readOnly: true });
  try {
    return diskBytes(disk);
  } finally {
    await disk.close();
  }
}

/** `nodevisor image create`. */
export const imageCreateCommand: CommandDef = {
  path: ['image', 'create'],
  summary: 'make a disk image',
  notes: [
    'Options of qcow2 (-o): backing_file, backing_fmt, cluster_size, compat (0.10, 1.1), compression_type (zlib, zstd),',
    'data_file, data_file_raw, extended_l2, lazy_refcounts, preallocation (off, metadata, falloc, full), refcount_bits,',
    'size. Options of raw: preallocation, size. Sizes may end in k, M, G, T. An existing file is overwritten.',
  ].join('\n'),
  arguments: [
    { usage: '<file>', help: 'the image' },
    { usage: '[size]', help: "size of the disk (default: the backing file's)" },
  ],
  options: [
    { flags: '-f, --format <format>', help: 'raw or qcow2 (default: raw)' },
    { flags: '-b, --backing <file>', help: 'file that it is on top of, relative to where the image is' },
    { flags: '-F, --backing-format <format>', help: 'format of that: raw or qcow2' },
    { flags: '-o, --options <list>', help: 'options of the format: name=value,name=value', repeat: true },
    { flags: '-u, --unsafe', help: 'do not look at the backing file' },
    { flags: '-q, --quiet', help: 'say nothing' },
  ],
  async run(args: Args, context: Context): Promise<number> {
    const [path = '', sizeText] = args.positionals;
    const format = diskFormat(path, args.text('format') ?? 'raw');
    if (format === 'raw' && args.text('backing') !== undefined)
      throw usageError('a raw image cannot be on top of another');
    const parsed = parseImageOptions(format, args.list('options'));
    const options = withBacking(parsed, args.text('backing'), args.text('backingFormat'));
    const below = args.flag('unsafe') ? undefined : await backingSize(path, options);
    const size = sizeText === undefined ? (options.size ?? below) : parseDiskBytes(sizeText);
    if (size === undefined) throw usageError(`${path}: how large is the disk to be?`);
    await makeImage({ path, format, size, options });
    if (!args.flag('quiet')) {
      const { qcow2 } = options;
      const on =
        qcow2.backingFile === undefined ? '' : ` backing_file=${qcow2.backingFile} backing_fmt=${qcow2.backingFormat}`;
      context.stdout.write(`Formatting '${path}', fmt=${format} size=${size}${on}\n`);
    }
    return ExitCode.OK;
  },
};
