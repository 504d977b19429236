/** Numbers of SCSI: SPC-4 (primary commands), SBC-3 (disks) and MMC-5 (CD and DVD). */

/** Operation codes (SPC-4 annex F). */
export const ScsiOp = {
  TEST_UNIT_READY: 0x00,
  REQUEST_SENSE: 0x03,
  READ_6: 0x08,
  WRITE_6: 0x0a,
  INQUIRY: 0x12,
  MODE_SENSE_6: 0x1a,
  START_STOP_UNIT: 0x1b,
  PREVENT_ALLOW_MEDIUM_REMOVAL: 0x1e,
  READ_CAPACITY_10: 0x25,
  READ_10: 0x28,
  WRITE_10: 0x2a,
  VERIFY_10: 0x2f,
  SYNCHRONIZE_CACHE_10: 0x35,
  WRITE_SAME_10: 0x41,
  UNMAP: 0x42,
  READ_TOC: 0x43,
  GET_CONFIGURATION: 0x46,
  GET_EVENT_STATUS_NOTIFICATION: 0x4a,
  READ_DISC_INFORMATION: 0x51,
  MODE_SENSE_10: 0x5a,
  READ_16: 0x88,
  WRITE_16: 0x8a,
  VERIFY_16: 0x8f,
  SYNCHRONIZE_CACHE_16: 0x91,
  WRITE_SAME_16: 0x93,
  SERVICE_ACTION_IN_16: 0x9e,
  REPORT_LUNS: 0xa0,
  READ_12: 0xa8,
  WRITE_12: 0xaa,
  MECHANISM_STATUS: 0xbd,
} as const;

/** Service action of SERVICE ACTION IN(16) that reads the capacity (SBC-3 5.16). */
export const READ_CAPACITY_16 = 0x10;

/** Status codes (SAM-5 5.3.1). */
export const ScsiStatus = { GOOD: 0x00, CHECK_CONDITION: 0x02, TASK_SET_FULL: 0x28 } as const;

/** Pages of vital product data (SPC-4 7.8, SBC-3 6.5). */
export const VpdPage = {
  SUPPORTED: 0x00,
  SERIAL: 0x80,
  IDENTIFICATION: 0x83,
  BLOCK_LIMITS: 0xb0,
  BLOCK_CHARACTERISTICS: 0xb1,
  PROVISIONING: 0xb2,
} as const;

/** Mode pages (SBC-3 6.4, MMC-5 7). */
export const ModePage = { ERROR_RECOVERY: 0x01, CACHING: 0x08, CAPABILITIES: 0x2a, ALL: 0x3f } as const;

/** Peripheral device types (SPC-4 6.4.2); `NONE` with its qualifier is a logical unit that is not there. */
export const PeripheralType = { DISK: 0x00, CD_DVD: 0x05, NONE: 0x7f } as const;

/** A sense key with its additional sense code and qualifier (SPC-4 4.5). */
export interface Sense {
  readonly key: number;
  readonly asc: number;
  readonly ascq: number;
}

const sense = (key: number, asc: number, ascq: number): Sense => ({ key, asc, ascq });

/** What a command may end with beside GOOD. */
export const Senses = {
  NONE: sense(0x0, 0x00, 0x00),
  NO_MEDIUM_CLOSED: sense(0x2, 0x3a, 0x01),
  NO_MEDIUM_OPEN: sense(0x2, 0x3a, 0x02),
  READ_ERROR: sense(0x3, 0x11, 0x00),
  WRITE_ERROR: sense(0x3, 0x0c, 0x00),
  INVALID_OPCODE: sense(0x5, 0x20, 0x00),
  LBA_OUT_OF_RANGE: sense(0x5, 0x21, 0x00),
  INVALID_FIELD_IN_CDB: sense(0x5, 0x24, 0x00),
  LUN_NOT_SUPPORTED: sense(0x5, 0x25, 0x00),
  INVALID_FIELD_IN_PARAMETERS: sense(0x5, 0x26, 0x00),
  PARAMETER_LIST_LENGTH: sense(0x5, 0x1a, 0x00),
  REMOVAL_PREVENTED: sense(0x5, 0x53, 0x02),
  MEDIUM_CHANGED: sense(0x6, 0x28, 0x00),
  RESET: sense(0x6, 0x29, 0x00),
  CAPACITY_CHANGED: sense(0x6, 0x2a, 0x09),
  WRITE_PROTECTED: sense(0x7, 0x27, 0x00),
} as const satisfies Record<string, Sense>;

/** Length of the sense data that units here give. */
export const SENSE_BYTES = 18;

/** Sense data in the fixed format (SPC-4 4.5.3): a current error. */
export function senseData({ key, asc, ascq }: Sense): Uint8Array {
  const bytes = new Uint8Array(SENSE_BYTES);
  bytes[0] = 0x70;
  bytes[2] = key;
  bytes[7] = SENSE_BYTES - 8;
  bytes[12] = asc;
  bytes[13] = ascq;
  return bytes;
}
