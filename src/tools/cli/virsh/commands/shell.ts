import { homedir } from 'node:os';
import { completionScript } from '../completion-script.ts';
import { type CommandDef, type CommandGroup, flag, text } from '../definition.ts';
import { CommandFailure } from '../failure.ts';
import { reasonOf } from '../files.ts';
import { allHelp, commandHelp, groupHelp } from '../help.ts';
import { quoteWord } from '../line.ts';
import { single } from '../output.ts';
import { escapeXml } from '../xml.ts';

function describe(commandGroups: readonly CommandGroup[], name: string | undefined): { text: string; json: unknown } {
  if (name === undefined) {
    const json = commandGroups.map(({ keyword, title, commands }) => ({
      keyword,
      title,
      commands: commands.map(({ name: command, summary }) => ({ name: command, summary })),
    }));
    return { text: allHelp(commandGroups), json };
  }
  const command = commandGroups.flatMap(({ commands }) => commands).find((one) => one.name === name);
  if (command !== undefined) {
    const { summary, options } = command;
    return { text: commandHelp(command), json: { name: command.name, summary, options } };
  }
  const group = commandGroups.find(({ keyword }) => keyword === name);
  if (group === undefined) throw new CommandFailure(`command or command group '${name}' doesn't exist`);
  return { text: groupHelp(group), json: group.commands.map(({ name: one, summary }) => ({ name: one, summary })) };
}

/** All commands there are, these among them. */
type Table = () => readonly CommandGroup[];

const helpCommand = (table: Table): CommandDef => ({
  name: 'help',
  summary: 'print help: all of it, of a group, or of a command',
  options: [text('command', 'name of a command or keyword of a group', { complete: 'command' })],
  async run(args) {
    return describe(table(), args.text('command'));
  },
});

/** virsh has two names for it. */
const quitCommands = ['exit', 'quit'].map(
  (name): CommandDef => ({
    name,
    summary: 'quit this interactive terminal',
    options: [],
    async run(_args, session) {
      session.quit();
      return 0;
    },
  }),
);

const cdCommand: CommandDef = {
  name: 'cd',
  summary: 'change the current directory',
  options: [text('dir', 'directory to switch to (default: home)', { complete: 'directory' })],
  async run(args, session) {
    if (!session.interactive) throw new CommandFailure('cd: command valid only in interactive mode');
    const directory = args.text('dir') ?? session.context.env['HOME'] ?? homedir();
    try {
      process.chdir(directory);
    } catch (error) {
      throw new CommandFailure(`cd: ${directory}: ${reasonOf(error)}`);
    }
    return 0;
  },
};

const pwdCommand: CommandDef = {
  name: 'pwd',
  summary: 'print the current directory',
  options: [],
  async run() {
    return single('directory', process.cwd());
  },
};

const connectCommand: CommandDef = {
  name: 'connect',
  summary: '(re)connect to a hypervisor',
  options: [
    text('name', 'connection URI (default: the one that is used without --connect)'),
    flag('readonly', 'read-only connection'),
  ],
  async run(args, session) {
    await session.reconnect(args.text('name'), args.flag('readonly'));
    return 0;
  },
};

/** Parts of `a,b`; a comma in a part is written twice. */
function splitCommas(word: string): readonly string[] {
  return word.split(/(?<!,),(?!,)/).map((part) => part.replaceAll(',,', ','));
}

const echoCommand: CommandDef = {
  name: 'echo',
  summary: 'echo arguments',
  options: [
    flag('shell', 'escape for shell use'),
    flag('xml', 'escape for XML use'),
    flag('split', 'split arguments at commas, a line each; two commas stand for one'),
    flag('err', 'output to stderr'),
    text('string', 'arguments to echo', { repeat: true, emptyOk: true, synonyms: ['str'] }),
  ],
  async run(args, session) {
    args.exclusive('shell', 'xml');
    args.exclusive('shell', 'split');
    args.exclusive('xml', 'split');
    const words = args
      .list('string')
      .flatMap((word) => (args.flag('split') ? splitCommas(word) : word))
      .map((word) => (args.flag('xml') ? escapeXml(word) : word))
      .map((word) => (args.flag('shell') ? quoteWord(word) : word));
    const said = words.join(args.flag('split') ? '\n' : ' ');
    // As virsh: each part ends its line, and what follows a command is behind that.
    if (!args.flag('err')) return { text: args.flag('split') ? `${said}\n` : said, json: words };
    session.showError(said);
    return { text: '', json: words };
  },
};

const completionCommand = (table: Table): CommandDef => ({
  name: 'completion',
  summary: 'print a completion script for a shell',
  description: [
    'bash: source <(nodevisor completion bash), in ~/.bashrc.',
    'zsh: nodevisor completion zsh > DIRECTORY/_nodevisor, with a directory of $fpath.',
  ].join('\n'),
  options: [text('shell', 'bash or zsh', { required: true, complete: ['bash', 'zsh'] })],
  async run(args, session) {
    session.write(completionScript(args.need('shell'), table()));
    return 0;
  },
});

/** Commands of the shell itself. @param table all commands, which help and completion scripts are written from */
export function shellCommands(table: Table): readonly CommandDef[] {
  return [
    helpCommand(table),
    ...quitCommands,
    cdCommand,
    pwdCommand,
    connectCommand,
    echoCommand,
    completionCommand(table),
  ];
}
