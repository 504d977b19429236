export { type Assembled, type AssembleOptions, assemble } from './asm/assembler.ts';
export { AssemblerError } from './asm/errors.ts';
export { Exception, Interrupt, interruptPriority, Priv } from './causes.ts';
export { type CsrName, csrByName, csrByNumber, csrs } from './csr.ts';
export { type Csr, type CsrField, type CsrGate, type CsrStorage, legalize, type WriteRule } from './csr-def.ts';
export { decode, encode, type Operands } from './decode.ts';
export { disassemble } from './disassemble.ts';
export { type CompressedName, compressedInsns } from './extensions/rv64c.ts';
export { fliConstants } from './extensions/zfa.ts';
export type { DecodedInsn, Extension, Insn, MemoryAccess, RegisterUse } from './insn.ts';
export { CACHE_BLOCK_BYTES, isaExtensions, isaString, misaValue } from './isa-string.ts';
export type { ItemClass, Weights } from './random/choices.ts';
export { SCRATCH_BYTES } from './random/operands.ts';
export {
  enableFloat,
  type ProgramItem,
  programSource,
  type RandomProgram,
  type RandomProgramOptions,
  randomProgram,
  type SourceOptions,
} from './random/random-program.ts';
export { shrink } from './random/shrink.ts';
export * from './sbi.ts';
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
export * from './virtio-ids.ts';
