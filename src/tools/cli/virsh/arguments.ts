import type { CommandDef, OptionDef } from './definition.ts';
import { CommandFailure, UsageFailure } from './failure.ts';
import { parseSize, unknownUnit } from './units.ts';

/** What a command was called with: every value present and well-formed, as the command's table asks. */
export class CommandArgs {
  readonly #values: ReadonlyMap<string, readonly string[]>;
  readonly #emptyOk: ReadonlySet<string>;

  constructor(values: ReadonlyMap<string, readonly string[]>, options: readonly OptionDef[]) {
    this.#values = values;
    this.#emptyOk = new Set(options.filter(({ emptyOk }) => emptyOk).map(({ name }) => name));
  }

  /** What was given, by the options' names; flags have no values. */
  get given(): Iterable<readonly [name: string, values: readonly string[]]> {
    return this.#values;
  }

  flag(name: string): boolean {
    return this.#values.has(name);
  }

  /** Value of an option that may be absent, but not empty unless the table says so. */
  text(name: string): string | undefined {
    const value = this.#values.get(name)?.[0];
    if (value === '' && !this.#emptyOk.has(name)) {
      throw new CommandFailure(`Failed to get option '${name}': Option argument is empty`);
    }
    return value;
  }

  /** Value of an option that the table says is required. */
  need(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw new UsageFailure(`option --${name} is missing`);
    return value;
  }

  list(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** @param least smallest value that makes sense */
  number(name: string, least = 0): number | undefined {
    const value = this.#values.get(name)?.[0];
    if (value === undefined) return undefined;
    const parsed = /^[+-]?(\d+|0x[0-9a-f]+)$/i.test(value) ? Number(value) : Number.NaN;
    if (!Number.isSafeInteger(parsed) || parsed < least) throw malformed('Numeric', value, name);
    return parsed;
  }

  /** A number that may be negative. */
  signed(name: string): number | undefined {
    return this.number(name, Number.MIN_SAFE_INTEGER);
  }

  /** Bytes. @param defaultFactor bytes of the unit when none is given */
  bytes(name: string, defaultFactor = 1n): bigint | undefined {
    const value = this.#values.get(name)?.[0];
    if (value === undefined) return undefined;
    const parsed = parseSize(value, defaultFactor);
    if (parsed !== undefined) return parsed;
    const unit = unknownUnit(value);
    const why = unit === undefined ? [] : [`invalid argument: unknown suffix '${unit}'`];
    throw malformed('Scaled numeric', value, name, ...why);
  }

  /** Refuses options that exclude each other; they are named in this order. */
  exclusive(...names: readonly string[]): void {
    const [first, second] = names.filter((name) => this.flag(name));
    if (second !== undefined) {
      throw new UsageFailure(`Options --${first} and --${second} are mutually exclusive`);
    }
  }

  /** Refuses an option without the one that it means nothing without. */
  requires(name: string, other: string): void {
    if (this.flag(name) && !this.flag(other)) {
      throw new UsageFailure(`Option --${other} is required by option --${name}`);
    }
  }
}

/** A value that is not what its option takes. */
export function malformed(kind: string, value: string, name: string, ...why: readonly string[]): UsageFailure {
  return new UsageFailure(`${kind} value '${value}' for <${name}> option is malformed or out of range`, ...why);
}

const TYPE_NAMES = { flag: '', string: 'string', number: 'number', size: 'number' } as const;

/** `<string>` or `<number>`, as usage lines say it. */
export function valueName(option: OptionDef): string {
  return `<${TYPE_NAMES[option.kind]}>`;
}

/** Options that every command takes beside its own. */
export const commonOptions: readonly OptionDef[] = [
  {
    name: 'output',
    kind: 'string',
    help: 'how to show results: table or json',
    complete: ['table', 'json'],
  },
  { name: 'help', kind: 'flag', help: 'show help for this command' },
];

/** What is said when a command lacks an option that it cannot do without. */
export function requires(command: string, { name, kind }: OptionDef): string {
  return `command '${command}' requires ${kind === 'string' ? `<${name}>` : `--${name}`} option`;
}

/** True when an option has that name, or a synonym of it. */
function isCalled({ name, synonyms = [] }: OptionDef, called: string): boolean {
  return name === called || synonyms.includes(called);
}

class Parse {
  readonly values = new Map<string, string[]>();
  readonly #command: CommandDef;
  readonly #words: readonly string[];
  #at = 0;

  constructor(command: CommandDef, words: readonly string[]) {
    this.#command = command;
    this.#words = words;
  }

  run(): void {
    let onlyData = false;
    while (this.#at < this.#words.length) {
      const word = this.#words[this.#at++]!;
      if (!onlyData && word === '--') onlyData = true;
      else if (!onlyData && /^--[a-z]/i.test(word)) this.#option(word);
      else if (!onlyData && this.#letter(word) !== undefined) this.#option(`--${this.#letter(word)}`);
      else this.#data(word);
    }
    if (this.values.has('help')) return;
    const missing = this.#command.options.filter(({ name, required }) => required && !this.values.has(name));
    const [first, ...more] = missing.map((option) => requires(this.#command.name, option));
    if (first !== undefined) throw new UsageFailure(first, ...more);
  }

  #option(word: string): void {
    const equals = word.indexOf('=');
    const given = equals < 0 ? word.slice(2) : word.slice(2, equals);
    const option = [...this.#command.options, ...commonOptions].find((candidate) => isCalled(candidate, given));
    if (option === undefined) {
      throw new UsageFailure(`command '${this.#command.name}' doesn't support option --${given}`);
    }
    const { name } = option;
    if (this.values.has(name) && !option.repeat) throw new UsageFailure(`option --${name} already seen`);
    if (option.kind === 'flag') {
      if (equals >= 0) throw new UsageFailure(`invalid '=' after option --${name}`);
      this.values.set(name, []);
      return;
    }
    const left = option.optional === true && /^-(?!\d)/.test(this.#words[this.#at] ?? '-');
    const value = equals >= 0 ? word.slice(equals + 1) : left ? '' : this.#words[this.#at++];
    if (value === undefined) throw new UsageFailure(`expected syntax: --${name} ${valueName(option)}`);
    this.#add(option, value);
  }

  /** Name of the option that a letter stands for. */
  #letter(word: string): string | undefined {
    return this.#command.options.find(({ short }) => short !== undefined && word === `-${short}`)?.name;
  }

  #data(word: string): void {
    const option = this.#command.options.find(
      ({ name, kind, repeat, named }) => kind !== 'flag' && !named && (repeat || !this.values.has(name)),
    );
    if (option === undefined) throw new UsageFailure(`unexpected data '${word}'`);
    this.#add(option, word);
  }

  #add({ name }: OptionDef, value: string): void {
    this.values.set(name, [...(this.values.get(name) ?? []), value]);
  }
}

/** Reads a command's words against its table. Throws UsageFailure. */
export function parseArguments(command: CommandDef, words: readonly string[]): CommandArgs {
  const parse = new Parse(command, words);
  parse.run();
  return new CommandArgs(parse.values, command.options);
}
