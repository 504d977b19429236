/** 128-bit significands, for exact products. */
import type { Unpacked } from './unpacked.ts';

const TWO32 = 0x1_0000_0000;

/** The high 32 bits of the 64-bit product of two unsigned 32-bit numbers, unsigned. */
function multiplyHigh(a: number, b: number): number {
  // Both partial products are below 2^48, so the host's doubles hold them exactly.
  return Math.floor((a * (b >>> 16) + Math.floor((a * (b & 0xffff)) / 0x1_0000)) / 0x1_0000);
}

/** A 128-bit unsigned number in four words, w3 the highest; words are unsigned 32-bit numbers. */
export class Wide {
  w3 = 0;
  w2 = 0;
  w1 = 0;
  w0 = 0;

  /** Makes this the significand of `u` as the high 64 bits. */
  setHigh(u: Unpacked): void {
    this.w3 = u.hi >>> 0;
    this.w2 = u.lo >>> 0;
    this.w1 = 0;
    this.w0 = 0;
  }

  /** Makes this the product of two 64-bit numbers in halves. */
  multiply(aHi: number, aLo: number, bHi: number, bLo: number): void {
    const ah = aHi >>> 0;
    const al = aLo >>> 0;
    const bh = bHi >>> 0;
    const bl = bLo >>> 0;
    this.w0 = Math.imul(al, bl) >>> 0;
    let sum = multiplyHigh(al, bl) + (Math.imul(ah, bl) >>> 0) + (Math.imul(al, bh) >>> 0);
    this.w1 = sum >>> 0;
    sum = Math.floor(sum / TWO32) + multiplyHigh(ah, bl) + multiplyHigh(al, bh) + (Math.imul(ah, bh) >>> 0);
    this.w2 = sum >>> 0;
    this.w3 = Math.floor(sum / TWO32) + multiplyHigh(ah, bh);
  }

  /** Shifts left by 1 … 31 bits. */
  shiftLeft(n: number): void {
    const back = 32 - n;
    this.w3 = ((this.w3 << n) | (this.w2 >>> back)) >>> 0;
    this.w2 = ((this.w2 << n) | (this.w1 >>> back)) >>> 0;
    this.w1 = ((this.w1 << n) | (this.w0 >>> back)) >>> 0;
    this.w0 = (this.w0 << n) >>> 0;
  }

  /** Shifts right by any n ≥ 0; what falls off is kept as the sticky lowest bit. */
  shiftRightSticky(n: number): void {
    if (n >= 128) {
      this.w0 = (this.w3 | this.w2 | this.w1 | this.w0) !== 0 ? 1 : 0;
      this.w1 = this.w2 = this.w3 = 0;
      return;
    }
    let sticky = 0;
    let rest = n;
    for (; rest >= 32; rest -= 32) {
      sticky |= this.w0;
      this.w0 = this.w1;
      this.w1 = this.w2;
      this.w2 = this.w3;
      this.w3 = 0;
    }
    if (rest !== 0) {
      const back = 32 - rest;
      sticky |= this.w0 << back;
      this.w0 = ((this.w0 >>> rest) | (this.w1 << back)) >>> 0;
      this.w1 = ((this.w1 >>> rest) | (this.w2 << back)) >>> 0;
      this.w2 = ((this.w2 >>> rest) | (this.w3 << back)) >>> 0;
      this.w3 >>>= rest;
    }
    if (sticky !== 0) this.w0 = (this.w0 | 1) >>> 0;
  }

  isZero(): boolean {
    return (this.w3 | this.w2 | this.w1 | this.w0) === 0;
  }

  isBelow(other: Wide): boolean {
    if (this.w3 !== other.w3) return this.w3 < other.w3;
    if (this.w2 !== other.w2) return this.w2 < other.w2;
    if (this.w1 !== other.w1) return this.w1 < other.w1;
    return this.w0 < other.w0;
  }

  /** Adds; the sum must be below 2^128. */
  add(other: Wide): void {
    let sum = this.w0 + other.w0;
    this.w0 = sum >>> 0;
    sum = this.w1 + other.w1 + (sum >= TWO32 ? 1 : 0);
    this.w1 = sum >>> 0;
    sum = this.w2 + other.w2 + (sum >= TWO32 ? 1 : 0);
    this.w2 = sum >>> 0;
    this.w3 = this.w3 + other.w3 + (sum >= TWO32 ? 1 : 0);
  }

  /** Subtracts `other`, which is not the larger. */
  subtract(other: Wide): void {
    let difference = this.w0 - other.w0;
    this.w0 = difference >>> 0;
    difference = this.w1 - other.w1 - (difference < 0 ? 1 : 0);
    this.w1 = difference >>> 0;
    difference = this.w2 - other.w2 - (difference < 0 ? 1 : 0);
    this.w2 = difference >>> 0;
    this.w3 = this.w3 - other.w3 - (difference < 0 ? 1 : 0);
  }

  /** Shifts a nonzero number below 2^127 left until its leading one is at bit 126; returns by how much. */
  normalize(): number {
    let shifted = 0;
    for (; this.w3 === 0; shifted += 31) this.shiftLeft(31);
    const rest = Math.clz32(this.w3) - 1;
    if (rest > 0) this.shiftLeft(rest);
    return shifted + rest;
  }

  /** The high half of a significand of which these are the high 64 bits. */
  high(): number {
    return this.w3 | 0;
  }

  /** Its low half: the low 64 bits become its sticky lowest bit. */
  lowSticky(): number {
    return this.w2 | ((this.w1 | this.w0) !== 0 ? 1 : 0);
  }
}
