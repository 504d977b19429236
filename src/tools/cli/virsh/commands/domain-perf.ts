import type { TypedParam } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, flag, integer, text } from '../definition.ts';
import { attempt, UsageFailure } from '../failure.ts';
import { readTextFile } from '../files.ts';
import { findDomain } from '../lookup.ts';
import { message, SILENT } from '../output.ts';
import { affectOf, affectOptions, domainOption } from '../shared-options.ts';
import { paramList } from '../typed-params.ts';

const active = domainOption('active-domain');

const enabled = ({ value }: TypedParam) => (value === true ? 'enabled' : 'disabled');

function perfEvents(args: CommandArgs): readonly TypedParam[] {
  return (['enable', 'disable'] as const).flatMap((option) => {
    const names = args.text(option)?.split(',') ?? [];
    return names.map((field) => ({ field, type: 'boolean', value: option === 'enable' }) as const);
  });
}

const perfCommand: CommandDef = {
  name: 'perf',
  summary: 'get or set perf event',
  options: [
    domainOption(),
    text('enable', 'perf events which will be enabled', { named: true }),
    text('disable', 'perf events which will be disabled', { named: true }),
    ...affectOptions,
  ],
  async run(args, session) {
    const flags = affectOf(args);
    const wanted = perfEvents(args);
    const domain = await findDomain(args, session);
    if (wanted.length > 0) {
      await attempt('Unable to enable/disable perf events', domain.setPerfEvents(wanted, flags));
      return paramList(wanted, { show: enabled });
    }
    return paramList(await attempt('Unable to get perf events', domain.getPerfEvents(flags)), { show: enabled });
  },
};

/** virDomainDirtyRateCalcFlags: bits, the first mode has none. */
const DIRTY_RATE_MODES = ['page-sampling', 'dirty-bitmap', 'dirty-ring'];

const dirtyRateCommand: CommandDef = {
  name: 'domdirtyrate-calc',
  summary: "calculate a vm's memory dirty rate",
  options: [
    active,
    integer('seconds', 'calculate memory dirty rate within specified seconds, 1..60'),
    text('mode', 'page-sampling, dirty-bitmap or dirty-ring', { complete: DIRTY_RATE_MODES }),
  ],
  async run(args, session) {
    const domain = await findDomain(args, session);
    const seconds = args.signed('seconds') ?? 1;
    const mode = args.text('mode') ?? 'page-sampling';
    const flags = DIRTY_RATE_MODES.indexOf(mode);
    if (flags < 0) throw new UsageFailure(`Unknown calculation mode '${mode}'`);
    await domain.startDirtyRateCalc(seconds, flags);
    return message("Start to calculate domain's memory dirty rate successfully.", { domain: domain.name, seconds });
  },
};

/** VIR_TYPED_PARAM_STRING_OKAY, which libvirt's own client always adds here. */
const STRING_PARAMS = 4;

const launchInfoCommand: CommandDef = {
  name: 'domlaunchsecinfo',
  summary: 'get domain launch security info',
  options: [active],
  async run(args, session) {
    const domain = await findDomain(args, session);
    const failed = 'Unable to get launch security parameters';
    return paramList(await attempt(failed, domain.getLaunchSecurityInfo(STRING_PARAMS)));
  },
};

const launchStateCommand: CommandDef = {
  name: 'domsetlaunchsecstate',
  summary: 'set domain launch security state',
  options: [
    active,
    text('secrethdr', 'file containing the secret header', { complete: 'file' }),
    text('secret', 'file containing the secret', { complete: 'file' }),
    integer('set-address', "address within the guest's memory to set the secret", { named: true }),
  ],
  async run(args, session) {
    const domain = await findDomain(args, session);
    const [header, secret] = [args.text('secrethdr'), args.text('secret')];
    if (header === undefined || secret === undefined) {
      throw new UsageFailure('Both secret and the secret header are required');
    }
    const address = args.number('set-address');
    const params: TypedParam[] = [
      { field: 'sev-secret-header', type: 'string', value: await readTextFile(header) },
      { field: 'sev-secret', type: 'string', value: await readTextFile(secret) },
    ];
    if (address !== undefined) params.push({ field: 'sev-secret-set-address', type: 'ullong', value: BigInt(address) });
    await attempt('Unable to set launch security state', domain.setLaunchSecurityState(params));
    return SILENT;
  },
};

const setvcpuCommand: CommandDef = {
  name: 'setvcpu',
  summary: 'attach/detach vcpu or groups of threads',
  options: [
    domainOption(),
    text('vcpulist', 'ids of vcpus to manipulate', { required: true }),
    flag('enable', 'enable cpus specified by cpumap'),
    flag('disable', 'disable cpus specified by cpumap'),
    ...affectOptions,
  ],
  async run(args, session) {
    args.exclusive('enable', 'disable');
    const flags = affectOf(args);
    if (!args.flag('enable') && !args.flag('disable')) {
      throw new UsageFailure('one of --enable, --disable is required');
    }
    const domain = await findDomain(args, session);
    await domain.setVcpu(args.need('vcpulist'), args.flag('enable'), flags);
    return SILENT;
  },
};

/** virDomainProcessSignal, from 0 on. */
const SIGNALS = [
  ...['nop', 'hup', 'int', 'quit', 'ill', 'trap', 'abrt', 'bus', 'fpe', 'kill', 'usr1', 'segv', 'usr2', 'pipe'],
  ...['alrm', 'term', 'stkflt', 'chld', 'cont', 'stop', 'tstp', 'ttin', 'ttou', 'urg', 'xcpu', 'xfsz', 'vtalrm'],
  ...['prof', 'winch', 'poll', 'pwr', 'sys'],
];
/** The first of the signals that have numbers only. */
const REALTIME = 32;

function signalOf(given: string): number {
  const name = given.toLowerCase().replace(/^(vir_domain_process_signal_|sig_?)/, '');
  const known = SIGNALS.indexOf(name);
  const [, realtime] = /^rt(\d+)$/.exec(name) ?? [];
  const number = known >= 0 ? known : realtime !== undefined ? REALTIME + Number(realtime) : Number(name);
  if (!/^[\w]+$/.test(name) || !Number.isInteger(number)) {
    throw new UsageFailure(`malformed signal name: ${given}`);
  }
  return number;
}

const signalCommand: CommandDef = {
  name: 'send-process-signal',
  summary: 'send signals to processes',
  options: [
    active,
    text('pid', 'the process ID', { required: true }),
    text('signame', 'the signal number or name', { required: true, complete: SIGNALS }),
  ],
  async run(args, session) {
    const pid = args.signed('pid') ?? 0;
    const signal = signalOf(args.need('signame'));
    const domain = await findDomain(args, session);
    await domain.sendProcessSignal(BigInt(pid), signal);
    return SILENT;
  },
};

/** Commands about what a domain's processors do. */
export const perfCommands: readonly CommandDef[] = [
  dirtyRateCommand,
  launchInfoCommand,
  launchStateCommand,
  perfCommand,
  setvcpuCommand,
  signalCommand,
];
