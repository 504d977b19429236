import { installCommand } from '../../install/command.ts';
import { blockJobCommands } from './commands/block-jobs.ts';
import { changeMediaCommand } from './commands/change-media.ts';
import { backupCommands, checkpointCommands } from './commands/checkpoint.ts';
import { actionCommands } from './commands/domain-actions.ts';
import { agentCommands } from './commands/domain-agent.ts';
import { cpuCommands } from './commands/domain-cpu.ts';
import { deviceCommands } from './commands/domain-device.ts';
import { displayCommands } from './commands/domain-display.ts';
import { guestCommands } from './commands/domain-guest.ts';
import { blockCommands, ioCommands } from './commands/domain-io.ts';
import { lifecycleCommands } from './commands/domain-lifecycle.ts';
import { limitCommands } from './commands/domain-limits.ts';
import { miscCommands } from './commands/domain-misc.ts';
import { monitorCommands } from './commands/domain-monitor.ts';
import { perfCommands } from './commands/domain-perf.ts';
import { descriptionCommands } from './commands/domain-read.ts';
import { saveCommands } from './commands/domain-save.ts';
import { jobCommands } from './commands/domain-state.ts';
import { tuningCommands } from './commands/domain-tuning.ts';
import { domainEventCommand, nodeDeviceEventCommand, secretEventCommand } from './commands/events.ts';
import { filterChangeCommands } from './commands/filter.ts';
import { hostCommands } from './commands/host.ts';
import { hostCpuCommands } from './commands/host-cpu.ts';
import { nodeDeviceCommands } from './commands/host-device.ts';
import { interfaceCommands } from './commands/host-interface.ts';
import { hostMemoryCommands } from './commands/host-memory.ts';
import { interfaceChangeCommands } from './commands/interface-change.ts';
import { iothreadCommands } from './commands/iothreads.ts';
import { migrationCommands } from './commands/migration.ts';
import { monitorEventCommand } from './commands/monitor-event.ts';
import { networkCommands } from './commands/network.ts';
import { networkPortCommands } from './commands/network-port.ts';
import { nodeDeviceChangeCommands } from './commands/node-device-change.ts';
import { poolCommands } from './commands/pool.ts';
import { poolSourceCommands } from './commands/pool-sources.ts';
import { filterCommands, secretCommands } from './commands/secret.ts';
import { secretValueCommands } from './commands/secret-value.ts';
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
      [installCommand, changeMediaCommand, monitorEventCommand],
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
      agentCommands,
      backupCommands,
      blockJobCommands,
      iothreadCommands,
      migrationCommands,
      perfCommands,
    ),
  },
  { keyword: 'monitor', title: 'Domain Monitoring', commands: sorted(monitorCommands, ioCommands) },
  { keyword: 'events', title: 'Domain Events', commands: [domainEventCommand] },
  {
    keyword: 'host',
    title: 'Host and Hypervisor',
    commands: sorted(hostCommands, hostCpuCommands, hostMemoryCommands),
  },
  { keyword: 'interface', title: 'Interface', commands: sorted(interfaceCommands, interfaceChangeCommands) },
  { keyword: 'filter', title: 'Network Filter', commands: sorted(filterCommands, filterChangeCommands) },
  { keyword: 'network', title: 'Networking', commands: sorted(networkCommands, networkPortCommands) },
  {
    keyword: 'nodedev',
    title: 'Node Device',
    commands: sorted([nodeDeviceEventCommand], nodeDeviceCommands, nodeDeviceChangeCommands),
  },
  { keyword: 'secret', title: 'Secret', commands: sorted([secretEventCommand], secretCommands, secretValueCommands) },
  { keyword: 'checkpoint', title: 'Checkpoint', commands: sorted(checkpointCommands) },
  { keyword: 'snapshot', title: 'Snapshot', commands: sorted(snapshotCommands) },
  { keyword: 'pool', title: 'Storage Pool', commands: sorted(poolCommands, poolSourceCommands) },
  { keyword: 'volume', title: 'Storage Volume', commands: sorted(volumeCommands) },
  { keyword: 'shell', title: 'The shell itself', commands: sorted(shellCommands(() => commandGroups)) },
];

const byName = new Map(commandGroups.flatMap(({ commands }) => commands).map((command) => [command.name, command]));

/** The command of a name. */
export function findCommand(name: string): CommandDef | undefined {
  return byName.get(name);
}
