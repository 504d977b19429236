import type { Domain, TypedParam } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { parseCpuList } from '../cpu-list.ts';
import { type CommandDef, integer, text } from '../definition.ts';
import { UsageFailure } from '../failure.ts';
import { findDomain } from '../lookup.ts';
import { SILENT } from '../output.ts';
import { affectOf, affectOptions, domainOption } from '../shared-options.ts';

/** The number of a thread, which must be there. */
function threadId(args: CommandArgs, option = 'id'): number {
  const id = args.signed(option) ?? 0;
  if (id <= 0) throw new UsageFailure(`Invalid IOThread id value: '${id}'`);
  return id;
}

/** `iothreadadd` and `iothreaddel`. */
function threadCommand(
  name: string,
  summary: string,
  act: (domain: Domain, id: number, flags: number) => Promise<void>,
): CommandDef {
  return {
    name,
    summary,
    options: [domainOption(), integer('id', 'id of the I/O thread', { required: true }), ...affectOptions],
    async run(args, session) {
      const flags = affectOf(args);
      const domain = await findDomain(args, session);
      await act(domain, threadId(args), flags);
      return SILENT;
    },
  };
}

const pinCommand: CommandDef = {
  name: 'iothreadpin',
  summary: 'control on which host CPUs an I/O thread runs',
  options: [
    domainOption(),
    integer('iothread', 'number of the I/O thread', { required: true }),
    text('cpulist', 'host cpu numbers to set', { required: true }),
    ...affectOptions,
  ],
  async run(args, session) {
    const flags = affectOf(args);
    const domain = await findDomain(args, session);
    const id = args.number('iothread') ?? 0;
    const { cpus } = await (await session.connection()).getCPUMap();
    await domain.pinIOThread(id, parseCpuList(args.need('cpulist'), cpus), flags);
    return SILENT;
  },
};

const PARAMETERS = [
  ['poll-max-ns', 'set the maximum IOThread polling time in ns', 'ullong'],
  ['poll-grow', 'set the value to increase the IOThread polling time', 'uint'],
  ['poll-shrink', 'set the value for reduction of the IOThread polling time', 'uint'],
  ['thread-pool-min', 'lower boundary for worker thread pool', 'int'],
  ['thread-pool-max', 'upper boundary for worker thread pool', 'int'],
] as const;

function threadParams(args: CommandArgs): readonly TypedParam[] {
  return PARAMETERS.flatMap(([option, , type]): readonly TypedParam[] => {
    const value = type === 'int' ? args.signed(option) : args.number(option);
    const field = option.replaceAll('-', '_');
    if (value === undefined) return [];
    return type === 'ullong' ? [{ field, type, value: BigInt(value) }] : [{ field, type, value }];
  });
}

const setCommand: CommandDef = {
  name: 'iothreadset',
  summary: 'change an I/O thread of the guest domain',
  options: [
    domainOption(),
    integer('id', 'id of the I/O thread', { required: true }),
    ...PARAMETERS.map(([name, help]) => integer(name, help, { named: true })),
    ...affectOptions,
  ],
  async run(args, session) {
    const flags = affectOf(args);
    const domain = await findDomain(args, session);
    const id = threadId(args);
    const params = threadParams(args);
    if (params.length === 0) throw new UsageFailure('Not enough arguments passed, nothing to set');
    await domain.setIOThreadParams(id, params, flags);
    return SILENT;
  },
};

/** Commands that change a domain's I/O threads. */
export const iothreadCommands: readonly CommandDef[] = [
  threadCommand('iothreadadd', 'add an I/O thread to the guest domain', (domain, id, flags) =>
    domain.addIOThread(id, flags),
  ),
  threadCommand('iothreaddel', 'delete an I/O thread from the guest domain', (domain, id, flags) =>
    domain.delIOThread(id, flags),
  ),
  pinCommand,
  setCommand,
];
