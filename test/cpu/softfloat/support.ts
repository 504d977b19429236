import { strict as assert } from 'node:assert';
import type { SeededRandom } from '../../../src/util/index.ts';
import { edges, exponentOf, integerEdges, randomOperand, withExponent } from './operands.ts';
import type { Operation, Type } from './operations.ts';
import { binary32, binary64, type Format, modes, mul as multiply } from './reference.ts';

const edgeOperands: Record<Type, bigint[]> = { s: edges(binary32), d: edges(binary64), x: integerEdges() };

/** All edge operands of a type. */
export function edgesOf(type: Type): readonly bigint[] {
  return edgeOperands[type];
}

/** A random operand of a type; now and then an edge. */
export function operandOf(type: Type, random: SeededRandom): bigint {
  if (random.below(6) === 0) return random.pick(edgeOperands[type]);
  if (type === 's') return randomOperand(binary32, random);
  if (type === 'd') return randomOperand(binary64, random);
  const shift = BigInt(random.below(64));
  return BigInt.asUintN(64, BigInt.asIntN(64, (BigInt(random.u32()) << 32n) | BigInt(random.u32())) >> shift);
}

/** Every combination of edge operands, or of every `step`th of them. */
export function* edgeTuples(operation: Operation, step = 1): Generator<bigint[]> {
  const lists = operation.operands.map((type) => edgeOperands[type].filter((_, i) => i % step === 0));
  const pick = function* (at: number, chosen: bigint[]): Generator<bigint[]> {
    if (at === lists.length) yield chosen;
    else for (const value of lists[at] as bigint[]) yield* pick(at + 1, [...chosen, value]);
  };
  yield* pick(0, []);
}

/** Random operands for one operation, often such that terms nearly cancel or results meet the ends of the range. */
export function randomTuple(operation: Operation, random: SeededRandom): bigint[] {
  const tuple = operation.operands.map((type) => operandOf(type, random));
  const type = operation.operands[0];
  if (tuple.length < 2 || type === 'x') return tuple;
  const f = type === 's' ? binary32 : binary64;
  const shape = random.below(4);
  if (shape === 0) cancel(operation, f, tuple, random);
  else if (shape === 1) reachLimit(operation, f, tuple, random);
  else if (shape === 2 && tuple.length === 3) nearTie(f, tuple, random);
  return tuple;
}

/** Makes the last operand a neighbour of what the others give, of either sign. */
function cancel(operation: Operation, f: Format, tuple: bigint[], random: SeededRandom): void {
  const [a, b] = tuple as [bigint, bigint];
  const target = operation.operands.length === 3 ? multiply(f, 0, a, b).bits : a;
  const moved = BigInt.asUintN(f.bits, target + BigInt(random.below(7) - 3));
  tuple[tuple.length - 1] = moved ^ (BigInt(random.below(2)) << BigInt(f.bits - 1));
}

/**
 * Makes the product half a unit of the addend's last place, but for a part that is very much smaller: (1 + iε) (1 − jε)
 * times a power of two, where i and j are near each other. The addend is now even, now odd.
 */
function nearTie(f: Format, tuple: bigint[], random: SeededRandom): void {
  const one = withExponent(f, 0n, 0);
  const sign = () => BigInt(random.below(2)) << BigInt(f.bits - 1);
  const scale = random.below(41) - 20;
  const half = scale - f.p - 1 + random.below(2);
  tuple[0] = (one + BigInt(random.below(4))) | sign();
  tuple[1] = withExponent(f, one - 2n * BigInt(random.below(4)), half) | sign();
  tuple[2] = withExponent(f, BigInt(random.below(4)), scale) | sign();
}

/** Gives the second operand an exponent that brings the product or quotient to the bottom or the top of the range. */
function reachLimit(operation: Operation, f: Format, tuple: bigint[], random: SeededRandom): void {
  const [a, b] = tuple as [bigint, bigint];
  const goal = random.pick([f.emin, f.emin - 1, f.emin + 1, f.emin - random.below(f.p + 2), f.emax, f.emax - 1]);
  const exponent = exponentOf(f, a);
  tuple[1] = withExponent(f, b, operation.name.startsWith('fdiv') ? exponent - goal : goal - exponent);
}

/** Fails unless softfloat and the reference agree in bits and flags. */
export function check(operation: Operation, rm: number, tuple: readonly bigint[], context = ''): void {
  const actual = operation.soft(rm, ...tuple);
  const expected = operation.reference(rm, ...tuple);
  if (actual.bits === expected.bits && actual.flags === expected.flags) return;
  const show = (r: { bits: bigint; flags: number }) => `0x${r.bits.toString(16)} flags ${r.flags}`;
  const operands = tuple.map((v) => `0x${v.toString(16)}`).join(', ');
  assert.fail(`${operation.name} ${modes[rm]} (${operands}): got ${show(actual)}, want ${show(expected)} ${context}`);
}
