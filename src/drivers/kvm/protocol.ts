import type { EngineKind } from '../../cpu/index.ts';
import type { SharedMemory } from '../../hypervisor/index.ts';
import type { BoardConfig } from '../../machine/index.ts';

/** What a vCPU thread starts with. Everything after that goes through the shared memory. */
export interface VcpuThreadData {
  readonly shared: SharedMemory;
  readonly id: number;
  readonly backend: EngineKind;
  readonly board: BoardConfig;
  /** Supervisor calls are served by the built-in firmware. */
  readonly builtinFirmware: boolean;
  /** Addresses of a test program's host interface, served by vCPU 0. */
  readonly htif: { readonly tohost: number; readonly fromhost: number | undefined } | undefined;
}

/** What a vCPU thread tells the machine's main thread. */
export type VcpuThreadMessage =
  /** It is up; `tid`: its thread id where the host tells. */
  | { readonly type: 'online'; readonly tid: number | undefined }
  | { readonly type: 'debug' }
  | { readonly type: 'fault'; readonly detail: string }
  | { readonly type: 'exit'; readonly code: number };
