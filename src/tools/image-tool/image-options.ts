import type { Qcow2CreateOptions } from '../../machine/index.ts';
import { usageError } from '../cli/command.ts';
import { parseBytes } from './sizes.ts';

/** What of a disk gets its place in the file ahead of its use: nothing, its clusters, or (in two names) all bytes. */
export type Preallocation = 'off' | 'metadata' | 'falloc' | 'full';

/** What `-o` may say of a new image. */
export interface NewImageOptions {
  readonly qcow2: Omit<Qcow2CreateOptions, 'size'>;
  readonly preallocation: Preallocation;
  /** `size=`, in bytes. */
  readonly size?: number;
}

function onOff(name: string, value: string): boolean {
  if (value === 'on' || value === 'yes' || value === 'true') return true;
  if (value === 'off' || value === 'no' || value === 'false') return false;
  throw usageError(`-o ${name}=${value}: it is on or off`);
}

function oneOf<const Value extends string>(name: string, value: string, values: readonly Value[]): Value {
  const found = values.find((one) => one === value);
  if (found === undefined) throw usageError(`${name}=${value}: it is one of ${values.join(', ')}`);
  return found;
}

type Setter = (value: string) => Partial<NewImageOptions['qcow2']>;

/** Options of new qcow2 images, by QEMU's names of them. */
const qcow2Setters: Readonly<Record<string, Setter>> = {
  backing_file: (value) => ({ backingFile: value }),
  backing_fmt: (value) => ({ backingFormat: value }),
  cluster_size: (value) => ({ clusterBytes: parseBytes(value) }),
  compat: (value) => ({
    version: oneOf('-o compat', value, ['0.10', '1.1', 'v2', 'v3']) === '0.10' || value === 'v2' ? 2 : 3,
  }),
  compression_type: (value) => ({ compression: oneOf('-o compression_type', value, ['zlib', 'zstd']) }),
  data_file: (value) => ({ dataFile: value }),
  data_file_raw: (value) => ({ rawDataFile: onOff('data_file_raw', value) }),
  extended_l2: (value) => ({ extendedL2: onOff('extended_l2', value) }),
  lazy_refcounts: (value) => ({ lazyRefcounts: onOff('lazy_refcounts', value) }),
  refcount_bits: (value) => ({ refcountBits: Number(value) }),
};

/** Reads a kind of preallocation that a format has; `option` is for messages. */
export function parsePreallocation(format: 'raw' | 'qcow2', value: string, option: string): Preallocation {
  const found = oneOf(option, value, ['off', 'metadata', 'falloc', 'full']);
  if (format === 'raw' && found === 'metadata') throw usageError(`${option}=metadata: a raw image has none`);
  return found;
}

/** Reads the values of `-o`: `name=value,name=value`, a comma in a value written twice. */
export function parseImageOptions(format: 'raw' | 'qcow2', lists: readonly string[]): NewImageOptions {
  let qcow2: NewImageOptions['qcow2'] = {};
  let preallocation: NewImageOptions['preallocation'] = 'off';
  let size: number | undefined;
  for (const item of lists.flatMap((list) => list.split(/(?<!,),(?!,)/)).map((one) => one.replaceAll(',,', ','))) {
    const equals = item.indexOf('=');
    const name = equals < 0 ? item : item.slice(0, equals);
    const value = equals < 0 ? 'on' : item.slice(equals + 1);
    const setter = format === 'qcow2' ? qcow2Setters[name] : undefined;
    if (name.startsWith('encrypt')) throw usageError(`-o ${item}: encrypted images are not supported`);
    if (name === 'size') size = Math.ceil(parseBytes(value) / 512) * 512;
    else if (name === 'preallocation') preallocation = parsePreallocation(format, value, `-o ${name}`);
    else if (setter !== undefined) qcow2 = { ...qcow2, ...setter(value) };
    else throw usageError(`-o ${item}: images of format ${format} have no option '${name}'`);
  }
  return { qcow2, preallocation, ...(size === undefined ? {} : { size }) };
}
