import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, flag, integer, text } from '../definition.ts';
import { attempt, UsageFailure } from '../failure.ts';
import { findDomain } from '../lookup.ts';
import { blockJobName } from '../names.ts';
import { SILENT } from '../output.ts';
import { affectOf, affectOptions, domainOption } from '../shared-options.ts';
import { prettySize } from '../units.ts';
import { ABORT_ASYNC, ABORT_PIVOT, percent } from './block-job-wait.ts';
import { bandwidthOf } from './block-jobs.ts';

/** virDomainLifecycle. */
const EVENTS = ['poweroff', 'reboot', 'crash'];
/** virDomainLifecycleAction. */
const ACTIONS = ['destroy', 'restart', 'rename-restart', 'preserve', 'coredump-destroy', 'coredump-restart'];

const lifecycleActionCommand: CommandDef = {
  name: 'set-lifecycle-action',
  summary: 'change what becomes of a domain when it powers off, reboots or crashes',
  options: [
    domainOption(),
    text('type', `what happens: ${EVENTS.join(', ')}`, { required: true, complete: EVENTS }),
    text('action', `what is done then: ${ACTIONS.join(', ')}`, { required: true, complete: ACTIONS }),
    ...affectOptions,
  ],
  async run(args, session) {
    const flags = affectOf(args);
    const [type, action] = [EVENTS.indexOf(args.need('type')), ACTIONS.indexOf(args.need('action'))];
    if (type < 0) throw new UsageFailure(`Invalid lifecycle type '${args.need('type')}'.`);
    if (action < 0) throw new UsageFailure(`Invalid lifecycle action '${args.need('action')}'.`);
    const domain = await findDomain(args, session);
    await attempt('Unable to change lifecycle action.', domain.setLifecycleAction(type, action, flags));
    return SILENT;
  },
};

/** virDomainBlockJobInfoFlags. */
const JOB_INFO_BYTES = 1;
/** virDomainBlockJobSetSpeedFlags. */
const SPEED_BYTES = 1;

/** Which of the three things `blockjob` does. */
function jobAction(args: CommandArgs): 'abort' | 'bandwidth' | 'info' {
  for (const other of ['abort', 'async', 'pivot']) args.exclusive('raw', other);
  for (const other of ['abort', 'async', 'pivot', 'bandwidth']) args.exclusive('info', other);
  for (const other of ['abort', 'async', 'pivot']) args.exclusive('bytes', other);
  if (args.flag('abort') || args.flag('async') || args.flag('pivot')) return 'abort';
  return args.flag('bandwidth') ? 'bandwidth' : 'info';
}

function limitOf(bandwidth: bigint, bytes: boolean): string {
  if (bandwidth === 0n) return '';
  const each = bytes ? bandwidth : bandwidth << 20n;
  return `    Bandwidth limit: ${each} bytes/s (${prettySize(each, 3)}/s)`;
}

const blockjobCommand: CommandDef = {
  name: 'blockjob',
  summary: 'manage active block operations',
  options: [
    domainOption('active-domain'),
    text('path', 'target or source of the block device', { required: true }),
    flag('abort', 'abort the active job on the specified disk'),
    flag('async', "don't wait for --abort to complete"),
    flag('pivot', 'conclude and pivot a copy or commit job'),
    flag('info', 'get active job information for the specified disk'),
    flag('bytes', 'get/set bandwidth in bytes rather than MiB/s'),
    flag('raw', 'implies --info; output details rather than human summary'),
    integer('bandwidth', 'set the bandwidth limit in MiB/s'),
  ],
  async run(args, session) {
    const action = jobAction(args);
    const path = args.need('path');
    const domain = await findDomain(args, session);
    if (action === 'abort') {
      const flags = (args.flag('async') ? ABORT_ASYNC : 0) | (args.flag('pivot') ? ABORT_PIVOT : 0);
      await domain.blockJobAbort(path, flags);
      return SILENT;
    }
    if (action === 'bandwidth') {
      const { bandwidth, bytes } = bandwidthOf(args);
      await domain.blockJobSetSpeed(path, bandwidth, bytes ? SPEED_BYTES : 0);
      return SILENT;
    }
    const job = await domain.getBlockJobInfo(path, args.flag('bytes') ? JOB_INFO_BYTES : 0);
    if (job === undefined) {
      return { text: args.flag('raw') ? '' : `No current block job for ${path}`, json: { job: null } };
    }
    const name = blockJobName(job.type);
    const json = { job: { ...job, name } };
    if (args.flag('raw')) {
      const { bandwidth, cur, end } = job;
      return { text: ` type=${name}\n bandwidth=${bandwidth}\n cur=${cur}\n end=${end}\n`, json };
    }
    // As virsh: how far it is comes beside the results.
    if (session.format === 'table') session.context.stderr.write(`\r${name}: ${percent(job.cur, job.end)}`);
    return { text: `${limitOf(job.bandwidth, args.flag('bytes'))}\n`, json };
  },
};

/** Commands that change what a domain is to do. */
export const actionCommands: readonly CommandDef[] = [blockjobCommand, lifecycleActionCommand];
