export type { VcpuExit } from './exit.ts';
export { GuestMemory, GuestMemoryError } from './guest-memory.ts';
