import { readFileSync } from 'node:fs';
import { VirtError } from '../../util/index.ts';
import { assetPath } from '../assets.ts';
import { type CommandDef, type Context, exitCodeOf } from './command.ts';
import { doctorCommand } from './commands/doctor.ts';
import { imagePullCommand } from './commands/image-pull.ts';
import { runCommand } from './commands/run.ts';
import { parseAndRun } from './parser.ts';

/** All commands, in the order in which help lists them. */
export const commands: readonly CommandDef[] = [runCommand, imagePullCommand, doctorCommand];

/** Version of the package. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(assetPath('../package.json'), 'utf8')) as { version: string };
  return version;
}

function explain(error: unknown, env: NodeJS.ProcessEnv): string {
  if (!(error instanceof Error)) return String(error);
  // An expected error is one line; one of ours comes with the place where it happened.
  return error instanceof VirtError && env['NODEVISOR_DEBUG'] === undefined
    ? error.message
    : (error.stack ?? error.message);
}

/** Runs one command line to its end and returns the exit status; errors become a line on stderr. */
export async function runCli(argv: readonly string[], context: Context): Promise<number> {
  try {
    return await parseAndRun(commands, packageVersion(), argv, context);
  } catch (error) {
    context.stderr.write(`nodevisor: ${explain(error, context.env)}\n`);
    return exitCodeOf(error);
  }
}
