import { Senses, VpdPage } from './spec.ts';
import { answer, type Cdb, check, RESPONSE_FORMAT, type ScsiData, type ScsiResult, SPC_3 } from './unit.ts';

/** What a unit tells of itself. */
export interface Identity {
  /** Peripheral device type. */
  readonly type: number;
  readonly removable: boolean;
  /** 16 characters at most. */
  readonly product: string;
  /** Empty: none, and no page of it. */
  readonly serial: string;
  /** Names the unit among those of its machine. */
  readonly name: string;
  /** Vital product data beside that which all units have, by page; without the header. */
  readonly pages: ReadonlyMap<number, Uint8Array>;
}

const VENDOR = 'NODEVISR';
const REVISION = '1.0';

/** Longest serial number that is told. */
const SERIAL_BYTES_MAX = 64;

function ascii(text: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length).fill(0x20);
  bytes.set(printable(text).subarray(0, length));
  return bytes;
}

/** SPC-4 4.3.1: ASCII fields hold codes 20h to 7Eh. */
function printable(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return code >= 0x20 && code <= 0x7e ? code : 0x3f;
  });
}

function page(type: number, code: number, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + content.length);
  bytes[0] = type;
  bytes[1] = code;
  new DataView(bytes.buffer).setUint16(2, content.length);
  bytes.set(content, 4);
  return bytes;
}

/** A designation descriptor (SPC-4 7.8.6.2): in ASCII, of the logical unit. */
function designator(type: number, text: Uint8Array): Uint8Array {
  return Uint8Array.of(2, type, 0, text.length, ...text);
}

function identification({ serial, name, product }: Identity): Uint8Array {
  // Type 1, T10 vendor identification, is unique as far as the serial number is; type 0 has the vendor's own meaning.
  const own = printable(serial === '' ? name : serial).subarray(0, SERIAL_BYTES_MAX);
  const t10 = Uint8Array.of(...ascii(VENDOR, 8), ...ascii(product, 16), ...own);
  return Uint8Array.of(...designator(0, own), ...designator(1, t10));
}

function standardData({ type, removable, product }: Identity): Uint8Array {
  const bytes = new Uint8Array(36);
  bytes[0] = type;
  bytes[1] = removable ? 0x80 : 0;
  bytes[2] = SPC_3;
  bytes[3] = RESPONSE_FORMAT;
  bytes[4] = bytes.length - 5;
  // CMDQUE: the full task management model.
  bytes[7] = 2;
  bytes.set(ascii(VENDOR, 8), 8);
  bytes.set(ascii(product, 16), 16);
  bytes.set(ascii(REVISION, 4), 32);
  return bytes;
}

/** INQUIRY (SPC-4 6.4): standard data, or a page of vital product data. */
export function inquiry(identity: Identity, cdb: Cdb, data: ScsiData): ScsiResult {
  const evpd = (cdb.u8(1) & 1) !== 0;
  const code = cdb.u8(2);
  const allocation = cdb.u16(3);
  if (!evpd) return code === 0 ? answer(data, standardData(identity), allocation) : check(Senses.INVALID_FIELD_IN_CDB);
  const content = vpdPage(identity, code);
  if (content === undefined) return check(Senses.INVALID_FIELD_IN_CDB);
  return answer(data, page(identity.type, code, content), allocation);
}

function vpdPage(identity: Identity, code: number): Uint8Array | undefined {
  const { serial, pages } = identity;
  switch (code) {
    case VpdPage.SUPPORTED: {
      const own = serial === '' ? [] : [VpdPage.SERIAL];
      return Uint8Array.of(VpdPage.SUPPORTED, ...own, VpdPage.IDENTIFICATION, ...pages.keys());
    }
    case VpdPage.SERIAL:
      return serial === '' ? undefined : printable(serial).subarray(0, SERIAL_BYTES_MAX);
    case VpdPage.IDENTIFICATION:
      return identification(identity);
    default:
      return pages.get(code);
  }
}
