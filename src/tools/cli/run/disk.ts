import {
  type DiskBus,
  type DiskCache,
  type DiskDiscard,
  diskBuses,
  diskCaches,
  diskDiscards,
  type FlashOptions,
  type MediumOptions,
} from '../../../drivers/index.ts';
import {
  type DiskFormat,
  diskFormats,
  type ReadErrorAction,
  readErrorActions,
  type WriteErrorAction,
  writeErrorActions,
} from '../../../machine/index.ts';
import { usageError } from '../command.ts';

/** A disk as the command line names it. */
export interface DiskArg {
  readonly file: string;
  readonly format: DiskFormat;
  readonly readonly: boolean;
  readonly cache?: DiskCache;
  readonly serial?: string;
  readonly queues?: number;
  readonly bus?: DiskBus;
  readonly werror?: WriteErrorAction;
  readonly rerror?: ReadErrorAction;
  readonly discard?: DiskDiscard;
}

/** What `--disk` and `--cdrom` can be, for their help. */
export const diskHelp =
  'disk image: FILE[,format=raw|qcow2][,readonly][,cache=…][,serial=…][,bus=virtio|scsi][,discard=unmap|ignore][,werror=…][,rerror=…]; may be repeated';
export const pflashHelp =
  'bank of flash at 0x20000000, the second at 0x22000000: FILE[,readonly][,template=FILE]; at most 2';
export const cdromHelp = 'image in a CD-ROM drive: FILE[,format=raw|qcow2]; may be repeated';

/** How a setting's value is read; `fail` says what it should be. */
type Settings<Arg> = Readonly<Record<string, (value: string, fail: (expected: string) => never) => Partial<Arg>>>;

function among<Value extends string>(text: string, values: readonly Value[]): Value | undefined {
  return values.find((value) => value === text);
}

/** What may be said of a disk beside its file. */
const diskSettings: Settings<DiskArg> = {
  format: (value, fail) => ({ format: among(value, diskFormats) ?? fail(diskFormats.join(' or ')) }),
  readonly: (value, fail) => (value === 'on' || value === 'off' ? { readonly: value === 'on' } : fail('on or off')),
  cache: (value, fail) => ({ cache: among(value, diskCaches) ?? fail(diskCaches.join(', ')) }),
  serial: (value) => ({ serial: value }),
  queues: (value, fail) => (/^\d+$/.test(value) ? { queues: Number(value) } : fail('a number')),
  discard: (value, fail) => ({ discard: among(value, diskDiscards) ?? fail(diskDiscards.join(' or ')) }),
  werror: (value, fail) => ({ werror: among(value, writeErrorActions) ?? fail(writeErrorActions.join(', ')) }),
  rerror: (value, fail) => ({ rerror: among(value, readErrorActions) ?? fail(readErrorActions.join(', ')) }),
  bus: (value, fail) => ({ bus: among(value, diskBuses) ?? fail(diskBuses.join(' or ')) }),
};

const cdromSettings: Settings<MediumOptions> = {
  format: (value, fail) => ({ format: among(value, diskFormats) ?? fail(diskFormats.join(' or ')) }),
};

const pflashSettings: Settings<FlashOptions> = {
  readonly: (value, fail) => (value === 'on' || value === 'off' ? { readonly: value === 'on' } : fail('on or off')),
  template: (value) => ({ template: value }),
};

/** `FILE[,NAME=VALUE…][,NAME]`; a comma in the file's name is written twice. */
function parseFile<Arg extends { readonly file: string }>(
  option: string,
  text: string,
  settings: Settings<Arg>,
  defaults: Omit<Arg, 'file'>,
): Arg {
  const [file = '', ...rest] = text.split(/(?<!,),(?!,)/).map((part) => part.replaceAll(',,', ','));
  if (file === '') throw usageError(`--${option} ${text}: names no file`);
  let arg = { ...defaults, file } as Arg;
  for (const setting of rest) {
    const [name = '', value = 'on'] = setting.split(/=(.*)/s);
    const parse = settings[name];
    if (parse === undefined) {
      throw usageError(`--${option} ${text}: '${name}' is none of ${Object.keys(settings).join(', ')}`);
    }
    const fail = (expected: string): never => {
      throw usageError(`--${option} ${text}: ${name} is ${expected}`);
    };
    arg = { ...arg, ...parse(value, fail) };
  }
  return arg;
}

/** Reads one `--disk`. @throws VirtError for what is unknown or malformed */
export function parseDisk(text: string): DiskArg {
  return parseFile('disk', text, diskSettings, { format: 'raw', readonly: false });
}

/** Reads one `--cdrom`. @throws VirtError for what is unknown or malformed */
export function parseCdrom(text: string): MediumOptions {
  return parseFile('cdrom', text, cdromSettings, {});
}

/** Reads one `--pflash`. @throws VirtError for what is unknown or malformed */
export function parsePflash(text: string): FlashOptions {
  return parseFile('pflash', text, pflashSettings, {});
}
