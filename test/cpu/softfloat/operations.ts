/** Every floating-point operation by its instruction's name: as softfloat does it, and as the reference does it. */
import { FloatEnv, f32, f64 } from '../../../src/cpu/softfloat/index.ts';
import * as reference from './reference.ts';
import { binary32, binary64, type Format, type Result } from './reference.ts';

/** What an operand or a result is: a single, a double, or an integer register. */
export type Type = 's' | 'd' | 'x';

/** One operation. Operands and results are bits: 32 for singles, 64 for doubles and registers, unsigned. */
export interface Operation {
  readonly name: string;
  readonly operands: readonly Type[];
  readonly result: Type;
  /** Whether it depends on the rounding mode. */
  readonly rounds: boolean;
  soft(rm: number, ...operands: bigint[]): Result;
  reference(rm: number, ...operands: bigint[]): Result;
}

const env = new FloatEnv();

const low = (v: bigint): number => Number(BigInt.asIntN(32, v));
const high = (v: bigint): number => Number(BigInt.asIntN(32, v >> 32n));
const unsigned = (v: number): bigint => BigInt(v >>> 0);
const extended = (v: number): bigint => BigInt.asUintN(64, BigInt(v | 0));

/** Runs one softfloat operation in a fresh environment. */
function run(rm: number, operation: () => number | undefined, asResult: (v: number) => bigint = unsigned): Result {
  env.rounding = rm;
  env.flags = 0;
  const value = operation();
  const bits = value === undefined ? (unsigned(env.hi) << 32n) | unsigned(env.lo) : asResult(value);
  return { bits, flags: env.flags };
}

type Soft = (rm: number, ...operands: bigint[]) => Result;

const single1 =
  (op: (e: FloatEnv, a: number) => number, asResult = unsigned): Soft =>
  (rm, a) =>
    run(rm, () => op(env, low(a)), asResult);
const single2 =
  (op: (e: FloatEnv, a: number, b: number) => number): Soft =>
  (rm, a, b) =>
    run(rm, () => op(env, low(a), low(b)));
const double1 =
  (op: (e: FloatEnv, lo: number, hi: number) => unknown, asResult = unsigned): Soft =>
  (rm, a) =>
    run(rm, () => op(env, low(a), high(a)) as number | undefined, asResult);
const double2 =
  (op: (e: FloatEnv, al: number, ah: number, bl: number, bh: number) => unknown): Soft =>
  (rm, a, b) =>
    run(rm, () => op(env, low(a), high(a), low(b), high(b)) as number | undefined);

const turned = (f: Format, v: bigint): bigint => v ^ (1n << BigInt(f.bits - 1));

function fused(suffix: 's' | 'd'): Operation[] {
  const f = suffix === 's' ? binary32 : binary64;
  const soft: Soft =
    suffix === 's'
      ? (rm, a, b, c) => run(rm, () => f32.fma(env, low(a), low(b), low(c)))
      : (rm, a, b, c) =>
          run(rm, () => {
            f64.fma(env, low(a), high(a), low(b), high(b), low(c), high(c));
            return undefined;
          });
  return (
    [
      ['fmadd', false, false],
      ['fmsub', false, true],
      ['fnmsub', true, false],
      ['fnmadd', true, true],
    ] as const
  ).map(([name, product, addend]) => ({
    name: `${name}.${suffix}`,
    operands: [suffix, suffix, suffix],
    result: suffix,
    rounds: true,
    soft: (rm, a, b, c) => soft(rm, product ? turned(f, a) : a, b, addend ? turned(f, c) : c),
    reference: (rm, a, b, c) => reference.fma(f, rm, product ? turned(f, a) : a, b, addend ? turned(f, c) : c),
  }));
}

/** A row with two operands of the result's own type. */
function arithmetic(name: 'add' | 'sub' | 'mul' | 'div', exact: typeof reference.add): Operation[] {
  const row = (type: 's' | 'd', f: Format, soft: Soft): Operation => ({
    name: `f${name}.${type}`,
    operands: [type, type],
    result: type,
    rounds: true,
    soft,
    reference: (rm, a, b) => exact(f, rm, a, b),
  });
  return [row('s', binary32, single2(f32[name])), row('d', binary64, double2(f64[name]))];
}

function extrema(name: 'min' | 'max' | 'minm' | 'maxm'): Operation[] {
  const row = (type: 's' | 'd', f: Format, soft: Soft): Operation => ({
    name: `f${name}.${type}`,
    operands: [type, type],
    result: type,
    rounds: false,
    soft,
    reference: (_rm, a, b) => reference.extremum(f, name, a, b),
  });
  return [row('s', binary32, single2(f32[name])), row('d', binary64, double2(f64[name]))];
}

function comparisons(name: 'eq' | 'lt' | 'le' | 'ltq' | 'leq'): Operation[] {
  const row = (type: 's' | 'd', f: Format, soft: Soft): Operation => ({
    name: `f${name}.${type}`,
    operands: [type, type],
    result: 'x',
    rounds: false,
    soft,
    reference: (_rm, a, b) => reference.compare(f, name, a, b),
  });
  return [row('s', binary32, single2(f32[name])), row('d', binary64, double2(f64[name]))];
}

function unary(
  name: string,
  operand: Type,
  result: Type,
  soft: Soft,
  exact: (rm: number, a: bigint) => Result,
  rounds = true,
): Operation {
  return { name, operands: [operand], result, rounds, soft, reference: exact };
}

function toIntegers(): Operation[] {
  const types = [
    ['w', 32, true, f32.toI32, f64.toI32],
    ['wu', 32, false, f32.toU32, f64.toU32],
    ['l', 64, true, f32.toI64, f64.toI64],
    ['lu', 64, false, f32.toU64, f64.toU64],
  ] as const;
  return types.flatMap(([type, width, signed, s, d]) => [
    unary(
      `fcvt.${type}.s`,
      's',
      'x',
      (rm, a) => run(rm, () => s(env, low(a)) as number | undefined, extended),
      (rm, a) => reference.toInteger(binary32, rm, a, width, signed),
    ),
    unary(`fcvt.${type}.d`, 'd', 'x', double1(d, extended), (rm, a) =>
      reference.toInteger(binary64, rm, a, width, signed),
    ),
  ]);
}

function fromIntegers(): Operation[] {
  const types = [
    ['w', (v: bigint) => BigInt.asIntN(32, v)],
    ['wu', (v: bigint) => BigInt.asUintN(32, v)],
    ['l', (v: bigint) => BigInt.asIntN(64, v)],
    ['lu', (v: bigint) => BigInt.asUintN(64, v)],
  ] as const;
  return types.flatMap(([type, cut]) => {
    const s = type.endsWith('u') ? f32.fromU64 : f32.fromI64;
    const d = type.endsWith('u') ? f64.fromU64 : f64.fromI64;
    return [
      unary(
        `fcvt.s.${type}`,
        'x',
        's',
        (rm, a) => run(rm, () => s(env, low(cut(a)), high(cut(a)))),
        (rm, a) => reference.fromInteger(binary32, rm, cut(a)),
      ),
      unary(
        `fcvt.d.${type}`,
        'x',
        'd',
        (rm, a) => double1(d)(rm, cut(a)),
        (rm, a) => reference.fromInteger(binary64, rm, cut(a)),
      ),
    ];
  });
}

function rest(): Operation[] {
  const classes = (f: Format) => (_rm: number, a: bigint) => ({ bits: BigInt(reference.classify(f, a)), flags: 0 });
  return [
    unary('fsqrt.s', 's', 's', single1(f32.sqrt), (rm, a) => reference.sqrt(binary32, rm, a)),
    unary('fsqrt.d', 'd', 'd', double1(f64.sqrt), (rm, a) => reference.sqrt(binary64, rm, a)),
    unary('fround.s', 's', 's', single1(f32.round), (rm, a) => reference.roundToIntegral(binary32, rm, a, true)),
    unary('fround.d', 'd', 'd', double1(f64.round), (rm, a) => reference.roundToIntegral(binary64, rm, a, true)),
    unary('froundnx.s', 's', 's', single1(f32.roundnx), (rm, a) => reference.roundToIntegral(binary32, rm, a, false)),
    unary('froundnx.d', 'd', 'd', double1(f64.roundnx), (rm, a) => reference.roundToIntegral(binary64, rm, a, false)),
    unary('fcvt.s.d', 'd', 's', double1(f64.toF32), (rm, a) => reference.convert(binary64, binary32, rm, a)),
    unary(
      'fcvt.d.s',
      's',
      'd',
      (rm, a) => run(rm, () => f32.toF64(env, low(a)) as undefined),
      (rm, a) => reference.convert(binary32, binary64, rm, a),
    ),
    unary(
      'fcvtmod.w.d',
      'd',
      'x',
      double1(f64.toI32Modular, extended),
      (_rm, a) => reference.toIntegerModular(a),
      false,
    ),
    unary('fclass.s', 's', 'x', (rm, a) => run(rm, () => f32.classify(low(a))), classes(binary32), false),
    unary('fclass.d', 'd', 'x', (rm, a) => run(rm, () => f64.classify(low(a), high(a))), classes(binary64), false),
  ];
}

/** All operations that compute: moves, sign injection and constants are not among them. */
export const operations: readonly Operation[] = [
  ...arithmetic('add', reference.add),
  ...arithmetic('sub', reference.sub),
  ...arithmetic('mul', reference.mul),
  ...arithmetic('div', reference.div),
  ...fused('s'),
  ...fused('d'),
  ...(['min', 'max', 'minm', 'maxm'] as const).flatMap(extrema),
  ...(['eq', 'lt', 'le', 'ltq', 'leq'] as const).flatMap(comparisons),
  ...toIntegers(),
  ...fromIntegers(),
  ...rest(),
];

/** Instructions that QEMU 7.2 does not know. */
export const zfaOnly = /^(f(min|max)m\.|f(lt|le)q\.|fround|fcvtmod)/;
