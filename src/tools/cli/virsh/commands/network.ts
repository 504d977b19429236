import type { Network } from '../../../../virt/index.ts';
import { Affect, ListObjects, NetworkSection, NetworkUpdateCommand } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, type Completion, flag, integer, text } from '../definition.ts';
import { editDefinition } from '../editor.ts';
import { attempt, UsageFailure } from '../failure.ts';
import { readTextFile } from '../files.ts';
import { findNetwork } from '../lookup.ts';
import { type Field, fields, lines, message, single, table } from '../output.ts';
import { affectOf, affectOptions, fileOption, networkOption, validateOption } from '../shared-options.ts';
import { prettyTime } from '../units.ts';
import { description, xpathOptions } from '../xpath.ts';
import { networkEventCommand } from './events.ts';
import { netCaptureCommand } from './net-capture.ts';

/** Options that select networks or pools, and their flags. */
export const OBJECT_FILTERS = [
  ['persistent', 'list persistent ones', ListObjects.PERSISTENT],
  ['transient', 'list transient ones', ListObjects.TRANSIENT],
  ['autostart', 'list those with autostart enabled', ListObjects.AUTOSTART],
  ['no-autostart', 'list those with autostart disabled', ListObjects.NO_AUTOSTART],
] as const;

/** Flags of ListObjects. */
export function objectListFlags(args: CommandArgs): number {
  const active = !args.flag('inactive') || args.flag('all');
  const inactive = args.flag('inactive') || args.flag('all');
  const which = (active ? ListObjects.ACTIVE : 0) | (inactive ? ListObjects.INACTIVE : 0);
  return OBJECT_FILTERS.reduce((flags, [name, , bit]) => flags | (args.flag(name) ? bit : 0), which);
}

/** Sorted as names are. */
export function byName<T extends { readonly name: string }>(objects: readonly T[]): T[] {
  return [...objects].sort((a, b) => (a.name < b.name ? -1 : 1));
}

const listCommand: CommandDef = {
  name: 'net-list',
  summary: 'list networks',
  options: [
    flag('inactive', 'list inactive networks'),
    flag('all', 'list inactive & active networks'),
    ...OBJECT_FILTERS.map(([name, help]) => flag(name, help)),
    flag('uuid', "list uuid's only"),
    flag('name', 'list network names only'),
    flag('table', 'list table (default)'),
  ],
  async run(args, session) {
    if (['table', 'name', 'uuid'].filter((name) => args.flag(name)).length > 1) {
      throw new UsageFailure('Only one argument from --table, --name and --uuid may be specified.');
    }
    const networks = byName(await (await session.connection()).listAllNetworks(objectListFlags(args)));
    if (args.flag('name')) return lines(networks.map(({ name }) => name));
    if (args.flag('uuid')) return lines(networks.map(({ uuid }) => uuid));
    const rows = networks.map(async (network) => ({
      name: network.name,
      uuid: network.uuid,
      state: (await network.isActive()) ? 'active' : 'inactive',
      autostart: await network.getAutostart(),
      persistent: await network.isPersistent(),
    }));
    return table(
      [
        { key: 'name', title: 'Name' },
        { key: 'state', title: 'State' },
        { key: 'autostart', title: 'Autostart' },
        { key: 'persistent', title: 'Persistent' },
      ],
      await Promise.all(rows),
    );
  },
};

function fromFile(name: string, verb: 'define' | 'create', summary: string): CommandDef {
  return {
    name,
    summary,
    options: [fileOption('network'), validateOption],
    async run(args, session) {
      const file = args.need('file');
      const xml = await readTextFile(file);
      const connection = await session.connection();
      const flags = args.flag('validate') ? 1 : 0;
      const made =
        verb === 'define' ? connection.networkDefineXML(xml, flags) : connection.networkCreateXML(xml, flags);
      const network = await attempt(`Failed to ${verb} network from ${file}`, made);
      return message(`Network ${network.name} ${verb}d from ${file}`, { network: network.name, uuid: network.uuid });
    },
  };
}

function action(
  verb: 'start' | 'destroy' | 'undefine',
  summary: string,
  done: string,
  complete: Completion,
  act: (network: Network) => Promise<void>,
): CommandDef {
  return {
    name: `net-${verb}`,
    summary,
    options: [networkOption(complete)],
    async run(args, session) {
      const network = await findNetwork(args, session);
      await attempt(`Failed to ${verb} network ${network.name}`, act(network));
      return message(`Network ${network.name} ${done}`, { network: network.name });
    },
  };
}

const dumpxmlCommand: CommandDef = {
  name: 'net-dumpxml',
  summary: 'network information in XML',
  options: [networkOption(), flag('inactive', 'show inactive defined XML'), ...xpathOptions],
  async run(args, session) {
    return description(await (await findNetwork(args, session)).getXMLDesc(args.flag('inactive') ? 1 : 0), args);
  },
};

const infoCommand: CommandDef = {
  name: 'net-info',
  summary: 'network information',
  options: [networkOption()],
  async run(args, session) {
    const network = await findNetwork(args, session);
    const bridge = await network.getBridgeName().catch(() => undefined);
    return fields([
      ['Name', 'name', network.name],
      ['UUID', 'uuid', network.uuid],
      ['Active', 'active', await network.isActive()],
      ['Persistent', 'persistent', await network.isPersistent()],
      ['Autostart', 'autostart', await network.getAutostart()],
      ...(bridge === undefined || bridge === '' ? [] : [['Bridge', 'bridge', bridge] satisfies Field]),
    ]);
  },
};

const autostartCommand: CommandDef = {
  name: 'net-autostart',
  summary: 'autostart a network',
  options: [networkOption(), flag('disable', 'disable autostarting')],
  async run(args, session) {
    const network = await findNetwork(args, session);
    const on = !args.flag('disable');
    const how = on ? 'mark' : 'unmark';
    await attempt(`failed to ${how} network ${network.name} as autostarted`, network.setAutostart(on));
    return message(`Network ${network.name} ${how}ed as autostarted`, { network: network.name, autostart: on });
  },
};

const editCommand: CommandDef = {
  name: 'net-edit',
  summary: 'edit XML configuration for a network',
  options: [networkOption()],
  async run(args, session) {
    const network = await findNetwork(args, session);
    const connection = await session.connection();
    return editDefinition(
      {
        title: `Network ${network.name}`,
        read: () => network.getXMLDesc(1),
        write: (xml) => connection.networkDefineXML(xml),
        canSkip: false,
      },
      session,
    );
  },
};

const nameCommand: CommandDef = {
  name: 'net-name',
  summary: 'convert a network UUID to network name',
  options: [networkOption()],
  async run(args, session) {
    return single('name', (await findNetwork(args, session, 'uuid')).name);
  },
};

const uuidCommand: CommandDef = {
  name: 'net-uuid',
  summary: 'convert a network name to network UUID',
  options: [networkOption()],
  async run(args, session) {
    return single('uuid', (await findNetwork(args, session, 'name')).uuid);
  },
};

const leasesCommand: CommandDef = {
  name: 'net-dhcp-leases',
  summary: 'print lease info for a given network',
  options: [networkOption('active-network'), text('mac', 'MAC address')],
  async run(args, session) {
    const network = await findNetwork(args, session);
    const leases = await attempt(
      `Failed to get leases info for ${network.name}`,
      network.getDHCPLeases(args.text('mac')),
    );
    const rows = leases.map(({ expirytime, mac, type, ipaddr, prefix, hostname, clientid }) => ({
      expires: new Date(Number(expirytime) * 1000).toISOString(),
      mac: mac ?? null,
      protocol: type === 0 ? 'ipv4' : 'ipv6',
      address: `${ipaddr}/${prefix}`,
      hostname: hostname ?? null,
      clientId: clientid ?? null,
    }));
    return table(
      [
        { key: 'expires', title: 'Expiry Time', show: (at) => prettyTime(new Date(String(at))).slice(0, 19) },
        { key: 'mac', title: 'MAC address' },
        { key: 'protocol', title: 'Protocol' },
        { key: 'address', title: 'IP address' },
        { key: 'hostname', title: 'Hostname' },
        { key: 'clientId', title: 'Client ID or DUID' },
      ],
      rows,
    );
  },
};

const UPDATE_COMMANDS: Readonly<Record<string, number>> = {
  modify: NetworkUpdateCommand.MODIFY,
  delete: NetworkUpdateCommand.DELETE,
  add: NetworkUpdateCommand.ADD_LAST,
  'add-last': NetworkUpdateCommand.ADD_LAST,
  'add-first': NetworkUpdateCommand.ADD_FIRST,
};
const SECTIONS: Readonly<Record<string, number>> = {
  bridge: NetworkSection.BRIDGE,
  domain: NetworkSection.DOMAIN,
  ip: NetworkSection.IP,
  'ip-dhcp-host': NetworkSection.IP_DHCP_HOST,
  'ip-dhcp-range': NetworkSection.IP_DHCP_RANGE,
  forward: NetworkSection.FORWARD,
  'forward-interface': NetworkSection.FORWARD_INTERFACE,
  'forward-pf': NetworkSection.FORWARD_PF,
  portgroup: NetworkSection.PORTGROUP,
  'dns-host': NetworkSection.DNS_HOST,
  'dns-txt': NetworkSection.DNS_TXT,
  'dns-srv': NetworkSection.DNS_SRV,
};

const updateCommand: CommandDef = {
  name: 'net-update',
  summary: 'update parts of an existing network configuration',
  options: [
    networkOption(),
    text('command', `type of update: ${Object.keys(UPDATE_COMMANDS).join(', ')}`, {
      required: true,
      complete: Object.keys(UPDATE_COMMANDS),
    }),
    text('section', 'which section of network configuration to update', {
      required: true,
      complete: Object.keys(SECTIONS),
    }),
    text('xml', "the XML element itself if it starts with '<', else a file that holds it", {
      required: true,
      complete: 'file',
    }),
    integer('parent-index', 'which parent object to search through'),
    ...affectOptions,
  ],
  async run(args, session) {
    const flags = affectOf(args);
    const command = UPDATE_COMMANDS[args.need('command')];
    if (command === undefined) throw new UsageFailure(`unrecognized command name '${args.need('command')}'`);
    const section = SECTIONS[args.need('section')];
    if (section === undefined) throw new UsageFailure(`unrecognized section name '${args.need('section')}'`);
    const given = args.need('xml');
    const network = await findNetwork(args, session);
    const xml = given.trimStart().startsWith('<') ? given : await readTextFile(given);
    const parent = args.number('parent-index') ?? -1;
    await attempt(`Failed to update network ${network.name}`, network.update(command, section, parent, xml, flags));
    const live = (flags & Affect.LIVE) !== 0 || (flags === Affect.CURRENT && (await network.isActive()));
    const config = (flags & Affect.CONFIG) !== 0 || (flags === Affect.CURRENT && !live);
    const what = config && live ? 'persistent config and live state' : live ? 'live state' : 'persistent config';
    const said = `Updated network ${network.name} ${what}`;
    return { text: said, json: { message: said, network: network.name, live, config } };
  },
};

/** Commands about virtual networks. */
export const networkCommands: readonly CommandDef[] = [
  autostartCommand,
  fromFile('net-create', 'create', 'create a network from an XML file'),
  fromFile('net-define', 'define', "define (but don't start) a network from an XML file"),
  action('destroy', 'destroy (stop) a network', 'destroyed', 'active-network', (network) => network.destroy()),
  leasesCommand,
  netCaptureCommand,
  dumpxmlCommand,
  editCommand,
  networkEventCommand,
  infoCommand,
  listCommand,
  nameCommand,
  action('start', 'start a (previously defined) inactive network', 'started', 'inactive-network', (n) => n.create()),
  action('undefine', 'undefine a persistent network', 'has been undefined', 'network', (network) => network.undefine()),
  updateCommand,
  uuidCommand,
];
