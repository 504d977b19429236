import type { Domain, DomainCheckpoint } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, flag, type OptionDef, text } from '../definition.ts';
import { editDefinition } from '../editor.ts';
import { attempt, CommandFailure, UsageFailure } from '../failure.ts';
import { readTextFile } from '../files.ts';
import { findDomain } from '../lookup.ts';
import { fields, lines, message, type Output, table } from '../output.ts';
import type { Session } from '../session.ts';
import { domainOption } from '../shared-options.ts';
import { drawTree, growTrees } from '../tree.ts';
import { prettyTime } from '../units.ts';
import { childOf, element, parseXml } from '../xml.ts';
import { description, xpathOptions } from '../xpath.ts';

type FlagTable = readonly (readonly [name: string, help: string, bit: number])[];

/** virDomainCheckpointCreateFlags. */
const CREATE_FLAGS: FlagTable = [
  ['redefine', 'redefine metadata for existing checkpoint', 1],
  ['redefine-validate', 'validate the redefined checkpoint', 4],
  ['quiesce', "quiesce guest's file systems", 2],
];
const REDEFINE = 1;
const QUIESCE: FlagTable = CREATE_FLAGS.slice(2);
/** virDomainCheckpointXMLFlags. */
const XML_FLAGS: FlagTable = [
  ['security-info', 'include security sensitive information in XML dump', 1],
  ['no-domain', 'exclude <domain> from XML', 2],
  ['size', 'include backup size estimate in XML dump', 4],
];
const SECURE = 1;
const NO_DOMAIN = 2;
/** virDomainCheckpointDeleteFlags. */
const DELETE_FLAGS: FlagTable = [
  ['children', 'delete checkpoint and all children', 1],
  ['children-only', 'delete children but not checkpoint', 4],
  ['metadata', 'delete only metadata, leaving checkpoint contents behind', 2],
];
/** virDomainCheckpointListFlags. */
const LIST_FLAGS: FlagTable = [
  ['leaves', 'list only checkpoints without children', 4],
  ['no-leaves', 'list only checkpoints that are not leaves (with children)', 8],
];
const ROOTS = 1;
const DESCENDANTS = 1;
const TOPOLOGICAL = 2;

function flagOptions(flags: FlagTable): readonly OptionDef[] {
  return flags.map(([name, help]) => flag(name, help));
}

function bits(args: CommandArgs, flags: FlagTable): number {
  return flags.reduce((all, [name, , bit]) => all | (args.flag(name) ? bit : 0), 0);
}

const nameOption = text('checkpointname', 'checkpoint name');

async function findCheckpoint(args: CommandArgs, session: Session): Promise<DomainCheckpoint> {
  const domain = await findDomain(args, session);
  const name = args.text('checkpointname');
  if (name === undefined) throw new UsageFailure('--checkpointname is required');
  return domain.checkpointLookupByName(name);
}

async function create(xml: string, from: string, args: CommandArgs, session: Session): Promise<Output> {
  const domain = await findDomain(args, session);
  const checkpoint = await domain.checkpointCreateXML(xml, bits(args, CREATE_FLAGS));
  const said = `Domain checkpoint ${checkpoint.name} created${from}`;
  return { text: said, quiet: '', json: { message: said, domain: domain.name, checkpoint: checkpoint.name } };
}

const createCommand: CommandDef = {
  name: 'checkpoint-create',
  summary: 'create a checkpoint from XML',
  options: [
    domainOption(),
    text('xmlfile', 'domain checkpoint XML', { complete: 'file' }),
    ...flagOptions(CREATE_FLAGS),
  ],
  async run(args, session) {
    args.requires('redefine-validate', 'redefine');
    const file = args.text('xmlfile');
    const xml = file === undefined ? '<domaincheckpoint/>' : await readTextFile(file);
    return create(xml, file === undefined ? '' : ` from '${file}'`, args, session);
  },
};

/** `vda,checkpoint=bitmap,bitmap=b` as an element. */
function diskSpec(spec: string): string {
  const [name = '', ...settings] = spec.split(/(?<!,),(?!,)/).map((part) => part.replaceAll(',,', ','));
  const attributes: Record<string, string> = {};
  for (const setting of settings) {
    const [, key = '', value = ''] = /^(checkpoint|bitmap)=(.*)$/s.exec(setting) ?? [];
    if (key === '') throw new UsageFailure(`unable to parse diskspec: ${spec}`);
    attributes[key] = value;
  }
  return element('disk', { name, ...attributes });
}

const createAsCommand: CommandDef = {
  name: 'checkpoint-create-as',
  summary: 'create a checkpoint from a set of args',
  options: [
    domainOption(),
    text('name', 'name of checkpoint'),
    text('description', 'description of checkpoint'),
    flag('print-xml', 'print XML document rather than create'),
    ...flagOptions(QUIESCE),
    text('diskspec', 'disk attributes: disk[,checkpoint=type][,bitmap=name]', { repeat: true }),
  ],
  async run(args, session) {
    const [name, told] = [args.text('name'), args.text('description')];
    const disks = args.list('diskspec').map(diskSpec);
    const xml = element('domaincheckpoint', {}, [
      name === undefined ? undefined : element('name', {}, name),
      told === undefined ? undefined : element('description', {}, told),
      disks.length === 0 ? undefined : element('disks', {}, disks),
    ]);
    // As virsh: with an empty line behind it.
    return args.flag('print-xml') ? { text: `${xml}\n\n`, json: { xml } } : create(xml, '', args, session);
  },
};

interface CheckpointFacts {
  readonly name: string;
  /** ISO 8601. */
  readonly created: string;
  readonly parent: string | null;
}

async function describe(checkpoint: DomainCheckpoint): Promise<CheckpointFacts> {
  const root = parseXml(await checkpoint.getXMLDesc(NO_DOMAIN));
  return {
    name: checkpoint.name,
    created: new Date(Number(childOf(root, 'creationTime')?.textContent ?? '') * 1000).toISOString(),
    parent: childOf(root, 'parent', 'name')?.textContent || null,
  };
}

function checkModes(args: CommandArgs): void {
  for (const [one, other] of [
    ['tree', 'name'],
    ['parent', 'roots'],
    ['parent', 'tree'],
    ['roots', 'tree'],
    ['roots', 'from'],
  ] as const) {
    args.exclusive(one, other);
  }
  if (args.flag('descendants') && !args.flag('from')) throw new UsageFailure('--descendants requires --from');
}

/** The checkpoint whose descendants are asked for, and they, or all of the domain. */
async function select(domain: Domain, args: CommandArgs) {
  const flags = bits(args, LIST_FLAGS) | (args.flag('topological') ? TOPOLOGICAL : 0);
  const from = args.text('from');
  if (from === undefined) return { found: await domain.listAllCheckpoints(flags | (args.flag('roots') ? ROOTS : 0)) };
  const start = await domain.checkpointLookupByName(from);
  const deep = args.flag('descendants') || args.flag('tree');
  return { start, found: await start.listAllChildren(flags | (deep ? DESCENDANTS : 0)) };
}

const listCommand: CommandDef = {
  name: 'checkpoint-list',
  summary: 'list checkpoints for a domain',
  options: [
    domainOption(),
    flag('parent', 'add a column showing parent checkpoint'),
    flag('roots', 'list only checkpoints without parents'),
    ...flagOptions(LIST_FLAGS),
    flag('tree', 'list checkpoints in a tree'),
    text('from', 'limit list to children of given checkpoint'),
    flag('descendants', 'with --from, list all descendants'),
    flag('name', 'list checkpoint names only'),
    flag('topological', 'sort list topologically rather than by name'),
  ],
  async run(args, session): Promise<Output> {
    checkModes(args);
    const { start, found } = await select(await findDomain(args, session), args);
    if (!args.flag('topological')) found.sort((a, b) => (a.name < b.name ? -1 : 1));
    if (args.flag('name')) return lines(found.map(({ name }) => name));
    const facts = await Promise.all(found.map(describe));
    if (args.flag('tree')) {
      // Above the one that is started from nobody is asked for.
      const trees = growTrees(start === undefined ? facts : [{ name: start.name, parent: null }, ...facts]);
      return { text: trees.map(drawTree).join(''), json: trees };
    }
    return table(
      [
        { key: 'name', title: 'Name' },
        { key: 'created', title: 'Creation Time', show: (at) => prettyTime(new Date(String(at))) },
        ...(args.flag('parent') ? [{ key: 'parent', title: 'Parent', none: '' }] : []),
      ],
      facts.map((one) => ({ ...one })),
    );
  },
};

const infoCommand: CommandDef = {
  name: 'checkpoint-info',
  summary: 'checkpoint information',
  options: [domainOption(), nameOption],
  async run(args, session) {
    const checkpoint = await findCheckpoint(args, session);
    const { name, parent } = await describe(checkpoint);
    const [children, descendants] = await Promise.all([
      checkpoint.listAllChildren(),
      checkpoint.listAllChildren(DESCENDANTS),
    ]);
    return fields([
      ['Name', 'name', name],
      ['Domain', 'domain', checkpoint.ref.domain.name],
      ['Parent', 'parent', parent],
      ['Children', 'children', children.length],
      ['Descendants', 'descendants', descendants.length],
    ]);
  },
};

const parentCommand: CommandDef = {
  name: 'checkpoint-parent',
  summary: 'get the name of the parent of a checkpoint',
  options: [domainOption(), text('checkpointname', 'find parent of checkpoint name')],
  async run(args, session) {
    const checkpoint = await findCheckpoint(args, session);
    const { parent } = await describe(checkpoint);
    if (parent === null) throw new CommandFailure(`checkpoint '${checkpoint.name}' has no parent`);
    return { text: parent, json: { parent } };
  },
};

const dumpxmlCommand: CommandDef = {
  name: 'checkpoint-dumpxml',
  summary: 'dump XML for a domain checkpoint',
  options: [domainOption(), nameOption, ...flagOptions(XML_FLAGS), ...xpathOptions],
  async run(args, session) {
    const checkpoint = await findCheckpoint(args, session);
    return description(await checkpoint.getXMLDesc(bits(args, XML_FLAGS)), args);
  },
};

const editCommand: CommandDef = {
  name: 'checkpoint-edit',
  summary: 'edit XML for a checkpoint',
  options: [domainOption(), nameOption],
  async run(args, session) {
    const domain = await findDomain(args, session);
    const checkpoint = await findCheckpoint(args, session);
    const write = async (xml: string) => {
      const name = childOf(parseXml(xml), 'name')?.textContent ?? '';
      if (name !== checkpoint.name) throw new UsageFailure(`Cannot rename checkpoint ${checkpoint.name} to ${name}`);
      await domain.checkpointCreateXML(xml, REDEFINE);
    };
    const read = () => checkpoint.getXMLDesc(SECURE);
    return editDefinition({ title: `Checkpoint ${checkpoint.name}`, read, write, canSkip: false }, session);
  },
};

const deleteCommand: CommandDef = {
  name: 'checkpoint-delete',
  summary: 'delete a domain checkpoint',
  options: [domainOption(), nameOption, ...flagOptions(DELETE_FLAGS)],
  async run(args, session) {
    args.exclusive('children', 'children-only');
    const checkpoint = await findCheckpoint(args, session);
    const { name } = checkpoint;
    await attempt(`Failed to delete checkpoint ${name}`, checkpoint.delete(bits(args, DELETE_FLAGS)));
    const what = args.flag('children-only') ? `${name} children` : name;
    return message(`Domain checkpoint ${what} deleted`, { checkpoint: name });
  },
};

/** Of virDomainBackupBegin. */
const REUSE_EXTERNAL = 1;

const backupCommand: CommandDef = {
  name: 'backup-begin',
  summary: 'start a backup of the disks of a domain that runs',
  options: [
    domainOption(),
    text('backupxml', 'domain backup XML', { complete: 'file' }),
    text('checkpointxml', 'domain checkpoint XML', { complete: 'file' }),
    flag('reuse-external', 'reuse files provided by caller'),
  ],
  async run(args, session) {
    const domain = await findDomain(args, session);
    const [backup, checkpoint] = [args.text('backupxml'), args.text('checkpointxml')];
    const backupXml = backup === undefined ? '<domainbackup/>' : await readTextFile(backup);
    const checkpointXml = checkpoint === undefined ? undefined : await readTextFile(checkpoint);
    await domain.backupBegin(backupXml, checkpointXml, args.flag('reuse-external') ? REUSE_EXTERNAL : 0);
    return message('Backup started', { domain: domain.name });
  },
};

const backupDumpxmlCommand: CommandDef = {
  name: 'backup-dumpxml',
  summary: 'dump XML for a backup that is under way',
  options: [domainOption(), ...xpathOptions],
  async run(args, session) {
    return description(await (await findDomain(args, session)).backupGetXMLDesc(), args);
  },
};

/** Commands about backups. */
export const backupCommands: readonly CommandDef[] = [backupCommand, backupDumpxmlCommand];

/** Commands about checkpoints. */
export const checkpointCommands: readonly CommandDef[] = [
  createCommand,
  createAsCommand,
  deleteCommand,
  dumpxmlCommand,
  editCommand,
  infoCommand,
  listCommand,
  parentCommand,
];
