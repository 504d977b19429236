import { Senses } from './spec.ts';
import { answer, type Cdb, check, type ScsiData, type ScsiResult } from './unit.ts';

/** Frames, of a 75th of a second, before block 0 (MMC-5 annex A). */
const LEAD_IN_FRAMES = 150;
const LEAD_OUT = 0xaa;
/** ADR 1, a data track. */
const DATA_TRACK = 0x14;

/** An address as minute, second, frame, behind a reserved byte. */
function msf(block: number): number[] {
  const frames = block + LEAD_IN_FRAMES;
  return [0, Math.floor(frames / 75 / 60) & 0xff, Math.floor(frames / 75) % 60, frames % 75];
}

function address(block: number, asMsf: boolean): number[] {
  if (asMsf) return msf(block);
  return [(block >>> 24) & 0xff, (block >>> 16) & 0xff, (block >>> 8) & 0xff, block & 0xff];
}

/** Content behind its length, first and last track or session (each 1). */
function framed(content: readonly number[]): Uint8Array {
  const bytes = Uint8Array.of(0, 0, 1, 1, ...content);
  new DataView(bytes.buffer).setUint16(0, bytes.length - 2);
  return bytes;
}

function tracks(blocks: number, asMsf: boolean, start: number): Uint8Array | undefined {
  if (start > 1 && start !== LEAD_OUT) return undefined;
  const first = start <= 1 ? [0, DATA_TRACK, 1, 0, ...address(0, asMsf)] : [];
  return framed([...first, 0, DATA_TRACK, LEAD_OUT, 0, ...address(blocks, asMsf)]);
}

/** Format 2: what the lead-in holds, which are addresses as minute, second, frame in any case. */
function rawToc(blocks: number): Uint8Array {
  const point = (number: number, place: readonly number[]) => [1, DATA_TRACK, 0, number, 0, 0, 0, ...place];
  return framed([
    ...point(0xa0, [0, 1, 0, 0]),
    ...point(0xa1, [0, 1, 0, 0]),
    ...point(0xa2, msf(blocks)),
    ...point(1, msf(0)),
  ]);
}

/** READ TOC/PMA/ATIP (MMC-5 6.26) of a disc with one data track of `blocks` blocks. */
export function readToc(blocks: number, cdb: Cdb, data: ScsiData): ScsiResult {
  const asMsf = (cdb.u8(1) & 2) !== 0;
  const start = cdb.u8(6);
  // Initiators of old say the format in the control byte.
  const format = cdb.u8(2) & 0xf || cdb.u8(9) >> 6;
  const toc = format === 0 ? tracks(blocks, asMsf, start) : undefined;
  const session = () => framed([0, DATA_TRACK, 1, 0, ...address(0, asMsf)]);
  const bytes = toc ?? (format === 1 ? session() : format === 2 && start <= 1 ? rawToc(blocks) : undefined);
  return bytes === undefined ? check(Senses.INVALID_FIELD_IN_CDB) : answer(data, bytes, cdb.u16(7));
}
