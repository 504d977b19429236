import { commands } from '../machine-commands.ts';
import { flag, type OptionDef, text } from './definition.ts';

/** Options before the command. */
export const globalOptions: readonly OptionDef[] = [
  text('connect', 'hypervisor connection URI (also -c; default: $NODEVISOR_URI, or domains in this process)', {
    named: true,
  }),
  flag('readonly', 'connect readonly (also -r)'),
  text('output', 'how to show results: table or json', { complete: ['table', 'json'], named: true }),
  flag('help', 'show help (also -h)'),
  flag('version', 'show the version (also -V)'),
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
