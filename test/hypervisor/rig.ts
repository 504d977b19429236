/** Machines of one or more vCPUs without devices, for the hypervisor's contract. */
import { createEngine, type EngineKind } from '../../src/cpu/index.ts';
import {
  createSharedMemory,
  resetHart,
  type SharedMemory,
  type Vcpu,
  type VcpuExit,
  Vm,
} from '../../src/hypervisor/index.ts';
import { assemble, sharedMap } from '../../src/isa/index.ts';
import { ManualClock } from '../../src/util/index.ts';

export const RAM = 0x8000_0000;
export const RAM_BYTES = 2 ** 20;
/** An address without memory. */
export const DEVICE = 0x1000_0000;
/** More instructions than any program here needs. */
export const PLENTY = 1_000_000;

export interface Rig {
  readonly vm: Vm;
  readonly vcpu: Vcpu;
  readonly symbols: ReadonlyMap<string, bigint>;
}

function makeVm(harts = 1, shared: SharedMemory = createSharedMemory({ ramBytes: 2 * RAM_BYTES })): Vm {
  const clock = new ManualClock();
  const vm = Vm.create({ shared, clock, harts, timebaseHz: 10_000_000, clockMode: 'virtual' });
  vm.addSlot({ id: 0, gpa: RAM, bytes: RAM_BYTES, offset: sharedMap.ram, readOnly: false, logDirty: false });
  for (const hart of vm.harts) resetHart(hart);
  return vm;
}

/** A machine with one vCPU at the start of a program in M-mode. */
export function load(kind: EngineKind, source: string): Rig {
  const vm = makeVm();
  const { bytes, symbols } = assemble(source, { base: RAM });
  vm.memory.write(RAM, bytes);
  vm.harts[0].set('pc', BigInt(RAM));
  return { vm, vcpu: newVcpu(kind, vm), symbols };
}

/** A vCPU on an engine of its own. */
export function newVcpu(kind: EngineKind, vm: Vm, id = 0): Vcpu {
  return vm.createVcpu(id, createEngine(kind, { buffer: vm.shared.buffer, clock: new ManualClock() }));
}

/** A copy of the next exit; `budget` alone may also come early, when the hypervisor has answered something itself. */
export function next(vcpu: Vcpu): VcpuExit {
  const exit = vcpu.run(PLENTY);
  return { ...(exit.kind === 'budget' ? vcpu.run(PLENTY) : exit) };
}
