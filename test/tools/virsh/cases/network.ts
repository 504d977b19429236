import { Duplex } from 'node:stream';
import { pcapngHeader, pcapngPacket } from '../../../../src/machine/net/pcapng.ts';
import { type Case, NO_NETWORK } from './case.ts';

/** A capture of two packets. */
function capture(): Buffer {
  return Buffer.concat([
    pcapngHeader('net0'),
    pcapngPacket(Buffer.alloc(60, 1), 1n, 'in'),
    pcapngPacket(Buffer.alloc(1514, 2), 2n, 'out'),
  ]);
}

function network(name: string, line: string, sentence: string, error: Case['error'], facts = {}): [string, Case] {
  return [
    name,
    {
      table: [line, name === 'net-update' ? sentence : `${sentence}\n`],
      json: [undefined, { message: sentence, network: 'default', ...facts }],
      error,
    },
  ];
}

/** Networks. */
export const networks: Readonly<Record<string, Case>> = {
  'net-list': {
    table: [
      'net-list',
      ' Name      State    Autostart   Persistent\n--------------------------------------------\n default   active   no          yes\n',
    ],
    json: [
      undefined,
      [
        {
          name: 'default',
          uuid: 'dd8fe884-6c02-601e-7551-cca97df1c5df',
          state: 'active',
          autostart: false,
          persistent: true,
        },
      ],
    ],
    error: ['net-list --uuid --name', 'Only one argument from --table, --name and --uuid may be specified.'],
  },
  'net-define': {
    table: ['net-define DIR/net.xml', 'Network other defined from DIR/net.xml\n'],
    json: [undefined, (value: { network: string }) => value.network === 'other'],
    error: ['net-define DIR/bad.xml', 'Failed to define network from DIR/bad.xml', /XML/],
  },
  'net-create': {
    table: ['net-create DIR/net.xml', 'Network other created from DIR/net.xml\n'],
    json: [undefined, (value: { network: string }) => value.network === 'other'],
    error: ['net-create /nope', "Failed to open file '/nope': No such file or directory"],
  },
  ...Object.fromEntries([
    network('net-start', 'net-destroy default; net-start default', 'Network default started', [
      'net-start default',
      'Failed to start network default',
      /^Requested operation is not valid: /,
    ]),
    network('net-destroy', 'net-destroy default', 'Network default destroyed', ['net-destroy nope', ...NO_NETWORK]),
    network('net-undefine', 'net-undefine default', 'Network default has been undefined', [
      'net-undefine nope',
      ...NO_NETWORK,
    ]),
    network(
      'net-autostart',
      'net-autostart default',
      'Network default marked as autostarted',
      ['net-autostart nope', ...NO_NETWORK],
      { autostart: true },
    ),
    network(
      'net-update',
      `net-update default add ip-dhcp-host "<host mac='52:54:00:00:00:01' ip='192.168.122.9'/>"`,
      'Updated network default live state',
      ['net-update default odd ip-dhcp-host x', "unrecognized command name 'odd'"],
      { live: true, config: false },
    ),
  ]),
  'net-dumpxml': {
    table: ['net-dumpxml default', /^<network connections='1'>\n {2}<name>default<\/name>/],
    json: [undefined, (value: { xml: string }) => value.xml.includes('virbr0')],
    error: ['net-dumpxml nope', ...NO_NETWORK],
  },
  'net-info': {
    table: [
      'net-info default',
      'Name:           default\nUUID:           dd8fe884-6c02-601e-7551-cca97df1c5df\nActive:         yes\nPersistent:     yes\nAutostart:      no\nBridge:         virbr0\n',
    ],
    json: [
      undefined,
      {
        name: 'default',
        uuid: 'dd8fe884-6c02-601e-7551-cca97df1c5df',
        active: true,
        persistent: true,
        autostart: false,
        bridge: 'virbr0',
      },
    ],
    error: ['net-info nope', ...NO_NETWORK],
  },
  'net-edit': {
    table: ['net-edit default', 'Network default XML configuration not changed.\n'],
    json: [undefined, (value: { changed: boolean }) => value.changed === false],
    error: ['net-edit nope', ...NO_NETWORK],
  },
  'net-name': {
    table: ['net-name dd8fe884-6c02-601e-7551-cca97df1c5df', 'default\n'],
    json: [undefined, { name: 'default' }],
    error: ['net-name nope', NO_NETWORK[0]],
  },
  'net-uuid': {
    table: ['net-uuid default', 'dd8fe884-6c02-601e-7551-cca97df1c5df\n'],
    json: [undefined, { uuid: 'dd8fe884-6c02-601e-7551-cca97df1c5df' }],
    error: ['net-uuid nope', ...NO_NETWORK],
  },
  'net-dhcp-leases': {
    table: [
      'net-dhcp-leases default',
      / Expiry Time {3}MAC address {3}Protocol {3}IP address {3}Hostname {3}Client ID or DUID\n-+\n$/,
    ],
    json: [undefined, []],
    error: ['net-dhcp-leases nope', ...NO_NETWORK],
  },
  'net-capture': {
    table: ['net-capture test testnet0 DIR/frames.pcapng', '2 packets captured\n'],
    json: [
      undefined,
      (value: { packets: number; bytes: number; interface: string }) =>
        value.packets === 2 && value.bytes === capture().length && value.interface === 'testnet0',
    ],
    error: [
      'net-capture test testnet0 DIR/frames.pcapng',
      "Failed to capture interface 'testnet0' of domain 'test'",
      "Operation not supported: nothing passes interface 'testnet0' that could be captured",
    ],
    answers: { domainCaptureInterface: async () => Duplex.from([capture()]) },
  },
  'net-event': {
    table: ['net-event --list', 'lifecycle\n'],
    json: [undefined, ['lifecycle']],
    error: ['net-event --event odd', 'unknown event type odd'],
  },
};
