import { commands } from '../machine-commands.ts';
import { flag, type OptionDef, text } from './definition.ts';
import { UsageFailure } from './failure.ts';
import { formatCalled, type SessionOptions } from './session.ts';

/** An option before the command, and its letter. */
export interface GlobalOptionDef extends OptionDef {
  readonly short?: string;
}

/** Options before the command. */
export const globalOptions: readonly GlobalOptionDef[] = [
  {
    ...text('connect', 'hypervisor connection URI (default: $NODEVISOR_URI, or domains in this process)', {
      named: true,
    }),
    short: 'c',
  },
  { ...text('escape', 'key that leaves a console, like ^] (the default)', { named: true }), short: 'e' },
  text('output', 'how to show results: table or json; a command takes it too', {
    complete: ['table', 'json'],
    named: true,
  }),
  { ...flag('quiet', 'only what was asked for: no titles, no sentences about what was done'), short: 'q' },
  { ...flag('readonly', 'connect readonly'), short: 'r' },
  { ...flag('timing', 'show how long each command took'), short: 't' },
  { ...flag('help', 'show help; of a command behind its name'), short: 'h' },
  { ...flag('version', 'show the version (also -V)'), short: 'v' },
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

/** The commands that need no connection, as completion sees them: by their first word. */
export function machineCommands(): readonly { readonly name: string; readonly options: readonly OptionDef[] }[] {
  return commands.map(({ path: [name = '', next], options }) => ({
    name,
    options: [
      ...(next === undefined ? [] : [text('subcommand', 'what to do', { complete: [next] })]),
      ...options.map(({ flags, help }) => optionOf(flags, help)),
    ],
  }));
}

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
  if (text.length === 1 && text.charCodeAt(0) < 0x80) return text.charCodeAt(0);
  throw new UsageFailure(`Invalid string '${text}' for escape sequence`);
}

function read(argv: readonly string[]): { values: ReadonlyMap<string, string>; at: number } {
  const values = new Map<string, string>();
  let at = 0;
  for (; at < argv.length && argv[at]!.startsWith('-') && argv[at] !== '--'; at++) {
    const { options, value: inline } = optionsIn(argv[at]!);
    for (const { name, kind, short } of options) {
      const value = kind === 'flag' ? '' : (inline ?? argv[++at]);
      if (value === undefined) {
        const called = short === undefined ? `'--${name}'` : `'-${short}'/'--${name}'`;
        throw new UsageFailure(`option ${called} requires an argument`);
      }
      values.set(name, value);
    }
  }
  return { values, at };
}

/** Reads the options before the command. Throws UsageFailure. */
export function parseGlobals(argv: readonly string[]): Globals {
  const { values, at } = read(argv);
  const [format, escapeKey] = [values.get('output'), values.get('escape')];
  return {
    options: {
      uri: values.get('connect'),
      readOnly: values.has('readonly'),
      quiet: values.has('quiet'),
      timing: values.has('timing'),
      ...(format === undefined ? {} : { format: formatCalled(format) }),
      ...(escapeKey === undefined ? {} : { escape: controlCharacter(escapeKey) }),
    },
    help: values.has('help'),
    version: values.has('version'),
    any: values.size > 0,
    rest: argv.slice(argv[at] === '--' ? at + 1 : at),
  };
}
