import { Senses } from './spec.ts';
import { answer, type Cdb, check, type ScsiData, type ScsiResult } from './unit.ts';

/** Bytes of a block of a CD or DVD. */
export const CD_BLOCK_BYTES = 2048;

/** Profiles (MMC-5 5.3.1). */
const Profile = { NONE: 0x0000, CD_ROM: 0x0008, DVD_ROM: 0x0010 } as const;

/** Blocks of a CD at most: 80 minutes. What is larger is a DVD. */
const CD_BLOCKS_MAX = 80 * 60 * 75;

interface Feature {
  readonly code: number;
  readonly version: number;
  readonly persistent: boolean;
  readonly current: boolean;
  readonly data: readonly number[];
}

function features(blocks: number | undefined): Feature[] {
  const profile = profileOf(blocks);
  const loaded = blocks !== undefined;
  const listed = [Profile.DVD_ROM, Profile.CD_ROM].flatMap((one) => [0, one, one === profile ? 1 : 0, 0]);
  const always = { persistent: true, current: true };
  return [
    { code: 0x0000, version: 0, ...always, data: listed },
    // Core: SCSI, with the DBE bit that version 1 and up have.
    { code: 0x0001, version: 2, ...always, data: [0, 0, 0, 1, 1, 0, 0, 0] },
    // Removable medium: a tray, that can be opened and locked.
    { code: 0x0003, version: 1, ...always, data: [0x29, 0, 0, 0] },
    // Random readable: blocks of 2048 bytes, one by one.
    { code: 0x0010, version: 0, persistent: false, current: loaded, data: [0, 0, 8, 0, 0, 1, 0, 0] },
    { code: 0x001e, version: 2, persistent: false, current: profile === Profile.CD_ROM, data: [0, 0, 0, 0] },
    { code: 0x001f, version: 0, persistent: false, current: profile === Profile.DVD_ROM, data: [] },
  ];
}

function profileOf(blocks: number | undefined): number {
  if (blocks === undefined) return Profile.NONE;
  return blocks > CD_BLOCKS_MAX ? Profile.DVD_ROM : Profile.CD_ROM;
}

/** Which features GET CONFIGURATION asks for (MMC-5 6.6.2). */
const Requested = { ALL: 0, CURRENT: 1, ONE: 2 } as const;

/** GET CONFIGURATION (MMC-5 6.6) of a drive with a disc of `blocks` blocks, or none. */
export function getConfiguration(blocks: number | undefined, cdb: Cdb, data: ScsiData): ScsiResult {
  const wanted = cdb.u8(1) & 3;
  const from = cdb.u16(2);
  if (wanted > Requested.ONE) return check(Senses.INVALID_FIELD_IN_CDB);
  const told = features(blocks).filter(({ code, current }) => {
    if (wanted === Requested.ONE) return code === from;
    return code >= from && (wanted === Requested.ALL || current);
  });
  const content = told.flatMap(({ code, version, persistent, current, data: own }) => {
    const flags = (version << 2) | (persistent ? 2 : 0) | (current ? 1 : 0);
    return [code >> 8, code & 0xff, flags, own.length, ...own];
  });
  const bytes = Uint8Array.of(...new Uint8Array(8), ...content);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length - 4);
  view.setUint16(6, profileOf(blocks));
  return answer(data, bytes, cdb.u16(7));
}

/** READ DISC INFORMATION (MMC-5 6.22): a finished disc with one session and one track. */
export function readDiscInformation(cdb: Cdb, data: ScsiData): ScsiResult {
  if ((cdb.u8(1) & 7) !== 0) return check(Senses.INVALID_FIELD_IN_CDB);
  const bytes = new Uint8Array(34);
  // Length; complete session, finalized disc; first track, sessions, first and last track of the last; unrestricted use.
  bytes.set([0, 32, 0x0e, 1, 1, 1, 1, 0x20]);
  return answer(data, bytes, cdb.u16(7));
}

/** Content of the mode page of capabilities (MMC-3 6.3.11). */
export function capabilitiesPage(locked: boolean): Uint8Array {
  const view = new DataView(new ArrayBuffer(20));
  const speed = 50 * 176;
  // Reads CD-R, CD-RW, DVD-ROM and DVD-R; mode 2 and several sessions; a tray that locks and opens.
  view.setUint8(0, 0x1b);
  view.setUint8(2, 0x70);
  view.setUint8(4, 0x29 | (locked ? 2 : 0));
  view.setUint16(6, speed);
  view.setUint16(10, 2048);
  view.setUint16(12, speed);
  return new Uint8Array(view.buffer);
}

/** Events of class media (MMC-5 6.7.2.5). */
export const MediaEvent = { NONE: 0, EJECT_REQUEST: 1, NEW_MEDIA: 2, MEDIA_REMOVAL: 3 } as const;
export type MediaEvent = (typeof MediaEvent)[keyof typeof MediaEvent];

const MEDIA_CLASS = 4;

/** GET EVENT STATUS NOTIFICATION (MMC-5 6.7): media events, polled. `next` gives the event that is told. */
export function getEventStatus(
  state: { readonly open: boolean; readonly loaded: boolean; next(): MediaEvent },
  cdb: Cdb,
  data: ScsiData,
): ScsiResult {
  if ((cdb.u8(1) & 1) === 0) return check(Senses.INVALID_FIELD_IN_CDB);
  const supported = 1 << MEDIA_CLASS;
  const allocation = cdb.u16(7);
  // NEA: no class that was asked for.
  if ((cdb.u8(4) & supported) === 0) return answer(data, Uint8Array.of(0, 2, 0x80, supported), allocation);
  // An event is gone once it is told: not when there is no room for it.
  const event = allocation < 8 || data.inBytes < 8 ? MediaEvent.NONE : state.next();
  const status = (state.open ? 1 : 0) | (state.loaded ? 2 : 0);
  return answer(data, Uint8Array.of(0, 6, MEDIA_CLASS, supported, event, status, 0, 0), allocation);
}
