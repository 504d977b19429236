import type { CommandDef, OptionDef } from './definition.ts';
import { UsageFailure } from './failure.ts';
import { parseSize } from './units.ts';

/** What a command was called with: every value present and well-formed, as the command's table asks. */
export class CommandArgs {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  flag(name: string): boolean {
    return this.#values.has(name);
  }

  /** Value of an option that may be absent. */
  text(name: string): string | undefined {
    return this.#values.get(name)?.[0];
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
    const value = this.text(name);
    if (value === undefined) return undefined;
    const parsed = /^[+-]?(\d+|0x[0-9a-f]+)$/i.test(value) ? Number(value) : Number.NaN;
    if (!Number.isSafeInteger(parsed) || parsed < least) throw malformed('Numeric', value, name);
    return parsed;
  }

  /** Bytes. @param defaultFactor bytes of the unit when none is given */
  bytes(name: string, defaultFactor = 1n): bigint | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const parsed = parseSize(value, defaultFactor);
    if (parsed === undefined) throw malformed('Scaled numeric', value, name);
    return parsed;
  }

  /** Refuses options that exclude each other. */
  exclusive(...names: readonly string[]): void {
    const [first, second] = names.filter((name) => this.flag(name));
    if (second !== undefined) {
      throw new UsageFailure(`Options --${first} and --${second} are mutually exclusive`);
    }
  }
}

/** A value that is not what its option takes. */
export function malformed(kind: string, value: string, name: string): UsageFailure {
  return new UsageFailure(`${kind} value '${value}' for <${name}> option is malformed or out of range`);
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
      else this.#data(word);
    }
    if (this.values.has('help')) return;
    const missing = this.#command.options.find(({ name, required }) => required && !this.values.has(name));
    if (missing !== undefined) {
      throw new UsageFailure(`command '${this.#command.name}' requires <${missing.name}> option`);
    }
  }

  #option(word: string): void {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
    const option = [...this.#command.options, ...commonOptions].find((candidate) => candidate.name === name);
    if (option === undefined) {
      throw new UsageFailure(`command '${this.#command.name}' doesn't support option --${name}`);
    }
    if (this.values.has(name) && !option.repeat) throw new UsageFailure(`option --${name} already seen`);
    if (option.kind === 'flag') {
      if (equals >= 0) throw new UsageFailure(`invalid '=' after option --${name}`);
      this.values.set(name, []);
      return;
    }
    const value = equals < 0 ? this.#words[this.#at++] : word.slice(equals + 1);
    if (value === undefined) throw new UsageFailure(`expected syntax: --${name} ${valueName(option)}`);
    this.#add(option, value);
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
  return new CommandArgs(parse.values);
}
