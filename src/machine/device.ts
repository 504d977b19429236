import type { FdtNode } from './firmware/fdt.ts';

/** A place on the bus: guest physical address and size in bytes. */
export interface Window {
  readonly gpa: number;
  readonly size: number;
}

/**
 * A device's interrupt line: a level, on any thread. Handed in at construction; the device knows neither its number
 * nor the controller.
 */
export interface IrqLine {
  set(level: boolean): void;
}

/**
 * A device's own piece of the machine's shared memory, the same on every thread. All guest-visible state of its front
 * half lives here: front halves are constructed anew on each vCPU thread and on the I/O thread, over the same region.
 * It starts zeroed. Word 0 is the device's lock, taken by the bus around every access and by the back half itself.
 */
export interface DeviceRegion {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  /** Byte offset of the region in the shared memory. */
  readonly offset: number;
}

/** Tells the I/O thread that a device has work (ioeventfd). Callable on any thread; rings coalesce. */
export interface Doorbell {
  ring(): void;
}

/** Size of one access in bytes. The bus splits 8-byte accesses in two 4-byte ones, low half first. */
export type Width = 1 | 2 | 4;

/** A device as the guest sees it: the front half. It sees offsets inside its window, never addresses nor the CPU. */
export interface MmioDevice {
  /** Unique in the machine, as in its device-tree node: `serial@10000000`. */
  readonly id: string;
  readonly window: Window;
  /** Reads `width` bytes at `off` as an unsigned number. Never throws: registers that do not exist read 0. */
  read(off: number, width: Width): number;
  /** Writes; unknown registers and widths are ignored. Never throws. */
  write(off: number, width: Width, value: number): void;
  /** Power-on state. */
  reset(): void;
  /** All guest-visible state as JSON-able named fields. */
  save(): Record<string, unknown>;
  restore(state: Record<string, unknown>): void;
  /** Adds its node below `soc`. */
  describe(soc: FdtNode, context: DescribeContext): void;
  /** Present on devices with 64-bit registers that software reads and writes in one piece: then nothing is split. */
  readonly wide?: WideAccess;
}

/** Aligned 8-byte accesses in one piece, for registers that change by themselves between two halves (mtime). */
export interface WideAccess {
  /** Reads the 8 bytes at `off` into `into` as unsigned halves. Never throws. */
  read64(off: number, into: { lo: number; hi: number }): void;
  /** Writes the 8 bytes at `off`. Never throws. */
  write64(off: number, lo: number, hi: number): void;
}

/** What a device may need to describe itself in the device tree. */
export interface DescribeContext {
  /**
   * phandle of the interrupt controller its line goes to. The PLIC itself, described like any device, gives its node
   * this one: `set('phandle', [plicPhandle])`.
   */
  readonly plicPhandle: number;
  /** phandles of the harts' own interrupt controllers (`riscv,cpu-intc`) by hart id: where PLIC and ACLINT lead. */
  readonly cpuIntcPhandles: readonly number[];
  /** Interrupt number of its line, 0: none. */
  readonly irq: number;
  /** The tree's root, for nodes that do not belong on the bus (`syscon-poweroff`). */
  readonly root: FdtNode;
}

/** The host half of a device, on the I/O thread. */
export interface BackHalf {
  /**
   * The doorbell rang. In the one-thread machine the returned promise is awaited before the guest goes on, which is
   * what makes that machine deterministic; errors are the device's own business, it must not reject.
   */
  service(): void | Promise<void>;
  /** Ends: stops accepting work, lets what is under way finish, releases host resources. */
  close(): Promise<void>;
}
