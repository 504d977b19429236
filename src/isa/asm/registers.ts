/** Register names of GNU assembly and the psABI. */

/** ABI names of the integer registers by number. */
export const xNames: readonly string[] = [
  ...['zero', 'ra', 'sp', 'gp', 'tp', 't0', 't1', 't2', 's0', 's1'],
  ...['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7'],
  ...['s2', 's3', 's4', 's5', 's6', 's7', 's8', 's9', 's10', 's11', 't3', 't4', 't5', 't6'],
];

/** ABI names of the floating-point registers by number. */
export const fNames: readonly string[] = [
  ...['ft0', 'ft1', 'ft2', 'ft3', 'ft4', 'ft5', 'ft6', 'ft7', 'fs0', 'fs1'],
  ...['fa0', 'fa1', 'fa2', 'fa3', 'fa4', 'fa5', 'fa6', 'fa7'],
  ...['fs2', 'fs3', 'fs4', 'fs5', 'fs6', 'fs7', 'fs8', 'fs9', 'fs10', 'fs11', 'ft8', 'ft9', 'ft10', 'ft11'],
];

const xNumbers = new Map([...xNames, ...xNames.map((_, i) => `x${i}`)].map((name, i) => [name, i % 32]));
xNumbers.set('fp', 8);
const fNumbers = new Map([...fNames, ...fNames.map((_, i) => `f${i}`)].map((name, i) => [name, i % 32]));

/** Number of an integer register by any of its names. */
export function xNumber(name: string): number | undefined {
  return xNumbers.get(name);
}

/** Number of a floating-point register by any of its names. */
export function fNumber(name: string): number | undefined {
  return fNumbers.get(name);
}

/** Names of rounding modes by their encoding; 5 and 6 are reserved. */
export const rmNames: readonly (string | undefined)[] = [
  'rne',
  'rtz',
  'rdn',
  'rup',
  'rmm',
  undefined,
  undefined,
  'dyn',
];

/** A fence's set of accesses: device input and output, memory reads and writes, from bit 3 down. */
export function fenceSetName(set: number): string {
  const letters = [...'iorw'].filter((_, i) => (set >> (3 - i)) & 1).join('');
  return letters === '' ? 'unknown' : letters;
}

/** The inverse of `fenceSetName`; undefined if it is none. */
export function fenceSet(name: string): number | undefined {
  for (let set = 0; set < 16; set++) if (fenceSetName(set) === name) return set;
  return undefined;
}

/** Suffixes of atomic instructions by aqrl. */
export const aqrlSuffixes: readonly string[] = ['', '.rl', '.aq', '.aqrl'];
