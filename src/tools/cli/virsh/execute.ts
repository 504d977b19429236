import { VirtError } from '../../../util/index.ts';
import { ExitCode } from '../command.ts';
import { type CommandArgs, parseArguments } from './arguments.ts';
import type { CommandDef } from './definition.ts';
import { CommandFailure, linesOf, UsageFailure } from './failure.ts';
import { findCommand } from './groups.ts';
import { commandHelp } from './help.ts';
import { LogLevel } from './log.ts';
import { formatCalled, type Session } from './session.ts';

/** A command with its arguments, ready to run. */
interface Call {
  readonly command: CommandDef;
  readonly args: CommandArgs;
}

function prepare(words: readonly string[], session: Session): Call {
  const [name = '', ...rest] = words;
  const command = findCommand(name);
  if (command === undefined) throw new UsageFailure(`unknown command: '${name}'`);
  const args = parseArguments(command, rest);
  // Only an own option of that name may mean something else.
  if (!command.options.some((option) => option.name === 'output')) formatCalled(args.text('output') ?? 'table');
  for (const [option, values] of args.given) {
    for (const value of values.length === 0 ? ['(none)'] : values) {
      const kind = values.length === 0 ? 'bool' : 'optdata';
      session.log.debug(LogLevel.INFO, `${name}: ${option}(${kind}): ${value}`);
    }
  }
  return { command, args };
}

/** Writes the lines that explain an error. @returns exit status: 1 for every kind of error, as virsh has it */
export function reportError(error: unknown, session: Session): number {
  const { env } = session.context;
  const expected = error instanceof CommandFailure || error instanceof VirtError || error instanceof UsageFailure;
  const lines = expected && env['NODEVISOR_DEBUG'] !== undefined ? [(error as Error).stack ?? ''] : linesOf(error);
  for (const line of lines) session.showError(line);
  return ExitCode.FAILURE;
}

async function runCall({ command, args }: Call, session: Session): Promise<number> {
  const before = session.format;
  const start = performance.now();
  try {
    if (args.flag('help')) {
      session.write(commandHelp(command));
      return ExitCode.OK;
    }
    const asked = args.text('output');
    if (asked !== undefined) session.format = formatCalled(asked);
    session.command = command.name;
    const shown = await command.run(args, session);
    if (typeof shown === 'number') return shown;
    if (shown !== undefined) session.show(shown);
    return shown?.status ?? ExitCode.OK;
  } catch (error) {
    return reportError(error, session);
  } finally {
    // Nothing is after the last command of a session.
    if (!session.ended) session.closeCommand(performance.now() - start);
    session.format = before;
  }
}

/**
 * Runs commands one after the other, a failed one too, until one of them ends the session. When one is called in a way
 * that it cannot be, none runs.
 * @returns exit status of the last
 */
export async function runCommands(commands: readonly (readonly string[])[], session: Session): Promise<number> {
  let calls: Call[];
  try {
    calls = commands.map((words) => prepare(words, session));
  } catch (error) {
    return reportError(error, session);
  }
  let status: number = ExitCode.OK;
  for (const call of calls) {
    status = await runCall(call, session);
    if (session.ended) break;
  }
  return status;
}
