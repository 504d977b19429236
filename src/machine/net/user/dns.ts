import { createSocket } from 'node:dgram';
import { getServers } from 'node:dns';
import type { Timers } from '../../bus/timers.ts';
import type { IpAddress } from '../address.ts';
import { setU16, setU32, u16 } from '../checksum.ts';
import { type DnsRecord, RecordType } from './dns-records.ts';

/** Bytes of a message's header (RFC 1035, 4.1.1). */
const HEADER = 12;

/** Questions that are under way at the host's servers. */
const QUERIES_MAX = 256;

/** How long a server has to answer before the next one is asked. */
const SERVER_NS = 3e9;

/** Answer code (RFC 1035, 4.1.1): the server could not find out. */
const RCODE_SERVFAIL = 2;

/** How long an answer of ours holds, in seconds: hosts come and go. */
const TTL_SECONDS = 10;

/** A name that this network knows itself. */
export type NameLookup = (name: string) => readonly IpAddress[] | undefined;

/** A name server of the host's: address, and port. */
export interface DnsServer {
  readonly host: string;
  readonly port: number;
}

/** The host's name servers, as its resolver is set up. */
export function hostServers(): DnsServer[] {
  return getServers().map((text) => {
    const match = /^(?:\[(.+)\]|([^:]+|[0-9a-f:%.]+))(?::(\d+))?$/i.exec(text);
    return { host: match?.[1] ?? match?.[2] ?? text, port: Number(match?.[3] ?? 53) };
  });
}

/** Answers for the names of this network and passes all other questions to the host's servers. */
export class DnsRelay {
  readonly #lookup: NameLookup;
  readonly #records: readonly DnsRecord[];
  readonly #servers: () => readonly DnsServer[];
  readonly #timers: Timers;
  readonly #running = new Set<{ close(): void }>();

  /** @param records what else is known, looked at anew each time @param servers whom to ask, in order */
  constructor(lookup: NameLookup, records: readonly DnsRecord[], servers: () => readonly DnsServer[], timers: Timers) {
    this.#lookup = lookup;
    this.#records = records;
    this.#servers = servers;
    this.#timers = timers;
  }

  /** Answers a question, some time. Resolves to undefined if there is nothing to answer. */
  async answer(query: Uint8Array): Promise<Uint8Array | undefined> {
    // A question, of the standard kind; all else is noise.
    if (query.length < HEADER || (query[2] & 0xf8) !== 0) return undefined;
    const own = this.#ownAnswer(query);
    if (own !== undefined) return own;
    if (this.#running.size >= QUERIES_MAX) return undefined;
    for (const server of this.#servers()) {
      const answer = await this.#ask(server, query);
      if (answer !== undefined) return answer;
    }
    return failure(query, RCODE_SERVFAIL);
  }

  close(): void {
    for (const query of [...this.#running]) query.close();
  }

  #ownAnswer(query: Uint8Array): Uint8Array | undefined {
    const question = parseQuestion(query);
    const known = question === undefined ? undefined : this.#known(question.name, question.type);
    if (question === undefined || known === undefined) return undefined;
    const { type, end } = question;
    const out = new Uint8Array(known.reduce((size, data) => size + 12 + data.length, end));
    out.set(query.subarray(0, end));
    // An answer, by one who knows, recursion there if wanted.
    out[2] = 0x84 | (query[2] & 1);
    out[3] = 0x80;
    setU16(out, 4, 1);
    setU16(out, 6, known.length);
    out.fill(0, 8, HEADER);
    let at = end;
    for (const data of known) {
      // The name is the question's.
      setU16(out, at, 0xc000 | HEADER);
      setU16(out, at + 2, type);
      setU16(out, at + 4, 1);
      setU32(out, at + 6, TTL_SECONDS);
      setU16(out, at + 10, data.length);
      out.set(data, at + 12);
      at += 12 + data.length;
    }
    return out;
  }

  /** Data of a name's records of one type; undefined where nothing at all is known of the name. */
  #known(name: string, type: number): readonly Uint8Array[] | undefined {
    const records = this.#records.filter((record) => record.name === name);
    const addresses = this.#lookup(name);
    if (records.length === 0 && addresses === undefined) return undefined;
    const size = type === RecordType.A ? 4 : type === RecordType.AAAA ? 16 : 0;
    const matching = (addresses ?? []).filter(({ length }) => length === size);
    return [...matching, ...records.filter((record) => record.type === type).map(({ data }) => data)];
  }

  #ask({ host, port }: DnsServer, query: Uint8Array): Promise<Uint8Array | undefined> {
    return new Promise((resolve) => {
      const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
      const running = { close: () => finish(undefined) };
      const finish = (answer: Uint8Array | undefined) => {
        if (!this.#running.delete(running)) return;
        timeout.cancel();
        socket.close();
        resolve(answer);
      };
      this.#running.add(running);
      const timeout = this.#timers.after(SERVER_NS, () => finish(undefined));
      socket.on('error', () => finish(undefined));
      socket.on('message', (answer) => {
        // A connected socket hears its server alone; the number shows that it is this question's.
        if (answer.length >= HEADER && u16(answer, 0) === u16(query, 0)) finish(answer);
      });
      socket.connect(port, host, () => socket.send(query));
      socket.unref();
    });
  }
}

/** Name (lower case, without the last dot), type and end of the only question; undefined if there is another number. */
function parseQuestion(query: Uint8Array): { name: string; type: number; end: number } | undefined {
  if (u16(query, 4) !== 1) return undefined;
  const labels: string[] = [];
  let at = HEADER;
  for (;;) {
    const length = query[at];
    // No pointers in a question.
    if (length === undefined || length > 63 || at + 1 + length > query.length) return undefined;
    at++;
    if (length === 0) break;
    labels.push(
      Buffer.from(query.subarray(at, at + length))
        .toString('latin1')
        .toLowerCase(),
    );
    at += length;
  }
  if (at + 4 > query.length || u16(query, at + 2) !== 1) return undefined;
  return { name: labels.join('.'), type: u16(query, at), end: at + 4 };
}

/** The question back, with why there is no answer. */
function failure(query: Uint8Array, rcode: number): Uint8Array {
  const question = parseQuestion(query);
  const out = query.slice(0, question?.end ?? HEADER);
  out[2] = 0x80 | (query[2] & 1);
  out[3] = 0x80 | rcode;
  setU16(out, 4, question === undefined ? 0 : 1);
  out.fill(0, 6, HEADER);
  return out;
}
