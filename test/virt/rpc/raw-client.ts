/** A client that sends whatever a test wants it to, and keeps what comes back. */
import { strict as assert } from 'node:assert';
import type { Duplex } from 'node:stream';
import {
  type Backend,
  type Connection,
  connect,
  type RpcConnection,
  type RpcServerOptions,
  serveRpc,
  type VirtError,
} from '../../../src/index.ts';
import {
  encodePacket,
  Keepalive,
  type Packet,
  type PacketHeader,
  PacketReader,
  PacketStatus,
  PacketType,
  Program,
} from '../../../src/virt/rpc/packet.ts';
import { findProcedure } from '../../../src/virt/rpc/procedures/index.ts';
import { readError } from '../../../src/virt/rpc/wire-error.ts';
import { XdrReader } from '../../../src/virt/rpc/xdr.ts';
import { until } from '../contract/bench.ts';
import { openTestWorld, pair } from './support.ts';

/** CONNECT_OPEN's number, as tests call it most. */
export const OPEN = 1;

export class RawClient {
  readonly socket: Duplex;
  /** The server's end. */
  readonly far: Duplex;
  readonly served: RpcConnection;
  readonly packets: Packet[] = [];
  closed = false;
  #serial = 0;

  constructor(options: Partial<RpcServerOptions> = {}) {
    const [near, far] = pair();
    this.socket = near;
    this.far = far;
    this.served = serveRpc(far, { open: openTestWorld, ...options });
    const reader = new PacketReader();
    near.on('data', (bytes: Buffer) => this.packets.push(...reader.push(bytes)));
    near.on('end', () => near.end());
    near.on('close', () => {
      this.closed = true;
    });
    near.on('error', () => {});
  }

  /** Sends a packet as it is. */
  send(header: Partial<PacketHeader>, payload: Uint8Array = new Uint8Array()): void {
    const whole = { program: Program.REMOTE, version: 1, procedure: 0, type: PacketType.CALL, serial: 0, status: 0 };
    this.socket.write(encodePacket({ ...whole, ...header }, (to) => to.unpadded(payload)));
  }

  /** Begins a call of the remote program and returns its serial. */
  begin(number: number, ...args: unknown[]): number {
    const serial = this.#serial++;
    const procedure = findProcedure(Program.REMOTE, number);
    assert.ok(procedure !== undefined, `procedure ${number}`);
    this.socket.write(
      encodePacket(
        { program: Program.REMOTE, version: 1, procedure: number, type: PacketType.CALL, serial, status: 0 },
        (to) => procedure.args.write(to, args),
      ),
    );
    return serial;
  }

  /** Packets of a type that belong to a call. */
  of(serial: number, type: number = PacketType.REPLY): Packet[] {
    return this.packets.filter((packet) => packet.serial === serial && packet.type === type);
  }

  /** Waits for the reply to a call. */
  async reply(serial: number): Promise<Packet> {
    await until(() => this.of(serial).length > 0 || this.closed, `reply ${serial}`);
    const [reply] = this.of(serial);
    assert.ok(reply !== undefined, 'the connection closed without a reply');
    return reply;
  }

  /** Calls, and reads the result. */
  async call(number: number, ...args: unknown[]): Promise<unknown> {
    const reply = await this.reply(this.begin(number, ...args));
    const from = new XdrReader(reply.payload);
    if (reply.status !== PacketStatus.OK) throw readError(from);
    const result = findProcedure(Program.REMOTE, number)?.result.read(from);
    assert.equal(from.left, 0);
    return result;
  }

  /** The error in a reply. */
  async errorOf(serial: number): Promise<VirtError> {
    const reply = await this.reply(serial);
    assert.equal(reply.status, PacketStatus.ERROR);
    return readError(new XdrReader(reply.payload));
  }

  open(flags = 0): Promise<unknown> {
    return this.call(OPEN, 'test:///default', flags);
  }

  ping(): void {
    this.send({ program: Program.KEEPALIVE, procedure: Keepalive.PING, type: PacketType.MESSAGE });
  }

  /** Packets of the keepalive program of one kind. */
  keepalives(procedure: number): number {
    return this.packets.filter((packet) => packet.program === Program.KEEPALIVE && packet.procedure === procedure)
      .length;
  }

  /** Packets of data of a stream so far, together; whether the end has been marked. */
  stream(serial: number): { bytes: Buffer; ended: boolean; last: Packet | undefined } {
    const all = this.of(serial, PacketType.STREAM);
    const data = all.filter(({ status }) => status === PacketStatus.CONTINUE);
    return {
      bytes: Buffer.concat(data.map(({ payload }) => payload)),
      ended: data.some(({ payload }) => payload.length === 0),
      last: all.at(-1),
    };
  }

  /** Sends a packet of a stream. */
  streamPacket(procedure: number, serial: number, status: number, payload?: Uint8Array): void {
    this.send({ procedure, serial, status, type: PacketType.STREAM }, payload);
  }

  async close(): Promise<void> {
    this.socket.destroy();
    await this.served.closed;
  }
}

/** A backend of the test world with some methods of the test's own. */
export function withMethods(methods: Partial<Backend>): RpcServerOptions['open'] {
  return async (uri, readOnly) => ({ ...(await openTestWorld(uri, readOnly)), ...methods });
}

/** What tests of the server have: a connection of their own to the world, and a client at the server. */
export interface ServerBench {
  readonly own: Connection;
  /** The last one that was started. */
  readonly client: RawClient;
  start(options?: Partial<RpcServerOptions>): RawClient;
}

/** Makes a world for each test of a suite, and puts it away again. */
export function useServer(): ServerBench {
  let own: Connection;
  let client: RawClient | undefined;
  beforeEach(async () => {
    own = await connect('test:///default');
  });
  afterEach(async () => {
    await client?.close();
    await own.close();
  });
  return {
    get own() {
      return own;
    },
    get client() {
      assert.ok(client !== undefined, 'start() first');
      return client;
    },
    start(options = {}) {
      client = new RawClient(options);
      return client;
    },
  };
}
