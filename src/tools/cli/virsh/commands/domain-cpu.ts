import type { TypedParam } from '../../../../virt/index.ts';
import { formatCpuList, parseCpuList } from '../cpu-list.ts';
import { type CommandDef, flag, integer, text } from '../definition.ts';
import { attempt, UsageFailure } from '../failure.ts';
import { findDomain } from '../lookup.ts';
import { formatTable, type Output, SILENT } from '../output.ts';
import { affectOf, affectOptions, affectOrLive, domainOption } from '../shared-options.ts';
import { paramFacts } from '../typed-params.ts';

/** `24.386308517 seconds`, in a column. */
function seconds(nanoseconds: bigint): string {
  const whole = nanoseconds / 1_000_000_000n;
  return `${String(whole).padStart(10)}.${String(nanoseconds % 1_000_000_000n).padStart(9, '0')} seconds`;
}

function block(title: string, params: readonly TypedParam[]): string {
  const lines = params.map(({ field, value }) => {
    const shown = typeof value === 'bigint' ? seconds(value) : String(value);
    return `\t${field.padEnd(12)}${shown}\n`;
  });
  return [`${title}:\n`, ...lines].join('');
}

const cpuStatsCommand: CommandDef = {
  name: 'cpu-stats',
  summary: "show statistics of a domain's use of the host's CPUs",
  options: [
    domainOption('active-domain'),
    flag('total', 'show the sum only'),
    integer('start', 'show statistics from this CPU on'),
    integer('count', 'number of CPUs to show at most'),
  ],
  async run(args, session) {
    const [start, count] = [args.signed('start'), args.signed('count')];
    if (start !== undefined && start < 0) throw new UsageFailure(`Invalid value for start CPU`);
    if (count !== undefined && count < 0) throw new UsageFailure(`Invalid value for number of CPUs to show`);
    const domain = await findDomain(args, session);
    const failed = `Failed to retrieve CPU statistics for domain '${domain.name}'`;
    const total = args.flag('total') || (start === undefined && count === undefined);
    const single = !args.flag('total') || start !== undefined || count !== undefined;
    const cpus: TypedParam[][] = [];
    if (single) {
      const { cpus: present } = await (await session.connection()).getCPUMap();
      const first = start ?? 0;
      if (first >= present) {
        throw new UsageFailure(`Start CPU ${first} is out of range (min: 0, max: ${present - 1})`);
      }
      const shown = Math.min(count ?? present - first, present - first);
      if (count !== undefined && count > shown) session.note(`Only ${shown} CPUs available to show`);
      cpus.push(...(await attempt(failed, domain.getCPUStats(first, shown))));
    }
    const [sum = []] = total ? await attempt(failed, domain.getCPUStats(-1, 1)) : [];
    const text = cpus.map((params, i) => block(`CPU${(start ?? 0) + i}`, params)).join('');
    return {
      text: `${text}${total ? block('Total', sum) : ''}`,
      json: {
        cpus: cpus.map((params, i) => ({ cpu: (start ?? 0) + i, ...paramFacts(params) })),
        ...(total ? { total: paramFacts(sum) } : {}),
      },
    };
  },
};

const emulatorpinCommand: CommandDef = {
  name: 'emulatorpin',
  summary: 'control or query which host CPUs all but the vCPUs of a domain run on',
  options: [
    domainOption(),
    text('cpulist', 'host cpu numbers to set, like 0-3,^2 or r for all; absent: show them', { emptyOk: true }),
    ...affectOptions,
  ],
  async run(args, session): Promise<Output> {
    const cpulist = args.text('cpulist');
    const flags = cpulist === undefined ? affectOf(args) : affectOrLive(args);
    const domain = await findDomain(args, session);
    const { cpus } = await (await session.connection()).getCPUMap();
    if (cpulist !== undefined) {
      await domain.pinEmulator(parseCpuList(cpulist, cpus), flags);
      return SILENT;
    }
    const affinity = formatCpuList(await domain.getEmulatorPinInfo(flags), cpus);
    const line = `       *: ${affinity}\n`;
    return { text: `emulator: CPU Affinity\n${'-'.repeat(34)}\n${line}`, quiet: line, json: { affinity } };
  },
};

const iothreadinfoCommand: CommandDef = {
  name: 'iothreadinfo',
  summary: 'view the I/O threads of a domain',
  options: [domainOption(), ...affectOptions],
  async run(args, session) {
    const flags = affectOf(args);
    const domain = await findDomain(args, session);
    const threads = await attempt('Unable to get domain IOThreads information', domain.getIOThreadInfo(flags));
    const { cpus } = await (await session.connection()).getCPUMap();
    const rows = threads.map(({ iothreadId, cpumap }) => ({ id: iothreadId, affinity: formatCpuList(cpumap, cpus) }));
    if (rows.length === 0) return { text: 'No IOThreads found for the domain', json: rows };
    const cells = rows.map(({ id, affinity }) => [String(id), affinity]);
    return {
      text: formatTable(['IOThread ID', 'CPU Affinity'], cells),
      quiet: formatTable([], cells),
      json: rows,
    };
  },
};

/** Commands about the host's CPUs that a domain uses. */
export const cpuCommands: readonly CommandDef[] = [cpuStatsCommand, emulatorpinCommand, iothreadinfoCommand];
