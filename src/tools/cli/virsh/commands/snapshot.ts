import type { Domain, DomainSnapshot } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, flag, type OptionDef, text } from '../definition.ts';
import { editDefinition } from '../editor.ts';
import { attempt, CommandFailure, UsageFailure } from '../failure.ts';
import { readTextFile } from '../files.ts';
import { findDomain } from '../lookup.ts';
import { fields, message } from '../output.ts';
import type { Session } from '../session.ts';
import { domainOption } from '../shared-options.ts';
import { childOf, element, parseXml } from '../xml.ts';
import { description, xpathOptions } from '../xpath.ts';
import { describeSnapshot, snapshotListCommand } from './snapshot-list.ts';

/** virDomainSnapshotCreateFlags. */
const CREATE_FLAGS = [
  ['redefine', 'redefine metadata for existing snapshot', 1],
  ['current', 'with redefine, set current snapshot', 2],
  ['no-metadata', 'take snapshot but create no metadata', 4],
  ['halt', 'halt domain after snapshot is created', 8],
  ['disk-only', 'capture disk state but not vm state', 16],
  ['reuse-external', 'reuse any existing external files', 32],
  ['quiesce', "quiesce guest's file systems", 64],
  ['atomic', 'require atomic operation', 128],
  ['live', 'take a live snapshot', 256],
  ['validate', 'validate the XML against the schema', 512],
] as const;
const REVERT_FLAGS = [
  ['running', 'after reverting, change state to running', 1],
  ['paused', 'after reverting, change state to paused', 2],
  ['force', 'try harder on risky reverts', 4],
  ['reset-nvram', 'start with the NVRAM as its template has it', 8],
] as const;
const DELETE_FLAGS = [
  ['children', 'delete snapshot and all children', 1],
  ['children-only', 'delete children but not snapshot', 4],
  ['metadata', 'delete only metadata, leaving snapshot contents behind', 2],
] as const;

type FlagTable = readonly (readonly [name: string, help: string, bit: number])[];

function flagOptions(flags: FlagTable): readonly OptionDef[] {
  return flags.map(([name, help]) => flag(name, help));
}

function bits(args: CommandArgs, flags: FlagTable): number {
  return flags.reduce((all, [name, , bit]) => all | (args.flag(name) ? bit : 0), 0);
}

const nameOption = text('snapshotname', 'snapshot name', { required: true, complete: 'snapshot' });

async function findSnapshot(args: CommandArgs, session: Session): Promise<DomainSnapshot> {
  return (await findDomain(args, session)).snapshotLookupByName(args.need('snapshotname'));
}

async function create(xml: string, from: string, args: CommandArgs, session: Session) {
  const domain = await findDomain(args, session);
  const snapshot = await domain.snapshotCreateXML(xml, bits(args, CREATE_FLAGS));
  const said = `Domain snapshot ${snapshot.name} created${from}`;
  return { text: said, json: { message: said, domain: domain.name, snapshot: snapshot.name } };
}

const createCommand: CommandDef = {
  name: 'snapshot-create',
  summary: 'create a snapshot from XML',
  options: [domainOption(), text('xmlfile', 'domain snapshot XML', { complete: 'file' }), ...flagOptions(CREATE_FLAGS)],
  async run(args, session) {
    const file = args.text('xmlfile');
    const xml = file === undefined ? '<domainsnapshot/>' : await readTextFile(file);
    return create(xml, file === undefined ? '' : ` from '${file}'`, args, session);
  },
};

/** The settings behind a specification's first word; a comma in a value is written twice. */
function specSettings(what: string, spec: string, known: readonly string[]): ReadonlyMap<string, string> {
  const parts = spec.split(/(?<!,),(?!,)/).map((part) => part.replaceAll(',,', ','));
  const settings = new Map<string, string>();
  for (const [i, part] of parts.entries()) {
    const [, key = '', value = ''] = /^(\w+)=(.*)$/s.exec(part) ?? [];
    if (known.includes(key)) settings.set(key, value);
    else if (i === 0 && key === '') settings.set('', part);
    else throw new UsageFailure(`unable to parse ${what}: ${spec}`);
  }
  return settings;
}

function memorySpec(spec: string): string {
  const settings = specSettings('memspec', spec, ['file', 'snapshot']);
  return element('memory', { snapshot: settings.get('snapshot'), file: settings.get('file') ?? settings.get('') });
}

function diskSpec(spec: string): string {
  const settings = specSettings('diskspec', spec, ['snapshot', 'driver', 'stype', 'file']);
  const name = settings.get('');
  const [driver, type, file] = [settings.get('driver'), settings.get('stype'), settings.get('file')];
  if (name === undefined || (type !== undefined && type !== 'file' && type !== 'block')) {
    throw new UsageFailure(`unable to parse diskspec: ${spec}`);
  }
  return element('disk', { name, snapshot: settings.get('snapshot'), type }, [
    driver === undefined ? undefined : element('driver', { type: driver }),
    file === undefined ? undefined : element('source', { [type === 'block' ? 'dev' : 'file']: file }),
  ]);
}

const createAsCommand: CommandDef = {
  name: 'snapshot-create-as',
  summary: 'create a snapshot from a set of args',
  options: [
    domainOption(),
    text('name', 'name of snapshot'),
    text('description', 'description of snapshot'),
    flag('print-xml', 'print XML document rather than create'),
    ...flagOptions(CREATE_FLAGS.slice(2)),
    text('memspec', 'memory attributes: [file=]name[,snapshot=type]', { named: true }),
    text('diskspec', 'disk attributes: disk[,snapshot=type][,driver=type][,stype=type][,file=name]', { repeat: true }),
  ],
  async run(args, session) {
    const [name, description, memory] = [args.text('name'), args.text('description'), args.text('memspec')];
    const disks = args.list('diskspec').map(diskSpec);
    const xml = element('domainsnapshot', {}, [
      name === undefined ? undefined : element('name', {}, name),
      description === undefined ? undefined : element('description', {}, description),
      memory === undefined ? undefined : memorySpec(memory),
      disks.length === 0 ? undefined : element('disks', {}, disks),
    ]);
    // As virsh: with an empty line behind it.
    return args.flag('print-xml') ? { text: `${xml}\n\n`, json: { xml } } : create(xml, '', args, session);
  },
};

/** The snapshot of `--snapshotname`, or the current one with `--current`. */
async function namedOrCurrent(args: CommandArgs, session: Session): Promise<DomainSnapshot> {
  const name = args.text('snapshotname');
  const current = args.flag('current');
  if (name !== undefined && current) throw new UsageFailure('--snapshotname and --current are mutually exclusive');
  if (name === undefined && !current) throw new UsageFailure('--snapshotname or --current is required');
  const domain = await findDomain(args, session);
  return name === undefined ? domain.snapshotCurrent() : domain.snapshotLookupByName(name);
}

/** Options of commands about one snapshot. */
function oneSnapshot(current: string): readonly OptionDef[] {
  return [domainOption(), text('snapshotname', 'snapshot name', { complete: 'snapshot' }), flag('current', current)];
}

const infoCommand: CommandDef = {
  name: 'snapshot-info',
  summary: 'snapshot information',
  options: oneSnapshot('info on current snapshot'),
  async run(args, session) {
    const snapshot = await namedOrCurrent(args, session);
    const { name, created, state, parent, external } = await describeSnapshot(snapshot);
    const [current, children, descendants, metadata] = await Promise.all([
      snapshot.isCurrent(),
      snapshot.numChildren(),
      snapshot.numChildren(DESCENDANTS),
      snapshot.hasMetadata(),
    ]);
    const shown = fields([
      ['Name', 'name', name],
      ['Domain', 'domain', snapshot.ref.domain.name],
      ['Current', 'current', current],
      ['State', 'state', state],
      ['Location', 'location', external ? 'external' : 'internal'],
      ['Parent', 'parent', parent],
      ['Children', 'children', children],
      ['Descendants', 'descendants', descendants],
      ['Metadata', 'metadata', metadata],
    ]);
    return { ...shown, json: { ...(shown.json as object), created } };
  },
};

/** Of virDomainSnapshotNumChildren. */
const DESCENDANTS = 1;
const SECURE = 1;
const REDEFINE_CURRENT = 3;

const currentCommand: CommandDef = {
  name: 'snapshot-current',
  summary: 'get or set the current snapshot',
  options: [
    domainOption(),
    flag('name', 'list the name, rather than the full xml'),
    flag('security-info', 'include security sensitive information in XML dump'),
    text('snapshotname', 'name of existing snapshot to make current', { complete: 'snapshot' }),
  ],
  async run(args, session) {
    args.exclusive('name', 'snapshotname');
    const wanted = args.text('snapshotname');
    const domain = await findDomain(args, session);
    if (wanted !== undefined) {
      const snapshot = await domain.snapshotLookupByName(wanted);
      await domain.snapshotCreateXML(await snapshot.getXMLDesc(SECURE), REDEFINE_CURRENT);
      const said = `Snapshot ${wanted} set as current`;
      return { text: said, json: { message: said, snapshot: wanted } };
    }
    if (!(await domain.hasCurrentSnapshot())) {
      throw new CommandFailure(`domain '${domain.name}' has no current snapshot`);
    }
    const snapshot = await domain.snapshotCurrent();
    if (args.flag('name')) return { text: snapshot.name, json: { name: snapshot.name } };
    const xml = await snapshot.getXMLDesc(args.flag('security-info') ? SECURE : 0);
    return { text: xml, json: { xml } };
  },
};

const parentCommand: CommandDef = {
  name: 'snapshot-parent',
  summary: 'get the name of the parent of a snapshot',
  options: [
    domainOption(),
    text('snapshotname', 'find parent of snapshot name', { complete: 'snapshot' }),
    flag('current', 'find parent of current snapshot'),
  ],
  async run(args, session) {
    const snapshot = await namedOrCurrent(args, session);
    const { parent } = await describeSnapshot(snapshot);
    if (parent === null) throw new CommandFailure(`snapshot '${snapshot.name}' has no parent`);
    return { text: parent, json: { parent } };
  },
};

const editCommand: CommandDef = {
  name: 'snapshot-edit',
  summary: 'edit XML for a snapshot',
  options: [
    ...oneSnapshot('also set edited snapshot as current'),
    flag('rename', 'allow renaming an existing snapshot'),
    flag('clone', 'allow cloning to new name'),
  ],
  async run(args, session) {
    args.exclusive('rename', 'clone');
    const name = args.text('snapshotname');
    if (name === undefined && !args.flag('current')) throw new UsageFailure('--snapshotname or --current is required');
    const domain = await findDomain(args, session);
    const snapshot = name === undefined ? await domain.snapshotCurrent() : await domain.snapshotLookupByName(name);
    const flags = args.flag('current') || (await snapshot.isCurrent()) ? REDEFINE_CURRENT : REDEFINE_CURRENT & 1;
    return editDefinition(
      {
        title: `Snapshot ${snapshot.name}`,
        read: () => snapshot.getXMLDesc(SECURE),
        write: (xml) => redefine(domain, snapshot, xml, flags, args),
        canSkip: false,
      },
      session,
    );
  },
};

/** Takes an edited description; another name is a new snapshot, and must have been asked for. */
async function redefine(domain: Domain, old: DomainSnapshot, xml: string, flags: number, args: CommandArgs) {
  const name = childOf(parseXml(xml), 'name')?.textContent ?? '';
  if (name !== old.name && !args.flag('rename') && !args.flag('clone')) {
    throw new UsageFailure(`cannot rename snapshot ${old.name} to ${name}: give --rename or --clone`);
  }
  await domain.snapshotCreateXML(xml, flags);
  if (name !== old.name && args.flag('rename')) await old.delete(DELETE_METADATA);
}

/** Of virDomainSnapshotDelete. */
const DELETE_METADATA = 2;

const dumpxmlCommand: CommandDef = {
  name: 'snapshot-dumpxml',
  summary: 'dump XML for a domain snapshot',
  options: [
    domainOption(),
    nameOption,
    flag('security-info', 'include security sensitive information in XML dump'),
    ...xpathOptions,
  ],
  async run(args, session) {
    return description(
      await (await findSnapshot(args, session)).getXMLDesc(args.flag('security-info') ? SECURE : 0),
      args,
    );
  },
};

const revertCommand: CommandDef = {
  name: 'snapshot-revert',
  summary: 'revert a domain to a snapshot',
  options: [...oneSnapshot('revert to current snapshot'), ...flagOptions(REVERT_FLAGS)],
  async run(args, session) {
    const snapshot = await namedOrCurrent(args, session);
    await attempt(`Failed to revert snapshot ${snapshot.name}`, snapshot.revert(bits(args, REVERT_FLAGS)));
    return message(`Domain snapshot ${snapshot.name} reverted`, { snapshot: snapshot.name });
  },
};

const deleteCommand: CommandDef = {
  name: 'snapshot-delete',
  summary: 'delete a domain snapshot',
  options: [...oneSnapshot('delete current snapshot'), ...flagOptions(DELETE_FLAGS)],
  async run(args, session) {
    const snapshot = await namedOrCurrent(args, session);
    await attempt(`Failed to delete snapshot ${snapshot.name}`, snapshot.delete(bits(args, DELETE_FLAGS)));
    return message(`Domain snapshot ${snapshot.name} deleted`, { snapshot: snapshot.name });
  },
};

/** Commands about snapshots of domains. */
export const snapshotCommands: readonly CommandDef[] = [
  createCommand,
  createAsCommand,
  currentCommand,
  deleteCommand,
  dumpxmlCommand,
  editCommand,
  infoCommand,
  snapshotListCommand,
  parentCommand,
  revertCommand,
];
