/** Types of XDR: each writes a value and reads it, and holds both to what the type allows. */
import { XdrError, type XdrReader, type XdrWriter } from './xdr.ts';

/** One type on the wire. `Written` is what may be written, `Value` what is read. */
export interface XdrType<Value, Written = Value> {
  /** Bytes that a value has at least: what bounds the length of lists. */
  readonly minBytes: number;
  /** Throws XdrError for a value that the type does not allow. */
  write(to: XdrWriter, value: Written): void;
  /** Throws XdrError for bytes that are none of its values. */
  read(from: XdrReader): Value;
}

/** A type whose value may be absent: in a struct, the key is then absent too. */
export interface XdrOptional<Value, Written = Value> extends XdrType<Value | undefined, Written | undefined> {
  readonly optional: true;
}

/** What is read of a type. */
export type ReadOf<T> = T extends XdrType<infer Value, infer _Written> ? Value : never;
/** What may be written of a type. */
export type WrittenOf<T> = T extends XdrType<infer _Value, infer Written> ? Written : never;

/** A type of whatever values: it can be read, and written by those who know what it takes. */
export type AnyXdr = XdrType<unknown, never>;

function integer(value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new XdrError(`${value} is no integer in ${least} … ${most}`);
}

/** int. */
export const int: XdrType<number> = {
  minBytes: 4,
  write: (to, value) => to.i32(integer(value, -(2 ** 31), 2 ** 31 - 1)),
  read: (from) => from.i32(),
};

/** unsigned int. */
export const uint: XdrType<number> = {
  minBytes: 4,
  write: (to, value) => to.u32(integer(value, 0, 2 ** 32 - 1)),
  read: (from) => from.u32(),
};

/** Bits in an unsigned int: also as JavaScript's bit operations give them, negative when the highest is set. */
export const bits: XdrType<number> = {
  minBytes: 4,
  write: (to, value) => to.u32(integer(value, -(2 ** 31), 2 ** 32 - 1) >>> 0),
  read: (from) => from.u32(),
};

/** An int that says no by 0 and yes by anything else. */
export const flag: XdrType<boolean> = {
  minBytes: 4,
  write: (to, value) => to.i32(value ? 1 : 0),
  read: (from) => from.i32() !== 0,
};

/** unsigned char and enumerations of few values, which take 4 bytes too. */
export const byte: XdrType<number> = {
  minBytes: 4,
  write: (to, value) => to.u32(integer(value, 0, 255)),
  read: (from) => integer(from.u32(), 0, 255),
};

/** hyper. */
export const hyper: XdrType<bigint> = {
  minBytes: 8,
  write(to, value) {
    if (BigInt.asIntN(64, value) !== value) throw new XdrError(`${value} has more than 64 bits`);
    to.i64(value);
  },
  read: (from) => from.i64(),
};

/** unsigned hyper. */
export const uhyper: XdrType<bigint> = {
  minBytes: 8,
  write(to, value) {
    if (BigInt.asUintN(64, value) !== value) throw new XdrError(`${value} is negative or has more than 64 bits`);
    to.u64(value);
  },
  read: (from) => from.u64(),
};

/** double. */
export const double: XdrType<number> = {
  minBytes: 8,
  write: (to, value) => to.f64(value),
  read: (from) => from.f64(),
};

/** Bytes that any text may have (REMOTE_STRING_MAX). */
export const TEXT_MAX_BYTES = 4 * 1024 * 1024;

/** string. What the other side takes for its end may not be in it. */
export const text: XdrType<string> = {
  minBytes: 4,
  write(to, value) {
    if (to.ascii(value)) return;
    if (value.includes('\0')) throw new XdrError('text with a zero byte in it');
    to.text(value, TEXT_MAX_BYTES);
  },
  read(from) {
    const value = from.text(TEXT_MAX_BYTES);
    if (value.includes('\0')) throw new XdrError('text with a zero byte in it');
    return value;
  },
};

/** opaque<max>. */
export function opaque(max: number): XdrType<Uint8Array> {
  return {
    minBytes: 4,
    write(to, value) {
      if (value.length > max) throw new XdrError(`${value.length} bytes where ${max} are the most`);
      to.u32(value.length);
      to.raw(value);
    },
    read: (from) => from.raw(from.count(max, 'bytes')),
  };
}

/** Where the digits of a UUID's four words are in its text: eight each. */
const uuidDigits = [...'xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx'].flatMap((one, index) => (one === 'x' ? [index] : []));
const UUID_LENGTH = 36;

/** The value of a hexadecimal digit by its character's code; -1: it is none. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const small = code | 0x20;
  return small >= 0x61 && small <= 0x66 ? small - 0x57 : -1;
}

function uuidWord(value: string, word: number): number {
  let bits = 0;
  for (let digit = 0; digit < 8; digit++) {
    const one = hexDigit(value.charCodeAt(uuidDigits[word * 8 + digit] as number));
    if (one < 0) return -1;
    bits = bits * 16 + one;
  }
  return bits;
}

/** opaque[16]: a UUID, as text in lower case with hyphens. */
export const uuid: XdrType<string> = {
  minBytes: 16,
  write(to, value) {
    const hyphens = value[8] === '-' && value[13] === '-' && value[18] === '-' && value[23] === '-';
    for (let word = 0; word < 4; word++) {
      const bits = value.length === UUID_LENGTH && hyphens ? uuidWord(value, word) : -1;
      if (bits < 0) throw new XdrError(`'${value}' is no UUID`);
      to.u32(bits);
    }
  },
  read(from) {
    const hex = Buffer.from(from.raw(16)).toString('hex');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  },
};

/** char<max>: text with 4 bytes for each of its characters (Latin-1), and a zero at its end. */
export function chars(max: number): XdrType<string> {
  return {
    minBytes: 4,
    write(to, value) {
      const bytes = Buffer.from(`${value}\0`, 'latin1');
      if (bytes.length > max) throw new XdrError(`text of ${bytes.length} bytes where ${max} are the most`);
      to.u32(bytes.length);
      for (const one of bytes) to.u32(one);
    },
    read: (from) => readChars(from, from.count(max, 'text')),
  };
}

/** char[count]: the same, filled up with zeroes; what leaves no room for one is cut. */
export function fixedChars(count: number): XdrType<string> {
  return {
    minBytes: count * 4,
    write(to, value) {
      const bytes = Buffer.from(value, 'latin1').subarray(0, count - 1);
      for (let i = 0; i < count; i++) to.u32(bytes[i] ?? 0);
    },
    read: (from) => readChars(from, count).slice(0, count - 1),
  };
}

function readChars(from: XdrReader, count: number): string {
  if (count * 4 > from.left) throw new XdrError(`${count} chars wanted, ${from.left} bytes left`);
  const bytes = Buffer.alloc(count);
  // Signed chars come with their sign.
  for (let i = 0; i < count; i++) bytes[i] = from.i32() & 0xff;
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end === -1 ? count : end);
}

/** type<max>. */
export function list<V, W>(type: XdrType<V, W>, max: number): XdrType<V[], readonly W[]> {
  return {
    minBytes: 4,
    write(to, values) {
      if (values.length > max) throw new XdrError(`list of ${values.length} where ${max} are the most`);
      to.u32(values.length);
      for (const value of values) type.write(to, value);
    },
    read(from) {
      const count = from.count(max, 'list');
      // Before anything is made of it: as many need so many bytes.
      if (count * type.minBytes > from.left) throw new XdrError(`list of ${count} in ${from.left} bytes`);
      const values: V[] = [];
      for (let i = 0; i < count; i++) values.push(type.read(from));
      return values;
    },
  };
}

/** *type. */
export function optional<V, W>(type: XdrType<V, W>): XdrOptional<V, W> {
  return {
    optional: true,
    minBytes: 4,
    write(to, value) {
      to.u32(value === undefined ? 0 : 1);
      if (value !== undefined) type.write(to, value);
    },
    read(from) {
      const present = from.u32();
      if (present > 1) throw new XdrError(`${present} where 0 or 1 says whether there is a value`);
      return present === 0 ? undefined : type.read(from);
    },
  };
}

/** Types by the names of what they are of, in their order on the wire. */
export type Shape = Readonly<Record<string, AnyXdr>>;

type OptionalKeys<S extends Shape> = {
  [K in keyof S]: S[K] extends { readonly optional: true } ? K : never;
}[keyof S];

/** What is read of a shape. */
export type ReadShape<S extends Shape> = { [K in Exclude<keyof S, OptionalKeys<S>>]: ReadOf<S[K]> } & {
  [K in OptionalKeys<S>]?: Exclude<ReadOf<S[K]>, undefined>;
};
/** What may be written of a shape. */
export type WrittenShape<S extends Shape> = {
  readonly [K in Exclude<keyof S, OptionalKeys<S>>]: WrittenOf<S[K]>;
} & { readonly [K in OptionalKeys<S>]?: WrittenOf<S[K]> | undefined };

/** struct. */
export function struct<S extends Shape>(shape: S): XdrType<ReadShape<S>, WrittenShape<S>> {
  const fields = Object.entries(shape);
  const names = Object.keys(shape);
  const types = Object.values(shape);
  return {
    minBytes: fields.reduce((sum, [, type]) => sum + type.minBytes, 0),
    write(to, value) {
      const values = value as Readonly<Record<string, unknown>>;
      for (let i = 0; i < types.length; i++) types[i]?.write(to, values[names[i] as string] as never);
    },
    read(from) {
      const value: Record<string, unknown> = {};
      for (const [name, type] of fields) {
        const one: unknown = type.read(from);
        if (one !== undefined) value[name] = one;
      }
      return value as ReadShape<S>;
    },
  };
}
