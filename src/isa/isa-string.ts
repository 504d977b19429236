/** Names of the instruction set, as device trees and misa tell them. */

/** Single-letter extensions in canonical order (Unprivileged spec 36.4). */
const letters = 'imafdc';

/**
 * Multi-letter extensions in canonical order: Z by the category letter and then the alphabet, then S alphabetically
 * (Unprivileged spec 36.6). `svadu`: hardware may update A and D bits, under menvcfg.ADUE.
 */
const named = [
  'zicbom',
  'zicboz',
  'zicntr',
  'zicond',
  'zicsr',
  'zifencei',
  'zihpm',
  'zawrs',
  'zfa',
  'zba',
  'zbb',
  'zbc',
  'zbs',
  'smstateen',
  'sstc',
  'svadu',
  'svinval',
  'svnapot',
  'svpbmt',
] as const;

/** Bytes of a cache block: what cbo.zero clears, and `riscv,cbom-block-size` and `riscv,cboz-block-size` say. */
export const CACHE_BLOCK_BYTES = 64;

/** Every extension by name, for the device tree's `riscv,isa-extensions`. */
export function isaExtensions(): string[] {
  return [...letters, ...named];
}

/** The string of the device tree's `riscv,isa`: `rv64imafdc_zicbom_…`. */
export function isaString(): string {
  return `rv64${[letters, ...named].join('_')}`;
}

/** misa: MXL 2 (64 bits), and a bit for each letter, S and U modes included (Privileged spec 3.1.1). */
export const misaValue: bigint = [...`${letters}su`].reduce(
  (misa, letter) => misa | (1n << BigInt(letter.charCodeAt(0) - 'a'.charCodeAt(0))),
  2n << 62n,
);
