/** Numbers of the RISC-V Supervisor Binary Interface, version 2.0. */

/** SBI version as BASE's get_spec_version tells it: major in bits 30:24, minor below. */
export const SBI_SPEC_VERSION = 0x0200_0000;

/** Extension ids (a7). Legacy ones (chapter 5) are the numbers 0 … 8. */
export const SbiExt = {
  LEGACY_SET_TIMER: 0x00,
  LEGACY_CONSOLE_PUTCHAR: 0x01,
  LEGACY_CONSOLE_GETCHAR: 0x02,
  LEGACY_CLEAR_IPI: 0x03,
  LEGACY_SEND_IPI: 0x04,
  LEGACY_REMOTE_FENCE_I: 0x05,
  LEGACY_REMOTE_SFENCE_VMA: 0x06,
  LEGACY_REMOTE_SFENCE_VMA_ASID: 0x07,
  LEGACY_SHUTDOWN: 0x08,
  BASE: 0x10,
  TIME: 0x5449_4d45,
  IPI: 0x0073_5049,
  RFENCE: 0x5246_4e43,
  HSM: 0x0048_534d,
  SRST: 0x5352_5354,
  PMU: 0x0050_4d55,
  DBCN: 0x4442_434e,
  SUSP: 0x5355_5350,
  CPPC: 0x4350_5043,
  NACL: 0x4e41_434c,
  STA: 0x0053_5441,
} as const;
export type SbiExt = (typeof SbiExt)[keyof typeof SbiExt];

/** Error codes (a0 of the answer, chapter 3). */
export const SbiError = {
  SUCCESS: 0,
  FAILED: -1,
  NOT_SUPPORTED: -2,
  INVALID_PARAM: -3,
  DENIED: -4,
  INVALID_ADDRESS: -5,
  ALREADY_AVAILABLE: -6,
  ALREADY_STARTED: -7,
  ALREADY_STOPPED: -8,
  NO_SHMEM: -9,
} as const;
export type SbiError = (typeof SbiError)[keyof typeof SbiError];

/** Function ids (a6) by extension. */
export const SbiFn = {
  BASE: {
    GET_SPEC_VERSION: 0,
    GET_IMPL_ID: 1,
    GET_IMPL_VERSION: 2,
    PROBE_EXTENSION: 3,
    GET_MVENDORID: 4,
    GET_MARCHID: 5,
    GET_MIMPID: 6,
  },
  TIME: { SET_TIMER: 0 },
  IPI: { SEND_IPI: 0 },
  RFENCE: {
    REMOTE_FENCE_I: 0,
    REMOTE_SFENCE_VMA: 1,
    REMOTE_SFENCE_VMA_ASID: 2,
    REMOTE_HFENCE_GVMA_VMID: 3,
    REMOTE_HFENCE_GVMA: 4,
    REMOTE_HFENCE_VVMA_ASID: 5,
    REMOTE_HFENCE_VVMA: 6,
  },
  HSM: { HART_START: 0, HART_STOP: 1, HART_GET_STATUS: 2, HART_SUSPEND: 3 },
  SRST: { SYSTEM_RESET: 0 },
  PMU: {
    NUM_COUNTERS: 0,
    COUNTER_GET_INFO: 1,
    COUNTER_CONFIG_MATCHING: 2,
    COUNTER_START: 3,
    COUNTER_STOP: 4,
    COUNTER_FW_READ: 5,
    COUNTER_FW_READ_HI: 6,
    SNAPSHOT_SET_SHMEM: 7,
  },
  DBCN: { CONSOLE_WRITE: 0, CONSOLE_READ: 1, CONSOLE_WRITE_BYTE: 2 },
  SUSP: { SYSTEM_SUSPEND: 0 },
} as const;

/** Hart states (9.3), also in the state block's hartStatus. */
export const HsmState = {
  STARTED: 0,
  STOPPED: 1,
  START_PENDING: 2,
  STOP_PENDING: 3,
  SUSPENDED: 4,
  SUSPEND_PENDING: 5,
  RESUME_PENDING: 6,
} as const;
export type HsmState = (typeof HsmState)[keyof typeof HsmState];

/** Types for hart_suspend (9.4); other values below the platform ranges are reserved. */
export const HsmSuspendType = {
  DEFAULT_RETENTIVE: 0x0000_0000,
  PLATFORM_RETENTIVE: 0x1000_0000,
  DEFAULT_NON_RETENTIVE: 0x8000_0000,
  PLATFORM_NON_RETENTIVE: 0x9000_0000,
} as const;

/** Types for system_reset (10.1). */
export const SrstType = { SHUTDOWN: 0, COLD_REBOOT: 1, WARM_REBOOT: 2 } as const;

/** Reasons for system_reset (10.1). */
export const SrstReason = { NONE: 0, SYSTEM_FAILURE: 1 } as const;

/** Sleep types for system_suspend (13.1). */
export const SuspSleepType = { SUSPEND_TO_RAM: 0 } as const;

/** Bit 63 of counter_get_info's answer: a firmware counter (11.6). */
export const PMU_INFO_FIRMWARE = 1n << 63n;

/** Flags of counter_config_matching (11.7). */
export const PmuConfigFlag = {
  SKIP_MATCH: 1 << 0,
  CLEAR_VALUE: 1 << 1,
  AUTO_START: 1 << 2,
  SET_VUINH: 1 << 3,
  SET_VSINH: 1 << 4,
  SET_UINH: 1 << 5,
  SET_SINH: 1 << 6,
  SET_MINH: 1 << 7,
} as const;

/** Flags of counter_start (11.8). */
export const PmuStartFlag = { SET_INIT_VALUE: 1 << 0, INIT_SNAPSHOT: 1 << 1 } as const;

/** Flags of counter_stop (11.9). */
export const PmuStopFlag = { RESET: 1 << 0, TAKE_SNAPSHOT: 1 << 1 } as const;

/** Events that the firmware itself counts: event_idx bits 15:0 (11.4). */
export const PmuFirmwareEvent = {
  MISALIGNED_LOAD: 0,
  MISALIGNED_STORE: 1,
  ACCESS_LOAD: 2,
  ACCESS_STORE: 3,
  ILLEGAL_INSN: 4,
  SET_TIMER: 5,
  IPI_SENT: 6,
  IPI_RECEIVED: 7,
  FENCE_I_SENT: 8,
  FENCE_I_RECEIVED: 9,
  SFENCE_VMA_SENT: 10,
  SFENCE_VMA_RECEIVED: 11,
  SFENCE_VMA_ASID_SENT: 12,
  SFENCE_VMA_ASID_RECEIVED: 13,
} as const;
export type PmuFirmwareEvent = (typeof PmuFirmwareEvent)[keyof typeof PmuFirmwareEvent];

/** Event types: event_idx bits 19:16 (11.1 … 11.4). */
export const PmuEventType = { HARDWARE: 0, HARDWARE_CACHE: 1, HARDWARE_RAW: 2, FIRMWARE: 15 } as const;

/** General hardware events: event_idx bits 15:0 (11.1). */
export const PmuHardwareEvent = {
  NO_EVENT: 0,
  CPU_CYCLES: 1,
  INSTRUCTIONS: 2,
  CACHE_REFERENCES: 3,
  CACHE_MISSES: 4,
  BRANCH_INSTRUCTIONS: 5,
  BRANCH_MISSES: 6,
  BUS_CYCLES: 7,
  STALLED_CYCLES_FRONTEND: 8,
  STALLED_CYCLES_BACKEND: 9,
  REF_CPU_CYCLES: 10,
} as const;
