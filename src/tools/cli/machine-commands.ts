import { daemonCommand } from '../daemon/command.ts';
import { imageToolCommands } from '../image-tool/commands.ts';
import type { CommandDef } from './command.ts';
import { doctorCommand } from './commands/doctor.ts';
import { imagePullCommand } from './commands/image-pull.ts';
import { runCommand } from './commands/run.ts';

/** Commands that need no connection, in the order in which help lists them. */
export const commands: readonly CommandDef[] = [
  runCommand,
  imagePullCommand,
  ...imageToolCommands,
  doctorCommand,
  daemonCommand,
];
