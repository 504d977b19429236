import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, flag, integer } from '../definition.ts';
import { attempt, UsageFailure } from '../failure.ts';
import { findDomain } from '../lookup.ts';
import { memoryStatNames } from '../names.ts';
import { type Output, SILENT } from '../output.ts';
import { affectOf, affectOptions, domainOption } from '../shared-options.ts';
import { paramFacts } from '../typed-params.ts';

/** Tags of memory statistics in virsh's order. */
const MEMORY_ORDER = [6, 0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 7];

const dommemstatCommand: CommandDef = {
  name: 'dommemstat',
  summary: 'get memory statistics for a domain',
  options: [
    domainOption('active-domain'),
    integer('period', 'seconds between two reports of the balloon, to be set'),
    ...affectOptions,
  ],
  async run(args, session) {
    const flags = affectOf(args);
    const period = args.signed('period');
    if (period !== undefined && period < 0) throw new UsageFailure(`Invalid collection period value '${period}'`);
    const domain = await findDomain(args, session);
    if (period !== undefined) {
      await attempt('Unable to change balloon collection period.', domain.setMemoryStatsPeriod(period, flags));
      return SILENT;
    }
    const stats = await attempt(`Failed to get memory statistics for domain ${domain.name}`, domain.memoryStats());
    const place = (tag: number) => (MEMORY_ORDER.includes(tag) ? MEMORY_ORDER.indexOf(tag) : MEMORY_ORDER.length);
    const sorted = [...stats].sort((a, b) => place(a.tag) - place(b.tag));
    const named = sorted.map(({ tag, value }) => [memoryStatNames[tag] ?? `tag${tag}`, value] as const);
    return { text: named.map(([name, value]) => `${name} ${value}\n`).join(''), json: Object.fromEntries(named) };
  },
};

const domcontrolCommand: CommandDef = {
  name: 'domcontrol',
  summary: 'domain control interface state',
  options: [domainOption('active-domain')],
  async run(args, session) {
    const { state, stateTime } = await (await findDomain(args, session)).getControlInfo();
    const name = ['ok', 'background job', 'occupied', 'error'][state] ?? 'unknown';
    const text = state === 0 || state === 3 ? name : `${name} (${Number(stateTime) / 1000}s)`;
    return { text: `${text}\n`, json: { state: name, stateTimeMs: stateTime } };
  },
};

/** virDomainSetTimeFlags. */
const SET_TIME_SYNC = 1;

function timeToSet(args: CommandArgs): { seconds: bigint; nseconds: number } | undefined {
  if (args.flag('now')) return { seconds: BigInt(Math.floor(Date.now() / 1000)), nseconds: 0 };
  const given = args.signed('time');
  if (given !== undefined) return { seconds: BigInt(given), nseconds: 0 };
  return args.flag('sync') ? { seconds: 0n, nseconds: 0 } : undefined;
}

const domtimeCommand: CommandDef = {
  name: 'domtime',
  summary: "domain time: the guest's clock",
  options: [
    domainOption('active-domain'),
    flag('now', 'set to the time of this host'),
    flag('pretty', "print domain's time in human readable form"),
    flag('sync', "instead of setting given time, synchronize from domain's RTC"),
    integer('time', 'time to set, in seconds since 1970', { named: true }),
  ],
  async run(args, session) {
    args.exclusive('time', 'now');
    args.exclusive('time', 'sync');
    args.exclusive('now', 'sync');
    const wanted = timeToSet(args);
    const domain = await findDomain(args, session);
    if (wanted !== undefined) {
      await domain.setTime(wanted, args.flag('sync') ? SET_TIME_SYNC : 0);
      return SILENT;
    }
    const { seconds, nseconds } = await domain.getTime();
    const pretty = new Date(Number(seconds) * 1000).toISOString().slice(0, 19).replace('T', ' ');
    const text = args.flag('pretty') ? pretty : `${seconds}`;
    return { text: `Time: ${text}`, json: { seconds, nanoseconds: nseconds } };
  },
};

const JOB_TYPES = ['None', 'Bounded', 'Unbounded', 'Completed', 'Failed', 'Cancelled'];
/** virDomainGetJobStatsFlags. */
const JOB_COMPLETED = 1;
const JOB_KEEP_COMPLETED = 2;

const domjobinfoCommand: CommandDef = {
  name: 'domjobinfo',
  summary: 'domain job information',
  options: [
    domainOption('active-domain'),
    flag('completed', 'return statistics of a recently completed job'),
    flag('keep-completed', 'do not forget statistics of a recently completed job when reading them'),
    flag('anystats', 'print statistics for any kind of job, failed ones too'),
    flag('rawstats', 'print statistics as they come'),
  ],
  async run(args, session) {
    args.requires('keep-completed', 'completed');
    const flags = (args.flag('completed') ? JOB_COMPLETED : 0) | (args.flag('keep-completed') ? JOB_KEEP_COMPLETED : 0);
    const { type, params } = await (await findDomain(args, session)).getJobStats(flags);
    const name = JOB_TYPES[type] ?? 'unknown';
    const facts = { type: name, ...paramFacts(params) };
    if (args.flag('rawstats')) {
      const raw = params.map(({ field, value }) => `  ${field}=${value}\n`).join('');
      return { text: `${raw}`, json: facts };
    }
    const shown = [{ field: 'Job type', value: name }, ...params];
    return { text: shown.map(({ field, value }) => `${`${field}:`.padEnd(17)} ${value}\n`).join(''), json: facts };
  },
};

const ABORT_POSTCOPY = 1;

const domjobabortCommand: CommandDef = {
  name: 'domjobabort',
  summary: 'abort active domain job',
  options: [domainOption('active-domain'), flag('postcopy', 'abort a migration that copies the rest afterwards')],
  async run(args, session): Promise<Output> {
    const domain = await findDomain(args, session);
    await domain.abortJob(args.flag('postcopy') ? ABORT_POSTCOPY : 0);
    return SILENT;
  },
};

/** Commands about what a running domain is doing. */
export const stateCommands: readonly CommandDef[] = [
  dommemstatCommand,
  domcontrolCommand,
  domjobinfoCommand,
  domtimeCommand,
];

/** What stops it. */
export const jobCommands: readonly CommandDef[] = [domjobabortCommand];
