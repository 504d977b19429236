/** Completion scripts for bash and zsh, written from the commands' table. */
import { commonOptions } from './arguments.ts';
import type { CommandGroup, Completion, OptionDef } from './definition.ts';
import { UsageFailure } from './failure.ts';
import { globalOptions, machineCommands } from './global-options.ts';

/** A command as far as completion goes. */
interface Entry {
  readonly name: string;
  readonly options: readonly OptionDef[];
}

/** Commands that list the names of a kind; files and words need none. */
const LISTS: Readonly<Record<string, string>> = {
  domain: 'list --all --name',
  'active-domain': 'list --name',
  'inactive-domain': 'list --inactive --name',
  network: 'net-list --all --name',
  'active-network': 'net-list --name',
  'inactive-network': 'net-list --inactive --name',
  pool: 'pool-list --all --name',
  'active-pool': 'pool-list --name',
  'inactive-pool': 'pool-list --inactive --name',
  'node-device': 'nodedev-list',
};

function isWords(complete: Completion): complete is readonly string[] {
  return Array.isArray(complete);
}

/** What completes an option, as a pattern's right side: `=words`, or the name of a kind. */
function target(complete: Completion): string {
  return isWords(complete) ? `=${complete.join(' ')}` : complete;
}

/** `command --option` and `command position` by what completes them. */
function patterns(entries: readonly Entry[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const add = (complete: Completion | undefined, pattern: string) => {
    if (complete === undefined) return;
    const key = target(complete);
    found.set(key, [...(found.get(key) ?? []), pattern]);
  };
  for (const { name, options } of entries) {
    let position = 0;
    for (const option of options) {
      if (option.kind === 'flag') continue;
      add(option.complete, `'${name} --${option.name}'`);
      if (!option.named) add(option.complete, option.repeat ? `'${name} '[0-9]*` : `'${name} ${position++}'`);
    }
  }
  for (const option of [...commonOptions, ...globalOptions]) add(option.complete, `*' --${option.name}'`);
  return found;
}

function cases(lines: readonly (readonly [patterns: readonly string[], body: string])[]): string {
  return lines.map(([alternatives, body]) => `    ${alternatives.join(' | ')}) ${body} ;;`).join('\n');
}

/** The options before the command that a value follows, with their letters. */
function valueOptions(): string {
  const called = globalOptions.filter(({ kind }) => kind !== 'flag');
  return called.flatMap(({ name, short }) => [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]).join(' | ');
}

/** The functions that both shells share: plain enough for each. */
function tables(entries: readonly Entry[]): string {
  const withArgument = (options: readonly OptionDef[]) =>
    options.filter(({ kind }) => kind !== 'flag').map(({ name }) => `--${name}`);
  const optionCases = entries.map(({ name, options }) => {
    const all = [...options, ...commonOptions]
      .filter(({ name: one }) => one !== 'subcommand')
      .map((o) => `--${o.name}`);
    return [[`'${name}'`], `echo '${all.join(' ')}'`] as const;
  });
  const valueCases = entries
    .map(({ name, options }) => [name, withArgument([...options, ...commonOptions])] as const)
    .flatMap(([name, options]) => options.map((option) => `'${name} ${option}'`));
  const kindCases = [...patterns(entries)].map(([kind, alternatives]) => {
    return [alternatives, `echo '${kind}'`] as const;
  });
  const listCases = Object.entries(LISTS).map(([kind, list]) => [[`'${kind}'`], `_nodevisor_call ${list}`] as const);
  return `_nodevisor_commands='${entries.map(({ name }) => name).join(' ')}'
_nodevisor_globals='${globalOptions.map(({ name }) => `--${name}`).join(' ')}'

# The options of a command.
_nodevisor_options() {
  case "$1" in
${cases(optionCases)}
  esac
}

# True if "command --option" is followed by a value.
_nodevisor_takes_value() {
  case "$1" in
${cases([[[...valueCases], 'return 0']])}
  esac
  return 1
}

# What completes "command --option" or "command position": a kind of name, or = and words.
_nodevisor_kind() {
  case "$1" in
${cases(kindCases)}
  esac
}

_nodevisor_call() {
  command nodevisor \${_nodevisor_uri:+--connect "$_nodevisor_uri"} "$@" 2>/dev/null </dev/null
}

# The names of a kind.
_nodevisor_names() {
  case "$1" in
${cases(listCases)}
    'domain-interface') _nodevisor_call -q domiflist "$_nodevisor_first" | while read -r name _; do echo "$name"; done ;;
    'snapshot') _nodevisor_call snapshot-list "$_nodevisor_first" --name ;;
    'command') echo "$_nodevisor_commands" ;;
    '='*) echo "\${1#=}" ;;
  esac
}

# From the words after "nodevisor" and before the one to complete: sets _nodevisor_command (empty: none yet),
# _nodevisor_option (waits for its value), _nodevisor_position, _nodevisor_first and _nodevisor_uri.
_nodevisor_parse() {
  _nodevisor_command='' _nodevisor_option='' _nodevisor_position=0 _nodevisor_first='' _nodevisor_uri=''
  local word
  for word in "$@"; do
    if [ -n "$_nodevisor_option" ]; then
      case "$_nodevisor_option" in --connect | -c) [ -z "$_nodevisor_command" ] && _nodevisor_uri="$word" ;; esac
      _nodevisor_option=''
    elif [ -z "$_nodevisor_command" ]; then
      case "$word" in
        ${valueOptions()}) _nodevisor_option="$word" ;;
        --connect=*) _nodevisor_uri="\${word#*=}" ;;
        -*) ;;
        *) _nodevisor_command="$word" ;;
      esac
    else
      case "$word" in
        --*=*) ;;
        --*) if _nodevisor_takes_value "$_nodevisor_command $word"; then _nodevisor_option="$word"; fi ;;
        *)
          if [ "$_nodevisor_position" = 0 ]; then _nodevisor_first="$word"; fi
          _nodevisor_position=$((_nodevisor_position + 1))
          ;;
      esac
    fi
  done
}
`;
}

const BASH = `
_nodevisor() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" kind words
  _nodevisor_parse "\${COMP_WORDS[@]:1:COMP_CWORD-1}"
  COMPREPLY=()
  if [ -n "$_nodevisor_option" ]; then
    kind="$(_nodevisor_kind "$_nodevisor_command $_nodevisor_option")"
  elif [ -z "$_nodevisor_command" ]; then
    case "$cur" in -*) words="$_nodevisor_globals" ;; *) words="$_nodevisor_commands" ;; esac
  else
    case "$cur" in
      -*) words="$(_nodevisor_options "$_nodevisor_command")" ;;
      *) kind="$(_nodevisor_kind "$_nodevisor_command $_nodevisor_position")" ;;
    esac
  fi
  case "$kind" in
    '') ;;
    file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
    directory) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
    *) words="$(_nodevisor_names "$kind")" ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _nodevisor nodevisor
`;

const ZSH = `
_nodevisor() {
  local cur="\${words[CURRENT]}" kind='' candidates=''
  _nodevisor_parse "\${(@)words[2,CURRENT-1]}"
  if [ -n "$_nodevisor_option" ]; then
    kind="$(_nodevisor_kind "$_nodevisor_command $_nodevisor_option")"
  elif [ -z "$_nodevisor_command" ]; then
    case "$cur" in -*) candidates="$_nodevisor_globals" ;; *) candidates="$_nodevisor_commands" ;; esac
  else
    case "$cur" in
      -*) candidates="$(_nodevisor_options "$_nodevisor_command")" ;;
      *) kind="$(_nodevisor_kind "$_nodevisor_command $_nodevisor_position")" ;;
    esac
  fi
  case "$kind" in
    '') ;;
    file) _files; return ;;
    directory) _files -/; return ;;
    *) candidates="$(_nodevisor_names "$kind")" ;;
  esac
  compadd -- \${=candidates}
}
if [ "$funcstack[1]" = _nodevisor ]; then _nodevisor "$@"; else compdef _nodevisor nodevisor; fi
`;

/** The completion script for a shell. Throws UsageFailure for one that there is none for. */
export function completionScript(shell: string, groups: readonly CommandGroup[]): string {
  const entries = [...groups.flatMap(({ commands }) => commands), ...machineCommands()];
  if (shell === 'bash') return `# bash completion for nodevisor\n\n${tables(entries)}${BASH}`;
  if (shell === 'zsh') return `#compdef nodevisor\n\n${tables(entries)}${ZSH}`;
  throw new UsageFailure(`there is no completion for '${shell}': there are bash and zsh`);
}
