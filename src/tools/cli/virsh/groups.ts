import { installCommand } from '../../install/command.ts';
import { deviceCommands } from './commands/domain-device.ts';
import { blockCommands, ioCommands } from './commands/domain-io.ts';
import { lifecycleCommands } from './commands/domain-lifecycle.ts';
import { miscCommands } from './commands/domain-misc.ts';
import { monitorCommands } from './commands/domain-monitor.ts';
import { descriptionCommands } from './commands/domain-read.ts';
import { tuningCommands } from './commands/domain-tuning.ts';
import { domainEventCommand } from './commands/events.ts';
import { hostCommands } from './commands/host.ts';
import { networkCommands } from './commands/network.ts';
import { poolCommands } from './commands/pool.ts';
import { shellCommands } from './commands/shell.ts';
import { snapshotCommands } from './commands/snapshot.ts';
import { volumeCommands } from './commands/volume.ts';
import type { CommandDef, CommandGroup } from './definition.ts';

function sorted(...lists: readonly (readonly CommandDef[])[]): readonly CommandDef[] {
  return lists.flat().sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** All commands over a connection, in groups, in the order in which help shows them. */
export const commandGroups: readonly CommandGroup[] = [
  {
    keyword: 'domain',
    title: 'Domain Management',
    commands: sorted(
      [installCommand],
      lifecycleCommands,
      descriptionCommands,
      tuningCommands,
      deviceCommands,
      blockCommands,
      miscCommands,
    ),
  },
  { keyword: 'monitor', title: 'Domain Monitoring', commands: sorted(monitorCommands, ioCommands) },
  { keyword: 'events', title: 'Domain Events', commands: [domainEventCommand] },
  { keyword: 'host', title: 'Host and Hypervisor', commands: sorted(hostCommands) },
  { keyword: 'network', title: 'Networking', commands: sorted(networkCommands) },
  { keyword: 'snapshot', title: 'Snapshot', commands: sorted(snapshotCommands) },
  { keyword: 'pool', title: 'Storage Pool', commands: sorted(poolCommands) },
  { keyword: 'volume', title: 'Storage Volume', commands: sorted(volumeCommands) },
  { keyword: 'shell', title: 'The shell itself', commands: sorted(shellCommands(() => commandGroups)) },
];

const byName = new Map(commandGroups.flatMap(({ commands }) => commands).map((command) => [command.name, command]));

/** The command of a name. */
export function findCommand(name: string): CommandDef | undefined {
  return byName.get(name);
}
