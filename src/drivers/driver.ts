import type { Duplex } from 'node:stream';
import type { EngineKind } from '../cpu/index.ts';
import type { CharBackend, FlashStore, MachineConfig, VirtioDevice } from '../machine/index.ts';
import type { Emitter, Logger, RandomSource } from '../util/index.ts';
import type { DiskControl, DiskFailure } from './disk-control.ts';

/** Where a guest is in its life. */
export type GuestState = 'created' | 'running' | 'paused' | 'ended';

/** How a guest ended. */
export interface ExitStatus {
  /**
   * `poweroff`: the guest switched off. `reset`: it asked for a restart and `onReset` is `exit`. `fail`: it switched off
   * with a failure code. `exit`: a program ended with its own code (HTIF). `destroyed`: by `destroy()`. `crashed`: a
   * fault of the host's.
   */
  readonly reason: 'poweroff' | 'reset' | 'fail' | 'exit' | 'destroyed' | 'crashed';
  /** The guest's code for `fail` and `exit`; 0 for the other orderly ends, 1 for `crashed`. */
  readonly code: number;
  /** One sentence for people. */
  readonly detail: string;
}

/** Events of a guest and their arguments. */
export interface GuestEvents {
  started: [];
  /** `ioError`: a disk's policy for errors stopped it; it tries again when it is resumed. */
  paused: [reason: PauseReason];
  resumed: [];
  /** The guest restarted, at its own or the host's wish. */
  reset: [];
  /** A vCPU stopped at a step or breakpoint; the machine is paused. */
  debug: [vcpu: number];
  /** A request of a disk failed on the host. With the action `stop` the guest is about to be paused. */
  ioError: [failure: DiskFailure];
  /** The guest or its owner has opened or closed the tray of a drive. */
  trayMoved: [drive: string, open: boolean];
  ended: [status: ExitStatus];
}

/** Why a guest was paused. */
export type PauseReason = 'user' | 'ioError';

/** Kinds of exits that are counted. */
export type ExitKind = 'budget' | 'mmio' | 'sbi' | 'wfi' | 'kicked' | 'debug' | 'fault';

/** Numbers of one vCPU since the start. */
export interface VcpuStats {
  readonly id: number;
  readonly instructions: bigint;
  /** Host CPU time in seconds. */
  readonly cpuSeconds: number;
  /** The host's id of the thread that runs it, where there is one and the host tells. */
  readonly threadId?: number;
  /** Where `cpuSeconds` comes from: the host's account of the thread, or the time between two sleeps. */
  readonly cpuSource: 'thread' | 'loop';
  readonly exits: Readonly<Record<ExitKind, bigint>>;
}

/** Numbers of a guest since the start. */
export interface GuestStats {
  readonly backend: EngineKind;
  /** Seconds of wall-clock time in state `running`. */
  readonly wallSeconds: number;
  /** The guest's own time in ticks, and how many there are a second. */
  readonly mtime: bigint;
  readonly timebaseHz: number;
  readonly vcpus: readonly VcpuStats[];
}

/** A machine, from the outside. Methods may be called at any time: they queue up. */
export interface Guest {
  readonly config: MachineConfig;
  readonly state: GuestState;
  /** Why it is paused, if it is. */
  readonly pausedBy: PauseReason | undefined;
  readonly events: Emitter<GuestEvents>;
  /**
   * The serial port as a stream. As with a child process, a guest with much to say waits for its reader: `resume()` it
   * if nobody will read. Throws OPERATION_INVALID if the port is connected to something else.
   */
  readonly console: Duplex;
  /** Powers on. */
  start(): Promise<void>;
  /** Stops all vCPUs and the guest's clock; resolves once they stand. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** The reset button: devices and vCPUs start anew and the images are loaded again; other RAM keeps its contents. */
  reset(): Promise<void>;
  /**
   * Asks the guest to switch off or restart, and resolves when it has been asked; whether it follows is its own affair.
   * The board has no power button: the wish goes over the serial port as Linux' Magic SysRq, a break and a key, for
   * sync, remount read-only, power off or restart. A guest without SysRq there takes it for input.
   */
  press(wish: 'poweroff' | 'reboot'): Promise<void>;
  /** Pulls the plug; disks are closed when it resolves. Harmless when the guest has ended. */
  destroy(): Promise<void>;
  /** Resolves when the guest has ended, however. */
  wait(): Promise<ExitStatus>;
  stats(): GuestStats;
  /** What a RISC-V test left between begin_signature and end_signature. Throws INVALID_ARG if there is none. */
  signature(): string;
  /** The device tree as the guest gets it. */
  readonly dtb: Uint8Array;
}

/** What a driver makes a guest from. */
export interface GuestSpec {
  readonly config: MachineConfig;
  readonly backend: EngineKind;
  /** What the serial port is connected to; absent: a stream, `Guest.console`. */
  readonly serial?: CharBackend;
  /** What is in the virtio slots, in the order of `config.virtio`; closed with the guest. */
  readonly virtio: readonly VirtioDevice[];
  /** The disks among them, to be dealt with when their requests fail. */
  readonly disks?: readonly DiskControl[];
  /** Where the contents of flash banks are kept, by bank; closed with the guest. */
  readonly flash?: readonly (FlashStore | undefined)[];
  /** What the guest's wish to restart leads to; default `restart`. */
  readonly onReset?: 'restart' | 'exit';
  /** Where the machine's own randomness comes from (device tree); default: the host, or `config.seed`. */
  readonly random?: RandomSource;
  readonly logger?: Logger;
}

/** A way to run machines. */
export interface Driver {
  /** Name, as in a connection's URI. */
  readonly scheme: string;
  /** Makes a guest that has not started. Throws VirtError if the configuration cannot be. */
  create(spec: GuestSpec): Guest;
}
