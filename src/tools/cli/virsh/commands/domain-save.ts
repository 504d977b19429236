import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, flag, type OptionDef, text } from '../definition.ts';
import { editDefinition } from '../editor.ts';
import { attempt, UsageFailure } from '../failure.ts';
import { readTextFile } from '../files.ts';
import { findDomain } from '../lookup.ts';
import { message, type Output } from '../output.ts';
import { domainOption } from '../shared-options.ts';
import { description, xpathOptions } from '../xpath.ts';

/** virDomainSaveRestoreFlags. */
const SAVE_FLAGS = [
  ['bypass-cache', 'avoid file system cache when saving', 1],
  ['running', 'set domain to be running on restore', 2],
  ['paused', 'set domain to be paused on restore', 4],
  ['reset-nvram', 'start with the NVRAM as its template has it', 8],
] as const;

type FlagName = (typeof SAVE_FLAGS)[number][0];

function flagOptions(...names: readonly FlagName[]): readonly OptionDef[] {
  return SAVE_FLAGS.filter(([name]) => names.includes(name)).map(([name, help]) => flag(name, help));
}

function saveFlags(args: CommandArgs): number {
  return SAVE_FLAGS.reduce((flags, [name, , bit]) => flags | (args.flag(name) ? bit : 0), 0);
}

const verboseOption = flag('verbose', 'display the progress of save');
const imageOption = text('file', 'saved state file', { required: true, complete: 'file' });
const xmlOption = text('xml', 'file containing updated XML for the target', { complete: 'file' });
const securityOption = flag('security-info', 'include security sensitive information in XML dump');
/** virDomainSaveImageXMLFlags. */
const SECURE = 1;

async function updatedXml(args: CommandArgs): Promise<string | undefined> {
  const file = args.text('xml');
  return file === undefined ? undefined : readTextFile(file);
}

/** virsh shows progress before it, and a line's end when it is over. */
function afterProgress(output: Output): Output {
  return { ...output, text: `\n${output.text}` };
}

const saveCommand: CommandDef = {
  name: 'save',
  summary: 'save a domain state to a file',
  options: [
    domainOption('active-domain'),
    text('file', 'where to save the data', { required: true, complete: 'file' }),
    ...flagOptions('bypass-cache'),
    xmlOption,
    ...flagOptions('running', 'paused'),
    verboseOption,
  ],
  async run(args, session) {
    const to = args.need('file');
    const domain = await findDomain(args, session);
    const saved = domain.save(to, await updatedXml(args), saveFlags(args));
    await attempt(`Failed to save domain '${domain.name}' to ${to}`, saved);
    return afterProgress(message(`Domain '${domain.name}' saved to ${to}`, { domain: domain.name, file: to }));
  },
};

const restoreCommand: CommandDef = {
  name: 'restore',
  summary: 'restore a domain from a saved state in a file',
  options: [
    text('file', 'the state to restore', { required: true, complete: 'file' }),
    ...flagOptions('bypass-cache'),
    xmlOption,
    ...flagOptions('running', 'paused', 'reset-nvram'),
  ],
  async run(args, session) {
    const from = args.need('file');
    const dxml = await updatedXml(args);
    const connection = await session.connection();
    await attempt(`Failed to restore domain from ${from}`, connection.restore(from, dxml, saveFlags(args)));
    return message(`Domain restored from ${from}`, { file: from });
  },
};

const imageDumpxmlCommand: CommandDef = {
  name: 'save-image-dumpxml',
  summary: 'saved state domain information in XML',
  options: [imageOption, securityOption, ...xpathOptions],
  async run(args, session) {
    const connection = await session.connection();
    const xml = await connection.saveImageGetXMLDesc(args.need('file'), args.flag('security-info') ? SECURE : 0);
    return description(xml, args);
  },
};

const imageDefineCommand: CommandDef = {
  name: 'save-image-define',
  summary: "redefine the XML for a domain's saved state file",
  options: [
    imageOption,
    text('xml', 'file containing updated XML for the target', { required: true, complete: 'file' }),
    ...flagOptions('running', 'paused'),
  ],
  async run(args, session) {
    const file = args.need('file');
    const xml = await readTextFile(args.need('xml'));
    const connection = await session.connection();
    await attempt(`Failed to update ${file}`, connection.saveImageDefineXML(file, xml, saveFlags(args)));
    return message(`State file ${file} updated.`, { file });
  },
};

const imageEditCommand: CommandDef = {
  name: 'save-image-edit',
  summary: "edit XML for a domain's saved state file",
  options: [imageOption, ...flagOptions('running', 'paused')],
  async run(args, session) {
    const file = args.need('file');
    const connection = await session.connection();
    return editDefinition(
      {
        title: `Saved image ${file}`,
        read: () => connection.saveImageGetXMLDesc(file, SECURE),
        write: (xml) => connection.saveImageDefineXML(file, xml, saveFlags(args)),
        canSkip: false,
      },
      session,
    );
  },
};

const managedSaveCommand: CommandDef = {
  name: 'managedsave',
  summary: 'managed save of a domain state',
  options: [domainOption('active-domain'), ...flagOptions('bypass-cache', 'running', 'paused'), verboseOption],
  async run(args, session) {
    const domain = await findDomain(args, session);
    await attempt(`Failed to save domain '${domain.name}' state`, domain.managedSave(saveFlags(args)));
    return afterProgress(message(`Domain '${domain.name}' state saved by libvirt`, { domain: domain.name }));
  },
};

const managedSaveRemoveCommand: CommandDef = {
  name: 'managedsave-remove',
  summary: 'remove managed save of a domain',
  options: [domainOption()],
  async run(args, session) {
    const domain = await findDomain(args, session);
    const there = await attempt('Failed to check for domain managed save image', domain.hasManagedSaveImage());
    if (!there) {
      const said = `Domain '${domain.name}' has no manage save image; removal skipped`;
      return { text: said, quiet: '', json: { message: said, removed: false } };
    }
    const failed = `Failed to remove managed save image for domain '${domain.name}'`;
    await attempt(failed, domain.managedSaveRemove());
    const said = `Removed managedsave image for domain '${domain.name}'`;
    return { text: said, quiet: '', json: { message: said, removed: true } };
  },
};

const managedSaveDumpxmlCommand: CommandDef = {
  name: 'managedsave-dumpxml',
  summary: 'domain information of managed save state file in XML',
  options: [domainOption(), securityOption, ...xpathOptions],
  async run(args, session) {
    const domain = await findDomain(args, session);
    return description(await domain.managedSaveGetXMLDesc(args.flag('security-info') ? SECURE : 0), args);
  },
};

const managedSaveDefineCommand: CommandDef = {
  name: 'managedsave-define',
  summary: "redefine the XML for a domain's managed save state file",
  options: [
    domainOption(),
    text('xml', 'file containing updated XML for the target', { required: true, complete: 'file' }),
    ...flagOptions('running', 'paused'),
  ],
  async run(args, session) {
    const domain = await findDomain(args, session);
    const xml = await readTextFile(args.need('xml'));
    const defined = domain.managedSaveDefineXML(xml, saveFlags(args));
    await attempt(`Failed to update ${domain.name} XML configuration`, defined);
    return message(`Managed save state file of domain '${domain.name}' updated.`, { domain: domain.name });
  },
};

const managedSaveEditCommand: CommandDef = {
  name: 'managedsave-edit',
  summary: "edit XML for a domain's managed save state file",
  options: [domainOption(), ...flagOptions('running', 'paused')],
  async run(args, session) {
    const domain = await findDomain(args, session);
    return editDefinition(
      {
        title: `Managed save image of domain '${domain.name}'`,
        read: () => domain.managedSaveGetXMLDesc(SECURE),
        write: (xml) => domain.managedSaveDefineXML(xml, saveFlags(args)),
        canSkip: false,
      },
      session,
    );
  },
};

/** virDomainCoreDumpFlags. */
const DUMP_FLAGS = [
  ['live', 'perform a live core dump if supported', 2],
  ['crash', 'crash the domain after core dump', 1],
  ['bypass-cache', 'avoid file system cache when dumping', 4],
  ['reset', 'reset the domain after core dump', 8],
] as const;
const MEMORY_ONLY = 16;
/** virDomainCoreDumpFormat. */
const DUMP_FORMATS = ['elf', 'kdump-zlib', 'kdump-lzo', 'kdump-snappy', 'win-dmp'];

function dumpFormat(args: CommandArgs): number {
  const called = args.text('format');
  if (called === undefined) return 0;
  if (!args.flag('memory-only')) throw new UsageFailure('--format only works with --memory-only');
  const format = DUMP_FORMATS.indexOf(called);
  if (format >= 0) return format;
  const known = `${DUMP_FORMATS.slice(0, -1)
    .map((one) => `'${one}'`)
    .join(', ')} or '${DUMP_FORMATS.at(-1)}'`;
  throw new UsageFailure(`format '${called}' is not supported, expecting ${known}`);
}

const dumpCommand: CommandDef = {
  name: 'dump',
  summary: 'dump the core of a domain to a file for analysis',
  options: [
    domainOption('active-domain'),
    text('file', 'where to dump the core', { required: true, complete: 'file' }),
    ...DUMP_FLAGS.map(([name, help]) => flag(name, help)),
    flag('verbose', 'display the progress of dump'),
    flag('memory-only', "dump domain's memory only"),
    text('format', 'format of memory-only dump', { complete: DUMP_FORMATS }),
  ],
  async run(args, session) {
    const to = args.need('file');
    const flags = DUMP_FLAGS.reduce((all, [name, , bit]) => all | (args.flag(name) ? bit : 0), 0);
    const domain = await findDomain(args, session);
    const format = dumpFormat(args);
    const dumped = domain.coreDump(to, format, flags | (args.flag('memory-only') ? MEMORY_ONLY : 0));
    await attempt(`Failed to core dump domain '${domain.name}' to ${to}`, dumped);
    return afterProgress(message(`Domain '${domain.name}' dumped to ${to}`, { domain: domain.name, file: to }));
  },
};

/** Commands about a domain's state in files. */
export const saveCommands: readonly CommandDef[] = [
  dumpCommand,
  managedSaveCommand,
  managedSaveDefineCommand,
  managedSaveDumpxmlCommand,
  managedSaveEditCommand,
  managedSaveRemoveCommand,
  restoreCommand,
  saveCommand,
  imageDefineCommand,
  imageDumpxmlCommand,
  imageEditCommand,
];
