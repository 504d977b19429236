import type { Domain, TypedParam } from '../../../../virt/index.ts';
import { type CommandArgs, malformed } from '../arguments.ts';
import { type CommandDef, flag, integer, size, text } from '../definition.ts';
import { attempt, CommandFailure, UsageFailure } from '../failure.ts';
import { readTextFile } from '../files.ts';
import { findDomain } from '../lookup.ts';
import { document, type Output, SILENT } from '../output.ts';
import type { Session } from '../session.ts';
import { domainOption } from '../shared-options.ts';
import { parseSize } from '../units.ts';
import { element } from '../xml.ts';
import { ABORT_PIVOT, type JobEnd, startAndWait } from './block-job-wait.ts';

const active = domainOption('active-domain');
const bytesOption = flag('bytes', 'the bandwidth limit is in bytes/s rather than MiB/s');
const pathOption = text('path', 'target or source of the block device', { required: true });
const bandwidthOption = integer('bandwidth', 'bandwidth limit in MiB/s');
const baseOption = text('base', 'path of base file in chain', { complete: 'file' });
const waitOption = flag('wait', 'wait for job to finish');
const verboseOption = flag('verbose', 'with --wait, display the progress');
const timeoutOption = integer('timeout', 'implies --wait, abort if it takes longer (seconds)');
const asyncOption = flag('async', "with --wait, don't wait for cancel to finish");
const relativeOption = flag('keep-relative', 'keep the backing chain relatively referenced');

/** A limit as it was given: a bare number in MiB/s, or with `--bytes` in bytes/s; one with a unit is in bytes/s. */
export function bandwidthOf(args: CommandArgs): { bandwidth: bigint; bytes: boolean } {
  const given = args.text('bandwidth');
  const bytes = args.flag('bytes');
  if (given === undefined) return { bandwidth: 0n, bytes };
  if (/^\+?\d+$/.test(given)) return { bandwidth: BigInt(given), bytes };
  const scaled = parseSize(given, 1n);
  if (scaled === undefined) throw malformed('Scaled numeric', given, '--bandwidth');
  return { bandwidth: scaled, bytes: true };
}

function bits(args: CommandArgs, flags: readonly (readonly [name: string, bit: number])[]): number {
  return flags.reduce((all, [name, bit]) => all | (args.flag(name) ? bit : 0), 0);
}

/** Options that mean that the command waits. */
function waits(args: CommandArgs, ...more: readonly string[]): boolean {
  const all = ['wait', 'timeout', ...more];
  const waiting = all.some((name) => args.flag(name));
  for (const name of ['verbose', 'async']) {
    if (!args.flag(name) || waiting) continue;
    const listed = ['--timeout', '--wait', ...more.map((one) => `--${one}`)];
    throw new UsageFailure(`--${name} requires at least one of ${listed.slice(0, -1).join(', ')}, or ${listed.at(-1)}`);
  }
  return waiting;
}

interface Job {
  /** `Pull`, as it is said of its end. */
  readonly noun: string;
  /** `Block Pull`, of its start and its progress. */
  readonly started: string;
  readonly title: string;
  start(domain: Domain): Promise<void>;
  /** What is done once it is done or ready, and said then. */
  finish(domain: Domain, end: JobEnd): Promise<string>;
}

async function runJob(job: Job, waiting: boolean, args: CommandArgs, session: Session): Promise<Output> {
  const disk = args.need('path');
  const timeoutSeconds = args.number('timeout', 1);
  const domain = await findDomain(args, session);
  if (!waiting) {
    await job.start(domain);
    return { text: `${job.started} started`, quiet: '', json: { disk, started: true } };
  }
  const wait = { title: job.title, disk, verbose: args.flag('verbose'), async: args.flag('async'), timeoutSeconds };
  const end = await startAndWait(domain, wait, session, () => job.start(domain));
  if (end === 'failed') throw new CommandFailure(`\n${job.noun} failed`);
  const canceled = end === 'canceled';
  const said = canceled ? `${job.noun} aborted` : await job.finish(domain, end);
  return { text: `\n${said}`, quiet: '', json: { disk, end, message: said }, ...(canceled ? { status: 1 } : {}) };
}

/** virDomainBlockRebaseFlags. */
const REBASE = { SHALLOW: 1, REUSE_EXT: 2, COPY_RAW: 4, COPY: 8, RELATIVE: 16, COPY_DEV: 32, BANDWIDTH_BYTES: 64 };

const blockpullCommand: CommandDef = {
  name: 'blockpull',
  summary: 'populate a disk from its backing image',
  options: [
    active,
    pathOption,
    bandwidthOption,
    baseOption,
    flag('wait', waitOption.help),
    verboseOption,
    integer('timeout', 'with --wait, abort if it takes longer (seconds)'),
    asyncOption,
    relativeOption,
    bytesOption,
  ],
  async run(args, session) {
    for (const name of ['verbose', 'timeout', 'async']) args.requires(name, 'wait');
    const path = args.need('path');
    const base = args.text('base');
    const { bandwidth, bytes } = bandwidthOf(args);
    const flags = bits(args, [['keep-relative', REBASE.RELATIVE]]) | (bytes ? REBASE.BANDWIDTH_BYTES : 0);
    const job: Job = {
      noun: 'Pull',
      started: 'Block Pull',
      title: 'Block Pull',
      start: (domain) =>
        base === undefined && flags === 0
          ? domain.blockPull(path, bandwidth)
          : domain.blockRebase(path, base, bandwidth, flags),
      finish: async () => 'Pull complete',
    };
    return runJob(job, args.flag('wait'), args, session);
  },
};

/** virDomainBlockCommitFlags. */
const COMMIT_FLAGS = [
  ['shallow', 1],
  ['delete', 2],
  ['keep-relative', 8],
] as const;
const COMMIT_ACTIVE = 4;
const COMMIT_BYTES = 16;

const blockcommitCommand: CommandDef = {
  name: 'blockcommit',
  summary: 'start a block commit operation',
  options: [
    active,
    pathOption,
    bandwidthOption,
    baseOption,
    flag('shallow', 'use backing file of top as base'),
    text('top', 'path of top file in chain', { complete: 'file' }),
    flag('active', 'trigger two-stage active commit of top file'),
    flag('delete', 'delete files that were successfully committed'),
    waitOption,
    verboseOption,
    timeoutOption,
    flag('pivot', 'implies --active --wait, pivot when commit is synced'),
    flag('keep-overlay', 'implies --active --wait, quit when commit is synced'),
    asyncOption,
    relativeOption,
    bytesOption,
  ],
  async run(args, session) {
    args.exclusive('pivot', 'keep-overlay');
    args.exclusive('base', 'shallow');
    const waiting = waits(args, 'pivot', 'keep-overlay');
    const [path, base, top] = [args.need('path'), args.text('base'), args.text('top')];
    const { bandwidth, bytes } = bandwidthOf(args);
    const twoStage = ['active', 'pivot', 'keep-overlay'].some((name) => args.flag(name));
    const flags = bits(args, COMMIT_FLAGS) | (twoStage ? COMMIT_ACTIVE : 0) | (bytes ? COMMIT_BYTES : 0);
    const job: Job = {
      noun: 'Commit',
      started: twoStage ? 'Active Block Commit' : 'Block Commit',
      title: 'Block commit',
      start: (domain) => domain.blockCommit(path, base, top, bandwidth, flags),
      async finish(domain) {
        if (args.flag('pivot')) return pivot(domain, path);
        if (args.flag('keep-overlay')) {
          await attempt(`failed to finish job for disk ${path}`, domain.blockJobAbort(path));
          return 'Commit complete, overlay image kept';
        }
        return twoStage ? 'Now in synchronized phase' : 'Commit complete';
      },
    };
    return runJob(job, waiting, args, session);
  },
};

async function pivot(domain: Domain, path: string): Promise<string> {
  await attempt(`failed to pivot job for disk ${path}`, domain.blockJobAbort(path, ABORT_PIVOT));
  return 'Successfully pivoted';
}

/** virDomainBlockCopyFlags. */
const COPY_FLAGS = [
  ['shallow', 1],
  ['reuse-external', 2],
  ['transient-job', 4],
  ['synchronous-writes', 8],
] as const;

interface Copy {
  readonly path: string;
  readonly dest: string | undefined;
  readonly xml: string | undefined;
  readonly format: string | undefined;
  readonly params: readonly TypedParam[];
  readonly bandwidth: bigint;
  readonly bytes: boolean;
}

async function copyOf(args: CommandArgs): Promise<Copy> {
  const dest = args.text('dest');
  const file = args.text('xml');
  if (dest === undefined && file === undefined) throw new UsageFailure('need either --dest or --xml');
  const { bandwidth, bytes } = bandwidthOf(args);
  const limit = bytes ? bandwidth : bandwidth << 20n;
  const granularity = args.number('granularity');
  const buffer = args.number('buf-size');
  const params: TypedParam[] = [
    ...(limit === 0n ? [] : [{ field: 'bandwidth', type: 'ullong', value: limit } as const]),
    ...(granularity === undefined ? [] : [{ field: 'granularity', type: 'uint', value: granularity } as const]),
    ...(buffer === undefined ? [] : [{ field: 'buf-size', type: 'ullong', value: BigInt(buffer) } as const]),
  ];
  const xml = file === undefined ? undefined : await readTextFile(file);
  return { path: args.need('path'), dest, xml, format: args.text('format'), params, bandwidth, bytes };
}

/** The destination as a `<disk>`. */
function copyXml({ xml, dest, format }: Copy, blockdev: boolean): string {
  if (xml !== undefined) return xml;
  return element('disk', { type: blockdev ? 'block' : 'file' }, [
    element('source', { [blockdev ? 'dev' : 'file']: dest }),
    format === undefined ? undefined : element('driver', { type: format }),
  ]);
}

/** Whether the older call can say it, which older servers have. */
function isPlain({ xml, format }: Copy, args: CommandArgs): boolean {
  const more = ['granularity', 'buf-size', 'transient-job', 'synchronous-writes'];
  return xml === undefined && (format ?? 'raw') === 'raw' && !more.some((name) => args.flag(name));
}

function startCopy(domain: Domain, copy: Copy, args: CommandArgs): Promise<void> {
  const { path, dest, bandwidth, bytes, format, params } = copy;
  if (!isPlain(copy, args)) {
    return domain.blockCopy(path, copyXml(copy, args.flag('blockdev')), params, bits(args, COPY_FLAGS));
  }
  const flags =
    REBASE.COPY |
    bits(args, [
      ['shallow', REBASE.SHALLOW],
      ['reuse-external', REBASE.REUSE_EXT],
      ['blockdev', REBASE.COPY_DEV],
    ]) |
    (format === undefined ? 0 : REBASE.COPY_RAW) |
    (bytes ? REBASE.BANDWIDTH_BYTES : 0);
  return domain.blockRebase(path, dest, bandwidth, flags);
}

const blockcopyCommand: CommandDef = {
  name: 'blockcopy',
  summary: 'start a block copy operation',
  options: [
    active,
    pathOption,
    text('dest', 'path of the copy to create', { complete: 'file' }),
    bandwidthOption,
    flag('shallow', 'make the copy share a backing chain'),
    flag('reuse-external', 'reuse existing destination'),
    flag('blockdev', 'copy destination is block device instead of regular file'),
    flag('wait', 'wait for job to reach mirroring phase'),
    verboseOption,
    timeoutOption,
    flag('pivot', 'implies --wait, pivot when mirroring starts'),
    flag('finish', 'implies --wait, quit when mirroring starts'),
    asyncOption,
    text('xml', 'file with an XML description of the copy destination', { complete: 'file' }),
    text('format', 'format of the destination file'),
    integer('granularity', 'power-of-two granularity to use during the copy'),
    integer('buf-size', 'maximum amount of in-flight data during the copy'),
    bytesOption,
    flag('transient-job', 'the copy job is not kept when the domain is switched off'),
    flag('synchronous-writes', "the guest's writes go to the destination too before they are done"),
    flag('print-xml', 'print the XML of the destination instead of starting the job'),
  ],
  async run(args, session) {
    for (const other of ['format', 'blockdev']) args.exclusive(other, 'xml');
    args.exclusive('dest', 'xml');
    args.exclusive('pivot', 'finish');
    const waiting = waits(args, 'pivot', 'finish');
    await findDomain(args, session);
    const copy = await copyOf(args);
    if (args.flag('print-xml')) return document(`${copyXml(copy, args.flag('blockdev'))}\n`);
    const job: Job = {
      noun: 'Copy',
      started: 'Block Copy',
      title: 'Block Copy',
      start: (domain) => startCopy(domain, copy, args),
      async finish(domain) {
        if (args.flag('pivot')) return pivot(domain, copy.path);
        if (!args.flag('finish')) return 'Now in mirroring phase';
        await attempt(`failed to finish job for disk ${copy.path}`, domain.blockJobAbort(copy.path));
        return 'Successfully copied';
      },
    };
    return runJob(job, waiting, args, session);
  },
};

const thresholdCommand: CommandDef = {
  name: 'domblkthreshold',
  summary: 'set the threshold for an event when a block device is filled so far',
  options: [
    active,
    text('dev', 'device to set threshold for', { required: true }),
    size('threshold', 'threshold, as scaled integer (default bytes)', { required: true }),
  ],
  async run(args, session) {
    const threshold = args.bytes('threshold') ?? 0n;
    const domain = await findDomain(args, session);
    await domain.setBlockThreshold(args.need('dev'), threshold);
    return SILENT;
  },
};

/** Commands that start jobs on a domain's disks, and what watches how full they get. */
export const blockJobCommands: readonly CommandDef[] = [
  blockcommitCommand,
  blockcopyCommand,
  blockpullCommand,
  thresholdCommand,
];
