import { ListSecrets } from '../../../../virt/index.ts';
import { type CommandDef, flag } from '../definition.ts';
import { attempt } from '../failure.ts';
import { readTextFile } from '../files.ts';
import { message, table } from '../output.ts';
import { fileOption, validateOption } from '../shared-options.ts';

/** virSecretUsageType. */
const USAGE_TYPES = ['none', 'volume', 'ceph', 'iscsi', 'tls', 'vtpm'];

const FILTERS = [
  ['ephemeral', 'list ephemeral secrets', ListSecrets.EPHEMERAL],
  ['no-ephemeral', 'list non-ephemeral secrets', ListSecrets.NO_EPHEMERAL],
  ['private', 'list private secrets', ListSecrets.PRIVATE],
  ['no-private', 'list non-private secrets', ListSecrets.NO_PRIVATE],
] as const;

const listSecretsCommand: CommandDef = {
  name: 'secret-list',
  summary: 'list secrets',
  options: FILTERS.map(([name, help]) => flag(name, help)),
  async run(args, session) {
    const flags = FILTERS.reduce((all, [name, , bit]) => all | (args.flag(name) ? bit : 0), 0);
    const secrets = await attempt('Failed to list secrets', (await session.connection()).listAllSecrets(flags));
    return table(
      [
        { key: 'uuid', title: 'UUID' },
        { key: 'usage', title: 'Usage' },
      ],
      secrets.map(({ uuid, usageType, usageId }) => ({
        uuid,
        usage: usageType === 0 ? 'Unused' : `${USAGE_TYPES[usageType] ?? usageType} ${usageId}`,
      })),
    );
  },
};

const defineSecretCommand: CommandDef = {
  name: 'secret-define',
  summary: 'define or modify a secret from an XML file',
  options: [fileOption('secret'), validateOption],
  async run(args, session) {
    const file = args.need('file');
    const xml = await readTextFile(file);
    const defined = (await session.connection()).secretDefineXML(xml, args.flag('validate') ? 1 : 0);
    const { uuid } = await attempt(`Failed to set attributes from ${file}`, defined);
    return message(`Secret ${uuid} created`, { uuid });
  },
};

const listFiltersCommand: CommandDef = {
  name: 'nwfilter-list',
  summary: 'list network filters',
  options: [],
  async run(_args, session) {
    const found = await attempt('Failed to list network filters', (await session.connection()).listAllNWFilters());
    return table(
      [
        { key: 'uuid', title: 'UUID' },
        { key: 'name', title: 'Name' },
      ],
      found.map(({ name, uuid }) => ({ uuid, name })),
    );
  },
};

const defineFilterCommand: CommandDef = {
  name: 'nwfilter-define',
  summary: 'define or update a network filter from an XML file',
  options: [fileOption('network filter'), validateOption],
  async run(args, session) {
    const file = args.need('file');
    const xml = await readTextFile(file);
    const connection = await session.connection();
    // Older servers know no flags, which most do without.
    const defined = args.flag('validate')
      ? connection.nwfilterDefineXMLFlags(xml, 1)
      : connection.nwfilterDefineXML(xml);
    const { name } = await attempt(`Failed to define network filter from ${file}`, defined);
    return message(`Network filter ${name} defined from ${file}`, { name });
  },
};

/** Commands about secrets. */
export const secretCommands: readonly CommandDef[] = [defineSecretCommand, listSecretsCommand];

/** Commands about network filters. */
export const filterCommands: readonly CommandDef[] = [defineFilterCommand, listFiltersCommand];
