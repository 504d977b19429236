/** What commands show: one text for people and the same facts as JSON. */

/** What a command shows. */
export interface Output {
  /** For people, as virsh would say it. */
  readonly text: string;
  /** For people who want only what they asked for (`--quiet`), where that is less. */
  readonly quiet?: string;
  /** For programs. */
  readonly json: unknown;
  /** Exit status; default 0. */
  readonly status?: number;
}

/** A value of a cell or field; null is shown as `-`. */
export type Value = string | number | bigint | boolean | null;

/** A column: where its values are found, its title, and how they are shown if not just as they are. */
export interface Column {
  readonly key: string;
  readonly title: string;
  show?(value: Value): string;
  /** What stands for null; default `-`. */
  readonly none?: string;
}

/** One row of a table by the columns' keys. */
export type Row = Readonly<Record<string, Value>>;

/** A line of facts: label for people, key for programs. */
export type Field = readonly [label: string, key: string, value: Value, shown?: string];

/** A sentence. */
export function message(text: string, facts: Readonly<Record<string, unknown>> = {}): Output {
  return { text: `${text}\n`, quiet: '', json: { message: text, ...facts } };
}

/** What a command shows that has nothing to say when it succeeds. */
export const SILENT: Output = { text: '', json: {} };

/** A value alone. */
export function single(key: string, value: Value): Output {
  return { text: `${show(value)}\n`, json: { [key]: value } };
}

/** A document as it is. */
export function document(xml: string): Output {
  return { text: xml.endsWith('\n') ? xml : `${xml}\n`, json: { xml } };
}

/** One value a line; as JSON a list of them. */
export function lines(values: readonly Value[]): Output {
  return { text: values.map((value) => `${show(value)}\n`).join(''), json: values };
}

/** Text with nothing that could move the cursor or break a row. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function show(value: Value): string {
  if (value === null) return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return printable(String(value));
}

/** Terminal columns that a text takes: wide East Asian characters and pictures take two. */
function width(text: string): number {
  let columns = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const wide =
      (code >= 0x1100 && code <= 0x115f) ||
      (code >= 0x2e80 && code <= 0xa4cf) ||
      (code >= 0xac00 && code <= 0xd7a3) ||
      (code >= 0xf900 && code <= 0xfaff) ||
      (code >= 0xfe30 && code <= 0xfe6f) ||
      (code >= 0xff00 && code <= 0xff60) ||
      (code >= 0x1f300 && code <= 0x1faff) ||
      (code >= 0x20000 && code <= 0x3fffd);
    columns += wide ? 2 : /\p{Mn}/u.test(character) ? 0 : 1;
  }
  return columns;
}

/** Rows under a header and a rule; with no titles just rows. */
export function formatTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = titles.length === 0 ? rows : [titles, ...rows];
  const widths = (all[0] ?? []).map((_, i) => Math.max(...all.map((row) => width(row[i] ?? ''))));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i === cells.length - 1 ? ` ${cell}` : ` ${cell}${' '.repeat(widths[i]! - width(cell))}  `))
      .join('');
  const rule = '-'.repeat(widths.reduce((sum, columns) => sum + columns + 3, 0));
  const shown = [...(titles.length === 0 ? [] : [line(titles), rule]), ...rows.map(line)];
  return shown.map((text) => `${text}\n`).join('');
}

/** A table; as JSON a list of objects. */
export function table(columns: readonly Column[], rows: readonly Row[]): Output {
  const cells = rows.map((row) =>
    columns.map(({ key, show: own, none }) => {
      const value = row[key] ?? null;
      if (value === null) return none ?? show(value);
      return own === undefined ? show(value) : own(value);
    }),
  );
  return {
    text: formatTable(
      columns.map(({ title }) => title),
      cells,
    ),
    quiet: formatTable([], cells),
    json: rows,
  };
}

/** `Label:   value` lines; as JSON an object. */
export function fields(facts: readonly Field[], labelColumns = 16): Output {
  const text = facts.map(([label, , value, shown]) => `${`${label}:`.padEnd(labelColumns)}${shown ?? show(value)}\n`);
  return { text: text.join(''), json: Object.fromEntries(facts.map(([, key, value]) => [key, value])) };
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  // As a number where that is exact, else as text: JSON's readers lose digits.
  return value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER)
    ? Number(value)
    : String(value);
}

/** JSON in `--output json`; on one line for what comes in a stream. */
export function formatJson(value: unknown, oneLine = false): string {
  return `${JSON.stringify(value, plain, oneLine ? 0 : 2)}\n`;
}
