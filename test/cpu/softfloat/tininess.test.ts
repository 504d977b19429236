import { strict as assert } from 'node:assert';
import { type Operation, operations } from './operations.ts';
import { binary32, binary64, type Format, modes } from './reference.ts';
import { check } from './support.ts';

const NX = 1;
const UF = 2;

function named(name: string): Operation {
  return operations.find((operation) => operation.name === name) as Operation;
}

/** Bits of 2^exponent × (1 + fraction × 2^-(p−1)). */
function normal(f: Format, exponent: number, fraction: bigint): bigint {
  return (BigInt(exponent + f.emax) << BigInt(f.p - 1)) | fraction;
}

for (const [suffix, f] of [
  ['s', binary32],
  ['d', binary64],
] as const) {
  const all = (1n << BigInt(f.p - 1)) - 1n;
  const smallest = normal(f, f.emin, 0n);

  describe(`tininess after rounding (.${suffix})`, () => {
    it('a product just below the smallest normal number that rounds up to it raises NX alone', () => {
      // (1 + ε)(1 − ε) = 1 − ε², far less than half a unit below one.
      const operands = [normal(f, f.emin, 1n), normal(f, -1, all - 1n)];
      const { bits, flags } = named(`fmul.${suffix}`).soft(0, ...operands);
      assert.equal(bits, smallest);
      assert.equal(flags, NX);
      for (const rm of modes.keys()) check(named(`fmul.${suffix}`), rm, operands);
    });

    it('the same product rounded down or towards zero underflows', () => {
      for (const rm of [1, 2]) {
        const { bits, flags } = named(`fmul.${suffix}`).soft(rm, normal(f, f.emin, 1n), normal(f, -1, all - 1n));
        assert.equal(bits, smallest - 1n);
        assert.equal(flags, NX | UF);
      }
    });

    it('a product that only rounds up to the smallest normal number for want of digits underflows', () => {
      // 1 − 2^-p has p digits: nothing is lost while the exponent has no bound, but as a subnormal number it is a tie.
      const operands = [normal(f, f.emin, all), normal(f, -1, 0n)];
      const { bits, flags } = named(`fmul.${suffix}`).soft(0, ...operands);
      assert.equal(bits, smallest);
      assert.equal(flags, NX | UF);
      for (const rm of modes.keys()) check(named(`fmul.${suffix}`), rm, operands);
    });

    it('a fused sum a hair below the smallest normal number is tiny only when rounded downwards', () => {
      const hair = [normal(f, f.emin, 0n) | (1n << BigInt(f.bits - 1)), normal(f, -60, 0n), smallest];
      const fused = named(`fmadd.${suffix}`);
      assert.deepEqual(
        modes.map((_, rm) => fused.soft(rm, ...hair).flags),
        [NX, NX | UF, NX | UF, NX, NX],
      );
      for (const rm of modes.keys()) check(fused, rm, hair);
    });

    it('an exact subnormal result raises nothing', () => {
      const { bits, flags } = named(`fmul.${suffix}`).soft(0, smallest, normal(f, -1, 0n));
      assert.equal(bits, 1n << BigInt(f.p - 2));
      assert.equal(flags, 0);
    });
  });
}
