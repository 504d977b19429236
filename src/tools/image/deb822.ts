/** One stanza of Debian's control format: fields by name in lower case; continuation lines joined by newlines. */
export type Stanza = ReadonlyMap<string, string>;

function parseStanza(lines: readonly string[]): Stanza {
  const fields = new Map<string, string>();
  let last = '';
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (line.startsWith(' ') || line.startsWith('\t')) {
      if (last !== '') fields.set(last, `${fields.get(last)}\n${line.trim()}`);
    } else if (colon > 0) {
      last = line.slice(0, colon).toLowerCase();
      fields.set(last, line.slice(colon + 1).trim());
    }
  }
  return fields;
}

/** The stanzas of a text in Debian's control format (deb822(5)), in order. Comment lines are dropped. */
export async function* readStanzas(text: AsyncIterable<string> | Iterable<string>): AsyncGenerator<Stanza> {
  let rest = '';
  let lines: string[] = [];
  for await (const piece of text) {
    const parts = (rest + piece).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const line = part.endsWith('\r') ? part.slice(0, -1) : part;
      if (line.trim() !== '') {
        if (!line.startsWith('#')) lines.push(line);
      } else if (lines.length > 0) {
        yield parseStanza(lines);
        lines = [];
      }
    }
  }
  if (rest.trim() !== '' && !rest.startsWith('#')) lines.push(rest);
  if (lines.length > 0) yield parseStanza(lines);
}

/** All stanzas of a short text. */
export async function parseStanzas(text: string): Promise<Stanza[]> {
  const stanzas: Stanza[] = [];
  for await (const stanza of readStanzas([text])) stanzas.push(stanza);
  return stanzas;
}
