import type { Domain } from '../../../../virt/index.ts';
import { DomainStats, ListDomains, MetadataType } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, flag, text } from '../definition.ts';
import { UsageFailure } from '../failure.ts';
import { domainCalled, findDomain } from '../lookup.ts';
import { memoryStatNames, reasonName, stateName } from '../names.ts';
import { type Column, fields, lines, type Output, type Row, table } from '../output.ts';
import type { Session } from '../session.ts';
import { domainOption } from '../shared-options.ts';
import { prettySeconds } from '../units.ts';

/** Options of `list` that select, and their flags. */
const FILTERS = [
  ['persistent', 'list persistent domains', ListDomains.PERSISTENT],
  ['transient', 'list transient domains', ListDomains.TRANSIENT],
  ['with-snapshot', 'list domains with existing snapshot', ListDomains.HAS_SNAPSHOT],
  ['without-snapshot', 'list domains without a snapshot', ListDomains.NO_SNAPSHOT],
  ['state-running', 'list domains in running state', ListDomains.RUNNING],
  ['state-paused', 'list domains in paused state', ListDomains.PAUSED],
  ['state-shutoff', 'list domains in shutoff state', ListDomains.SHUTOFF],
  ['state-other', 'list domains in other states', ListDomains.OTHER],
  ['autostart', 'list domains with autostart enabled', ListDomains.AUTOSTART],
  ['no-autostart', 'list domains with autostart disabled', ListDomains.NO_AUTOSTART],
  ['with-managed-save', 'list domains with managed save state', ListDomains.MANAGEDSAVE],
  ['without-managed-save', 'list domains without managed save', ListDomains.NO_MANAGEDSAVE],
] as const;

function listFlags(args: CommandArgs): number {
  // A filter for inactive states would never find anything among the active ones.
  const inactive = args.flag('inactive') || args.flag('all') || args.flag('state-shutoff');
  const active = !args.flag('inactive') || args.flag('all');
  const which = (active ? ListDomains.ACTIVE : 0) | (inactive ? ListDomains.INACTIVE : 0);
  return FILTERS.reduce((flags, [name, , bit]) => flags | (args.flag(name) ? bit : 0), which);
}

async function titleOf(domain: Domain): Promise<string> {
  return domain.getMetadata(MetadataType.TITLE).catch(() => '');
}

async function rowOf(domain: Domain, withTitle: boolean): Promise<Row | undefined> {
  // It may have gone since the list was made.
  const state = await domain.getState().catch(() => undefined);
  if (state === undefined) return undefined;
  const { id } = domain.ref;
  return {
    id: id < 0 ? null : id,
    name: domain.name,
    uuid: domain.uuid,
    state: stateName(state.state),
    ...(withTitle ? { title: await titleOf(domain) } : {}),
  };
}

function byIdThenName(a: Row, b: Row): number {
  const id = (row: Row) => (typeof row['id'] === 'number' ? row['id'] : Number.POSITIVE_INFINITY);
  if (id(a) !== id(b)) return id(a) - id(b);
  return String(a['name']) < String(b['name']) ? -1 : 1;
}

function plainList(args: CommandArgs, rows: readonly Row[]): Output | undefined {
  const columns = ['uuid', 'name', 'id'].filter((key) => args.flag(key));
  if (columns.length === 0) return undefined;
  args.exclusive('table', columns[0]!);
  const [only] = columns;
  if (columns.length === 1) {
    const values = rows.map((row) => row[only!] ?? null);
    return lines(only === 'id' ? values.filter((id) => id !== null) : values);
  }
  const picked = rows.map((row) => Object.fromEntries(columns.map((key) => [key, row[key] ?? null])));
  const shown = picked.map((row) => Object.values(row).map((value) => String(value ?? '-')));
  return { text: shown.map((values) => `${values.join(' ')}\n`).join(''), json: picked };
}

const listCommand: CommandDef = {
  name: 'list',
  summary: 'list domains',
  options: [
    flag('inactive', 'list inactive domains'),
    flag('all', 'list inactive & active domains'),
    ...FILTERS.map(([name, help]) => flag(name, help)),
    flag('uuid', "list uuid's only"),
    flag('name', 'list domain names only'),
    flag('id', 'list domain IDs only'),
    flag('table', 'list table (default)'),
    flag('title', 'show domain title'),
  ],
  async run(args, session) {
    const domains = await (await session.connection()).listAllDomains(listFlags(args));
    const found = await Promise.all(domains.map((domain) => rowOf(domain, args.flag('title'))));
    const rows = found.filter((row) => row !== undefined).sort(byIdThenName);
    const columns: Column[] = [
      { key: 'id', title: 'Id' },
      { key: 'name', title: 'Name' },
      { key: 'state', title: 'State' },
      ...(args.flag('title') ? [{ key: 'title', title: 'Title' }] : []),
    ];
    return plainList(args, rows) ?? table(columns, rows);
  },
};

const dominfoCommand: CommandDef = {
  name: 'dominfo',
  summary: 'domain information',
  options: [domainOption()],
  async run(args, session) {
    const domain = await findDomain(args, session);
    const info = await domain.getInfo();
    const id = await domain.getID();
    const [osType, persistent, autostart, managedSave, messages] = await Promise.all([
      domain.getOSType(),
      domain.isPersistent(),
      domain.getAutostart(),
      domain.hasManagedSaveImage(),
      domain.getMessages(),
    ]);
    const shown = fields([
      ['Id', 'id', id < 0 ? null : id],
      ['Name', 'name', domain.name],
      ['UUID', 'uuid', domain.uuid],
      ['OS Type', 'osType', osType],
      ['State', 'state', stateName(info.state)],
      ['CPU(s)', 'vcpus', info.nrVirtCpu],
      ...(info.cpuTime === 0n ? [] : [['CPU time', 'cpuTimeNs', info.cpuTime, prettySeconds(info.cpuTime)] as const]),
      ['Max memory', 'maxMemoryKib', info.maxMem, `${info.maxMem} KiB`],
      ['Used memory', 'usedMemoryKib', info.memory, `${info.memory} KiB`],
      ['Persistent', 'persistent', persistent],
      ['Autostart', 'autostart', autostart, autostart ? 'enable' : 'disable'],
      ['Managed save', 'managedSave', managedSave],
      ...(messages.length === 0
        ? []
        : [['Messages', 'messages', messages.join('; '), messages.join('\n'.padEnd(17))] as const]),
    ]);
    return messages.length === 0 ? shown : { ...shown, json: { ...(shown.json as object), messages } };
  },
};

const domstateCommand: CommandDef = {
  name: 'domstate',
  summary: 'domain state',
  options: [domainOption(), flag('reason', 'also print reason for the state')],
  async run(args, session) {
    const { state, reason } = await (await findDomain(args, session)).getState();
    const why = reasonName(state, reason);
    const text = args.flag('reason') ? `${stateName(state)} (${why})` : stateName(state);
    return { text: `${text}\n`, json: { state: stateName(state), reason: why } };
  },
};

/** Groups of numbers that `domstats` can show, and which domains of. */
const STATS = [
  ['state', 'report domain state', DomainStats.STATE],
  ['cpu-total', 'report domain physical cpu usage', DomainStats.CPU_TOTAL],
  ['balloon', 'report domain balloon statistics', DomainStats.BALLOON],
  ['vcpu', 'report domain virtual cpu information', DomainStats.VCPU],
  ['interface', 'report domain network interface information', DomainStats.INTERFACE],
  ['block', 'report domain block device statistics', DomainStats.BLOCK],
  ['perf', 'report domain perf event statistics', DomainStats.PERF],
  ['iothread', 'report domain IOThread information', DomainStats.IOTHREAD],
  ['memory', 'report domain memory usage', DomainStats.MEMORY],
  ['dirtyrate', 'report domain dirty rate information', DomainStats.DIRTYRATE],
  ['vm', 'report hypervisor-specific statistics', DomainStats.VM],
] as const;
const STATS_OF = [
  ['list-active', 'list only active domains', ListDomains.ACTIVE],
  ['list-inactive', 'list only inactive domains', ListDomains.INACTIVE],
  ['list-persistent', 'list only persistent domains', ListDomains.PERSISTENT],
  ['list-transient', 'list only transient domains', ListDomains.TRANSIENT],
  ['list-running', 'list only running domains', ListDomains.RUNNING],
  ['list-paused', 'list only paused domains', ListDomains.PAUSED],
  ['list-shutoff', 'list only shutoff domains', ListDomains.SHUTOFF],
  ['list-other', 'list only domains in other states', ListDomains.OTHER],
] as const;
/** virConnectGetAllDomainStatsFlags. */
const STATS_NOWAIT = 1 << 29;
const STATS_BACKING = 1 << 30;
const STATS_ENFORCE = -(2 ** 31);

function bits(args: CommandArgs, options: readonly (readonly [string, string, number])[]): number {
  return options.reduce((flags, [name, , bit]) => flags | (args.flag(name) ? bit : 0), 0);
}

async function statsDomains(args: CommandArgs, session: Session): Promise<Domain[]> {
  const connection = await session.connection();
  const domains: Domain[] = [];
  for (const called of args.list('domain')) domains.push(await domainCalled(connection, called));
  return domains;
}

const domstatsCommand: CommandDef = {
  name: 'domstats',
  summary: 'get statistics about one or multiple domains',
  options: [
    ...STATS.map(([name, help]) => flag(name, help)),
    ...STATS_OF.map(([name, help]) => flag(name, help)),
    flag('raw', 'do not pretty-print the fields'),
    flag('enforce', 'enforce requested stats parameters'),
    flag('backing', 'add backing chain information to block stats'),
    flag('nowait', 'report only stats that are accessible instantly'),
    text('domain', 'list of domains to get stats for', { repeat: true, complete: 'domain' }),
  ],
  async run(args, session) {
    const domains = await statsDomains(args, session);
    const of = bits(args, STATS_OF);
    if (of !== 0 && domains.length > 0) {
      throw new UsageFailure('options that select domains and names of domains are mutually exclusive');
    }
    const how =
      (args.flag('nowait') ? STATS_NOWAIT : 0) |
      (args.flag('backing') ? STATS_BACKING : 0) |
      (args.flag('enforce') ? STATS_ENFORCE : 0);
    // As an unsigned number, which the top bit would spoil.
    const records = await (await session.connection()).getAllDomainStats(bits(args, STATS), (of | how) >>> 0, domains);
    const text = records.map(({ domain, params }) =>
      [`Domain: '${domain.name}'\n`, ...params.map(({ field, value }) => `  ${field}=${value}\n`)].join(''),
    );
    const json = records.map(({ domain, params }) => ({
      domain: domain.name,
      uuid: domain.uuid,
      stats: Object.fromEntries(params.map(({ field, value }) => [field, value])),
    }));
    return { text: text.join('\n'), json };
  },
};

const dommemstatCommand: CommandDef = {
  name: 'dommemstat',
  summary: 'get memory statistics for a domain',
  options: [domainOption('active-domain')],
  async run(args, session) {
    const stats = await (await findDomain(args, session)).memoryStats();
    const named = stats.map(({ tag, value }) => [memoryStatNames[tag] ?? `tag${tag}`, value] as const);
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

const domtimeCommand: CommandDef = {
  name: 'domtime',
  summary: "domain time: the guest's clock",
  options: [domainOption('active-domain'), flag('pretty', "print domain's time in human readable form")],
  async run(args, session) {
    const { seconds, nseconds } = await (await findDomain(args, session)).getTime();
    const pretty = new Date(Number(seconds) * 1000).toISOString().slice(0, 19).replace('T', ' ');
    const text = args.flag('pretty') ? pretty : `${seconds}`;
    return { text: `Time: ${text}`, json: { seconds, nanoseconds: nseconds } };
  },
};

const JOB_TYPES = ['None', 'Bounded', 'Unbounded', 'Completed', 'Failed', 'Cancelled'];

const domjobinfoCommand: CommandDef = {
  name: 'domjobinfo',
  summary: 'domain job information',
  options: [domainOption('active-domain')],
  async run(args, session) {
    const { type, params } = await (await findDomain(args, session)).getJobStats();
    const name = JOB_TYPES[type] ?? 'unknown';
    const shown = [{ field: 'Job type', value: name }, ...params];
    return {
      text: shown.map(({ field, value }) => `${`${field}:`.padEnd(17)} ${value}\n`).join(''),
      json: { type: name, ...Object.fromEntries(params.map(({ field, value }) => [field, value])) },
    };
  },
};

/** Commands that watch domains. */
export const monitorCommands: readonly CommandDef[] = [
  listCommand,
  dominfoCommand,
  domstateCommand,
  domstatsCommand,
  dommemstatCommand,
  domcontrolCommand,
  domjobinfoCommand,
  domtimeCommand,
];
