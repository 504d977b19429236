import { type Case, NO_POOL, P2 } from './case.ts';

/** Storage pools. */
export const pools: Readonly<Record<string, Case>> = {
  'pool-list': {
    table: [
      'pool-list --details',
      ' Name           State     Autostart   Persistent   Capacity     Allocation   Available\n-----------------------------------------------------------------------------------------\n default-pool   running   no          yes          100.00 GiB   0.00 B       100.00 GiB\n',
    ],
    json: [
      'pool-list',
      [{ name: 'default-pool', uuid: 'dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566', state: 'active', autostart: false }],
    ],
    error: ['pool-list --details --name', 'Options --details and --name are mutually exclusive'],
  },
  'pool-define': {
    table: ['pool-define DIR/pool.xml', 'Pool p2 defined from DIR/pool.xml\n'],
    json: [undefined, (value: { pool: string }) => value.pool === 'p2'],
    error: ['pool-define DIR/bad.xml', 'Failed to define pool from DIR/bad.xml', /XML/],
  },
  'pool-create': {
    table: ['pool-create DIR/pool.xml', 'Pool p2 created from DIR/pool.xml\n'],
    json: [undefined, (value: { pool: string }) => value.pool === 'p2'],
    error: ['pool-create /nope', "Failed to open file '/nope': No such file or directory"],
  },
  'pool-define-as': {
    table: [
      'pool-define-as p2 dir --target /p2 --print-xml',
      "<pool type='dir'>\n  <name>p2</name>\n  <target>\n    <path>/p2</path>\n  </target>\n</pool>\n",
    ],
    json: ['pool-define-as p2 dir --target /p2', (value: { message: string }) => value.message === 'Pool p2 defined'],
    error: ['pool-define-as p2', "command 'pool-define-as' requires <type> option"],
  },
  'pool-create-as': {
    table: ['pool-create-as p2 dir --target /p2', 'Pool p2 created\n'],
    json: [undefined, (value: { pool: string }) => value.pool === 'p2'],
    error: ['pool-create-as default-pool dir --target /p3', 'Failed to create pool default-pool', /default-pool/],
  },
  'pool-build': pool('build', `${P2}pool-build p2`, 'built'),
  'pool-start': {
    ...pool('start', `${P2}pool-start p2`, 'started'),
    error: ['pool-start default-pool', 'Failed to start pool default-pool', /active$/],
  },
  'pool-destroy': pool('destroy', `${P2}pool-start p2; pool-destroy p2`, 'destroyed'),
  'pool-delete': pool('delete', `${P2}pool-build p2; pool-delete p2`, 'deleted'),
  'pool-undefine': pool('undefine', `${P2}pool-undefine p2`, 'has been undefined'),
  'pool-refresh': pool('refresh', `${P2}pool-start p2; pool-refresh p2`, 'refreshed'),
  'pool-autostart': {
    table: ['pool-autostart default-pool', 'Pool default-pool marked as autostarted\n'],
    json: [undefined, (value: { autostart: boolean }) => value.autostart],
    error: ['pool-autostart nope', ...NO_POOL],
  },
  'pool-info': {
    table: [
      'pool-info default-pool',
      'Name:           default-pool\nUUID:           dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566\nState:          running\nPersistent:     yes\nAutostart:      no\nCapacity:       100.00 GiB\nAllocation:     0.00 B\nAvailable:      100.00 GiB\n',
    ],
    json: [undefined, (value: { capacity: number }) => value.capacity === 100 * 2 ** 30],
    error: ['pool-info nope', ...NO_POOL],
  },
  'pool-dumpxml': {
    table: ['pool-dumpxml default-pool', /^<pool type='dir'>\n {2}<name>default-pool/],
    json: [undefined, (value: { xml: string }) => value.xml.includes('/default-pool')],
    error: ['pool-dumpxml nope', ...NO_POOL],
  },
  'pool-edit': {
    table: ['pool-edit default-pool', 'Pool default-pool XML configuration not changed.\n'],
    json: [undefined, (value: { changed: boolean }) => value.changed === false],
    error: ['pool-edit nope', ...NO_POOL],
  },
  'pool-name': {
    table: ['pool-name dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566', 'default-pool\n'],
    json: [undefined, { name: 'default-pool' }],
    error: ['pool-name nope', NO_POOL[0]],
  },
  'pool-uuid': {
    table: ['pool-uuid default-pool', 'dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566\n'],
    json: [undefined, { uuid: 'dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566' }],
    error: ['pool-uuid nope', ...NO_POOL],
  },
  'pool-capabilities': {
    table: ['pool-capabilities', /^<storagepoolCapabilities>/],
    json: [undefined, (value: { xml: string }) => value.xml.includes("type='dir'")],
    error: ['pool-capabilities x', "unexpected data 'x'"],
  },
  'pool-event': {
    table: ['pool-event --list', 'lifecycle\nrefresh\n'],
    json: [undefined, ['lifecycle', 'refresh']],
    error: ['pool-event', 'either --list or --event <type> is required'],
  },
};

function pool(verb: string, line: string, done: string): Case {
  return {
    table: [line, `Pool p2 ${done}\n`],
    json: [undefined, { message: `Pool p2 ${done}`, pool: 'p2' }],
    error: [`pool-${verb} nope`, ...NO_POOL],
  };
}
