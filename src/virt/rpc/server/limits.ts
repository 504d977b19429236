/** What one client may make a server hold. All are bounds for a connection. */
export interface RpcLimits {
  /** Bytes of a packet, its length included. */
  readonly packetBytes: number;
  /** The same as long as the client has opened no connection. */
  readonly packetBytesUnopened: number;
  /** Calls carried out at the same time. */
  readonly calls: number;
  /** Calls that wait for their turn; more are not read from the socket. */
  readonly queuedCalls: number;
  /** Bytes of calls that wait, and of data for streams: more are not read. */
  readonly queuedBytes: number;
  /** Bytes of answers that the client has not read: no call begins while there are more. */
  readonly unreadBytes: number;
  /** The same, when it is hopeless: the connection ends. */
  readonly unreadBytesMax: number;
  readonly streams: number;
  readonly eventRegistrations: number;
  /** Milliseconds from the connection to a CONNECT_OPEN that succeeds. */
  readonly openMs: number;
  /** Milliseconds without a byte in the middle of a packet. */
  readonly stallMs: number;
  /** Milliseconds of silence before the client is asked whether it is there; 0: never. */
  readonly keepaliveMs: number;
  /** So many questions without an answer, and it is not. */
  readonly keepaliveCount: number;
}

/** What a client of good will never notices. */
export const defaultRpcLimits: RpcLimits = {
  packetBytes: 33_554_436,
  packetBytesUnopened: 65_536,
  calls: 20,
  queuedCalls: 64,
  queuedBytes: 4 * 1024 * 1024,
  unreadBytes: 1024 * 1024,
  unreadBytesMax: 64 * 1024 * 1024,
  streams: 64,
  eventRegistrations: 1024,
  openMs: 30_000,
  stallMs: 30_000,
  keepaliveMs: 5000,
  keepaliveCount: 5,
};
