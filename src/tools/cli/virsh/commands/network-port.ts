import type { Network, NetworkPort } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, flag, text } from '../definition.ts';
import { attempt, CommandFailure, UsageFailure } from '../failure.ts';
import { readTextFile } from '../files.ts';
import { findNetwork, isUuid, normalUuid } from '../lookup.ts';
import { lines, message, table } from '../output.ts';
import { fileOption, networkOption, validateOption } from '../shared-options.ts';
import { description, xpathOptions } from '../xpath.ts';

const portOption = text('port', 'port UUID', { required: true });

function findPort(network: Network, args: CommandArgs): Promise<NetworkPort> {
  const called = args.need('port');
  const failed = `failed to get network port '${called}'`;
  if (!isUuid(called)) throw new CommandFailure(failed);
  return attempt(failed, network.portLookupByUUID(normalUuid(called)));
}

const listCommand: CommandDef = {
  name: 'net-port-list',
  summary: 'list network ports',
  options: [networkOption(), flag('uuid', "list uuid's only"), flag('table', 'list table (default)')],
  async run(args, session) {
    if (args.flag('uuid') && args.flag('table')) {
      throw new UsageFailure('Only one argument from --table and --uuid may be specified.');
    }
    const network = await findNetwork(args, session);
    const uuids = (await network.listAllPorts()).map(({ uuid }) => uuid).sort();
    if (args.flag('uuid')) return lines(uuids);
    return table(
      [{ key: 'uuid', title: 'UUID' }],
      uuids.map((uuid) => ({ uuid })),
    );
  },
};

const createCommand: CommandDef = {
  name: 'net-port-create',
  summary: 'create a network port from an XML file',
  options: [networkOption(), fileOption('network port'), validateOption],
  async run(args, session) {
    const file = args.need('file');
    const network = await findNetwork(args, session);
    const made = network.portCreateXML(await readTextFile(file), args.flag('validate') ? 1 : 0);
    const { uuid } = await attempt(`Failed to create network from ${file}`, made);
    return message(`Network port ${uuid} created from ${file}`, { uuid, file });
  },
};

const deleteCommand: CommandDef = {
  name: 'net-port-delete',
  summary: 'delete the specified network port',
  options: [networkOption(), portOption],
  async run(args, session) {
    const port = await findPort(await findNetwork(args, session), args);
    await attempt(`Failed to delete network port ${port.uuid}`, port.delete());
    return message(`Network port ${port.uuid} deleted`, { uuid: port.uuid });
  },
};

const dumpxmlCommand: CommandDef = {
  name: 'net-port-dumpxml',
  summary: 'network port information in XML',
  options: [networkOption(), portOption, ...xpathOptions],
  async run(args, session) {
    const port = await findPort(await findNetwork(args, session), args);
    return description(await port.getXMLDesc(), args);
  },
};

/** Commands about what is plugged into networks. */
export const networkPortCommands: readonly CommandDef[] = [createCommand, deleteCommand, dumpxmlCommand, listCommand];
