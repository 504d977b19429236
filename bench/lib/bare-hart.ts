/** One hart with RAM and nothing else, for benchmarks of a CPU backend by itself. */
import { createEngine, type EngineKind, GuestClock, type Hart, MachineState, Stop } from '../../src/cpu/index.ts';
import { assemble, csrByName, Priv, sharedMap } from '../../src/isa/index.ts';
import { HostClock } from '../../src/util/index.ts';

const RAM_GPA = 0x8000_0000;
const RAM_BYTES = 4 * 1024 * 1024;

/** Page tables go here, behind code and data: one page, whose entries map gigabytes one to one. */
const TABLE_OFFSET = RAM_BYTES - 4096;
/** A leaf with every permission, accessed and dirty. */
const GIGAPAGE_BITS = 0xcfn;
const SV39 = 8n << 60n;

/** How a program runs: in M-mode on physical addresses, or in S-mode under Sv39. */
export type HartMode = 'machine' | 'supervisor';

/** Puts a program at the start of RAM and a hart at its first instruction. */
export function bareHart(kind: EngineKind, source: string, mode: HartMode): Hart {
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
  const ram = new Uint8Array(buffer, sharedMap.ram);
  ram.set(assemble(source, { base: RAM_GPA }).bytes);
  const hart = createEngine(kind, { buffer, clock }).createHart(0);
  const { state } = hart;
  state.set('mstatus', csrByName.mstatus.reset | (1n << 13n));
  state.set('mtimecmp', 0xffff_ffff_ffff_ffffn);
  state.set('pc', BigInt(RAM_GPA));
  state.set32('priv', Priv.M);
  if (mode === 'supervisor') {
    const table = new BigUint64Array(buffer, sharedMap.ram + TABLE_OFFSET, 512);
    for (let i = 0; i < 4; i++) table[i] = ((BigInt(i) << 18n) << 10n) | GIGAPAGE_BITS;
    state.set('satp', SV39 | (BigInt(RAM_GPA + TABLE_OFFSET) >> 12n));
    state.set('pmpaddr', (1n << 54n) - 1n);
    state.set('pmpcfg', 0x1fn);
    state.set32('priv', Priv.S);
  }
  return hart;
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
