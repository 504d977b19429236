/** Values of XDR types, made up. */
import type { SeededRandom } from '../../../src/util/index.ts';
import { XdrError, type XdrReader } from '../../../src/virt/rpc/xdr.ts';
import type { AnyXdr } from '../../../src/virt/rpc/xdr-types.ts';

const letters = [...'abc/ <>&"\'äß€😀\n'];

/** What a reader reads, without any bytes: small numbers and short lists more often than not. */
class SampleReader {
  readonly left = Number.POSITIVE_INFINITY;
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  u32(): number {
    return this.#random.below(4) === 0 ? this.#random.u32() : this.#random.below(3);
  }

  i32(): number {
    return this.#random.below(4) === 0 ? this.#random.u32() | 0 : this.#random.below(8);
  }

  u64(): bigint {
    return this.#random.below(2) === 0 ? BigInt(this.u32()) : (BigInt(this.#random.u32()) << 32n) | BigInt(this.u32());
  }

  i64(): bigint {
    return BigInt.asIntN(64, this.u64());
  }

  f64(): number {
    return this.#random.u32() / 7;
  }

  raw(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    this.#random.fill(bytes);
    return bytes;
  }

  text(): string {
    return Array.from({ length: this.#random.below(8) }, () => this.#random.pick(letters)).join('');
  }

  count(max: number): number {
    return this.#random.below(Math.min(max, 5) + 1);
  }
}

/** A value that a type can have. */
export function sample(type: AnyXdr, random: SeededRandom): unknown {
  for (let tries = 0; tries < 200; tries++) {
    try {
      return type.read(new SampleReader(random) as unknown as XdrReader);
    } catch (error) {
      if (!(error instanceof XdrError)) throw error;
    }
  }
  throw new Error('no value can be made up');
}
