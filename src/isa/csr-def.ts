/** The shape of the CSR table (Privileged spec 2). */
import { Priv } from './causes.ts';
import type { HartField } from './state-layout.ts';

/**
 * What a write does to one field: `any` value is stored; `fixed`: writes leave it (WPRI bits and WARL fields with one
 * legal value); a list of legal values, where any other leaves the field, or for `refuse` the whole register, as it is.
 */
export type WriteRule = 'any' | 'fixed' | { readonly legal: readonly number[]; readonly otherwise: 'keep' | 'refuse' };

/** One named field of a register. */
export interface CsrField {
  readonly mask: bigint;
  /** Position of its lowest bit. */
  readonly shift: number;
  readonly rule: WriteRule;
}

/**
 * Where a register's value lives.
 * - `state`: element `index` of a field of the hart's state block
 * - `view`: the bits `mask` of another register, shifted right by `shift`; with `delegated` only those that mideleg has
 * - `constant`: reads this value; writes, where the number allows them, are ignored
 * - `computed`: made up from several sources by the CPU
 */
export type CsrStorage =
  | { readonly kind: 'state'; readonly field: HartField; readonly index: number }
  | {
      readonly kind: 'view';
      readonly of: string;
      readonly mask: bigint;
      readonly shift: number;
      readonly delegated: boolean;
    }
  | { readonly kind: 'constant'; readonly value: bigint }
  | { readonly kind: 'computed' };

/**
 * What else must hold for access, besides privilege:
 * - `fs`: mstatus.FS is not off (Privileged spec 3.1.6.6)
 * - `counteren`: below M-mode its bit in mcounteren, in U-mode also that in scounteren (3.1.11)
 * - `sstc`: as `counteren` for bit TM, and menvcfg.STCE (Sstc)
 * - `tvm`: in S-mode mstatus.TVM is clear (3.1.6.5)
 * - `envcfg`, `stateen`: below M-mode mstateen0.ENVCFG, or SE of the mstateen register of the same number (Smstateen)
 */
export type CsrGate = 'fs' | 'counteren' | 'sstc' | 'tvm' | 'envcfg' | 'stateen';

/** One register of the table. */
export interface Csr<Name extends string = string, Fields extends string = string> {
  readonly name: Name;
  readonly number: number;
  /** Lowest mode that may touch it, from number bits 9:8. */
  readonly priv: Priv;
  /** Writing it is illegal, from number bits 11:10. */
  readonly readOnly: boolean;
  readonly fields: Readonly<Record<Fields, CsrField>>;
  /** Bits that some write can change. */
  readonly writeMask: bigint;
  readonly reset: bigint;
  readonly storage: CsrStorage;
  readonly gate: CsrGate | undefined;
}

/** A field from `hi:lo` or a single bit. */
export function bitsOf(place: string, rule: WriteRule = 'any'): CsrField {
  const [hi, lo = hi] = place.split(':').map(Number);
  return { mask: ((1n << BigInt(hi - lo + 1)) - 1n) << BigInt(lo), shift: lo, rule };
}

/** A field that keeps its value when anything but one of `legal` is written to it. */
export function oneOf(place: string, ...legal: number[]): CsrField {
  return bitsOf(place, { legal, otherwise: 'keep' });
}

/** Storage in the state block. */
export function state(field: HartField, index = 0): CsrStorage {
  return { kind: 'state', field, index };
}

/** A register that reads zero and ignores writes. */
export const zero: CsrStorage = { kind: 'constant', value: 0n };

/** Storage that is some bits of another register. */
export function view(of: string, mask: bigint, shift = 0): CsrStorage {
  return { kind: 'view', of, mask, shift, delegated: false };
}

/** As `view`, of only those interrupts that mideleg delegates. */
export function delegatedView(of: string, mask: bigint): CsrStorage {
  return { kind: 'view', of, mask, shift: 0, delegated: true };
}

interface Options {
  readonly reset?: bigint;
  readonly gate?: CsrGate;
}

/** One line of the table. */
export function csr<const Name extends string, const Fields extends string>(
  number: number,
  name: Name,
  storage: CsrStorage,
  fields: Readonly<Record<Fields, CsrField>>,
  options: Options = {},
): Csr<Name, Fields> {
  let writeMask = 0n;
  for (const field of Object.values<CsrField>(fields)) {
    if (field.rule !== 'fixed') writeMask |= field.mask;
  }
  const level = (number >> 8) & 3;
  return {
    name,
    number,
    priv: level === 0 ? Priv.U : level === 1 ? Priv.S : Priv.M,
    readOnly: number >> 10 === 3,
    fields,
    writeMask,
    reset: options.reset ?? (storage.kind === 'constant' ? storage.value : 0n),
    storage,
    gate: options.gate,
  };
}

/** What a register holds after `written` is written over `old`, by the rules of its fields. */
export function legalize(csr: Csr, old: bigint, written: bigint): bigint {
  let value = old;
  for (const field of Object.values(csr.fields)) {
    const { mask, rule } = field;
    if (rule === 'fixed') continue;
    if (rule !== 'any' && !rule.legal.includes(Number((written & mask) >> BigInt(field.shift)))) {
      if (rule.otherwise === 'refuse') return old;
      continue;
    }
    value = (value & ~mask) | (written & mask);
  }
  return value;
}
