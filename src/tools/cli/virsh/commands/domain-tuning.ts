import type { Domain, TypedParam } from '../../../../virt/index.ts';
import { Affect, MemoryFlags, VcpuFlags } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { formatCpuList, parseCpuList } from '../cpu-list.ts';
import { type CommandDef, flag, integer, size, text } from '../definition.ts';
import { attempt, CommandFailure, UsageFailure } from '../failure.ts';
import { findDomain } from '../lookup.ts';
import { vcpuStateName } from '../names.ts';
import { fields, type Output, SILENT, single, table } from '../output.ts';
import { affectOf, affectOptions, affectOrLive, domainOption } from '../shared-options.ts';
import { paramFacts } from '../typed-params.ts';
import { prettySeconds } from '../units.ts';

function affinity(cpumap: Uint8Array, cpus: number): string {
  return Array.from({ length: cpus }, (_, cpu) => ((cpumap[cpu >> 3]! >> (cpu & 7)) & 1 ? 'y' : '-')).join('');
}

/** What is known of the vCPUs of a domain that does not run: where they may. */
async function inactiveVcpus(domain: Domain, cpus: number, pretty: boolean): Promise<Output> {
  const [pins, { nrVirtCpu }] = await Promise.all([domain.getVcpuPinInfo(Affect.CONFIG), domain.getInfo()]);
  // The others would have to be plugged in first.
  const maps = pins.slice(0, nrVirtCpu);
  const rows = maps.map((map, vcpu) => ({
    vcpu,
    cpu: null,
    state: null,
    cpuTimeNs: null,
    affinity: formatCpuList(map, cpus),
  }));
  const blocks = rows.map(({ vcpu, affinity: list }) => {
    const shown = pretty ? `${list} (out of ${cpus})` : affinity(maps[vcpu]!, cpus);
    const lines = ['CPU:            N/A', 'State:          N/A', 'CPU time        N/A', `CPU Affinity:   ${shown}`];
    return [`VCPU:           ${vcpu}`, ...lines, ''].join('\n');
  });
  return { text: blocks.join('\n'), json: rows };
}

const vcpuinfoCommand: CommandDef = {
  name: 'vcpuinfo',
  summary: 'detailed domain vcpu information',
  options: [domainOption(), flag('pretty', 'return human readable output')],
  async run(args, session) {
    const domain = await findDomain(args, session);
    const { cpus } = await (await session.connection()).getCPUMap();
    if (!(await domain.isActive())) return inactiveVcpus(domain, cpus, args.flag('pretty'));
    const vcpus = await domain.getVcpuInfo();
    const blocks = vcpus.map(({ number, cpu, state, cpuTime, cpumap }) => {
      const list = formatCpuList(cpumap, cpus);
      return fields([
        ['VCPU', 'vcpu', number],
        ['CPU', 'cpu', cpu < 0 ? null : cpu, cpu < 0 ? 'N/A' : String(cpu)],
        ['State', 'state', vcpuStateName(state)],
        ['CPU time', 'cpuTimeNs', cpuTime, prettySeconds(cpuTime)],
        ['CPU Affinity', 'affinity', list, args.flag('pretty') ? `${list} (out of ${cpus})` : affinity(cpumap, cpus)],
      ]);
    });
    return { text: blocks.map(({ text: block }) => block).join('\n'), json: blocks.map(({ json }) => json) };
  },
};

const COUNTS = [
  ['maximum', 'config', VcpuFlags.MAXIMUM | VcpuFlags.CONFIG],
  ['maximum', 'live', VcpuFlags.MAXIMUM | VcpuFlags.LIVE],
  ['current', 'config', VcpuFlags.CONFIG],
  ['current', 'live', VcpuFlags.LIVE],
] as const;

async function allCounts(domain: Domain): Promise<Output> {
  const [active, persistent] = await Promise.all([domain.isActive(), domain.isPersistent()]);
  const counts: { what: string; of: string; vcpus: number }[] = [];
  for (const [what, of, flags] of COUNTS) {
    if (of === 'live' ? active : persistent) counts.push({ what, of, vcpus: await domain.getVcpus(flags) });
  }
  const line = ({ what, of, vcpus }: (typeof counts)[number]) =>
    `${what.padEnd(12)} ${of.padEnd(12)} ${String(vcpus).padStart(3)}\n`;
  return { text: counts.map(line).join(''), json: counts };
}

const vcpucountCommand: CommandDef = {
  name: 'vcpucount',
  summary: 'domain vcpu counts',
  options: [
    domainOption(),
    flag('maximum', 'get maximum count of vcpus'),
    flag('active', 'get number of currently active vcpus'),
    flag('live', 'get value from running domain'),
    flag('config', 'get value to be used on next boot'),
    flag('current', 'get value according to current domain state'),
    flag('guest', 'retrieve vcpu count from the guest instead of the hypervisor'),
  ],
  async run(args, session) {
    args.exclusive('live', 'config');
    args.exclusive('active', 'maximum');
    const domain = await findDomain(args, session);
    const asked = ['maximum', 'active', 'live', 'config', 'current', 'guest'].some((name) => args.flag(name));
    if (!asked) return allCounts(domain);
    const flags =
      (args.flag('maximum') ? VcpuFlags.MAXIMUM : 0) |
      (args.flag('live') ? VcpuFlags.LIVE : 0) |
      (args.flag('config') ? VcpuFlags.CONFIG : 0) |
      (args.flag('guest') ? VcpuFlags.GUEST : 0);
    const vcpus = domain.getVcpus(args.flag('current') ? flags & ~(VcpuFlags.LIVE | VcpuFlags.CONFIG) : flags);
    return single(
      'vcpus',
      await (args.flag('guest') ? attempt('Failed to retrieve vCPU count from the guest', vcpus) : vcpus),
    );
  },
};

const vcpupinCommand: CommandDef = {
  name: 'vcpupin',
  summary: 'control or query domain vcpu affinity',
  options: [
    domainOption(),
    integer('vcpu', 'vcpu number'),
    text('cpulist', 'host cpu numbers to set, like 0-3,^2 or r for all; absent: show them', { emptyOk: true }),
    ...affectOptions,
  ],
  async run(args, session) {
    const vcpu = args.number('vcpu');
    const cpulist = args.text('cpulist');
    const flags = cpulist === undefined ? affectOf(args) : affectOrLive(args);
    const domain = await findDomain(args, session);
    const { cpus } = await (await session.connection()).getCPUMap();
    if (cpulist !== undefined) {
      if (vcpu === undefined) throw new UsageFailure('vcpupin: Missing vCPU number in pin mode.');
      await domain.pinVcpu(vcpu, parseCpuList(cpulist, cpus), flags);
      return SILENT;
    }
    const maps = await domain.getVcpuPinInfo(flags);
    if (vcpu !== undefined && vcpu >= maps.length) {
      throw new CommandFailure(`vcpu ${vcpu} is out of range of live cpu count ${maps.length}`);
    }
    const rows = maps.map((cpumap, number) => ({ vcpu: number, affinity: formatCpuList(cpumap, cpus) }));
    return table(
      [
        { key: 'vcpu', title: 'VCPU' },
        { key: 'affinity', title: 'CPU Affinity' },
      ],
      rows.filter((row) => vcpu === undefined || row.vcpu === vcpu),
    );
  },
};

const setvcpusCommand: CommandDef = {
  name: 'setvcpus',
  summary: 'change number of virtual CPUs',
  options: [
    domainOption(),
    integer('count', 'number of virtual CPUs', { required: true }),
    flag('maximum', 'set maximum limit on next boot'),
    ...affectOptions,
    flag('guest', 'modify cpu state in the guest'),
    flag('hotpluggable', 'make added vcpus hot(un)pluggable'),
  ],
  async run(args, session) {
    args.exclusive('current', 'live');
    args.exclusive('current', 'config');
    args.exclusive('guest', 'config');
    args.requires('maximum', 'config');
    const count = args.number('count') ?? 0;
    if (count === 0) throw new UsageFailure("Can't set 0 processors for a VM");
    const how =
      (args.flag('maximum') ? VcpuFlags.MAXIMUM : 0) |
      (args.flag('guest') ? VcpuFlags.GUEST : 0) |
      (args.flag('hotpluggable') ? VcpuFlags.HOTPLUGGABLE : 0);
    const flags = how | (how === 0 ? affectOrLive(args) : affectOf(args));
    await (await findDomain(args, session)).setVcpus(count, flags);
    return SILENT;
  },
};

function kibOf(args: CommandArgs): bigint {
  // Part of a KiB counts whole.
  return ((args.bytes('size', 1024n) ?? 0n) + 1023n) / 1024n;
}

const setmemCommand: CommandDef = {
  name: 'setmem',
  summary: 'change memory allocation',
  options: [
    domainOption(),
    size('size', 'new memory size, as scaled integer (default KiB)', { required: true, synonyms: ['kilobytes'] }),
    ...affectOptions,
  ],
  async run(args, session) {
    const flags = affectOrLive(args);
    const kib = kibOf(args);
    await (await findDomain(args, session)).setMemory(kib, flags);
    return SILENT;
  },
};

const setmaxmemCommand: CommandDef = {
  name: 'setmaxmem',
  summary: 'change maximum memory limit',
  options: [
    domainOption(),
    size('size', 'new maximum memory size, as scaled integer (default KiB)', {
      required: true,
      synonyms: ['kilobytes'],
    }),
    ...affectOptions,
  ],
  async run(args, session) {
    const flags = affectOf(args) | MemoryFlags.MAXIMUM;
    const kib = kibOf(args);
    const domain = await findDomain(args, session);
    await attempt('Unable to change MaxMemorySize', domain.setMemory(kib, flags));
    return SILENT;
  },
};

/** Types of scheduler parameters in the words of an error. */
const TYPE_WORDS = {
  int: 'int',
  uint: 'unsigned int',
  llong: 'long long',
  ullong: 'unsigned long long',
  double: 'double',
  boolean: 'boolean',
} as const;

/** A scheduler parameter with the value that the command line gives it, of the type that it has. */
function parameterOf(assignment: string, known: readonly TypedParam[]): TypedParam {
  const [, field = '', value = ''] = /^([^=]+)=(.+)$/.exec(assignment) ?? [];
  if (field === '') throw new UsageFailure('Invalid syntax for --set, expecting name=value');
  const param = known.find((one) => one.field === field);
  if (param === undefined) throw new UsageFailure(`invalid scheduler option: ${field}`);
  const { type } = param;
  if (type === 'string') return { field, type, value };
  const fits =
    type === 'boolean'
      ? /^[01]$/.test(value)
      : type === 'double'
        ? value.trim() !== '' && Number.isFinite(Number(value))
        : type === 'uint' || type === 'ullong'
          ? /^\d+$/.test(value)
          : /^-?\d+$/.test(value);
  if (!fits) {
    throw new UsageFailure(`invalid argument: Invalid value for field '${field}': expected ${TYPE_WORDS[type]}`);
  }
  if (type === 'boolean') return { field, type, value: value === '1' };
  return type === 'llong' || type === 'ullong'
    ? { field, type, value: BigInt(value) }
    : { field, type, value: Number(value) };
}

const schedinfoCommand: CommandDef = {
  name: 'schedinfo',
  summary: 'show/set scheduler parameters',
  options: [
    domainOption(),
    integer('weight', 'weight for XEN_CREDIT', { named: true }),
    integer('cap', 'cap for XEN_CREDIT', { named: true }),
    flag('current', 'get/set current scheduler info'),
    flag('config', 'get/set value to be used on next boot'),
    flag('live', 'get/set value from running domain'),
    text('set', 'parameter=value', { repeat: true }),
  ],
  async run(args, session) {
    const flags = affectOf(args);
    const domain = await findDomain(args, session);
    const { type } = await domain.getSchedulerType();
    const line = (label: string, value: unknown) => `${label.padEnd(15)}: ${value}\n`;
    // The type is shown even if the rest fails.
    if (session.format === 'table') session.write(line('Scheduler', type));
    const known = await domain.getSchedulerParameters(flags);
    const older = ['weight', 'cap'].flatMap((name) => {
      const value = args.number(name);
      return value === undefined ? [] : [`${name}=${value}`];
    });
    const changes = [...older, ...args.list('set')].map((assignment) => parameterOf(assignment, known));
    if (changes.length > 0) await domain.setSchedulerParameters(changes, flags);
    const now = changes.length > 0 ? await domain.getSchedulerParameters(flags) : known;
    return {
      text: now.map(({ field, value }) => line(field, value)).join(''),
      json: { scheduler: type, parameters: paramFacts(now) },
    };
  },
};

/** Commands about a domain's vCPUs, memory and scheduling. */
export const tuningCommands: readonly CommandDef[] = [
  vcpuinfoCommand,
  vcpucountCommand,
  vcpupinCommand,
  setvcpusCommand,
  setmemCommand,
  setmaxmemCommand,
  schedinfoCommand,
];
