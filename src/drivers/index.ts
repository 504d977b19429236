export {
  createMachine,
  type FileSource,
  type MachineHandle,
  type MachineOptions,
  parseSize,
  pickBackend,
} from './create-machine.ts';
export type { DiskControl, DiskFailure } from './disk-control.ts';
export {
  type DiskBus,
  type DiskCache,
  type DiskDiscard,
  type DiskOptions,
  type DiskSettings,
  diskBuses,
  diskCaches,
  diskDiscards,
  type FileDisk,
  openDiskFile,
} from './disk-options.ts';
export type {
  Driver,
  ExitKind,
  ExitStatus,
  Guest,
  GuestEvents,
  GuestSpec,
  GuestState,
  GuestStats,
  PauseReason,
  VcpuStats,
} from './driver.ts';
export { FakeGuest, type FakeGuestAct, fakeDriver } from './fake/index.ts';
export type { FlashOptions } from './flash-options.ts';
export { hostTimers } from './host-timers.ts';
export { kvmDriver } from './kvm/index.ts';
export { prepareVcpuThread } from './kvm/vcpu-thread.ts';
export {
  type ForwardOptions,
  type NetOptions,
  type NetworkOptions,
  type UserNetworkOptions,
  userNetOptions,
} from './net-options.ts';
export type { CdromHandle, CdromOptions, MediumOptions, ScsiPlace } from './scsi-options.ts';
export { type SteppedSpec, steppedDriver } from './stepped/index.ts';
export { INSTRUCTIONS_PER_TICK, SLICE, type SliceObserver } from './stepped/stepper.ts';
