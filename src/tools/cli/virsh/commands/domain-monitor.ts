import type { Connection, Domain } from '../../../../virt/index.ts';
import { DomainStats, ListDomains, MetadataType } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, flag, text } from '../definition.ts';
import { domainCalled, findDomain } from '../lookup.ts';
import { reasonName, stateName } from '../names.ts';
import { type Column, type Field, fields, lines, type Output, type Row, table } from '../output.ts';
import type { Session } from '../session.ts';
import { domainOption } from '../shared-options.ts';
import { paramFacts } from '../typed-params.ts';
import { prettySeconds } from '../units.ts';
import { stateCommands } from './domain-state.ts';

/** Options of `list` that select, and their flags. */
const FILTERS = [
  ['transient', 'list transient domains', ListDomains.TRANSIENT],
  ['persistent', 'list persistent domains', ListDomains.PERSISTENT],
  ['with-snapshot', 'list domains with existing snapshot', ListDomains.HAS_SNAPSHOT],
  ['without-snapshot', 'list domains without a snapshot', ListDomains.NO_SNAPSHOT],
  ['with-checkpoint', 'list domains with existing checkpoint', ListDomains.HAS_CHECKPOINT],
  ['without-checkpoint', 'list domains without a checkpoint', ListDomains.NO_CHECKPOINT],
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

/** The state of one that has been put aside with a saved state; virsh marks those when asked to. */
async function markSaved(row: Row, domain: Domain): Promise<Row> {
  const saved = row['id'] === null && (await domain.hasManagedSaveImage().catch(() => false));
  return saved ? { ...row, state: 'saved' } : row;
}

function byIdThenName(a: Row, b: Row): number {
  const id = (row: Row) => (typeof row['id'] === 'number' ? row['id'] : Number.POSITIVE_INFINITY);
  if (id(a) !== id(b)) return id(a) - id(b);
  return String(a['name']) < String(b['name']) ? -1 : 1;
}

function plainList(args: CommandArgs, rows: readonly Row[]): Output | undefined {
  args.exclusive('table', 'name');
  args.exclusive('table', 'uuid');
  args.exclusive('table', 'id');
  const columns = ['uuid', 'id', 'name'].filter((key) => args.flag(key));
  if (columns.length === 0) return undefined;
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
    flag('managed-save', 'mark inactive domains with managed save state'),
    flag('title', 'show domain title'),
  ],
  async run(args, session) {
    const domains = await (await session.connection()).listAllDomains(listFlags(args));
    const found = await Promise.all(
      domains.map(async (domain) => {
        const row = await rowOf(domain, args.flag('title'));
        return row !== undefined && args.flag('managed-save') ? markSaved(row, domain) : row;
      }),
    );
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

/** What confines domains on the host, and this one. */
async function securityFields(domain: Domain, connection: Connection, active: boolean): Promise<readonly Field[]> {
  const security = await connection.getSecurityModel().catch(() => undefined);
  if (security === undefined || security.model === '') return [];
  const label = active ? await domain.getSecurityLabel().catch(() => undefined) : undefined;
  const shown = label === undefined || label.label === '' ? undefined : label;
  return [
    ['Security model', 'securityModel', security.model],
    ['Security DOI', 'securityDoi', security.doi],
    ...(shown === undefined
      ? []
      : [
          [
            'Security label',
            'securityLabel',
            shown.label,
            `${shown.label} (${shown.enforcing ? 'enforcing' : 'permissive'})`,
          ] satisfies Field,
        ]),
  ];
}

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
      ...(await securityFields(domain, await session.connection(), id >= 0)),
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
      stats: paramFacts(params),
    }));
    return { text: text.join('\n'), json };
  },
};

/** Commands that watch domains. */
export const monitorCommands: readonly CommandDef[] = [
  listCommand,
  dominfoCommand,
  domstateCommand,
  domstatsCommand,
  ...stateCommands,
];
