/**
 * nodevisor: virtual machines for Node.js.
 *
 * ```js
 * import { createMachine } from 'nodevisor';
 *
 * const machine = await createMachine({ kernel: 'Image', initrd: 'initramfs.cpio.gz', append: 'console=ttyS0' });
 * machine.console.pipe(process.stdout);
 * await machine.start();
 * console.log(await machine.wait());
 * ```
 */
export type { EngineKind } from './cpu/index.ts';
export { type EngineInfo, usableEngines } from './cpu/index.ts';
export {
  type CdromHandle,
  type CdromOptions,
  createMachine,
  type DiskCache,
  type DiskOptions,
  type DiskSettings,
  type Driver,
  type ExitKind,
  type ExitStatus,
  type FileSource,
  type FlashOptions,
  type ForwardOptions,
  type Guest,
  type GuestEvents,
  type GuestSpec,
  type GuestState,
  type GuestStats,
  kvmDriver,
  type MachineHandle,
  type MachineOptions,
  type NetOptions,
  type NetworkOptions,
  parseSize,
  steppedDriver,
  type UserNetworkOptions,
  type VcpuStats,
} from './drivers/index.ts';
export type {
  BlockBackend,
  CharBackend,
  Frame,
  Image,
  MachineConfig,
  NetBackend,
  NetPort,
  VirtioSlotConfig,
} from './machine/index.ts';
export {
  type DiskFormat,
  type DiskImage,
  FileBlock,
  MemBlock,
  type OpenDiskOptions,
  openDiskImage,
  StreamChar,
} from './machine/index.ts';
export {
  type Logger,
  type LogLevel,
  VirErrorDomain,
  type VirErrorDomainName,
  VirErrorLevel,
  type VirErrorName,
  VirErrorNumber,
  VirtError,
} from './util/index.ts';
export * from './virt/index.ts';
