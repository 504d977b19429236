/** Messages of DHCP (RFC 2131, RFC 2132) and BOOTP (RFC 951). */
import { setU16, setU32, u16, u32 } from '../checksum.ts';

/** Types of messages (RFC 2132, 9.6). */
export const DhcpType = {
  DISCOVER: 1,
  OFFER: 2,
  REQUEST: 3,
  DECLINE: 4,
  ACK: 5,
  NAK: 6,
  RELEASE: 7,
  INFORM: 8,
} as const;

/** Codes of options. */
export const DhcpOption = {
  SUBNET_MASK: 1,
  ROUTER: 3,
  DNS: 6,
  HOST_NAME: 12,
  DOMAIN_NAME: 15,
  MTU: 26,
  BROADCAST: 28,
  REQUESTED_IP: 50,
  LEASE_TIME: 51,
  MESSAGE_TYPE: 53,
  SERVER_ID: 54,
  CLIENT_ID: 61,
  TFTP_SERVER: 66,
  BOOT_FILE: 67,
  END: 255,
} as const;

const FIXED_BYTES = 236;
const COOKIE = 0x6382_5363;

/** BOOTP's least size: clients exist that want it. */
const MESSAGE_BYTES_MIN = 300;

/** What a client asks. */
export interface DhcpRequest {
  /** Absent: BOOTP. */
  readonly type?: number;
  readonly transaction: number;
  readonly flags: number;
  /** The address that the client has already, four bytes. */
  readonly clientIp: Uint8Array;
  readonly mac: Uint8Array;
  readonly options: ReadonlyMap<number, Uint8Array>;
}

/** Reads a request over Ethernet; undefined if it is none. */
export function parseDhcp(bytes: Uint8Array): DhcpRequest | undefined {
  if (bytes.length < FIXED_BYTES || bytes[0] !== 1 || bytes[1] !== 1 || bytes[2] !== 6) return undefined;
  const options = new Map<number, Uint8Array>();
  if (bytes.length >= FIXED_BYTES + 4 && u32(bytes, FIXED_BYTES) === COOKIE) {
    for (let at = FIXED_BYTES + 4; at < bytes.length; ) {
      const code = bytes[at];
      if (code === DhcpOption.END) break;
      if (code === 0) {
        at++;
        continue;
      }
      const length = at + 1 < bytes.length ? bytes[at + 1] : 0;
      if (at + 2 + length > bytes.length) return undefined;
      options.set(code, bytes.slice(at + 2, at + 2 + length));
      at += 2 + length;
    }
  }
  const type = options.get(DhcpOption.MESSAGE_TYPE)?.[0];
  return {
    ...(type === undefined ? {} : { type }),
    transaction: u32(bytes, 4),
    flags: u16(bytes, 10),
    clientIp: bytes.slice(12, 16),
    mac: bytes.slice(28, 34),
    options,
  };
}

/** What the server says. */
export interface DhcpReply {
  readonly request: DhcpRequest;
  /** The client's address, four bytes; zeroes for none. */
  readonly yourIp: Uint8Array;
  /** Where the boot file is. */
  readonly serverIp: Uint8Array;
  readonly bootFile?: string;
  readonly options: readonly (readonly [code: number, value: Uint8Array])[];
}

/** Writes a reply. */
export function formatDhcp({ request, yourIp, serverIp, bootFile, options }: DhcpReply): Uint8Array {
  const tail = options.flatMap(([code, value]) => [code, Math.min(value.length, 255), ...value.subarray(0, 255)]);
  const bytes = new Uint8Array(Math.max(MESSAGE_BYTES_MIN, FIXED_BYTES + 4 + tail.length + 1));
  bytes.set([2, 1, 6, 0]);
  setU32(bytes, 4, request.transaction);
  setU16(bytes, 10, request.flags);
  bytes.set(request.clientIp, 12);
  bytes.set(yourIp, 16);
  bytes.set(serverIp, 20);
  bytes.set(request.mac, 28);
  if (bootFile !== undefined) bytes.set(new TextEncoder().encode(bootFile).subarray(0, 127), 108);
  setU32(bytes, FIXED_BYTES, COOKIE);
  bytes.set([...tail, DhcpOption.END], FIXED_BYTES + 4);
  return bytes;
}
