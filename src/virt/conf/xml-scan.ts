/**
 * What a document may not be made of, found in one pass over its text before a parser sees it: size, depth, document
 * types, references to entities, characters that XML 1.0 has no place for. The pass is linear and allocates nothing
 * that grows with the document.
 */

/** Where something is wrong in a text, and what. */
export interface ScanFault {
  readonly offset: number;
  readonly reason: string;
}

/** The largest document in characters. */
export const MAX_XML_LENGTH = 4 * 1024 * 1024;
/** The deepest nesting of elements. */
export const MAX_XML_DEPTH = 64;
/** The most tags and the most attributes of one tag. */
const MAX_TAGS = 100_000;
const MAX_ATTRIBUTES = 128;
/** The longest end tag and the longest processing instruction. */
const MAX_SHORT = 1000;

/** Everything but the characters of XML 1.0 §2.2; a surrogate must be one of a pair. */
const badCharacter =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const reference = /&(?:(?:amp|lt|gt|quot|apos)|#(\d{1,7})|#x([0-9a-fA-F]{1,6}));/y;

/** The first thing that is wrong with a document, or undefined. */
export function scanXml(text: string): ScanFault | undefined {
  if (text.length > MAX_XML_LENGTH) {
    return { offset: 0, reason: `the document has ${text.length} characters, more than ${MAX_XML_LENGTH}` };
  }
  const bad = badCharacter.exec(text);
  if (bad !== null) {
    const code = bad[0].charCodeAt(0).toString(16).padStart(4, '0');
    return { offset: bad.index, reason: `character U+${code.toUpperCase()} is not allowed in XML` };
  }
  return new Scanner(text).run();
}

/** Finds the next occurrence of a mark; asked with growing offsets it reads the text once in all. */
class Finder {
  readonly #text: string;
  readonly #mark: string;
  #found = -1;

  constructor(text: string, mark: string) {
    this.#text = text;
    this.#mark = mark;
  }

  /** Offset of the first at or after `from`; the text's length when there is none. */
  next(from: number): number {
    if (this.#found < from) {
      const found = this.#text.indexOf(this.#mark, from);
      this.#found = found < 0 ? this.#text.length : found;
    }
    return this.#found;
  }
}

class Scanner {
  readonly #text: string;
  readonly #ampersand: Finder;
  readonly #less: Finder;
  readonly #cdataEnd: Finder;
  #depth = 0;
  #tags = 0;

  constructor(text: string) {
    this.#text = text;
    this.#ampersand = new Finder(text, '&');
    this.#less = new Finder(text, '<');
    this.#cdataEnd = new Finder(text, ']]>');
  }

  run(): ScanFault | undefined {
    let at = 0;
    while (at < this.#text.length) {
      const open = this.#less.next(at);
      const fault = this.#checkContent(at, open);
      if (fault !== undefined) return fault;
      if (open === this.#text.length) return undefined;
      const next = this.#markup(open);
      if (typeof next !== 'number') return next;
      at = next;
    }
    return undefined;
  }

  /** The end of the markup that starts at `open`. */
  #markup(open: number): number | ScanFault {
    const text = this.#text;
    if (text.startsWith('<!--', open)) return this.#comment(open);
    if (text.startsWith('<![CDATA[', open)) {
      if (this.#depth === 0) return { offset: open, reason: 'a CDATA section outside of the root element' };
      return this.#past(']]>', open + 9, open, 'a CDATA section');
    }
    if (text.startsWith('<!', open)) {
      return { offset: open, reason: 'a document type or entity declaration is not allowed' };
    }
    if (text.startsWith('<?', open)) return this.#instruction(open);
    if (++this.#tags > MAX_TAGS) return { offset: open, reason: `more than ${MAX_TAGS} tags` };
    if (text.startsWith('</', open)) return this.#endTag(open);
    return this.#startTag(open);
  }

  #comment(open: number): number | ScanFault {
    const dashes = this.#text.indexOf('--', open + 4);
    if (dashes < 0) return { offset: open, reason: 'a comment is not closed' };
    if (this.#text[dashes + 2] !== '>') return { offset: dashes, reason: "'--' is not allowed in a comment" };
    return dashes + 3;
  }

  #past(mark: string, from: number, open: number, what: string): number | ScanFault {
    const found = this.#text.indexOf(mark, from);
    return found < 0 ? { offset: open, reason: `${what} is not closed` } : found + mark.length;
  }

  /** The parser matches end tags and instructions with expressions that must not meet long ones. */
  #short(end: number | ScanFault, open: number, what: string): number | ScanFault {
    const isLong = typeof end === 'number' && end - open > MAX_SHORT;
    return isLong ? { offset: open, reason: `${what} is longer than ${MAX_SHORT} characters` } : end;
  }

  #endTag(open: number): number | ScanFault {
    if (--this.#depth < 0) return { offset: open, reason: 'an end tag that ends nothing' };
    return this.#short(this.#past('>', open + 2, open, 'an end tag'), open, 'an end tag');
  }

  #instruction(open: number): number | ScanFault {
    const what = 'a processing instruction';
    return this.#short(this.#past('?>', open + 2, open, what), open, what);
  }

  #startTag(open: number): number | ScanFault {
    const text = this.#text;
    let attributes = 0;
    for (let at = open + 1; at < text.length; at++) {
      const char = text[at]!;
      if (char === '>') {
        if (text[at - 1] !== '/' && ++this.#depth > MAX_XML_DEPTH) {
          return { offset: open, reason: `elements are nested deeper than ${MAX_XML_DEPTH}` };
        }
        return at + 1;
      }
      if (char === '<') return { offset: at, reason: "'<' is not allowed in a tag" };
      if (char === '/' && text[at + 1] !== '>')
        return { offset: at, reason: "'/' is allowed only at the end of a tag" };
      if (char !== '"' && char !== "'") continue;
      const close = text.indexOf(char, at + 1);
      if (close < 0) return { offset: at, reason: "an attribute's value is not closed" };
      if (++attributes > MAX_ATTRIBUTES) return { offset: open, reason: `more than ${MAX_ATTRIBUTES} attributes` };
      const less = this.#less.next(at);
      if (less < close) return { offset: less, reason: "'<' is not allowed in an attribute's value" };
      const fault = this.#checkReferences(at + 1, close);
      if (fault !== undefined) return fault;
      at = close;
    }
    return { offset: open, reason: 'a start tag is not closed' };
  }

  #checkContent(from: number, to: number): ScanFault | undefined {
    const end = this.#cdataEnd.next(from);
    if (end < to) return { offset: end, reason: "']]>' is not allowed in text" };
    return this.#checkReferences(from, to);
  }

  #checkReferences(from: number, to: number): ScanFault | undefined {
    for (let at = this.#ampersand.next(from); at < to; at = this.#ampersand.next(at + 1)) {
      reference.lastIndex = at;
      const match = reference.exec(this.#text);
      if (match === null) return { offset: at, reason: 'a reference to an entity that is not one of XML itself' };
      const [, decimal, hex] = match;
      const code = decimal !== undefined ? Number(decimal) : hex !== undefined ? Number.parseInt(hex, 16) : undefined;
      if (code !== undefined && (code > 0x10ffff || (code >= 0xd800 && code < 0xe000) || isBad(code))) {
        return { offset: at, reason: `a reference to character ${code}, which is not allowed in XML` };
      }
    }
    return undefined;
  }
}

function isBad(code: number): boolean {
  return badCharacter.test(String.fromCodePoint(code));
}
