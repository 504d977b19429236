/** Splits assembly source into statements and operands into tokens. */
import { complain } from './errors.ts';

/** One statement: a label, or an operation with its operands as written. */
export type Statement =
  | { readonly kind: 'label'; readonly line: number; readonly name: string }
  | { readonly kind: 'operation'; readonly line: number; readonly name: string; readonly operands: readonly string[] };

/** One token of an expression. */
export type Token =
  | { readonly kind: 'number'; readonly value: bigint }
  | { readonly kind: 'symbol'; readonly name: string }
  | { readonly kind: 'punctuation'; readonly text: string };

const STRING = /"(?:[^"\\]|\\.)*"/y;
const CHARACTER = /'(?:\\(?:[0-7]{1,3}|x[0-9a-fA-F]+|.)|[^\\])'?/y;
const LABEL = /^\s*([A-Za-z_.$][\w.$]*|\d+):/;

/** All statements of a source. Comments are `#`, `//` and slash-star; `;` separates statements on one line. */
export function scan(source: string): Statement[] {
  const statements: Statement[] = [];
  const withoutBlocks = source.replace(/"(?:[^"\\\n]|\\.)*"|\/\*[\s\S]*?\*\//g, (text) =>
    text.startsWith('"') ? text : text.replace(/[^\n]/g, ' '),
  );
  withoutBlocks.split('\n').forEach((text, index) => {
    for (const part of splitOutside(text, ';')) scanStatement(part, index + 1, statements);
  });
  return statements;
}

function scanStatement(text: string, line: number, into: Statement[]): void {
  let rest = text;
  for (let label = LABEL.exec(rest); label !== null; label = LABEL.exec(rest)) {
    into.push({ kind: 'label', line, name: label[1] });
    rest = rest.slice(label[0].length);
  }
  const assignment = /^\s*([\w.$]+)\s*=(.*)$/s.exec(rest);
  if (assignment !== null) {
    into.push({ kind: 'operation', line, name: '.set', operands: [assignment[1], assignment[2].trim()] });
    return;
  }
  const operation = /^(\S+)(?:\s+([\s\S]*))?$/.exec(rest.trim());
  if (operation === null) return;
  const operands = operation[2] === undefined ? [] : splitOutside(operation[2], ',').map((o) => o.trim());
  into.push({ kind: 'operation', line, name: operation[1], operands });
}

/** Splits at a separator outside strings, characters and parentheses; drops a comment at the end. */
function splitOutside(text: string, separator: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  let i = 0;
  while (i < text.length) {
    const quoted = text[i] === '"' ? STRING : text[i] === "'" ? CHARACTER : undefined;
    if (quoted !== undefined) {
      quoted.lastIndex = i;
      i += quoted.exec(text)?.[0].length ?? 1;
      continue;
    }
    if (text[i] === '#' || text.startsWith('//', i)) break;
    if (text[i] === '(') depth++;
    if (text[i] === ')') depth--;
    if (text[i] === separator && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
    i++;
  }
  parts.push(text.slice(start, i));
  return parts;
}

const CHARACTER_TOKEN = CHARACTER.source;
/** A number; digits before `f` or `b` belong to a reference to a local label. */
const NUMBER_TOKEN = /0[xX][0-9a-fA-F]+|0[bB][01]+|\d+(?!\w)|\d+(?=[fb]\b)/.source;
/** A name, or a relocation function before its parenthesis: elsewhere `%` is the remainder. */
const SYMBOL_TOKEN = /%[a-z_]+(?=\s*\()|[A-Za-z_.$][\w.$]*/.source;
const PUNCTUATION_TOKEN = /<<|>>|[-+*/%&|^~!()]/.source;
const TOKEN = new RegExp(
  `\\s*(?:(${NUMBER_TOKEN})|(${SYMBOL_TOKEN})|(${CHARACTER_TOKEN})|(${PUNCTUATION_TOKEN}))`,
  'y',
);

/** The tokens of an expression. Local labels (`1f`, `2b`) are symbols of that name. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const source = text.trimEnd();
  let at = 0;
  while (at < source.length) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(source);
    if (match === null) complain(`cannot read '${source.slice(at).trim()}'`);
    at = TOKEN.lastIndex;
    const [, number, symbol, character, punctuation] = match;
    if (number !== undefined) {
      const suffix = /^[fb]\b/.exec(source.slice(at));
      if (suffix !== null && !number.startsWith('0x')) {
        tokens.push({ kind: 'symbol', name: number + suffix[0] });
        at++;
      } else tokens.push({ kind: 'number', value: numberValue(number) });
    } else if (symbol !== undefined) tokens.push({ kind: 'symbol', name: symbol });
    else if (character !== undefined) tokens.push({ kind: 'number', value: BigInt(characterValue(character)) });
    else tokens.push({ kind: 'punctuation', text: punctuation });
  }
  return tokens;
}

/** A leading zero makes a number octal, as in C. */
function numberValue(text: string): bigint {
  if (!/^0\d/.test(text)) return BigInt(text);
  if (/[89]/.test(text)) complain(`'${text}' is not an octal number`);
  return BigInt(`0o${text.slice(1)}`);
}

function characterValue(text: string): number {
  const [value] = stringBytes(text.endsWith("'") && text.length > 2 ? text.slice(1, -1) : text.slice(1));
  return value;
}

const escapes: Readonly<Record<string, number>> = { b: 8, t: 9, n: 10, f: 12, r: 13 };

/** The bytes of a string without its quotes: C escapes, everything else in UTF-8. */
export function stringBytes(text: string): number[] {
  const bytes: number[] = [];
  for (const [part, octal, hexadecimal, escaped] of text.matchAll(
    /\\([0-7]{1,3})|\\x([0-9a-fA-F]+)|\\([\s\S])|[^\\]+/g,
  )) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8) & 0xff);
    else if (hexadecimal !== undefined) bytes.push(Number.parseInt(hexadecimal, 16) & 0xff);
    else if (escaped !== undefined) bytes.push(escapes[escaped] ?? escaped.charCodeAt(0));
    else bytes.push(...utf8(part));
  }
  return bytes;
}

/** UTF-8 by hand: the ISA layer has no TextEncoder of Node's or the browser's. */
function utf8(text: string): number[] {
  return [...text].flatMap((character) => {
    const code = character.codePointAt(0) as number;
    if (code < 0x80) return [code];
    if (code < 0x800) return [0xc0 | (code >> 6), 0x80 | (code & 63)];
    if (code < 0x10000) return [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)];
    return [0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)];
  });
}
