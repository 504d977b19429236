export { createEngine, type EngineInfo, usableEngines } from './create.ts';
export { type CpuEngine, type EngineConfig, type EngineKind, type Gpa, type Hart, Stop } from './engine.ts';
export { GuestClock } from './guest-clock.ts';
export { PendingInterrupts, timerDeadline } from './interrupts.ts';
export {
  type FileBlocks,
  type FileHoles,
  type FileLocks,
  fileBlocks,
  fileHoles,
  fileLocks,
  tapCalls,
} from './native/binding.ts';
export { NativeEngine, type NativeOptions, nativeProblem, nativeTranslates } from './native/index.ts';
export { type FdWatch, type TapCalls, TapFlag } from './native/tap-calls.ts';
export {
  type FenceKind,
  kick,
  raiseAttention,
  remoteFence,
  remoteFences,
  setInterruptLine,
  setPending,
} from './signals.ts';
export { HartState, hartWord, MachineState, machineWord } from './state.ts';
