import { type Context, ExitCode } from '../command.ts';
import { commands } from '../machine-commands.ts';
import { formatCalled, reportError, runCommands } from './execute.ts';
import { UsageFailure } from './failure.ts';
import { waitForOwnDomains } from './foreground.ts';
import { globalOptions } from './global-options.ts';
import { commandGroups, findCommand } from './groups.ts';
import { allHelp } from './help.ts';
import { splitLine } from './line.ts';
import { Session, type SessionOptions } from './session.ts';
import { runScript, runShell } from './shell.ts';

/** What stands before the command. */
export interface Globals {
  readonly options: SessionOptions;
  readonly help: boolean;
  readonly version: boolean;
  /** An option before the command was given: this is about a connection. */
  readonly any: boolean;
  /** The command and what follows it. */
  readonly rest: readonly string[];
}

const SHORT: Readonly<Record<string, string>> = {
  '-c': 'connect',
  '-r': 'readonly',
  '-h': 'help',
  '-V': 'version',
  '-v': 'version',
};

/** Reads the options before the command. Throws UsageFailure. */
export function parseGlobals(argv: readonly string[]): Globals {
  const values = new Map<string, string>();
  let at = 0;
  for (; at < argv.length && argv[at]!.startsWith('-') && argv[at] !== '--'; at++) {
    const word = argv[at]!;
    const [given = '', inline] = word.startsWith('--') ? word.slice(2).split(/=(.*)/s, 2) : [SHORT[word] ?? word];
    const option = globalOptions.find(({ name }) => name === given);
    if (option === undefined) throw new UsageFailure(`unknown option '${word}'`);
    const value = option.kind === 'flag' ? '' : (inline ?? argv[++at]);
    if (value === undefined) throw new UsageFailure(`option '${word}' needs a value`);
    values.set(given, value);
  }
  const format = values.get('output');
  return {
    options: {
      uri: values.get('connect'),
      readOnly: values.has('readonly'),
      ...(format === undefined ? {} : { format: formatCalled(format) }),
    },
    help: values.has('help'),
    version: values.has('version'),
    any: values.size > 0,
    rest: argv.slice(argv[at] === '--' ? at + 1 : at),
  };
}

/** What there is: options before the command, commands. */
export function overview(): string {
  const line = (name: string, help: string) => `  ${name.padEnd(24)} ${help}`;
  return [
    'Usage: nodevisor [options] [command [arguments]]',
    "       nodevisor [options] 'command [arguments]; command …'",
    '',
    'Virtual machines for Node.js. Without a command, on a terminal: a shell.',
    '',
    'Options:',
    ...globalOptions.map(({ name, kind, help }) => line(`--${name}${kind === 'flag' ? '' : ' <value>'}`, help)),
    '',
    'Machines without a definition:',
    ...commands.map(({ path, summary }) => line(path.join(' '), summary)),
    '',
    allHelp(commandGroups),
    "'nodevisor help COMMAND' tells more about one of these, 'nodevisor run --help' about the first ones.",
    '',
  ].join('\n');
}

/** One word that holds a whole line of commands. */
function isLine(word: string): boolean {
  return /[\s;]/.test(word);
}

/** True when the words are for the commands over a connection. */
export function isForConnection({ rest, any }: Globals, context: Context): boolean {
  const [name] = rest;
  if (name === undefined) return any || context.stdin.isTTY === true;
  return findCommand(name) !== undefined || (rest.length === 1 && isLine(name));
}

async function runOnce(rest: readonly string[], session: Session): Promise<number> {
  try {
    const [first = ''] = rest;
    const commands = rest.length === 1 && isLine(first) ? splitLine(first) : [rest];
    const status = await runCommands(commands, session);
    const ended = await waitForOwnDomains(session);
    return ended === ExitCode.OK ? status : ended;
  } catch (error) {
    return reportError(error, session);
  } finally {
    await session.close();
  }
}

/** Runs commands over a connection: those given, else those typed on the terminal or piped in. */
export async function runConnection({ rest, options }: Globals, context: Context): Promise<number> {
  if (rest.length > 0) return runOnce(rest, new Session(context, options));
  if (context.stdin.isTTY === true) return runShell(new Session(context, { ...options, interactive: true }));
  return runScript(new Session(context, { ...options, scripted: true }));
}
