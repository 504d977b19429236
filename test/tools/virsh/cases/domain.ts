import { type Case, elsewhere, NO_DOMAIN, says, silent, UUID } from './case.ts';

/** Domains: life cycle, tuning, devices, texts. */
export const domain: Readonly<Record<string, Case>> = {
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
