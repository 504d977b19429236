/** Labels and other symbols of one assembly source. */
import { complain } from './errors.ts';
import { type Expression, evaluate, renameSymbols, type Value } from './expression.ts';

/** Names of labels by number and occurrence, out of reach of names in the source. */
function occurrence(label: string, count: number): string {
  return `${label}#${count}`;
}

type Definition =
  | { readonly kind: 'value'; readonly value: Value }
  | { readonly kind: 'later'; readonly expression: Expression };

/** The symbol table. Labels are offsets in their sections until `place` gives the sections their addresses. */
export class Symbols {
  readonly #definitions = new Map<string, Definition>();
  readonly #numbered = new Map<string, number>();
  readonly #computing = new Set<string>();
  #addresses: Readonly<Record<string, bigint>> = {};

  /** Defines a label here; numbers may be used again. */
  defineLabel(name: string, at: Value): void {
    if (!/^\d+$/.test(name)) {
      this.#define(name, { kind: 'value', value: at });
      return;
    }
    const count = (this.#numbered.get(name) ?? 0) + 1;
    this.#numbered.set(name, count);
    this.#define(occurrence(name, count), { kind: 'value', value: at });
  }

  /** Defines a symbol by an expression over symbols that may come later; `here` is what `.` means in it. */
  defineExpression(name: string, expression: Expression, here: Value): void {
    if (!/^[A-Za-z_.$][\w.$]*$/.test(name)) complain(`'${name}' is not a symbol's name`);
    const place = `${name}#here`;
    this.#define(place, { kind: 'value', value: here });
    const bound = renameSymbols(this.bind(expression), (symbol) => (symbol === '.' ? place : symbol));
    this.#define(name, { kind: 'later', expression: bound });
  }

  /** Defines a symbol with an absolute value. */
  defineNumber(name: string, value: bigint): void {
    this.#define(name, { kind: 'value', value: { value, section: undefined } });
  }

  #define(name: string, definition: Definition): void {
    if (this.#definitions.has(name)) complain(`'${name}' is defined twice`);
    this.#definitions.set(name, definition);
  }

  /** Ties references such as `1f` and `2b` to the labels they mean at this point of the source. */
  bind(expression: Expression): Expression {
    return renameSymbols(expression, (name) => {
      const local = /^(\d+)([fb])$/.exec(name);
      if (local === null) return name;
      const count = this.#numbered.get(local[1]) ?? 0;
      if (local[2] === 'b' && count === 0) complain(`no label '${local[1]}:' before this point`);
      return occurrence(local[1], local[2] === 'b' ? count : count + 1);
    });
  }

  /** Gives sections their addresses: from now on every value is absolute. */
  place(addresses: Readonly<Record<string, bigint>>): void {
    this.#addresses = addresses;
  }

  /** The value of a symbol. `here` is the value of `.`. */
  resolve(name: string, here: Value): Value {
    if (name === '.') return this.#placed(here);
    const definition = this.#definitions.get(name) ?? complain(`'${name.replace(/#.*/, '')}' is not defined`);
    if (definition.kind === 'value') return this.#placed(definition.value);
    if (this.#computing.has(name)) complain(`'${name}' is defined by itself`);
    this.#computing.add(name);
    try {
      return evaluate(definition.expression, (symbol) => this.resolve(symbol, here));
    } finally {
      this.#computing.delete(name);
    }
  }

  #placed(value: Value): Value {
    const address = value.section === undefined ? undefined : this.#addresses[value.section];
    return address === undefined ? value : { value: value.value + address, section: undefined };
  }

  /** All symbols that the source named, with their values. */
  entries(): Map<string, bigint> {
    const named = [...this.#definitions.keys()].filter((name) => !name.includes('#'));
    return new Map(named.map((name) => [name, this.resolve(name, { value: 0n, section: undefined }).value]));
  }
}
