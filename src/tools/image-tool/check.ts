import { checkQcow2, DiskFile, diskFormat, type Repair, type RepairResult } from '../../machine/index.ts';
import { type Args, type CommandDef, type Context, ExitCode, usageError } from '../cli/command.ts';
import { isUnsafe, sourceCacheOption } from './cache-mode.ts';
import { wantsJson } from './info.ts';
import { looksLikeQcow2 } from './open.ts';
import { showing } from './progress.ts';

/** qemu-img's exit statuses of `check`. */
const CheckStatus = { CORRUPT: 2, LEAKS: 3, UNSUPPORTED: 63 } as const;

function parseRepair(text: string | undefined): Repair {
  if (text === undefined) return 'none';
  if (text === 'leaks' || text === 'all') return text;
  throw usageError(`-r ${text}: neither leaks nor all`);
}

function toJson(path: string, result: RepairResult): Record<string, unknown> {
  const optional = {
    corruptions: result.corruptions,
    leaks: result.leaks,
    'corruptions-fixed': result.corruptionsFixed,
    'leaks-fixed': result.leaksFixed,
    'allocated-clusters': result.allocatedClusters,
    'fragmented-clusters': result.fragmentedClusters,
    'compressed-clusters': result.compressedClusters,
  };
  return {
    'image-end-offset': result.imageEndOffset,
    'total-clusters': result.totalClusters,
    'check-errors': 0,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== 0)),
    filename: path,
    format: 'qcow2',
  };
}

function percent(part: number, whole: number): string {
  return `${((part * 100) / Math.max(1, whole)).toFixed(2)}%`;
}

function toText(result: RepairResult): string {
  const lines: string[] = [...result.messages];
  if (result.corruptionsFixed > 0 || result.leaksFixed > 0) {
    lines.push(
      'The following inconsistencies were found and repaired:',
      '',
      `    ${result.leaksFixed} leaked clusters`,
      `    ${result.corruptionsFixed} corruptions`,
      '',
    );
  }
  if (result.corruptions > 0) {
    lines.push(`${result.corruptions} errors were found on the image.`);
    lines.push('Data may be corrupted, or further writes to the image may corrupt it.');
  }
  if (result.leaks > 0) {
    lines.push(`${result.leaks} leaked clusters were found on the image.`);
    lines.push('This means waste of disk space, but no harm to data.');
  }
  if (result.corruptions === 0 && result.leaks === 0) lines.push('No errors were found on the image.');
  const { allocatedClusters: allocated, totalClusters } = result;
  if (totalClusters > 0) {
    lines.push(
      `${allocated}/${totalClusters} = ${percent(allocated, totalClusters)} allocated, ` +
        `${percent(result.fragmentedClusters, allocated)} fragmented, ` +
        `${percent(result.compressedClusters, allocated)} compressed clusters`,
    );
  }
  lines.push(`Image end offset: ${result.imageEndOffset}`);
  return `${lines.join('\n')}\n`;
}

/** `nodevisor image check`. */
export const imageCheckCommand: CommandDef = {
  path: ['image', 'check'],
  summary: 'look for contradictions in a qcow2 image, and mend them',
  notes: 'Exit status: 0 in order, 1 not checked, 2 corrupt, 3 leaked clusters alone, 63 a format that has no checks.',
  arguments: [{ usage: '<file>', help: 'the image' }],
  options: [
    { flags: '-f, --format <format>', help: 'format (default: as it looks)' },
    { flags: '-r, --repair <what>', help: 'mend leaks, or all that can be' },
    { flags: '--output <format>', help: 'human or json (default: human)' },
    sourceCacheOption,
    { flags: '-U, --force-share', help: 'look at it even while a machine writes it' },
    { flags: '-p, --progress', help: 'show how far it is' },
    { flags: '-q, --quiet', help: 'say nothing' },
  ],
  async run(args: Args, context: Context): Promise<number> {
    const [path = ''] = args.positionals;
    const json = wantsJson(args);
    isUnsafe(args, 'writeback');
    const repair = parseRepair(args.text('repair'));
    const given = args.text('format');
    const format =
      given === undefined ? ((await looksLikeQcow2(path, true)) ? 'qcow2' : 'raw') : diskFormat(path, given);
    if (format === 'raw') {
      context.stderr.write(`nodevisor: ${path}: a raw image has nothing to check\n`);
      return CheckStatus.UNSUPPORTED;
    }
    const shared = args.flag('forceShare') && repair === 'none';
    const file = await DiskFile.open(path, { readOnly: repair === 'none', shared });
    try {
      const what = { name: path, bytes: file.bytes };
      const result = await showing(context, args.flag('progress'), what, (progress) =>
        checkQcow2(file, repair, (done) => progress(done * file.bytes)),
      );
      if (!args.flag('quiet'))
        context.stdout.write(json ? `${JSON.stringify(toJson(path, result), null, 4)}\n` : toText(result));
      if (result.corruptions > 0) return CheckStatus.CORRUPT;
      return result.leaks > 0 ? CheckStatus.LEAKS : ExitCode.OK;
    } finally {
      await file.close();
    }
  },
};
