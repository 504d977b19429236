/** A: LR/SC and AMOs (Unprivileged spec 14), as JavaScript atomics on the shared memory, sequentially consistent. */
import { Exception } from '../../isa/index.ts';
import { accessFault, FAULT, type Mmu } from '../mmu.ts';
import { Access } from '../pmp.ts';
import { hartWord } from '../state.ts';
import { type Factory, type HandlerTable, Outcome, type Registers } from './handler.ts';

type AmoOperation = 'swap' | 'add' | 'xor' | 'and' | 'or' | 'min' | 'max' | 'minu' | 'maxu';
type AmoName = `amo${AmoOperation}.${'w' | 'd'}`;
type LoadReservedName = 'lr.w' | 'lr.d';
type StoreConditionalName = 'sc.w' | 'sc.d';

export type AtomicName = AmoName | LoadReservedName | StoreConditionalName;

const LR_VALID = hartWord.lrValid;
const LR_GPA = hartWord.lrGpa;
const LR_VALUE = hartWord.lrValue;

/** Handlers for AtomicName. */
export function atomicHandlers(registers: Registers, mmu: Mmu): HandlerTable<AtomicName> {
  const place = new AtomicPlace(mmu);
  return {
    ...amoWords(registers, place),
    ...amoDoubles(registers, place),
    ...loadReserved(registers, place),
    ...storeConditional(registers, place),
  };
}

/** Finds the memory of an atomic access. It must be aligned and in RAM: the bus has no atomics (an access fault). */
class AtomicPlace {
  readonly m32: Int32Array;
  readonly m64: BigInt64Array;
  readonly #mmu: Mmu;
  /** Physical address of what `find` found, as halves. */
  gpaLo = 0;
  gpaHi = 0;

  constructor(mmu: Mmu) {
    this.#mmu = mmu;
    this.m32 = mmu.ram.m32;
    this.m64 = mmu.ram.m64;
  }

  /** Index of the element of `bytes` bytes at an address; -1: the exception is recorded. */
  find(lo: number, hi: number, bytes: number, access: typeof Access.LOAD | typeof Access.STORE): number {
    const mmu = this.#mmu;
    const shift = bytes === 4 ? 2 : 3;
    if ((lo & (bytes - 1)) !== 0) {
      const cause = access === Access.LOAD ? Exception.LOAD_ADDRESS_MISALIGNED : Exception.STORE_ADDRESS_MISALIGNED;
      return mmu.fault(cause, lo, hi);
    }
    const tlb = (access === Access.LOAD ? mmu.loads : mmu.stores).entries;
    const e = (((lo >>> 12) & 511) << 2) + mmu.base;
    let page: number;
    let ppn: number;
    if (tlb[e] === (lo & ~0xfff) && tlb[e + 1] === hi) {
      page = tlb[e + 2];
      ppn = tlb[e + 3] >>> 0;
    } else {
      page = mmu.resolve(lo, hi, bytes, access);
      if (page < 0) return page === FAULT ? FAULT : mmu.fault(accessFault(access), lo, hi);
      ppn = mmu.ppn;
    }
    this.gpaLo = (ppn << 12) | (lo & 0xfff);
    this.gpaHi = (ppn / 0x10_0000) | 0;
    return (page << (12 - shift)) | ((lo & 0xfff) >> shift);
  }
}

function amoWords({ x }: Registers, place: AtomicPlace): Record<`amo${AmoOperation}.w`, Factory> {
  const m32 = place.m32;
  const make =
    (operate: (at: number, value: number) => number): Factory =>
    ({ rd, rs1, rs2 }) => {
      const d = rd * 2;
      const s = rs1 * 2;
      const t = rs2 * 2;
      return () => {
        const at = place.find(x[s], x[s + 1], 4, Access.STORE);
        if (at < 0) return Outcome.TRAP;
        const old = operate(at, x[t]);
        x[d] = old;
        x[d + 1] = old >> 31;
        return 0;
      };
    };
  /** Replaces the word by the operand unless `keeps(word, operand)`. */
  const select = (keeps: (old: number, value: number) => boolean) =>
    make((at, value) => {
      for (;;) {
        const old = Atomics.load(m32, at);
        if (Atomics.compareExchange(m32, at, old, keeps(old, value) ? old : value) === old) return old;
      }
    });
  return {
    'amoswap.w': make((at, value) => Atomics.exchange(m32, at, value)),
    'amoadd.w': make((at, value) => Atomics.add(m32, at, value)),
    'amoxor.w': make((at, value) => Atomics.xor(m32, at, value)),
    'amoand.w': make((at, value) => Atomics.and(m32, at, value)),
    'amoor.w': make((at, value) => Atomics.or(m32, at, value)),
    'amomin.w': select((old, value) => old <= value),
    'amomax.w': select((old, value) => old >= value),
    'amominu.w': select((old, value) => old >>> 0 <= value >>> 0),
    'amomaxu.w': select((old, value) => old >>> 0 >= value >>> 0),
  };
}

function amoDoubles({ x, x64 }: Registers, place: AtomicPlace): Record<`amo${AmoOperation}.d`, Factory> {
  const m64 = place.m64;
  const make =
    (operate: (at: number, value: bigint) => bigint): Factory =>
    ({ rd, rs1, rs2 }) => {
      const s = rs1 * 2;
      return () => {
        const at = place.find(x[s], x[s + 1], 8, Access.STORE);
        if (at < 0) return Outcome.TRAP;
        x64[rd] = operate(at, x64[rs2]);
        return 0;
      };
    };
  const select = (keeps: (old: bigint, value: bigint) => boolean) =>
    make((at, value) => {
      for (;;) {
        const old = Atomics.load(m64, at);
        if (Atomics.compareExchange(m64, at, old, keeps(old, value) ? old : value) === old) return old;
      }
    });
  return {
    'amoswap.d': make((at, value) => Atomics.exchange(m64, at, value)),
    'amoadd.d': make((at, value) => Atomics.add(m64, at, value)),
    'amoxor.d': make((at, value) => Atomics.xor(m64, at, value)),
    'amoand.d': make((at, value) => Atomics.and(m64, at, value)),
    'amoor.d': make((at, value) => Atomics.or(m64, at, value)),
    'amomin.d': select((old, value) => old <= value),
    'amomax.d': select((old, value) => old >= value),
    'amominu.d': select((old, value) => BigInt.asUintN(64, old) <= BigInt.asUintN(64, value)),
    'amomaxu.d': select((old, value) => BigInt.asUintN(64, old) >= BigInt.asUintN(64, value)),
  };
}

/** lrValue as one element of its own. */
function reservedValue(words: Int32Array): BigInt64Array {
  return new BigInt64Array(words.buffer, words.byteOffset + LR_VALUE * 4, 1);
}

/**
 * LR remembers address and value in the state block; SC succeeds if memory still holds that value, by one
 * compare-exchange. A location that another hart changed and changed back counts as untouched: the one liberty taken
 * with the reservation of 14.2.
 */
function loadReserved({ x, x64, words }: Registers, place: AtomicPlace): Record<LoadReservedName, Factory> {
  const { m32, m64 } = place;
  const value64 = reservedValue(words);
  const reserve = (bytes: number): void => {
    words[LR_VALID] = bytes;
    words[LR_GPA] = place.gpaLo;
    words[LR_GPA + 1] = place.gpaHi;
  };
  return {
    'lr.w': ({ rd, rs1 }) => {
      const d = rd * 2;
      const s = rs1 * 2;
      return () => {
        const at = place.find(x[s], x[s + 1], 4, Access.LOAD);
        if (at < 0) return Outcome.TRAP;
        const value = Atomics.load(m32, at);
        reserve(4);
        words[LR_VALUE] = value;
        words[LR_VALUE + 1] = 0;
        x[d] = value;
        x[d + 1] = value >> 31;
        return 0;
      };
    },
    'lr.d': ({ rd, rs1 }) => {
      const s = rs1 * 2;
      return () => {
        const at = place.find(x[s], x[s + 1], 8, Access.LOAD);
        if (at < 0) return Outcome.TRAP;
        const value = Atomics.load(m64, at);
        reserve(8);
        value64[0] = value;
        x64[rd] = value;
        return 0;
      };
    },
  };
}

/** See loadReserved. */
function storeConditional({ x, x64, words }: Registers, place: AtomicPlace): Record<StoreConditionalName, Factory> {
  const { m32, m64 } = place;
  const value64 = reservedValue(words);
  /** Whether the reservation covers what `find` found; it ends here either way. */
  const take = (bytes: number): boolean => {
    const valid = words[LR_VALID] === bytes && words[LR_GPA] === place.gpaLo && words[LR_GPA + 1] === place.gpaHi;
    words[LR_VALID] = 0;
    return valid;
  };
  const make =
    (bytes: 4 | 8, exchange: (at: number, rs2: number) => boolean): Factory =>
    ({ rd, rs1, rs2 }) => {
      const d = rd * 2;
      const s = rs1 * 2;
      return () => {
        const at = place.find(x[s], x[s + 1], bytes, Access.STORE);
        if (at < 0) return Outcome.TRAP;
        x[d] = take(bytes) && exchange(at, rs2) ? 0 : 1;
        x[d + 1] = 0;
        return 0;
      };
    };
  return {
    'sc.w': make(4, (at, rs2) => {
      const expected = words[LR_VALUE];
      return Atomics.compareExchange(m32, at, expected, x[rs2 * 2]) === expected;
    }),
    'sc.d': make(8, (at, rs2) => {
      const expected = value64[0];
      return Atomics.compareExchange(m64, at, expected, x64[rs2]) === expected;
    }),
  };
}
