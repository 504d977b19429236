import { commands } from '../machine-commands.ts';
import { flag, integer, type OptionDef, text } from './definition.ts';
import { UsageFailure } from './failure.ts';
import { LogLevel } from './log.ts';
import { formatCalled, type SessionOptions } from './session.ts';

/** An option before the command, and its letter. */
export interface GlobalOptionDef extends OptionDef {
  readonly short?: string;
}

/** Options before the command. */
export const globalOptions: readonly GlobalOptionDef[] = [
  {
    ...text(
      'connect',
      'hypervisor connection URI (default: $NODEVISOR_URI, $LIBVIRT_DEFAULT_URI, or nodevisor:///session)',
      {
        named: true,
      },
    ),
    short: 'c',
  },
  {
    ...integer('debug', 'tell what is done, from level 0 (all) to 4 (errors, the default)', { named: true }),
    short: 'd',
  },
  { ...text('escape', 'key that leaves a console, like ^] (the default)', { named: true }), short: 'e' },
  {
    ...integer('keepalive-interval', 'seconds of silence until a server is asked whether it is there; 0: never', {
      named: true,
    }),
    short: 'k',
  },
  {
    ...integer('keepalive-count', 'questions without an answer until the connection is closed', { named: true }),
    short: 'K',
  },
  { ...text('log', 'file to write errors and what --debug tells into', { named: true, complete: 'file' }), short: 'l' },
  text('output', 'how to show results: table or json; a command takes it too', {
    complete: ['table', 'json'],
    named: true,
  }),
  { ...flag('quiet', 'only what was asked for: no titles, no sentences about what was done'), short: 'q' },
  { ...flag('readonly', 'connect readonly'), short: 'r' },
  { ...flag('timing', 'show how long each command took'), short: 't' },
  { ...flag('help', 'show help; of a command behind its name'), short: 'h' },
  { ...flag('version', 'show the version; -V or --version=long: more of it'), short: 'v' },
];

/** An option in commander's notation, as far as completion and help need it. */
function optionOf(flags: string, help: string): OptionDef {
  const name = /--([a-z-]+)/.exec(flags)?.[1] ?? flags;
  const value = /<([a-z]+)>/.exec(flags)?.[1];
  if (value === undefined) return flag(name, help);
  const paths: Readonly<Record<string, 'file' | 'directory'>> = { file: 'file', directory: 'directory' };
  const complete = paths[value];
  return text(name, help, { named: true, ...(complete === undefined ? {} : { complete }) });
}

/** The commands that need no connection, as completion sees them: by their first word, with the options of all. */
export function machineCommands(): readonly { readonly name: string; readonly options: readonly OptionDef[] }[] {
  const names = [...new Set(commands.map(({ path: [name = ''] }) => name))];
  return names.map((name) => {
    const called = commands.filter(({ path }) => path[0] === name);
    const next = called.flatMap(({ path }) => path.slice(1, 2));
    const options = called.flatMap((command) => command.options.map(({ flags, help }) => optionOf(flags, help)));
    const byName = new Map(options.map((option) => [option.name, option]));
    return {
      name,
      options: [
        ...(next.length === 0 ? [] : [text('subcommand', 'what to do', { complete: next })]),
        ...byName.values(),
      ],
    };
  });
}

/** The most that `--keepalive-…` takes. */
const MOST = 0x7fff_ffff;

/** What stands before the command. */
export interface Globals {
  readonly options: SessionOptions;
  /** What is wrong with the options and can be passed over. */
  readonly remarks: readonly string[];
  readonly help: boolean;
  /** Show the version, in one line or more of it. */
  readonly version: 'short' | 'long' | undefined;
  /** An option before the command was given: this is about a connection. */
  readonly any: boolean;
  /** The command and what follows it. */
  readonly rest: readonly string[];
}

/** `--name`, `--name=value`, `-n`, `-nvalue` or `-nm` taken apart: options, and the value that the last has in it. */
function optionsIn(word: string): { options: readonly GlobalOptionDef[]; value: string | undefined } {
  const unknown = () => new UsageFailure(`unsupported option '${word}'. See --help.`);
  if (word.startsWith('--')) {
    const [given, value] = word.slice(2).split(/=(.*)/s, 2);
    const option = globalOptions.find(({ name }) => name === given);
    if (option === undefined) throw unknown();
    return { options: [option], value };
  }
  const options: GlobalOptionDef[] = [];
  for (let at = 1; at < word.length; at++) {
    // As virsh, which knows a long form of its version.
    const letter = word[at] === 'V' ? 'v' : word[at];
    const option = globalOptions.find(({ short }) => short === letter);
    if (option === undefined) throw unknown();
    options.push(option);
    if (option.kind !== 'flag') return { options, value: at + 1 < word.length ? word.slice(at + 1) : undefined };
  }
  if (options.length === 0) throw unknown();
  return { options, value: undefined };
}

/** The control character that `^]` and the like mean. Throws UsageFailure. */
function controlCharacter(text: string): number {
  const [, letter] = /^\^([@-_a-z])$/.exec(text) ?? [];
  if (letter !== undefined) return letter.toUpperCase().charCodeAt(0) - 0x40;
  if (text.length === 1 && text !== '^' && text.charCodeAt(0) < 0x80) return text.charCodeAt(0);
  throw new UsageFailure(`Invalid string '${text}' for escape sequence`);
}

/** What was given for an option, and how it was called. */
interface Given {
  readonly value: string;
  readonly called: string;
}

function read(argv: readonly string[]): { given: ReadonlyMap<string, Given>; at: number } {
  const given = new Map<string, Given>();
  let at = 0;
  for (; at < argv.length && argv[at]!.startsWith('-') && argv[at] !== '--'; at++) {
    const word = argv[at]!;
    const { options, value: inline } = optionsIn(word);
    for (const { name, kind, short } of options) {
      const value = kind === 'flag' ? (inline ?? (word.includes('V') ? 'long' : '')) : (inline ?? argv[++at]);
      if (value === undefined) {
        const called = short === undefined ? `'--${name}'` : `'-${short}'/'--${name}'`;
        throw new UsageFailure(`option ${called} requires an argument`);
      }
      given.set(name, { value, called: word.startsWith('--') ? `--${name}` : `-${short}` });
    }
  }
  return { given, at };
}

/** `--keepalive-…`. Throws UsageFailure. */
function count(given: Given | undefined): number | undefined {
  if (given === undefined) return undefined;
  const value = /^[+-]?\d+$/.test(given.value) ? Number(given.value) : Number.NaN;
  if (!Number.isSafeInteger(value) || value > MOST) throw new UsageFailure(`Invalid value for option ${given.called}`);
  if (value < 0) throw new UsageFailure(`option ${given.called} requires a positive integer argument`);
  return value;
}

/** `--debug`. Throws UsageFailure; undefined: there is no such level. */
function level(given: Given | undefined): LogLevel | undefined {
  if (given === undefined) return LogLevel.ERROR;
  if (!/^[+-]?\d+$/.test(given.value)) throw new UsageFailure(`option ${given.called} takes a numeric argument`);
  return Object.values(LogLevel).find((one) => one === Number(given.value));
}

/** Reads the options before the command. Throws UsageFailure. */
export function parseGlobals(argv: readonly string[]): Globals {
  const { given, at } = read(argv);
  const value = (name: string) => given.get(name)?.value;
  const [format, escapeKey, version] = [value('output'), value('escape'), value('version')];
  const debug = level(given.get('debug'));
  return {
    options: {
      // Empty is the same as unset, as with virsh.
      uri: value('connect') || undefined,
      readOnly: given.has('readonly'),
      quiet: given.has('quiet'),
      timing: given.has('timing'),
      debug: debug ?? LogLevel.ERROR,
      logFile: value('log'),
      keepaliveSeconds: count(given.get('keepalive-interval')),
      keepaliveCount: count(given.get('keepalive-count')),
      ...(format === undefined ? {} : { format: formatCalled(format) }),
      ...(escapeKey === undefined ? {} : { escape: controlCharacter(escapeKey) }),
    },
    remarks: debug === undefined ? [`ignoring debug level ${value('debug')} out of range [0-4]`] : [],
    help: given.has('help'),
    version: version === undefined ? undefined : version === 'long' ? 'long' : 'short',
    any: given.size > 0,
    rest: argv.slice(argv[at] === '--' ? at + 1 : at),
  };
}
