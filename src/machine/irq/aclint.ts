import { type GuestClock, type HartState, hartWord, raiseAttention, setInterruptLine } from '../../cpu/index.ts';
import { Attention, Interrupt } from '../../isa/index.ts';
import { type SavedState, savedU32List, savedU64, savedU64List } from '../bus/saved.ts';
import { highHalf, joinU64, lowHalf } from '../bus/words.ts';
import type { DescribeContext, MmioDevice, WideAccess, Width, Window } from '../device.ts';
import type { FdtNode } from '../firmware/fdt.ts';

/** Register offsets: the CLINT's, which the ACLINT specification (1.0-rc4, section 2) keeps for MSWI and MTIMER. */
const Reg = { MSIP: 0, MTIMECMP: 0x4000, MTIME: 0xbff8 } as const;

/** After reset no timer interrupt is wanted; the specification leaves the value open. */
const NEVER = 2n ** 64n - 1n;

/** Size of the ACLINT's region in bytes: its lock. The registers live in the harts' state blocks and in the clock. */
export const ACLINT_REGION_BYTES = 64;

/**
 * Machine-mode software interrupts (MSWI) and timer (MTIMER) of all harts, laid out as SiFive's CLINT. Writing MTIMECMP
 * makes the hart look at its timer again; the level of MTIP is the hart's own to compute.
 */
export class Aclint implements MmioDevice {
  readonly id: string;
  readonly window: Window;
  readonly wide: WideAccess;
  readonly #harts: readonly HartState[];
  readonly #clock: GuestClock;

  /** @param harts the machine's harts by id. */
  constructor(window: Window, harts: readonly HartState[], clock: GuestClock) {
    this.id = `clint@${window.gpa.toString(16)}`;
    this.window = window;
    this.#harts = harts;
    this.#clock = clock;
    this.wide = {
      read64: (off, into) => {
        const value = this.#read64(off);
        into.lo = lowHalf(value);
        into.hi = highHalf(value);
      },
      write64: (off, lo, hi) => this.#write64(off, joinU64(lo, hi)),
    };
  }

  read(off: number, width: Width): number {
    if (width !== 4) return 0;
    const value = this.#read64(off - (off % 8));
    return off % 8 === 0 ? lowHalf(value) : highHalf(value);
  }

  write(off: number, width: Width, value: number): void {
    if (width !== 4) return;
    if (off < Reg.MTIMECMP) {
      this.#setMsip(off / 4, value);
      return;
    }
    const other = this.#read64(off - (off % 8));
    const whole = off % 8 === 0 ? joinU64(value, highHalf(other)) : joinU64(lowHalf(other), value);
    this.#write64(off - (off % 8), whole);
  }

  reset(): void {
    for (const hart of this.#harts) {
      setInterruptLine(hart, Interrupt.MSI, false);
      hart.set('mtimecmp', NEVER);
    }
    this.#setMtime(0n);
  }

  save(): Record<string, unknown> {
    return {
      mtime: String(this.#clock.read()),
      msip: this.#harts.map((hart) => this.#msip(hart)),
      mtimecmp: this.#harts.map((hart) => String(hart.get('mtimecmp'))),
    };
  }

  restore(state: SavedState): void {
    const msip = savedU32List(state, 'msip', this.#harts.length);
    const mtimecmp = savedU64List(state, 'mtimecmp', this.#harts.length);
    this.#harts.forEach((hart, id) => {
      setInterruptLine(hart, Interrupt.MSI, (msip[id] & 1) !== 0);
      hart.set('mtimecmp', mtimecmp[id]);
    });
    this.#setMtime(savedU64(state, 'mtime'));
  }

  describe(soc: FdtNode, context: DescribeContext): void {
    soc
      .child(this.id)
      .set('compatible', ['sifive,clint0', 'riscv,clint0'])
      .set64('reg', [this.window.gpa, this.window.size])
      .set(
        'interrupts-extended',
        context.cpuIntcPhandles.flatMap((phandle) => [phandle, Interrupt.MSI, phandle, Interrupt.MTI]),
      );
  }

  /** The eight bytes at `off`, a multiple of 8: two MSIP registers, an MTIMECMP or MTIME. */
  #read64(off: number): bigint {
    if (off === Reg.MTIME) return this.#clock.read();
    if (off >= Reg.MTIMECMP) return this.#harts[(off - Reg.MTIMECMP) / 8]?.get('mtimecmp') ?? 0n;
    const low = this.#harts[off / 4];
    const high = this.#harts[off / 4 + 1];
    return joinU64(low === undefined ? 0 : this.#msip(low), high === undefined ? 0 : this.#msip(high));
  }

  #write64(off: number, value: bigint): void {
    if (off === Reg.MTIME) {
      this.#setMtime(value);
    } else if (off >= Reg.MTIMECMP) {
      const hart = this.#harts[(off - Reg.MTIMECMP) / 8];
      if (hart === undefined) return;
      hart.set('mtimecmp', value);
      raiseAttention(hart, Attention.INTERRUPT);
    } else {
      this.#setMsip(off / 4, lowHalf(value));
      this.#setMsip(off / 4 + 1, highHalf(value));
    }
  }

  #msip(hart: HartState): number {
    return (Atomics.load(hart.words, hartWord.irqLines) >>> Interrupt.MSI) & 1;
  }

  #setMsip(id: number, value: number): void {
    const hart = this.#harts[id];
    if (hart !== undefined) setInterruptLine(hart, Interrupt.MSI, (value & 1) !== 0);
  }

  #setMtime(value: bigint): void {
    this.#clock.set(value);
    for (const hart of this.#harts) raiseAttention(hart, Attention.INTERRUPT);
  }
}
