import type { Result } from '../../tools/cli/support.ts';
import type { Pair } from './oracle.ts';

/** Why a line may come to something else with us, and what must still be the same. */
export const differences = {
  words: {
    why: "libvirt's test driver has refusals in words of its own; ours are those of its drivers for real machines",
    holds: (real: Result, ours: Result) =>
      same(real.code, ours.code) && same(real.out, ours.out) && same(...but(real.err, ours.err, lastWords)),
  },
  xml: {
    why: 'ours names the line, the column and the element at fault; libvirt passes on what its parser says',
    holds: (real: Result, ours: Result) =>
      same(real.code, ours.code) && same(real.out, ours.out) && same(firstLine(real.err), firstLine(ours.err)),
  },
  values: {
    why: "the test driver's numbers are made up at random, its machine is an i686, ours counts and is a riscv64",
    holds: (real: Result, ours: Result) =>
      same(real.code, ours.code) && same(real.err, ours.err) && same(...but(real.out, ours.out, shape)),
  },
  document: {
    why: 'the machines, networks and volumes of the two worlds have other details',
    holds: (real: Result, ours: Result) =>
      same(real.code, ours.code) && same(real.err, ours.err) && same(...but(real.out, ours.out, root)),
  },
  more: {
    why: "libvirt's test driver lacks what ours can do",
    holds: (real: Result, ours: Result) => real.code === 1 && lacks.test(real.err) && ours.code === 0,
  },
  less: {
    why: 'our test world cannot do it, and says so in a way of libvirt',
    holds: (real: Result, ours: Result) => real.code === 0 && ours.code === 1 && cannot.test(ours.err),
  },
  unsupported: {
    why: 'neither can do it; they say so in other words',
    holds: (real: Result, ours: Result) => real.code === 1 && ours.code === 1 && ours.err.startsWith('error: '),
  },
} as const;

/** A kind of difference. */
export type Difference = keyof typeof differences;

const lacks = /unsupported flags|not supported by the connection driver|not supported yet|without a controlling TTY/;
const cannot = /not supported|unsupported|not configured|cannot |no (\w+ )?driver|not available/i;

function same(a: unknown, b: unknown): boolean {
  return a === b;
}

function but(a: string, b: string, reduce: (text: string) => string): [string, string] {
  return [reduce(a), reduce(b)];
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}

/** Beginnings of libvirt's messages: the backend said what follows one. */
const BACKEND =
  /^error: (internal error|invalid argument|operation failed|Requested operation is not valid|this function is not supported|unsupported (flags|configuration)|Operation not supported|operation forbidden|argument unsupported|storage vol(ume)? |XML error|device not found|Storage |.* not found:)/;

/** Errors without the words of the backend. */
function lastWords(text: string): string {
  return text.replace(/^.*$/gm, (line) => (BACKEND.test(line) ? 'error: …' : line));
}

/** What labels, titles and rows there are. */
function shape(text: string): string {
  return text
    .split('\n')
    .map((line) => line.replace(/:\s+\S.*$/, ':').replace(/-{5,}/g, '-'))
    .map((line) => line.replace(/[0-9a-f]{2}(:[0-9a-f]{2}){5}/g, 'M').replace(/\d[\d.,-]*(\s?[KMGT]i?B|s)?/g, '#'))
    .map((line) => line.replace(/(?<=\S)\s{2,}/g, '  ').replace(/i686|riscv64|linux|hvm/g, 'T'))
    .join('\n');
}

/** The text around documents, and their root elements. */
function root(text: string): string {
  return text.replace(/<(\w+)[\s\S]*?<\/\1>\n/g, '<$1>\n').replace(/<(\w+)[^>]*\/>\n/g, '<$1>\n');
}

/** UUIDs that are in both worlds from the start. */
const KNOWN = /^(6695eb01-f6a4|dd8fe884-6c02|dfe224cb-28fb)/;

/** A result without what is drawn at random, or from the clock. */
export function plain({ code, out, err }: Result): Result {
  const clean = (text: string) =>
    text
      .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (uuid) => (KNOWN.test(uuid) ? uuid : 'UUID'))
      .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d( [+-]\d{4})?/g, 'TIME')
      .replace(/(?<=snapshot |>)\d{10}(?= created|<)/g, 'EPOCH');
  return { code, out: clean(out), err: clean(err) };
}

/** True when both came to the same, to the byte. */
export function equal({ real, ours }: Pair): boolean {
  return same(real.code, ours.code) && same(real.out, ours.out) && same(real.err, ours.err);
}

/** Lines of commands by what they come to with us; a block has one a line. */
export type Lines = {
  /** The same, to the byte. */
  readonly same?: string;
  /** Something else, for a reason of their own. */
  readonly own?: readonly (readonly [line: string, why: string])[];
} & { readonly [Kind in Difference]?: string };

/** The lines of a block. */
export function linesOf(block: string | undefined): readonly string[] {
  return (block ?? '').split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
}
