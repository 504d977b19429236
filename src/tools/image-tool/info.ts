import { stat } from 'node:fs/promises';
import {
  DiskFile,
  diskFormat,
  inspectQcow2,
  namedFile,
  type Qcow2Facts,
  type Qcow2Snapshot,
} from '../../machine/index.ts';
import { type Args, type CommandDef, type Context, ExitCode, usageError } from '../cli/command.ts';
import { looksLikeQcow2 } from './open.ts';
import { formatBytes } from './sizes.ts';
import { snapshotTable } from './snapshot-list.ts';

/** Images listed at most. */
const CHAIN_MAX = 200;

/** What there is to tell of one image. */
interface ImageInfo {
  readonly path: string;
  readonly format: 'raw' | 'qcow2';
  readonly virtualBytes: number;
  readonly actualBytes: number;
  readonly facts: Qcow2Facts | undefined;
  /** Where the backing file is. */
  readonly backing: string | undefined;
}

async function inspect(path: string, format: string | undefined, shared: boolean): Promise<ImageInfo> {
  const known = format ?? ((await looksLikeQcow2(path, true)) ? 'qcow2' : 'raw');
  const file = await DiskFile.open(path, { readOnly: true, shared });
  try {
    const { blocks } = await stat(path);
    const common = { path, actualBytes: blocks * 512 };
    if (diskFormat(path, known) === 'raw') {
      const virtualBytes = Math.ceil(file.bytes / 512) * 512;
      return { ...common, format: 'raw', virtualBytes, facts: undefined, backing: undefined };
    }
    const facts = await inspectQcow2(file);
    const { backingFile } = facts.header;
    const backing = backingFile === undefined ? undefined : namedFile(path, 'backing file', backingFile);
    return { ...common, format: 'qcow2', virtualBytes: facts.header.size, facts, backing };
  } finally {
    await file.close();
  }
}

/** An image and what it is on top of. */
async function inspectChain(path: string, format: string | undefined, shared: boolean): Promise<ImageInfo[]> {
  const chain: ImageInfo[] = [];
  let next: { path: string; format: string | undefined } | undefined = { path, format };
  while (next !== undefined) {
    const { path: nextPath, format: nextFormat }: { path: string; format: string | undefined } = next;
    if (chain.length === CHAIN_MAX) throw usageError(`${path} is on top of more than ${CHAIN_MAX} images`);
    const info = await inspect(nextPath, nextFormat, shared);
    if (chain.some((one) => one.path === info.path)) throw usageError(`${path}: its chain leads back to ${info.path}`);
    chain.push(info);
    // Below the first image, nothing is guessed.
    next = info.backing === undefined ? undefined : { path: info.backing, format: info.facts?.backingFormat ?? 'raw' };
  }
  return chain;
}

function snapshotJson(snapshot: Qcow2Snapshot): Record<string, unknown> {
  const { id, name, seconds, nanoseconds, vmClockNs, vmStateBytes } = snapshot;
  return {
    id,
    name,
    'vm-state-size': vmStateBytes,
    'date-sec': seconds,
    'date-nsec': nanoseconds,
    'vm-clock-sec': Number(vmClockNs / 1_000_000_000n),
    'vm-clock-nsec': Number(vmClockNs % 1_000_000_000n),
  };
}

function bitmapFlags({ inUse, auto }: Qcow2Facts['bitmaps'][number]): string[] {
  return [...(inUse ? ['in-use'] : []), ...(auto ? ['auto'] : [])];
}

function specificJson(facts: Qcow2Facts): Record<string, unknown> {
  const { header, bitmaps } = facts;
  const common = { 'compression-type': header.compression, 'refcount-bits': facts.refcountBits };
  if (header.version === 2) return { compat: '0.10', ...common };
  return {
    compat: '1.1',
    ...common,
    'lazy-refcounts': facts.lazyRefcounts,
    ...(facts.dataFile === undefined ? {} : { 'data-file': facts.dataFile, 'data-file-raw': facts.rawDataFile }),
    ...(bitmaps.length === 0
      ? {}
      : {
          bitmaps: bitmaps.map((bitmap) => ({
            name: bitmap.name,
            granularity: bitmap.granularityBytes,
            flags: bitmapFlags(bitmap),
          })),
        }),
    corrupt: facts.corrupt,
    'extended-l2': facts.extendedL2,
  };
}

function toJson({ path, format, virtualBytes, actualBytes, facts, backing }: ImageInfo): Record<string, unknown> {
  const common = { 'virtual-size': virtualBytes, filename: path, format, 'actual-size': actualBytes };
  if (facts === undefined) return { ...common, 'dirty-flag': false };
  const { header, snapshots, backingFormat } = facts;
  return {
    ...common,
    'cluster-size': facts.clusterBytes,
    ...(header.backingFile === undefined
      ? {}
      : { 'backing-filename': header.backingFile, 'full-backing-filename': backing }),
    ...(backingFormat === undefined ? {} : { 'backing-filename-format': backingFormat }),
    ...(snapshots.length === 0 ? {} : { snapshots: snapshots.map(snapshotJson) }),
    'format-specific': { type: 'qcow2', data: specificJson(facts) },
    'dirty-flag': facts.dirty,
  };
}

function specificText(facts: Qcow2Facts): string[] {
  const { header, bitmaps } = facts;
  const lines = [`compat: ${header.version === 2 ? '0.10' : '1.1'}`, `compression type: ${header.compression}`];
  if (header.version === 2) return [...lines, `refcount bits: ${facts.refcountBits}`];
  lines.push(`lazy refcounts: ${facts.lazyRefcounts}`);
  if (bitmaps.length > 0) lines.push('bitmaps:');
  for (const bitmap of bitmaps) {
    lines.push(
      `    ${bitmap.name}: granularity ${bitmap.granularityBytes}, flags ${bitmapFlags(bitmap).join(' ') || 'none'}`,
    );
  }
  lines.push(`refcount bits: ${facts.refcountBits}`);
  if (facts.dataFile !== undefined) lines.push(`data file: ${facts.dataFile}`, `data file raw: ${facts.rawDataFile}`);
  return [...lines, `corrupt: ${facts.corrupt}`, `extended l2: ${facts.extendedL2}`];
}

function toText({ path, format, virtualBytes, actualBytes, facts, backing }: ImageInfo): string {
  const lines = [
    `image: ${path}`,
    `file format: ${format}`,
    `virtual size: ${formatBytes(virtualBytes)} (${virtualBytes} bytes)`,
    `disk size: ${formatBytes(actualBytes)}`,
  ];
  if (facts !== undefined) {
    const { header, snapshots, backingFormat } = facts;
    if (facts.dirty) lines.push('cleanly shut down: no');
    lines.push(`cluster_size: ${facts.clusterBytes}`);
    if (header.backingFile !== undefined) {
      const actual = backing === header.backingFile ? '' : ` (actual path: ${backing})`;
      lines.push(`backing file: ${header.backingFile}${actual}`);
    }
    if (backingFormat !== undefined) lines.push(`backing file format: ${backingFormat}`);
    if (snapshots.length > 0) lines.push(...snapshotTable(snapshots));
    lines.push('Format specific information:', ...specificText(facts).map((line) => `    ${line}`));
  }
  return `${lines.join('\n')}\n`;
}

/** Reads `--output`. */
export function wantsJson(args: Args): boolean {
  const output = args.text('output') ?? 'human';
  if (output !== 'human' && output !== 'json') throw usageError(`--output ${output}: neither human nor json`);
  return output === 'json';
}

/** `nodevisor image info`. */
export const imageInfoCommand: CommandDef = {
  path: ['image', 'info'],
  summary: 'tell what is known of a disk image',
  arguments: [{ usage: '<file>', help: 'the image' }],
  options: [
    { flags: '-f, --format <format>', help: 'raw or qcow2 (default: as it looks)' },
    { flags: '--output <format>', help: 'human or json (default: human)' },
    { flags: '--backing-chain', help: 'tell of all images that it is on top of as well' },
    { flags: '-U, --force-share', help: 'look at it even while a machine writes it' },
  ],
  async run(args: Args, context: Context): Promise<number> {
    const [path = ''] = args.positionals;
    const json = wantsJson(args);
    const format = args.text('format');
    const shared = args.flag('forceShare');
    const whole = args.flag('backingChain');
    const chain = whole ? await inspectChain(path, format, shared) : [await inspect(path, format, shared)];
    const values = chain.map(toJson);
    context.stdout.write(
      json ? `${JSON.stringify(whole ? values : values[0], null, 4)}\n` : chain.map(toText).join('\n'),
    );
    return ExitCode.OK;
  },
};
