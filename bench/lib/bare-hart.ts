/** One hart with RAM and nothing else, for benchmarks of a CPU backend by itself. */
import {
  type CpuEngine,
  createEngine,
  type EngineConfig,
  type EngineKind,
  GuestClock,
  type Hart,
  type HartState,
  MachineState,
  NativeEngine,
  Stop,
} from '../../src/cpu/index.ts';
import { assemble, csrByName, Priv, sharedMap } from '../../src/isa/index.ts';
import { HostClock } from '../../src/util/index.ts';

/** Where RAM and programs begin. */
export const RAM_GPA = 0x8000_0000;
const RAM_BYTES = 4 * 1024 * 1024;

/** Page tables go here, behind code and data: one page, whose entries map gigabytes. */
const TABLE_OFFSET = RAM_BYTES - 4096;
/** A leaf with every permission, accessed and dirty. */
const GIGAPAGE_BITS = 0xcfn;
const SV39 = 8n << 60n;

/** How a program runs: in M-mode on physical addresses, or in S-mode under Sv39. */
export type HartMode = 'machine' | 'supervisor';

/** A CPU backend, or one of its tiers alone. */
export interface Subject {
  readonly kind: EngineKind;
  /** Of the native backend: 0, its interpreter alone. */
  readonly tier?: 0 | 1 | undefined;
}

/** What a subject is called in the tables. */
export function subjectName({ kind, tier }: Subject): string {
  return kind === 'native' && tier !== undefined ? `native tier ${tier}` : kind;
}

/** Makes the engine of a subject. */
export function subjectEngine({ kind, tier }: Subject, config: EngineConfig): CpuEngine {
  return kind === 'native' && tier !== undefined ? new NativeEngine(config, { tier }) : createEngine(kind, config);
}

/** Puts a program at the start of RAM and a hart at its first instruction. */
export function bareHart(subject: Subject, source: string, mode: HartMode): Hart {
  const { buffer, clock } = bareMemory();
  new Uint8Array(buffer, sharedMap.ram).set(assemble(source, { base: RAM_GPA }).bytes);
  const hart = subjectEngine(subject, { buffer, clock }).createHart(0);
  enterMode(hart.state, mode);
  return hart;
}

/** Shared memory of a machine with one slot of RAM and time that runs. */
export function bareMemory(): { buffer: SharedArrayBuffer; clock: HostClock } {
  const buffer = new SharedArrayBuffer(sharedMap.ram + RAM_BYTES);
  const clock = new HostClock();
  const mtime = new GuestClock(buffer, clock);
  mtime.init(10_000_000, 'host');
  mtime.resume();
  const machine = new MachineState(buffer);
  machine.set('slotGpa', BigInt(RAM_GPA));
  machine.set('slotLen', BigInt(RAM_BYTES));
  machine.set('slotOffset', BigInt(sharedMap.ram));
  machine.set32('slotGeneration', 1);
  return { buffer, clock };
}

/** Puts a hart at the start of RAM: in M-mode, or in S-mode with memory mapped one to one, and RAM again at each gigabyte from 4 on. */
export function enterMode(state: HartState, mode: HartMode): void {
  state.set('mstatus', csrByName.mstatus.reset | (1n << 13n));
  state.set('mtimecmp', 0xffff_ffff_ffff_ffffn);
  state.set('pc', BigInt(RAM_GPA));
  state.set32('priv', Priv.M);
  if (mode === 'supervisor') {
    const table = new BigUint64Array(state.words.buffer, sharedMap.ram + TABLE_OFFSET, 512);
    for (let i = 0; i < 4; i++) table[i] = ((BigInt(i) << 18n) << 10n) | GIGAPAGE_BITS;
    // The rest of the lower half: RAM's gigabyte again and again.
    for (let i = 4; i < 256; i++) table[i] = table[2];
    state.set('satp', SV39 | (BigInt(RAM_GPA + TABLE_OFFSET) >> 12n));
    state.set('pmpaddr', (1n << 54n) - 1n);
    state.set('pmpcfg', 0x1fn);
    state.set32('priv', Priv.S);
  }
}

/**
 * Runs for about `seconds` of the process's CPU time and returns millions of instructions a second of it: what else the
 * host does meanwhile matters less than with wall-clock time. Throws if the hart stops.
 */
export function mips(hart: Hart, seconds: number): number {
  const before = hart.state.get('retired');
  const start = process.cpuUsage();
  let micros = 0;
  while (micros < seconds * 1e6) {
    const stop = hart.run(1_000_000);
    if (stop !== Stop.Budget) throw new Error(`the hart stopped with ${stop} ${hart.faultDetail}`);
    const { user, system } = process.cpuUsage(start);
    micros = user + system;
  }
  return Number(hart.state.get('retired') - before) / micros;
}
