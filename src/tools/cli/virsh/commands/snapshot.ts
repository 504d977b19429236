import type { DomainSnapshot } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, flag, type OptionDef, text } from '../definition.ts';
import { attempt, UsageFailure } from '../failure.ts';
import { readTextFile } from '../files.ts';
import { findDomain } from '../lookup.ts';
import { document, fields, lines, message, table } from '../output.ts';
import type { Session } from '../session.ts';
import { domainOption } from '../shared-options.ts';
import { prettyTime } from '../units.ts';
import { childOf, element, parseXml } from '../xml.ts';

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
] as const;
const DELETE_FLAGS = [
  ['children', 'delete snapshot and all children', 1],
  ['metadata', 'delete only metadata, leaving snapshot contents behind', 2],
  ['children-only', 'delete children but not snapshot', 4],
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

function diskSpec(spec: string): string {
  const [name, ...settings] = spec.split(',');
  const values = new Map(settings.map((setting) => setting.split('=', 2) as [string, string]));
  const unknown = [...values.keys()].find((key) => !['snapshot', 'driver', 'file'].includes(key));
  if (unknown !== undefined) throw new UsageFailure(`unable to parse diskspec: ${spec}`);
  const [driver, file] = [values.get('driver'), values.get('file')];
  return element('disk', { name, snapshot: values.get('snapshot') }, [
    driver === undefined ? undefined : element('driver', { type: driver }),
    file === undefined ? undefined : element('source', { file }),
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
    text('diskspec', 'disk attributes: disk[,snapshot=type][,driver=type][,file=name]', { repeat: true }),
  ],
  async run(args, session) {
    const [name, description] = [args.text('name'), args.text('description')];
    const disks = args.list('diskspec').map(diskSpec);
    const xml = element('domainsnapshot', {}, [
      name === undefined ? undefined : element('name', {}, name),
      description === undefined ? undefined : element('description', {}, description),
      disks.length === 0 ? undefined : element('disks', {}, disks),
    ]);
    return args.flag('print-xml') ? document(xml) : create(xml, '', args, session);
  },
};

async function describe(snapshot: DomainSnapshot) {
  const root = parseXml(await snapshot.getXMLDesc());
  const value = (...path: string[]) => childOf(root, ...path)?.textContent ?? '';
  return {
    name: snapshot.name,
    created: new Date(Number(value('creationTime')) * 1000).toISOString(),
    state: value('state'),
    parent: value('parent', 'name') || null,
  };
}

const listCommand: CommandDef = {
  name: 'snapshot-list',
  summary: 'list snapshots for a domain',
  options: [
    domainOption(),
    flag('parent', 'add a column showing parent snapshot'),
    flag('name', 'list snapshot names only'),
  ],
  async run(args, session) {
    const snapshots = await (await findDomain(args, session)).listAllSnapshots();
    if (args.flag('name')) return lines(snapshots.map(({ name }) => name));
    return table(
      [
        { key: 'name', title: 'Name' },
        { key: 'created', title: 'Creation Time', show: (at) => prettyTime(new Date(String(at))) },
        { key: 'state', title: 'State' },
        ...(args.flag('parent') ? [{ key: 'parent', title: 'Parent' }] : []),
      ],
      await Promise.all(snapshots.map(describe)),
    );
  },
};

const infoCommand: CommandDef = {
  name: 'snapshot-info',
  summary: 'snapshot information',
  options: [domainOption(), nameOption],
  async run(args, session) {
    const snapshot = await findSnapshot(args, session);
    const { name, created, state, parent } = await describe(snapshot);
    return fields([
      ['Name', 'name', name],
      ['Domain', 'domain', snapshot.ref.domain.name],
      ['Created', 'created', created, prettyTime(new Date(created))],
      ['State', 'state', state],
      ['Parent', 'parent', parent],
    ]);
  },
};

const dumpxmlCommand: CommandDef = {
  name: 'snapshot-dumpxml',
  summary: 'dump XML for a domain snapshot',
  options: [domainOption(), nameOption, flag('security-info', 'include security sensitive information in XML dump')],
  async run(args, session) {
    return document(await (await findSnapshot(args, session)).getXMLDesc(args.flag('security-info') ? 1 : 0));
  },
};

const revertCommand: CommandDef = {
  name: 'snapshot-revert',
  summary: 'revert a domain to a snapshot',
  options: [domainOption(), nameOption, ...flagOptions(REVERT_FLAGS)],
  async run(args, session) {
    const snapshot = await findSnapshot(args, session);
    await attempt(`Failed to revert snapshot ${snapshot.name}`, snapshot.revert(bits(args, REVERT_FLAGS)));
    return message(`Domain snapshot ${snapshot.name} reverted`, { snapshot: snapshot.name });
  },
};

const deleteCommand: CommandDef = {
  name: 'snapshot-delete',
  summary: 'delete a domain snapshot',
  options: [domainOption(), nameOption, ...flagOptions(DELETE_FLAGS)],
  async run(args, session) {
    const snapshot = await findSnapshot(args, session);
    await attempt(`Failed to delete snapshot ${snapshot.name}`, snapshot.delete(bits(args, DELETE_FLAGS)));
    return message(`Domain snapshot ${snapshot.name} deleted`, { snapshot: snapshot.name });
  },
};

/** Commands about snapshots of domains. */
export const snapshotCommands: readonly CommandDef[] = [
  createCommand,
  createAsCommand,
  deleteCommand,
  dumpxmlCommand,
  infoCommand,
  listCommand,
  revertCommand,
];
