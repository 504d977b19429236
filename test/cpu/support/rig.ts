/** A bare machine for CPU tests: shared memory with one RAM slot, harts in M-mode, no devices. */
import {
  type CpuEngine,
  type EngineConfig,
  GuestClock,
  type Hart,
  type HartState,
  MachineState,
  Stop,
} from '../../../src/cpu/index.ts';
import { assemble, csrByName, type HartField, Priv, sharedMap } from '../../../src/isa/index.ts';
import { ManualClock } from '../../../src/util/index.ts';

export const RAM_GPA = 0x8000_0000;
export const RAM_BYTES = 4 * 1024 * 1024;

export type MakeEngine = (config: EngineConfig) => CpuEngine;

/** What a rig may be given besides the engine. */
export interface RigOptions {
  readonly ramBytes?: number;
  /** Shared memory to attach to instead of new one. */
  readonly buffer?: SharedArrayBuffer;
}

/** Registers by ABI name. */
const abiNames = [
  ...['zero', 'ra', 'sp', 'gp', 'tp', 't0', 't1', 't2', 's0', 's1'],
  ...['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7'],
  ...['s2', 's3', 's4', 's5', 's6', 's7', 's8', 's9', 's10', 's11', 't3', 't4', 't5', 't6'],
];

/** Makes shared memory with a machine block, and one slot of RAM at RAM_GPA. */
export function makeMemory(ramBytes = RAM_BYTES): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(sharedMap.ram + ramBytes);
  new GuestClock(buffer, new ManualClock()).init(10_000_000, 'virtual');
  setSlot(buffer, 0, { gpa: RAM_GPA, bytes: ramBytes, offset: sharedMap.ram });
  return buffer;
}

/** A memory slot; flags: 1 read-only, 2 log writes. */
export interface SlotSpec {
  readonly gpa: number;
  readonly bytes: number;
  readonly offset: number;
  readonly flags?: number;
  readonly dirty?: number;
}

/** Fills one entry of the slot table. */
export function setSlot(buffer: SharedArrayBuffer, index: number, slot: SlotSpec): void {
  const machine = new MachineState(buffer);
  machine.set('slotGpa', BigInt(slot.gpa), index);
  machine.set('slotLen', BigInt(slot.bytes), index);
  machine.set('slotOffset', BigInt(slot.offset), index);
  machine.set32('slotFlags', slot.flags ?? 0, index);
  machine.set('slotDirty', BigInt(slot.dirty ?? 0), index);
  machine.set32('slotGeneration', machine.get32('slotGeneration') + 1);
}

/** Puts a hart in the state that the CSR table gives as reset, in M-mode. */
export function powerOn(state: HartState, pc: bigint): void {
  state.set('mstatus', csrByName.mstatus.reset);
  state.set('misa', csrByName.misa.reset);
  state.set('mhartid', BigInt(state.id));
  state.set('mtimecmp', 0xffff_ffff_ffff_ffffn);
  state.set('stimecmp', 0xffff_ffff_ffff_ffffn);
  state.set32('priv', Priv.M);
  state.set('pc', pc);
}

/** One hart with its memory. */
export class Rig {
  readonly buffer: SharedArrayBuffer;
  readonly clock = new ManualClock();
  readonly mtime: GuestClock;
  readonly engine: CpuEngine;
  readonly hart: Hart;
  readonly state: HartState;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Labels of the program that `load` assembled last. */
  symbols: ReadonlyMap<string, bigint> = new Map();

  constructor(make: MakeEngine, options: RigOptions = {}) {
    this.buffer = options.buffer ?? makeMemory(options.ramBytes);
    this.mtime = new GuestClock(this.buffer, this.clock);
    this.engine = make({ buffer: this.buffer, clock: this.clock });
    this.hart = this.engine.createHart(0);
    this.state = this.hart.state;
    this.bytes = new Uint8Array(this.buffer, sharedMap.ram);
    this.view = new DataView(this.buffer, sharedMap.ram);
    if (options.buffer === undefined) powerOn(this.state, BigInt(RAM_GPA));
  }

  /** Assembles a program into RAM. `at`: its guest physical address; the symbols assume it runs there. */
  load(source: string, at: bigint = BigInt(RAM_GPA), symbols: Readonly<Record<string, bigint | number>> = {}): this {
    const program = assemble(source, { base: at, symbols });
    this.symbols = program.symbols;
    this.bytes.set(program.bytes, Number(at) - RAM_GPA);
    return this;
  }

  /** Value of a label. */
  label(name: string): bigint {
    const value = this.symbols.get(name);
    if (value === undefined) throw new Error(`no label '${name}'`);
    return value;
  }

  /** Runs until EBREAK in the guest reaches a stop, or fails after `budget` instructions. */
  untilEbreak(budget = 100_000): this {
    this.state.set32('hartConfig', this.state.get32('hartConfig') | 2);
    const stop = this.hart.run(budget);
    if (stop !== Stop.Debug) {
      const pc = this.state.get('pc').toString(16);
      const cause = this.state.get('mcause').toString(16);
      throw new Error(`stop ${stop} instead of ebreak; pc ${pc}, mcause ${cause} ${this.hart.faultDetail}`);
    }
    return this;
  }

  /** Loads, runs to ebreak. */
  program(source: string, budget?: number): this {
    this.load(source);
    this.state.set('pc', BigInt(RAM_GPA));
    this.hart.invalidate();
    return this.untilEbreak(budget);
  }

  /** An integer register, unsigned. */
  x(name: string): bigint {
    const index = abiNames.indexOf(name);
    if (index < 0) throw new Error(`no register '${name}'`);
    return this.state.get('x', index);
  }

  setX(name: string, value: bigint): this {
    this.state.set('x', value, abiNames.indexOf(name));
    return this;
  }

  get(field: HartField, index = 0): bigint {
    return this.state.get(field, index);
  }
}
