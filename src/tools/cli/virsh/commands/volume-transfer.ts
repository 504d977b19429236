import { createReadStream, createWriteStream } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { finished, pipeline } from 'node:stream/promises';
import { type CommandDef, flag, integer, type OptionDef, text } from '../definition.ts';
import { attempt, CommandFailure } from '../failure.ts';
import { reasonOf } from '../files.ts';
import { findVolume } from '../lookup.ts';
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
    return { text: '', json: { volume: volume.name, bytes: wanted } };
  },
};

/** Makes sure that a file can be written. @returns whether it was not there before */
async function makeFile(file: string): Promise<boolean> {
  const opened = async (flags: string) => (await open(file, flags, 0o666)).close();
  try {
    await opened('wx');
    return true;
  } catch (first) {
    const exists = (first as NodeJS.ErrnoException).code === 'EEXIST';
    const failed = exists ? await opened('a').catch((error: unknown) => error) : first;
    if (failed === undefined) return false;
    throw new CommandFailure(`cannot create ${file}: ${reasonOf(failed)}`);
  }
}

const downloadCommand: CommandDef = {
  name: 'vol-download',
  summary: 'download volume contents to a file',
  options,
  async run(args, session) {
    const file = args.need('file');
    const [offset, length] = [BigInt(args.number('offset') ?? 0), BigInt(args.number('length') ?? 0)];
    const volume = await findVolume(args, session);
    const isNew = await makeFile(file);
    const failed = `cannot download from volume ${volume.name}`;
    try {
      const stream = await attempt(failed, volume.download(offset, length, args.flag('sparse') ? SPARSE : 0));
      const target = createWriteStream(file);
      await attempt(failed, pipeline(stream, target));
      return { text: '', json: { volume: volume.name, bytes: target.bytesWritten } };
    } catch (error) {
      // Half a volume is of no use to anybody.
      if (isNew) await rm(file, { force: true });
      throw error;
    }
  },
};

/** Commands that move a volume's contents. */
export const transferCommands: readonly CommandDef[] = [downloadCommand, uploadCommand];
