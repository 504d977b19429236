/** Numbers of the SCSI host device, VIRTIO 1.2 section 5.6. */

/** Feature bits (5.6.3), as masks. */
export const VirtioScsiFeature = { HOTPLUG: 1n << 1n, CHANGE: 1n << 2n } as const;

/** Queues (5.6.2). */
export const ScsiQueue = { CONTROL: 0, EVENT: 1, REQUEST: 2 } as const;

/** Offsets in the configuration space (5.6.4), and its size. */
export const VirtioScsiConfig = {
  num_queues: 0,
  seg_max: 4,
  max_sectors: 8,
  cmd_per_lun: 12,
  event_info_size: 16,
  sense_size: 20,
  cdb_size: 24,
  max_channel: 28,
  max_target: 30,
  max_lun: 32,
  bytes: 36,
} as const;

/** What the driver may change them from (5.6.4.2), and to at most. */
export const ScsiSize = { sense: 96, cdb: 32, senseMax: 0xffff, cdbMax: 0xff } as const;

/** Bytes of a request before its CDB (5.6.6.1), and of its response before the sense data. */
export const REQUEST_HEADER_BYTES = 19;
export const RESPONSE_HEADER_BYTES = 12;

/** Values of a response (5.6.6.1.1, 5.6.6.2). */
export const ScsiResponse = {
  OK: 0,
  OVERRUN: 1,
  ABORTED: 2,
  BAD_TARGET: 3,
  RESET: 4,
  FAILURE: 9,
  FUNCTION_SUCCEEDED: 10,
  FUNCTION_REJECTED: 11,
  INCORRECT_LUN: 12,
} as const;
export type ScsiResponse = (typeof ScsiResponse)[keyof typeof ScsiResponse];

/** Task attributes (5.6.6.1). */
export const TaskAttribute = { SIMPLE: 0, ORDERED: 1, HEAD: 2 } as const;

/** Types of control requests (5.6.6.2). */
export const ControlType = { TMF: 0, AN_QUERY: 1, AN_SUBSCRIBE: 2 } as const;

/** Task management functions. */
export const Tmf = {
  ABORT_TASK: 0,
  ABORT_TASK_SET: 1,
  CLEAR_ACA: 2,
  CLEAR_TASK_SET: 3,
  I_T_NEXUS_RESET: 4,
  LOGICAL_UNIT_RESET: 5,
  QUERY_TASK: 6,
  QUERY_TASK_SET: 7,
} as const;

/** Bytes of control requests and of their responses. */
export const CONTROL_BYTES = { tmf: 24, tmfResponse: 1, notification: 16, notificationResponse: 5 } as const;

/** Events (5.6.6.3). */
export const ScsiEvent = { NO_EVENT: 0, TRANSPORT_RESET: 1, PARAM_CHANGE: 3, MISSED: 0x8000_0000 } as const;

/** Reasons of a transport reset event. */
export const ResetReason = { HARD: 0, RESCAN: 1, REMOVED: 2 } as const;

/** Bytes of an event. */
export const EVENT_BYTES = 16;

/** Highest numbers of targets and of their logical units (5.6.6.1). */
export const TARGET_MAX = 255;
export const LUN_MAX = 16_383;
