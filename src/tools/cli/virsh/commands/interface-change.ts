import type { Connection, Interface } from '../../../../virt/index.ts';
import type { CommandDef } from '../definition.ts';
import { editDefinition } from '../editor.ts';
import { attempt } from '../failure.ts';
import { readTextFile } from '../files.ts';
import { message } from '../output.ts';
import { fileOption, validateOption } from '../shared-options.ts';
import { interfaceCalled, interfaceOption } from './host-interface.ts';

const oneInterface = interfaceOption('interface name or MAC address');

/** `iface-start`, `iface-destroy`, `iface-undefine`. */
function changeCommand(
  verb: string,
  done: string,
  summary: string,
  act: (iface: Interface) => Promise<void>,
): CommandDef {
  return {
    name: `iface-${verb}`,
    summary,
    options: [oneInterface],
    async run(args, session) {
      const called = args.need('interface');
      const iface = await interfaceCalled(await session.connection(), called);
      await attempt(`Failed to ${verb} interface ${called}`, act(iface));
      return message(`Interface ${called} ${done}`, { interface: iface.name });
    },
  };
}

/** `iface-begin`, `iface-commit`, `iface-rollback`. */
function transactionCommand(
  verb: string,
  done: string,
  summary: string,
  act: (connection: Connection) => Promise<void>,
): CommandDef {
  return {
    name: `iface-${verb}`,
    summary,
    options: [],
    async run(_args, session) {
      await attempt(`Failed to ${verb} network config change transaction`, act(await session.connection()));
      return message(`Network config change transaction ${done}`);
    },
  };
}

const defineCommand: CommandDef = {
  name: 'iface-define',
  summary: 'define a physical host interface from an XML file',
  options: [fileOption('interface'), validateOption],
  async run(args, session) {
    const file = args.need('file');
    const xml = await readTextFile(file);
    const defined = (await session.connection()).interfaceDefineXML(xml, args.flag('validate') ? 1 : 0);
    const { name } = await attempt(`Failed to define interface from ${file}`, defined);
    return message(`Interface ${name} defined from ${file}`, { interface: name, file });
  },
};

/** VIR_INTERFACE_XML_INACTIVE. */
const INACTIVE = 1;

const editCommand: CommandDef = {
  name: 'iface-edit',
  summary: 'edit XML configuration for a physical host interface',
  options: [oneInterface],
  async run(args, session) {
    const connection = await session.connection();
    const iface = await interfaceCalled(connection, args.need('interface'));
    return editDefinition(
      {
        title: `Interface ${iface.name}`,
        read: () => iface.getXMLDesc(INACTIVE),
        write: (xml) => connection.interfaceDefineXML(xml),
        canSkip: false,
      },
      session,
    );
  },
};

/** Commands that change the host's network interfaces. */
export const interfaceChangeCommands: readonly CommandDef[] = [
  transactionCommand('begin', 'started', "remember interfaces' settings, to commit or to go back to", (connection) =>
    connection.interfaceChangeBegin(),
  ),
  transactionCommand('commit', 'committed', 'commit changes made since iface-begin', (connection) =>
    connection.interfaceChangeCommit(),
  ),
  transactionCommand('rollback', 'rolled back', 'go back to what was at iface-begin', (connection) =>
    connection.interfaceChangeRollback(),
  ),
  changeCommand('destroy', 'destroyed', 'destroy a physical host interface (disable it / "if-down")', (iface) =>
    iface.destroy(),
  ),
  changeCommand('start', 'started', 'start a physical host interface (enable it / "if-up")', (iface) => iface.create()),
  changeCommand('undefine', 'undefined', 'undefine a physical host interface (remove it from configuration)', (iface) =>
    iface.undefine(),
  ),
  defineCommand,
  editCommand,
];
