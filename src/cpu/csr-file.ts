import { type Csr, type CsrName, csrs, Priv } from '../isa/index.ts';
import type { GuestClock } from './guest-clock.ts';
import type { PendingInterrupts } from './interrupts.ts';
import { type HartState, hartWord } from './state.ts';
import { Mstatus } from './trap.ts';

const PRIV = hartWord.priv;
const MSTATUS = hartWord.mstatus;
const MIDELEG = hartWord.mideleg;
const MIP = hartWord.mip;
const MCOUNTEREN = hartWord.mcounteren;
const SCOUNTEREN = hartWord.scounteren;
const MENVCFG_HI = hartWord.menvcfg + 1;
const MSTATEEN = hartWord.mstateen;
const PMPCFG = hartWord.pmpcfg;

const STCE_HI = 0x8000_0000 | 0;
const STIP = 1 << 5;
/** mstateen0.ENVCFG (62) and mstateenN.SE (63), in their high words. */
const STATEEN_ENVCFG_HI = 1 << 30;
const STATEEN_SE_HI = 0x8000_0000 | 0;

/** What a CSR write changed that someone caches, as a bit mask. */
export const CsrEffect = {
  NONE: 0,
  /** mstatus: the access mode of loads and stores. */
  MODE: 1,
  /** satp: the address space. */
  ADDRESS_SPACE: 2,
  /** PMP or menvcfg: every translation. */
  TRANSLATIONS: 4,
  /** pmpcfg or pmpaddr. */
  PMP: 8,
  /** mcycle or minstret: the writing instruction does not count in it. */
  CYCLES: 16,
  INSTRET: 32,
  /** What the timer interrupts depend on. */
  TIMERS: 64,
} as const;

/** How an instruction combines its operand with the register. */
export const CsrOp = { WRITE: 0, SET: 1, CLEAR: 2 } as const;
export type CsrOp = (typeof CsrOp)[keyof typeof CsrOp];

/** One register, prepared for access. */
export interface CsrSlot {
  readonly csr: Csr<CsrName>;
  /** Reads into CsrFile.lo and CsrFile.hi. */
  readonly read: () => void;
  /** Applies a write as WARL says and returns its CsrEffect bits. */
  readonly write: (op: CsrOp, lo: number, hi: number) => number;
}

/**
 * The control and status registers of one hart: access rules and WARL behaviour by the table of src/isa. 64-bit values
 * are halves; `read` leaves its result in `lo` and `hi`. Counters must be up to date before they are read.
 */
export class CsrFile {
  lo = 0;
  hi = 0;
  readonly #words: Int32Array;
  readonly #clock: GuestClock;
  readonly #interrupts: PendingInterrupts;
  readonly #time = new Int32Array(2);
  readonly #slots = new Map<number, CsrSlot>();
  readonly #byName = new Map<string, CsrSlot>();

  constructor(state: HartState, clock: GuestClock, interrupts: PendingInterrupts) {
    this.#words = state.words;
    this.#clock = clock;
    this.#interrupts = interrupts;
    // Views come after the registers they show, which this order does not promise: they are resolved when used.
    for (const csr of csrs) {
      const slot = this.#slot(csr);
      this.#slots.set(csr.number, slot);
      this.#byName.set(csr.name, slot);
    }
  }

  /** The register with this number; undefined: access is an illegal instruction in every mode. */
  find(number: number): CsrSlot | undefined {
    return this.#slots.get(number);
  }

  /** Whether the current mode may read the register, and with `write` also write it (Privileged spec 2.1 and gates). */
  allows(slot: CsrSlot, write: boolean): boolean {
    const { csr } = slot;
    if (this.#words[PRIV] < csr.priv || (write && csr.readOnly)) return false;
    return csr.gate === undefined || this.#passesGate(csr);
  }

  #passesGate(csr: Csr): boolean {
    const words = this.#words;
    const priv = words[PRIV];
    switch (csr.gate) {
      case 'fs':
        return (words[MSTATUS] & Mstatus.FS) !== 0;
      case 'counteren':
        return this.#counterEnabled(csr.number & 31);
      case 'sstc':
        return priv === Priv.M || ((words[MENVCFG_HI] & STCE_HI) !== 0 && (words[MCOUNTEREN] & 2) !== 0);
      case 'tvm':
        return priv === Priv.M || (words[MSTATUS] & Mstatus.TVM) === 0;
      case 'envcfg':
        return priv === Priv.M || (words[MSTATEEN + 1] & STATEEN_ENVCFG_HI) !== 0;
      case 'stateen':
        return priv === Priv.M || (words[MSTATEEN + 2 * (csr.number & 3) + 1] & STATEEN_SE_HI) !== 0;
      default:
        return true;
    }
  }

  /** mcounteren gates S and U mode, scounteren also U mode (3.1.11, 12.1.5). */
  #counterEnabled(counter: number): boolean {
    const bit = 1 << counter;
    const priv = this.#words[PRIV];
    if (priv === Priv.M) return true;
    if ((this.#words[MCOUNTEREN] & bit) === 0) return false;
    return priv === Priv.S || (this.#words[SCOUNTEREN] & bit) !== 0;
  }

  #slot(csr: Csr<CsrName>): CsrSlot {
    switch (csr.storage.kind) {
      case 'constant': {
        const lo = Number(BigInt.asIntN(32, csr.storage.value));
        const hi = Number(BigInt.asIntN(32, csr.storage.value >> 32n));
        return { csr, read: () => this.#result(lo, hi), write: () => CsrEffect.NONE };
      }
      case 'computed':
        return csr.name === 'mip' ? this.#mip(csr) : this.#timeSlot(csr);
      case 'view':
        return csr.storage.of === 'mip' ? this.#sip(csr) : this.#view(csr);
      case 'state':
        return this.#stored(csr);
    }
  }

  #result(lo: number, hi: number): void {
    this.lo = lo;
    this.hi = hi;
  }

  /** A register with a field of its own in the state block. */
  #stored(csr: Csr<CsrName>): CsrSlot {
    if (csr.storage.kind !== 'state') throw new TypeError(csr.name);
    const words = this.#words;
    const { field, index } = csr.storage;
    const at = hartWord[field] + 2 * index;
    if (field === 'fcsr') return this.#fcsr(csr, at);
    const read =
      csr.name === 'mstatus'
        ? () => this.#result(words[at], words[at + 1] | dirtySummary(words[at]))
        : () => this.#result(words[at], words[at + 1]);
    const apply = this.#writer(csr, at);
    const effect = effects[csr.name] ?? CsrEffect.NONE;
    const always = (effect & (CsrEffect.CYCLES | CsrEffect.INSTRET)) !== 0;
    return {
      csr,
      read,
      write: (op, lo, hi) => {
        const oldLo = words[at];
        const oldHi = words[at + 1];
        apply(combine(op, oldLo, lo), combine(op, oldHi, hi));
        return always || words[at] !== oldLo || words[at + 1] !== oldHi ? effect : CsrEffect.NONE;
      },
    };
  }

  /** The function that stores a written value as the field rules say. */
  #writer(csr: Csr<CsrName>, at: number): (lo: number, hi: number) => void {
    const words = this.#words;
    if (csr.name.startsWith('pmpcfg')) return (lo, hi) => this.#writePmpcfg(at, lo, hi);
    if (csr.name.startsWith('pmpaddr')) {
      const entry = csr.number & 15;
      return (lo, hi) => {
        if (this.#pmpLocked(entry)) return;
        words[at] = lo;
        words[at + 1] = hi & 0x3f_ffff;
      };
    }
    const rules = fieldRules(csr);
    return (lo, hi) => {
      let { maskLo, maskHi } = rules;
      for (const field of rules.enumerated) {
        const written = field.high ? hi : lo;
        if (((field.legal >>> ((written & field.mask) >>> field.shift)) & 1) === 0) {
          if (field.refuses) return;
          if (field.high) maskHi &= ~field.mask;
          else maskLo &= ~field.mask;
        }
      }
      words[at] = (words[at] & ~maskLo) | (lo & maskLo);
      words[at + 1] = (words[at + 1] & ~maskHi) | (hi & maskHi);
    };
  }

  /** Locked entries keep their byte until reset; W without R is reserved and reads back as neither (3.7.1). */
  #writePmpcfg(at: number, lo: number, hi: number): void {
    for (let i = 0; i < 8; i++) {
      const shift = (i & 3) * 8;
      const word = at + (i >> 2);
      const old = (this.#words[word] >>> shift) & 0xff;
      if ((old & 0x80) !== 0) continue;
      let cfg = ((i < 4 ? lo : hi) >>> shift) & 0x9f;
      if ((cfg & 3) === 2) cfg &= ~2;
      this.#words[word] = (this.#words[word] & ~(0xff << shift)) | (cfg << shift);
    }
  }

  /** pmpaddr is locked by its own entry, or by the next one if that is a locked TOR region (3.7.1). */
  #pmpLocked(entry: number): boolean {
    const config = (n: number): number => (this.#words[PMPCFG + (n >> 2)] >>> ((n & 3) * 8)) & 0xff;
    if ((config(entry) & 0x80) !== 0) return true;
    return entry < 15 && (config(entry + 1) & 0x98) === 0x88;
  }

  /** fcsr has 32 bits; writing any part of it makes mstatus.FS dirty (3.1.6.6). */
  #fcsr(csr: Csr<CsrName>, at: number): CsrSlot {
    const words = this.#words;
    return {
      csr,
      read: () => this.#result(words[at] & 0xff, 0),
      write: (op, lo) => {
        words[at] = combine(op, words[at], lo) & 0xff;
        words[MSTATUS] |= Mstatus.FS;
        return CsrEffect.NONE;
      },
    };
  }

  /** Some bits of another register: written through it, by the view's own mask. */
  #view(csr: Csr<CsrName>): CsrSlot {
    if (csr.storage.kind !== 'view') throw new TypeError(csr.name);
    const { of, mask, shift, delegated } = csr.storage;
    const maskLo = Number(BigInt.asIntN(32, mask));
    const maskHi = Number(BigInt.asIntN(32, mask >> 32n));
    const writeLo = Number(BigInt.asIntN(32, csr.writeMask << BigInt(shift)));
    const writeHi = Number(BigInt.asIntN(32, csr.writeMask >> 32n));
    const words = this.#words;
    return {
      csr,
      read: () => {
        this.#byName.get(of)?.read();
        const visible = delegated ? maskLo & words[MIDELEG] : maskLo;
        if (shift === 0) this.#result(this.lo & visible, this.hi & maskHi);
        else this.#result((this.lo & visible) >>> shift, 0);
      },
      write: (op, lo, hi) => {
        const target = this.#byName.get(of);
        if (target === undefined) return CsrEffect.NONE;
        target.read();
        const changeable = delegated ? writeLo & words[MIDELEG] : writeLo;
        const newLo = combine(op, this.lo, lo << shift);
        const newHi = combine(op, this.hi, hi);
        return target.write(
          CsrOp.WRITE,
          (this.lo & ~changeable) | (newLo & changeable),
          (this.hi & ~writeHi) | (newHi & writeHi),
        );
      },
    };
  }

  /**
   * mip: set and clear act on the software-writable bits alone, so that SEIP read from a line is not written back as
   * software's (3.1.9). Atomic, for other harts' IPIs go through the same word.
   */
  #mip(csr: Csr<CsrName>): CsrSlot {
    const writable = Number(csr.writeMask);
    return { csr, read: () => this.#readMip(), write: (op, lo) => this.#writeMip(op, lo, writable) };
  }

  #sip(csr: Csr<CsrName>): CsrSlot {
    const visible = csr.storage.kind === 'view' ? Number(csr.storage.mask) : 0;
    const writable = Number(csr.writeMask);
    return {
      csr,
      read: () => {
        this.#readMip();
        this.lo &= visible & this.#words[MIDELEG];
      },
      write: (op, lo) => this.#writeMip(op, lo, writable & this.#words[MIDELEG]),
    };
  }

  #readMip(): void {
    this.#interrupts.pollTimers();
    this.#result(this.#interrupts.pending(), 0);
  }

  #writeMip(op: CsrOp, value: number, writable: number): number {
    // With menvcfg.STCE, STIP follows stimecmp and cannot be written (Sstc 2.1.1).
    const mask = (this.#words[MENVCFG_HI] & STCE_HI) !== 0 ? writable & ~STIP : writable;
    if (op !== CsrOp.SET) Atomics.and(this.#words, MIP, op === CsrOp.WRITE ? ~(mask & ~value) : ~(mask & value));
    if (op !== CsrOp.CLEAR) Atomics.or(this.#words, MIP, mask & value);
    return CsrEffect.NONE;
  }

  #timeSlot(csr: Csr<CsrName>): CsrSlot {
    const read = (): void => {
      this.#clock.mtime(this.#time);
      this.#result(this.#time[0], this.#time[1]);
    };
    return { csr, read, write: () => CsrEffect.NONE };
  }
}

/** Which writes change what others cache; only when the value changes, except for the counters. */
const effects: Partial<Record<CsrName, number>> = {
  mstatus: CsrEffect.MODE,
  satp: CsrEffect.ADDRESS_SPACE,
  menvcfg: CsrEffect.TRANSLATIONS | CsrEffect.TIMERS,
  stimecmp: CsrEffect.TIMERS,
  mcycle: CsrEffect.CYCLES,
  minstret: CsrEffect.INSTRET,
  ...Object.fromEntries(
    csrs.filter((csr) => /^pmp/.test(csr.name)).map((csr) => [csr.name, CsrEffect.PMP | CsrEffect.TRANSLATIONS]),
  ),
};

/** mstatus.SD (bit 63, in the high word): FS is dirty; VS and XS are always off (3.1.6.6). */
function dirtySummary(mstatus: number): number {
  return (mstatus & Mstatus.FS) === Mstatus.FS ? 0x8000_0000 | 0 : 0;
}

function combine(op: CsrOp, old: number, operand: number): number {
  if (op === CsrOp.WRITE) return operand;
  return op === CsrOp.SET ? old | operand : old & ~operand;
}

/** A field with a list of legal values, in one half of its register. */
interface EnumeratedField {
  readonly high: boolean;
  readonly mask: number;
  readonly shift: number;
  /** Bit n: value n is legal. */
  readonly legal: number;
  readonly refuses: boolean;
}

/** The table's write rules of a register in halves: the writable bits, and the fields whose values are checked. */
function fieldRules(csr: Csr): { maskLo: number; maskHi: number; enumerated: readonly EnumeratedField[] } {
  const enumerated: EnumeratedField[] = [];
  for (const { mask, shift, rule } of Object.values(csr.fields)) {
    if (typeof rule === 'string') continue;
    const high = shift >= 32;
    enumerated.push({
      high,
      mask: Number(BigInt.asIntN(32, high ? mask >> 32n : mask)),
      shift: shift & 31,
      legal: rule.legal.reduce((bits, value) => bits | (1 << value), 0),
      refuses: rule.otherwise === 'refuse',
    });
  }
  const maskLo = Number(BigInt.asIntN(32, csr.writeMask));
  const maskHi = Number(BigInt.asIntN(32, csr.writeMask >> 32n));
  return { maskLo, maskHi, enumerated };
}
