import { fstatSync } from 'node:fs';
import { type Context, ExitCode } from '../command.ts';
import { commands } from '../machine-commands.ts';
import { nearest } from '../suggest.ts';
import { reportError, runCommands } from './execute.ts';
import { waitForOwnDomains } from './foreground.ts';
import { type Globals, globalOptions } from './global-options.ts';
import { commandGroups, findCommand } from './groups.ts';
import { allHelp } from './help.ts';
import { splitLine } from './line.ts';
import { LogLevel } from './log.ts';
import { Session } from './session.ts';
import { runScript, runShell } from './shell.ts';

const USAGE = [
  'Usage: nodevisor [options] [command [arguments]]',
  "       nodevisor [options] 'command [arguments]; command …'",
];

/** What is said to those who ask for nothing. */
export function brief(): string {
  return [...USAGE, '', "'nodevisor --help' shows the options and all commands.", ''].join('\n');
}

/** What is said of a command that there is not. */
export function unknownCommand(name: string): string {
  const names = [
    ...commands.map(({ path: [first = ''] }) => first),
    ...commandGroups.flatMap((group) => group.commands.map((one) => one.name)),
  ];
  const meant = nearest(name, names);
  return `unknown command '${name}'${meant === undefined ? '' : `; did you mean '${meant}'?`}`;
}

/** What there is: options before the command, commands. */
export function overview(): string {
  const line = (name: string, help: string) => `  ${name.padEnd(30)} ${help}`;
  return [
    ...USAGE,
    '',
    'Virtual machines for Node.js. Without a command: a shell, or the commands on standard input.',
    '',
    'Options:',
    ...globalOptions.map(({ name, kind, help, short }) => {
      const letter = short === undefined ? '    ' : `-${short}, `;
      return line(`${letter}--${name}${kind === 'flag' ? '' : kind === 'number' ? ' <n>' : ' <value>'}`, help);
    }),
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

/** True for a file or the output of another program; nothing can come from /dev/null. */
function isScript(stdin: Context['stdin']): boolean {
  const { fd } = stdin as { readonly fd?: unknown };
  return typeof fd === 'number' && !fstatSync(fd).isCharacterDevice();
}

/** True when the words are for the commands over a connection. */
export function isForConnection({ rest, any }: Globals, context: Context): boolean {
  const [name] = rest;
  if (name === undefined) return any || context.stdin.isTTY === true || isScript(context.stdin);
  return findCommand(name) !== undefined || (rest.length === 1 && isLine(name));
}

async function runOnce(rest: readonly string[], session: Session): Promise<number> {
  try {
    const [first = ''] = rest;
    if (rest.length === 1) session.log.debug(LogLevel.INFO, `commands: "${first}"`);
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
export async function runConnection({ rest, options, remarks }: Globals, context: Context): Promise<number> {
  for (const remark of remarks) context.stderr.write(`error: ${remark}\n`);
  if (rest.length > 0) return runOnce(rest, new Session(context, options));
  if (context.stdin.isTTY === true) return runShell(new Session(context, { ...options, interactive: true }));
  return runScript(new Session(context, { ...options, scripted: true }));
}

export { parseGlobals } from './global-options.ts';
