import { type Case, elsewhere, NO_DOMAIN, UUID } from './case.ts';

/** What domains do. */
export const monitor: Readonly<Record<string, Case>> = {
  list: {
    table: ['destroy test; list --all', ' Id   Name   State\n-----------------------\n -    test   shut off\n'],
    json: ['list', [{ id: 1, name: 'test', uuid: UUID, state: 'running' }]],
    error: ['list --frob', "command 'list' doesn't support option --frob"],
  },
  dominfo: {
    table: [
      'dominfo test',
      /^Id: {13}1\nName: {11}test\nUUID: {11}6695[\w-]+\nOS Type: .*\nState: {10}running\nCPU\(s\): {9}2\n(CPU time: .*\n)?Max memory: {5}8388608 KiB\nUsed memory: {4}2097152 KiB\nPersistent: {5}yes\nAutostart: {6}disable\nManaged save: {3}no\n/,
    ],
    json: [
      undefined,
      (value: Record<string, unknown>) => value['maxMemoryKib'] === 8388608 && value['autostart'] === false,
    ],
    error: ['dominfo nope', NO_DOMAIN],
  },
  domstate: {
    table: ['domstate test --reason', 'running (booted)\n'],
    json: [undefined, { state: 'running', reason: 'booted' }],
    error: ['domstate nope', NO_DOMAIN],
  },
  domstats: {
    table: ['domstats --state', "Domain: 'test'\n  state.state=1\n  state.reason=1\n"],
    json: [undefined, [{ domain: 'test', uuid: UUID, stats: { 'state.state': 1, 'state.reason': 1 } }]],
    error: ['domstats nope', NO_DOMAIN],
  },
  dommemstat: {
    table: ['dommemstat test', /^actual 2097152\n/],
    json: [undefined, (value: { actual: number }) => value.actual === 2097152],
    error: ['dommemstat nope', NO_DOMAIN],
  },
  domcontrol: {
    table: ['domcontrol test', 'ok\n'],
    json: [undefined, { state: 'ok', stateTimeMs: 0 }],
    error: ['domcontrol nope', NO_DOMAIN],
  },
  domjobinfo: {
    table: ['domjobinfo test', 'Job type:         None\n'],
    json: [undefined, { type: 'None' }],
    error: ['domjobinfo nope', NO_DOMAIN],
  },
  domtime: {
    table: ['domtime test', /^Time: \d+$/],
    json: [undefined, (value: { seconds: number }) => value.seconds > 0],
    error: ['domtime nope', NO_DOMAIN],
  },
  domblklist: {
    table: [
      'domblklist test --details',
      ' Type   Device   Target   Source\n---------------------------------------------\n file   disk     vda      /guest/diskimage1\n',
    ],
    json: [undefined, [{ type: 'file', device: 'disk', target: 'vda', source: '/guest/diskimage1' }]],
    error: ['domblklist nope', NO_DOMAIN],
  },
  domblkinfo: {
    table: [
      'domblkinfo test vda --human',
      'Capacity:       1.000 TiB\nAllocation:     1.000 TiB\nPhysical:       1.000 TiB\n',
    ],
    json: [undefined, { capacity: 2 ** 40, allocation: 2 ** 40, physical: 2 ** 40 }],
    error: ['domblkinfo test vdq', /vdq/],
  },
  domblkstat: {
    table: ['domblkstat test vda', /^vda rd_req \d+\nvda rd_bytes \d+\n/],
    json: [undefined, (value: { rd_req: number }) => value.rd_req >= 0],
    error: ['domblkstat test vdq', "Failed to get block stats for domain 'test' device 'vdq'", /vdq/],
  },
  domblkerror: {
    table: ['domblkerror test', 'No errors found\n'],
    json: [undefined, []],
    error: ['domblkerror nope', NO_DOMAIN],
  },
  domiflist: {
    table: [
      'domiflist test',
      ' Interface   Type      Source    Model    MAC\n-------------------------------------------------------------\n testnet0    network   default   virtio   52:54:00:dd:ee:ff\n',
    ],
    json: [
      undefined,
      [{ interface: 'testnet0', type: 'network', source: 'default', model: 'virtio', mac: '52:54:00:dd:ee:ff' }],
    ],
    error: ['domiflist nope', NO_DOMAIN],
  },
  domifstat: elsewhere(
    'domifstat test vnet9',
    'Failed to get interface stats test vnet9',
    /'vnet9' is not a known interface/,
  ),
  'domif-getlink': {
    table: ['domif-getlink test 52:54:00:dd:ee:ff', '52:54:00:dd:ee:ff up'],
    json: ['domif-getlink test testnet0', { interface: 'testnet0', link: 'up' }],
    error: ['domif-getlink test vnet9', 'Interface (dev: vnet9) not found.'],
  },
  domifaddr: {
    table: ['domifaddr test', /^ Name {7}MAC address {10}Protocol {5}Address\n-{79}\n/],
    json: [undefined, Array.isArray],
    error: ['domifaddr test --source odd', "Unknown data source 'odd'"],
  },
  event: {
    table: ['event --list', /^lifecycle\nreboot\n/],
    json: [undefined, (value: string[]) => value.includes('metadata-change')],
    error: ['event', 'one of --list, --all, or --event <type> is required'],
  },
};
