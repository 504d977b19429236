/** Sizes as people write and read them. */

const POWERS = ['', 'K', 'M', 'G', 'T', 'P', 'E'] as const;
const BIGGEST = 2n ** 64n - 1n;

/** Factor of a unit: `K` and `KiB` are 1024, `KB` is 1000, `b` and `bytes` 1; undefined for anything else. */
export function unitFactor(unit: string): bigint | undefined {
  const name = unit.toLowerCase();
  if (name === 'b' || name === 'byte' || name === 'bytes') return 1n;
  const power = POWERS.findIndex((letter) => letter !== '' && letter.toLowerCase() === name[0]);
  if (power < 0) return undefined;
  const rest = name.slice(1);
  if (rest === '' || rest === 'ib') return 1024n ** BigInt(power);
  return rest === 'b' ? 1000n ** BigInt(power) : undefined;
}

/** Bytes of a scaled number: digits and perhaps a unit. undefined: it is not one, or too big. */
export function parseSize(text: string, defaultFactor: bigint): bigint | undefined {
  const match = /^\s*\+?(\d+)\s*([a-z]*)\s*$/i.exec(text);
  if (match === null) return undefined;
  const [, digits = '', unit = ''] = match;
  const factor = unit === '' ? defaultFactor : unitFactor(unit);
  if (factor === undefined) return undefined;
  const bytes = BigInt(digits) * factor;
  return bytes > BIGGEST ? undefined : bytes;
}

/** The unit of a number that is well-formed but for that; undefined for any other text. */
export function unknownUnit(text: string): string | undefined {
  const [, unit] = /^\s*\+?\d+\s*([a-z]+)\s*$/i.exec(text) ?? [];
  return unit === undefined || unitFactor(unit) !== undefined ? undefined : unit;
}

/** `1.50 GiB`. @param digits behind the point */
export function prettySize(bytes: bigint, digits = 2): string {
  let power = 0;
  while (power < POWERS.length - 1 && bytes >= 1024n ** BigInt(power + 1)) power++;
  const scaled = Number(bytes) / 1024 ** power;
  return `${scaled.toFixed(digits)} ${power === 0 ? 'B' : `${POWERS[power]}iB`}`;
}

/** `2.5s` of nanoseconds. */
export function prettySeconds(nanoseconds: bigint): string {
  return `${(Number(nanoseconds) / 1e9).toFixed(1)}s`;
}

function zoneOf(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const digits =
    `${Math.floor(Math.abs(minutes) / 60)}`.padStart(2, '0') + `${Math.abs(minutes) % 60}`.padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${digits}`;
}

function local(date: Date): Date {
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
}

/** `2026-01-31 16:59:44 +0000`, in local time. */
export function prettyTime(date: Date): string {
  return `${local(date).toISOString().slice(0, 19).replace('T', ' ')} ${zoneOf(date)}`;
}

/** `2026-01-31 16:59:44.123+0000`, in local time. */
export function timestamp(date: Date): string {
  return `${local(date).toISOString().slice(0, 23).replace('T', ' ')}${zoneOf(date)}`;
}
