import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, flag, integer, size, text } from '../definition.ts';
import { attempt, CommandFailure, UsageFailure } from '../failure.ts';
import { type Output, SILENT } from '../output.ts';
import type { Session } from '../session.ts';
import { paramList } from '../typed-params.ts';
import { childOf, childrenOf, parseXml } from '../xml.ts';

/** virNodeSuspendTarget. */
const SUSPEND_TARGETS = ['mem', 'disk', 'hybrid'];

const suspendCommand: CommandDef = {
  name: 'nodesuspend',
  summary: 'suspend the host node for a given time duration',
  options: [
    text('target', `what is kept: ${SUSPEND_TARGETS.join(', ')}`, { required: true, complete: SUSPEND_TARGETS }),
    integer('duration', 'duration in seconds, at least 60', { required: true }),
  ],
  async run(args, session) {
    const duration = BigInt(args.number('duration') ?? 0);
    const target = SUSPEND_TARGETS.indexOf(args.need('target'));
    if (target < 0) throw new UsageFailure('Invalid target');
    const connection = await session.connection();
    await attempt('The host was not suspended', connection.suspendForDuration(target, duration));
    return SILENT;
  },
};

/** The NUMA cells of the host. */
async function cellIds(session: Session): Promise<readonly number[]> {
  const capabilities = parseXml(await (await session.connection()).getCapabilities());
  const cells = childrenOf(childOf(capabilities, 'host', 'topology', 'cells'), 'cell');
  const ids = cells.map((cell) => Number(cell.getAttribute('id')));
  if (ids.length === 0) throw new CommandFailure('could not get information about NUMA topology');
  return ids.sort((a, b) => a - b);
}

/** Sizes of pages, in KiB, that the host has. */
async function pageSizes(session: Session): Promise<readonly number[]> {
  const host = childOf(parseXml(await (await session.connection()).getCapabilities()), 'host');
  const cells = childrenOf(childOf(host, 'topology', 'cells'), 'cell');
  const ofCells = cells.flatMap((cell) => childrenOf(cell, 'pages'));
  const pages = ofCells.length > 0 ? ofCells : childrenOf(childOf(host, 'cpu'), 'pages');
  const sizes = new Set(pages.map((one) => Number(one.getAttribute('size'))));
  return [...sizes].sort((a, b) => a - b);
}

/** A part of a KiB counts as one. */
function kibOf(args: CommandArgs, option: string): number | undefined {
  const bytes = args.bytes(option, 1024n);
  return bytes === undefined ? undefined : Number((bytes + 1023n) / 1024n);
}

const freepagesCommand: CommandDef = {
  name: 'freepages',
  summary: 'NUMA free pages',
  options: [
    integer('cellno', 'NUMA cell number'),
    size('pagesize', 'page size (in kibibytes)'),
    flag('all', 'show free pages for all NUMA cells'),
  ],
  async run(args, session): Promise<Output> {
    args.exclusive('all', 'cellno');
    const connection = await session.connection();
    const pagesize = kibOf(args, 'pagesize');
    const line = (size: number, count: bigint) => `${size}KiB: ${count}\n`;
    if (!args.flag('all')) {
      const cell = args.signed('cellno');
      if (cell === undefined) throw new UsageFailure('missing cellno argument');
      if (cell < -1) throw new UsageFailure('cell number must be non-negative integer or -1');
      if (pagesize === undefined) throw new UsageFailure('missing pagesize argument');
      const [count = 0n] = await connection.getFreePages([pagesize], cell, 1);
      return { text: line(pagesize, count), json: [{ cell, size: pagesize, free: count }] };
    }
    const sizes = pagesize === undefined ? await pageSizes(session) : [pagesize];
    const cells = [];
    for (const cell of await cellIds(session)) {
      const counts = await connection.getFreePages(sizes, cell, 1);
      cells.push({ cell, pages: sizes.map((size, i) => ({ cell, size, free: counts[i] ?? 0n })) });
    }
    const text = cells.map(
      ({ cell, pages }) => `Node ${cell}:\n${pages.map(({ size, free }) => line(size, free)).join('')}\n`,
    );
    return { text: text.join(''), json: cells.flatMap(({ pages }) => pages) };
  },
};

/** Of virNodeAllocPages. */
const ADD = 1;

const allocpagesCommand: CommandDef = {
  name: 'allocpages',
  summary: 'manipulate pages pool size',
  options: [
    size('pagesize', 'page size (in kibibytes)', { required: true }),
    integer('pagecount', 'page count', { required: true }),
    integer('cellno', 'NUMA cell number'),
    flag('add', 'instead of setting new pool size add pages to it'),
    flag('all', 'set on all NUMA cells'),
  ],
  async run(args, session) {
    args.exclusive('all', 'cellno');
    const cell = args.signed('cellno') ?? -1;
    if (cell < -1) throw new UsageFailure('cell number must be non-negative integer or -1');
    const pages = [[kibOf(args, 'pagesize') ?? 0, BigInt(args.number('pagecount') ?? 0)]] as const;
    const connection = await session.connection();
    const cells = args.flag('all') ? await cellIds(session) : [cell];
    await connection.allocPages(pages, cells[0] ?? -1, cells.length, args.flag('add') ? ADD : 0);
    return SILENT;
  },
};

const sevCommand: CommandDef = {
  name: 'nodesevinfo',
  summary: 'node SEV information',
  options: [],
  async run(_args, session) {
    const params = await attempt('Unable to get host SEV information', (await session.connection()).getSEVInfo());
    return paramList(params, { width: 18 });
  },
};

/** Commands about the host's memory and sleep. */
export const hostMemoryCommands: readonly CommandDef[] = [
  allocpagesCommand,
  freepagesCommand,
  sevCommand,
  suspendCommand,
];
