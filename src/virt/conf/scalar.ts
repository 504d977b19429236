/** Values that stand in XML as text. */

/** How a value is read and written; `read` gives undefined for text that is none, and `what` says what it should be. */
export interface Scalar<T> {
  readonly what: string;
  read(text: string): T | undefined;
  write(value: T): string;
}

/** Any text. */
export const str: Scalar<string> = { what: 'text', read: (text) => text, write: (value) => value };

/** Text that is not empty. */
export const nonEmpty: Scalar<string> = {
  what: 'text that is not empty',
  read: (text) => (text === '' ? undefined : text),
  write: (value) => value,
};

/** Text of some form, which `what` names. */
export function matching(pattern: RegExp, what: string): Scalar<string> {
  return { what, read: (text) => (pattern.test(text) ? text : undefined), write: (value) => value };
}

/** A whole number of a range, in decimal or 0x notation. */
export function int(min: number, max = Number.MAX_SAFE_INTEGER): Scalar<number> {
  return {
    what: max === Number.MAX_SAFE_INTEGER ? `an integer of at least ${min}` : `an integer in ${min}..${max}`,
    read(text) {
      const digits = text.trim();
      if (!/^[+-]?(\d{1,16}|0[xX][0-9a-fA-F]{1,13})$/.test(digits)) return undefined;
      const value = /^[+-]/.test(digits) && !/x/i.test(digits) ? Number.parseInt(digits, 10) : Number(digits);
      return value >= min && value <= max ? value : undefined;
    },
    write: String,
  };
}

/** A whole number of 32 bits without sign. */
export const uint = int(0, 0xffff_ffff);

/** One of some words. */
export function oneOf<const W extends string>(...words: readonly W[]): Scalar<W> {
  return {
    what: `one of ${words.join(', ')}`,
    read: (text) => words.find((word) => word === text),
    write: (value) => value,
  };
}

function bool(yes: string, no: string): Scalar<boolean> {
  return {
    what: `'${yes}' or '${no}'`,
    read: (text) => (text === yes ? true : text === no ? false : undefined),
    write: (value) => (value ? yes : no),
  };
}

/** `yes` and `no`. */
export const yesNo = bool('yes', 'no');
/** `on` and `off`. */
export const onOff = bool('on', 'off');

/** A UUID in any case, with hyphens or without; written in lower case with hyphens. */
export const uuid: Scalar<string> = {
  what: 'a UUID',
  read(text) {
    const digits = text.trim().replace(/-/g, '').toLowerCase();
    return /^[0-9a-f]{32}$/.test(digits) ? hyphenate(digits) : undefined;
  },
  write: (value) => value,
};

/** The text of a UUID from its 32 hexadecimal digits. */
export function hyphenate(digits: string): string {
  const at = (from: number, to: number) => digits.slice(from, to);
  return `${at(0, 8)}-${at(8, 12)}-${at(12, 16)}-${at(16, 20)}-${at(20, 32)}`;
}

/** A MAC address of one station, in lower case. */
export const mac: Scalar<string> = {
  what: 'a MAC address',
  read: (text) => (/^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$/.test(text) ? text.toLowerCase() : undefined),
  write: (value) => value,
};

/** A number in hexadecimal or decimal notation, kept as hexadecimal text of so many digits. */
export function hex(digits: number, max: number): Scalar<string> {
  const number = int(0, max);
  return {
    what: number.what,
    read(text) {
      const value = number.read(text);
      return value === undefined ? undefined : `0x${value.toString(16).padStart(digits, '0')}`;
    },
    write: (value) => value,
  };
}

const suffixes = ['', 'k', 'm', 'g', 't', 'p', 'e'];

/** Bytes of one unit as libvirt writes units: `b`, `bytes`, `KB` = 1000, `k`, `KiB` = 1024 …; undefined for no unit. */
export function unitBytes(unit: string): bigint | undefined {
  const lower = unit.toLowerCase();
  if (lower === 'b' || lower === 'byte' || lower === 'bytes') return 1n;
  const match = /^([kmgtpe])(b|ib)?$/.exec(lower);
  if (match === null) return undefined;
  const [, letter = '', rest] = match;
  return (rest === 'b' ? 1000n : 1024n) ** BigInt(suffixes.indexOf(letter));
}
