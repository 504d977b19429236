import { installCommand } from '../../install/command.ts';
import { changeMediaCommand } from './commands/change-media.ts';
import { actionCommands } from './commands/domain-actions.ts';
import { cpuCommands } from './commands/domain-cpu.ts';
import { deviceCommands } from './commands/domain-device.ts';
import { displayCommands } from './commands/domain-display.ts';
import { guestCommands } from './commands/domain-guest.ts';
import { blockCommands, ioCommands } from './commands/domain-io.ts';
import { lifecycleCommands } from './commands/domain-lifecycle.ts';
import { limitCommands } from './commands/domain-limits.ts';
import { miscCommands } from './commands/domain-misc.ts';
import { monitorCommands } from './commands/domain-monitor.ts';
import { descriptionCommands } from './commands/domain-read.ts';
import { saveCommands } from './commands/domain-save.ts';
import { jobCommands } from './commands/domain-state.ts';
import { tuningCommands } from './commands/domain-tuning.ts';
import { domainEventCommand } from './commands/events.ts';
import { hostCommands } from './commands/host.ts';
import { hostCpuCommands } from './commands/host-cpu.ts';
import { nodeDeviceCommands } from './commands/host-device.ts';
import { interfaceCommands } from './commands/host-interface.ts';
import { networkCommands } from './commands/network.ts';
import { poolCommands } from './commands/pool.ts';
import { filterCommands, secretCommands } from './commands/secret.ts';
import { shellCommands } from './commands/shell.ts';
import { snapshotCommands } from './commands/snapshot.ts';
import { missingDomainCommands } from './commands/unsupported/domain.ts';
import {
  missingDeviceCommands,
  missingHostCommands,
  missingInterfaceCommands,
  missingNetworkCommands,
  missingPoolCommands,
} from './commands/unsupported/host.ts';
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
      [installCommand, changeMediaCommand],
      lifecycleCommands,
      descriptionCommands,
      tuningCommands,
      deviceCommands,
      blockCommands,
      miscCommands,
      actionCommands,
      cpuCommands,
      displayCommands,
      guestCommands,
      jobCommands,
      limitCommands,
      saveCommands,
      missingDomainCommands,
    ),
  },
  { keyword: 'monitor', title: 'Domain Monitoring', commands: sorted(monitorCommands, ioCommands) },
  { keyword: 'events', title: 'Domain Events', commands: [domainEventCommand] },
  {
    keyword: 'host',
    title: 'Host and Hypervisor',
    commands: sorted(hostCommands, hostCpuCommands, missingHostCommands),
  },
  { keyword: 'interface', title: 'Interface', commands: sorted(interfaceCommands, missingInterfaceCommands) },
  { keyword: 'filter', title: 'Network Filter', commands: sorted(filterCommands) },
  { keyword: 'network', title: 'Networking', commands: sorted(networkCommands, missingNetworkCommands) },
  { keyword: 'nodedev', title: 'Node Device', commands: sorted(nodeDeviceCommands, missingDeviceCommands) },
  { keyword: 'secret', title: 'Secret', commands: sorted(secretCommands) },
  { keyword: 'snapshot', title: 'Snapshot', commands: sorted(snapshotCommands) },
  { keyword: 'pool', title: 'Storage Pool', commands: sorted(poolCommands, missingPoolCommands) },
  { keyword: 'volume', title: 'Storage Volume', commands: sorted(volumeCommands) },
  { keyword: 'shell', title: 'The shell itself', commands: sorted(shellCommands(() => commandGroups)) },
];

const byName = new Map(commandGroups.flatMap(({ commands }) => commands).map((command) => [command.name, command]));

/** The command of a name. */
export function findCommand(name: string): CommandDef | undefined {
  return byName.get(name);
}
