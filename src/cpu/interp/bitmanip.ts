/** Zba, Zbb, Zbc, Zbs (Unprivileged spec 28) and Zicond (12). */
import { type Factory, type HandlerTable, type Op, type Registers, rri, rrr } from './handler.ts';

type ZbaName = 'sh1add' | 'sh2add' | 'sh3add' | 'add.uw' | 'sh1add.uw' | 'sh2add.uw' | 'sh3add.uw' | 'slli.uw';
type LogicName = 'andn' | 'orn' | 'xnor' | 'max' | 'maxu' | 'min' | 'minu';
type CountName = 'clz' | 'ctz' | 'cpop' | 'clzw' | 'ctzw' | 'cpopw';
type UnaryName = 'sext.b' | 'sext.h' | 'zext.h' | 'orc.b' | 'rev8';
type RotateName = 'rol' | 'ror' | 'rori' | 'rolw' | 'rorw' | 'roriw';
type ZbcName = 'clmul' | 'clmulr' | 'clmulh';
type ZbsName = 'bclr' | 'bclri' | 'bext' | 'bexti' | 'binv' | 'binvi' | 'bset' | 'bseti';
type ZicondName = 'czero.eqz' | 'czero.nez';

export type BitmanipName = ZbaName | LogicName | CountName | UnaryName | RotateName | ZbcName | ZbsName | ZicondName;

/** Handlers for BitmanipName. */
export function bitmanipHandlers(registers: Registers): HandlerTable<BitmanipName> {
  return {
    ...address(registers),
    ...logic(registers),
    ...count(registers),
    ...unary(registers),
    ...rotate(registers),
    ...carryless(registers),
    ...singleBit(registers),
    ...conditional(registers),
  };
}

function address({ x }: Registers): Record<ZbaName, Factory> {
  /** rd = (rs1 << k) + rs2. */
  const shiftAdd = (k: number): Factory =>
    rrr((d, s, t) => () => {
      const a = x[s];
      const shifted = a << k;
      const lo = (shifted + x[t]) | 0;
      x[d + 1] = ((x[s + 1] << k) | (a >>> (32 - k))) + x[t + 1] + (lo >>> 0 < shifted >>> 0 ? 1 : 0);
      x[d] = lo;
      return 0;
    });
  /** rd = (zero-extended low word of rs1 << k) + rs2. `a >>> 1 >>> (31 - k)` is a >>> (32 - k), for k = 0 too. */
  const shiftAddWord = (k: number): Factory =>
    rrr((d, s, t) => () => {
      const a = x[s];
      const shifted = a << k;
      const lo = (shifted + x[t]) | 0;
      x[d + 1] = ((a >>> 1) >>> (31 - k)) + x[t + 1] + (lo >>> 0 < shifted >>> 0 ? 1 : 0);
      x[d] = lo;
      return 0;
    });
  return {
    sh1add: shiftAdd(1),
    sh2add: shiftAdd(2),
    sh3add: shiftAdd(3),
    'add.uw': shiftAddWord(0),
    'sh1add.uw': shiftAddWord(1),
    'sh2add.uw': shiftAddWord(2),
    'sh3add.uw': shiftAddWord(3),
    'slli.uw': rri((d, s, n) => () => {
      const a = x[s];
      x[d + 1] = n >= 32 ? a << n : (a >>> 1) >>> (31 - n);
      x[d] = n >= 32 ? 0 : a << n;
      return 0;
    }),
  };
}

function logic({ x }: Registers): Record<LogicName, Factory> {
  /** rd = rs1 if `first` of the two, else rs2. */
  const select = (first: (alo: number, ahi: number, blo: number, bhi: number) => boolean): Factory =>
    rrr((d, s, t) => () => {
      const from = first(x[s], x[s + 1], x[t], x[t + 1]) ? s : t;
      x[d] = x[from];
      x[d + 1] = x[from + 1];
      return 0;
    });
  return {
    andn: rrr((d, s, t) => () => {
      x[d] = x[s] & ~x[t];
      x[d + 1] = x[s + 1] & ~x[t + 1];
      return 0;
    }),
    orn: rrr((d, s, t) => () => {
      x[d] = x[s] | ~x[t];
      x[d + 1] = x[s + 1] | ~x[t + 1];
      return 0;
    }),
    xnor: rrr((d, s, t) => () => {
      x[d] = ~(x[s] ^ x[t]);
      x[d + 1] = ~(x[s + 1] ^ x[t + 1]);
      return 0;
    }),
    max: select((alo, ahi, blo, bhi) => !lessSigned(alo, ahi, blo, bhi)),
    maxu: select((alo, ahi, blo, bhi) => !lessUnsigned(alo, ahi, blo, bhi)),
    min: select(lessSigned),
    minu: select(lessUnsigned),
  };
}

function lessSigned(alo: number, ahi: number, blo: number, bhi: number): boolean {
  return ahi < bhi || (ahi === bhi && alo >>> 0 < blo >>> 0);
}

function lessUnsigned(alo: number, ahi: number, blo: number, bhi: number): boolean {
  return ahi >>> 0 < bhi >>> 0 || (ahi === bhi && alo >>> 0 < blo >>> 0);
}

function trailingZeros(word: number): number {
  return word === 0 ? 32 : 31 - Math.clz32(word & -word);
}

function ones(word: number): number {
  let n = word - ((word >>> 1) & 0x5555_5555);
  n = (n & 0x3333_3333) + ((n >>> 2) & 0x3333_3333);
  n = (n + (n >>> 4)) & 0x0f0f_0f0f;
  return Math.imul(n, 0x0101_0101) >>> 24;
}

function count({ x }: Registers): Record<CountName, Factory> {
  const counting = (f: (lo: number, hi: number) => number): Factory =>
    rrr((d, s) => () => {
      x[d] = f(x[s], x[s + 1]);
      x[d + 1] = 0;
      return 0;
    });
  return {
    clz: counting((lo, hi) => (hi === 0 ? 32 + Math.clz32(lo) : Math.clz32(hi))),
    ctz: counting((lo, hi) => (lo === 0 ? 32 + trailingZeros(hi) : trailingZeros(lo))),
    cpop: counting((lo, hi) => ones(lo) + ones(hi)),
    clzw: counting((lo) => Math.clz32(lo)),
    ctzw: counting((lo) => trailingZeros(lo)),
    cpopw: counting((lo) => ones(lo)),
  };
}

/** Each byte becomes 0xff unless it is 0. */
function orCombine(word: number): number {
  const high = (((word & 0x7f7f_7f7f) + 0x7f7f_7f7f) | word) & 0x8080_8080;
  return Math.imul(high >>> 7, 0xff);
}

function swapBytes(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

function unary({ x }: Registers): Record<UnaryName, Factory> {
  const extend = (shift: number): Factory =>
    rrr((d, s) => () => {
      const r = (x[s] << shift) >> shift;
      x[d] = r;
      x[d + 1] = r >> 31;
      return 0;
    });
  return {
    'sext.b': extend(24),
    'sext.h': extend(16),
    'zext.h': rrr((d, s) => () => {
      x[d] = x[s] & 0xffff;
      x[d + 1] = 0;
      return 0;
    }),
    'orc.b': rrr((d, s) => () => {
      x[d] = orCombine(x[s]);
      x[d + 1] = orCombine(x[s + 1]);
      return 0;
    }),
    rev8: rrr((d, s) => () => {
      const lo = x[s];
      x[d] = swapBytes(x[s + 1]);
      x[d + 1] = swapBytes(lo);
      return 0;
    }),
  };
}

function rotate({ x }: Registers): Record<RotateName, Factory> {
  /** Rotates right by n modulo 64; `(w << 1) << (31 - n)` is w << (32 - n) for n in 0 … 31. */
  const right = (d: number, s: number, n: number): number => {
    const swap = (n & 32) !== 0 ? 1 : 0;
    const lo = x[s + swap];
    const hi = x[s + 1 - swap];
    x[d] = (lo >>> n) | ((hi << 1) << (31 - n));
    x[d + 1] = (hi >>> n) | ((lo << 1) << (31 - n));
    return 0;
  };
  const rightWord = (d: number, s: number, n: number): number => {
    const r = (x[s] >>> n) | ((x[s] << 1) << (31 - n));
    x[d] = r;
    x[d + 1] = r >> 31;
    return 0;
  };
  return {
    rol: rrr((d, s, t) => () => right(d, s, -x[t])),
    ror: rrr((d, s, t) => () => right(d, s, x[t])),
    rori: rri((d, s, n) => () => right(d, s, n)),
    rolw: rrr((d, s, t) => () => rightWord(d, s, -x[t])),
    rorw: rrr((d, s, t) => () => rightWord(d, s, x[t])),
    roriw: rri((d, s, n) => () => rightWord(d, s, n)),
  };
}

/** Carry-less products (28.6): `take` picks rd's halves from the four words of the whole product. */
function carryless({ x }: Registers): Record<ZbcName, Factory> {
  const product = new Int32Array(4);
  const multiply = (s: number, t: number): void => {
    const lo = x[s];
    const hi = x[s + 1];
    product.fill(0);
    for (let i = 0; i < 64; i++) {
      if ((x[t + (i >> 5)] & (1 << (i & 31))) === 0) continue;
      const at = i >> 5;
      const n = i & 31;
      product[at] ^= lo << n;
      product[at + 1] ^= (hi << n) | ((lo >>> 1) >>> (31 - n));
      product[at + 2] ^= (hi >>> 1) >>> (31 - n);
    }
  };
  const take = (lo: () => number, hi: () => number): Factory =>
    rrr((d, s, t) => () => {
      multiply(s, t);
      x[d] = lo();
      x[d + 1] = hi();
      return 0;
    });
  return {
    clmul: take(
      () => product[0],
      () => product[1],
    ),
    clmulh: take(
      () => product[2],
      () => product[3],
    ),
    clmulr: take(
      () => (product[2] << 1) | (product[1] >>> 31),
      () => (product[3] << 1) | (product[2] >>> 31),
    ),
  };
}

function singleBit({ x }: Registers): Record<ZbsName, Factory> {
  // Bit n is in the low half for n < 32 (n taken modulo 64); `other` is the half that goes over unchanged.
  const clear = (d: number, s: number, n: number): number => change(d, s, n, x[s + ((n >> 5) & 1)] & ~(1 << n));
  const set = (d: number, s: number, n: number): number => change(d, s, n, x[s + ((n >> 5) & 1)] | (1 << n));
  const invert = (d: number, s: number, n: number): number => change(d, s, n, x[s + ((n >> 5) & 1)] ^ (1 << n));
  const change = (d: number, s: number, n: number, word: number): number => {
    const half = (n >> 5) & 1;
    x[d + 1 - half] = x[s + 1 - half];
    x[d + half] = word;
    return 0;
  };
  const extract = (d: number, s: number, n: number): number => {
    x[d] = (x[s + ((n >> 5) & 1)] >>> n) & 1;
    x[d + 1] = 0;
    return 0;
  };
  const byRegister = (f: typeof clear): Factory =>
    rrr(
      (d, s, t): Op =>
        () =>
          f(d, s, x[t]),
    );
  const byImmediate = (f: typeof clear): Factory =>
    rri(
      (d, s, n): Op =>
        () =>
          f(d, s, n),
    );
  return {
    bclr: byRegister(clear),
    bclri: byImmediate(clear),
    bext: byRegister(extract),
    bexti: byImmediate(extract),
    binv: byRegister(invert),
    binvi: byImmediate(invert),
    bset: byRegister(set),
    bseti: byImmediate(set),
  };
}

function conditional({ x }: Registers): Record<ZicondName, Factory> {
  return {
    'czero.eqz': rrr((d, s, t) => () => {
      const keep = (x[t] | x[t + 1]) === 0 ? 0 : -1;
      x[d] = x[s] & keep;
      x[d + 1] = x[s + 1] & keep;
      return 0;
    }),
    'czero.nez': rrr((d, s, t) => () => {
      const keep = (x[t] | x[t + 1]) === 0 ? -1 : 0;
      x[d] = x[s] & keep;
      x[d + 1] = x[s + 1] & keep;
      return 0;
    }),
  };
}
