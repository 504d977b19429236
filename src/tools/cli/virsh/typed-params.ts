/** Typed parameters, as commands show them. */
import type { TypedParam } from '../../../virt/index.ts';
import type { Output } from './output.ts';

/** Their values by their fields, for programs. */
export function paramFacts(params: readonly TypedParam[]): Readonly<Record<string, TypedParam['value']>> {
  return Object.fromEntries(params.map(({ field, value }) => [field, value]));
}

/** `field: value`, as of an event. */
export function paramRow({ field, value }: TypedParam): string {
  return `${field}: ${typeof value === 'boolean' ? Number(value) : value}`;
}

/** `field          : value` lines, the fields in a column of `width`; as JSON an object. */
export function paramList(
  params: readonly TypedParam[],
  { width = 15, show = ({ value }: TypedParam) => String(value) } = {},
): Output {
  return {
    text: params.map((param) => `${param.field.padEnd(width)}: ${show(param)}\n`).join(''),
    json: paramFacts(params),
  };
}
