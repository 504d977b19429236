import { constants, open, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { Timer, Timers } from '../../bus/timers.ts';
import { setU16, u16 } from '../checksum.ts';

/** Kinds of packets (RFC 1350, 5; OACK: RFC 2347). */
const Op = { RRQ: 1, WRQ: 2, DATA: 3, ACK: 4, ERROR: 5, OACK: 6 } as const;

/** Codes of errors. */
const Code = { NOT_FOUND: 1, ACCESS: 2, ILLEGAL: 4, UNKNOWN_TRANSFER: 5 } as const;

const BLOCK_BYTES = 512;
/** Transfers at a time. */
const TRANSFERS_MAX = 16;
const TRY_NS = 1e9;
const TRIES = 6;

/** Sends a packet to the client that a transfer is with. */
export type TftpSend = (packet: Uint8Array) => void;

interface Transfer {
  readonly data: Uint8Array;
  readonly blockBytes: number;
  readonly send: TftpSend;
  /** Last block sent; 0: the options. */
  block: number;
  packet: Uint8Array;
  timer: Timer;
  tries: number;
}

/** Serves the files of one directory for reading (RFC 1350, with the options of RFC 2348 and RFC 2349). */
export class TftpServer {
  readonly #root: string;
  readonly #timers: Timers;
  readonly #maxBlock: number;
  readonly #transfers = new Map<string, Transfer>();
  /** Clients whose file is being read: they count as transfers, or any number of files would be read at once. */
  readonly #reading = new Set<string>();
  #closed = false;

  /** @param maxBlock largest block that fits in a packet */
  constructor(root: string, timers: Timers, maxBlock: number) {
    this.#root = root;
    this.#timers = timers;
    this.#maxBlock = maxBlock;
  }

  /** Takes a packet of the client `client`, a name for its address and port. */
  receive(client: string, packet: Uint8Array, send: TftpSend): void {
    if (packet.length < 4) return;
    const op = u16(packet, 0);
    if (op === Op.RRQ) void this.#read(client, packet, send);
    else if (op === Op.WRQ) send(errorPacket(Code.ACCESS, 'only reading is possible'));
    else if (op === Op.ACK) this.#acknowledged(client, u16(packet, 2), send);
    else if (op === Op.ERROR) this.#end(client);
  }

  close(): void {
    this.#closed = true;
    for (const client of [...this.#transfers.keys()]) this.#end(client);
  }

  async #read(client: string, packet: Uint8Array, send: TftpSend): Promise<void> {
    const [name, mode, ...options] = Buffer.from(packet.subarray(2)).toString('utf8').split('\0');
    if (name === undefined || mode === undefined || name === '') {
      send(errorPacket(Code.ILLEGAL, 'malformed request'));
      return;
    }
    this.#end(client);
    // Who asks again before the first answer gets that one.
    if (this.#reading.has(client) || this.#transfers.size + this.#reading.size >= TRANSFERS_MAX) return;
    this.#reading.add(client);
    const data = await this.#contents(name);
    this.#reading.delete(client);
    if (this.#closed) return;
    if (data === undefined) {
      send(errorPacket(Code.NOT_FOUND, 'no such file'));
      return;
    }
    const { answer, blockBytes } = this.#negotiate(options, data.length);
    const transfer: Transfer = { data, blockBytes, send, block: 0, packet: answer, timer: { cancel() {} }, tries: 0 };
    this.#transfers.set(client, transfer);
    if (answer.length === 2) this.#sendBlock(client, transfer, 1);
    else this.#transmit(client, transfer);
  }

  /** What is in a file below the root, links followed; undefined if there is none there. */
  async #contents(name: string): Promise<Uint8Array | undefined> {
    try {
      const root = await realpath(this.#root);
      const path = await realpath(join(root, name.replaceAll('\\', '/')));
      if (!path.startsWith(root + sep)) return undefined;
      // Without waiting: a pipe would hold up a thread until somebody writes to it.
      const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        return (await file.stat()).isFile() ? await file.readFile() : undefined;
      } finally {
        await file.close();
      }
    } catch {
      return undefined;
    }
  }

  #negotiate(options: readonly string[], size: number): { answer: Uint8Array; blockBytes: number } {
    let blockBytes = BLOCK_BYTES;
    const accepted: string[] = [];
    for (let i = 0; i + 1 < options.length; i += 2) {
      const name = options[i]?.toLowerCase();
      const value = Number(options[i + 1]);
      if (name === 'blksize' && Number.isInteger(value) && value >= 8) {
        blockBytes = Math.min(value, this.#maxBlock);
        accepted.push('blksize', `${blockBytes}`);
      }
      if (name === 'tsize') accepted.push('tsize', `${size}`);
    }
    const text = accepted.map((word) => `${word}\0`).join('');
    const answer = new Uint8Array(2 + text.length);
    setU16(answer, 0, Op.OACK);
    answer.set(Buffer.from(text), 2);
    return { answer, blockBytes };
  }

  #acknowledged(client: string, block: number, send: TftpSend): void {
    const transfer = this.#transfers.get(client);
    if (transfer === undefined) {
      send(errorPacket(Code.UNKNOWN_TRANSFER, 'unknown transfer'));
      return;
    }
    // An old acknowledgment is not answered: or each packet would be sent twice from then on (RFC 1123, 4.2.3.1).
    if (block !== (transfer.block & 0xffff)) return;
    const done = transfer.block > 0 && transfer.block * transfer.blockBytes > transfer.data.length;
    if (done) this.#end(client);
    else this.#sendBlock(client, transfer, transfer.block + 1);
  }

  #sendBlock(client: string, transfer: Transfer, block: number): void {
    const { data, blockBytes } = transfer;
    const part = data.subarray((block - 1) * blockBytes, block * blockBytes);
    const packet = new Uint8Array(4 + part.length);
    setU16(packet, 0, Op.DATA);
    setU16(packet, 2, block & 0xffff);
    packet.set(part, 4);
    transfer.block = block;
    transfer.packet = packet;
    transfer.tries = 0;
    this.#transmit(client, transfer);
  }

  #transmit(client: string, transfer: Transfer): void {
    transfer.timer.cancel();
    if (transfer.tries++ >= TRIES) {
      this.#end(client);
      return;
    }
    transfer.timer = this.#timers.after(TRY_NS, () => this.#transmit(client, transfer));
    transfer.send(transfer.packet);
  }

  #end(client: string): void {
    this.#transfers.get(client)?.timer.cancel();
    this.#transfers.delete(client);
  }
}

function errorPacket(code: number, message: string): Uint8Array {
  const packet = new Uint8Array(5 + message.length);
  setU16(packet, 0, Op.ERROR);
  setU16(packet, 2, code);
  packet.set(Buffer.from(message), 4);
  return packet;
}
