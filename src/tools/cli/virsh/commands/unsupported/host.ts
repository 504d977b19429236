import { type CommandDef, flag, integer, size, text } from '../../definition.ts';
import { UsageFailure } from '../../failure.ts';
import { readTextFile } from '../../files.ts';
import { findNetwork } from '../../lookup.ts';
import { fileOption, networkOption } from '../../shared-options.ts';
import { deviceCalled, deviceOption } from '../host-device.ts';
import { interfaceCalled, interfaceOption } from '../host-interface.ts';
import { commands, type Missing } from './command.ts';

const SUSPEND_TARGETS = ['mem', 'disk', 'hybrid'];

const hosts: readonly Missing[] = [
  {
    name: 'nodesuspend',
    summary: 'suspend the host node for a given time duration',
    options: [
      text('target', `what is kept: ${SUSPEND_TARGETS.join(', ')}`, { required: true, complete: SUSPEND_TARGETS }),
      integer('duration', 'duration in seconds, at least 60', { required: true }),
    ],
    call: 'virNodeSuspendForDuration',
    failed: 'The host was not suspended',
    check(args) {
      args.number('duration');
      if (!SUSPEND_TARGETS.includes(args.need('target'))) throw new UsageFailure('Invalid target');
    },
  },
  {
    name: 'allocpages',
    summary: 'manipulate pages pool size',
    options: [
      size('pagesize', 'page size (in kibibytes)', { required: true }),
      integer('pagecount', 'page count', { required: true }),
      integer('cellno', 'NUMA cell number'),
      flag('add', 'instead of setting new pool size add pages to it'),
      flag('all', 'set on all NUMA cells'),
    ],
    call: 'virNodeAllocPages',
    check(args) {
      args.exclusive('all', 'cellno');
      args.bytes('pagesize', 1024n);
      args.number('pagecount');
    },
  },
  {
    name: 'freepages',
    summary: 'NUMA free pages',
    options: [
      integer('cellno', 'NUMA cell number'),
      size('pagesize', 'page size (in kibibytes)'),
      flag('all', 'show free pages for all NUMA cells'),
    ],
    call: 'virNodeGetFreePages',
    check(args) {
      args.exclusive('all', 'cellno');
      if (args.flag('all')) return;
      if (args.number('cellno') === undefined) throw new UsageFailure('missing cellno argument');
      if (args.bytes('pagesize', 1024n) === undefined) throw new UsageFailure('missing pagesize argument');
    },
  },
  {
    name: 'nodesevinfo',
    summary: 'node SEV information',
    call: 'virNodeGetSEVInfo',
    failed: 'Unable to get host SEV information',
  },
];

const pools: readonly Missing[] = [
  {
    name: 'find-storage-pool-sources-as',
    summary: 'find potential storage pool sources',
    options: [
      text('type', 'type of storage pool sources to find', { required: true }),
      text('host', 'optional host to query', { named: true }),
      text('port', 'optional port to query', { named: true }),
      text('initiator', 'optional initiator IQN to use for query', { named: true }),
    ],
    call: 'virConnectFindStoragePoolSources',
    failed: (args) => `Failed to find any ${args.need('type')} pool sources`,
  },
  {
    name: 'find-storage-pool-sources',
    summary: 'discover potential storage pool sources',
    options: [
      text('type', 'type of storage pool sources to discover', { required: true }),
      text('srcSpec', 'optional file of source xml to query for pools', { complete: 'file' }),
    ],
    call: 'virConnectFindStoragePoolSources',
    failed: (args) => `Failed to find any ${args.need('type')} pool sources`,
    async check(args) {
      const file = args.text('srcSpec');
      if (file !== undefined) await readTextFile(file);
    },
  },
];

const ports: readonly Missing[] = [
  {
    name: 'net-port-list',
    summary: 'list network ports',
    options: [networkOption(), flag('uuid', "list uuid's only"), flag('table', 'list table (default)')],
    call: 'virNetworkListAllPorts',
  },
];

const interfaces: readonly Missing[] = (
  [
    ['destroy', 'destroy a physical host interface (disable it / "if-down")', 'Destroy'],
    ['start', 'start a physical host interface (enable it / "if-up")', 'Create'],
    ['undefine', 'undefine a physical host interface (remove it from configuration)', 'Undefine'],
  ] as const
).map(([verb, summary, call]) => ({
  name: `iface-${verb}`,
  summary,
  options: [interfaceOption('interface name or MAC address')],
  call: `virInterface${call}`,
  failed: (args) => `Failed to ${verb} interface ${args.need('interface')}`,
}));

const interfaceFiles: readonly Missing[] = [
  {
    name: 'iface-define',
    summary: 'define a physical host interface from an XML file',
    options: [fileOption('interface'), flag('validate', 'validate the XML against the schema')],
    call: 'virInterfaceDefineXML',
    failed: (args) => `Failed to define interface from ${args.need('file')}`,
    check: async (args) => void (await readTextFile(args.need('file'))),
  },
];

const devices: readonly Missing[] = [
  {
    name: 'nodedev-detach',
    summary: 'detach node device from its device driver',
    options: [deviceOption, text('driver', 'pci device assignment backend driver', { named: true })],
    call: (args) => (args.flag('driver') ? 'virNodeDeviceDetachFlags' : 'virNodeDeviceDettach'),
    failed: (args) => `Failed to detach device ${args.need('device')}`,
  },
  {
    name: 'nodedev-reattach',
    summary: 'reattach node device to its device driver',
    options: [deviceOption],
    call: 'virNodeDeviceReAttach',
    failed: (args) => `Failed to re-attach device ${args.need('device')}`,
  },
  {
    name: 'nodedev-reset',
    summary: 'reset node device',
    options: [deviceOption],
    call: 'virNodeDeviceReset',
    failed: (args) => `Failed to reset device ${args.need('device')}`,
  },
];

/** Commands about the host whose calls are missing. */
export const missingHostCommands = commands(hosts);
/** The same about pools. */
export const missingPoolCommands = commands(pools);
/** The same about networks. */
export const missingNetworkCommands = commands(ports, (args, session) => findNetwork(args, session));
/** The same about the host's network interfaces. */
export const missingInterfaceCommands: readonly CommandDef[] = [
  ...commands(interfaces, async (args, session) => interfaceCalled(await session.connection(), args.need('interface'))),
  ...commands(interfaceFiles),
];
/** The same about devices of the host. */
export const missingDeviceCommands = commands(devices, async (args, session) =>
  deviceCalled(await session.connection(), args.need('device')),
);
