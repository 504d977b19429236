import { VirtError } from '../../util/index.ts';

/** Values as `MmioDevice.save` writes them, before anything is known of them. */
export type SavedState = Readonly<Record<string, unknown>>;

function malformed(name: string, expected: string): VirtError {
  return new VirtError('INVALID_ARG', `saved device state: '${name}' is not ${expected}`, { data: { name } });
}

function isU32(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffff_ffff;
}

/** The unsigned 32-bit number saved under `name`. Throws INVALID_ARG if it is none. */
export function savedU32(state: SavedState, name: string): number {
  const value = state[name];
  if (!isU32(value)) throw malformed(name, 'an unsigned 32-bit number');
  return value;
}

/** The list of exactly `count` unsigned 32-bit numbers saved under `name`. Throws INVALID_ARG if it is none. */
export function savedU32List(state: SavedState, name: string, count: number): readonly number[] {
  const value = state[name];
  if (!Array.isArray(value) || value.length !== count || !value.every(isU32)) {
    throw malformed(name, `a list of ${count} unsigned 32-bit numbers`);
  }
  return value as number[];
}

/** The bytes saved under `name` as a list of numbers, at most `max`. Throws INVALID_ARG if they are none. */
export function savedBytes(state: SavedState, name: string, max: number): Uint8Array {
  const value = state[name];
  if (!Array.isArray(value) || value.length > max || !value.every((b) => isU32(b) && b <= 0xff)) {
    throw malformed(name, `a list of at most ${max} bytes`);
  }
  return Uint8Array.from(value as number[]);
}

/** The unsigned 64-bit number saved under `name` in decimal. Throws INVALID_ARG if it is none. */
export function savedU64(state: SavedState, name: string): bigint {
  return parseU64(state[name], name);
}

/** The list of exactly `count` unsigned 64-bit numbers in decimal saved under `name`. Throws INVALID_ARG if none. */
export function savedU64List(state: SavedState, name: string, count: number): readonly bigint[] {
  const value = state[name];
  if (!Array.isArray(value) || value.length !== count) throw malformed(name, `a list of ${count} numbers`);
  return value.map((element) => parseU64(element, name));
}

function parseU64(value: unknown, name: string): bigint {
  if (typeof value !== 'string' || !/^\d{1,20}$/.test(value)) throw malformed(name, 'a decimal number');
  const number = BigInt(value);
  if (number >> 64n !== 0n) throw malformed(name, 'an unsigned 64-bit number');
  return number;
}
