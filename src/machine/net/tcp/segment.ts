/** TCP's sequence numbers and segments (RFC 9293, 3.1 and 3.4; options: RFC 7323, RFC 2018). */
import { setU16, setU32, u16, u32 } from '../checksum.ts';

/** `a − b` of two sequence numbers that are less than 2^31 apart. */
export function seqDiff(a: number, b: number): number {
  return (a - b) | 0;
}

/** `a + n` modulo 2^32. */
export function seqAdd(a: number, n: number): number {
  return (a + n) >>> 0;
}

/** Flags of the header. */
export const TcpFlag = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16 } as const;

/** Bytes of a header without options. */
export const TCP_HEADER = 20;

/** A range of sequence numbers, the last one excluded. */
export interface SeqRange {
  readonly start: number;
  readonly end: number;
}

/** Options that are understood. */
export interface TcpOptions {
  readonly mss?: number;
  readonly windowScale?: number;
  readonly sackPermitted?: boolean;
  readonly sacks?: readonly SeqRange[];
}

/** A segment without its ports. */
export interface TcpSegment {
  readonly sequence: number;
  /** Counts only with the ACK flag. */
  readonly acknowledgment: number;
  readonly flags: number;
  /** As in the header, not scaled. */
  readonly window: number;
  readonly options: TcpOptions;
  readonly data: Uint8Array;
}

/** Kinds of options. */
const Kind = { END: 0, NOP: 1, MSS: 2, WINDOW_SCALE: 3, SACK_PERMITTED: 4, SACK: 5 } as const;

/** Most ranges that fit in a header. */
const SACKS_MAX = 4;

/** Reads the segment from `start` to `end`; its data are a view of `bytes`. Undefined if it is malformed. */
export function parseSegment(bytes: Uint8Array, start: number, end: number): TcpSegment | undefined {
  if (end - start < TCP_HEADER) return undefined;
  const data = start + (bytes[start + 12] >> 4) * 4;
  if (data < start + TCP_HEADER || data > end) return undefined;
  return {
    sequence: u32(bytes, start + 4),
    acknowledgment: u32(bytes, start + 8),
    flags: bytes[start + 13],
    window: u16(bytes, start + 14),
    options: data === start + TCP_HEADER ? {} : parseOptions(bytes, start + TCP_HEADER, data),
    data: bytes.subarray(data, end),
  };
}

function parseOptions(bytes: Uint8Array, start: number, end: number): TcpOptions {
  const options: { -readonly [K in keyof TcpOptions]: TcpOptions[K] } = {};
  for (let at = start; at < end; ) {
    const kind = bytes[at];
    if (kind === Kind.END) break;
    if (kind === Kind.NOP) {
      at++;
      continue;
    }
    const length = at + 1 < end ? bytes[at + 1] : 0;
    // The rest makes no sense: what was understood so far stands.
    if (length < 2 || at + length > end) break;
    if (kind === Kind.MSS && length === 4) options.mss = u16(bytes, at + 2);
    // RFC 7323, 2.3: more than 14 is taken as 14.
    if (kind === Kind.WINDOW_SCALE && length === 3) options.windowScale = Math.min(bytes[at + 2], 14);
    if (kind === Kind.SACK_PERMITTED && length === 2) options.sackPermitted = true;
    if (kind === Kind.SACK && (length - 2) % 8 === 0) options.sacks = parseSacks(bytes, at + 2, at + length);
    at += length;
  }
  return options;
}

function parseSacks(bytes: Uint8Array, start: number, end: number): SeqRange[] {
  const ranges: SeqRange[] = [];
  for (let at = start; at < end; at += 8) ranges.push({ start: u32(bytes, at), end: u32(bytes, at + 4) });
  return ranges;
}

/** Bytes that a segment's header takes, with its options. */
export function headerBytes({ mss, windowScale, sackPermitted, sacks = [] }: TcpOptions): number {
  const opening = (mss === undefined ? 0 : 4) + (windowScale === undefined ? 0 : 4) + (sackPermitted ? 4 : 0);
  const ranges = Math.min(sacks.length, SACKS_MAX);
  return TCP_HEADER + opening + (ranges === 0 ? 0 : 4 + 8 * ranges);
}

/** Writes the header at `at`, but for the ports and the checksum, and the data after it. */
export function writeSegment(into: Uint8Array, at: number, segment: TcpSegment): void {
  const { sequence, acknowledgment, flags, window, options, data } = segment;
  const bytes = headerBytes(options);
  setU32(into, at + 4, sequence);
  setU32(into, at + 8, acknowledgment);
  into[at + 12] = (bytes / 4) << 4;
  into[at + 13] = flags;
  setU16(into, at + 14, window);
  setU16(into, at + 18, 0);
  writeOptions(into, at + TCP_HEADER, options);
  into.set(data, at + bytes);
}

/** Each option padded to four bytes by NOPs before it. */
function writeOptions(into: Uint8Array, start: number, options: TcpOptions): void {
  const { mss, windowScale, sackPermitted, sacks = [] } = options;
  let at = start;
  if (mss !== undefined) {
    into.set([Kind.MSS, 4, mss >> 8, mss & 0xff], at);
    at += 4;
  }
  if (windowScale !== undefined) {
    into.set([Kind.NOP, Kind.WINDOW_SCALE, 3, windowScale], at);
    at += 4;
  }
  if (sackPermitted) {
    into.set([Kind.NOP, Kind.NOP, Kind.SACK_PERMITTED, 2], at);
    at += 4;
  }
  const ranges = sacks.slice(0, SACKS_MAX);
  if (ranges.length === 0) return;
  into.set([Kind.NOP, Kind.NOP, Kind.SACK, 2 + 8 * ranges.length], at);
  for (const [index, range] of ranges.entries()) {
    setU32(into, at + 4 + 8 * index, range.start);
    setU32(into, at + 8 + 8 * index, range.end);
  }
}
