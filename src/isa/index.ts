export { Exception, Interrupt, interruptPriority, Priv } from './causes.ts';
export { decode } from './decode.ts';
export { type CompressedName, compressedInsns } from './extensions/rv64c.ts';
export { fliConstants } from './extensions/zfa.ts';
export type { DecodedInsn, Extension, Insn, MemoryAccess, RegisterUse } from './insn.ts';
export {
  Attention,
  HARTS_MAX,
  HartConfig,
  type HartField,
  hartLayout,
  hartOffset,
  type MachineField,
  machineLayout,
  SLOTS,
  sharedMap,
} from './state-layout.ts';
export { type InsnName, insnByName, insns } from './table.ts';
