import type { Connection, NodeDevice } from '../../../../virt/index.ts';
import { type CommandDef, flag, text } from '../definition.ts';
import { attempt, CommandFailure } from '../failure.ts';
import { readTextFile } from '../files.ts';
import { message } from '../output.ts';
import { fileOption, validateOption } from '../shared-options.ts';
import { deviceCalled, deviceOption } from './host-device.ts';

const anyDevice = text('device', "device name or wwn pair in 'wwnn,wwpn' format", {
  required: true,
  complete: 'node-device',
});

/** The device that a name or a pair of world-wide names means. */
async function deviceOrHost(connection: Connection, called: string): Promise<NodeDevice> {
  const [wwnn = '', wwpn, more] = called.split(',');
  if (wwpn === undefined) return deviceCalled(connection, called);
  if (more !== undefined) throw new CommandFailure(`Malformed device value '${called}'`);
  const malformed = [wwnn, wwpn].find((one) => !/^[0-9a-f]{16}$/i.test(one));
  if (malformed !== undefined) throw new CommandFailure(`internal error: Malformed wwn: ${malformed}`);
  return attempt(`Could not find matching device '${called}'`, connection.nodeDeviceLookupSCSIHostByWWN(wwnn, wwpn));
}

interface Change {
  readonly name: string;
  readonly summary: string;
  /** Only by its name. */
  readonly named?: boolean;
  failed(device: string): string;
  done(device: string): string;
  act(device: NodeDevice): Promise<void>;
}

function changeCommand({ name, summary, named, failed, done, act }: Change): CommandDef {
  return {
    name: `nodedev-${name}`,
    summary,
    options: [named === true ? deviceOption : anyDevice],
    async run(args, session) {
      const called = args.need('device');
      const connection = await session.connection();
      const device = await (named === true ? deviceCalled(connection, called) : deviceOrHost(connection, called));
      await attempt(failed(called), act(device));
      return message(done(called), { device: called });
    },
  };
}

const detachCommand: CommandDef = {
  name: 'nodedev-detach',
  summary: 'detach node device from its device driver',
  options: [deviceOption, text('driver', 'pci device assignment backend driver', { named: true })],
  async run(args, session) {
    const called = args.need('device');
    const driver = args.text('driver');
    const device = await deviceCalled(await session.connection(), called);
    const detached = driver === undefined ? device.dettach() : device.detachFlags(driver);
    await attempt(`Failed to detach device ${called}`, detached);
    return message(`Device ${called} detached`, { device: called });
  },
};

const autostartCommand: CommandDef = {
  name: 'nodedev-autostart',
  summary: 'autostart a defined node device',
  options: [anyDevice, flag('disable', 'disable autostarting')],
  async run(args, session) {
    const device = await deviceOrHost(await session.connection(), args.need('device'));
    const how = args.flag('disable') ? 'unmark' : 'mark';
    const failed = `failed to ${how} device ${device.name} as autostarted`;
    await attempt(failed, device.setAutostart(!args.flag('disable')));
    return message(`Device ${device.name} ${how}ed as autostarted`, { device: device.name });
  },
};

/** `nodedev-create` and `nodedev-define`. */
const makeCommands: readonly CommandDef[] = [
  {
    name: 'nodedev-create',
    summary: 'create a device defined by an XML file on the node',
    options: [fileOption('node device'), validateOption],
    async run(args, session) {
      const file = args.need('file');
      const xml = await readTextFile(file);
      const made = (await session.connection()).nodeDeviceCreateXML(xml, args.flag('validate') ? 1 : 0);
      const { name } = await attempt(`Failed to create node device from ${file}`, made);
      return message(`Node device ${name} created from ${file}`, { device: name, file });
    },
  },
  {
    name: 'nodedev-define',
    summary: 'define a device by an XML file on the node',
    options: [fileOption('node device'), validateOption],
    async run(args, session) {
      const file = args.need('file');
      const xml = await readTextFile(file);
      const made = (await session.connection()).nodeDeviceDefineXML(xml, args.flag('validate') ? 1 : 0);
      const { name } = await attempt(`Failed to define node device from '${file}'`, made);
      return message(`Node device '${name}' defined from '${file}'`, { device: name, file });
    },
  },
];

/** Commands that change devices of the host. */
export const nodeDeviceChangeCommands: readonly CommandDef[] = [
  autostartCommand,
  detachCommand,
  ...makeCommands,
  changeCommand({
    name: 'destroy',
    summary: 'destroy (stop) a device on the node',
    failed: (device) => `Failed to destroy node device '${device}'`,
    done: (device) => `Destroyed node device '${device}'`,
    act: (device) => device.destroy(),
  }),
  changeCommand({
    name: 'reattach',
    summary: 'reattach node device to its device driver',
    named: true,
    failed: (device) => `Failed to re-attach device ${device}`,
    done: (device) => `Device ${device} re-attached`,
    act: (device) => device.reAttach(),
  }),
  changeCommand({
    name: 'reset',
    summary: 'reset node device',
    named: true,
    failed: (device) => `Failed to reset device ${device}`,
    done: (device) => `Device ${device} reset`,
    act: (device) => device.reset(),
  }),
  changeCommand({
    name: 'start',
    summary: 'start an inactive node device',
    named: true,
    failed: (device) => `Failed to start device ${device}`,
    done: (device) => `Device ${device} started`,
    act: (device) => device.create(),
  }),
  changeCommand({
    name: 'undefine',
    summary: 'undefine an inactive node device',
    failed: (device) => `Failed to undefine node device '${device}'`,
    done: (device) => `Undefined node device '${device}'`,
    act: (device) => device.undefine(),
  }),
];
