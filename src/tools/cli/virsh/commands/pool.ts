import type { StoragePool } from '../../../../virt/index.ts';
import { PoolBuild, PoolDefine, PoolStart, poolTypes } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, type Completion, flag, type OptionDef, text } from '../definition.ts';
import { editDefinition } from '../editor.ts';
import { attempt, UsageFailure } from '../failure.ts';
import { readTextFile } from '../files.ts';
import { findPool } from '../lookup.ts';
import { poolStateName } from '../names.ts';
import { document, fields, message, type Output, single, table, type Value } from '../output.ts';
import type { Session } from '../session.ts';
import { fileOption, poolOption, validateOption } from '../shared-options.ts';
import { prettySize } from '../units.ts';
import { attributeOf, parseXml } from '../xml.ts';
import { description, xpathOptions } from '../xpath.ts';
import { poolEventCommand } from './events.ts';
import { byName, OBJECT_FILTERS, objectListFlags } from './network.ts';
import { poolXml, poolXmlOptions } from './pool-xml.ts';

const sized = (value: Value) => prettySize(BigInt(String(value)));

async function typed(pools: readonly StoragePool[], types: readonly string[] | undefined): Promise<StoragePool[]> {
  if (types === undefined) return [...pools];
  const kinds = await Promise.all(pools.map(async (pool) => attributeOf(parseXml(await pool.getXMLDesc()), 'type')));
  return pools.filter((_, i) => types.includes(kinds[i] ?? ''));
}

async function rowOf(pool: StoragePool, details: boolean) {
  const active = await pool.isActive();
  const common = {
    name: pool.name,
    uuid: pool.uuid,
    state: active ? 'active' : 'inactive',
    autostart: await pool.getAutostart(),
  };
  if (!details) return common;
  const { state, capacity, allocation, available } = await pool.getInfo();
  const sizes = active ? { capacity, allocation, available } : { capacity: null, allocation: null, available: null };
  return { ...common, state: poolStateName(state), persistent: await pool.isPersistent(), ...sizes };
}

/** The same as of networks; virsh has them in another order here. */
const POOL_FILTERS = [OBJECT_FILTERS[1], OBJECT_FILTERS[0], ...OBJECT_FILTERS.slice(2)] as const;

function typesOf(args: CommandArgs): readonly string[] | undefined {
  const types = args.text('type')?.split(',');
  const unknown = types?.find((type) => !poolTypes.includes(type));
  if (unknown !== undefined) throw new UsageFailure(`Invalid pool type '${unknown}'`);
  return types;
}

/** UUIDs, names or both, a pool a line. */
function plainList(args: CommandArgs, pools: readonly StoragePool[]): Output | undefined {
  const keys = (['uuid', 'name'] as const).filter((key) => args.flag(key));
  if (keys.length === 0) return undefined;
  const text = pools.map(
    (pool) => `${keys.map((key) => (key === 'name' ? pool.name.padEnd(20) : pool.uuid)).join(' ')}\n`,
  );
  const json = pools.map(({ name, uuid }) => (keys.length === 2 ? { uuid, name } : keys[0] === 'name' ? name : uuid));
  return { text: text.join(''), json };
}

const listCommand: CommandDef = {
  name: 'pool-list',
  summary: 'list pools',
  options: [
    flag('inactive', 'list inactive pools'),
    flag('all', 'list inactive & active pools'),
    ...POOL_FILTERS.map(([name, help]) => flag(name, help)),
    text('type', 'only list pools of these types, separated by commas', { complete: poolTypes }),
    flag('details', 'display extended details for pools'),
    flag('uuid', "list uuid's only"),
    flag('name', 'list names only'),
  ],
  async run(args, session) {
    args.exclusive('details', 'uuid');
    args.exclusive('details', 'name');
    const types = typesOf(args);
    const all = byName(await (await session.connection()).listAllStoragePools(objectListFlags(args)));
    const pools = await typed(all, types);
    const details = args.flag('details');
    const plain = plainList(args, pools);
    if (plain !== undefined) return plain;
    return table(
      [
        { key: 'name', title: 'Name' },
        { key: 'state', title: 'State' },
        { key: 'autostart', title: 'Autostart' },
        ...(details
          ? [
              { key: 'persistent', title: 'Persistent' },
              { key: 'capacity', title: 'Capacity', show: sized },
              { key: 'allocation', title: 'Allocation', show: sized },
              { key: 'available', title: 'Available', show: sized },
            ]
          : []),
      ],
      await Promise.all(pools.map((pool) => rowOf(pool, details))),
    );
  },
};

const overwriteOptions: readonly OptionDef[] = [
  flag('no-overwrite', 'do not overwrite any existing data'),
  flag('overwrite', 'overwrite any existing data'),
];
const buildOptions: readonly OptionDef[] = [flag('build', 'build the pool as normal'), ...overwriteOptions];

function startFlags(args: CommandArgs): number {
  args.exclusive('overwrite', 'no-overwrite');
  return (
    (args.flag('build') ? PoolStart.WITH_BUILD : 0) |
    (args.flag('overwrite') ? PoolStart.WITH_BUILD_OVERWRITE : 0) |
    (args.flag('no-overwrite') ? PoolStart.WITH_BUILD_NO_OVERWRITE : 0)
  );
}

async function make(verb: 'define' | 'create', xml: string, from: string, args: CommandArgs, session: Session) {
  const connection = await session.connection();
  const made =
    verb === 'define'
      ? connection.storagePoolDefineXML(xml, args.flag('validate') ? PoolDefine.VALIDATE : 0)
      : connection.storagePoolCreateXML(xml, startFlags(args));
  const failed = from === '' ? `Failed to ${verb} pool ${args.text('name')}` : `Failed to ${verb} pool${from}`;
  const pool = await attempt(failed, made);
  return message(`Pool ${pool.name} ${verb}d${from}`, { pool: pool.name, uuid: pool.uuid });
}

function fromFile(verb: 'define' | 'create', summary: string, options: readonly OptionDef[] = []): CommandDef {
  return {
    name: `pool-${verb}`,
    summary,
    options: [fileOption('pool'), ...options],
    async run(args, session) {
      const file = args.need('file');
      return make(verb, await readTextFile(file), ` from ${file}`, args, session);
    },
  };
}

function fromArguments(verb: 'define' | 'create', summary: string, options: readonly OptionDef[] = []): CommandDef {
  return {
    name: `pool-${verb}-as`,
    summary,
    options: [...poolXmlOptions, ...options],
    async run(args, session) {
      const xml = poolXml(args);
      return args.flag('print-xml') ? document(xml) : make(verb, xml, '', args, session);
    },
  };
}

interface Action {
  readonly verb: string;
  readonly summary: string;
  readonly done: string;
  readonly complete?: Completion;
  readonly options?: readonly OptionDef[];
  act(pool: StoragePool, args: CommandArgs): Promise<void>;
}

function action({ verb, summary, done, complete, options = [], act }: Action): CommandDef {
  return {
    name: `pool-${verb}`,
    summary,
    options: [poolOption(complete), ...options],
    async run(args, session) {
      const pool = await findPool(args, session);
      await attempt(`Failed to ${verb} pool ${pool.name}`, act(pool, args));
      return message(`Pool ${pool.name} ${done}`, { pool: pool.name });
    },
  };
}

function buildFlags(args: CommandArgs): number {
  args.exclusive('overwrite', 'no-overwrite');
  return (args.flag('overwrite') ? PoolBuild.OVERWRITE : 0) | (args.flag('no-overwrite') ? PoolBuild.NO_OVERWRITE : 0);
}

const actions: readonly Action[] = [
  {
    verb: 'build',
    summary: 'build a pool: make the place that it is',
    done: 'built',
    complete: 'inactive-pool',
    options: overwriteOptions,
    act: (pool, args) => pool.build(buildFlags(args)),
  },
  {
    verb: 'start',
    summary: 'start a (previously defined) inactive pool',
    done: 'started',
    complete: 'inactive-pool',
    options: buildOptions,
    act: (pool, args) => pool.create(startFlags(args)),
  },
  {
    verb: 'destroy',
    summary: 'destroy (stop) a pool',
    done: 'destroyed',
    complete: 'active-pool',
    act: (pool) => pool.destroy(),
  },
  {
    verb: 'delete',
    summary: 'delete a pool: remove the place that it is',
    done: 'deleted',
    complete: 'inactive-pool',
    act: (pool) => pool.delete(),
  },
  {
    verb: 'undefine',
    summary: 'undefine an inactive pool',
    done: 'has been undefined',
    complete: 'inactive-pool',
    act: (pool) => pool.undefine(),
  },
  {
    verb: 'refresh',
    summary: 'refresh a pool: look anew what volumes there are',
    done: 'refreshed',
    complete: 'active-pool',
    act: (pool) => pool.refresh(),
  },
];

const infoCommand: CommandDef = {
  name: 'pool-info',
  summary: 'storage pool information',
  options: [poolOption(), flag('bytes', 'show sizes in bytes')],
  async run(args, session) {
    const pool = await findPool(args, session);
    const { state, capacity, allocation, available } = await pool.getInfo();
    const shown = (bytes: bigint) => (args.flag('bytes') ? String(bytes) : prettySize(bytes));
    return fields([
      ['Name', 'name', pool.name],
      ['UUID', 'uuid', pool.uuid],
      ['State', 'state', poolStateName(state)],
      ['Persistent', 'persistent', await pool.isPersistent()],
      ['Autostart', 'autostart', await pool.getAutostart()],
      ...((await pool.isActive())
        ? ([
            ['Capacity', 'capacity', capacity, shown(capacity)],
            ['Allocation', 'allocation', allocation, shown(allocation)],
            ['Available', 'available', available, shown(available)],
          ] as const)
        : []),
    ]);
  },
};

const dumpxmlCommand: CommandDef = {
  name: 'pool-dumpxml',
  summary: 'pool information in XML',
  options: [poolOption(), flag('inactive', 'show inactive defined XML'), ...xpathOptions],
  async run(args, session) {
    return description(await (await findPool(args, session)).getXMLDesc(args.flag('inactive') ? 1 : 0), args);
  },
};

const autostartCommand: CommandDef = {
  name: 'pool-autostart',
  summary: 'autostart a pool',
  options: [poolOption(), flag('disable', 'disable autostarting')],
  async run(args, session) {
    const pool = await findPool(args, session);
    const on = !args.flag('disable');
    const how = on ? 'mark' : 'unmark';
    await attempt(`failed to ${how} pool ${pool.name} as autostarted`, pool.setAutostart(on));
    return message(`Pool ${pool.name} ${how}ed as autostarted`, { pool: pool.name, autostart: on });
  },
};

const editCommand: CommandDef = {
  name: 'pool-edit',
  summary: 'edit XML configuration for a storage pool',
  options: [poolOption()],
  async run(args, session) {
    const pool = await findPool(args, session);
    const connection = await session.connection();
    return editDefinition(
      {
        title: `Pool ${pool.name}`,
        read: () => pool.getXMLDesc(1),
        write: (xml) => connection.storagePoolDefineXML(xml),
        canSkip: false,
      },
      session,
    );
  },
};

const nameCommand: CommandDef = {
  name: 'pool-name',
  summary: 'convert a pool UUID to pool name',
  options: [poolOption()],
  async run(args, session) {
    return single('name', (await findPool(args, session, 'uuid')).name);
  },
};

const uuidCommand: CommandDef = {
  name: 'pool-uuid',
  summary: 'convert a pool name to pool UUID',
  options: [poolOption()],
  async run(args, session) {
    return single('uuid', (await findPool(args, session, 'name')).uuid);
  },
};

const capabilitiesCommand: CommandDef = {
  name: 'pool-capabilities',
  summary: 'storage pool capabilities',
  options: [],
  async run(_args, session) {
    const capabilities = (await session.connection()).getStoragePoolCapabilities();
    return document(await attempt('failed to get storage pool capabilities', capabilities));
  },
};

/** Commands about storage pools. */
export const poolCommands: readonly CommandDef[] = [
  autostartCommand,
  capabilitiesCommand,
  fromFile('create', 'create a pool from an XML file', buildOptions),
  fromArguments('create', 'create a pool from a set of arguments', buildOptions),
  fromFile('define', "define (but don't start) a pool from an XML file", [validateOption]),
  fromArguments('define', 'define a pool from a set of arguments'),
  dumpxmlCommand,
  editCommand,
  poolEventCommand,
  infoCommand,
  listCommand,
  nameCommand,
  uuidCommand,
  ...actions.map(action),
];
