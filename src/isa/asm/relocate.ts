/** Values of operands that depend on addresses. */
import { complain } from './errors.ts';
import type { Pending } from './operands.ts';

/** The difference that a %pcrel_hi covers, by the address of the instruction that holds it. */
export type PcrelTargets = ReadonlyMap<bigint, bigint>;

/** Bits 11:0, sign-extended: what the second of a pair of instructions adds. */
function low(value: bigint): number {
  return Number(BigInt.asIntN(12, value));
}

/** Bits 31:12 as a number of 20 bits, rounded so that adding the sign-extended low part gives the value. */
function high(value: bigint, what: string): number {
  const upper = (value + 0x800n) >> 12n;
  if (BigInt.asIntN(20, upper) !== upper) complain(`${what} of ${value} is beyond 32 bits`);
  return Number(BigInt.asUintN(20, upper));
}

/**
 * The number that goes into an instruction's field: `value` is what the expression gave, `pc` the instruction's
 * address. Throws a Complaint if it cannot be expressed.
 */
export function relocate(pending: Pending, value: bigint, pc: bigint, pcrel: PcrelTargets): number {
  const { modifier } = pending.immediate;
  if (pending.meaning === 'upper') return upperImmediate(upperPart(pending, value, pc));
  if (modifier === '%lo') return low(value);
  if (modifier === '%pcrel_lo') {
    const distance = pcrel.get(value);
    return distance === undefined ? complain(`no %pcrel_hi at 0x${value.toString(16)}`) : low(distance);
  }
  if (modifier !== undefined) complain(`${modifier} gives the upper bits: it belongs in lui or auipc`);
  if (pending.meaning === 'target') return narrow(BigInt.asIntN(64, value - pc));
  return narrow(BigInt.asIntN(64, value));
}

function upperPart({ immediate: { modifier } }: Pending, value: bigint, pc: bigint): bigint {
  if (modifier === '%hi') return BigInt(high(value, '%hi'));
  if (modifier === '%pcrel_hi') return BigInt(high(BigInt.asIntN(64, value - pc), '%pcrel_hi'));
  return modifier === undefined
    ? value
    : complain(`${modifier} gives the lower bits: it belongs in addi, a load or a store`);
}

function upperImmediate(value: bigint): number {
  if (value < 0n || value > 0xf_ffffn) complain(`${value} does not fit in 20 bits (0 … 0xfffff)`);
  return Number(BigInt.asIntN(32, value << 12n));
}

/** A number that is surely out of range of every field when it has more than 32 bits. */
function narrow(value: bigint): number {
  return Number(value);
}
