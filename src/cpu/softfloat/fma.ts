/** Fused multiply-add with one rounding (IEEE 754-2019 5.4.1). */
import { zeroSumSign } from './add.ts';
import { Flag, type FloatEnv } from './format.ts';
import { multiplySignificands, multiplySpecial } from './multiply.ts';
import { raiseNan } from './nan.ts';
import { Kind, Unpacked } from './unpacked.ts';
import { Wide } from './wide.ts';

const product = new Wide();
const addend = new Wide();
const special = new Unpacked();

/** x × y + z, unrounded, into `r`. */
export function fmaUnpacked(env: FloatEnv, x: Unpacked, y: Unpacked, z: Unpacked, r: Unpacked): void {
  if (x.kind !== Kind.FINITE || y.kind !== Kind.FINITE || z.kind !== Kind.FINITE) {
    fmaSpecial(env, x, y, z, r);
    return;
  }
  const sign = x.sign ^ y.sign;
  let exp = multiplySignificands(x, y, product);
  addend.setHigh(z);
  // The one with the smaller exponent moves right. Bits are lost (to the sticky one) only when the exponents differ so
  // much that the result keeps its leading one within a place of the larger's.
  if (exp < z.exp) {
    product.shiftRightSticky(z.exp - exp);
    exp = z.exp;
  } else {
    addend.shiftRightSticky(exp - z.exp);
  }
  if (sign === z.sign) addAligned(sign, exp, r);
  else subtractAligned(env, sign, exp, r);
}

function addAligned(sign: number, exp: number, r: Unpacked): void {
  product.add(addend);
  let carry = 0;
  if (product.w3 >= 0x8000_0000) {
    product.shiftRightSticky(1);
    carry = 1;
  }
  r.setFinite(sign, exp + carry, product.high(), product.lowSticky());
}

function subtractAligned(env: FloatEnv, sign: number, exp: number, r: Unpacked): void {
  const turned = product.isBelow(addend);
  const large = turned ? addend : product;
  large.subtract(turned ? product : addend);
  if (large.isZero()) {
    r.setSpecial(Kind.ZERO, zeroSumSign(env));
  } else {
    const shifted = large.normalize();
    r.setFinite(turned ? sign ^ 1 : sign, exp - shifted, large.high(), large.lowSticky());
  }
}

function fmaSpecial(env: FloatEnv, x: Unpacked, y: Unpacked, z: Unpacked, r: Unpacked): void {
  if (x.kind === Kind.FINITE && y.kind === Kind.FINITE && z.kind === Kind.ZERO) {
    const exp = multiplySignificands(x, y, product);
    r.setFinite(x.sign ^ y.sign, exp, product.high(), product.lowSticky());
    return;
  }
  // Infinity times zero raises NV also when the addend is a quiet NaN (Unprivileged spec 21.6).
  multiplySpecial(env, x, y, special);
  if (special.isNan() || z.isNan()) {
    raiseNan(env, special, z, r);
  } else if (x.kind === Kind.INFINITE || y.kind === Kind.INFINITE) {
    if (z.kind === Kind.INFINITE && z.sign !== special.sign) {
      env.flags |= Flag.NV;
      r.setSpecial(Kind.QUIET_NAN, 0);
    } else {
      r.copy(special);
    }
  } else if (z.kind !== Kind.ZERO) {
    r.copy(z);
  } else {
    r.setSpecial(Kind.ZERO, z.sign === special.sign ? z.sign : zeroSumSign(env));
  }
}
