/** What operations make of NaN operands (Unprivileged spec 21.3: results are the canonical NaN, payloads are lost). */
import { Flag, type FloatEnv } from './format.ts';
import { Kind, type Unpacked } from './unpacked.ts';

/** The result of an operation with a NaN among its operands: a NaN; NV if one of them is signaling. */
export function raiseNan(env: FloatEnv, x: Unpacked, y: Unpacked, r: Unpacked): void {
  if (x.kind === Kind.SIGNALING_NAN || y.kind === Kind.SIGNALING_NAN) env.flags |= Flag.NV;
  r.setSpecial(Kind.QUIET_NAN, 0);
}
