/** M: multiplication and division (Unprivileged spec 13). */
import { type Factory, type HandlerTable, type Registers, rrr } from './handler.ts';

export type MulDivName =
  | 'mul'
  | 'mulh'
  | 'mulhsu'
  | 'mulhu'
  | 'div'
  | 'divu'
  | 'rem'
  | 'remu'
  | 'mulw'
  | 'divw'
  | 'divuw'
  | 'remw'
  | 'remuw';

const TWO_32 = 2 ** 32;

/** High 32 bits of the product of two unsigned 32-bit numbers. */
function mulHigh32(a: number, b: number): number {
  const al = a & 0xffff;
  const ah = a >>> 16;
  const bl = b & 0xffff;
  const bh = b >>> 16;
  const low = Math.imul(al, bl);
  const mid = (Math.imul(ah, bl) + (low >>> 16)) >>> 0;
  const mid2 = (Math.imul(al, bh) + (mid & 0xffff)) >>> 0;
  return (Math.imul(ah, bh) + (mid >>> 16) + (mid2 >>> 16)) | 0;
}

/** Handlers for MulDivName. */
export function mulDivHandlers(registers: Registers): HandlerTable<MulDivName> {
  return { ...multiply(registers), ...divide(registers), ...divideWords(registers) };
}

type MultiplyName = 'mul' | 'mulh' | 'mulhsu' | 'mulhu' | 'mulw';

function multiply({ x, x64 }: Registers): Record<MultiplyName, Factory> {
  /** High half of the unsigned product of two registers, into register index d; corrected by the callers for signs. */
  const high = (d: number, al: number, ah: number, bl: number, bh: number): void => {
    const mid = (mulHigh32(al, bl) >>> 0) + (Math.imul(ah, bl) >>> 0) + (Math.imul(al, bh) >>> 0);
    const lo =
      (mulHigh32(ah, bl) >>> 0) +
      (mulHigh32(al, bh) >>> 0) +
      (Math.imul(ah, bh) >>> 0) +
      (mid >= 2 * TWO_32 ? 2 : mid >= TWO_32 ? 1 : 0);
    x[d] = lo;
    x[d + 1] = mulHigh32(ah, bh) + Math.floor(lo / TWO_32);
  };
  /** Subtracts a 64-bit value from register index d. */
  const subtract = (d: number, lo: number, hi: number): void => {
    const a = x[d];
    x[d + 1] = x[d + 1] - hi - (a >>> 0 < lo >>> 0 ? 1 : 0);
    x[d] = a - lo;
  };
  return {
    // V8 compiles a 64-bit BigInt product to one machine multiplication, faster than one from halves.
    mul:
      ({ rd, rs1, rs2 }) =>
      () => {
        x64[rd] = BigInt.asIntN(64, x64[rs1] * x64[rs2]);
        return 0;
      },
    mulh: rrr((d, s, t) => () => {
      const [al, ah, bl, bh] = [x[s], x[s + 1], x[t], x[t + 1]];
      high(d, al, ah, bl, bh);
      if (ah < 0) subtract(d, bl, bh);
      if (bh < 0) subtract(d, al, ah);
      return 0;
    }),
    mulhsu: rrr((d, s, t) => () => {
      const [al, ah, bl, bh] = [x[s], x[s + 1], x[t], x[t + 1]];
      high(d, al, ah, bl, bh);
      if (ah < 0) subtract(d, bl, bh);
      return 0;
    }),
    mulhu: rrr((d, s, t) => () => {
      high(d, x[s], x[s + 1], x[t], x[t + 1]);
      return 0;
    }),
    mulw: rrr((d, s, t) => () => {
      const r = Math.imul(x[s], x[t]);
      x[d] = r;
      x[d + 1] = r >> 31;
      return 0;
    }),
  };
}

/** Division by zero gives all ones or the dividend, overflow the dividend or zero (13.2): nothing traps. */
function divide({ x64, x }: Registers): Record<'div' | 'divu' | 'rem' | 'remu', Factory> {
  const u64 = new BigUint64Array(x.buffer, x.byteOffset, 32);
  return {
    div:
      ({ rd, rs1, rs2 }) =>
      () => {
        const by = x64[rs2];
        x64[rd] = by === 0n ? -1n : BigInt.asIntN(64, x64[rs1] / by);
        return 0;
      },
    divu:
      ({ rd, rs1, rs2 }) =>
      () => {
        const by = u64[rs2];
        if (by === 0n) x64[rd] = -1n;
        else u64[rd] = BigInt.asUintN(64, u64[rs1] / by);
        return 0;
      },
    rem:
      ({ rd, rs1, rs2 }) =>
      () => {
        const by = x64[rs2];
        x64[rd] = by === 0n ? x64[rs1] : BigInt.asIntN(64, x64[rs1] % by);
        return 0;
      },
    remu:
      ({ rd, rs1, rs2 }) =>
      () => {
        const by = u64[rs2];
        u64[rd] = by === 0n ? u64[rs1] : BigInt.asUintN(64, u64[rs1] % by);
        return 0;
      },
  };
}

function divideWords({ x }: Registers): Record<'divw' | 'divuw' | 'remw' | 'remuw', Factory> {
  return {
    divw: rrr((d, s, t) => () => {
      const by = x[t];
      const r = by === 0 ? -1 : (x[s] / by) | 0;
      x[d] = r;
      x[d + 1] = r >> 31;
      return 0;
    }),
    divuw: rrr((d, s, t) => () => {
      const by = x[t] >>> 0;
      const r = by === 0 ? -1 : ((x[s] >>> 0) / by) | 0;
      x[d] = r;
      x[d + 1] = r >> 31;
      return 0;
    }),
    remw: rrr((d, s, t) => () => {
      const by = x[t];
      const r = by === 0 ? x[s] : (x[s] % by) | 0;
      x[d] = r;
      x[d + 1] = r >> 31;
      return 0;
    }),
    remuw: rrr((d, s, t) => () => {
      const by = x[t] >>> 0;
      const r = by === 0 ? x[s] : ((x[s] >>> 0) % by) | 0;
      x[d] = r;
      x[d + 1] = r >> 31;
      return 0;
    }),
  };
}
