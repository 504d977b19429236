/** Operands worth trying: the edges of the formats and of the integer types, and random ones that meet often. */
import type { SeededRandom } from '../../../src/util/index.ts';
import type { Format } from './reference.ts';

/** Bits of ±2^exponent × (1 + fraction × 2^-(p−1)). */
function normal(f: Format, exponent: number, fraction: bigint): bigint {
  return (BigInt(exponent + f.emax) << BigInt(f.p - 1)) | fraction;
}

/** Edge operands, both signs. */
export function edges(f: Format): bigint[] {
  const all = (1n << BigInt(f.p - 1)) - 1n;
  const infinity = normal(f, f.emax + 1, 0n);
  const quiet = 1n << BigInt(f.p - 2);
  const positive = [
    0n,
    // Subnormal: smallest, in the middle, largest.
    1n,
    2n,
    3n,
    1n << BigInt(f.p - 2),
    all,
    // Normal: smallest, with its neighbour; largest, with its neighbour.
    normal(f, f.emin, 0n),
    normal(f, f.emin, 1n),
    normal(f, f.emin, all),
    normal(f, f.emax, all),
    normal(f, f.emax, all - 1n),
    normal(f, f.emax, 0n),
    // Around one; one half, and what is just below it; numbers with a fraction of a half.
    normal(f, 0, 0n),
    normal(f, 0, 1n),
    normal(f, 0, all),
    normal(f, -1, 0n),
    normal(f, -1, all),
    normal(f, -1, all - 1n),
    normal(f, -2, all),
    normal(f, 0, 1n << BigInt(f.p - 2)),
    normal(f, 1, 1n << BigInt(f.p - 3)),
    normal(f, 1, 0n),
    // The edges of precision and of half of it.
    normal(f, f.p - 1, 1n),
    normal(f, f.p - 2, 1n),
    normal(f, f.p, all),
    normal(f, -f.p, 0n),
    normal(f, -(f.p - 1), 1n),
    // Powers of two around the limits of integers, and their neighbours below.
    ...[30, 31, 32, 62, 63, 64, 83, 84].flatMap((e) => [normal(f, e, 0n), normal(f, e, 1n), normal(f, e - 1, all)]),
    // Products and quotients that end near the bottom and near the top.
    normal(f, f.emin / 2, 5n),
    normal(f, (f.emax - 1) / 2, all - 4n),
    infinity,
    // NaNs: canonical, quiet with a payload, signaling smallest and largest.
    infinity | quiet,
    infinity | quiet | 5n,
    infinity | 1n,
    infinity | (quiet - 1n),
  ];
  if (f.p > 24) positive.push(...narrowing(f));
  return positive.flatMap((bits) => [bits, bits | (1n << BigInt(f.bits - 1))]);
}

/** Doubles about the limits of singles: 24 digits and the next few, at the bottom, below it and at the top. */
function narrowing(f: Format): bigint[] {
  const digits = BigInt(f.p - 24);
  const ones = (1n << 23n) - 1n;
  return [-150, -149, -127, -126, 127].flatMap((e) =>
    [0n, 1n, 1n << (digits - 1n), (1n << (digits - 1n)) + 1n, (1n << digits) - 1n].flatMap((below) =>
      [0n, ones].map((above) => normal(f, e, (above << digits) | below)),
    ),
  );
}

/** The exponent field of some bits, changed to `exponent`, as near as the format has it. */
export function withExponent(f: Format, bits: bigint, exponent: number): bigint {
  const field = BigInt(Math.min(Math.max(exponent + f.emax, 0), 2 * f.emax));
  const mask = ((1n << BigInt(f.bits - f.p)) - 1n) << BigInt(f.p - 1);
  return (bits & ~mask) | (field << BigInt(f.p - 1));
}

/** The exponent of a normal number. */
export function exponentOf(f: Format, bits: bigint): number {
  return Number((bits >> BigInt(f.p - 1)) & ((1n << BigInt(f.bits - f.p)) - 1n)) - f.emax;
}

/** A random operand: any bits, or an exponent near one's, with fractions that are often short or all ones. */
export function randomOperand(f: Format, random: SeededRandom): bigint {
  const word = (BigInt(random.u32()) << 32n) | BigInt(random.u32());
  const any = BigInt.asUintN(f.bits, word);
  const shape = random.below(8);
  if (shape === 0) return any;
  const fractionMask = (1n << BigInt(f.p - 1)) - 1n;
  let fraction = any & fractionMask;
  const cut = BigInt(random.below(f.p));
  if (shape >= 5) fraction = (fraction >> cut) << cut;
  if (shape === 7) fraction |= (1n << cut) - 1n;
  const spread = [4, 8, f.p + 4, 2 * f.p, 8][shape % 5] as number;
  let exponent = random.below(2 * spread + 1) - spread;
  if (shape === 4) exponent = f.emin + random.below(4) - 1;
  if (shape === 3 && random.below(4) === 0) exponent = f.emax - random.below(3);
  const sign = BigInt(random.below(2)) << BigInt(f.bits - 1);
  return sign | normal(f, exponent, fraction);
}

/** Integers at and around the limits of 32-bit and 64-bit types, and around what formats hold exactly. */
export function integerEdges(): bigint[] {
  const out = new Set<bigint>([0n]);
  for (const e of [0n, 1n, 7n, 23n, 24n, 25n, 31n, 32n, 33n, 52n, 53n, 54n, 62n, 63n]) {
    for (const d of [-3n, -2n, -1n, 0n, 1n, 2n, 3n]) {
      out.add(BigInt.asUintN(64, (1n << e) + d));
      out.add(BigInt.asUintN(64, -(1n << e) + d));
    }
  }
  // Halfway between neighbours.
  for (const [e, half] of [
    [40n, 15n],
    [60n, 35n],
    [60n, 6n],
    [63n, 9n],
    [63n, 38n],
  ] as const) {
    for (const d of [-1n, 0n, 1n]) out.add(BigInt.asUintN(64, (1n << e) + (1n << half) + d));
    for (const d of [-1n, 0n, 1n]) out.add(BigInt.asUintN(64, (1n << e) + 3n * (1n << half) + d));
  }
  return [...out];
}
