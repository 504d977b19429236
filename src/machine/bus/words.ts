/** Reads the 64-bit number at words `at` (low) and `at + 1` (high), unsigned. */
export function getU64(words: Int32Array, at: number): bigint {
  return joinU64(words[at], words[at + 1]);
}

/** Writes the low 64 bits of `value` at words `at` (low) and `at + 1` (high). */
export function setU64(words: Int32Array, at: number, value: bigint): void {
  words[at] = Number(BigInt.asIntN(32, value));
  words[at + 1] = Number(BigInt.asIntN(32, value >> 32n));
}

/** The unsigned 64-bit number of two 32-bit halves, signed or not. */
export function joinU64(lo: number, hi: number): bigint {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}

/** Low 32 bits, unsigned. */
export function lowHalf(value: bigint): number {
  return Number(BigInt.asUintN(32, value));
}

/** Bits 63:32, unsigned. */
export function highHalf(value: bigint): number {
  return Number(BigInt.asUintN(32, value >> 32n));
}
