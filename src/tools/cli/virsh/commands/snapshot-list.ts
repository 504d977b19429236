import type { Domain, DomainSnapshot } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, flag, text } from '../definition.ts';
import { UsageFailure } from '../failure.ts';
import { findDomain } from '../lookup.ts';
import { lines, type Output, table } from '../output.ts';
import { domainOption } from '../shared-options.ts';
import { drawTree, growTrees } from '../tree.ts';
import { prettyTime } from '../units.ts';
import { childOf, parseXml } from '../xml.ts';

/** virDomainSnapshotListFlags. */
const ROOTS = 1;
const DESCENDANTS = 1;
const TOPOLOGICAL = 1024;
const FILTERS = [
  ['leaves', 'list only snapshots without children', 4],
  ['no-leaves', 'list only snapshots that are not leaves (with children)', 8],
  ['metadata', 'list only snapshots that have metadata that would prevent undefine', 2],
  ['no-metadata', 'list only snapshots that have no metadata managed by libvirt', 16],
  ['inactive', 'filter by snapshots taken while inactive', 32],
  ['active', 'filter by snapshots taken while active (full system snapshots)', 64],
  ['disk-only', 'filter by disk-only snapshots', 128],
  ['internal', 'filter by internal snapshots', 256],
  ['external', 'filter by external snapshots', 512],
] as const;

/** What a snapshot's description says of it. */
export interface SnapshotFacts {
  readonly name: string;
  /** ISO 8601. */
  readonly created: string;
  readonly state: string;
  readonly parent: string | null;
  /** Its parts are beside the images, not in them. */
  readonly external: boolean;
}

/** Reads a snapshot's description. */
export async function describeSnapshot(snapshot: DomainSnapshot): Promise<SnapshotFacts> {
  const root = parseXml(await snapshot.getXMLDesc());
  const value = (...path: string[]) => childOf(root, ...path)?.textContent ?? '';
  const memory = childOf(root, 'memory')?.getAttribute('snapshot');
  return {
    name: snapshot.name,
    created: new Date(Number(value('creationTime')) * 1000).toISOString(),
    state: value('state'),
    parent: value('parent', 'name') || null,
    external: memory === 'external' || value('state') === 'disk-snapshot',
  };
}

function checkModes(args: CommandArgs): void {
  for (const [one, other] of [
    ['tree', 'name'],
    ['parent', 'roots'],
    ['parent', 'tree'],
    ['roots', 'tree'],
    ['roots', 'from'],
    ['roots', 'current'],
  ] as const) {
    args.exclusive(one, other);
  }
  if (args.flag('from') && args.flag('current')) throw new UsageFailure('--from and --current are mutually exclusive');
  if (args.flag('descendants') && !args.flag('from') && !args.flag('current')) {
    throw new UsageFailure('--descendants requires either --from or --current');
  }
}

/** The snapshot whose descendants are asked for, and they, or all of the domain. */
async function find(domain: Domain, args: CommandArgs): Promise<{ start?: DomainSnapshot; found: DomainSnapshot[] }> {
  const filters = FILTERS.reduce((flags, [name, , bit]) => flags | (args.flag(name) ? bit : 0), 0);
  const flags = filters | (args.flag('topological') ? TOPOLOGICAL : 0);
  const from = args.text('from');
  const start = args.flag('current')
    ? await domain.snapshotCurrent()
    : from === undefined
      ? undefined
      : await domain.snapshotLookupByName(from);
  if (start === undefined) {
    return { found: await domain.listAllSnapshots(flags | (args.flag('roots') ? ROOTS : 0)) };
  }
  const deep = args.flag('descendants') || args.flag('tree');
  return { start, found: await start.listAllChildren(flags | (deep ? DESCENDANTS : 0)) };
}

/** `snapshot-list`. */
export const snapshotListCommand: CommandDef = {
  name: 'snapshot-list',
  summary: 'list snapshots for a domain',
  options: [
    domainOption(),
    flag('parent', 'add a column showing parent snapshot'),
    flag('roots', 'list only snapshots without parents'),
    ...FILTERS.map(([name, help]) => flag(name, help)),
    flag('tree', 'list snapshots in a tree'),
    text('from', 'limit list to children of given snapshot', { complete: 'snapshot' }),
    flag('current', 'limit list to children of current snapshot'),
    flag('descendants', 'with --from, list all descendants'),
    flag('name', 'list snapshot names only'),
    flag('topological', 'sort list topologically rather than by name'),
  ],
  async run(args, session): Promise<Output> {
    checkModes(args);
    const { start, found } = await find(await findDomain(args, session), args);
    if (!args.flag('topological')) found.sort((a, b) => (a.name < b.name ? -1 : 1));
    if (args.flag('name')) return lines(found.map(({ name }) => name));
    const facts = await Promise.all(found.map(describeSnapshot));
    if (args.flag('tree')) {
      // Above the one that is started from nobody is asked for.
      const all = start === undefined ? facts : [{ name: start.name, parent: null }, ...facts];
      const trees = growTrees(all);
      return { text: trees.map(drawTree).join(''), json: trees };
    }
    return table(
      [
        { key: 'name', title: 'Name' },
        { key: 'created', title: 'Creation Time', show: (at) => prettyTime(new Date(String(at))) },
        { key: 'state', title: 'State' },
        ...(args.flag('parent') ? [{ key: 'parent', title: 'Parent', none: '' }] : []),
      ],
      facts.map(({ name, created, state, parent }) => ({ name, created, state, parent })),
    );
  },
};
