import type { SeededRandom } from '../../src/util/index.ts';

/** Numbers that break parsers: edges of every width. */
const interesting = [
  0n,
  1n,
  2n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_fff0n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x20_0000_0000_0000n,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0xffff_ffff_ffff_f000n,
  0xffff_ffff_ffff_ffffn,
];

/** The seed of a fuzz run: FUZZ_SEED or always the same. Failures print it. */
export function fuzzSeed(): number {
  return Number(process.env['FUZZ_SEED'] ?? 20240411);
}

/** Rounds to run: many more with NODEVISOR_TEST_FULL. */
export function fuzzRounds(usual: number): number {
  return process.env['NODEVISOR_TEST_FULL'] ? usual * 50 : usual;
}

/** A damaged copy: a few fields or bytes changed, mostly among the first `head`, sometimes cut or lengthened. */
export function mutate(random: SeededRandom, bytes: Uint8Array, head: number): Uint8Array {
  let copy = Buffer.from(bytes);
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    const within = random.below(4) === 0 ? copy.length : Math.min(head, copy.length);
    const at = random.below(Math.max(1, within));
    const value = random.below(3) === 0 ? BigInt(random.u32()) : random.pick(interesting);
    const width = random.pick([1, 2, 4, 8]);
    const aligned = at - (at % width);
    if (aligned + width > copy.length) continue;
    const field = Buffer.alloc(8);
    if (random.below(2) === 0) field.writeBigUInt64LE(value);
    else field.writeBigUInt64BE(BigInt.asUintN(64, value << BigInt(64 - 8 * width)));
    field.copy(copy, aligned, 0, width);
  }
  const cut = random.below(10);
  if (cut === 0) copy = copy.subarray(0, random.below(copy.length + 1));
  if (cut === 1) copy = Buffer.concat([copy, Buffer.alloc(random.below(64))]);
  return copy;
}
