import { valueName } from './arguments.ts';
import type { CommandDef, CommandGroup, OptionDef } from './definition.ts';

const NAME_COLUMNS = 30;
const OPTION_COLUMNS = 15;

function isData(option: OptionDef): boolean {
  return option.kind !== 'flag' && !option.named && (option.required === true || option.repeat === true);
}

function usageOf(option: OptionDef): string {
  const { name, kind, required, repeat } = option;
  if (kind === 'flag') return `[--${name}]`;
  if (repeat) {
    const value = isData(option) ? `[--${name}] ${valueName(option)}` : `--${name} ${valueName(option)}`;
    return required ? `{${value}}...` : `[${value}]...`;
  }
  if (option.optional) return `[--${name} [${valueName(option)}]]`;
  return required
    ? option.named
      ? `--${name} ${valueName(option)}`
      : `<${name}>`
    : `[--${name} ${valueName(option)}]`;
}

function optionLine(option: OptionDef): string {
  const { name, kind, help } = option;
  const value = kind === 'flag' ? '' : option.optional ? ` [${valueName(option)}]` : ` ${valueName(option)}`;
  const letter = option.short === undefined ? '' : `-${option.short} | `;
  return `    ${`${letter}${isData(option) ? `[--${name}]` : `--${name}`}${value}`.padEnd(OPTION_COLUMNS)}  ${help}`;
}

/** Help for one command. */
export function commandHelp(command: CommandDef): string {
  const { name, summary, description, options } = command;
  return [
    '  NAME',
    `    ${name} - ${summary}`,
    '',
    '  SYNOPSIS',
    `    ${[name, ...options.map(usageOf)].join(' ')}`,
    ...(description === undefined ? [] : ['', '  DESCRIPTION', description.replace(/^/gm, '    ')]),
    '',
    ...(options.length === 0 ? [] : ['  OPTIONS', ...options.map(optionLine), '']),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

/** Help for a group: its commands, a line each. */
export function groupHelp({ title, keyword, commands }: CommandGroup): string {
  const lines = commands.map(({ name, summary }) => `    ${name.padEnd(NAME_COLUMNS)} ${summary}`);
  return `${[` ${title} (help keyword '${keyword}'):`, ...lines].join('\n')}\n`;
}

/** Help for everything. */
export function allHelp(groups: readonly CommandGroup[]): string {
  return `Grouped commands:\n\n${groups.map(groupHelp).join('\n')}`;
}
