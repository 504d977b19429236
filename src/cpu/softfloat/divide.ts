/** Division (IEEE 754-2019 5.4.1). */
import { Flag, type FloatEnv } from './format.ts';
import { raiseNan } from './nan.ts';
import { Kind, type Unpacked } from './unpacked.ts';

/** x ÷ y, unrounded, into `r`, with `bits` bits of quotient (2 … 63) above the sticky one. */
export function divideUnpacked(env: FloatEnv, x: Unpacked, y: Unpacked, r: Unpacked, bits: number): void {
  if (x.kind !== Kind.FINITE || y.kind !== Kind.FINITE) divideSpecial(env, x, y, r);
  else divideSignificands(x, y, r, bits);
}

/** Long division, bit by bit: the remainder stays below the divisor, hence twice the remainder below 2^64. */
function divideSignificands(x: Unpacked, y: Unpacked, r: Unpacked, bits: number): void {
  const { hi: dh, lo } = y;
  const dl = lo >>> 0;
  let rh = x.hi >>> 0;
  let rl = x.lo >>> 0;
  let exp = x.exp - y.exp;
  if (rh < dh || (rh === dh && rl < dl)) {
    // The quotient of the significands is in (1/2, 1): start one place further on.
    rh = ((rh << 1) | (rl >>> 31)) >>> 0;
    rl = (rl << 1) >>> 0;
    exp--;
  }
  let qh = 0;
  let ql = 0;
  for (let i = 0; i < bits; i++) {
    qh = (qh << 1) | (ql >>> 31);
    ql <<= 1;
    if (rh > dh || (rh === dh && rl >= dl)) {
      rh = (rh - dh - (rl < dl ? 1 : 0)) >>> 0;
      rl = (rl - dl) >>> 0;
      ql |= 1;
    }
    rh = ((rh << 1) | (rl >>> 31)) >>> 0;
    rl = (rl << 1) >>> 0;
  }
  // The first bit was a one; it is at bit `bits` − 1 now.
  r.setFinite(x.sign ^ y.sign, exp + 63 - bits, qh, ql);
  r.normalize();
  if ((rh | rl) !== 0) r.lo |= 1;
}

/** Operands that are not both finite and nonzero. 0 ÷ 0 and ∞ ÷ ∞ are invalid; finite ÷ 0 is DZ (7.2 e, 7.3). */
function divideSpecial(env: FloatEnv, x: Unpacked, y: Unpacked, r: Unpacked): void {
  const sign = x.sign ^ y.sign;
  if (x.isNan() || y.isNan()) {
    raiseNan(env, x, y, r);
  } else if (x.kind === y.kind) {
    env.flags |= Flag.NV;
    r.setSpecial(Kind.QUIET_NAN, 0);
  } else if (x.kind === Kind.INFINITE || y.kind === Kind.ZERO) {
    if (x.kind !== Kind.INFINITE) env.flags |= Flag.DZ;
    r.setSpecial(Kind.INFINITE, sign);
  } else {
    r.setSpecial(Kind.ZERO, sign);
  }
}
