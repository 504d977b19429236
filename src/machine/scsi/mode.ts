import { ModePage, ScsiOp, Senses } from './spec.ts';
import { answer, type Cdb, check, type ScsiData, type ScsiResult } from './unit.ts';

/** What a unit's MODE SENSE tells. */
export interface ModeData {
  /** Device-specific parameter of the header. */
  readonly deviceSpecific: number;
  /** Block descriptor, empty for none. */
  readonly blockDescriptor: Uint8Array;
  /** Current values by page code, without the two bytes of header. */
  readonly pages: ReadonlyMap<number, Uint8Array>;
}

/** Page controls (SPC-4 6.11.1). */
const PageControl = { CURRENT: 0, CHANGEABLE: 1, DEFAULT: 2, SAVED: 3 } as const;

/** SAVING PARAMETERS NOT SUPPORTED. */
const NO_SAVED_VALUES = { key: 0x5, asc: 0x39, ascq: 0x00 } as const;

/** A block descriptor of the short form (SPC-4 7.5.5.1): a number of blocks, and their length. */
export function blockDescriptor(blocks: number, blockBytes: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(0, Math.min(blocks, 0xff_ffff));
  view.setUint32(4, blockBytes);
  return new Uint8Array(view.buffer);
}

/** MODE SENSE(6) and (10) (SPC-4 6.11, 6.12). No page can be changed: there is no MODE SELECT. */
export function modeSense(mode: ModeData, cdb: Cdb, data: ScsiData): ScsiResult {
  const long = cdb.op === ScsiOp.MODE_SENSE_10;
  const code = cdb.u8(2) & 0x3f;
  const control = cdb.u8(2) >> 6;
  if (control === PageControl.SAVED) return check(NO_SAVED_VALUES);
  // No page has subpages.
  if (cdb.u8(3) !== 0 && !(code === ModePage.ALL && cdb.u8(3) === 0xff)) return check(Senses.INVALID_FIELD_IN_CDB);
  const wanted = [...mode.pages].filter(([page]) => code === ModePage.ALL || code === page);
  if (wanted.length === 0) return check(Senses.INVALID_FIELD_IN_CDB);
  const pages = wanted.flatMap(([page, content]) => {
    const values = control === PageControl.CHANGEABLE ? new Uint8Array(content.length) : content;
    return [page, content.length, ...values];
  });
  const descriptor = (cdb.u8(1) & 8) !== 0 ? new Uint8Array(0) : mode.blockDescriptor;
  const header = long ? new Uint8Array(8) : new Uint8Array(4);
  const bytes = Uint8Array.of(...header, ...descriptor, ...pages);
  const view = new DataView(bytes.buffer);
  if (long) {
    view.setUint16(0, bytes.length - 2);
    bytes[3] = mode.deviceSpecific;
    view.setUint16(6, descriptor.length);
    return answer(data, bytes, cdb.u16(7));
  }
  bytes[0] = bytes.length - 1;
  bytes[2] = mode.deviceSpecific;
  bytes[3] = descriptor.length;
  return answer(data, bytes, cdb.u8(4));
}
