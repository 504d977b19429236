/** libvirt's packets: a length that counts itself, six words of header, a payload. */
import { XdrWriter } from './xdr.ts';

/** Programs, each with version 1. */
export const Program = {
  REMOTE: 0x20008086,
  QEMU: 0x20008087,
  LXC: 0x00068000,
  /** What libvirt has no call for. */
  NODEVISOR: 0x20006e76,
  KEEPALIVE: 0x6b656570,
} as const;

/** virNetMessageType. */
export const PacketType = {
  CALL: 0,
  REPLY: 1,
  MESSAGE: 2,
  STREAM: 3,
  CALL_WITH_FDS: 4,
  REPLY_WITH_FDS: 5,
  STREAM_HOLE: 6,
} as const;

/** virNetMessageStatus. */
export const PacketStatus = { OK: 0, ERROR: 1, CONTINUE: 2 } as const;

/** Procedures of the keepalive program. */
export const Keepalive = { PING: 1, PONG: 2 } as const;

/** What is said of a packet before its payload. */
export interface PacketHeader {
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  /** Of PacketType. */
  readonly type: number;
  /** Ties an answer to its call, and a stream to the call that opened it. */
  readonly serial: number;
  /** Of PacketStatus. */
  readonly status: number;
}

/** One packet. Its payload is a part of what was read, and never written to again. */
export interface Packet extends PacketHeader {
  readonly payload: Buffer;
}

const LENGTH_BYTES = 4;
/** Length and header. */
export const PACKET_HEAD_BYTES = 28;
/** The most that libvirt's programs send and take, header included (VIR_NET_MESSAGE_MAX and the length). */
export const PACKET_MAX_BYTES = 33_554_432 + LENGTH_BYTES;
/** Bytes of data in one packet of a stream. */
export const STREAM_DATA_MAX_BYTES = 262_120;

/**
 * The bytes of a packet. `write` adds its payload; what it throws passes through. `to`: a writer that is kept for many
 * packets, with nothing in it that matters.
 */
export function encodePacket(
  header: PacketHeader,
  write?: (to: XdrWriter) => void,
  to: XdrWriter = new XdrWriter(),
): Buffer {
  to.clear();
  to.u32(0);
  to.u32(header.program);
  to.u32(header.version);
  to.u32(header.procedure);
  to.u32(header.type);
  to.u32(header.serial);
  to.u32(header.status);
  write?.(to);
  to.patchU32(0, to.length);
  return to.take();
}

/** A peer that does not speak the protocol: nothing that follows can be understood. */
export class ProtocolError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ProtocolError';
  }
}

/** First size of the buffer for a packet that comes in pieces; it grows with what comes, not with what was announced. */
const PIECES_START_BYTES = 4096;

/** Finds the packets in bytes as they come. Holds no more than a packet's bytes, and twice that while it grows. */
export class PacketReader {
  #maxBytes: number;
  #pieces: Buffer = Buffer.alloc(0);
  #have = 0;

  /** @param maxBytes of a packet, its length word included */
  constructor(maxBytes: number = PACKET_MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Some of a packet has come, and not all. */
  get inPacket(): boolean {
    return this.#have > 0;
  }

  /** Applies to packets whose length is not known yet. */
  set maxBytes(bytes: number) {
    this.#maxBytes = bytes;
  }

  /** The packets that are complete with these bytes. Throws ProtocolError for a length that no packet has. */
  *push(bytes: Buffer): Generator<Packet, void, void> {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#have === 0) {
        const length = rest.length < LENGTH_BYTES ? undefined : this.#check(rest.readUInt32BE(0));
        if (length !== undefined && length <= rest.length) {
          yield parsePacket(rest.subarray(0, length));
          rest = rest.subarray(length);
          continue;
        }
      }
      rest = this.#collect(rest);
      if (this.#have >= LENGTH_BYTES && this.#have === this.#pieces.readUInt32BE(0)) {
        const whole = this.#pieces.subarray(0, this.#have);
        this.#pieces = Buffer.alloc(0);
        this.#have = 0;
        yield parsePacket(whole);
      }
    }
  }

  /** Takes what belongs to the packet that has begun and returns the rest. */
  #collect(bytes: Buffer): Buffer {
    const wanted = this.#have < LENGTH_BYTES ? LENGTH_BYTES : this.#pieces.readUInt32BE(0);
    const count = Math.min(wanted - this.#have, bytes.length);
    const end = this.#have + count;
    if (end > this.#pieces.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(end, this.#pieces.length * 2, PIECES_START_BYTES));
      this.#pieces.copy(grown, 0, 0, this.#have);
      this.#pieces = grown;
    }
    bytes.copy(this.#pieces, this.#have, 0, count);
    this.#have = end;
    if (end === LENGTH_BYTES) this.#check(this.#pieces.readUInt32BE(0));
    return bytes.subarray(count);
  }

  #check(length: number): number {
    if (length < PACKET_HEAD_BYTES) throw new ProtocolError(`a packet of ${length} bytes is shorter than its header`);
    if (length > this.#maxBytes) {
      throw new ProtocolError(`a packet of ${length} bytes where ${this.#maxBytes} are the most`);
    }
    return length;
  }
}

function parsePacket(bytes: Buffer): Packet {
  return {
    program: bytes.readUInt32BE(4),
    version: bytes.readUInt32BE(8),
    procedure: bytes.readUInt32BE(12),
    type: bytes.readUInt32BE(16),
    serial: bytes.readUInt32BE(20),
    status: bytes.readUInt32BE(24),
    payload: bytes.subarray(PACKET_HEAD_BYTES),
  };
}
