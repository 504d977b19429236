export type { VcpuExit } from './exit.ts';
export { GuestMemory, GuestMemoryError } from './guest-memory.ts';
export { findRegister, type RegisterDef, registers } from './regs.ts';
export { delegateToSupervisor, resetHart } from './reset.ts';
export { createSharedMemory, RAM_BYTES_MAX, type SharedMemory } from './shared-memory.ts';
export type { MemorySlot } from './slots.ts';
export { type GuestDebug, restoreHart, saveHart, Vcpu, type VcpuState } from './vcpu.ts';
export { type Capability, Vm, type VmConfig } from './vm.ts';
