/** Multiplication (IEEE 754-2019 5.4.1). */
import { Flag, type FloatEnv } from './format.ts';
import { raiseNan } from './nan.ts';
import { Kind, type Unpacked } from './unpacked.ts';
import { Wide } from './wide.ts';

const product = new Wide();

/** x × y, unrounded, into `r`. */
export function multiplyUnpacked(env: FloatEnv, x: Unpacked, y: Unpacked, r: Unpacked): void {
  if (x.kind !== Kind.FINITE || y.kind !== Kind.FINITE) {
    multiplySpecial(env, x, y, r);
    return;
  }
  const exp = multiplySignificands(x, y, product);
  r.setFinite(x.sign ^ y.sign, exp, product.high(), product.lowSticky());
}

/** The exact product of two significands, its leading one at bit 126; returns the product's exponent. */
export function multiplySignificands(x: Unpacked, y: Unpacked, into: Wide): number {
  // Bits 63 of one factor and 62 of the other make bit 125 or 126.
  into.multiply((x.hi << 1) | (x.lo >>> 31), x.lo << 1, y.hi, y.lo);
  if (into.w3 >= 0x4000_0000) return x.exp + y.exp + 1;
  into.shiftLeft(1);
  return x.exp + y.exp;
}

/** The product of operands that are not both finite and nonzero. Zero times infinity is invalid (7.2 b). */
export function multiplySpecial(env: FloatEnv, x: Unpacked, y: Unpacked, r: Unpacked): void {
  if (x.isNan() || y.isNan()) {
    raiseNan(env, x, y, r);
  } else if (x.kind === Kind.INFINITE || y.kind === Kind.INFINITE) {
    if (x.kind === Kind.ZERO || y.kind === Kind.ZERO) {
      env.flags |= Flag.NV;
      r.setSpecial(Kind.QUIET_NAN, 0);
    } else {
      r.setSpecial(Kind.INFINITE, x.sign ^ y.sign);
    }
  } else {
    r.setSpecial(Kind.ZERO, x.sign ^ y.sign);
  }
}
