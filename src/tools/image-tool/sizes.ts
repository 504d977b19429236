import { usageError } from '../cli/command.ts';

const units = ['', 'K', 'M', 'G', 'T', 'P', 'E'];

/** Bytes of a size as qemu-img takes it: a number, perhaps with a fraction and one of b, k, M, G, T, P, E. */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([bkmgtpe]?)$/i.exec(text.trim());
  const [, digits = '', unit = ''] = match ?? [];
  const factor = unit === '' || /b/i.test(unit) ? 1 : 1024 ** units.indexOf(unit.toUpperCase());
  const bytes = Math.round(Number(digits) * factor);
  if (match === null || !Number.isSafeInteger(bytes)) {
    throw usageError(`'${text}' is no size: write it like 512M, 1.5G or 2T`);
  }
  return bytes;
}

/** The same, rounded up to whole sectors, as a disk's size is. */
export function parseDiskBytes(text: string): number {
  return Math.ceil(parseBytes(text) / 512) * 512;
}

/** A size for people, as qemu-img writes it: three digits and a unit. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number(value.toPrecision(3))} ${unit === 0 ? 'B' : `${units[unit]}iB`}`;
}
