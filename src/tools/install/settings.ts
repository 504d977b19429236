import { UsageFailure } from '../cli/virsh/failure.ts';

/** The settings of one option: `path=/x,size=10`. */
export class Settings {
  readonly #option: string;
  readonly #text: string;
  readonly #values: ReadonlyMap<string, string>;

  constructor(option: string, text: string, values: ReadonlyMap<string, string>) {
    this.#option = option;
    this.#text = text;
    this.#values = values;
  }

  text(key: string): string | undefined {
    return this.#values.get(key);
  }

  /** Those of these names that were given, in the order in which they were. */
  given(names: readonly string[]): readonly string[] {
    return [...this.#values.keys()].filter((name) => names.includes(name));
  }

  flag(key: string): boolean {
    const value = this.#values.get(key);
    if (value === undefined) return false;
    if (['yes', 'on', 'true', '1', ''].includes(value)) return true;
    if (['no', 'off', 'false', '0'].includes(value)) return false;
    throw this.wrong(`${key} is yes or no`);
  }

  /** A number more than zero. */
  number(key: string): number | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (value.trim() === '' || !Number.isFinite(number) || number <= 0)
      throw this.wrong(`${key} is not a positive number`);
    return number;
  }

  whole(key: string): number | undefined {
    const number = this.number(key);
    if (number !== undefined && !Number.isSafeInteger(number)) throw this.wrong(`${key} is not a whole number`);
    return number;
  }

  wrong(why: string): UsageFailure {
    return new UsageFailure(`--${this.#option} ${this.#text}: ${why}`);
  }
}

/** What an option's settings are called. */
export interface SettingNames {
  /** What a first word without a name gives. */
  readonly first?: string;
  /** All names; those of `words` need no value. */
  readonly names: readonly string[];
  readonly words?: readonly string[];
}

/** Reads `value,name=value,…`; a comma in a value is written twice. Throws UsageFailure for names that are not there. */
export function parseSettings(option: string, text: string, { first, names, words = [] }: SettingNames): Settings {
  const values = new Map<string, string>();
  const settings = new Settings(option, text, values);
  const parts = text.split(/(?<!,),(?!,)/).map((part) => part.replaceAll(',,', ','));
  for (const [i, part] of parts.entries()) {
    const equals = part.indexOf('=');
    const name = equals < 0 ? part : part.slice(0, equals);
    const known = names.includes(name) || words.includes(name);
    if (known && (equals >= 0 || words.includes(name))) values.set(name, equals < 0 ? '' : part.slice(equals + 1));
    else if (i === 0 && first !== undefined && (equals < 0 || !/^[\w.]+$/.test(name))) values.set(first, part);
    else throw settings.wrong(`unknown setting '${name}': there are ${[...names, ...words].join(', ')}`);
  }
  return settings;
}
