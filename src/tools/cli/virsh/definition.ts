import type { CommandArgs } from './arguments.ts';
import type { Output } from './output.ts';
import type { Session } from './session.ts';

/** What a value names, so that completion can list what there is. */
export type Completion =
  | 'domain'
  | 'active-domain'
  | 'inactive-domain'
  | 'network'
  | 'active-network'
  | 'inactive-network'
  | 'pool'
  | 'active-pool'
  | 'inactive-pool'
  | 'volume'
  | 'snapshot'
  | 'interface'
  | 'domain-interface'
  | 'node-device'
  | 'file'
  | 'directory'
  | 'command'
  | readonly string[];

/** An option of a command. All but flags can also be given by position, in the order of the table. */
export interface OptionDef {
  readonly name: string;
  /** `size` is a number that may have a unit. */
  readonly kind: 'flag' | 'string' | 'number' | 'size';
  readonly help: string;
  readonly required?: boolean;
  /** Takes all that remains, one or more values. */
  readonly repeat?: boolean;
  /** Only by its name, never by position. */
  readonly named?: boolean;
  /** Its letter, where it has one. */
  readonly short?: string;
  /** Its value may be left out, and is empty then. */
  readonly optional?: boolean;
  /** An empty value means something. */
  readonly emptyOk?: boolean;
  /** Other names that are read as this one; help does not show them. */
  readonly synonyms?: readonly string[];
  readonly complete?: Completion;
}

/** A command as data: its parser, help and completion derive from it. */
export interface CommandDef {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** More than that, for its own help. */
  readonly description?: string;
  readonly options: readonly OptionDef[];
  /** What it shows, an exit status when it has shown it itself, or nothing. */
  run(args: CommandArgs, session: Session): Promise<Output | number | undefined>;
}

/** Commands that belong together. */
export interface CommandGroup {
  /** What `help` calls it by. */
  readonly keyword: string;
  readonly title: string;
  readonly commands: readonly CommandDef[];
}

type Details = Partial<Omit<OptionDef, 'name' | 'kind' | 'help'>>;

export function flag(name: string, help: string): OptionDef {
  return { name, kind: 'flag', help };
}

export function text(name: string, help: string, details: Details = {}): OptionDef {
  return { name, kind: 'string', help, ...details };
}

export function integer(name: string, help: string, details: Details = {}): OptionDef {
  return { name, kind: 'number', help, ...details };
}

export function size(name: string, help: string, details: Details = {}): OptionDef {
  return { name, kind: 'size', help, ...details };
}
