import { PeripheralType, ScsiOp, ScsiStatus, type Sense, Senses, senseData } from './spec.ts';

/** The data phases of one command: what the initiator has sent and what it has room for. */
export interface ScsiData {
  /** Bytes that the initiator sends. */
  readonly outBytes: number;
  /** Bytes that the initiator takes. */
  readonly inBytes: number;
  /** Fills `into` from byte `at` of what was sent; false: the initiator is gone. Within `outBytes`. */
  take(at: number, into: Uint8Array): boolean;
  /** Writes `from` at byte `at` of the initiator's room; false: it is gone. Within `inBytes`. */
  give(at: number, from: Uint8Array): boolean;
}

/** How a command ended. */
export interface ScsiResult {
  readonly status: number;
  /** With CHECK CONDITION: sense data. */
  readonly sense: Uint8Array;
  /** Bytes that were transferred, whichever way. */
  readonly transferred: number;
  /** The command was to transfer more than the initiator's buffers hold. */
  readonly overrun: boolean;
}

const NO_SENSE = new Uint8Array(0);

/** A command that ended well after `transferred` bytes. */
export function good(transferred = 0): ScsiResult {
  return { status: ScsiStatus.GOOD, sense: NO_SENSE, transferred, overrun: false };
}

/** A command that ended with sense data. */
export function check(sense: Sense): ScsiResult {
  return { status: ScsiStatus.CHECK_CONDITION, sense: senseData(sense), transferred: 0, overrun: false };
}

/** A command that the initiator has not lent enough memory for. */
export function overrun(): ScsiResult {
  return { status: ScsiStatus.GOOD, sense: NO_SENSE, transferred: 0, overrun: true };
}

/** Sends `data`, as much as the allocation length and the initiator's room allow. */
export function answer(data: ScsiData, bytes: Uint8Array, allocation: number): ScsiResult {
  const length = Math.min(bytes.length, allocation, data.inBytes);
  data.give(0, bytes.subarray(0, length));
  return good(length);
}

/** A command descriptor block, its fields big-endian. */
export class Cdb {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  /** @param bytes 16 at least: shorter commands are padded with zeroes */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get op(): number {
    return this.bytes[0];
  }

  u8(at: number): number {
    return this.bytes[at];
  }

  u16(at: number): number {
    return this.#view.getUint16(at);
  }

  u32(at: number): number {
    return this.#view.getUint32(at);
  }

  /** Exact up to 2^53, and beyond every disk above it. */
  u64(at: number): number {
    return Number(this.#view.getBigUint64(at));
  }
}

/** Something to be told of: the initiator that should look at a unit again. */
export type UnitNotice = 'capacity' | 'medium';

/**
 * What all logical units have in common (SPC-4): unit attentions, sense data, and who is told of changes. Commands of
 * one unit may run side by side.
 */
export abstract class ScsiUnit {
  /** Conditions that the next commands are answered with (SAM-5 5.14), one of a kind. */
  readonly #attentions: Sense[] = [Senses.RESET];
  #notify: (notice: UnitNotice) => void = () => {};

  /** Peripheral device type. */
  abstract readonly type: number;

  /** Whether the command changes what is stored: a synchronization waits for those before it. */
  abstract changes(cdb: Cdb): boolean;

  /** Carries out a command for which no unit attention is in the way. Rejects when the host fails. */
  protected abstract perform(cdb: Cdb, data: ScsiData): Promise<ScsiResult>;

  /** Answer to INQUIRY. */
  protected abstract inquire(cdb: Cdb, data: ScsiData): ScsiResult;

  /** Releases the host's resources. */
  abstract close(): Promise<void>;

  /** Calls back when an initiator should be told of a change. */
  onNotice(callback: (notice: UnitNotice) => void): void {
    this.#notify = callback;
  }

  /** Carries out a command. Rejects when the host fails. */
  async execute(cdb: Cdb, data: ScsiData): Promise<ScsiResult> {
    switch (cdb.op) {
      // SAM-5 5.14: INQUIRY and REPORT LUNS do not care for unit attentions, REQUEST SENSE reports them.
      case ScsiOp.INQUIRY:
        return this.inquire(cdb, data);
      case ScsiOp.REQUEST_SENSE:
        return requestSense(cdb, data, this.#attentions.shift() ?? Senses.NONE);
      case ScsiOp.GET_EVENT_STATUS_NOTIFICATION:
        return this.perform(cdb, data);
    }
    const attention = this.#attentions.shift();
    return attention === undefined ? this.perform(cdb, data) : check(attention);
  }

  /** A reset of the unit: its attention conditions are gone but for that of the reset. */
  reset(): void {
    this.#attentions.length = 0;
    this.#attentions.push(Senses.RESET);
  }

  /** Establishes a unit attention condition and tells the initiator. */
  protected attend(sense: Sense, notice: UnitNotice): void {
    if (!this.#attentions.includes(sense)) this.#attentions.push(sense);
    this.#notify(notice);
  }
}

/** REQUEST SENSE (SPC-4 6.39): sense data as parameter data. */
export function requestSense(cdb: Cdb, data: ScsiData, sense: Sense): ScsiResult {
  // Descriptor format is not implemented.
  if ((cdb.u8(1) & 1) !== 0) return check(Senses.INVALID_FIELD_IN_CDB);
  return answer(data, senseData(sense), cdb.u8(4));
}

/** A logical unit that is not there, of a target that is (SPC-4 6.4.1, 6.33). */
export function absentUnit(cdb: Cdb, data: ScsiData): ScsiResult {
  switch (cdb.op) {
    case ScsiOp.INQUIRY: {
      const evpd = (cdb.u8(1) & 1) !== 0;
      if (evpd || cdb.u8(2) !== 0) return check(Senses.INVALID_FIELD_IN_CDB);
      const bytes = new Uint8Array(36);
      bytes[0] = PeripheralType.NONE;
      bytes[2] = SPC_3;
      bytes[3] = RESPONSE_FORMAT;
      bytes[4] = bytes.length - 5;
      return answer(data, bytes, cdb.u16(3));
    }
    case ScsiOp.REQUEST_SENSE:
      return requestSense(cdb, data, Senses.LUN_NOT_SUPPORTED);
    default:
      return check(Senses.LUN_NOT_SUPPORTED);
  }
}

/** Version of the commands in INQUIRY. */
export const SPC_3 = 5;

/** Response data format of INQUIRY, with hierarchical LUNs. */
export const RESPONSE_FORMAT = 0x12;

/** REPORT LUNS (SPC-4 6.33): the target's units, by number. */
export function reportLuns(cdb: Cdb, data: ScsiData, luns: readonly number[]): ScsiResult {
  // 2: well-known logical units, of which there are none; 1: those only.
  if (cdb.u8(2) > 2 || cdb.u32(6) < 16) return check(Senses.INVALID_FIELD_IN_CDB);
  const listed = cdb.u8(2) === 1 ? [] : [...luns].sort((a, b) => a - b);
  const bytes = new Uint8Array(8 + 8 * listed.length);
  new DataView(bytes.buffer).setUint32(0, 8 * listed.length);
  listed.forEach((lun, i) => {
    // SAM-5 4.7: up to 255 in the peripheral format, above it in the flat one.
    bytes[8 + 8 * i] = lun < 256 ? 0 : 0x40 | (lun >> 8);
    bytes[9 + 8 * i] = lun & 0xff;
  });
  return answer(data, bytes, cdb.u32(6));
}
