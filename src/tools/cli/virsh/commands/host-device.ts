import { type Connection, ListNodeDevices, type NodeDevice } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, flag, text } from '../definition.ts';
import { attempt, isUnsupported, UsageFailure } from '../failure.ts';
import { fields, lines, type Output } from '../output.ts';
import { drawTree, growTrees } from '../tree.ts';
import { description, xpathOptions } from '../xpath.ts';

/** Capabilities that libvirt knows of devices (virNodeDevCapType). */
const CAPABILITIES = [
  'system',
  'pci',
  'usb_device',
  'usb',
  'net',
  'scsi_host',
  'scsi_target',
  'scsi',
  'storage',
  'fc_host',
  'vports',
  'scsi_generic',
  'drm',
  'mdev_types',
  'mdev',
  'ccw',
  'css',
  'vdpa',
  'ap_card',
  'ap_queue',
  'ap_matrix',
  'vpd',
] as const;

/** The device that a command is about. */
export const deviceOption = text('device', 'device name', { required: true, complete: 'node-device' });

/** The device of the host that a name means. */
export async function deviceCalled(connection: Connection, called: string): Promise<NodeDevice> {
  return attempt(`Could not find matching device '${called}'`, connection.nodeDeviceLookupByName(called));
}

async function withCapabilities(devices: readonly NodeDevice[], wanted: readonly string[]): Promise<NodeDevice[]> {
  const caps = await Promise.all(devices.map((device) => device.listCaps()));
  return devices.filter((_, i) => wanted.length === 0 || caps[i]!.some((cap) => wanted.includes(cap)));
}

function capabilitiesOf(args: CommandArgs): readonly string[] {
  const wanted = args.text('cap')?.split(',') ?? [];
  if (wanted.some((cap) => !CAPABILITIES.some((known) => known === cap))) {
    throw new UsageFailure('Invalid capability type');
  }
  if (args.flag('tree') && (args.flag('cap') || args.flag('inactive'))) {
    throw new UsageFailure('Option --tree is incompatible with --cap and --inactive');
  }
  return wanted;
}

const listCommand: CommandDef = {
  name: 'nodedev-list',
  summary: 'enumerate devices on this host',
  options: [
    flag('tree', 'list devices in a tree'),
    text('cap', 'capability names, separated by comma', { complete: CAPABILITIES }),
    flag('inactive', 'list inactive devices'),
    flag('all', 'list inactive & active devices'),
  ],
  async run(args, session): Promise<Output> {
    const wanted = capabilitiesOf(args);
    const active = args.flag('all') || !args.flag('inactive') ? ListNodeDevices.ACTIVE : 0;
    const inactive = args.flag('all') || args.flag('inactive') ? ListNodeDevices.INACTIVE : 0;
    const connection = await session.connection();
    const listed = attempt('Failed to list node devices', connection.listAllNodeDevices((active | inactive) >>> 0));
    const devices = await withCapabilities(await listed, wanted);
    const sorted = devices.sort((a, b) => (a.name < b.name ? -1 : 1));
    if (!args.flag('tree')) return lines(sorted.map(({ name }) => name));
    const things = sorted.map(async (device) => ({ name: device.name, parent: (await device.getParent()) ?? null }));
    const trees = growTrees(await Promise.all(things));
    return { text: trees.map(drawTree).join(''), json: trees };
  },
};

/** What counts where a driver has no such call. */
function unlessUnsupported<T>(otherwise: T): (error: unknown) => T {
  return (error) => {
    if (isUnsupported(error)) return otherwise;
    throw error;
  };
}

const infoCommand: CommandDef = {
  name: 'nodedev-info',
  summary: 'node device information',
  options: [deviceOption],
  async run(args, session) {
    const device = await deviceCalled(await session.connection(), args.need('device'));
    const [parent, active, persistent, autostart] = await Promise.all([
      device.getParent(),
      // Where nothing is known of that, devices are there as long as the host has them.
      device.isActive().catch(unlessUnsupported(true)),
      device.isPersistent().catch(unlessUnsupported(true)),
      device.getAutostart().catch(unlessUnsupported(undefined)),
    ]);
    return fields([
      ['Name', 'name', device.name],
      ['Parent', 'parent', parent ?? null, parent ?? ''],
      ['Active', 'active', active],
      ['Persistent', 'persistent', persistent],
      [
        'Autostart',
        'autostart',
        autostart ?? null,
        autostart === undefined ? 'no autostart' : autostart ? 'yes' : 'no',
      ],
    ]);
  },
};

const dumpxmlCommand: CommandDef = {
  name: 'nodedev-dumpxml',
  summary: 'node device details in XML',
  options: [deviceOption, ...xpathOptions],
  async run(args, session) {
    const device = await deviceCalled(await session.connection(), args.need('device'));
    return description(await device.getXMLDesc(), args);
  },
};

/** Commands about devices of the host. */
export const nodeDeviceCommands: readonly CommandDef[] = [dumpxmlCommand, infoCommand, listCommand];
