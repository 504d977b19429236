/** Addition and subtraction (IEEE 754-2019 5.4.1). */
import { Flag, type FloatEnv, Rounding } from './format.ts';
import { raiseNan } from './nan.ts';
import { Kind, Unpacked } from './unpacked.ts';

const aligned = new Unpacked();

/** x + y, unrounded, into `r`; subtraction is addition of a value whose sign was turned. */
export function addUnpacked(env: FloatEnv, x: Unpacked, y: Unpacked, r: Unpacked): void {
  if (x.kind !== Kind.FINITE || y.kind !== Kind.FINITE) {
    addSpecial(env, x, y, r);
    return;
  }
  const swap = x.exp < y.exp || (x.exp === y.exp && isBelow(x, y));
  const large = swap ? y : x;
  aligned.copy(swap ? x : y);
  aligned.shiftRightSticky(large.exp - aligned.exp);
  if (large.sign === aligned.sign) addMagnitudes(large, r);
  else subtractMagnitudes(env, large, r);
}

/** An exact zero sum of values unlike in sign is +0, but −0 when rounding down (IEEE 754-2019 6.3). */
export function zeroSumSign(env: FloatEnv): number {
  return env.rounding === Rounding.RDN ? 1 : 0;
}

function isBelow(x: Unpacked, y: Unpacked): boolean {
  return x.hi < y.hi || (x.hi === y.hi && x.lo >>> 0 < y.lo >>> 0);
}

function addMagnitudes(large: Unpacked, r: Unpacked): void {
  const lo = (large.lo + aligned.lo) | 0;
  const hi = (large.hi + aligned.hi + (lo >>> 0 < large.lo >>> 0 ? 1 : 0)) | 0;
  if (hi < 0) {
    // Carried into bit 63: one place right, keeping the lowest bit sticky.
    r.setFinite(large.sign, large.exp + 1, hi >>> 1, (lo >>> 1) | (hi << 31) | (lo & 1));
  } else {
    r.setFinite(large.sign, large.exp, hi, lo);
  }
}

function subtractMagnitudes(env: FloatEnv, large: Unpacked, r: Unpacked): void {
  const lo = (large.lo - aligned.lo) | 0;
  const hi = large.hi - aligned.hi - (large.lo >>> 0 < aligned.lo >>> 0 ? 1 : 0);
  if ((hi | lo) === 0) {
    r.setSpecial(Kind.ZERO, zeroSumSign(env));
  } else {
    r.setFinite(large.sign, large.exp, hi, lo);
    r.normalize();
  }
}

function addSpecial(env: FloatEnv, x: Unpacked, y: Unpacked, r: Unpacked): void {
  if (x.isNan() || y.isNan()) {
    raiseNan(env, x, y, r);
  } else if (x.kind === Kind.INFINITE) {
    if (y.kind === Kind.INFINITE && x.sign !== y.sign) {
      // Magnitude subtraction of infinities (7.2 d).
      env.flags |= Flag.NV;
      r.setSpecial(Kind.QUIET_NAN, 0);
    } else {
      r.copy(x);
    }
  } else if (y.kind === Kind.INFINITE) {
    r.copy(y);
  } else if (x.kind !== Kind.ZERO) {
    r.copy(x);
  } else if (y.kind !== Kind.ZERO) {
    r.copy(y);
  } else {
    r.setSpecial(Kind.ZERO, x.sign === y.sign ? x.sign : zeroSumSign(env));
  }
}
