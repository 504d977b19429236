import type { Connection, FilterBindingRef, NwfilterRef } from '../../../../virt/index.ts';
import { type CommandDef, text } from '../definition.ts';
import { editDefinition } from '../editor.ts';
import { attempt } from '../failure.ts';
import { readTextFile } from '../files.ts';
import { isUuid, normalUuid } from '../lookup.ts';
import { message, table } from '../output.ts';
import { fileOption, validateOption } from '../shared-options.ts';
import { description, xpathOptions } from '../xpath.ts';

const filterOption = text('nwfilter', 'network filter name or uuid', { required: true });
const bindingOption = text('binding', 'network filter binding port dev', { required: true });

/** The filter that a UUID or a name means. */
async function filterCalled(connection: Connection, called: string): Promise<NwfilterRef> {
  if (isUuid(called)) {
    const found = await connection.nwfilterLookupByUUID(normalUuid(called)).catch(() => undefined);
    if (found !== undefined) return found;
  }
  return attempt(`failed to get nwfilter '${called}'`, connection.nwfilterLookupByName(called));
}

function bindingCalled(connection: Connection, called: string): Promise<FilterBindingRef> {
  return attempt(`failed to get nwfilter binding '${called}'`, connection.nwfilterBindingLookupByPortDev(called));
}

const dumpxmlCommand: CommandDef = {
  name: 'nwfilter-dumpxml',
  summary: 'network filter information in XML',
  options: [filterOption, ...xpathOptions],
  async run(args, session) {
    const connection = await session.connection();
    const filter = await filterCalled(connection, args.need('nwfilter'));
    return description(await connection.nwfilterGetXMLDesc(filter), args);
  },
};

const editCommand: CommandDef = {
  name: 'nwfilter-edit',
  summary: 'edit XML configuration for a network filter',
  options: [filterOption],
  async run(args, session) {
    const connection = await session.connection();
    const filter = await filterCalled(connection, args.need('nwfilter'));
    return editDefinition(
      {
        title: `Network filter ${filter.name}`,
        read: () => connection.nwfilterGetXMLDesc(filter),
        write: (xml) => connection.nwfilterDefineXML(xml),
        canSkip: false,
      },
      session,
    );
  },
};

const undefineCommand: CommandDef = {
  name: 'nwfilter-undefine',
  summary: 'undefine a network filter',
  options: [filterOption],
  async run(args, session) {
    const connection = await session.connection();
    const filter = await filterCalled(connection, args.need('nwfilter'));
    await attempt(`Failed to undefine network filter ${filter.name}`, connection.nwfilterUndefine(filter));
    return message(`Network filter ${filter.name} undefined`, { name: filter.name });
  },
};

const bindingCreateCommand: CommandDef = {
  name: 'nwfilter-binding-create',
  summary: 'create a network filter binding from an XML file',
  options: [fileOption('network filter binding'), validateOption],
  async run(args, session) {
    const file = args.need('file');
    const xml = await readTextFile(file);
    const made = (await session.connection()).nwfilterBindingCreateXML(xml, args.flag('validate') ? 1 : 0);
    const { portDev } = await attempt(`Failed to create network filter from ${file}`, made);
    return message(`Network filter binding on ${portDev} created from ${file}`, { portDev, file });
  },
};

const bindingDeleteCommand: CommandDef = {
  name: 'nwfilter-binding-delete',
  summary: 'delete a network filter binding',
  options: [bindingOption],
  async run(args, session) {
    const connection = await session.connection();
    const binding = await bindingCalled(connection, args.need('binding'));
    const { portDev } = binding;
    const failed = `Failed to delete network filter binding on ${portDev}`;
    await attempt(failed, connection.nwfilterBindingDelete(binding));
    return message(`Network filter binding on ${portDev} deleted`, { portDev });
  },
};

const bindingDumpxmlCommand: CommandDef = {
  name: 'nwfilter-binding-dumpxml',
  summary: 'network filter binding information in XML',
  options: [bindingOption, ...xpathOptions],
  async run(args, session) {
    const connection = await session.connection();
    const binding = await bindingCalled(connection, args.need('binding'));
    return description(await connection.nwfilterBindingGetXMLDesc(binding), args);
  },
};

const bindingListCommand: CommandDef = {
  name: 'nwfilter-binding-list',
  summary: 'list network filter bindings',
  options: [],
  async run(_args, session) {
    const listed = (await session.connection()).listAllNWFilterBindings();
    const bindings = await attempt('Failed to list network filter bindings', listed);
    return table(
      [
        { key: 'portDev', title: 'Port Dev' },
        { key: 'filterName', title: 'Filter' },
      ],
      bindings.map(({ portDev, filterName }) => ({ portDev, filterName })),
    );
  },
};

/** Commands about what network filters say and are bound to. */
export const filterChangeCommands: readonly CommandDef[] = [
  bindingCreateCommand,
  bindingDeleteCommand,
  bindingDumpxmlCommand,
  bindingListCommand,
  dumpxmlCommand,
  editCommand,
  undefineCommand,
];
