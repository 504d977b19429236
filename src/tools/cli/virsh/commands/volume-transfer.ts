import { createReadStream, createWriteStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { finished, pipeline } from 'node:stream/promises';
import { type CommandDef, flag, integer, type OptionDef, text } from '../definition.ts';
import { attempt, CommandFailure } from '../failure.ts';
import { reasonOf } from '../files.ts';
import { findVolume } from '../lookup.ts';
import { message } from '../output.ts';
import { volumeOption, volumePoolOption } from '../shared-options.ts';

/** virStorageVolUploadFlags and virStorageVolDownloadFlags. */
const SPARSE = 1;

const options: readonly OptionDef[] = [
  volumeOption,
  text('file', 'local file', { required: true, complete: 'file' }),
  volumePoolOption,
  integer('offset', 'where in the volume to start, in bytes'),
  integer('length', 'amount of data in bytes; 0 or absent: all'),
  flag('sparse', 'preserve sparseness of volume'),
];

const uploadCommand: CommandDef = {
  name: 'vol-upload',
  summary: 'upload file contents to a volume',
  options,
  async run(args, session) {
    const file = args.need('file');
    const [offset, length] = [BigInt(args.number('offset') ?? 0), BigInt(args.number('length') ?? 0)];
    const volume = await findVolume(args, session);
    const bytes = await stat(file).catch((error: unknown) => {
      throw new CommandFailure(`cannot read ${file}: ${reasonOf(error)}`);
    });
    const wanted = length === 0n ? bytes.size : Math.min(Number(length), bytes.size);
    const failed = `cannot upload to volume ${volume.name}`;
    const stream = await attempt(failed, volume.upload(offset, BigInt(wanted), args.flag('sparse') ? SPARSE : 0));
    // Its closing, not the end of what we write, means that all is there.
    const done = finished(stream, { readable: false });
    stream.resume();
    if (wanted === 0) stream.end();
    else await attempt(failed, pipeline(createReadStream(file, { end: wanted - 1 }), stream));
    await attempt(failed, done);
    return message(`Vol ${volume.name} uploaded from ${file}`, { volume: volume.name, bytes: wanted });
  },
};

const downloadCommand: CommandDef = {
  name: 'vol-download',
  summary: 'download volume contents to a file',
  options,
  async run(args, session) {
    const file = args.need('file');
    const [offset, length] = [BigInt(args.number('offset') ?? 0), BigInt(args.number('length') ?? 0)];
    const volume = await findVolume(args, session);
    const handle = await open(file, 'w', 0o666).catch((error: unknown) => {
      throw new CommandFailure(`cannot create ${file}: ${reasonOf(error)}`);
    });
    await handle.close();
    const failed = `cannot download from volume ${volume.name}`;
    const stream = await attempt(failed, volume.download(offset, length, args.flag('sparse') ? SPARSE : 0));
    const target = createWriteStream(file);
    await attempt(failed, pipeline(stream, target));
    return message(`Vol ${volume.name} downloaded to ${file}`, { volume: volume.name, bytes: target.bytesWritten });
  },
};

/** Commands that move a volume's contents. */
export const transferCommands: readonly CommandDef[] = [downloadCommand, uploadCommand];
