/** What each command shows over `test:///default`, for people and programs, and how it fails. */

/** A command's cases. Lines may hold several commands; the last is the one that is looked at. */
export interface Case {
  /** Line, and all that it shows but the empty line at its end; a pattern where parts of it are not ours. */
  readonly table: readonly [line: string, shown: string | RegExp];
  /** Line (default: that of `table`) and JSON; a function looks at it in its own way. */
  readonly json: readonly [line: string | undefined, value: unknown];
  /** Line, and what it says behind `error: `, each on a line of its own. */
  readonly error: readonly [line: string, ...said: (string | RegExp)[]];
}

const UUID = '6695eb01-f6a4-8304-79aa-97f2502e193f';
const NO_DOMAIN = "failed to get domain 'nope'";
const NO_NETWORK = ["failed to get network 'nope'", "Network not found: no network with matching name 'nope'"] as const;
const NO_POOL = [
  "failed to get pool 'nope'",
  /^Storage pool not found: no storage pool with matching name 'nope'$/,
] as const;
const NO_VOLUME = [
  "failed to get vol 'nope', specifying --pool might help",
  "Storage volume not found: no storage vol with matching path 'nope'",
] as const;
const V1 = 'vol-create-as default-pool v1 1M; ';
const P2 = 'pool-define-as p2 dir --target /p2; ';

/** A command about a domain that says one sentence. */
function says(line: string, sentence: string, more: Record<string, unknown> = { domain: 'test' }): Case {
  const [last = ''] = line.split('; ').slice(-1);
  const [name = ''] = last.split(' ');
  const rest = last.includes('test') ? last.slice(name.length).replace('test', 'nope') : '';
  return {
    table: [line, `${sentence}\n`],
    json: [undefined, { message: sentence, ...more }],
    error: [`${name}${rest}`, NO_DOMAIN],
  };
}

/** A command that has nothing to say. */
function silent(line: string, error: Case['error']): Case {
  return { table: [line, ''], json: [undefined, {}], error };
}

const domain: Readonly<Record<string, Case>> = {
  define: {
    table: ['define DIR/new.xml', "Domain 'new' defined from DIR/new.xml\n"],
    json: [undefined, (value: { domain: string }) => value.domain === 'new'],
    error: ['define DIR/bad.xml', 'Failed to define domain from DIR/bad.xml', /XML/],
  },
  create: {
    table: ['create DIR/new.xml', "Domain 'new' created from DIR/new.xml\n"],
    json: [undefined, (value: { domain: string }) => value.domain === 'new'],
    error: ['create /nope', "Failed to open file '/nope': No such file or directory"],
  },
  install: {
    table: [
      'install --name box --memory 64 --disk none --boot kernel=/k --network none --noautoconsole',
      "Domain 'box' created\n",
    ],
    json: [undefined, (value: { domain: string }) => value.domain === 'box'],
    error: [
      'install --name test --import --disk /x --noautoconsole',
      "--name test: Guest name 'test' is already in use.",
    ],
  },
  start: {
    ...says('destroy test; start test', "Domain 'test' started", { domain: 'test', uuid: UUID }),
    error: ['start test', 'Domain is already active'],
  },
  shutdown: says('shutdown test', "Domain 'test' is being shutdown"),
  reboot: says('reboot test', "Domain 'test' is being rebooted"),
  reset: says('reset test', "Domain 'test' was reset"),
  suspend: says('suspend test', "Domain 'test' suspended"),
  resume: {
    ...says('suspend test; resume test', "Domain 'test' resumed"),
    error: ['resume test', "Failed to resume domain 'test'", /^Requested operation is not valid: /],
  },
  destroy: {
    ...says('destroy test', "Domain 'test' destroyed"),
    error: [
      'destroy test; destroy test',
      "Failed to destroy domain 'test'",
      'Requested operation is not valid: domain is not running',
    ],
  },
  undefine: says('undefine test', "Domain 'test' has been undefined"),
  autostart: says('autostart test', "Domain 'test' marked as autostarted", { domain: 'test', autostart: true }),
  domrename: {
    ...says('destroy test; domrename test other', 'Domain successfully renamed', { domain: 'other' }),
    error: ['domrename test x', 'Requested operation is not valid: cannot rename active domain'],
  },
  dumpxml: {
    table: ['dumpxml test', /^<domain type='test' id='1'>\n {2}<name>test<\/name>\n[\s\S]*<\/domain>\n$/],
    json: [undefined, (value: { xml: string }) => value.xml.startsWith("<domain type='test'")],
    error: ['dumpxml nope', NO_DOMAIN],
  },
  edit: {
    table: ['edit test', "Domain 'test' XML configuration not changed.\n"],
    json: [undefined, (value: { changed: boolean }) => value.changed === false],
    error: ['edit nope', NO_DOMAIN],
  },
  console: {
    table: ['console --help', /NAME\n {4}console - /],
    json: ['help console', (value: { name: string }) => value.name === 'console'],
    error: ['console test', 'Cannot run interactive console without a controlling TTY'],
  },
  ttyconsole: {
    table: ['ttyconsole --help', /NAME\n {4}ttyconsole - /],
    json: ['help ttyconsole', (value: { name: string }) => value.name === 'ttyconsole'],
    error: ['ttyconsole test', "domain 'test' has no console with a tty"],
  },
  domid: { table: ['domid test', '1\n'], json: [undefined, { id: 1 }], error: ['domid nope', NO_DOMAIN] },
  domuuid: {
    table: ['domuuid test', `${UUID}\n`],
    json: [undefined, { uuid: UUID }],
    error: ['domuuid nope', NO_DOMAIN],
  },
  domname: {
    table: ['domname 1', 'test\n'],
    json: [undefined, { name: 'test' }],
    error: ['domname 7', "failed to get domain '7'"],
  },
  vcpuinfo: {
    table: [
      'vcpuinfo test',
      /^VCPU: {11}0\nCPU: .*\nState: {10}running\nCPU time: .*s\nCPU Affinity: {3}y+\n\nVCPU: {11}1\n/,
    ],
    json: [undefined, (value: { vcpu: number }[]) => value[1]?.vcpu === 1],
    error: ['vcpuinfo nope', NO_DOMAIN],
  },
  vcpucount: {
    table: [
      'vcpucount test',
      'maximum      config         2\nmaximum      live           2\ncurrent      config         2\ncurrent      live           2\n',
    ],
    json: ['vcpucount test --maximum --config', { vcpus: 2 }],
    error: ['vcpucount test --live --config', 'Options --live and --config are mutually exclusive'],
  },
  vcpupin: {
    table: [
      'vcpupin test 0 0-1,^1; vcpupin test',
      ' VCPU   CPU Affinity\n----------------------\n 0      0\n 1      0-15\n',
    ],
    json: [
      undefined,
      [
        { vcpu: 0, affinity: '0' },
        { vcpu: 1, affinity: '0-15' },
      ],
    ],
    error: ['vcpupin test 0 99', "CPU 99 in cpulist '99' exceed the maxcpu 16"],
  },
  setvcpus: silent('setvcpus test 1 --config', ['setvcpus test 0', "Can't set 0 processors for a VM"]),
  setmem: silent('setmem test 1G', [
    'setmem test abc',
    "Scaled numeric value 'abc' for <size> option is malformed or out of range",
  ]),
  setmaxmem: silent('destroy test; setmaxmem test 9G --config', [
    'setmaxmem test 4G',
    'Unable to change MaxMemorySize',
    'Requested operation is not valid: cannot resize the maximum memory on an active domain',
  ]),
  schedinfo: {
    table: ['schedinfo test', /^Scheduler {6}: \w+\n/],
    json: [undefined, (value: { scheduler: string }) => value.scheduler !== ''],
    error: ['schedinfo test --set nope=1', 'invalid scheduler option: nope'],
  },
  'attach-device': {
    table: ['attach-device test DIR/disk.xml --config', 'Device attached successfully\n'],
    json: [undefined, { message: 'Device attached successfully', domain: 'test' }],
    error: ['attach-device test /nope', "Failed to open file '/nope': No such file or directory"],
  },
  'detach-device': {
    table: [
      'attach-device test DIR/disk.xml --config; detach-device test DIR/disk.xml --config',
      'Device detached successfully\n',
    ],
    json: [undefined, { message: 'Device detached successfully', domain: 'test' }],
    error: ['detach-device test DIR/disk.xml --config', 'Failed to detach device from DIR/disk.xml', /vdz/],
  },
  'update-device': {
    table: [
      'attach-device test DIR/disk.xml --config; update-device test DIR/disk.xml --config',
      'Device updated successfully\n',
    ],
    json: [undefined, { message: 'Device updated successfully', domain: 'test' }],
    error: ['update-device test DIR/bad.xml', 'Failed to update device from DIR/bad.xml', /XML/],
  },
  'attach-disk': {
    table: ['attach-disk test /x vdb --config', 'Disk attached successfully\n'],
    json: [undefined, { message: 'Disk attached successfully', domain: 'test' }],
    error: ['attach-disk test /x vdb --mode odd', "No support for odd in command 'attach-disk'"],
  },
  'detach-disk': {
    table: ['detach-disk test vda --config', 'Disk detached successfully\n'],
    json: [undefined, { message: 'Disk detached successfully', domain: 'test' }],
    error: ['detach-disk test vdq', 'No disk found whose source path or target is vdq'],
  },
  'attach-interface': {
    table: ['attach-interface test network default --config', 'Interface attached successfully\n'],
    json: [undefined, { message: 'Interface attached successfully', domain: 'test' }],
    error: ['attach-interface test odd x', "No support for odd in command 'attach-interface'"],
  },
  'detach-interface': {
    table: ['detach-interface test network --config', 'Interface detached successfully\n'],
    json: [undefined, { message: 'Interface detached successfully', domain: 'test' }],
    error: ['detach-interface test bridge', 'No interface found whose type is bridge', 'Failed to detach interface'],
  },
  'domif-setlink': {
    table: ['domif-setlink test testnet0 down --config', 'Device updated successfully\n'],
    json: [undefined, { message: 'Device updated successfully', domain: 'test' }],
    error: ['domif-setlink test testnet0 odd', "invalid link state 'odd'"],
  },
  'detach-device-alias': {
    table: ['detach-device-alias --help', /NAME\n {4}detach-device-alias - /],
    json: ['help detach-device-alias', (value: { name: string }) => value.name === 'detach-device-alias'],
    error: [
      'detach-device-alias test nope',
      'Failed to detach device with alias nope',
      'device not found: no device found with alias nope',
    ],
  },
  blockresize: elsewhere('blockresize test vdq 1G', "Failed to resize block device 'vdq'", /vdq/),
  desc: {
    table: ['desc test some words; desc test', 'some words'],
    json: [undefined, { description: 'some words' }],
    error: ['desc nope', NO_DOMAIN],
  },
  metadata: {
    table: [`metadata test urn:x --key k --set '<a/>'; metadata test urn:x`, /^<.*a.*\/>\n$/],
    json: [undefined, (value: { xml: string }) => value.xml.includes('urn:x')],
    error: ['metadata test urn:x', 'metadata not found: Requested metadata element is not present'],
  },
  screenshot: {
    table: ['screenshot --help', /NAME\n {4}screenshot - /],
    json: ['help screenshot', (value: { name: string }) => value.name === 'screenshot'],
    error: ['screenshot test --file DIR/shot', 'could not take a screenshot of test', /^Operation not supported: /],
  },
  'send-key': {
    table: ['send-key --help', /NAME\n {4}send-key - /],
    json: ['help send-key', (value: { name: string }) => value.name === 'send-key'],
    error: ['send-key test KEY_NOPE', "invalid keycode: 'KEY_NOPE'"],
  },
};

const monitor: Readonly<Record<string, Case>> = {
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
    table: ['domif-getlink test 52:54:00:dd:ee:ff', '52:54:00:dd:ee:ff up\n'],
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

const host: Readonly<Record<string, Case>> = {
  capabilities: {
    table: ['capabilities', /^<capabilities>[\s\S]*<arch name='riscv64'>/],
    json: [undefined, (value: { xml: string }) => value.xml.includes('</capabilities>')],
    error: ['capabilities x', "unexpected data 'x'"],
  },
  domcapabilities: {
    table: ['domcapabilities', /^<domainCapabilities>[\s\S]*<arch>riscv64<\/arch>/],
    json: [undefined, (value: { xml: string }) => value.xml.includes('</domainCapabilities>')],
    error: ['domcapabilities --arch z80', 'failed to get emulator capabilities', /z80/],
  },
  freecell: {
    table: ['freecell', /^Total: \d+ KiB\n$/],
    json: [undefined, (value: { totalKib: number }) => value.totalKib > 0],
    error: ['freecell 99', /cell/],
  },
  hostname: {
    table: ['hostname', /^\S+\n$/],
    json: [undefined, (value: { hostname: string }) => value.hostname !== ''],
    error: ['hostname x', "unexpected data 'x'"],
  },
  maxvcpus: { table: ['maxvcpus', '32\n'], json: [undefined, { maxVcpus: 32 }], error: ['maxvcpus --type xen', /xen/] },
  nodecpumap: {
    table: ['nodecpumap', 'CPUs present:   16\nCPUs online:    16\nCPU map:        yyyyyyyyyyyyyyyy\n'],
    json: [undefined, { present: 16, online: 16, map: '0-15' }],
    error: ['nodecpumap x', "unexpected data 'x'"],
  },
  nodecpustats: {
    table: ['nodecpustats', /^user: +\d+\nsystem: +\d+\nidle: +\d+\n/],
    json: [undefined, (value: { user: number }) => value.user >= 0],
    error: ['nodecpustats --cpu 99', 'Unable to get node cpu stats', /99|cpu/i],
  },
  nodeinfo: {
    table: [
      'nodeinfo',
      'CPU model:           riscv64\nCPU(s):              16\nCPU frequency:       1400 MHz\nCPU socket(s):       2\nCore(s) per socket:  2\nThread(s) per core:  2\nNUMA cell(s):        2\nMemory size:         3145728 KiB\n',
    ],
    json: [
      undefined,
      { model: 'riscv64', cpus: 16, mhz: 1400, sockets: 2, cores: 2, threads: 2, nodes: 2, memoryKib: 3145728 },
    ],
    error: ['nodeinfo x', "unexpected data 'x'"],
  },
  nodememstats: {
    table: ['nodememstats', /^total {2}: +3145728 KiB\nfree {3}: +\d+ KiB\n/],
    json: [undefined, (value: { total: number }) => value.total === 3145728],
    error: ['nodememstats --cell 99', 'Unable to get node memory stats', /99|cell/i],
  },
  sysinfo: {
    table: ['sysinfo', /^<sysinfo type='smbios'>/],
    json: [undefined, (value: { xml: string }) => value.xml.includes('</sysinfo>')],
    error: ['sysinfo x', "unexpected data 'x'"],
  },
  uri: {
    table: ['uri', 'test:///default\n'],
    json: [undefined, { uri: 'test:///default' }],
    error: ['uri x', "unexpected data 'x'"],
  },
  version: {
    table: [
      'version',
      /^Compiled against library: libvirt 9\.0\.0\nUsing library: libvirt 9\.0\.0\nUsing API: TEST 9\.0\.0\nRunning hypervisor: TEST \d/,
    ],
    json: [undefined, (value: { type: string }) => value.type === 'TEST'],
    error: ['version x', "unexpected data 'x'"],
  },
};

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

const networks: Readonly<Record<string, Case>> = {
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
    table: ['net-dumpxml default', /^<network>\n {2}<name>default<\/name>/],
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
  'net-event': {
    table: ['net-event --list', 'lifecycle\n'],
    json: [undefined, ['lifecycle']],
    error: ['net-event --event odd', 'unknown event type odd'],
  },
};

const pools: Readonly<Record<string, Case>> = {
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

const volumes: Readonly<Record<string, Case>> = {
  'vol-list': {
    table: [`${V1}vol-list default-pool`, ' Name   Path\n--------------------------\n v1     /default-pool/v1\n'],
    json: [undefined, [{ name: 'v1', path: '/default-pool/v1' }]],
    error: ['vol-list nope', ...NO_POOL],
  },
  'vol-create': {
    table: ['vol-create default-pool DIR/vol.xml', 'Vol v2 created from DIR/vol.xml\n'],
    json: [undefined, (value: { key: string }) => value.key === '/default-pool/v2'],
    error: ['vol-create default-pool DIR/bad.xml', 'Failed to create vol from DIR/bad.xml', /XML/],
  },
  'vol-create-as': {
    table: ['vol-create-as default-pool v1 1G --format raw', 'Vol v1 created\n'],
    json: [undefined, { message: 'Vol v1 created', volume: 'v1', key: '/default-pool/v1' }],
    error: [`${V1}vol-create-as default-pool v1 1G`, 'Failed to create vol v1', /v1/],
  },
  'vol-create-from': {
    table: [`${V1}vol-create-from default-pool DIR/vol.xml v1 default-pool`, 'Vol v2 created from input vol v1\n'],
    json: [undefined, (value: { volume: string }) => value.volume === 'v2'],
    error: [
      'vol-create-from default-pool DIR/vol.xml nope',
      "failed to get vol 'nope', specifying --inputpool might help",
      NO_VOLUME[1],
    ],
  },
  'vol-clone': {
    table: [`${V1}vol-clone v1 v2 default-pool`, 'Vol v2 cloned from v1\n'],
    json: [undefined, { message: 'Vol v2 cloned from v1', volume: 'v2', key: '/default-pool/v2' }],
    error: ['vol-clone nope v2 default-pool', "failed to get vol 'nope'", NO_VOLUME[1]],
  },
  'vol-delete': {
    table: [`${V1}vol-delete v1 default-pool`, 'Vol v1 deleted\n'],
    json: [undefined, { message: 'Vol v1 deleted', volume: 'v1' }],
    error: ['vol-delete nope default-pool', "failed to get vol 'nope'", NO_VOLUME[1]],
  },
  'vol-wipe': {
    table: [`${V1}vol-wipe v1 default-pool`, 'Vol v1 wiped\n'],
    json: [undefined, { message: 'Vol v1 wiped', volume: 'v1' }],
    error: [`${V1}vol-wipe v1 default-pool odd`, "Unsupported algorithm 'odd'"],
  },
  'vol-resize': {
    table: [`${V1}vol-resize v1 2M default-pool`, "Size of volume 'v1' successfully changed to 2M\n"],
    json: [undefined, (value: { volume: string }) => value.volume === 'v1'],
    error: [`${V1}vol-resize v1 --capacity -1M --pool default-pool`, 'negative size requires --shrink'],
  },
  'vol-info': {
    table: [
      `${V1}vol-info v1 default-pool`,
      /^Name: {11}v1\nType: {11}file\nCapacity: {7}1\.00 MiB\nAllocation: {5}\d+\.00 \w+\n$/,
    ],
    json: [undefined, (value: { capacity: number }) => value.capacity === 2 ** 20],
    error: ['vol-info nope', ...NO_VOLUME],
  },
  'vol-dumpxml': {
    table: [`${V1}vol-dumpxml v1 default-pool`, /^<volume type='file'>\n {2}<name>v1<\/name>/],
    json: [undefined, (value: { xml: string }) => value.xml.includes('</volume>')],
    error: ['vol-dumpxml nope', ...NO_VOLUME],
  },
  'vol-path': {
    table: [`${V1}vol-path v1 default-pool`, '/default-pool/v1\n'],
    json: [undefined, { path: '/default-pool/v1' }],
    error: ['vol-path nope', ...NO_VOLUME],
  },
  'vol-key': {
    table: [`${V1}vol-key v1 default-pool`, '/default-pool/v1\n'],
    json: [undefined, { key: '/default-pool/v1' }],
    error: ['vol-key nope', ...NO_VOLUME],
  },
  'vol-name': {
    table: [`${V1}vol-name /default-pool/v1`, 'v1\n'],
    json: [undefined, { name: 'v1' }],
    error: ['vol-name nope', "failed to get vol 'nope'", NO_VOLUME[1]],
  },
  'vol-pool': {
    table: [`${V1}vol-pool /default-pool/v1`, 'default-pool\n'],
    json: [undefined, { pool: 'default-pool' }],
    error: ['vol-pool nope', "failed to get vol 'nope'", NO_VOLUME[1]],
  },
  'vol-upload': {
    table: [`${V1}vol-upload v1 DIR/data default-pool`, 'Vol v1 uploaded from DIR/data\n'],
    json: [undefined, (value: { bytes: number }) => value.bytes === 5],
    error: [`${V1}vol-upload v1 /nope default-pool`, 'cannot read /nope: No such file or directory'],
  },
  'vol-download': {
    table: [
      `${V1}vol-upload v1 DIR/data default-pool; vol-download v1 DIR/back default-pool --length 5`,
      'Vol v1 downloaded to DIR/back\n',
    ],
    json: [undefined, (value: { bytes: number }) => value.bytes === 5],
    error: [`${V1}vol-download v1 /nope/x default-pool`, 'cannot create /nope/x: No such file or directory'],
  },
};

/** A command that has nothing to show over `test:///default`: what it shows is tested elsewhere. */
function elsewhere(line: string, ...before: readonly (string | RegExp)[]): Case {
  const [name = ''] = line.split(' ');
  return {
    table: [`${name} --help`, new RegExp(`NAME\\n {4}${name} - `)],
    json: [`help ${name}`, (value: { name: string }) => value.name === name],
    error: [line, ...before],
  };
}

const snapshots: Readonly<Record<string, Case>> = {
  'snapshot-list': {
    table: ['snapshot-list test', ' Name   Creation Time   State\n-------------------------------\n'],
    json: [undefined, []],
    error: ['snapshot-list nope', NO_DOMAIN],
  },
  'snapshot-create': elsewhere('snapshot-create test', /^Operation not supported: /),
  'snapshot-create-as': {
    table: [
      "snapshot-create-as test s1 'a & b' --diskspec vda,snapshot=external,file=/x --print-xml",
      "<domainsnapshot>\n  <name>s1</name>\n  <description>a &amp; b</description>\n  <disks>\n    <disk name='vda' snapshot='external'>\n      <source file='/x'/>\n    </disk>\n  </disks>\n</domainsnapshot>\n",
    ],
    json: [undefined, (value: { xml: string }) => value.xml.startsWith('<domainsnapshot>')],
    error: ['snapshot-create-as test s1', /^Operation not supported: /],
  },
  'snapshot-dumpxml': elsewhere('snapshot-dumpxml test s1', /^Domain snapshot not found: /),
  'snapshot-info': elsewhere('snapshot-info test s1', /^Domain snapshot not found: /),
  'snapshot-revert': elsewhere('snapshot-revert test s1', /^Domain snapshot not found: /),
  'snapshot-delete': elsewhere('snapshot-delete test s1', /^Domain snapshot not found: /),
};

const shell: Readonly<Record<string, Case>> = {
  help: {
    table: [
      'help events',
      " Domain Events (help keyword 'events'):\n    event                          domain events\n",
    ],
    json: [undefined, [{ name: 'event', summary: 'domain events' }]],
    error: ['help frob', "command or command group 'frob' doesn't exist"],
  },
  exit: {
    table: ['echo a; exit; echo b', 'a'],
    json: ['echo a; exit; echo b', ['a']],
    error: ['exit x', "unexpected data 'x'"],
  },
  quit: {
    table: ['echo a; quit; echo b', 'a'],
    json: ['echo a; quit; echo b', ['a']],
    error: ['quit x', "unexpected data 'x'"],
  },
  cd: {
    table: ['cd --help', /NAME\n {4}cd - /],
    json: ['help cd', (value: { name: string }) => value.name === 'cd'],
    error: ['cd /', 'cd: command valid only in interactive mode'],
  },
  pwd: {
    table: ['pwd', `${process.cwd()}\n`],
    json: [undefined, { directory: process.cwd() }],
    error: ['pwd x', "unexpected data 'x'"],
  },
  connect: {
    table: ['connect test:///default; uri', 'test:///default\n'],
    json: [undefined, { uri: 'test:///default' }],
    error: ['connect odd:///', 'failed to connect to the hypervisor', /^Failed to connect socket to /],
  },
  echo: {
    table: ["echo --xml a '<b>'", 'a &lt;b&gt;'],
    json: [undefined, ['a', '&lt;b&gt;']],
    error: ['echo --frob', "command 'echo' doesn't support option --frob"],
  },
  completion: {
    table: ['completion bash', /^# bash completion for nodevisor\n/],
    json: ['help completion', (value: { name: string }) => value.name === 'completion'],
    error: ['completion fish', "there is no completion for 'fish': there are bash and zsh"],
  },
};

/** Cases by the name of the command. */
export const cases: Readonly<Record<string, Case>> = {
  ...domain,
  ...monitor,
  ...host,
  ...networks,
  ...pools,
  ...volumes,
  ...snapshots,
  ...shell,
};
