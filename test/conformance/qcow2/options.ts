import type { Qcow2CreateOptions } from '../../../src/machine/backend/qcow2/create.ts';
import type { SeededRandom } from '../../../src/util/index.ts';

/** What an image is on top of. */
export type BackingKind = 'none' | 'raw' | 'qcow2';

/** One combination of what images can be made with. */
export interface Combination {
  readonly options: Omit<Qcow2CreateOptions, 'backingFile' | 'backingFormat' | 'dataFile'>;
  readonly backing: BackingKind;
  /** Size of the backing image in bytes. */
  readonly backingBytes: number;
  readonly dataFile: boolean;
}

/** A combination that can be, at random. */
export function randomCombination(random: SeededRandom): Combination {
  const version = random.below(5) === 0 ? 2 : 3;
  const clusterBytes = random.pick([512, 1024, 4096, 16384, 65536, 65536, 65536, 2 ** 21]);
  const size = (clusterBytes === 2 ** 21 ? 17_000 : 4_000 + random.below(8_000)) * 512;
  const backingBytes = Math.ceil((size / 512) * random.pick([0.3, 1, 1.2])) * 512;
  if (version === 2) {
    const backing = random.pick(['none', 'raw', 'qcow2'] as const);
    return { options: { size, version, clusterBytes }, backing, backingBytes, dataFile: false };
  }
  const dataFile = random.below(6) === 0;
  const rawDataFile = dataFile && random.below(2) === 0;
  const options = {
    size,
    version: 3,
    clusterBytes,
    refcountBits: random.pick([1, 2, 4, 8, 16, 16, 32, 64]),
    lazyRefcounts: random.below(4) === 0,
    extendedL2: clusterBytes >= 16384 && random.below(2) === 0,
    compression: random.pick(['zlib', 'zstd'] as const),
    rawDataFile,
  } as const;
  return {
    options,
    backing: rawDataFile ? 'none' : random.pick(['none', 'raw', 'qcow2'] as const),
    backingBytes,
    dataFile,
  };
}

/** The options as qemu-img's `-o` takes them. */
export function qemuOptions({ options }: Combination, dataFile: string | undefined): string {
  const list = [
    `compat=${options.version === 2 ? '0.10' : '1.1'}`,
    `cluster_size=${options.clusterBytes ?? 65536}`,
    `refcount_bits=${options.refcountBits ?? 16}`,
    `lazy_refcounts=${options.lazyRefcounts ? 'on' : 'off'}`,
    `extended_l2=${options.extendedL2 ? 'on' : 'off'}`,
    ...(options.compression === undefined ? [] : [`compression_type=${options.compression}`]),
    ...(dataFile === undefined ? [] : [`data_file=${dataFile}`, `data_file_raw=${options.rawDataFile ? 'on' : 'off'}`]),
  ];
  return list.join(',');
}

/** One line that tells which combination it is. */
export function describeCombination(combination: Combination): string {
  const { options, backing, backingBytes, dataFile } = combination;
  return JSON.stringify({ ...options, backing, ...(backing === 'none' ? {} : { backingBytes }), dataFile });
}
