import { Command, CommanderError, Option } from 'commander';
import { Args, type CommandDef, type Context, ExitCode, type OptionValues } from './command.ts';

/** A command that was recognised, ready to run. */
type Action = () => Promise<number>;

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function addCommand(parent: Command, def: CommandDef, context: Context, choose: (action: Action) => void): void {
  const command = parent.command(def.path.at(-1) ?? '').description(def.summary);
  for (const argument of def.arguments) command.argument(argument.usage, argument.help);
  for (const { flags, help, repeat } of def.options) {
    const option = new Option(flags, help);
    command.addOption(repeat ? option.argParser(collect).default([], 'none') : option);
  }
  if (def.notes !== undefined) command.addHelpText('after', `\n${def.notes}`);
  command.action((...parameters: unknown[]) => {
    const positionals = parameters.slice(0, def.arguments.length).flat() as (string | undefined)[];
    const options = parameters[def.arguments.length] as OptionValues;
    choose(() => def.run(new Args(positionals, options), context));
  });
}

/** commander's parser for these commands; `choose` is told which one was called. */
function buildProgram(
  defs: readonly CommandDef[],
  version: string,
  context: Context,
  choose: (action: Action) => void,
): Command {
  const program = new Command('nodevisor').description('Virtual machines for Node.js').version(version);
  const groups = new Map<string, Command>();
  for (const def of defs) {
    const [group] = def.path;
    if (def.path.length === 1 || group === undefined) {
      addCommand(program, def, context, choose);
      continue;
    }
    const parent = groups.get(group) ?? program.command(group).description(`${group} commands`);
    groups.set(group, parent);
    addCommand(parent, def, context, choose);
  }
  return program;
}

/** The words, as the command that they call wants them. */
function rewritten(defs: readonly CommandDef[], argv: readonly string[]): readonly string[] {
  const def = defs.find(({ path }) => path.every((word, i) => argv[i] === word));
  if (def?.rewrite === undefined) return argv;
  return [...def.path, ...def.rewrite(argv.slice(def.path.length))];
}

/** Applies to the program and all commands below it. */
function configure(command: Command, context: Context): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => context.stdout.write(text),
    writeErr: (text) => context.stderr.write(text),
    outputError: (text, write) => write(`nodevisor: ${text.replace(/^error: /, '').trim()}\n`),
  });
  for (const child of command.commands) configure(child, context);
}

/**
 * Parses a command line and runs its command.
 * @param argv the words after the program's name
 * @returns the exit status; what the command throws passes through
 */
export async function parseAndRun(
  defs: readonly CommandDef[],
  version: string,
  argv: readonly string[],
  context: Context,
): Promise<number> {
  let chosen: Action | undefined;
  const program = buildProgram(defs, version, context, (action) => {
    chosen = action;
  });
  configure(program, context);
  try {
    program.parse(rewritten(defs, argv), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Asked for help or version: fine. Everything else, help instead of a command included, is bad usage.
    return error.exitCode === 0 ? ExitCode.OK : ExitCode.USAGE;
  }
  return chosen === undefined ? ExitCode.USAGE : chosen();
}
