export { Exception, Interrupt, interruptPriority, Priv } from './causes.ts';
export type { DecodedInsn, Extension } from './insn.ts';
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
