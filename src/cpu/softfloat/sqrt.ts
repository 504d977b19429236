/** Square root (IEEE 754-2019 5.4.1). */
import { Flag, type FloatEnv } from './format.ts';
import { raiseNan } from './nan.ts';
import { Kind, type Unpacked } from './unpacked.ts';

/** √x, unrounded, into `r`, with `bits` bits of root (2 … 58) above the sticky one. */
export function sqrtUnpacked(env: FloatEnv, x: Unpacked, r: Unpacked, bits: number): void {
  if (x.isNan()) {
    raiseNan(env, x, x, r);
  } else if (x.kind === Kind.ZERO || (x.kind === Kind.INFINITE && x.sign === 0)) {
    // √−0 is −0.
    r.copy(x);
  } else if (x.sign !== 0) {
    env.flags |= Flag.NV;
    r.setSpecial(Kind.QUIET_NAN, 0);
  } else {
    rootOfSignificand(x, r, bits);
  }
}

/**
 * Digit by digit. In fixed point with the unit at bit 60: s in [1, 4) is the significand, doubled if the exponent is
 * odd; q_0 = 1; with b = 2^-(i+1), the scaled remainder R_i = 2^i (s − q_i²) follows R_{i+1} = 2 R_i − (2 q_i + b) when
 * that is not negative (then q_{i+1} = q_i + b), else 2 R_i. R_i ≤ 2 q_i + 2^-i < 5, so that 2 R_i fits below bit 64.
 */
function rootOfSignificand(x: Unpacked, r: Unpacked, bits: number): void {
  const odd = x.exp & 1;
  const down = 2 - odd;
  let rh = (x.hi >>> down) - 0x1000_0000;
  let rl = ((x.hi << (32 - down)) | (x.lo >>> down)) >>> 0;
  let qh = 0x1000_0000;
  let ql = 0;
  let bh = 0x800_0000;
  let bl = 0;
  for (let i = 1; i < bits; i++) {
    rh = ((rh << 1) | (rl >>> 31)) >>> 0;
    rl = (rl << 1) >>> 0;
    const th = ((qh << 1) | (ql >>> 31) | bh) >>> 0;
    const tl = ((ql << 1) | bl) >>> 0;
    if (rh > th || (rh === th && rl >= tl)) {
      rh = (rh - th - (rl < tl ? 1 : 0)) >>> 0;
      rl = (rl - tl) >>> 0;
      qh |= bh;
      ql |= bl;
    }
    bl = (bl >>> 1) | (bh << 31);
    bh >>>= 1;
  }
  const sticky = (rh | rl) !== 0 ? 1 : 0;
  r.setFinite(0, (x.exp - odd) / 2, (qh << 2) | (ql >>> 30), (ql << 2) | sticky);
}
