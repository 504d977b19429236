/** How assembly writes the constants of fli: C hexadecimal floating point, or `min`, `inf`, `nan`. */
import { fliConstants } from '../extensions/zfa.ts';

/** All 32 constants are an integer of at most three bits times a power of two. */
const SIGNIFICANT_STEPS = 4;

/** The constant with this index (0 … 31). */
export function fliText(index: number): string {
  const value = fliConstants[index];
  if (value === undefined) return 'min';
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return 'inf';
  const exponent = Math.floor(Math.log2(Math.abs(value)));
  const fraction = Math.abs(value) / 2 ** exponent - 1;
  const digits = fraction === 0 ? '' : `.${(fraction * SIGNIFICANT_STEPS * 4).toString(16)}`;
  return `${value < 0 ? '-' : ''}0x1${digits}p${exponent < 0 ? '' : '+'}${exponent}`;
}

const indexByText = new Map(fliConstants.map((_, index) => [fliText(index), index]));

/** The index of the constant that `text` writes, in hexadecimal or decimal; undefined if there is none. */
export function fliIndex(text: string): number | undefined {
  const exact = indexByText.get(text);
  if (exact !== undefined) return exact;
  const index = text === '' ? -1 : fliConstants.indexOf(Number(text));
  return index < 0 ? undefined : index;
}
