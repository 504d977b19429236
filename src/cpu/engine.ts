import type { Clock } from '../util/index.ts';
import type { HartState } from './state.ts';

/** A guest physical address: a safe integer below 2^56, checked where a page-table entry or a register forms it. */
export type Gpa = number;

/** Why `run()` returned. The details are in the exit fields of the hart's state block. */
export const Stop = {
  /** The budget is used up. */
  Budget: 0,
  /** A load or store outside RAM, or a store to read-only RAM. `pc` is still at the instruction; answer with `completeMmio` or `refuseMmio`. */
  Mmio: 1,
  /** ECALL from S-mode with HartConfig.SBI_EXIT. `pc` is at the ECALL: the answerer adds exitLength. */
  Ecall: 2,
  /** WFI (or WRS) with nothing pending. `pc` is past it. */
  Wfi: 3,
  /** Attention.KICK was set; it has been cleared. */
  Kicked: 4,
  /** EBREAK with HartConfig.EBREAK_EXIT. `pc` is at it. */
  Debug: 5,
  /** The hart cannot go on: a fault of ours, with `Hart.faultDetail`. Nothing a guest does leads here. */
  Fault: 6,
} as const;
export type Stop = (typeof Stop)[keyof typeof Stop];

/** CPU backends by name. */
export type EngineKind = 'interpreter' | 'wasm' | 'native';

/**
 * One machine's CPU backend on one thread. It reads RAM ranges, clock and all else that is machine-wide from the
 * shared memory, so any number of engines, of any kind, can serve harts of one machine.
 */
export interface CpuEngine {
  readonly kind: EngineKind;
  /** Attaches to hart `id`, whose state block must exist. One hart is run by one thread at a time. */
  createHart(id: number): Hart;
  /** Frees what the engine holds outside the shared memory. */
  close(): void;
}

/** What an engine is made from. */
export interface EngineConfig {
  /** The machine's shared memory (see hypervisor/memory.ts for its layout). */
  readonly buffer: SharedArrayBuffer;
  readonly clock: Clock;
}

/** One hart on one engine. Every method is for the owning thread alone; other threads go through cpu/signals.ts. */
export interface Hart {
  readonly id: number;
  readonly state: HartState;
  /**
   * Runs at most `budget` instructions (an exact bound: run(1) is a single step) and returns why it stopped.
   * A taken trap is not an instruction but ends at the same point: run(1) over a trapping instruction or a pending
   * interrupt returns Budget with pc at the handler.
   */
  run(budget: number): Stop;
  /** Answers Stop.Mmio: finishes the instruction with the value a load got (zero-extended), and moves pc past it. */
  completeMmio(lo: number, hi: number): void;
  /** Answers Stop.Mmio with an access fault: the guest takes the trap. */
  refuseMmio(): void;
  /** Drops cached translations and blocks; state was changed from outside (registers, satp, memory slots). */
  invalidate(): void;
  /** Set when run() returned Fault. */
  readonly faultDetail: string;
}
