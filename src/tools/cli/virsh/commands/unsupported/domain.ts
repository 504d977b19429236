import type { CommandArgs } from '../../arguments.ts';
import { flag, integer, type OptionDef, size, text } from '../../definition.ts';
import { UsageFailure } from '../../failure.ts';
import { readTextFile } from '../../files.ts';
import { findDomain } from '../../lookup.ts';
import { affectOptions, domainOption } from '../../shared-options.ts';
import { commands, type Missing } from './command.ts';

const active = domainOption('active-domain');
const bytesOption = flag('bytes', 'the bandwidth limit is in bytes/s rather than MiB/s');
const pathOption = text('path', 'target or source of the block device', { required: true });
const jobOptions = {
  bandwidth: integer('bandwidth', 'bandwidth limit in MiB/s'),
  base: text('base', 'path of base file in chain', { complete: 'file' }),
  wait: flag('wait', 'wait for job to finish'),
  verbose: flag('verbose', 'with --wait, display the progress'),
  timeout: integer('timeout', 'with --wait, abort if it takes longer (seconds)'),
  async: flag('async', "with --wait, don't wait for cancel to finish"),
  relative: flag('keep-relative', 'keep the backing chain relatively referenced'),
};

const blockJobs: readonly Missing[] = [
  {
    name: 'blockpull',
    summary: 'populate a disk from its backing image',
    options: [
      active,
      pathOption,
      jobOptions.bandwidth,
      jobOptions.base,
      jobOptions.wait,
      jobOptions.verbose,
      jobOptions.timeout,
      jobOptions.async,
      jobOptions.relative,
      bytesOption,
    ],
    call: (args) => (args.flag('base') || args.flag('bytes') ? 'virDomainBlockRebase' : 'virDomainBlockPull'),
  },
  {
    name: 'blockcommit',
    summary: 'start a block commit operation',
    options: [
      active,
      pathOption,
      jobOptions.bandwidth,
      jobOptions.base,
      flag('shallow', 'use backing file of top as base'),
      text('top', 'path of top file in chain', { complete: 'file' }),
      flag('active', 'trigger two-stage active commit of top file'),
      flag('delete', 'delete files that were successfully committed'),
      jobOptions.wait,
      jobOptions.verbose,
      jobOptions.timeout,
      flag('pivot', 'implies --active --wait, pivot when commit is synced'),
      flag('keep-overlay', 'implies --active --wait, quit when commit is synced'),
      jobOptions.async,
      jobOptions.relative,
      bytesOption,
    ],
    call: 'virDomainBlockCommit',
  },
  {
    name: 'domblkthreshold',
    summary: 'set the threshold for an event when a block device is filled so far',
    options: [
      active,
      text('dev', 'device to set threshold for', { required: true }),
      size('threshold', 'threshold, as scaled integer (default bytes)', { required: true }),
    ],
    call: 'virDomainSetBlockThreshold',
    check: (args) => void args.bytes('threshold'),
  },
];

const threadOption = integer('id', 'id of the I/O thread', { required: true });
const vcpuOptions: readonly OptionDef[] = [
  text('vcpulist', 'ids of vcpus to manipulate', { required: true }),
  flag('enable', 'enable cpus specified by cpumap'),
  flag('disable', 'disable cpus specified by cpumap'),
];

function checkVcpu(args: CommandArgs): void {
  args.exclusive('enable', 'disable');
  if (!args.flag('enable') && !args.flag('disable')) {
    throw new UsageFailure('one of --enable, --disable is required');
  }
}

const tuning: readonly Missing[] = [
  {
    name: 'iothreadadd',
    summary: 'add an I/O thread to the guest domain',
    options: [domainOption(), threadOption, ...affectOptions],
    call: 'virDomainAddIOThread',
    check: (args) => void args.number('id'),
  },
  {
    name: 'iothreaddel',
    summary: 'delete an I/O thread from the guest domain',
    options: [domainOption(), threadOption, ...affectOptions],
    call: 'virDomainDelIOThread',
    check: (args) => void args.number('id'),
  },
  {
    name: 'iothreadpin',
    summary: 'control on which host CPUs an I/O thread runs',
    options: [
      domainOption(),
      integer('iothread', 'number of the I/O thread', { required: true }),
      text('cpulist', 'host cpu numbers to set', { required: true }),
      ...affectOptions,
    ],
    call: 'virDomainPinIOThread',
    check: (args) => void args.number('iothread'),
  },
  {
    name: 'setvcpu',
    summary: 'attach/detach vcpu or groups of threads',
    options: [domainOption(), ...vcpuOptions, ...affectOptions],
    call: 'virDomainSetVcpu',
    check: checkVcpu,
  },
  {
    name: 'perf',
    summary: 'get or set perf event',
    options: [
      domainOption(),
      text('enable', 'perf events which will be enabled', { named: true }),
      text('disable', 'perf events which will be disabled', { named: true }),
      ...affectOptions,
    ],
    call: (args) => (args.flag('enable') || args.flag('disable') ? 'virDomainSetPerfEvents' : 'virDomainGetPerfEvents'),
    failed: (args) =>
      args.flag('enable') || args.flag('disable')
        ? 'Unable to enable/disable perf events'
        : 'Unable to get perf events',
  },
  {
    name: 'domdirtyrate-calc',
    summary: "calculate a vm's memory dirty rate",
    options: [
      active,
      integer('seconds', 'calculate memory dirty rate within specified seconds, 1..60'),
      text('mode', 'page-sampling, dirty-bitmap or dirty-ring', {
        complete: ['page-sampling', 'dirty-bitmap', 'dirty-ring'],
      }),
    ],
    call: 'virDomainStartDirtyRateCalc',
  },
  {
    name: 'domlaunchsecinfo',
    summary: 'get domain launch security info',
    options: [active],
    call: 'virDomainGetLaunchSecurityInfo',
    failed: 'Unable to get launch security parameters',
  },
];

const signals = [
  'hup',
  'int',
  'quit',
  'ill',
  'trap',
  'abrt',
  'bus',
  'fpe',
  'kill',
  'usr1',
  'segv',
  'usr2',
  'pipe',
  'alrm',
];
const laterSignals = [
  'term',
  'stkflt',
  'chld',
  'cont',
  'stop',
  'tstp',
  'ttin',
  'ttou',
  'urg',
  'xcpu',
  'xfsz',
  'vtalrm',
];
/** virDomainProcessSignal, from 0 on. */
const SIGNALS = ['nop', ...signals, ...laterSignals, 'prof', 'winch', 'poll', 'pwr', 'sys'];

function checkSignal(args: CommandArgs): void {
  args.signed('pid');
  const given = args.need('signame');
  const name = given.toLowerCase().replace(/^(vir_domain_process_signal_|sig_?)/, '');
  if (!SIGNALS.includes(name) && !/^(\d|[1-5]\d|6[0-4])$/.test(name) && !/^rt\d+$/.test(name)) {
    throw new UsageFailure(`malformed signal name: ${given}`);
  }
}

const commandOption = text('cmd', 'command', { required: true, repeat: true });

const guests: readonly Missing[] = [
  {
    name: 'send-process-signal',
    summary: 'send signals to processes',
    options: [
      active,
      text('pid', 'the process ID', { required: true }),
      text('signame', 'the signal number or name', { required: true, complete: SIGNALS }),
    ],
    call: 'virDomainSendProcessSignal',
    check: checkSignal,
  },
  {
    name: 'qemu-agent-command',
    summary: 'QEMU guest agent command',
    options: [
      active,
      integer('timeout', 'timeout seconds. must be positive.', { named: true }),
      flag('async', 'execute command without waiting for timeout'),
      flag('block', 'execute command without timeout'),
      flag('pretty', 'pretty-print the output'),
      commandOption,
    ],
    call: 'virDomainQemuAgentCommand',
  },
  {
    name: 'qemu-monitor-command',
    summary: 'QEMU monitor command',
    options: [
      active,
      flag('hmp', 'command is in human monitor protocol'),
      flag('pretty', 'pretty-print any qemu monitor protocol output'),
      flag('return-value', "extract the value of the 'return' key from the returned string"),
      commandOption,
    ],
    call: 'virDomainQemuMonitorCommand',
  },
  {
    name: 'guest-agent-timeout',
    summary: 'set the guest agent timeout',
    options: [active, integer('timeout', 'timeout seconds', { named: true })],
    call: 'virDomainAgentSetResponseTimeout',
  },
  {
    name: 'get-user-sshkeys',
    summary: 'list authorized SSH keys for given user (via agent)',
    options: [active, text('user', 'user to list authorized keys for', { required: true })],
    call: 'virDomainAuthorizedSSHKeysGet',
  },
  {
    name: 'set-user-sshkeys',
    summary: 'manipulate authorized SSH keys file for given user (via agent)',
    options: [
      active,
      text('user', 'user to set authorized keys for', { required: true }),
      text('file', 'optional file to read keys from', { complete: 'file' }),
      flag('reset', 'clear out authorized keys file before adding new keys'),
      flag('remove', 'remove keys from the authorized keys file'),
    ],
    call: 'virDomainAuthorizedSSHKeysSet',
  },
];

const saved: readonly Missing[] = [
  {
    name: 'managedsave-define',
    summary: "redefine the XML for a domain's managed save state file",
    options: [
      domainOption(),
      text('xml', 'file containing updated XML for the target', { required: true, complete: 'file' }),
      flag('running', 'set domain to be running on start'),
      flag('paused', 'set domain to be paused on start'),
    ],
    call: 'virDomainManagedSaveDefineXML',
    failed: (args) => `Failed to update ${args.need('domain')} XML configuration`,
    check: async (args) => void (await readTextFile(args.need('xml'))),
  },
];

const speedOption = integer('bandwidth', 'migration bandwidth limit in MiB/s', { required: true });
const postcopyOption = flag('postcopy', 'for the phase after the switch');

const migration: readonly Missing[] = [
  {
    name: 'migrate',
    summary: 'migrate domain to another host',
    options: [
      active,
      text('desturi', 'connection URI of the destination host', { required: true }),
      flag('live', 'live migration'),
      flag('offline', 'offline migration'),
      flag('p2p', 'peer-2-peer migration'),
      flag('persistent', 'persist VM on destination'),
      flag('undefinesource', 'undefine VM on source'),
      flag('suspend', 'do not restart the domain on the destination host'),
      flag('verbose', 'display the progress of migration'),
    ],
    call: (args) => (args.flag('p2p') ? 'virDomainMigrateToURI3' : 'virDomainMigrate3'),
  },
  {
    name: 'migrate-setspeed',
    summary: 'set the maximum migration bandwidth',
    options: [active, speedOption, postcopyOption],
    call: 'virDomainMigrateSetMaxSpeed',
  },
  {
    name: 'migrate-getspeed',
    summary: 'get the maximum migration bandwidth',
    options: [active, postcopyOption],
    call: 'virDomainMigrateGetMaxSpeed',
  },
  {
    name: 'migrate-setmaxdowntime',
    summary: 'set maximum tolerable downtime',
    options: [active, integer('downtime', 'maximum tolerable downtime in milliseconds', { required: true })],
    call: 'virDomainMigrateSetMaxDowntime',
  },
  {
    name: 'migrate-getmaxdowntime',
    summary: 'get maximum tolerable downtime',
    options: [active],
    call: 'virDomainMigrateGetMaxDowntime',
  },
  {
    name: 'migrate-postcopy',
    summary: 'switch running migration from pre-copy to post-copy',
    options: [active],
    call: 'virDomainMigrateStartPostCopy',
  },
];

/** Commands about domains whose calls are missing. */
export const missingDomainCommands = commands(
  [...blockJobs, ...tuning, ...guests, ...saved, ...migration],
  (args, session) => findDomain(args, session),
);
