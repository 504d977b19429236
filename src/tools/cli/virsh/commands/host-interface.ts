import { type Connection, type Interface, ListInterfaces } from '../../../../virt/index.ts';
import { type CommandDef, flag, text } from '../definition.ts';
import { CommandFailure } from '../failure.ts';
import { single, table } from '../output.ts';
import { description, xpathOptions } from '../xpath.ts';

/** The interface that a command is about. */
export const interfaceOption = (help: string) => text('interface', help, { required: true, complete: 'interface' });
const isMac = (called: string) => /^[0-9a-f]{1,2}(:[0-9a-f]{1,2}){5}$/i.test(called);

/** The interface of the host that a name or an address means. @param by one of the two only */
export async function interfaceCalled(connection: Connection, called: string, by?: 'name' | 'mac'): Promise<Interface> {
  const failed = `failed to get interface '${called}'`;
  const mac = isMac(called);
  if ((by === 'mac' && !mac) || (by === 'name' && mac)) throw new CommandFailure(failed);
  try {
    return await (mac ? connection.interfaceLookupByMACString(called) : connection.interfaceLookupByName(called));
  } catch (cause) {
    throw new CommandFailure(failed, cause);
  }
}

const listCommand: CommandDef = {
  name: 'iface-list',
  summary: 'list physical host interfaces',
  options: [flag('inactive', 'list inactive interfaces'), flag('all', 'list inactive & active interfaces')],
  async run(args, session) {
    const which = args.flag('all')
      ? ListInterfaces.ACTIVE | ListInterfaces.INACTIVE
      : args.flag('inactive')
        ? ListInterfaces.INACTIVE
        : ListInterfaces.ACTIVE;
    const found = await (await session.connection()).listAllInterfaces(which);
    const rows = found.map(async (iface) => ({
      name: iface.name,
      state: (await iface.isActive()) ? 'active' : 'inactive',
      mac: iface.mac,
    }));
    return table(
      [
        { key: 'name', title: 'Name' },
        { key: 'state', title: 'State' },
        { key: 'mac', title: 'MAC Address' },
      ],
      (await Promise.all(rows)).sort((a, b) => (a.name < b.name ? -1 : 1)),
    );
  },
};

const dumpxmlCommand: CommandDef = {
  name: 'iface-dumpxml',
  summary: 'interface information in XML',
  options: [
    interfaceOption('interface name or MAC address'),
    flag('inactive', 'show inactive defined XML'),
    ...xpathOptions,
  ],
  async run(args, session) {
    const iface = await interfaceCalled(await session.connection(), args.need('interface'));
    return description(await iface.getXMLDesc(args.flag('inactive') ? 1 : 0), args);
  },
};

const macCommand: CommandDef = {
  name: 'iface-mac',
  summary: 'convert an interface name to interface MAC address',
  options: [interfaceOption('interface name')],
  async run(args, session) {
    return single('mac', (await interfaceCalled(await session.connection(), args.need('interface'), 'name')).mac);
  },
};

const nameCommand: CommandDef = {
  name: 'iface-name',
  summary: 'convert an interface MAC address to interface name',
  options: [text('interface', 'interface MAC address', { required: true })],
  async run(args, session) {
    return single('name', (await interfaceCalled(await session.connection(), args.need('interface'), 'mac')).name);
  },
};

/** Commands about the host's network interfaces. */
export const interfaceCommands: readonly CommandDef[] = [dumpxmlCommand, listCommand, macCommand, nameCommand];
