/** Packet captures in pcapng (draft-ietf-opsawg-pcapng), as Wireshark reads them. */

import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { Duplex } from 'node:stream';
import { type Clock, VirtError } from '../../util/index.ts';
import type { Frame, NetBackend, NetPort } from '../backend/net.ts';
import { completeFrames } from './offload.ts';
import type { TappedNet } from './tapped-net.ts';

const Block = { SECTION: 0x0a0d_0d0a, INTERFACE: 1, ENHANCED_PACKET: 6 } as const;
const BYTE_ORDER_MAGIC = 0x1a2b_3c4d;
const LINKTYPE_ETHERNET = 1;

/** Options: the interface's name, the resolution of time stamps, and which way a packet went. */
const Option = { IF_NAME: 2, IF_TSRESOL: 9, EPB_FLAGS: 2 } as const;

/** Bytes that may wait for the disk. What comes beyond is left out of the capture rather than kept from the guest. */
const BACKLOG_BYTES = 64 * 2 ** 20;

function block(type: number, body: Buffer): Buffer {
  const padded = Math.ceil(body.length / 4) * 4;
  const out = Buffer.alloc(12 + padded);
  out.writeUInt32LE(type, 0);
  out.writeUInt32LE(out.length, 4);
  body.copy(out, 8);
  out.writeUInt32LE(out.length, 8 + padded);
  return out;
}

function option(code: number, value: Buffer): Buffer {
  const out = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  out.writeUInt16LE(code, 0);
  out.writeUInt16LE(value.length, 2);
  value.copy(out, 4);
  return out;
}

/** What begins a capture of one interface. */
export function pcapngHeader(name: string): Buffer {
  const section = Buffer.alloc(16);
  section.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
  section.writeUInt16LE(1, 4);
  // Length of the section: not known yet.
  section.writeBigInt64LE(-1n, 8);
  const fixed = Buffer.alloc(8);
  fixed.writeUInt16LE(LINKTYPE_ETHERNET, 0);
  const options = [option(Option.IF_NAME, Buffer.from(name)), option(Option.IF_TSRESOL, Buffer.of(9)), Buffer.alloc(4)];
  return Buffer.concat([block(Block.SECTION, section), block(Block.INTERFACE, Buffer.concat([fixed, ...options]))]);
}

/** One packet; `timeNs` since 1970. */
export function pcapngPacket(bytes: Uint8Array, timeNs: bigint, direction: 'in' | 'out'): Buffer {
  const padded = Math.ceil(bytes.length / 4) * 4;
  const flags = Buffer.alloc(4);
  flags.writeUInt32LE(direction === 'in' ? 1 : 2);
  const tail = Buffer.concat([option(Option.EPB_FLAGS, flags), Buffer.alloc(4)]);
  const body = Buffer.alloc(20 + padded + tail.length);
  body.writeUInt32LE(Number((timeNs >> 32n) & 0xffff_ffffn), 4);
  body.writeUInt32LE(Number(timeNs & 0xffff_ffffn), 8);
  body.writeUInt32LE(bytes.length, 12);
  body.writeUInt32LE(bytes.length, 16);
  body.set(bytes, 20);
  tail.copy(body, 20 + padded);
  return block(Block.ENHANCED_PACKET, body);
}

/** Writes what passes a cable to a file, seen from the guest: `in` is what it receives. */
export class CapturedNet implements NetBackend {
  readonly #inner: NetBackend;
  readonly #file: WriteStream;
  readonly #clock: Clock;

  private constructor(inner: NetBackend, file: WriteStream, clock: Clock) {
    this.#inner = inner;
    this.#file = file;
    this.#clock = clock;
  }

  /** Captures from `inner`, which is the capture's from then on. Throws OPERATION_FAILED if the file cannot be made. */
  static async open(inner: NetBackend, path: string, name: string, clock: Clock): Promise<CapturedNet> {
    const file = createWriteStream(path);
    try {
      await once(file, 'open');
    } catch (cause) {
      await inner.close();
      throw new VirtError('OPERATION_FAILED', `cannot capture to '${path}': ${(cause as Error).message}`, { cause });
    }
    // A full disk ends the capture, not the guest's network.
    file.on('error', () => {});
    file.write(pcapngHeader(name));
    return new CapturedNet(inner, file, clock);
  }

  get hostName(): string | undefined {
    return this.#inner.hostName;
  }

  send(frame: Frame): boolean {
    this.#note(frame, 'out');
    return this.#inner.send(frame);
  }

  connect(port: NetPort): void {
    this.#inner.connect({
      receive: (frame) => {
        const taken = port.receive(frame);
        if (taken) this.#note(frame, 'in');
        return taken;
      },
      drained: () => port.drained(),
    });
  }

  resume(): void {
    this.#inner.resume();
  }

  async close(): Promise<void> {
    await this.#inner.close();
    if (this.#file.destroyed) return;
    await new Promise<void>((resolve) => this.#file.end(resolve));
  }

  #note(frame: Frame, direction: 'in' | 'out'): void {
    if (this.#file.destroyed || this.#file.writableLength > BACKLOG_BYTES) return;
    const now = this.#clock.wallNs();
    for (const bytes of completeFrames(frame)) this.#file.write(pcapngPacket(bytes, now, direction));
  }
}

/**
 * What passes a cable from now on, as a stream of pcapng that ends with the cable. Destroy it to stop. What its reader is
 * too slow for is left out.
 */
export function captureStream(cable: TappedNet, name: string, clock: Clock): Duplex {
  const stream = new Duplex({
    allowHalfOpen: false,
    read() {},
    // Nobody has anything to say to a capture.
    write: (_chunk, _encoding, done) => done(),
    destroy(error, done) {
      stop();
      done(error);
    },
  });
  const stop = cable.tap({
    frame(frame, direction) {
      if (stream.readableLength > BACKLOG_BYTES) return;
      const now = clock.wallNs();
      for (const bytes of completeFrames(frame)) stream.push(pcapngPacket(bytes, now, direction));
    },
    closed: () => void stream.push(null),
  });
  stream.push(pcapngHeader(name));
  return stream;
}
