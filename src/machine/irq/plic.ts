import { type HartState, setInterruptLine } from '../../cpu/index.ts';
import { Interrupt } from '../../isa/index.ts';
import { SharedLock } from '../../util/index.ts';
import { type SavedState, savedU32List } from '../bus/saved.ts';
import type { DescribeContext, DeviceRegion, MmioDevice, Width, Window } from '../device.ts';
import type { FdtNode } from '../firmware/fdt.ts';
import { MAX_HARTS } from '../memory-map.ts';
import type { InterruptController } from './irq-line.ts';

/** Interrupt sources, source 0 included, which does not exist: QEMU's virt has 1 … 95. */
export const PLIC_SOURCES = 96;

/** Source words: one bit a source. */
const SOURCE_WORDS = PLIC_SOURCES / 32;
const CONTEXTS_MAX = 2 * MAX_HARTS;
/** Priorities and thresholds have three bits. */
const PRIORITY_MASK = 7;

/** Memory map (RISC-V PLIC specification 1.0.0, section 3). */
const Reg = {
  PRIORITY: 0,
  PENDING: 0x1000,
  ENABLE: 0x2000,
  ENABLE_STRIDE: 0x80,
  ENABLE_END: 0x2000 + 0x80 * CONTEXTS_MAX,
  CONTEXT: 0x20_0000,
  CONTEXT_STRIDE: 0x1000,
  THRESHOLD: 0,
  CLAIM: 4,
} as const;

/** Words of the region. */
const Word = {
  LOCK: 0,
  /** Bit per context: its output line as last driven. */
  OUTPUTS: 1,
  LEVEL: 4,
  IN_SERVICE: 8,
  THRESHOLD: 16,
  PRIORITY: 16 + CONTEXTS_MAX,
  ENABLE: 16 + CONTEXTS_MAX + PLIC_SOURCES,
} as const;

/** Size of the PLIC's region in bytes. */
export const PLIC_REGION_BYTES = 4 * (Word.ENABLE + CONTEXTS_MAX * SOURCE_WORDS);

/**
 * The platform-level interrupt controller of SiFive's making, as QEMU's virt board has it: two contexts a hart, M then
 * S. All sources are levels. A source is pending while its line is high and it is not in service (claimed and not
 * completed). As in QEMU, and unlike PLIC specification 5, a line that falls before the claim takes its request back,
 * and a completion counts even from a context where the source is not enabled: Linux before 6.8 needs it, moving
 * interrupts between harts.
 */
export class Plic implements MmioDevice, InterruptController {
  readonly id: string;
  readonly window: Window;
  readonly #words: Int32Array;
  readonly #lock: SharedLock;
  readonly #harts: readonly HartState[];
  readonly #contexts: number;

  /** @param harts the machine's harts by id, at most 8. */
  constructor(window: Window, region: DeviceRegion, harts: readonly HartState[]) {
    this.id = `plic@${window.gpa.toString(16)}`;
    this.window = window;
    this.#words = region.words;
    this.#lock = new SharedLock(region.words, Word.LOCK);
    this.#harts = harts;
    this.#contexts = 2 * harts.length;
  }

  setLevel(source: number, level: boolean): void {
    if (source < 1 || source >= PLIC_SOURCES) return;
    const at = Word.LEVEL + (source >>> 5);
    const bit = 1 << (source & 31);
    // A device calls under its own lock, so nobody else moves this line: unchanged needs no lock here.
    if (((Atomics.load(this.#words, at) & bit) !== 0) === level) return;
    this.#lock.lock();
    if (level) Atomics.or(this.#words, at, bit);
    else Atomics.and(this.#words, at, ~bit);
    this.#update();
    this.#lock.unlock();
  }

  read(off: number, width: Width): number {
    if (width !== 4) return 0;
    if (off < Reg.PENDING) return off < 4 * PLIC_SOURCES ? this.#words[Word.PRIORITY + off / 4] : 0;
    if (off < Reg.ENABLE) {
      const word = (off - Reg.PENDING) / 4;
      return word < SOURCE_WORDS ? this.#pending(word) >>> 0 : 0;
    }
    if (off < Reg.ENABLE_END) {
      const at = this.#enableWord(off);
      return at < 0 ? 0 : this.#words[at] >>> 0;
    }
    const context = this.#contextOf(off);
    if (context < 0) return 0;
    const register = off % Reg.CONTEXT_STRIDE;
    if (register === Reg.THRESHOLD) return this.#words[Word.THRESHOLD + context];
    return register === Reg.CLAIM ? this.#claim(context) : 0;
  }

  write(off: number, width: Width, value: number): void {
    if (width !== 4) return;
    if (off < Reg.PENDING) {
      if (off === 0 || off >= 4 * PLIC_SOURCES) return;
      this.#words[Word.PRIORITY + off / 4] = value & PRIORITY_MASK;
    } else if (off < Reg.ENABLE) {
      return;
    } else if (off < Reg.ENABLE_END) {
      const at = this.#enableWord(off);
      if (at < 0) return;
      // Source 0 cannot be enabled.
      this.#words[at] = (off - Reg.ENABLE) % Reg.ENABLE_STRIDE === 0 ? value & ~1 : value;
    } else {
      const context = this.#contextOf(off);
      if (context < 0) return;
      const register = off % Reg.CONTEXT_STRIDE;
      if (register === Reg.THRESHOLD) this.#words[Word.THRESHOLD + context] = value & PRIORITY_MASK;
      else if (register === Reg.CLAIM) this.#complete(value);
    }
    this.#update();
  }

  /** Levels are the devices' own: they stay. */
  reset(): void {
    this.#words.fill(0, Word.IN_SERVICE, Word.IN_SERVICE + SOURCE_WORDS);
    this.#words.fill(0, Word.THRESHOLD, Word.ENABLE + CONTEXTS_MAX * SOURCE_WORDS);
    this.#driveAll();
  }

  save(): Record<string, unknown> {
    const list = (at: number, count: number) => Array.from(this.#words.subarray(at, at + count), (w) => w >>> 0);
    return {
      level: list(Word.LEVEL, SOURCE_WORDS),
      inService: list(Word.IN_SERVICE, SOURCE_WORDS),
      priority: list(Word.PRIORITY, PLIC_SOURCES),
      threshold: list(Word.THRESHOLD, this.#contexts),
      enable: list(Word.ENABLE, this.#contexts * SOURCE_WORDS),
    };
  }

  restore(state: SavedState): void {
    this.#words.set(savedU32List(state, 'level', SOURCE_WORDS), Word.LEVEL);
    this.#words.set(savedU32List(state, 'inService', SOURCE_WORDS), Word.IN_SERVICE);
    this.#words.set(
      savedU32List(state, 'priority', PLIC_SOURCES).map((p, source) => (source === 0 ? 0 : p & PRIORITY_MASK)),
      Word.PRIORITY,
    );
    this.#words.set(
      savedU32List(state, 'threshold', this.#contexts).map((t) => t & PRIORITY_MASK),
      Word.THRESHOLD,
    );
    this.#words.set(
      savedU32List(state, 'enable', this.#contexts * SOURCE_WORDS).map((w, i) => (i % SOURCE_WORDS === 0 ? w & ~1 : w)),
      Word.ENABLE,
    );
    this.#driveAll();
  }

  describe(soc: FdtNode, context: DescribeContext): void {
    const node = soc.child(this.id);
    node
      .set('compatible', ['sifive,plic-1.0.0', 'riscv,plic0'])
      .set64('reg', [this.window.gpa, this.window.size])
      .set('#interrupt-cells', [1])
      .set('#address-cells', [0])
      .set('interrupt-controller')
      .set(
        'interrupts-extended',
        context.cpuIntcPhandles.flatMap((phandle) => [phandle, Interrupt.MEI, phandle, Interrupt.SEI]),
      )
      .set('riscv,ndev', [PLIC_SOURCES - 1])
      .set('phandle', [context.plicPhandle]);
  }

  /** Pending sources of one word: high and not in service. */
  #pending(word: number): number {
    return Atomics.load(this.#words, Word.LEVEL + word) & ~this.#words[Word.IN_SERVICE + word];
  }

  /** Index of the enable word at `off`, -1 if there is none. */
  #enableWord(off: number): number {
    const context = Math.floor((off - Reg.ENABLE) / Reg.ENABLE_STRIDE);
    const word = ((off - Reg.ENABLE) % Reg.ENABLE_STRIDE) / 4;
    return context < this.#contexts && word < SOURCE_WORDS ? Word.ENABLE + context * SOURCE_WORDS + word : -1;
  }

  /** Context whose threshold and claim registers are in the page at `off`, -1 if there is none. */
  #contextOf(off: number): number {
    const context = Math.floor((off - Reg.CONTEXT) / Reg.CONTEXT_STRIDE);
    return context >= 0 && context < this.#contexts ? context : -1;
  }

  /** The pending, enabled source of highest priority, at least 1; the lowest id among equals; 0: none. */
  #best(context: number): number {
    let best = 0;
    let bestPriority = 0;
    for (let word = 0; word < SOURCE_WORDS; word++) {
      let bits = this.#pending(word) & this.#words[Word.ENABLE + context * SOURCE_WORDS + word];
      while (bits !== 0) {
        const source = word * 32 + 31 - Math.clz32(bits & -bits);
        bits &= bits - 1;
        const priority = this.#words[Word.PRIORITY + source];
        if (priority > bestPriority) {
          best = source;
          bestPriority = priority;
        }
      }
    }
    return best;
  }

  /** Interrupt claim (PLIC specification 9): not subject to the threshold. */
  #claim(context: number): number {
    const source = this.#best(context);
    if (source === 0) return 0;
    this.#words[Word.IN_SERVICE + (source >>> 5)] |= 1 << (source & 31);
    this.#update();
    return source;
  }

  /** Interrupt completion (PLIC specification 10). */
  #complete(source: number): void {
    if (source >= PLIC_SOURCES) return;
    this.#words[Word.IN_SERVICE + (source >>> 5)] &= ~(1 << (source & 31));
  }

  /** Drives the contexts' outputs: high while a source beats the threshold. The lock is held. */
  #update(): void {
    const before = this.#words[Word.OUTPUTS];
    let outputs = 0;
    for (let context = 0; context < this.#contexts; context++) {
      const priority = this.#words[Word.PRIORITY + this.#best(context)];
      if (priority > this.#words[Word.THRESHOLD + context]) outputs |= 1 << context;
    }
    if (outputs === before) return;
    this.#words[Word.OUTPUTS] = outputs;
    for (let context = 0; context < this.#contexts; context++) {
      if (((outputs ^ before) >>> context) & 1) this.#drive(context, ((outputs >>> context) & 1) !== 0);
    }
  }

  /** Drives every output again: the harts may have been changed as well. */
  #driveAll(): void {
    this.#update();
    for (let context = 0; context < this.#contexts; context++) {
      this.#drive(context, ((this.#words[Word.OUTPUTS] >>> context) & 1) !== 0);
    }
  }

  #drive(context: number, level: boolean): void {
    const hart = this.#harts[context >>> 1];
    if (hart !== undefined) setInterruptLine(hart, (context & 1) === 0 ? Interrupt.MEI : Interrupt.SEI, level);
  }
}
