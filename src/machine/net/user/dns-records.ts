import { setU16 } from '../checksum.ts';

/** Types of records (RFC 1035, 3.2.2; RFC 3596; RFC 2782). */
export const RecordType = { A: 1, TXT: 16, AAAA: 28, SRV: 33 } as const;

/** Most that the data of a record may take: an answer with it fits in a datagram. */
export const RECORD_BYTES_MAX = 1024;
const STRING_BYTES_MAX = 255;
const LABEL_BYTES_MAX = 63;
const NAME_BYTES_MAX = 255;

/** A record that the network's name server knows, other than an address. */
export interface DnsRecord {
  /** In lower case, without the last dot. */
  readonly name: string;
  /** Of RecordType. */
  readonly type: number;
  readonly data: Uint8Array;
}

/** A service of a domain: where it is. */
export interface DnsService {
  readonly target: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** A record of text, in pieces of 255 bytes (RFC 1035, 3.3.14). Undefined where it is too long. */
export function textRecord(name: string, text: string): DnsRecord | undefined {
  const bytes = Buffer.from(text);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += STRING_BYTES_MAX) {
    const piece = bytes.subarray(at, at + STRING_BYTES_MAX);
    pieces.push(Uint8Array.of(piece.length), piece);
  }
  return record(name, RecordType.TXT, Buffer.concat(pieces));
}

/** A record of a service (RFC 2782). Undefined where its target is no name. */
export function serviceRecord(name: string, { target, port, priority, weight }: DnsService): DnsRecord | undefined {
  const encoded = encodeName(target);
  if (encoded === undefined) return undefined;
  const data = new Uint8Array(6 + encoded.length);
  for (const [index, value] of [priority, weight, port].entries()) setU16(data, 2 * index, value);
  data.set(encoded, 6);
  return record(name, RecordType.SRV, data);
}

function record(name: string, type: number, data: Uint8Array): DnsRecord | undefined {
  return data.length > RECORD_BYTES_MAX ? undefined : { name: name.toLowerCase().replace(/\.$/, ''), type, data };
}

/** A name in labels, not compressed (RFC 1035, 3.1); an empty one is the root. */
function encodeName(name: string): Uint8Array | undefined {
  const labels = name.split('.').filter((label) => label !== '');
  const bytes = labels.flatMap((label) => [label.length, ...Buffer.from(label, 'latin1')]);
  const fits = labels.every(({ length }) => length <= LABEL_BYTES_MAX) && bytes.length < NAME_BYTES_MAX;
  return fits ? Uint8Array.of(...bytes, 0) : undefined;
}
